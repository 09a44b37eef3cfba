"""A small word list and the segmentation of letters that lost their spaces.

The list (`data/words.tsv`, 13,000 forms counted in our own corpus) only has to tell a word from a fragment and to price
the usual words of news; names and rare words go through the model of unknown words. Segmentation is the unigram Viterbi
of Norvig, "Natural Language Corpus Data" (Beautiful Data, 2009): linear in the number of letters.
"""

from __future__ import annotations

import functools
import math
from importlib import resources

LONGEST = 18
"""Letters of the longest word that segmentation considers."""

_SUFFIXES = ("'s", "s", "es", "d", "ed", "ing", "ly", "er", "ers")


@functools.cache
def counts() -> dict[str, int]:
    """Lower-case word to its count in the corpus."""
    lines = resources.files("stancewire").joinpath("data/words.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {word: int(count) for word, count in rows}


@functools.lru_cache(maxsize=65536)
def is_word(text: str) -> bool:
    """Whether the list knows `text`, in any letter case, as it stands or as an inflected form of a longer word.

    A form of one or two letters has to be frequent: the rare ones are fragments more often than words.
    """
    word = text.lower().replace("’", "'")
    count = counts().get(word, 0)
    if len(word) <= 2:
        return count >= 10
    if count:
        return True
    for suffix in _SUFFIXES:
        stem = word.removesuffix(suffix)
        if 3 <= len(stem) < len(word) and (stem in counts() or stem + "e" in counts()):
            return True
    return False


@functools.lru_cache(maxsize=4096)
def segment(letters: str) -> tuple[str, ...]:
    """Split a string without spaces into its most probable words, in the letter case given."""
    prices, total = _prices()
    unknown = [0.0, *(math.log10(total) - 1 + length for length in range(1, LONGEST + 1))]
    lower = letters.lower().replace("’", "'")
    cost, back = [0.0], [0]
    for end in range(1, len(lower) + 1):
        best, start = math.inf, 0
        for begin in range(max(0, end - LONGEST), end):
            price = cost[begin] + prices.get(lower[begin:end], unknown[end - begin])
            if price < best:
                best, start = price, begin
        cost.append(best)
        back.append(start)
    words = []
    end = len(lower)
    while end:
        words.append(letters[back[end] : end])
        end = back[end]
    return tuple(reversed(words))


@functools.cache
def _prices() -> tuple[dict[str, float], int]:
    """Word to its negative log10 probability, and the size of the corpus."""
    total = sum(counts().values())
    return {word: math.log10(total / count) for word, count in counts().items()}, total
