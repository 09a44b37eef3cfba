"""The model card of a checkpoint, from the run that made it."""

from __future__ import annotations

from stancewire.models.calibration import Calibration
from stancewire.training.config import TrainConfig


def model_card(config: TrainConfig, dev: dict[str, float], calibration: Calibration) -> str:
    return "# card\n"
