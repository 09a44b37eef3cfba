"""Training: labelled text in, a checkpoint out (`trainer.py`)."""

from stancewire.training.config import TrainConfig, load_preset
from stancewire.training.corpus import Source
from stancewire.training.estimator import StanceClassifier
from stancewire.training.trainer import Estimate, Trainer, TrainResult

__all__ = ["Estimate", "Source", "StanceClassifier", "TrainConfig", "TrainResult", "Trainer", "load_preset"]
