"""Training in the manner of scikit-learn: an estimator with `fit`, `predict` and `predict_proba`, for notebooks.

from stancewire.training import StanceClassifier

classifier = StanceClassifier(epochs=3).fit(pairs)
classifier.predict(new_pairs)
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from stancewire import stance
from stancewire.eval.cases import Cases, Labelled
from stancewire.eval.stance import predict, report_of
from stancewire.pairs import StancePair
from stancewire.schema import Label
from stancewire.training.config import TrainConfig
from stancewire.training.trainer import Trainer, TrainResult


class StanceClassifier(BaseEstimator):  # type: ignore[misc]
    """A stance classifier that is trained on the user's own pairs; every other setting is that of `TrainConfig`.

    Args:
        encoder: where to start: "default" (the shipped checkpoint), or the hub id or folder of any encoder.
        epochs, learning_rate, batch_tokens, max_length, seed: see `TrainConfig`.
        device: "auto", "cpu", "cuda" or "cuda:N".
        out: folder to keep the checkpoint in; by default it lives as long as the fitted estimator's process needs it.

    Attributes:
        classifier_: the trained classifier, a `stancewire.StanceClassifier`.
        result_: figures of the run.
    """

    classifier_: stance.StanceClassifier
    result_: TrainResult

    def __init__(
        self,
        encoder: str = "default",
        epochs: int = 3,
        learning_rate: float = 5e-5,
        batch_tokens: int = 2048,
        max_length: int = 256,
        seed: int = 0,
        device: str = "auto",
        out: str | Path | None = None,
    ) -> None:
        self.encoder = encoder
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_tokens = batch_tokens
        self.max_length = max_length
        self.seed = seed
        self.device = device
        self.out = out

    def fit(self, pairs: Iterable[StancePair], dev: Iterable[StancePair] | None = None) -> Self:
        """Train on labelled pairs.

        Args:
            dev: pairs to choose and calibrate by; without them a tenth of `pairs` is held out, by hash of the text.

        Raises:
            ValueError: for pairs without labels, too few to hold some out, or a folder `out` that holds another run.
        """
        config = TrainConfig(
            encoder=self.encoder,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            batch_tokens=self.batch_tokens,
            max_length=self.max_length,
            seed=self.seed,
        )
        with tempfile.TemporaryDirectory() as temporary:
            trainer = Trainer(config, self.out or temporary, train=pairs, dev=dev, device=self.device)
            self.result_ = trainer.fit()
            self.classifier_ = stance.StanceClassifier.from_pretrained(self.result_.folder, device=self.device)
        return self

    def predict(self, pairs: Iterable[StancePair]) -> list[list[Label]]:
        """The most probable label of every target of every pair, in order.

        Raises:
            sklearn.exceptions.NotFittedError: before `fit`.
        """
        return self._fitted().predict(pairs)

    def predict_proba(self, pairs: Iterable[StancePair]) -> list[npt.NDArray[np.float64]]:
        """Calibrated probabilities; columns in the order of `schema.LABELS`. *Shape:* for each pair (targets, 3).

        Raises:
            sklearn.exceptions.NotFittedError: before `fit`.
        """
        return self._fitted().predict_proba(pairs)

    def score(self, pairs: Sequence[StancePair]) -> float:
        """Macro-F1 on labelled pairs, 0 to 1.

        Raises:
            sklearn.exceptions.NotFittedError: before `fit`.
        """
        cases = Cases.of(Labelled(pair, "", pair.text) for pair in pairs)
        return report_of(cases, cases.rows_of(predict(self._fitted(), cases))).macro_f1

    def _fitted(self) -> stance.StanceClassifier:
        if not hasattr(self, "classifier_"):
            raise NotFittedError("this StanceClassifier is not fitted yet; call fit(pairs) first")
        return self.classifier_
