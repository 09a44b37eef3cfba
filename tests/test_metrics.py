"""Metrics and calibration, against figures worked out by hand or by scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from stancewire.eval.bootstrap import confusion_of, resample
from stancewire.eval.metrics import label_f1, macro_f1, stance_report
from stancewire.models.calibration import Calibration, expected_calibration_error, fit_addressed_from, fit_temperature


def test_macro_f1_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    labels, predicted = random.integers(3, size=(2, 500))
    assert macro_f1(labels, predicted) == pytest.approx(f1_score(labels, predicted, average="macro"))


def test_figures_of_each_label_are_scikit_learns() -> None:
    random = np.random.default_rng(0)
    labels, predicted = random.integers(3, size=(2, 200))
    report = stance_report(np.eye(3)[predicted], labels)
    precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted)
    assert list(report.precision.values()) == pytest.approx(precision)
    assert list(report.recall.values()) == pytest.approx(recall)
    assert list(report.f1.values()) == pytest.approx(f1)
    assert confusion_of(labels, predicted).tolist() == confusion_matrix(labels, predicted).tolist()


def test_the_interval_of_a_label_holds_its_f1_and_one_that_nobody_uses_has_none() -> None:
    labels = np.array([0, 1] * 30)
    report = stance_report(np.eye(3)[np.where(np.arange(60) < 45, labels, 0)], labels)
    for name in ("supportive", "neutral"):
        bounds = report.f1_interval[name]
        assert bounds is not None
        assert bounds[0] < report.f1[name] < bounds[1]
    assert report.f1_interval["critical"] is None
    assert report.f1["critical"] == 0.0


def test_samples_draw_whole_groups_and_the_same_ones_for_every_model() -> None:
    labels, groups = np.array([0, 0, 1, 2]), np.array([7, 7, 3, 3])
    first, second = resample(labels, [labels, labels[::-1]], groups, draws=200)
    assert first.shape == (200, 3, 3)
    assert set(first.sum(axis=(1, 2))) == {4.0}
    # Of two groups of two rows, rows of the gold label 0 come by twos, and the models see the same gold labels.
    assert set(first[:, 0].sum(axis=1)) == {0.0, 2.0, 4.0}
    np.testing.assert_array_equal(first.sum(axis=2), second.sum(axis=2))
    assert np.nanmin(label_f1(first)) == 1.0


def test_a_label_that_nobody_uses_does_not_count() -> None:
    assert macro_f1(np.array([0, 0, 2]), np.array([0, 0, 2])) == 1.0


def test_a_report_counts_what_happened() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.1, 0.2, 0.7]])
    report = stance_report(probabilities, np.array([0, 1, 2, 2]))
    assert report.n == 4
    assert report.accuracy == 0.75
    assert report.confusion["critical"] == {"supportive": 0, "neutral": 1, "critical": 1}
    assert report.f1 == pytest.approx({"supportive": 1.0, "neutral": 2 / 3, "critical": 2 / 3})
    low, high = report.macro_f1_interval
    assert low <= report.macro_f1 <= high


def test_groups_widen_the_interval_when_their_pairs_stand_or_fall_together() -> None:
    labels = np.array([0, 1, 2] * 40)
    probabilities = np.eye(3)[np.where(np.arange(120) < 60, labels, (labels + 1) % 3)]
    alone = stance_report(probabilities, labels).macro_f1_interval
    grouped = stance_report(probabilities, labels, np.arange(120) // 30).macro_f1_interval
    assert grouped[1] - grouped[0] > alone[1] - alone[0]


def test_nothing_to_measure_is_an_error() -> None:
    with pytest.raises(ValueError, match="no labelled pairs"):
        stance_report(np.empty((0, 3)), np.array([], int))


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.tile([0.8, 0.1, 0.1], (10, 1))
    assert expected_calibration_error(probabilities, np.array([0] * 5 + [1] * 5)) == pytest.approx(0.3)


def test_the_fitted_temperature_undoes_overconfidence() -> None:
    random = np.random.default_rng(0)
    honest = random.normal(size=(4000, 3))
    chances = np.exp(honest) / np.exp(honest).sum(1, keepdims=True)
    labels = np.array([random.choice(3, p=row) for row in chances])
    calibration = fit_temperature(honest * 4, labels)
    assert calibration.temperature == pytest.approx(4, rel=0.1)
    assert calibration.ece_before is not None
    assert calibration.ece_after is not None
    assert calibration.ece_after < calibration.ece_before / 3


def test_a_temperature_changes_no_label() -> None:
    logits = np.random.default_rng(0).normal(size=(100, 3))
    np.testing.assert_array_equal(Calibration(3.0).probabilities(logits).argmax(1), logits.argmax(1))


def test_calibration_comes_back_from_disk(tmp_path: Path) -> None:
    calibration = Calibration(1.25, 10, 0.1, 0.02)
    calibration.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == calibration


def test_a_temperature_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"temperature 0\.0"):
        Calibration(0.0)


def test_the_more_targets_are_given_the_surer_must_the_others_be() -> None:
    log_odds = np.array([3.0, 2.0, 1.0, 0.0, -1.0, -2.0, -3.0])
    addressed = np.array([True, False, False, False, False, True, True])
    assert fit_addressed_from(log_odds, addressed) == -3.0  # all, F1 6/10, against the first alone, 2/4
    assert fit_addressed_from(log_odds, addressed, given=100) == 3.0  # 202/204 against 206/210
