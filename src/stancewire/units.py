"""The stretches that reported speech is read in: sentences, joined and cut where quotation and attribution need it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stancewire.quotation_marks import Quotation
from stancewire.schema import Span
from stancewire.text import Document

_LONGEST = 6000  # characters; cuts what no newspaper prints, and keeps the time linear
_SEMICOLON = re.compile(r"; (?!(?:and |but |or )?that\b|and\b|but\b|or\b)")


def find_units(doc: Document, masked: str, quotations: Sequence[Quotation]) -> Iterator[Span]:
    """The units of `doc` in order. `masked` is its text with `quotations` masked.

    Sentences are joined where a quotation straddles their border, or where the second opens in lower case
    ("“Why?” he asked"), and cut at semicolons of the reporter's.
    """
    inside = 0
    start: int | None = None
    for number, sentence in enumerate(doc.sentences):
        start = sentence.start if start is None else start
        while inside < len(quotations) and quotations[inside].outer.end <= sentence.end:
            inside += 1
        following = doc.sentences[number + 1] if number + 1 < len(doc.sentences) else None
        if following and "\n" not in doc.text[sentence.end : following.start]:
            straddles = inside < len(quotations) and quotations[inside].outer.start < sentence.end
            if straddles or doc.text[following.start].islower():
                continue
        for semicolon in _SEMICOLON.finditer(masked, start, sentence.end):
            yield from _pieces(start, semicolon.start())
            start = semicolon.end()
        yield from _pieces(start, sentence.end)
        start = None


def _pieces(start: int, end: int) -> Iterator[Span]:
    for cut in range(start, end, _LONGEST):
        yield Span(cut, min(end, cut + _LONGEST))
