"""The language of an article, by py3langid. Loading its model takes about a second, once, on the first call."""

from __future__ import annotations

import functools
import re

from py3langid.langid import MODEL_FILE, LanguageIdentifier

SAMPLE = 20_000
"""Characters of an article that are looked at."""

SURE = 0.5
"""A language other than English is believed from this probability on; headlines and one-line texts stay below it."""

_LATIN_LETTER = re.compile("[A-Za-z]")


def detect_language(text: str) -> tuple[str, float]:
    """The ISO 639-1 code of the language `text` is in, and its probability from 0 to 1.

    Text too short to tell counts as English, with the low probability that English has; text without a single Latin
    letter does not.
    """
    sample = text[:SAMPLE]
    code, probability = _identifier().classify(sample)
    if code == "en" or probability >= SURE or not (_LATIN_LETTER.search(sample) or sample.isascii()):
        return str(code), float(probability)
    return "en", float(dict(_identifier().rank(sample))["en"])


@functools.cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
