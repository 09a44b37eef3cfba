"""The peer of most rows: a token classifier trained by `transformers.Trainer`, as its expert user would set it up.

Labels stand at the listed slots, -100 elsewhere; `DataCollatorForTokenClassification` pads. The rows are tokenised
beforehand and lie in memory as lists, the fastest data set that a `Trainer` takes.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import transformers
from transformers import (
    DataCollatorForTokenClassification,
    PreTrainedTokenizerFast,
    PrinterCallback,
    TrainerCallback,
    TrainingArguments,
)

from benchmarks.measure import Run, synchronize
from benchmarks.workload import Workload
from stancewire.eval.metrics import macro_f1
from stancewire.models.inputs import SlotEncoder
from stancewire.schema import LABELS
from stancewire.training.cache import Example

BATCH = 32
_NO_LABEL = -100  # what cross-entropy passes over
_QUIET: Mapping[str, Any] = {"save_strategy": "no", "eval_strategy": "no", "report_to": "none", "disable_tqdm": True}


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How a `Trainer` is set up.

    Attributes:
        arguments: of `TrainingArguments`, where they differ from its defaults.
        attention: implementation, as `transformers` calls it.
        dropout: probability in the encoder; 0.1 is what pretrained encoders come with.
        pad_to_multiple_of: tokens; widths that are whole tiles of the matrix units.
    """

    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    attention: str = "sdpa"
    dropout: float = 0.1
    pad_to_multiple_of: int | None = None

    def __str__(self) -> str:
        settings = {**self.arguments, "attention": self.attention, "dropout": self.dropout}
        return " ".join(f"{name}={value}" for name, value in settings.items()) + f" pad={self.pad_to_multiple_of}"


def run(
    workload: Workload, recipe: Recipe, device: torch.device, *, epochs: int, seed: int, warm_epochs: int = 0
) -> Run:
    """Train for `epochs` after `warm_epochs` that are not timed, and measure the last weights on the dev pairs."""
    transformers.set_seed(seed)
    network: Any = workload.network(recipe.dropout)
    network.set_attn_implementation(recipe.attention)
    encoder = workload.slot_encoder
    pad = encoder.tokenizer.id_to_token(encoder.pad_id)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=encoder.tokenizer, pad_token=pad)  # type: ignore[no-untyped-call]
    timer = StepTimer(device, warm_epochs)
    with tempfile.TemporaryDirectory() as folder:
        trainer: Any = transformers.Trainer(
            model=network,
            args=TrainingArguments(
                output_dir=folder,
                **{
                    **_QUIET,
                    "use_cpu": device.type == "cpu",
                    "per_device_train_batch_size": BATCH,
                    "num_train_epochs": warm_epochs + epochs,
                    "seed": seed,
                    **recipe.arguments,
                },
            ),
            train_dataset=features(workload.train_rows, encoder),
            data_collator=DataCollatorForTokenClassification(tokenizer, pad_to_multiple_of=recipe.pad_to_multiple_of),
            callbacks=[timer],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        predicted = trainer.predict(features(workload.dev_rows, encoder))
    gold = np.asarray(predicted.label_ids)
    found = np.asarray(predicted.predictions)[..., : len(LABELS)].argmax(-1)
    known = gold != _NO_LABEL
    return Run(
        tokens=epochs * workload.tokens,
        targets=epochs * workload.targets,
        seconds=timer.seconds,
        macro_f1=macro_f1(gold[known], found[known]),
    )


def features(rows: Sequence[Example], encoder: SlotEncoder) -> list[dict[str, list[int]]]:
    """Rows as a token classifier of `transformers` takes them: the statement's tokens are of the second type."""
    made = []
    for row in rows:
        ids = np.asarray(row.windows[0])
        depth = np.cumsum(ids == encoder.open_id) - np.cumsum(ids == encoder.close_id)
        labels = np.full(len(ids), _NO_LABEL)
        labels[1 : 1 + len(row.labels)] = [label if label >= 0 else _NO_LABEL for label in row.labels]
        made.append(
            {"input_ids": ids.tolist(), "token_type_ids": (depth > 0).astype(int).tolist(), "labels": labels.tolist()}
        )
    return made


class StepTimer(TrainerCallback):
    """Seconds from the first step after the warm-up epochs to the last."""

    def __init__(self, device: torch.device, warm_epochs: int = 0) -> None:
        self._device = device
        self._warm_epochs = warm_epochs
        self._began = 0.0
        self.seconds = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._began = self._now()

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        if self._warm_epochs > 0:
            self._warm_epochs -= 1
            self._began = self._now()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.seconds = self._now() - self._began

    def _now(self) -> float:
        synchronize(self._device)
        return time.perf_counter()
