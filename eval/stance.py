"""Measuring stance on stance pairs: what `stancewire evaluate --data` prints."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stancewire.eval.metrics import StanceReport, stance_report
from stancewire.pairs import StancePair
from stancewire.schema import LABELS
from stancewire.stance import StanceClassifier


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """Predictions for every target of every pair.

    Attributes:
        pairs: as given.
        probabilities: one array a pair. *Shape:* (len(pair.targets), 3).
    """

    pairs: Sequence[StancePair]
    probabilities: Sequence[npt.NDArray[np.float64]]

    def report(self) -> StanceReport:
        """Measure the targets that have a label; the targets of one pair stay together in the bootstrap.

        Raises:
            ValueError: where none has.
        """
        rows, labels, groups = [], [], []
        for group, (pair, probabilities) in enumerate(zip(self.pairs, self.probabilities, strict=True)):
            for target, row in zip(pair.targets, probabilities, strict=True):
                if target.label is not None:
                    rows.append(row)
                    labels.append(LABELS.index(target.label))
                    groups.append(group)
        return stance_report(np.array(rows), np.array(labels, dtype=int), np.array(groups, dtype=int))

    def write(self, path: Path) -> None:
        """Write one JSON line a target: id, target, label, prediction and the three probabilities."""
        with open(path, "w", encoding="utf-8") as out:
            for pair, probabilities in zip(self.pairs, self.probabilities, strict=True):
                for target, row in zip(pair.targets, probabilities, strict=True):
                    line: dict[str, Any] = {"id": pair.id, "target": target.target, "label": target.label}
                    line["predicted"] = LABELS[int(row.argmax())]
                    line |= {f"p_{label}": round(float(p), 6) for label, p in zip(LABELS, row, strict=True)}
                    out.write(json.dumps(line, ensure_ascii=False) + "\n")


def measure(classifier: StanceClassifier, pairs: Sequence[StancePair]) -> Measured:
    """Predict every target of `pairs`."""
    return Measured(pairs, classifier.predict_proba(pairs))
