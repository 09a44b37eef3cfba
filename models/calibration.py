"""Probabilities that mean what they say: temperature scaling and its measures.

One temperature for all logits (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017): it changes no label,
and a single number cannot overfit the few thousand pairs it is fitted on.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """What turns logits into probabilities, `softmax(logits / temperature)`, and into decisions.

    `addressed_from` is the log-odds from which a statement counts as being about a candidate. `pairs` is the number of
    held-out pairs the temperature was fitted on; `ece_before` and `ece_after` are expected calibration errors on them,
    as fractions. `confidence` is the top probability of each of these pairs, the surest first, and `right` whether its label
    was right: by them `selection` chooses when to answer.
    """

    temperature: float = 1.0
    pairs: int = 0
    ece_before: float | None = None
    ece_after: float | None = None
    addressed_from: float = 0.0
    confidence: tuple[float, ...] = ()
    right: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        if not 0.01 <= self.temperature <= 100:
            raise ValueError(f"temperature {self.temperature}: expected a number between 0.01 and 100")

    def probabilities(self, logits: Floats) -> npt.NDArray[np.float64]:
        """*Shape:* (pairs, 3) to (pairs, 3); rows sum to one."""
        probabilities: npt.NDArray[np.float64] = softmax(np.asarray(logits, np.float64) / self.temperature, axis=1)
        return probabilities

    def save(self, path: Path) -> None:
        fields = dataclasses.asdict(self) | {"right": [int(right) for right in self.right]}
        lines = (f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items())
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Calibration:
        fields = json.loads(path.read_text(encoding="utf-8"))
        outcomes = {
            "confidence": tuple(fields.get("confidence", ())),
            "right": tuple(map(bool, fields.get("right", ()))),
        }
        return cls(**(fields | outcomes))


def fit_temperature(logits: Floats, labels: Ints) -> Calibration:
    """Fit the temperature that gives held-out labels the highest likelihood.

    Args:
        logits: *Shape:* (pairs, 3).
        labels: indices into `schema.LABELS`. *Shape:* (pairs,).

    Raises:
        ValueError: for no pairs.
    """
    if len(labels) == 0:
        raise ValueError("no labelled pairs to fit a temperature on")
    scores = np.asarray(logits, np.float64)
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(scores / np.exp(log_temperature), axis=1)[rows, labels].mean())

    temperature = float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))
    before, after = (Calibration(value).probabilities(scores) for value in (1.0, temperature))
    surest = np.argsort(-after.max(axis=1), kind="stable")
    return Calibration(
        temperature,
        len(labels),
        expected_calibration_error(before, labels),
        expected_calibration_error(after, labels),
        confidence=tuple(np.round(after.max(axis=1)[surest], 6).tolist()),
        right=tuple((after.argmax(axis=1) == labels)[surest].tolist()),
    )


def fit_addressed_from(log_odds: Floats, addressed: npt.NDArray[np.bool_], given: int = 0) -> float:
    """The threshold on held-out log-odds that gives targets the highest F1; 0 where there is nothing to fit.

    Args:
        log_odds: of open candidates. *Shape:* (candidates,).
        addressed: whether each is a target. *Shape:* (candidates,).
        given: targets that are found without being asked for; the more there are, the surer the others must be.
    """
    if not addressed.any():
        return 0.0
    order = np.argsort(-log_odds)
    right = np.cumsum(addressed[order])
    f1 = 2 * (right + given) / (np.arange(1, len(order) + 1) + addressed.sum() + 2 * given)
    return float(log_odds[order][f1.argmax()])


@dataclasses.dataclass(frozen=True, slots=True)
class Bin:
    """The rows whose confidence lies in [low, high): how many, their mean confidence, the share that is right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def reliability(probabilities: Floats, labels: Ints, bins: int = 15) -> tuple[Bin, ...]:
    """The bins of the expected calibration error (Guo et al., ICML 2017) that have rows, from the least confident.

    Args:
        probabilities: *Shape:* (rows, 3).
        labels: indices into `schema.LABELS`. *Shape:* (rows,).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    return tuple(
        Bin(
            low=index / bins,
            high=(index + 1) / bins,
            n=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(right[inside].mean()),
        )
        for index in range(bins)
        if (inside := bin_of == index).any()
    )


def expected_calibration_error(probabilities: Floats, labels: Ints, bins: int = 15) -> float:
    """Mean distance between confidence and accuracy over equal-width bins of the top probability (Guo et al. 2017).

    Args:
        probabilities: *Shape:* (pairs, 3).
        labels: indices into `schema.LABELS`. *Shape:* (pairs,).
    """
    found = reliability(probabilities, labels, bins)
    return sum(part.n * abs(part.accuracy - part.confidence) for part in found) / max(1, len(labels))
