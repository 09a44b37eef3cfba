"""The rows of the table: the peer of each, the device, and how far ahead stancewire is to be.

Where a row asks for the best that a peer can do, a few recipes are tried and the fastest is kept.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from benchmarks import hf_trainer
from benchmarks.compare import Bench, Contender, Row, speed, time_to_quality, utilisation
from benchmarks.hf_trainer import Recipe
from benchmarks.measure import Run
from benchmarks.workload import Workload

_ROWS_TRIED = {"cpu": 128, "cuda": None}
_TRIALS = 2  # of each recipe; the better one counts, since another process can only slow it

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


def trainer(recipe: Recipe) -> Callable[[Bench, Row], Contender]:
    """A peer of a given recipe."""
    return lambda _, row: functools.partial(_train, recipe, row)


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
        return functools.partial(_train, best, row)

    return choose


def cross_encoder(_: Bench, __: Row) -> Contender:
    from benchmarks import cross_encoder as module  # its imports need the extra

    return module.run


def _train(recipe: Recipe, row: Row, workload: Workload, *, epochs: int, seed: int) -> Run:
    return hf_trainer.run(workload, recipe, row.device, epochs=epochs, seed=seed, warm_epochs=row.warm_epochs)


_CPU, _GPU = torch.device("cpu"), torch.device("cuda")
_TIME = functools.partial(time_to_quality, schedules=SCHEDULES)
_PAIRS = functools.partial(speed, rate="targets_per_s", unit="pairs/s")

ROWS: Mapping[str, Row] = {
    "T1": Row("Trainer, its defaults, float32, random order", 6, _CPU, trainer(Recipe()), speed),
    "T2": Row("the best Trainer: length-grouped, bf16 or float32", 2, _CPU, fastest_trainer(BEST_ON_CPU), speed),
    "T3": Row("time to T1's final dev macro-F1", 8, _CPU, trainer(Recipe()), _TIME),
    "T4": Row(
        "CrossEncoderTrainer on (target, passage) pairs, statements with several targets",
        8,
        _CPU,
        cross_encoder,
        _PAIRS,
        packages=("accelerate", "datasets", "sentence_transformers"),
        narrow=Workload.several_targets,
    ),
    "T5": Row("MFU against the measured peak", 0.5, _CPU, trainer(Recipe()), utilisation),
    "G1": Row("Trainer, bf16", 10, _GPU, trainer(Recipe({"bf16": True})), speed),
    "G2": Row("the best Trainer: length-grouped, compiled, best batch", 3, _GPU, fastest_trainer(BEST_ON_GPU), speed),
    "G3": Row("MFU against the measured peak", 0.2, _GPU, trainer(Recipe({"bf16": True})), utilisation),
}
