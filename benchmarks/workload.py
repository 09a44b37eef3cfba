"""What every contender trains on: the same statements, encoded once with the same tokenizer.

Only labelled targets take part, since that is what an ordinary classifier can be trained on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from stancewire.models.inputs import SlotEncoder
from stancewire.pairs import StancePair
from stancewire.training import encoder as encoders
from stancewire.training.cache import Example, open_pairs
from stancewire.training.config import TrainConfig, load_preset
from stancewire.training.corpus import Source

_OWN = Source("corpus", "blocks", "*.txt", held_out=0.1)
_OUTSIDE = (
    Source("newsmtsc", "newsmtsc", "{data}/newsmtsc/train.jsonl"),
    Source("newsmtsc-mt", "newsmtsc", "{data}/newsmtsc/mt-dev.jsonl", only_dev=True),
)
_LITTLE_DEV = 64


@dataclasses.dataclass(frozen=True)
class Workload:
    """Statements to train on and to measure on, and the settings all contenders share.

    `cache` is the folder where encoded statements are kept.
    """

    train: tuple[StancePair, ...]
    dev: tuple[StancePair, ...]
    config: TrainConfig
    cache: Path

    @classmethod
    def read(cls, data: Path | None, encoder: str, max_length: int, cache: Path) -> Workload:
        """The corpus of the repository and, with the folder of outside data, NewsMTSC."""
        sources = (_OWN, *_OUTSIDE) if data is not None else (_OWN,)
        read = [source.read(data) for source in sources]
        # The preset averages weights over 200 steps or so, which is as long as a run here: a third would be the first weights.
        config = load_preset("default", encoder=encoder, max_length=max_length, average=0.0)
        return cls(
            tuple(pair for train, _ in read for pair in train),
            tuple(pair for _, dev in read for pair in dev),
            dataclasses.replace(config, sources=sources, addressed_by=""),
            cache,
        )

    def sample(self, rows: int | None) -> Workload:
        """A random part of the statements to train on; all of them for None."""
        if rows is None:
            return self
        picked = np.random.default_rng(0).permutation(len(self.train))[:rows]
        return dataclasses.replace(self, train=tuple(self.train[i] for i in picked))

    def with_little_dev(self) -> Workload:
        """The same with a few statements to measure on, where quality is not what is asked for."""
        return dataclasses.replace(self, dev=self.dev[:_LITTLE_DEV])

    def several_targets(self) -> Workload:
        """The statements that judge two targets or more."""
        return dataclasses.replace(self, train=_of_several(self.train), dev=_of_several(self.dev))

    @cached_property
    def slot_encoder(self) -> SlotEncoder:
        return encoders.start(self.config.encoder, self.config.max_length, 0.0)[1]

    @cached_property
    def train_rows(self) -> list[Example]:
        return self._encode(self.train)

    @cached_property
    def dev_rows(self) -> list[Example]:
        return self._encode(self.dev)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each row to train on. *Shape:* (rows,)."""
        return np.array([len(row.windows[0]) for row in self.train_rows])

    @property
    def tokens(self) -> int:
        """Tokens of one epoch, padding not counted."""
        return int(self.lengths.sum())

    @property
    def targets(self) -> int:
        """Labelled targets of one epoch."""
        return sum(target.label is not None for pair in self.train for target in pair.targets)

    def network(self, dropout: float) -> torch.nn.Module:
        """A fresh network with the weights everybody starts from; the head depends on the random seed."""
        network: torch.nn.Module = encoders.start(self.config.encoder, self.config.max_length, dropout)[0]
        return network

    def _encode(self, pairs: Sequence[StancePair]) -> list[Example]:
        examples = open_pairs(pairs, self.slot_encoder, self.cache, log=lambda _: None)
        return examples.take(np.arange(len(examples)))


def _of_several(pairs: Sequence[StancePair]) -> tuple[StancePair, ...]:
    return tuple(pair for pair in pairs if sum(target.label is not None for target in pair.targets) > 1)
