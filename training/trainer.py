"""Training from end to end: labelled text in, a checkpoint out.

    from stancewire.training import Trainer, load_preset

    Trainer(load_preset("default"), Path("runs/mine"), data=Path("outside")).fit()

Each epoch every passage is seen once, its slot letters and hidden words drawn anew; after it the moving average of the weights
is measured on the dev pairs, source by source, and the one with the best mean is kept. The same call runs on a CPU, on a GPU
and on several; it can be killed at any moment, and made again it goes on from the last snapshot and ends with the same bits.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from stancewire.models import checkpoint
from stancewire.models.calibration import Calibration
from stancewire.models.classifier import SlotClassifier
from stancewire.models.inputs import EncodedPassage, SlotEncoder
from stancewire.pairs import StancePair
from stancewire.training import cache as caches
from stancewire.training import encoder as encoders
from stancewire.training.adapters import add_adapters, merge_adapters
from stancewire.training.batching import plan, tiled
from stancewire.training.cache import Example
from stancewire.training.card import model_card
from stancewire.training.config import TrainConfig
from stancewire.training.curves import plot_curves
from stancewire.training.data import Opener, TrainingData
from stancewire.training.development import DevLogits, scores_of
from stancewire.training.distributed import World, joined, local_device
from stancewire.training.flops import Cost
from stancewire.training.learner import Learner
from stancewire.training.precision import Placement, peak_flops, place
from stancewire.training.reporting import Record, Reporter
from stancewire.training.run import Run
from stancewire.training.words import freeze_words, restore_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RUN = "run.json"
_STATE = "state"


@dataclasses.dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run gave.

    Attributes:
        folder: of the checkpoint.
        dev: `<source>.macro_f1` and, where candidates are annotated, `<source>.addressed_f1`, 0 to 1.
        epoch: the one kept, from 0.
        calibration: fitted on the dev pairs.
        steps: of the whole run.
        tokens: trained on in this call, padding left out.
        seconds: taken by these steps alone.
    """

    folder: Path
    dev: dict[str, float]
    epoch: int
    calibration: Calibration
    steps: int
    tokens: int
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would do.

    Attributes:
        train, dev: rows by source.
        tokens: of an epoch, padding left out.
        padding: its share of what is computed, 0 to 1.
        steps: of the whole run.
        device, precision, because: what it would be computed in, and why.
        tokens_per_s: of a few steps.
        seconds: of all steps at that speed; reading and dev figures come on top.
    """

    train: dict[str, int]
    dev: dict[str, int]
    tokens: int
    padding: float
    steps: int
    device: str
    precision: str
    because: str
    tokens_per_s: float
    seconds: float


class Trainer:
    """Trains a classifier.

    Args:
        config: what decides the weights.
        out: folder to write the checkpoint and `metrics.jsonl` into; what a killed run left there is taken up.
        train: pairs to train on; None reads the sources of the config.
        dev: pairs to choose weights and calibrate by; without them a tenth of `train` is held out, by hash of the text.
        data: the folder of outside data, where the sources name one.
        device: "auto", "cpu", "cuda" or "cuda:N".
        cache: the folder of encoded pairs; `cache.default_folder()` by default.
        workers: processes that encode pairs; with more than one a script needs its `if __name__ == "__main__":`.
        snapshot_seconds: time between two snapshots.
        listen: called with every record of the metrics.

    Attributes:
        history: the records so far.

    Raises:
        FileNotFoundError: for a source without files.
        ValueError: for no data, or dev pairs without pairs to train on.
    """

    def __init__(
        self,
        config: TrainConfig,
        out: str | Path,
        *,
        train: Iterable[StancePair] | None = None,
        dev: Iterable[StancePair] | None = None,
        data: Path | None = None,
        device: str = "auto",
        cache: Path | None = None,
        workers: int = 1,
        snapshot_seconds: float = 120.0,
        listen: Callable[[Record], None] = lambda record: None,
    ) -> None:
        if train is None and (dev is not None or not config.sources):
            raise ValueError("nothing to train on: give pairs as `train`, or a config that names sources")
        if train is None:
            for source in config.sources:  # to fail before an encoder is loaded
                source.paths(data)
        self.config = config
        self.out = Path(out)
        self.history: list[Record] = []
        self._train, self._dev, self._outside = train, dev, data
        self._device = device
        self._cache = cache or caches.default_folder()
        self._workers = workers
        self._snapshot_seconds = snapshot_seconds
        self._listen = listen

    def fit(self) -> TrainResult:
        """Run to the end, from where an earlier call was cut short; a run that is complete is not repeated.

        Raises:
            FileNotFoundError: for a source without files.
            ValueError: for text out of format, no dev pairs, or a folder that holds another run.
            MemoryError: where the device has no memory for the longest passage.
        """
        placement = place(local_device(self._device), self.config.precision)
        with joined(placement.device) as world:
            network, encoder = self._start(placement)
            data = self._read(encoder, world)
            identity = self._identity(placement, data)
            self._refuse_another(identity)
            if (self.out / checkpoint.MANIFEST).is_file():
                return self._complete()
            if world.leads:
                self.out.mkdir(parents=True, exist_ok=True)
                (self.out / _RUN).write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")
            return self._run(placement, world, network, encoder, data)

    def dry_run(self) -> Estimate:
        """What `fit` would do, its speed taken from a few steps whose result is thrown away.

        Raises:
            FileNotFoundError, ValueError: as `fit`.
        """
        placement = place(self._device, self.config.precision)
        network, encoder = self._start(placement)
        data = self._read(encoder, World())
        examples, config = data.examples, self.config
        learner = Learner(config, network, encoder, placement, World(), note=lambda text: None)
        batches = list(plan(examples, config.batch_tokens, config.seed, epoch=0))
        speeds = []
        for index in np.linspace(0, len(batches) - 1, 9).astype(int):
            rows = batches[index]
            began = time.perf_counter()
            learner.step(rows, examples.take(rows), epoch=0, rate=0.0)[0].item()
            speeds.append(int(examples.lengths(rows).sum()) / (time.perf_counter() - began))
        tokens_per_s = float(np.median(speeds[2:]))
        computed = sum(len(rows) * tiled(int(examples.lengths(rows).max())) for rows in batches)
        return Estimate(
            train={name: len(part) for name, part in data.train.items()},
            dev={name: len(part) for name, part in data.dev.items()},
            tokens=examples.tokens,
            padding=1 - examples.tokens / computed,
            steps=len(batches) * config.epochs,
            device=str(placement.device),
            precision=placement.precision,
            because=placement.reason,
            tokens_per_s=tokens_per_s,
            seconds=examples.tokens * config.epochs / tokens_per_s,
        )

    def plot(self, axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
        """Loss and dev figures so far as a picture (`curves.plot_curves`)."""
        return plot_curves(self.history, axes)

    def _start(self, placement: Placement) -> tuple[Any, SlotEncoder]:
        torch.manual_seed(self.config.seed)
        network, encoder = encoders.start(self.config.encoder, self.config.max_length, self.config.dropout)
        freeze_words(network, encoder)
        if self.config.lora_rank:
            network = add_adapters(network, self.config.lora_rank)
        return network.to(placement.device).train(), encoder

    def _read(self, encoder: SlotEncoder, world: World) -> TrainingData:
        """Open the encoded data; the leading process encodes what is not there yet, the others wait for it."""
        opener = Opener(encoder, self._cache, self._workers, self._listen if world.leads else lambda record: None)
        if not world.leads:
            world.wait()
        given = self._train
        data = opener.sources(self.config.sources, self._outside) if given is None else opener.pairs(given, self._dev)
        if world.leads:
            world.wait()
        return data

    def _identity(self, placement: Placement, data: TrainingData) -> dict[str, Any]:
        """What makes a run the same run."""
        computed = {"device": placement.device.type, "computed_in": placement.precision, "data": data.digests()}
        identity: dict[str, Any] = json.loads(json.dumps(self.config.to_dict() | computed))
        return identity

    def _refuse_another(self, identity: Mapping[str, Any]) -> None:
        path = self.out / _RUN
        if not path.is_file():
            if (self.out / checkpoint.MANIFEST).is_file():
                raise ValueError(f"{self.out} holds a checkpoint already; choose another folder")
            return
        before = json.loads(path.read_text(encoding="utf-8"))
        if different := sorted(name for name in {*before, *identity} if before.get(name) != identity.get(name)):
            changes = "; ".join(f"{name} was {before.get(name)} and is {identity.get(name)}" for name in different)
            raise ValueError(f"{self.out} holds another run ({changes}); choose another folder, or remove it")

    def _complete(self) -> TrainResult:
        made = checkpoint.made(self.out)
        self.history = [json.loads(line) for line in (self.out / "metrics.jsonl").read_text("utf-8").splitlines()]
        calibration = Calibration.load(self.out / "calibration.json")
        return TrainResult(self.out, made["dev"], made["epoch"], calibration, made["steps"], tokens=0, seconds=0.0)

    def _run(
        self, placement: Placement, world: World, network: Any, encoder: SlotEncoder, data: TrainingData
    ) -> TrainResult:
        config = self.config
        with Reporter(self.out if world.leads else None, self._listen) as reporter:
            self.history = reporter.history
            learner = Learner(config, network, encoder, placement, world, reporter.note)
            state = self.out / "state"
            run = Run(
                config, learner, data, world, state, self._snapshot_seconds, Cost.of(network), peak_flops(placement)
            )
            if not run.resume(reporter):
                reporter.record(
                    "start",
                    device=str(placement.device),
                    precision=placement.precision,
                    because=placement.reason,
                    processes=world.size,
                    train={name: len(part) for name, part in data.train.items()},
                    dev={name: len(part) for name, part in data.dev.items()},
                    tokens_per_epoch=data.examples.tokens,
                )
            run.go(reporter)
            result = self._finish(run, network, encoder, data, reporter, world)
            world.wait()
        return result

    def _finish(
        self, run: Run, network: Any, encoder: SlotEncoder, data: TrainingData, reporter: Reporter, world: World
    ) -> TrainResult:
        """Measure and calibrate the weights that are kept, as they will be used, and write the checkpoint."""
        network = merge_adapters(network)
        restore_words(network)
        classifier = SlotClassifier(network, encoder)
        logits = {
            name: DevLogits.of(part, lambda chunk: plain_logits(classifier, chunk)) for name, part in data.dev.items()
        }
        together = DevLogits.together(list(logits.values()))
        addressed_from = logits.get(self.config.addressed_by, together).addressed_from()
        calibration = dataclasses.replace(together.calibration(), addressed_from=addressed_from)
        dev = scores_of(logits)
        if world.leads:
            made = {"config": self.config.to_dict(), "epoch": run.best_epoch, "steps": run.step, "dev": dev}
            made |= {"data": data.digests(), "torch": torch.__version__}
            checkpoint.save(self.out, classifier, calibration, model_card(self.config, dev, calibration), made)
            figures = {"temperature": calibration.temperature, "ece": calibration.ece_after}
            reporter.record("done", step=run.step, epoch=run.best_epoch, dev=dev, **figures)
            shutil.rmtree(self.out / _STATE, ignore_errors=True)
        return TrainResult(self.out, dev, run.best_epoch, calibration, run.step, run.tokens, run.seconds)


def plain_logits(classifier: SlotClassifier, examples: Sequence[Example]) -> npt.NDArray[np.float32]:
    """Logits as the finished model gives them, in float32. *Shape:* (targets, 4)."""
    encoded = [
        EncodedPassage(tuple(tuple(window.tolist()) for window in example.windows), tuple(range(len(example.labels))))
        for example in examples
    ]
    return np.concatenate(classifier.logits_of(encoded))
