"""How a row is measured: ours and its peer in turn, and what is made of their runs.

Warm-up is left out for both: each contender first runs on a small part of the workload, and on a GPU, where every run has to
choose or compile its kernels, each run has epochs that are not timed.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch

from benchmarks import ours
from benchmarks.measure import Run, alternate, product_peak
from benchmarks.workload import Workload
from stancewire.training.flops import Cost
from stancewire.training.precision import place

_ROWS_TIMED = {"cpu": 512, "cuda": None}
_EPOCHS_TIMED = {"cpu": 1, "cuda": 20}
_ROWS_WARM = 64
_GATE = 0.003  # of macro-F1


class Contender(Protocol):
    """Trains and measures; see `hf_trainer.run`."""

    def __call__(self, workload: Workload, *, epochs: int, seed: int) -> Run: ...


Trial = Callable[[Workload, int], Run]
"""A run over a workload with a seed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bench:
    """What a measurement is made with.

    Attributes:
        workload: all there is to train on.
        repeats: runs of each contender, or seeds of the gate.
        epochs: of the runs that go for quality; 3 is what a `Trainer` does by itself.
        rows: statements to train on instead of what each kind of run takes by itself.
    """

    workload: Workload
    repeats: int = 5
    epochs: int = 3
    rows: int | None = None
    threads: int = 2
    log: Callable[[str], None] = print

    def timed(self, row: Row) -> tuple[Workload, int]:
        """What runs that are only timed train on, and for how many epochs."""
        workload = row.narrow(self.workload).sample(self.rows or _ROWS_TIMED[row.device.type])
        return workload.with_little_dev(), _EPOCHS_TIMED[row.device.type]

    def whole(self, row: Row) -> Workload:
        """What runs that go for quality train on."""
        return row.narrow(self.workload).sample(self.rows)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes:
        title: what it compares.
        goal: the ratio to reach.
        device: where it is run.
        peer: makes the peer; may try recipes.
        measure: gives the figures, among them "ratio".
        packages: what has to be installed besides stancewire.
        narrow: picks the statements the row is about.
    """

    title: str
    goal: float
    device: torch.device
    peer: Callable[[Bench, Row], Contender]
    measure: Callable[[Bench, Row], dict[str, Any]]
    packages: tuple[str, ...] = ("accelerate",)
    narrow: Callable[[Workload], Workload] = lambda workload: workload

    def obstacle(self) -> str | None:
        """Why the row cannot be run here; None where it can."""
        if self.device.type == "cuda" and not torch.cuda.is_available():
            return "no GPU is to be had here"
        missing = [name for name in self.packages if importlib.util.find_spec(name) is None]
        return f"not installed: {', '.join(missing)}; pip install stancewire[bench]" if missing else None

    @property
    def warm_epochs(self) -> int:
        """Epochs before those that are timed: on a GPU, kernels are chosen or compiled for each network anew."""
        return 1 if self.device.type == "cuda" else 0

    def ours(self, workload: Workload, *, epochs: int, seed: int, **settings: Any) -> Run:
        return ours.run(workload, self.device, epochs=epochs, seed=seed, warm_epochs=self.warm_epochs, **settings)


def speed(bench: Bench, row: Row, rate: str = "tokens_per_s", unit: str = "real tokens/s") -> dict[str, Any]:
    """Ours and the peer in turn; the ratio of their median rates."""
    workload, epochs = bench.timed(row)
    runs = _alternate(bench, workload, _for(epochs, {"ours": row.ours, "peer": row.peer(bench, row)}))
    rates = {name: statistics.median(getattr(run, rate) for run in of) for name, of in runs.items()}
    return {
        "ratio": rates["ours"] / rates["peer"],
        **rates,
        "unit": unit,
        "statements": len(workload.train),
        "seconds": _seconds(runs),
    }


def time_to_quality(bench: Bench, row: Row, schedules: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Seconds of training until the peer's final dev macro-F1 is reached, both as means over the seeds.

    Each schedule of ours, the shortest first, is a complete run; the first whose mean macro-F1 is the peer's or better counts.
    """
    workload = bench.whole(row)
    trials = {name: functools.partial(_with_settings, row, settings) for name, settings in schedules.items()}
    runs = _alternate(bench, workload, {**trials, **_for(bench.epochs, {"peer": row.peer(bench, row)})})
    seconds = {name: statistics.median(run.seconds for run in of) for name, of in runs.items()}
    scores = {name: statistics.fmean(run.macro_f1 for run in of) for name, of in runs.items()}
    reached = next((name for name in schedules if scores[name] >= scores["peer"]), None)
    return {
        "ratio": seconds["peer"] / seconds[reached] if reached else None,
        "ours": seconds[reached] if reached else None,
        "peer": seconds["peer"],
        "unit": "s",
        "schedule": reached,
        "macro_f1": scores,
        "seconds": _seconds(runs),
    }


def utilisation(bench: Bench, row: Row) -> dict[str, Any]:
    """Model FLOP/s of ours (formula and source: `training/flops.py`) over the peak measured just before each run; medians.

    The peak is that of matrix products in the precision that ours chooses there.
    """
    workload, epochs = bench.timed(row)
    placement = place(str(row.device))
    flops = epochs * Cost.of(workload.network(0.0)).flops(workload.lengths)
    peaks = []

    def measure_peak_and_train(workload: Workload, seed: int) -> Run:
        peaks.append(product_peak(placement))
        return row.ours(workload, epochs=epochs, seed=seed)

    runs = _alternate(bench, workload, {"ours": measure_peak_and_train})["ours"]
    done, peak = (
        statistics.median(flops / run.seconds for run in runs),
        statistics.median(peaks[1:]),
    )  # not the warm-up's
    return {"ratio": done / peak, "ours": done, "peer": peak, "unit": f"FLOP/s, {placement.precision}"}


def gate(bench: Bench, row: Row) -> dict[str, Any]:
    """Dev macro-F1 of ours and of the peer after the same epochs over the same rows, as means over the seeds."""
    workload = bench.whole(row)
    runs = _alternate(bench, workload, _for(bench.epochs, {"ours": row.ours, "peer": row.peer(bench, row)}))
    scores = {name: [run.macro_f1 for run in of] for name, of in runs.items()}
    means = {name: statistics.fmean(of) for name, of in scores.items()}
    return {**means, "within": means["ours"] >= means["peer"] - _GATE, "unit": "dev macro-F1", "seeds": scores}


def _seconds(runs: Mapping[str, Sequence[Run]]) -> dict[str, list[float]]:
    return {name: [round(run.seconds, 3) for run in of] for name, of in runs.items()}


def _for(epochs: int, contenders: Mapping[str, Contender]) -> dict[str, Trial]:
    def trial(contender: Contender) -> Trial:
        return lambda workload, seed: contender(workload, epochs=epochs, seed=seed)

    return {name: trial(contender) for name, contender in contenders.items()}


def _with_settings(row: Row, settings: Mapping[str, Any], workload: Workload, seed: int) -> Run:
    return row.ours(workload, seed=seed, **settings)


def _alternate(bench: Bench, workload: Workload, trials: Mapping[str, Trial]) -> dict[str, list[Run]]:
    """`measure.alternate` over a workload, after each has run on a small part of it."""
    few = workload.sample(_ROWS_WARM).with_little_dev()

    def on(part: Workload) -> dict[str, Callable[[int], Run]]:
        return {name: functools.partial(trial, part) for name, trial in trials.items()}

    alternate(on(few), 1, bench.threads, log=lambda _: None)
    return alternate(on(workload), bench.repeats, bench.threads, log=bench.log)
