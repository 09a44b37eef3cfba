"""Metrics of stance labels: macro-F1 with its interval, per-label figures, accuracy, calibration, confusion."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from stancewire.eval.bootstrap import DRAWS, confusion_of, interval, resample
from stancewire.models.calibration import expected_calibration_error
from stancewire.schema import LABELS

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class StanceReport:
    """How well labels match gold.

    Attributes:
        n: pairs measured.
        macro_f1: mean F1 of the labels, 0 to 1; a label that is neither in gold nor predicted does not count.
        macro_f1_interval: 95 % percentile interval over bootstrap samples of the groups (`bootstrap`).
        f1: F1 of each label, 0 to 1.
        f1_interval: its interval; None for a label that is neither in gold nor predicted.
        precision: of each label, 0 to 1; 0 for one that is never predicted.
        recall: of each label, 0 to 1; 0 for one that gold lacks.
        ece: expected calibration error, 0 to 1.
        confusion: `confusion[gold][predicted]`, counts.
    """

    n: int
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    f1: dict[str, float]
    f1_interval: dict[str, tuple[float, float] | None]
    precision: dict[str, float]
    recall: dict[str, float]
    accuracy: float
    ece: float
    confusion: dict[str, dict[str, int]]


def stance_report(
    probabilities: Floats, labels: Ints, groups: Ints | None = None, *, draws: int = DRAWS
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
    matrix = confusion_of(labels, predicted)
    right, guessed, wanted = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    (samples,) = resample(labels, [predicted], np.arange(len(labels)) if groups is None else groups, draws=draws)
    sampled = label_f1(samples)
    present = guessed + wanted > 0
    return StanceReport(
        n=len(labels),
        macro_f1=macro_f1(labels, predicted),
        macro_f1_interval=interval(np.nanmean(sampled, axis=1)),
        f1=_by_label(np.nan_to_num(label_f1(matrix))),
        f1_interval={
            label.value: interval(sampled[:, index]) if present[index] else None for index, label in enumerate(LABELS)
        },
        precision=_by_label(right / np.maximum(1, guessed)),
        recall=_by_label(right / np.maximum(1, wanted)),
        accuracy=float((predicted == labels).mean()),
        ece=expected_calibration_error(probabilities, labels),
        confusion={
            gold.value: {label.value: int(matrix[i, j]) for j, label in enumerate(LABELS)}
            for i, gold in enumerate(LABELS)
        },
    )


def macro_f1(labels: Ints, predicted: Ints) -> float:
    """Mean F1 over the labels that occur in gold or prediction, 0 to 1. *Shapes:* (pairs,)."""
    return float(np.nanmean(label_f1(confusion_of(labels, predicted))))


def label_f1(confusions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """F1 of each label; NaN for one that is neither in gold nor predicted. *Shape:* (…, 3, 3) to (…, 3)."""
    total = confusions.sum(axis=-1) + confusions.sum(axis=-2)
    right = np.diagonal(confusions, axis1=-2, axis2=-1)
    f1: npt.NDArray[np.float64] = np.divide(2 * right, total, out=np.full(total.shape, np.nan), where=total > 0)
    return f1


def _by_label(scores: npt.NDArray[np.float64]) -> dict[str, float]:
    return {label.value: float(score) for label, score in zip(LABELS, scores, strict=True)}
