"""One part of a job: so many items labelled into a file of rows, and what the ledger is to know of them.

Each line of the file is `{"item": number, "row": {…}}`, the number counting all items of the job from 0.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from stancewire.batch.attempts import Labelled, Labeller, label_batch
from stancewire.batch.duplicates import Signature, signature
from stancewire.batch.items import Found, Item, SetAside
from stancewire.batch.ledger import Counts, Ledger, Part
from stancewire.durable import committed, digest_of

BATCH_CHARACTERS = 2_000_000
"""Characters of the articles that are labelled together, but for a single one that is longer."""

Numbered = tuple[int, Item]


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """A part whose file is written, and which is not in the ledger yet.

    Attributes:
        sha256: of its file.
        items, rows, without: how many items, rows, and articles without rows.
        stories: item, identifier and MinHash of every article with rows.
        aside: what was set aside, with its item.
    """

    sha256: str
    items: int
    rows: int
    without: int
    stories: list[tuple[int, str, Signature]]
    aside: list[tuple[int, SetAside]]

    def enter(self, ledger: Ledger, number: int, source: int, item: int) -> Part:
        """Put the part into the ledger, in one transaction; the next one begins at `item` of `source`."""
        with ledger.transaction():
            copies = sum(ledger.join(*story) for story in self.stories)
            for place, aside in self.aside:
                ledger.add_aside(place, aside)
            counts = Counts(
                items=self.items,
                labelled=len(self.stories) - copies,
                without=self.without,
                duplicates=copies,
                aside=len(self.aside),
                rows=self.rows,
            )
            part = Part(number, self.sha256, source, item, counts)
            ledger.add_part(part)
        return part


def write_part(path: Path, items: Iterable[Numbered], label: Labeller, batch_size: int) -> Draft:
    """Label the items of a part into its file, which is committed whole."""
    count = rows = without = 0
    stories: list[tuple[int, str, Signature]] = []
    aside: list[tuple[int, SetAside]] = []
    with committed(path) as file:
        for number, result in _labelled(items, label, batch_size):
            count += 1
            if isinstance(result, SetAside):
                aside.append((number, result))
            elif not result.rows:
                without += 1
            else:
                for row in result.rows:
                    file.write(json.dumps({"item": number, "row": row}, default=str).encode() + b"\n")
                rows += len(result.rows)
                article = result.article
                stories.append((number, article.doc_id, signature(result.statements, article.text)))
    sha256 = digest_of(path)
    assert sha256 is not None
    return Draft(sha256, count, rows, without, stories, aside)


def _labelled(items: Iterable[Numbered], label: Labeller, batch_size: int) -> Iterator[tuple[int, Labelled | SetAside]]:
    """What becomes of each item, in order."""
    for batch in _batches(items, batch_size):
        articles = [found for _, found in batch if isinstance(found, Found)]
        results = iter(label_batch(articles, label)) if articles else iter(())
        for number, found in batch:
            yield number, found if isinstance(found, SetAside) else next(results)


def _batches(items: Iterable[Numbered], batch_size: int) -> Iterator[list[Numbered]]:
    """So many items, but no more characters than `BATCH_CHARACTERS`."""
    batch: list[Numbered] = []
    characters = 0
    for number, item in items:
        size = len(item.article.text) if isinstance(item, Found) else 0
        if batch and (len(batch) == batch_size or characters + size > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append((number, item))
        characters += size
    if batch:
        yield batch
