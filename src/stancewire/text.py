"""Text as the later stages read it: repaired, in paragraphs and sentences, every offset leads back to the text given.

Paragraphs are lines (`repair` has joined the lines of text broken to a column width). Sentences come from punctuation
and a list of abbreviations (`data/abbreviations.tsv`): no model, some 5 MB/s with the repair, linear in the length.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from importlib import resources

from stancewire.repair import OffsetMap, repair
from stancewire.schema import Span


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A text and its repaired twin. `paragraphs` and `sentences` are in order, disjoint, in coordinates of `text`.

    `maps` lead from `text` back to `raw`, one for each pass of `repair` that changed something, first to last.
    """

    raw: str
    text: str
    paragraphs: tuple[Span, ...]
    sentences: tuple[Span, ...]
    maps: tuple[OffsetMap, ...] = ()

    @property
    def repaired(self) -> bool:
        """Whether `text` differs from `raw`."""
        return bool(self.maps)

    def raw_span(self, span: Span) -> Span:
        """The stretch of `raw` that `span` of `text` was read from.

        Raises:
            ValueError: for a span that ends beyond the text.
        """
        if span.end > len(self.text):
            raise ValueError(f"span {span.start}..{span.end} ends beyond the text of {len(self.text)} characters")
        for offsets in reversed(self.maps):
            span = offsets.source(span)
        return span

    def clean_span(self, span: Span) -> Span:
        """The stretch of `text` that was read from `span` of `raw`; empty where a repair took it out."""
        if not self.maps:
            return span
        places = range(len(self.text))
        start = bisect_right(places, span.start, key=lambda place: self.raw_span(Span(place, place + 1)).end)
        end = bisect_left(places, span.end, key=lambda place: self.raw_span(Span(place, place + 1)).start)
        return Span(start, max(start, end))


def read(raw: str) -> Document:
    """Repair `raw` and find its paragraphs and sentences."""
    text, maps = repair(raw)
    paragraphs = tuple(_paragraphs(text))
    sentences = tuple(_sentences(text, paragraphs))
    return Document(raw, text, paragraphs, sentences, maps)


_LINE = re.compile(r"[^\n\f]+")


def _paragraphs(text: str) -> Iterator[Span]:
    """Lines that are not blank, without the white space around them."""
    for line in _LINE.finditer(text):
        content = line[0].strip()
        if content:
            start = line.start() + len(line[0]) - len(line[0].lstrip())
            yield Span(start, start + len(content))


_SENTENCE_END = re.compile(r"[.!?…](?<![.!?…].)[.!?…]*+[\"”’'»›)\]]*+(?=\s)")
_SENTENCE_START = re.compile(r"\s+[\"“‘'«‹„‚(\[\-–—¿¡ ]*+(?:(?P<digit>\d)|(?P<word>[^\W\d_]+))")
_LAST_TOKEN = re.compile(r"[^\s(\[\"“‘«„—–/]+\Z")
_LONGEST_TOKEN = 24


def _sentences(text: str, paragraphs: Sequence[Span]) -> Iterator[Span]:
    """Cut paragraphs after the punctuation that ends a sentence; closing quotation marks and brackets belong to it."""
    ends = _SENTENCE_END.finditer(text)
    end = next(ends, None)
    for paragraph in paragraphs:
        start = paragraph.start
        while end and end.end() <= paragraph.end:
            following = _SENTENCE_START.match(text, end.end(), paragraph.end)
            if following and _ends_sentence(text, end, following):
                yield Span(start, end.end())
                start = end.end() + len(following[0]) - len(following[0].lstrip())
            end = next(ends, None)
        yield Span(start, paragraph.end) if start > paragraph.start else paragraph


def _ends_sentence(text: str, end: re.Match[str], following: re.Match[str]) -> bool:
    """Whether the punctuation `end` closes a sentence, by what stands before it and what follows."""
    word = following["word"]
    if word and word[0].islower():
        return False
    if end[0] != ".":
        return True
    token = _LAST_TOKEN.search(text, max(0, end.start() - _LONGEST_TOKEN), end.start())
    kind = _abbreviation(token[0].rpartition("-")[2]) if token else None
    if kind == "number":
        return word is not None
    if kind == "open":
        return word is not None and _abbreviations().get(word) == "starter"
    return kind != "title"


def _abbreviation(token: str) -> str | None:
    """The kind of an abbreviation written without its last full stop; None for a plain word."""
    if (len(token) == 1 and token.isupper()) or ("." in token and token[-1].isalpha()):
        return "open"
    kind = _abbreviations().get(token.capitalize() if token.isupper() else token)
    return kind if kind != "starter" else None


@functools.cache
def _abbreviations() -> dict[str, str]:
    """Each word of `data/abbreviations.tsv` to its kind."""
    lines = resources.files("stancewire").joinpath("data/abbreviations.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {word: kind for kind, words in rows for word in words.split(" ")}
