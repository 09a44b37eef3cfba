"""What is measured: the labelled targets of statements, a row each, and the groups of rows that figures are given for."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from stancewire.models.inputs import Passage
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import LABELS
from stancewire.stance import passage

Ints = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Labelled:
    """A pair to measure on: the file it comes from, and what it stands or falls with (its article or speech)."""

    pair: StancePair
    source: str
    group: str


@dataclasses.dataclass(frozen=True)
class Cases:
    """Labelled targets of statements. A row is one target; rows of one statement follow one another.

    Attributes:
        items: the statements, with targets that have labels and targets that have none.
        passages: what a model reads of each, with all targets of its pair.
        places: index of the statement and of the target in it, by row. *Shape:* (rows, 2).
    """

    items: tuple[Labelled, ...]
    passages: tuple[Passage, ...]
    places: Ints

    @classmethod
    def of(cls, items: Iterable[Labelled]) -> Cases:
        """The rows of statements; those about nobody are left out.

        Raises:
            ValueError: where no target has a label.
        """
        kept = tuple(item for item in items if item.pair.targets)
        places = [
            (index, number)
            for index, item in enumerate(kept)
            for number, target in enumerate(item.pair.targets)
            if target.label is not None
        ]
        if not places:
            raise ValueError("no labelled pairs to measure")
        return cls(kept, tuple(passage(item.pair) for item in kept), np.array(places))

    def __len__(self) -> int:
        return len(self.places)

    @property
    def statements(self) -> Ints:
        """Index of the statement of each row. *Shape:* (rows,)."""
        return self.places[:, 0]

    @functools.cached_property
    def labels(self) -> Ints:
        """Gold labels, indices into `schema.LABELS`. *Shape:* (rows,)."""
        return np.array([LABELS.index(label) for row in range(len(self)) if (label := self.target(row).label)])

    @functools.cached_property
    def groups(self) -> Ints:
        """What is drawn together in the bootstrap. *Shape:* (rows,)."""
        names = [(item.source, item.group) for item in self.items]
        number = {name: index for index, name in enumerate(dict.fromkeys(names))}
        return np.array([number[name] for name in names])[self.statements]

    def item(self, row: int) -> Labelled:
        return self.items[int(self.places[row, 0])]

    def target(self, row: int) -> PairTarget:
        return self.item(row).pair.targets[int(self.places[row, 1])]

    def passage(self, row: int) -> Passage:
        return self.passages[int(self.places[row, 0])]

    def rows_of(self, judged: Sequence[Floats]) -> Floats:
        """The rows among what a model says of all targets.

        Args:
            judged: probabilities of each statement. *Shape:* (its targets, 3).

        Returns:
            *Shape:* (rows, 3).
        """
        return np.stack([judged[statement][target] for statement, target in self.places])

    def disagreeing(self) -> npt.NDArray[np.bool_]:
        """Whether gold has another label for another target of the same statement. *Shape:* (rows,)."""
        labels_of: dict[int, set[int]] = {}
        for statement, label in zip(self.statements, self.labels, strict=True):
            labels_of.setdefault(int(statement), set()).add(int(label))
        return np.array([len(labels_of[int(statement)]) > 1 for statement in self.statements])

    def facets(self) -> dict[str, dict[str, Ints]]:
        """The rows that figures are given for, by kind of facet and by facet, the largest first.

        The kinds are source, phenomenon (a statement may have several, or none), region and evidence.
        """
        found: dict[str, dict[str, list[int]]] = {"source": {}, "phenomenon": {}, "region": {}, "evidence": {}}
        for row in range(len(self)):
            item, code = self.item(row), self.target(row).target
            for kind, names in (
                ("source", [item.source]),
                ("phenomenon", item.pair.tags),
                ("region", [_regions()[code]] if code in _regions() else []),
                ("evidence", [evidence(self.passage(row), code)]),
            ):
                for name in names:
                    found[kind].setdefault(name, []).append(row)
        return {
            kind: {
                name: np.array(rows) for name, rows in sorted(of.items(), key=lambda facet: (-len(facet[1]), facet[0]))
            }
            for kind, of in found.items()
        }


def evidence(read: Passage, target: str) -> str:
    """Where a target is named: in the statement, elsewhere in the passage, or nowhere."""
    places = [mention.span for mention in read.mentions if mention.entity == target]
    if any(place.overlaps(span) for place in places for span in read.statement):
        return "named in the statement"
    return "named beside it" if places else "not named"


@functools.cache
def _regions() -> dict[str, str]:
    """The region of each code (`data/regions.tsv`)."""
    text = resources.files("stancewire").joinpath("data/regions.tsv").read_text(encoding="utf-8")
    _, *rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {row[0]: row[1] for row in rows}
