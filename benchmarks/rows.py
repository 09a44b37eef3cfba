"""The rows of the table: what each compares, on which device, and how far ahead stancewire is to be.

A peer is made into a function of (workload, epochs, seed) by its row; where the row asks for the best that a peer can do, a
few recipes are tried and the fastest is kept.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch

from benchmarks import hf_trainer, ours
from benchmarks.hf_trainer import Recipe
from benchmarks.measure import Run, alternate, product_peak
from benchmarks.workload import Workload
from stancewire.training.flops import Cost
from stancewire.training.precision import place

_ROWS_TIMED = {"cpu": 512, "cuda": None}
_EPOCHS_TIMED = {"cpu": 1, "cuda": 20}
_ROWS_TRIED = {"cpu": 128, "cuda": None}
_ROWS_WARM = 64
_TRIALS = 2  # of each recipe; the better one counts, since another process can only slow it
_GATE = 0.003  # of macro-F1

_LENGTH_GROUPED = {"train_sampling_strategy": "group_by_length", "logging_strategy": "no"}
BEST_ON_CPU = tuple(
    Recipe({**_LENGTH_GROUPED, "bf16": bf16}, attention, dropout=0.0, pad_to_multiple_of=multiple)
    for bf16 in (True, False)
    for attention in ("sdpa", "eager")
    for multiple in (None, 16)
)
BEST_ON_GPU = tuple(
    Recipe(
        {
            **_LENGTH_GROUPED,
            "bf16": True,
            "per_device_train_batch_size": batch,
            "torch_compile": compiled,
            "dataloader_num_workers": 4,
            "dataloader_persistent_workers": True,
        },
        dropout=0.0,
        pad_to_multiple_of=16,
    )
    for compiled in (False, True)
    for batch in (32, 128, 512)
)
SCHEDULES: Mapping[str, Mapping[str, Any]] = {
    "1 epoch": {"epochs": 1, "learning_rate": 3e-4, "batch_tokens": 1024},
    "2 epochs": {"epochs": 2, "learning_rate": 2e-4},
    "3 epochs": {"epochs": 3, "learning_rate": 2e-4},
}
"""Schedules of ours for the time to the peer's quality, the shortest first."""


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

    def trainer(self, recipe: Recipe, workload: Workload, *, epochs: int, seed: int) -> Run:
        return hf_trainer.run(workload, recipe, self.device, epochs=epochs, seed=seed, warm_epochs=self.warm_epochs)


def trainer(recipe: Recipe) -> Callable[[Bench, Row], Contender]:
    """A peer of a given recipe."""
    return lambda _, row: functools.partial(row.trainer, recipe)


def fastest_trainer(recipes: Sequence[Recipe]) -> Callable[[Bench, Row], Contender]:
    """The peer whose recipe gives the most real tokens a second in a short trial."""

    def choose(bench: Bench, row: Row) -> Contender:
        workload = row.narrow(bench.workload).sample(bench.rows or _ROWS_TRIED[row.device.type]).with_little_dev()
        best_rate = dict.fromkeys(recipes, 0.0)
        for _, recipe in itertools.product(range(_TRIALS), recipes):
            torch.set_num_threads(bench.threads)
            tried = hf_trainer.run(workload, recipe, row.device, epochs=1, seed=0, warm_epochs=1)
            best_rate[recipe] = max(best_rate[recipe], tried.tokens_per_s)
        for recipe, rate in best_rate.items():
            bench.log(f"  tried {recipe}: {rate:,.0f} real tokens/s")
        best = max(recipes, key=best_rate.__getitem__)
        bench.log(f"  the fastest peer: {best}")
        return functools.partial(row.trainer, best)

    return choose


def cross_encoder(_: Bench, __: Row) -> Contender:
    from benchmarks import cross_encoder as module  # its imports need the extra

    return module.run


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


def time_to_quality(bench: Bench, row: Row) -> dict[str, Any]:
    """Seconds of training until the peer's final dev macro-F1 is reached, both as means over the seeds.

    Each schedule is a complete run; the shortest whose mean macro-F1 is the peer's or better counts.
    """
    workload = bench.whole(row)
    trials = {name: functools.partial(_with_settings, row, settings) for name, settings in SCHEDULES.items()}
    runs = _alternate(bench, workload, {**trials, **_for(bench.epochs, {"peer": row.peer(bench, row)})})
    seconds = {name: statistics.median(run.seconds for run in of) for name, of in runs.items()}
    scores = {name: statistics.fmean(run.macro_f1 for run in of) for name, of in runs.items()}
    reached = next((name for name in SCHEDULES if scores[name] >= scores["peer"]), None)
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


_CPU, _GPU = torch.device("cpu"), torch.device("cuda")
_PAIRS = functools.partial(speed, rate="targets_per_s", unit="pairs/s")

ROWS: Mapping[str, Row] = {
    "T1": Row("Trainer, its defaults, float32, random order", 6, _CPU, trainer(Recipe()), speed),
    "T2": Row("the best Trainer: length-grouped, bf16 or float32", 2, _CPU, fastest_trainer(BEST_ON_CPU), speed),
    "T3": Row("time to T1's final dev macro-F1", 8, _CPU, trainer(Recipe()), time_to_quality),
    "T4": Row(
        "CrossEncoderTrainer on (target, passage) pairs, statements with several targets",
        8,
        _CPU,
        cross_encoder,
        _PAIRS,
        packages=("accelerate", "datasets", "sentence_transformers"),
        narrow=Workload.several_targets,
    ),
    "T5": Row("MFU against the measured peak", 0.5, _CPU, trainer(Recipe()), utilisation, packages=()),
    "G1": Row("Trainer, bf16", 10, _GPU, trainer(Recipe({"bf16": True})), speed),
    "G2": Row("the best Trainer: length-grouped, compiled, best batch", 3, _GPU, fastest_trainer(BEST_ON_GPU), speed),
    "G3": Row("MFU against the measured peak", 0.2, _GPU, trainer(Recipe({"bf16": True})), utilisation, packages=()),
}
