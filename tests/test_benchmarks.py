"""The benchmarks: the harness runs end to end on a tiny encoder, peers are given what they need, and what is missing is said."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import compare
from benchmarks import train as command
from benchmarks.hf_trainer import features
from benchmarks.measure import Run, alternate
from benchmarks.rows import ROWS
from benchmarks.workload import Workload
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import Label, Span
from stancewire.training.config import load_preset

TEXT = "Chad left Mali. Kenya called it a theft by Chad and Mali."
PAIR = StancePair(
    "1",
    TEXT,
    (Span(TEXT.index("a theft"), len(TEXT) - 1),),
    (PairTarget("TCD", Label.CRITICAL), PairTarget("MLI", Label.NEUTRAL), PairTarget("KEN")),
    speaker_state="KEN",
)
SINGLE = StancePair("2", TEXT, PAIR.statement, PAIR.targets[:1])

needs_accelerate = pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason="the extra bench")
needs_cross_encoder = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("accelerate", "datasets", "sentence_transformers")),
    reason="the extra bench",
)


@pytest.fixture(autouse=True)
def _same_threads_afterwards() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def workload(tiny_encoder: Path, tmp_path: Path) -> Workload:
    config = load_preset("default", encoder=str(tiny_encoder), max_length=128)
    return Workload((PAIR, SINGLE), (PAIR,), config, tmp_path)


def run(tiny_encoder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """The last line of a run of two steps for each contender."""
    small = ["--encoder", str(tiny_encoder), "--max-length", "128", "--rows-per-epoch", "64", "--epochs", "1"]
    command.main([*small, "--threads", "1", "--repeats", "1", "--seeds", "1", *options])
    printed: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return printed


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("T1", marks=needs_accelerate),
        pytest.param("T3", marks=needs_accelerate),
        pytest.param("T4", marks=needs_cross_encoder),
        pytest.param("T5", marks=needs_accelerate),
    ],
)
def test_a_row_gives_its_ratio_on_the_last_line(
    tiny_encoder: Path, capsys: pytest.CaptureFixture[str], row: str
) -> None:
    figures = run(tiny_encoder, capsys, "--rows", row)[row]
    assert figures["peer"] > 0
    assert figures["goal"] == ROWS[row].goal
    if row == "T3" and figures["schedule"] is None:  # two steps may not reach the peer's macro-F1
        assert figures["ratio"] is None
    else:
        expected = figures["peer"] / figures["ours"] if row == "T3" else figures["ours"] / figures["peer"]
        assert figures["ratio"] == pytest.approx(expected)


@needs_accelerate
def test_the_gate_compares_macro_f1(tiny_encoder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = run(tiny_encoder, capsys, "--rows", "T1", "--gate")["T1"]
    assert figures["seeds"] == {"ours": [figures["ours"]], "peer": [figures["peer"]]}
    assert figures["within"] == (figures["ours"] >= figures["peer"] - 0.003)


def test_a_row_whose_peer_is_not_installed_is_skipped_with_the_reason(
    tiny_encoder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare.importlib.util, "find_spec", lambda name: None)
    figures = run(tiny_encoder, capsys, "--rows", "T1,T4")
    assert figures["T1"]["ratio"] is None
    assert "accelerate" in figures["T1"]["skipped"]
    assert "sentence_transformers" in figures["T4"]["skipped"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is present")
def test_gpu_rows_are_skipped_where_there_is_none(tiny_encoder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tiny_encoder, capsys, "--rows", "G1")["G1"] == {"ratio": None, "skipped": "no GPU is to be had here"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@needs_accelerate
@pytest.mark.parametrize("row", ["G1", "G3"])
def test_a_gpu_row_gives_its_ratio(tiny_encoder: Path, capsys: pytest.CaptureFixture[str], row: str) -> None:
    figures = run(tiny_encoder, capsys, "--rows", row)[row]
    assert figures["ratio"] == pytest.approx(figures["ours"] / figures["peer"])


def test_a_row_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--rows", "T9"])
    assert "T9" in capsys.readouterr().err


def test_contenders_run_in_turn_with_the_same_seeds_and_threads() -> None:
    order = []

    def contender(name: str) -> Any:
        def train(seed: int) -> Run:
            order.append((name, seed, torch.get_num_threads()))
            torch.set_num_threads(2)
            return Run(10, 2, 0.5, 0.0)

        return train

    runs = alternate({"a": contender("a"), "b": contender("b")}, 2, 1, log=lambda _: None)
    assert order == [("a", 0, 1), ("b", 0, 1), ("a", 1, 1), ("b", 1, 1)]
    assert [run.tokens_per_s for run in runs["a"]] == [20, 20]


def test_the_token_classifier_has_its_labels_at_the_listed_slots(workload: Workload) -> None:
    encoder = workload.slot_encoder
    (row,) = features(workload.dev_rows, encoder)
    ids = np.array(row["input_ids"])
    labelled = [(place, label) for place, label in enumerate(row["labels"]) if label != -100]
    assert sorted(label for _, label in labelled) == [1, 2]  # Kenya is listed, and not labelled
    assert {place for place, _ in labelled} < {1, 2, 3}
    assert set(ids[1:4]) <= set(encoder.slot_ids)
    stated = np.flatnonzero(row["token_type_ids"])
    assert ids[stated[0]] == encoder.open_id
    assert ids[stated[-1] + 1] == encoder.close_id


@needs_cross_encoder
def test_the_cross_encoder_reads_each_labelled_target_with_the_marked_passage() -> None:
    from benchmarks.cross_encoder import texts

    targets, passages, labels = texts([PAIR])
    assert targets == ["Chad", "Mali"]
    assert labels == [2, 1]
    assert set(passages) == {TEXT.replace("a theft by Chad and Mali", "«a theft by Chad and Mali»")}


def test_statements_with_several_labelled_targets_are_picked(workload: Workload) -> None:
    assert workload.several_targets().train == (PAIR,)


def test_the_work_of_an_epoch_is_counted_without_padding(workload: Workload) -> None:
    assert workload.tokens == sum(len(row.windows[0]) for row in workload.train_rows)
    assert workload.targets == 3
