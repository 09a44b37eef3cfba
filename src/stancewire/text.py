"""Text as the later stages read it: repaired, in paragraphs and sentences, every offset mapping back to the text as given."""

from __future__ import annotations

import dataclasses
import re

from stancewire.schema import Span


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A text and its repaired twin. `paragraphs` and `sentences` are in order, disjoint, in coordinates of `text`."""

    raw: str
    text: str
    paragraphs: tuple[Span, ...]
    sentences: tuple[Span, ...]

    def raw_span(self, span: Span) -> Span:
        """The stretch of `raw` that `span` of `text` was read from."""
        return span


def read(raw: str) -> Document:
    """Repair `raw` and find its paragraphs and sentences."""
    paragraphs = tuple(Span(m.start(), m.end()) for m in re.finditer(r"\S(?:[^\n]*\S)?", raw))
    sentences = tuple(
        Span(p.start + m.start(), p.start + m.end())
        for p in paragraphs
        for m in re.finditer(r"\S.*?(?:[.!?][\"”’')\]]*(?=\s)|$)", p.of(raw))
    )
    return Document(raw, raw, paragraphs, sentences)
