"""Metrics of stance labels: macro-F1 with its interval, per-label F1, accuracy, calibration, confusion."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, f1_score

from stancewire.models.calibration import expected_calibration_error
from stancewire.schema import LABELS

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]

_CLASSES = range(len(LABELS))


@dataclasses.dataclass(frozen=True, slots=True)
class StanceReport:
    """How well labels match gold.

    Attributes:
        n: pairs measured.
        macro_f1: mean F1 of the labels, 0 to 1; a label that is neither in gold nor predicted does not count.
        macro_f1_interval: 95 % percentile interval over 1,000 bootstrap samples of the groups (Efron & Tibshirani 1993).
        f1: F1 of each label, 0 to 1.
        ece: expected calibration error, 0 to 1.
        confusion: `confusion[gold][predicted]`, counts.
    """

    n: int
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    f1: dict[str, float]
    accuracy: float
    ece: float
    confusion: dict[str, dict[str, int]]


def stance_report(
    probabilities: Floats, labels: Ints, groups: Ints | None = None, *, samples: int = 1000
) -> StanceReport:
    """Measure predicted probabilities against gold labels.

    Args:
        probabilities: *Shape:* (pairs, 3).
        labels: indices into `schema.LABELS`. *Shape:* (pairs,).
        groups: which pairs stand or fall together in the bootstrap (those of one statement). *Shape:* (pairs,).

    Raises:
        ValueError: for no pairs.
    """
    if len(labels) == 0:
        raise ValueError("no labelled pairs to measure")
    predicted = probabilities.argmax(axis=1)
    matrix = confusion_matrix(labels, predicted, labels=list(_CLASSES))
    return StanceReport(
        n=len(labels),
        macro_f1=macro_f1(labels, predicted),
        macro_f1_interval=_interval(labels, predicted, np.arange(len(labels)) if groups is None else groups, samples),
        f1={
            label.value: float(score)
            for label, score in zip(
                LABELS, f1_score(labels, predicted, labels=list(_CLASSES), average=None, zero_division=0), strict=True
            )
        },
        accuracy=float((predicted == labels).mean()),
        ece=expected_calibration_error(probabilities, labels),
        confusion={
            gold.value: {label.value: int(matrix[i, j]) for j, label in enumerate(LABELS)}
            for i, gold in enumerate(LABELS)
        },
    )


def macro_f1(labels: Ints, predicted: Ints) -> float:
    """Mean F1 over the labels that occur in gold or prediction, 0 to 1. *Shapes:* (pairs,)."""
    return _macro_f1(_counts(labels, predicted))


def _counts(labels: Ints, predicted: Ints) -> npt.NDArray[np.float64]:
    size = len(LABELS)
    return np.bincount(labels * size + predicted, minlength=size * size).reshape(size, size).astype(np.float64)


def _macro_f1(confusion: npt.NDArray[np.float64]) -> float:
    total = confusion.sum(0) + confusion.sum(1)
    present = total > 0
    return float((2 * np.diag(confusion)[present] / total[present]).mean())


def _interval(labels: Ints, predicted: Ints, groups: Ints, samples: int) -> tuple[float, float]:
    _, group = np.unique(groups, return_inverse=True)
    size = group.max() + 1
    # One confusion matrix a group: a bootstrap sample is then a weighted sum of them.
    matrices = np.zeros((size, len(LABELS) ** 2))
    np.add.at(matrices, (group, labels * len(LABELS) + predicted), 1)
    random = np.random.default_rng(0)
    scores = []
    for _ in range(samples):
        times = np.bincount(random.integers(size, size=size), minlength=size).astype(np.float64)
        scores.append(_macro_f1((times @ matrices).reshape(len(LABELS), -1)))
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)
