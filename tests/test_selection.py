"""Abstaining: the thresholds keep what they promise, and say so when they cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stancewire.models.calibration import Calibration, fit_temperature
from stancewire.models.selection import Selection, error_bound, for_coverage, for_error
from stancewire.schema import Label
from stancewire.stance import stance


def outcomes(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, the surest first, of labels that are right as often as they are sure."""
    confidence = np.sort(random.uniform(0.34, 1.0, count))[::-1]
    return confidence, random.random(count) < confidence


def calibration(confidence: np.ndarray, right: np.ndarray) -> Calibration:
    return Calibration(confidence=tuple(confidence.tolist()), right=tuple(right.tolist()))


def test_labels_that_are_given_are_wrong_no_more_often_than_wanted() -> None:
    random = np.random.default_rng(0)
    too_often = 0
    for _ in range(200):
        selection = for_error(calibration(*outcomes(random, 2000)), 0.2)
        confidence, right = outcomes(random, 20_000)
        too_often += (~right[confidence >= selection.threshold]).mean() > 0.2
    assert too_often <= 10  # 5 % of 200


def test_a_wish_that_can_be_met_is_met_without_waste() -> None:
    selection = for_error(calibration(*outcomes(np.random.default_rng(1), 4000)), 0.15)
    assert 0.3 < selection.coverage < 0.45  # of an error rate of 0.15 without any margin 0.45 would be answered


def test_a_rate_that_held_out_pairs_cannot_vouch_for_is_refused_with_what_they_can() -> None:
    with pytest.raises(ValueError, match=r"no rate below 0\.\d+"):
        for_error(calibration(*outcomes(np.random.default_rng(2), 200)), 0.001)


def test_everything_is_answered_where_any_error_is_allowed() -> None:
    assert for_error(calibration(*outcomes(np.random.default_rng(3), 100)), 1.0).coverage == 1.0


def test_a_wanted_share_of_targets_is_answered_the_surest_first() -> None:
    made = calibration(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True] * 4))
    assert for_coverage(made, 0.5) == Selection(0.8, 0.5)


@pytest.mark.parametrize("wanted", [0.0, -1.0, 1.5])
def test_what_is_no_share_is_refused(wanted: float) -> None:
    made = calibration(np.array([0.9]), np.array([True]))
    with pytest.raises(ValueError, match=str(wanted)):
        for_error(made, wanted)
    with pytest.raises(ValueError, match=str(wanted)):
        for_coverage(made, wanted)


def test_a_checkpoint_without_outcomes_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="train it again"):
        for_coverage(Calibration(), 0.5)


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    # 0 of 10 wrong: 1 - 0.05 ** (1 / 10); all wrong: 1.
    np.testing.assert_allclose(error_bound(np.array([0, 10]), np.array([10, 10]), 0.05), [1 - 0.05**0.1, 1.0])


def test_a_label_less_sure_than_wanted_is_not_given() -> None:
    probabilities = np.array([0.2, 0.3, 0.5])
    assert stance(probabilities, Selection(0.6)).label is None
    assert stance(probabilities, Selection(0.6)).abstain == "uncertain"
    assert stance(probabilities, Selection(0.5)).label is Label.CRITICAL
    assert stance(probabilities).abstain is None


def test_outcomes_are_kept_with_the_calibration_the_surest_first(tmp_path: Path) -> None:
    logits = np.array([[2.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 1.0], [3.0, 0.0, 0.0]])
    fitted = fit_temperature(logits, np.array([0, 1, 0, 0]))
    assert fitted.right == (True, True, True, False)
    assert list(fitted.confidence) == sorted(fitted.confidence, reverse=True)
    fitted.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == fitted
