"""When to answer: the confidence from which labels keep to an error rate, or to a share of answers, that a user wants.

The guarantee is that of selective classification with a bound on the risk (Geifman & El-Yaniv, NeurIPS 2017): with a
probability of 95 % over the held-out pairs, labels of new pairs of the same kind that are answered are wrong no more often
than wanted. Twenty coverages are tested together, so the exact binomial bound of each is taken at a twentieth of the 5 %
(Bonferroni; Angelopoulos et al., "Learn then Test", 2021).
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from stancewire.models.calibration import Calibration

DELTA = 0.05
"""The probability that the guarantee fails."""

_COVERAGES = np.arange(1, 21) / 20


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """Answer where the top probability is at least `threshold`; `coverage` is the share of held-out pairs answered."""

    threshold: float = 0.0
    coverage: float = 1.0


EVERYTHING = Selection()


def for_error(calibration: Calibration, wanted: float) -> Selection:
    """The selection that answers most and is wrong in at most a share `wanted` of what it answers.

    Raises:
        ValueError: for a share out of range, a checkpoint without held-out outcomes, or a rate they cannot vouch for.
    """
    _require_share(wanted, "max_error")
    confidence, right = _outcomes(calibration)
    answered = np.maximum(1, (_COVERAGES * len(right)).astype(int))
    wrong = np.cumsum(~right)[answered - 1]
    bounds = error_bound(wrong, answered, DELTA / len(_COVERAGES))
    if not (kept := np.flatnonzero(bounds <= wanted)).size:
        raise ValueError(
            f"max_error {wanted}: {len(right)} held-out pairs vouch for no rate below {bounds.min():.3f}; ask for that or more"
        )
    last = kept[-1]
    return Selection(float(confidence[answered[last] - 1]), float(_COVERAGES[last]))


def for_coverage(calibration: Calibration, wanted: float) -> Selection:
    """The selection that answers a share `wanted`, the surest first.

    Raises:
        ValueError: for a share out of range, or a checkpoint without held-out outcomes.
    """
    _require_share(wanted, "coverage")
    confidence, right = _outcomes(calibration)
    answered = max(1, round(wanted * len(right)))
    return Selection(float(confidence[answered - 1]), answered / len(right))


def error_bound(wrong: npt.NDArray[np.int64], answered: npt.NDArray[np.int64], delta: float) -> npt.NDArray[np.float64]:
    """Upper bound of an error rate at confidence 1 - delta (Clopper & Pearson 1934). *Shapes:* (n,), (n,) to (n,)."""
    # Where all are wrong the bound is 1, and the second parameter of the distribution would be 0.
    bound = beta.ppf(1 - delta, wrong + 1, np.maximum(answered - wrong, 1))
    return np.where(wrong < answered, bound, 1.0)


def _outcomes(calibration: Calibration) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Confidence and whether the label was right, the surest first."""
    if not calibration.confidence:
        raise ValueError(
            "the checkpoint keeps no held-out outcomes to choose a threshold by; train it again to have them"
        )
    return np.array(calibration.confidence), np.array(calibration.right, bool)


def _require_share(value: float, name: str) -> None:
    if not 0 < value <= 1:
        raise ValueError(f"{name} {value}: expected a share above 0 and up to 1")
