"""Whether one model is better than another: the paired bootstrap of a difference in macro-F1.

Both are measured on the same samples of the data (Efron & Tibshirani 1993, chapter 16; for language processing Berg-Kirkpatrick,
Burkett & Klein, EMNLP 2012), so what makes a sample hard for both does not blur the difference.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from stancewire.eval.bootstrap import DRAWS, interval, resample
from stancewire.eval.metrics import label_f1, macro_f1

Ints = npt.NDArray[np.integer[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """How much higher the macro-F1 of one model is than that of another on the same rows.

    Attributes:
        difference: first minus second, -1 to 1.
        interval: 95 % percentile interval of it over bootstrap samples.
        p: two-sided; twice the share of samples in which the model that lies behind is not behind, at most 1.
    """

    difference: float
    interval: tuple[float, float]
    p: float


def paired_bootstrap(
    labels: Ints, first: Ints, second: Ints, groups: Ints, *, draws: int = DRAWS, seed: int = 0
) -> Difference:
    """Compare the predictions of two models for the same rows.

    Args:
        labels: indices into `schema.LABELS`, as are the predictions. *Shape:* (rows,).
        first: predictions of one model. *Shape:* (rows,).
        second: predictions of the other. *Shape:* (rows,).
        groups: which rows are drawn together (those of one statement or article). *Shape:* (rows,).
    """
    samples = [
        np.nanmean(label_f1(sample), axis=1)
        for sample in resample(labels, [first, second], groups, draws=draws, seed=seed)
    ]
    differences = samples[0] - samples[1]
    # One is added to either side, so that no finite number of samples calls a difference certain (Davison & Hinkley 1997).
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return Difference(
        difference=macro_f1(labels, first) - macro_f1(labels, second),
        interval=interval(differences),
        p=min(1.0, 2 * (tail + 1) / (draws + 1)),
    )
