"""The lexicon of reporting cues, and where its words stand in a text.

The words are data (`data/cues.tsv`); what a frame means for the text around its cue is the business of
`reported`. Looking a word up is one dictionary access, so that the lexicon may grow without slowing the search.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator
from enum import StrEnum
from importlib.resources import files

from stancewire.schema import Span

_WORD = re.compile(r"[A-Za-z]+")


class Frame(StrEnum):
    """How a cue and what is said stand together (described in the head of `data/cues.tsv`)."""

    SAY = "say"
    THAT = "that"
    REPORT = "report"
    ASIDE = "aside"
    TELL = "tell"
    THINK = "think"
    OBJECT = "object"
    NAME = "name"
    ACCORDING = "according"


@dataclasses.dataclass(frozen=True, slots=True)
class Cue:
    """A cue where it stands in a text. `participle` is true for "saying", false for "said"."""

    span: Span
    lemma: str
    frame: Frame
    participle: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _Form:
    words: str
    lemma: str
    frame: Frame
    participle: bool


def find_cues(text: str, start: int = 0, end: int | None = None) -> Iterator[Cue]:
    """Every cue of `text[start:end]`, in order, the longest form at each place."""
    lexicon = _lexicon()
    position = start
    for match in _WORD.finditer(text, start, len(text) if end is None else end):
        for form in lexicon.get(match[0].lower(), ()):
            finish = match.start() + len(form.words)
            if match.start() >= position and text[match.start() : finish].lower() == form.words:
                if finish < len(text) and text[finish].isalnum():
                    continue
                position = finish
                yield Cue(Span(match.start(), finish), form.lemma, form.frame, form.participle)
                break


@functools.cache
def _lexicon() -> dict[str, tuple[_Form, ...]]:
    """The forms of `data/cues.tsv` by their first word, longest first."""
    forms: dict[str, list[_Form]] = {}
    for line in files("stancewire").joinpath("data/cues.tsv").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        lemma, frame, finite, participles = line.split("\t")
        inflected = [(words, False) for words in finite.split("|")]
        inflected += [(words, True) for words in participles.split("|") if words]
        for words, participle in inflected:
            forms.setdefault(words.split()[0], []).append(_Form(words, lemma, Frame(frame), participle))
    return {first: tuple(sorted(group, key=lambda form: -len(form.words))) for first, group in forms.items()}
