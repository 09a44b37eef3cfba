"""The paired bootstrap: what it can call a difference, and what it cannot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from stancewire.eval.compare import paired_bootstrap
from stancewire.eval.metrics import macro_f1

LABELS = np.array([0, 1, 2] * 40)
ROWS = np.arange(len(LABELS))


def wrong_on(rows: int) -> npt.NDArray[np.int64]:
    """Predictions that miss the first rows."""
    return np.where(rows > ROWS, (LABELS + 1) % 3, LABELS)


def test_the_difference_is_that_of_the_macro_f1() -> None:
    found = paired_bootstrap(LABELS, wrong_on(15), wrong_on(30), ROWS)
    assert found.difference == pytest.approx(macro_f1(LABELS, wrong_on(15)) - macro_f1(LABELS, wrong_on(30)))
    assert found.interval[0] <= found.difference <= found.interval[1]


def test_a_model_does_not_differ_from_itself() -> None:
    found = paired_bootstrap(LABELS, wrong_on(30), wrong_on(30), ROWS)
    assert (found.difference, found.interval, found.p) == (0.0, (0.0, 0.0), 1.0)


def test_turned_round_the_difference_changes_its_sign_and_nothing_else() -> None:
    one, other = (paired_bootstrap(LABELS, wrong_on(a), wrong_on(b), ROWS) for a, b in ((15, 30), (30, 15)))
    assert one.difference == pytest.approx(-other.difference)
    assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]))
    assert one.p == other.p


def test_a_clear_difference_is_called_one_and_never_certain() -> None:
    found = paired_bootstrap(LABELS, wrong_on(0), wrong_on(60), ROWS)
    assert found.interval[0] > 0
    assert found.p == pytest.approx(2 / 2001)


def test_what_rests_on_one_article_is_no_difference() -> None:
    alone = paired_bootstrap(LABELS, wrong_on(0), wrong_on(12), ROWS)
    together = paired_bootstrap(LABELS, wrong_on(0), wrong_on(12), ROWS // 12)
    assert alone.p < 0.01
    assert together.interval[0] == 0.0
    assert together.p > 0.3


def test_the_same_seed_gives_the_same_interval() -> None:
    one, same, other = (paired_bootstrap(LABELS, wrong_on(15), wrong_on(30), ROWS, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one.interval != other.interval
