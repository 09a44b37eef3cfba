"""What confidence is worth: the risk at each coverage.

Confidence is the highest probability of a row.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Which share of the answers is wrong if only the most confident are given (Geifman & El-Yaniv, NeurIPS 2017).

    Attributes:
        risks: wrong among the `k` most confident rows, as a share, for k = 1 … rows. *Shape:* (rows,).
    """

    risks: npt.NDArray[np.float64]

    @property
    def area(self) -> float:
        """Mean risk over all coverages, 0 to 1; the lower the better."""
        return float(self.risks.mean())

    def at(self, coverage: float) -> float:
        """The risk if this share of the rows is answered; coverage above 0, up to 1."""
        return float(self.risks[max(1, round(coverage * len(self.risks))) - 1])


def risk_coverage(probabilities: Floats, labels: Ints) -> RiskCoverage:
    """The curve of predicted probabilities; among rows of equal confidence errors count as spread evenly.

    Args:
        probabilities: *Shape:* (rows, 3).
        labels: indices into `schema.LABELS`. *Shape:* (rows,).
    """
    wrong = probabilities.argmax(axis=1) != labels
    # A constant model has one confidence for all: the order of its rows must not decide.
    _, tie, size = np.unique(-probabilities.max(axis=1), return_inverse=True, return_counts=True)
    spread = (np.bincount(tie, wrong) / size)[np.sort(tie)]
    return RiskCoverage(np.cumsum(spread) / np.arange(1, len(spread) + 1))
