"""The data of a run: what is trained on and what is held out, encoded, by source."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from stancewire.models.inputs import SlotEncoder
from stancewire.pairs import StancePair
from stancewire.training import cache
from stancewire.training.cache import Examples
from stancewire.training.corpus import Source

_HELD_OUT = 0.1  # of pairs given without dev pairs


def sources_of_files(train: Sequence[str], dev: Sequence[Path]) -> tuple[Source, ...]:
    """The sources that a user's files are.

    Args:
        train: files or folders, each with `=WEIGHT` behind it where its pairs weigh more or less than others.
        dev: files for development; where there are none a tenth of every other is held out.

    Raises:
        FileNotFoundError, ValueError: for a file that is not there, in no known format, or named twice.
    """
    sources = []
    for named in train:
        path, _, weight = named.rpartition("=")
        if not path or Path(named).exists():
            path, weight = named, "1"
        try:
            weight_of = float(weight)
        except ValueError:
            raise ValueError(f"{named}: expected FILE or FILE=WEIGHT, and {weight!r} is no number") from None
        sources.append(Source.of_file(path, weight=weight_of, held_out=0.0 if dev else _HELD_OUT))
    sources += (Source.of_file(path, only_dev=True) for path in dev)
    names = [source.name for source in sources]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two files are called {', '.join(repeated)}; figures go by that name, so rename one")
    return tuple(sources)


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """Examples of every source, to train on and for development.

    Raises:
        ValueError: where one of the two is empty.
    """

    train: dict[str, Examples]
    dev: dict[str, Examples]

    def __post_init__(self) -> None:
        if not self.train or not self.dev:
            raise ValueError("a run needs pairs to train on and, to choose weights and calibrate by, pairs held out")

    @functools.cached_property
    def examples(self) -> Examples:
        """All that is trained on."""
        return Examples.concatenate(self.train.values())

    def digests(self) -> dict[str, str]:
        """What identifies the data."""
        sides = {"train": self.train, "dev": self.dev}
        return {f"{side}.{name}": part.digest for side, parts in sides.items() for name, part in parts.items()}


@dataclasses.dataclass(frozen=True, slots=True)
class Opener:
    """Encodes data for an encoder, or opens them where they are encoded already.

    Attributes:
        folder: of the encoded data.
        workers: processes that encode.
        log: told what is encoded.
    """

    encoder: SlotEncoder
    folder: Path
    workers: int
    log: Callable[[dict[str, Any]], None]

    def sources(self, sources: Iterable[Source], data: Path | None) -> TrainingData:
        """Open the sources of a config; `data` is the folder of outside data, where one names it."""
        split = {
            source.name: cache.open_source(source, data, self.encoder, self.folder, workers=self.workers, log=self.log)
            for source in sources
        }
        train = {name: train for name, (train, _) in split.items() if len(train)}
        return TrainingData(train, {name: dev for name, (_, dev) in split.items() if len(dev)})

    def pairs(self, train: Iterable[StancePair], dev: Iterable[StancePair] | None) -> TrainingData:
        """Open pairs given in Python; without dev pairs a tenth is held out, by hash of the text."""
        options: dict[str, Any] = {"workers": self.workers, "log": self.log}
        if dev is None:
            split = cache.open_split(train, self.encoder, self.folder, held_out=_HELD_OUT, **options)
        else:
            split = (
                cache.open_pairs(train, self.encoder, self.folder, **options),
                cache.open_pairs(dev, self.encoder, self.folder, **options),
            )
        return TrainingData(*({"pairs": part} if len(part) else {} for part in split))
