"""The training loop: labelled text in, a checkpoint out.

    stancewire train --preset default --data DIR -o runs/mine

Each epoch every passage is seen once, its slot letters and hidden words drawn anew; after it the moving average of the weights
is measured on the dev pairs, source by source, and the one with the best mean is kept. The same loop runs on a CPU and on a GPU.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from stancewire import stance
from stancewire.eval.metrics import macro_f1
from stancewire.models import checkpoint
from stancewire.models.calibration import Calibration, fit_addressed_from, fit_temperature
from stancewire.models.classifier import SlotClassifier, pool_targets, token_logits
from stancewire.models.inputs import SlotEncoder
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import LABELS
from stancewire.training import encoder as encoders
from stancewire.training.batching import UNKNOWN, Batch, Example, batches, plan
from stancewire.training.card import model_card
from stancewire.training.config import TrainConfig
from stancewire.training.precision import Placement, place

Log = Callable[[dict[str, Any]], None]


@dataclasses.dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run gave: the folder of the checkpoint, dev figures (0 to 1), the epoch kept, its calibration.

    Dev figures are `<source>.macro_f1` and, where candidates are annotated, `<source>.addressed_f1`.
    """

    folder: Path
    dev: dict[str, float]
    epoch: int
    calibration: Calibration


def train(config: TrainConfig, data: Path | None, out: Path, *, device: str = "auto", log: Log = print) -> TrainResult:
    """Train a classifier and write its checkpoint and `metrics.jsonl` into `out`.

    Args:
        data: the folder of outside data, where the sources name one.
        log: called with each record of the metrics.

    Raises:
        FileNotFoundError: for a source without files.
        ValueError: for text out of format, or no dev pairs to choose and calibrate by.
    """
    placement = place(device)
    torch.manual_seed(config.seed)
    train_pairs, dev_pairs = read_sources(config, data)
    network, encoder = encoders.start(config.encoder, config.max_length, config.dropout)
    network.to(placement.device)
    examples = list(encode(train_pairs, encoder))
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "metrics.jsonl", "w", encoding="utf-8") as metrics:

        def record(**fields: Any) -> None:
            metrics.write(json.dumps(fields) + "\n")
            metrics.flush()
            log(fields)

        record(
            event="start",
            device=str(placement.device),
            precision=str(placement.dtype).removeprefix("torch."),
            because=placement.reason,
            train={name: len(pairs) for name, pairs in train_pairs.items()},
            dev={name: len(pairs) for name, pairs in dev_pairs.items()},
            tokens_per_epoch=sum(len(example.ids) for example in examples),
        )
        epoch, scores, weights = fit(config, placement, network, encoder, examples, dev_pairs, record)
        network.load_state_dict(weights)
        classifier = SlotClassifier(network, encoder)
        calibration = DevLogits.of(classifier, [pair for pairs in dev_pairs.values() for pair in pairs]).calibration()
        made = {"config": config.to_dict(), "epoch": epoch, "dev": scores, "torch": torch.__version__}
        checkpoint.save(out, classifier, calibration, model_card(config, scores, calibration), made)
        record(event="done", epoch=epoch, dev=scores, temperature=calibration.temperature, ece=calibration.ece_after)
    return TrainResult(out, scores, epoch, calibration)


def read_sources(
    config: TrainConfig, data: Path | None
) -> tuple[dict[str, list[StancePair]], dict[str, list[StancePair]]]:
    """The pairs to train on and the dev pairs, by source."""
    split = {source.name: source.read(data) for source in config.sources}
    train_pairs = {name: pairs for name, (pairs, _) in split.items() if pairs}
    dev_pairs = {name: pairs for name, (_, pairs) in split.items() if pairs}
    if not train_pairs or not dev_pairs:
        raise ValueError("a run needs pairs to train on and, to choose weights and calibrate by, pairs held out")
    return train_pairs, dev_pairs


def encode(pairs: dict[str, list[StancePair]], encoder: SlotEncoder) -> Iterator[Example]:
    """Training examples of pairs; of a statement in several windows the first is taken."""
    for source in pairs.values():
        wholes = [(part, pair) for pair in source for part in stance.split_targets(stance.passage(pair))]
        for (part, pair), encoded in zip(wholes, encoder.encode([part for part, _ in wholes]), strict=True):
            known = {target.target: target for target in pair.targets}
            listed = [known[part.targets[index]] for index in encoded.order]
            labels = tuple(label_index(target) for target in listed)
            addressed = tuple(addressed_index(target) for target in listed)
            yield Example(np.array(encoded.windows[0]), labels, addressed, pair.weight)


def label_index(target: PairTarget) -> int:
    return UNKNOWN if target.label is None else LABELS.index(target.label)


def addressed_index(target: PairTarget) -> int:
    return UNKNOWN if target.addressed is None else int(target.addressed)


