"""The contender the others are measured against: `stancewire.training.Trainer`, as `stancewire train` runs it."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import Run
from benchmarks.workload import Workload
from stancewire.training.trainer import Trainer


def run(workload: Workload, device: torch.device, *, epochs: int, seed: int, **settings: Any) -> Run:
    """Train with the default preset, `settings` of `TrainConfig` replaced, and measure the last weights on the dev pairs.

    Raises:
        ValueError: where it did not train on the same tokens as the others.
    """
    config = dataclasses.replace(workload.config, epochs=epochs, seed=seed, **settings)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        result = Trainer(
            config,
            out,
            train=workload.train,
            dev=workload.dev,
            device=str(device),
            cache=workload.cache,
            log=lambda _: None,
        ).fit()
        score = last_macro_f1(out / "metrics.jsonl")
    if result.tokens != epochs * workload.tokens:
        raise ValueError(f"trained on {result.tokens} tokens; expected {epochs} × {workload.tokens}")
    return Run(result.tokens, epochs * workload.targets, result.seconds, score)


def last_macro_f1(metrics: Path) -> float:
    """The dev macro-F1 after the last epoch: peers keep their last weights too, not the best on the dev pairs."""
    records = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    dev: dict[str, float] = [record["dev"] for record in records if record["event"] == "epoch"][-1]
    scores = [score for name, score in dev.items() if name.endswith("macro_f1")]
    return sum(scores) / len(scores)
