"""The loop of a run: epochs of steps, dev figures after each, snapshots on the way; taken up where it was cut short.

All that decides what comes next is in `_Progress` and in the tensors of a snapshot: what a killed run has lost is computed
again, to the same bits on a CPU. Nothing in a step waits for the device; every twenty steps the loss is read.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from stancewire.training import snapshots
from stancewire.training.batching import Rows, plan
from stancewire.training.config import TrainConfig
from stancewire.training.data import TrainingData
from stancewire.training.development import DevLogits, mean_macro_f1, scores_of
from stancewire.training.distributed import World
from stancewire.training.flops import Cost
from stancewire.training.learner import Learner
from stancewire.training.reporting import Reporter

_RECORD_STEPS = 20


@dataclasses.dataclass(slots=True)
class _Progress:
    """Where a run is: everything but tensors. `batches` and `rows` are those done, of this epoch and in all."""

    epoch: int = 0
    batches: int = 0
    rows: int = 0
    step: int = 0
    best_epoch: int | None = None
    best: dict[str, float] = dataclasses.field(default_factory=dict)
    micro_tokens: int = 0
    written: int = 0


@dataclasses.dataclass(slots=True)
class _Work:
    """What was done since the last record."""

    rows: int = 0
    tokens: int = 0
    flops: float = 0.0


class Run:
    """A run under way.

    Args:
        learner: takes the steps.
        state: folder of the snapshots.
        snapshot_seconds: time between two of them.
        peak: operations a second the device can do at most, for the share that is used.

    Attributes:
        step, best_epoch, best: steps done, the epoch kept so far and its dev figures.
        tokens, seconds: trained on, and taken by it, in this process.
    """

    def __init__(
        self,
        config: TrainConfig,
        learner: Learner,
        data: TrainingData,
        world: World,
        state: Path,
        snapshot_seconds: float,
        cost: Cost,
        peak: float,
    ) -> None:
        self._config = config
        self._learner = learner
        self._data = data
        self._world = world
        self._state = state
        self._snapshot_seconds = snapshot_seconds
        self._cost = cost
        self._peak = peak
        self._now = _Progress()
        self._best_weights: Tensor | None = None
        self._waiting: list[tuple[Tensor, Tensor]] = []  # loss and norm of steps not recorded yet
        self._since = _Work()
        self._clock = self._snapshot_clock = time.perf_counter()
        self.tokens = 0
        self.seconds = 0.0

    @property
    def step(self) -> int:
        return self._now.step

    @property
    def best_epoch(self) -> int:
        assert self._now.best_epoch is not None
        return self._now.best_epoch

    @property
    def best(self) -> dict[str, float]:
        return self._now.best

    def resume(self, reporter: Reporter) -> bool:
        """Go on from the newest snapshot; False where there is none."""
        found = snapshots.load(self._state, refused=reporter.note)
        if found is None:
            reporter.keep(0)
            return False
        tensors, progress = found
        self._now = _Progress(**progress)
        self._learner.restore(tensors)
        self._learner.micro_tokens = self._now.micro_tokens
        self._best_weights = tensors.get("best")
        _set_random_state(tensors)
        reporter.keep(self._now.written)
        reporter.note(f"goes on from step {self._now.step}")
        return True

    def go(self, reporter: Reporter) -> None:
        """Train to the end; the network then holds the best weights."""
        now, examples, config = self._now, self._data.examples, self._config
        total = len(examples) * config.epochs
        reporter.start_bar(total, now.rows)
        self._clock = self._snapshot_clock = time.perf_counter()
        while now.epoch < config.epochs and not self._stale():
            batches = plan(examples, config.batch_tokens, config.seed, now.epoch)
            for rows in itertools.islice(batches, now.batches, None):
                self._step(rows, total)
                reporter.advance(len(rows))
                if now.step % _RECORD_STEPS == 0:
                    self._record(reporter)
                    self._snapshot(reporter, self._snapshot_seconds)
            self._record(reporter)
            self._end_epoch(reporter)
            self._snapshot(reporter, 0.0)
        assert self._best_weights is not None
        self._learner.weights.put(self._best_weights)

    def _step(self, rows: Rows, total: int) -> None:
        now, examples = self._now, self._data.examples
        share = (now.rows + len(rows) / 2) / total
        step = self._learner.step(rows, examples.take(rows), now.epoch, rate(share, self._config.warmup))
        self._waiting.append(step)
        now.step, now.batches, now.rows = now.step + 1, now.batches + 1, now.rows + len(rows)
        lengths = examples.lengths(rows)
        self._since.rows += len(rows)
        self._since.tokens += int(lengths.sum())
        self._since.flops += self._cost.flops(lengths)

    def _record(self, reporter: Reporter) -> None:
        """Record the steps since the last record; this waits for the device."""
        if not self._waiting:
            return
        loss, norm = torch.tensor([(loss.item(), norm.item()) for loss, norm in self._waiting]).mean(0).tolist()
        seconds = time.perf_counter() - self._clock
        reporter.record("step", step=self._now.step, epoch=self._now.epoch, loss=loss, norm=norm)
        speeds = (amount / seconds for amount in (self._since.rows, self._since.tokens, self._since.flops / self._peak))
        reporter.speed(self._now.step, loss, *speeds)
        self.seconds += seconds
        self.tokens += self._since.tokens
        self._waiting.clear()
        self._since = _Work()
        self._clock = time.perf_counter()

    def _end_epoch(self, reporter: Reporter) -> None:
        now = self._now
        scores = scores_of({name: DevLogits.of(part, self._learner.logits) for name, part in self._data.dev.items()})
        reporter.record("epoch", step=now.step, epoch=now.epoch, dev=scores)
        if now.best_epoch is None or mean_macro_f1(scores) > mean_macro_f1(now.best):
            now.best_epoch, now.best = now.epoch, scores
            self._best_weights = self._learner.average.clone()
        now.epoch, now.batches = now.epoch + 1, 0
        self._clock = time.perf_counter()

    def _stale(self) -> bool:
        now, patience = self._now, self._config.patience
        return bool(patience) and now.best_epoch is not None and now.epoch - 1 - now.best_epoch >= patience

    def _snapshot(self, reporter: Reporter, after_seconds: float) -> None:
        if not self._world.leads or time.perf_counter() - self._snapshot_clock < after_seconds:
            return
        self._now.micro_tokens, self._now.written = self._learner.micro_tokens, reporter.written
        best = {} if self._best_weights is None else {"best": self._best_weights}
        tensors = self._learner.state() | best | _random_state()
        snapshots.save(self._state, self._now.step, tensors, dataclasses.asdict(self._now))
        self._clock = self._snapshot_clock = time.perf_counter()


def rate(share: float, warmup: float) -> float:
    """The learning rate as a share of its peak: a linear rise over `warmup` of a run, then a linear fall to 0.

    Args:
        share: of the run that is done, 0 to 1.
    """
    return share / warmup if share < warmup else (1 - share) / (1 - warmup)


def _random_state() -> dict[str, Tensor]:
    """The state of the generators that dropout draws from."""
    state = {"random.cpu": torch.get_rng_state()}
    return state | ({"random.cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


def _set_random_state(tensors: Mapping[str, Tensor]) -> None:
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
