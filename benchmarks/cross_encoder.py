"""The peer of T4: a `sentence_transformers` cross-encoder that reads (target, passage) once for every target.

The passage is the one the slot model reads, with the statement marked, before slots take the place of the names. The
trainer tokenises in every step; the time of that is taken off.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import transformers
from datasets import Dataset
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.losses import CrossEntropyLoss

from benchmarks.hf_trainer import BATCH, StepTimer
from benchmarks.measure import Run
from benchmarks.workload import Workload
from stancewire import stance
from stancewire.eval.metrics import macro_f1
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import LABELS
from stancewire.states import Gazetteer
from stancewire.training.encoder import encoder_path


def run(workload: Workload, *, epochs: int, seed: int) -> Run:
    """Train on a CPU with the trainer's defaults, and measure the last weights on the dev pairs."""
    transformers.set_seed(seed)
    model = CrossEncoder(
        encoder_path(workload.config.encoder),
        num_labels=len(LABELS),
        max_length=workload.config.max_length,
        device="cpu",
    )
    tokenising = Stopwatch(model.preprocess)
    model.preprocess = tokenising
    timer = StepTimer(model.device)
    targets, passages, labels = texts(workload.train)
    with tempfile.TemporaryDirectory() as folder:
        trainer = CrossEncoderTrainer(
            model=model,
            args=CrossEncoderTrainingArguments(
                output_dir=folder,
                use_cpu=True,
                per_device_train_batch_size=BATCH,
                num_train_epochs=epochs,
                seed=seed,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
            ),
            train_dataset=Dataset.from_dict({"target": targets, "passage": passages, "label": labels}),
            loss=CrossEntropyLoss(model),
            callbacks=[timer],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    seconds = timer.seconds - tokenising.seconds
    targets, passages, gold = texts(workload.dev)
    logits = model.predict(list(zip(targets, passages, strict=True)), show_progress_bar=False)
    return Run(
        tokens=epochs * workload.tokens,
        targets=epochs * workload.targets,
        seconds=seconds,
        macro_f1=macro_f1(np.array(gold), np.asarray(logits).argmax(-1)),
    )


def texts(pairs: Sequence[StancePair]) -> tuple[list[str], list[str], list[int]]:
    """The name of each labelled target, its passage, and the index of its label."""
    targets, passages, labels = [], [], []
    for pair in pairs:
        read = _marked_passage(pair)
        for target in pair.targets:
            if target.label is not None:
                targets.append(_name(pair, target))
                passages.append(read)
                labels.append(LABELS.index(target.label))
    return targets, passages, labels


def _marked_passage(pair: StancePair) -> str:
    passage = stance.passage(pair)
    edges = [0, *(edge for span in passage.statement for edge in (span.start, span.end)), len(passage.text)]
    pieces = [passage.text[start:end] for start, end in itertools.pairwise(edges)]
    return "".join(f"«{piece}»" if index % 2 else piece for index, piece in enumerate(pieces))


def _name(pair: StancePair, target: PairTarget) -> str:
    return target.mentions[0].of(pair.text) if target.mentions else Gazetteer.default().name(target.target)


class Stopwatch:
    """A function, and the seconds spent in it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.seconds = 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return self._function(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - began
