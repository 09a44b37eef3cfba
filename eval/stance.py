"""What a classifier makes of labelled statements, and of the same with all states merged into one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stancewire.eval.cases import Cases, Floats
from stancewire.eval.metrics import StanceReport, macro_f1, stance_report
from stancewire.models.inputs import Passage, SlotMention
from stancewire.pairs import StancePair
from stancewire.schema import LABELS
from stancewire.stance import StanceClassifier

_MERGED = "every state"


def predict(classifier: StanceClassifier, cases: Cases) -> list[Floats]:
    """Probabilities of all targets of every statement. *Shape:* (targets, 3) each."""
    return [judgement.probabilities for judgement in classifier.judge(cases.passages)]


def predict_merged(classifier: StanceClassifier, cases: Cases) -> list[Floats]:
    """The target-blind control: one slot for all states of a passage, so one label for all its targets.

    *Shape:* (targets, 3) for each statement, its rows the same.
    """
    judged = classifier.judge([_merged(read) for read in cases.passages])
    return [
        np.repeat(judgement.probabilities, len(read.targets), axis=0)
        for judgement, read in zip(judged, cases.passages, strict=True)
    ]


def _merged(read: Passage) -> Passage:
    return dataclasses.replace(
        read,
        mentions=tuple(SlotMention(mention.span, _MERGED) for mention in read.mentions),
        targets=(_MERGED,),
        speaker_state=read.speaker_state and _MERGED,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Disagreement:
    """Statements whose targets have different labels: there a model must tell one target from the other.

    Attributes:
        statements: how many.
        pairs: their targets.
        all_right: share of the statements with every target right, 0 to 1.
        accuracy: share of the targets that is right, 0 to 1.
        macro_f1: over the targets, 0 to 1.
    """

    statements: int
    pairs: int
    all_right: float
    accuracy: float
    macro_f1: float


def disagreement(cases: Cases, probabilities: Floats) -> Disagreement | None:
    """Measure the statements whose targets disagree; None where there are none. *Shape:* (rows, 3)."""
    rows = cases.disagreeing()
    if not rows.any():
        return None
    labels, predicted = cases.labels[rows], probabilities[rows].argmax(axis=1)
    _, statement = np.unique(cases.statements[rows], return_inverse=True)
    wrong = np.bincount(statement, labels != predicted)
    return Disagreement(
        statements=len(wrong),
        pairs=len(labels),
        all_right=float((wrong == 0).mean()),
        accuracy=float((labels == predicted).mean()),
        macro_f1=macro_f1(labels, predicted),
    )


def report_of(cases: Cases, probabilities: Floats, rows: npt.NDArray[np.integer[Any]] | None = None) -> StanceReport:
    """Measure all rows or some; those of one article or speech stay together in the bootstrap. *Shape:* (rows, 3)."""
    chosen = np.arange(len(cases)) if rows is None else rows
    return stance_report(probabilities[chosen], cases.labels[chosen], cases.groups[chosen])


def write_predictions(pairs: Iterable[StancePair], judged: Sequence[Floats], path: Path) -> None:
    """Write one JSON line a target: id, target, label, prediction and the three probabilities."""
    with open(path, "w", encoding="utf-8") as out:
        for pair, probabilities in zip(pairs, judged, strict=True):
            for target, row in zip(pair.targets, probabilities, strict=True):
                line: dict[str, Any] = {"id": pair.id, "target": target.target, "label": target.label}
                line["predicted"] = LABELS[int(row.argmax())]
                line |= {f"p_{label}": round(float(p), 6) for label, p in zip(LABELS, row, strict=True)}
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
