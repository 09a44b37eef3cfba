"""Labelling that no document ends: one that fails twice on its own is set aside, with the reason.

A broken machine is not a broken document: when a document has failed, a sentence known to be harmless is labelled, and where
that fails as well the run ends instead of setting a whole archive aside.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from stancewire.batch.items import Found, SetAside
from stancewire.schema import Article

if TYPE_CHECKING:
    from stancewire.pipeline import LabelledArticle

Labeller = Callable[[Sequence[Article]], "Sequence[LabelledArticle]"]
"""Labels articles, one result for each, in order; may raise whatever it likes."""

TRIES = 2
_HARMLESS = Article("The foreign minister of Kenya said Mali had kept its word.", doc_id="harmless")
_LONGEST_REASON = 300


class LabellingError(ValueError):
    """Labelling fails whatever the text."""


@dataclasses.dataclass(frozen=True, slots=True)
class Labelled:
    """What became of an article: its rows, and the words of its statements."""

    article: Article
    rows: list[dict[str, Any]]
    statements: list[str]


def label_batch(batch: Sequence[Found], label: Labeller) -> Iterator[Labelled | SetAside]:
    """Label the articles of a batch together; where that fails, each on its own.

    Raises:
        LabellingError: where even a harmless text cannot be labelled.
    """
    try:
        results = _labelled(batch, label)
    except Exception:  # whichever of them it was, it shows when they are taken one by one
        results = [_alone(found, label) for found in batch]
    yield from results


def _alone(found: Found, label: Labeller) -> Labelled | SetAside:
    for _ in range(TRIES):
        try:
            return _labelled([found], label)[0]
        except Exception as error:  # recorded below
            reason = f"labelling failed {TRIES} times: {type(error).__name__}: {error}"[:_LONGEST_REASON]
    try:
        label([_HARMLESS])
    except Exception as error:
        raise LabellingError(f"labelling fails on any text: {type(error).__name__}: {error}") from error
    return found.set_aside(reason, "label")


def _labelled(batch: Sequence[Found], label: Labeller) -> list[Labelled | SetAside]:
    docs = label([found.article for found in batch])
    return [_result(found, doc) for found, doc in zip(batch, docs, strict=True)]


def _result(found: Found, doc: LabelledArticle) -> Labelled | SetAside:
    if doc.unread:
        return found.set_aside(doc.empty_because or "", "label")
    words = [" ".join(span.of(doc.article.text) for span in labelled.statement.spans) for labelled in doc.statements]
    return Labelled(doc.article, doc.rows(), words)
