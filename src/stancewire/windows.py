"""Which sentences are read with a statement: those that carry it, a few before, and the article's first.

The first sentence says what an article is about; what a statement leaves unnamed stands there or just before.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence
from typing import Protocol, TypeVar

from stancewire.schema import Span
from stancewire.text import Document

CONTEXT_SENTENCES = 3


class _Placed(Protocol):
    @property
    def span(self) -> Span: ...


_P = TypeVar("_P", bound=_Placed)


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """The sentences around a statement. `lead` is None where the context or body begins with the first sentence.

    `context` ends where `body`, the sentences that carry the statement, begins.
    """

    lead: Span | None
    context: Span
    body: Span

    @property
    def stretches(self) -> tuple[Span, ...]:
        """What is read, in order and disjoint."""
        near = Span(self.context.start, self.body.end)
        return (near,) if self.lead is None else (self.lead, near)


def window(document: Document, statement: Sequence[Span]) -> Window:
    """The sentences to read with a statement, given by its pieces in order."""
    sentences = document.sentences
    start, end = statement[0].start, statement[-1].end
    first = bisect.bisect_right(sentences, start, key=lambda sentence: sentence.end)
    after = bisect.bisect_left(sentences, end, lo=first, key=lambda sentence: sentence.start)
    if first < after:
        start, end = min(start, sentences[first].start), max(end, sentences[after - 1].end)
    before = sentences[max(0, first - CONTEXT_SENTENCES) : first]
    context = Span(before[0].start if before else start, start)
    lead = sentences[0] if first > CONTEXT_SENTENCES else None
    return Window(lead, context, Span(start, end))


def starting_in(stretch: Span, items: Sequence[_P]) -> Sequence[_P]:
    """Those of `items`, sorted by place, that begin in a stretch of text; found by bisection."""
    first = bisect.bisect_left(items, stretch.start, key=start_of)
    return items[first : bisect.bisect_left(items, stretch.end, lo=first, key=start_of)]


def start_of(item: _Placed) -> int:
    return item.span.start
