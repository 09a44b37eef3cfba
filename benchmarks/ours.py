"""The contender the others are measured against: `stancewire.training.Trainer`, as `stancewire train` runs it."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import Run
from benchmarks.workload import Workload
from stancewire.training.development import mean_macro_f1
from stancewire.training.reporting import Record
from stancewire.training.trainer import Trainer, TrainResult


def run(
    workload: Workload, device: torch.device, *, epochs: int, seed: int, warm_epochs: int = 0, **settings: Any
) -> Run:
    """Train with the default preset and measure the last weights on the dev pairs.

    Args:
        warm_epochs: epochs that are not timed, for what a run does but once (choose kernels, capture graphs): as many are
            trained alone, and their time is taken off that of `epochs` more.
        settings: fields of `TrainConfig` to replace.

    Raises:
        ValueError: where it did not train on the same tokens as the others.
    """
    result, dev = _fit(workload, device, epochs=warm_epochs + epochs, seed=seed, **settings)
    warm = _fit(workload, device, epochs=warm_epochs, seed=seed, **settings)[0].seconds if warm_epochs else 0.0
    if result.tokens != (warm_epochs + epochs) * workload.tokens:
        raise ValueError(f"trained on {result.tokens} tokens; expected {warm_epochs + epochs} × {workload.tokens}")
    return Run(epochs * workload.tokens, epochs * workload.targets, result.seconds - warm, mean_macro_f1(dev))


def _fit(workload: Workload, device: torch.device, **settings: Any) -> tuple[TrainResult, dict[str, float]]:
    """The result, and the dev figures after the last epoch: peers keep their last weights too, not those best on dev."""
    config = dataclasses.replace(workload.config, **settings)
    epochs: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            config,
            Path(folder),
            train=workload.train,
            dev=workload.dev,
            device=str(device),
            cache=workload.cache,
            listen=lambda record: epochs.append(record) if record["event"] == "epoch" else None,
        )
        return trainer.fit(), epochs[-1]["dev"]