def fit(
    config: TrainConfig,
    placement: Placement,
    network: Any,
    encoder: SlotEncoder,
    examples: Sequence[Example],
    dev_pairs: dict[str, list[StancePair]],
    record: Callable[..., None],
) -> tuple[int, dict[str, float], dict[str, torch.Tensor]]:
    """Run all epochs; return the best epoch, its dev macro-F1 by source, and its weights."""
    lengths = [len(example.ids) for example in examples]
    steps = sum(len(plan(lengths, config.batch_tokens, config.seed, epoch)) for epoch in range(config.epochs))
    optimizer = make_optimizer(network, config)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps, config.warmup))
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(config.average))  # type: ignore[no-untyped-call]
    best: tuple[int, dict[str, float], dict[str, torch.Tensor]] | None = None
    step = 0
    for epoch in range(config.epochs):
        network.train()
        began, losses, tokens, padding = time.perf_counter(), [], 0, 0
        for batch in batches(
            examples, encoder, config.batch_tokens, config.seed, epoch, token_dropout=config.token_dropout
        ):
            losses.append(train_step(config, placement, network, encoder, optimizer, batch))
            schedule.step()
            average.update_parameters(network)
            step += 1
            real = int((batch.input_ids != encoder.pad_id).sum())
            tokens += real
            padding += batch.input_ids.numel() - real
        seconds = time.perf_counter() - began
        classifier = SlotClassifier(average.module, encoder)
        scores = {
            f"{name}.{figure}": score
            for name, pairs in dev_pairs.items()
            for figure, score in DevLogits.of(classifier, pairs).scores().items()
        }
        record(
            event="epoch",
            epoch=epoch,
            step=step,
            loss=float(torch.stack(losses).mean()),
            dev=scores,
            tokens_per_s=round(tokens / seconds),
            padding=padding / (tokens + padding),
        )
        if best is None or mean_macro_f1(scores) > mean_macro_f1(best[1]):
            best = epoch, scores, copy.deepcopy(average.module.state_dict())
    assert best is not None
    return best


def train_step(
    config: TrainConfig,
    placement: Placement,
    network: Any,
    encoder: SlotEncoder,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
) -> torch.Tensor:
    """One step; the loss, still on the device."""
    ids = batch.input_ids.to(placement.device)
    with torch.autocast(placement.device.type, placement.dtype, enabled=placement.dtype != torch.float32):
        at_tokens = token_logits(network, ids, encoder)
    logits = pool_targets(at_tokens.float(), ids, batch.counts, encoder.sep_id)
    loss = joint_loss(logits, batch, config.label_smoothing)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.detach()


def joint_loss(logits: torch.Tensor, batch: Batch, label_smoothing: float) -> torch.Tensor:
    """Cross-entropy of the labels plus that of being addressed, over what is known, as a mean over the targets.

    *Shape:* logits (targets, 4).
    """
    labels, addressed = batch.labels.to(logits.device), batch.addressed.to(logits.device)
    weights = batch.weights.to(logits.device)
    stances = nn.functional.cross_entropy(
        logits[:, :3], labels, reduction="none", ignore_index=UNKNOWN, label_smoothing=label_smoothing
    )
    decisions = nn.functional.binary_cross_entropy_with_logits(
        logits[:, 3], addressed.clamp(min=0).float(), reduction="none"
    )
    return ((stances + decisions * (addressed != UNKNOWN)) * weights).sum() / weights.sum()


def make_optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; biases and norms are not decayed (Loshchilov & Hutter, ICLR 2019)."""
    matrices = [parameter for parameter in network.parameters() if parameter.ndim >= 2]
    others = [parameter for parameter in network.parameters() if parameter.ndim < 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


def rate(step: int, steps: int, warmup: float) -> float:
    """The learning rate as a share of its peak: a linear rise over `warmup` of the steps, then a linear fall to 0."""
    rise = max(1, math.ceil(steps * warmup))
    return (step + 1) / rise if step < rise else max(0.0, (steps - step) / max(1, steps - rise))


@dataclasses.dataclass(frozen=True, slots=True)
class DevLogits:
    """Logits of dev targets, with what is known of them. *Shapes:* (targets, 4), (targets,), (targets,)."""

    logits: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    addressed: npt.NDArray[np.int64]

    @classmethod
    def of(cls, classifier: SlotClassifier, pairs: Sequence[StancePair]) -> DevLogits:
        parts = [part for pair in pairs for part in stance.split_targets(stance.passage(pair))]
        targets = [target for pair in pairs for target in pair.targets]
        return cls(
            np.concatenate(classifier.logits(parts)),
            np.array([label_index(target) for target in targets]),
            np.array([addressed_index(target) for target in targets]),
        )

    def scores(self) -> dict[str, float]:
        """Macro-F1 of the labels and, where some targets are known not to be addressed, F1 of that decision."""
        known = self.labels != UNKNOWN
        scores = {"macro_f1": macro_f1(self.labels[known], self.logits[known, :3].argmax(axis=1))}
        decided = self.addressed != UNKNOWN
        if (self.addressed == 0).any():
            wanted, found = self.addressed[decided] == 1, self.logits[decided, 3] >= self.addressed_from()
            scores["addressed_f1"] = 2 * float((wanted & found).sum()) / float(wanted.sum() + found.sum())
        return scores

    def addressed_from(self) -> float:
        decided = self.addressed != UNKNOWN
        return fit_addressed_from(self.logits[decided, 3], self.addressed[decided] == 1)

    def calibration(self) -> Calibration:
        known = self.labels != UNKNOWN
        fitted = fit_temperature(self.logits[known, :3], self.labels[known])
        return dataclasses.replace(fitted, addressed_from=self.addressed_from())


def mean_macro_f1(scores: dict[str, float]) -> float:
    """What the kept weights are chosen by: the mean macro-F1 over the dev sources."""
    chosen = [score for name, score in scores.items() if name.endswith(".macro_f1")]
    return sum(chosen) / len(chosen)
