"""Reliability and risk-coverage, against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from stancewire.eval.confidence import risk_coverage
from stancewire.models.calibration import expected_calibration_error, reliability


def confident(*tops: float) -> npt.NDArray[np.float64]:
    """Rows that predict the first label with these probabilities."""
    return np.array([[top, (1 - top) / 2, (1 - top) / 2] for top in tops])


def test_the_bins_give_the_expected_calibration_error() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(3), size=300)
    labels = random.integers(3, size=300)
    bins = reliability(probabilities, labels)
    assert sum(part.n for part in bins) == 300
    error = sum(part.n * abs(part.accuracy - part.confidence) for part in bins) / 300
    assert error == pytest.approx(expected_calibration_error(probabilities, labels))


def test_a_bin_tells_how_sure_and_how_right_its_rows_are() -> None:
    unsure, sure = reliability(confident(0.4, 0.6, 0.9, 1.0), np.array([0, 1, 0, 0]), bins=2)
    assert (unsure.low, unsure.high, unsure.n, unsure.accuracy) == (0.0, 0.5, 1, 1.0)
    assert (sure.low, sure.high, sure.n) == (0.5, 1.0, 3)
    assert sure.confidence == pytest.approx((0.6 + 0.9 + 1.0) / 3)
    assert sure.accuracy == pytest.approx(2 / 3)


def test_risk_grows_from_the_most_confident_answers_on() -> None:
    curve = risk_coverage(confident(0.6, 0.9, 0.7, 0.8), np.array([1, 0, 1, 0]))
    assert curve.risks.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx((1 / 3 + 1 / 2) / 4)
    assert (curve.at(0.5), curve.at(1.0)) == (0.0, 0.5)


def test_the_order_of_equally_confident_rows_does_not_matter() -> None:
    one = risk_coverage(confident(0.9, 0.6, 0.6, 0.6), np.array([0, 0, 1, 1]))
    other = risk_coverage(confident(0.6, 0.6, 0.6, 0.9), np.array([1, 1, 0, 0]))
    assert one.risks.tolist() == other.risks.tolist() == pytest.approx([0, 1 / 3, 4 / 9, 1 / 2])


def test_a_model_of_one_confidence_has_the_same_risk_at_every_coverage() -> None:
    assert set(risk_coverage(confident(*[0.5] * 8), np.array([0, 1] * 4)).risks.tolist()) == {0.5}
