"""How good weights are on development data: the figures by which a run chooses what it keeps, and its calibration."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from stancewire.eval.metrics import macro_f1
from stancewire.models.calibration import Calibration, fit_addressed_from, fit_temperature
from stancewire.training.cache import UNKNOWN, Example, Examples

Logits = Callable[[Sequence[Example]], npt.NDArray[np.float32]]

_CHUNK_ROWS = 2048


@dataclasses.dataclass(frozen=True, slots=True)
class DevLogits:
    """Logits of dev targets, with what is known of them. *Shapes:* (targets, 4), (targets,), (targets,)."""

    logits: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    addressed: npt.NDArray[np.int64]

    @classmethod
    def of(cls, examples: Examples, logits: Logits) -> DevLogits:
        """Run a model over examples, a few thousand at a time."""
        parts, labels, addressed = [], [], []
        for start in range(0, len(examples), _CHUNK_ROWS):
            chunk = examples.take(np.arange(start, min(start + _CHUNK_ROWS, len(examples))))
            parts.append(logits(chunk))
            labels += [label for example in chunk for label in example.labels]
            addressed += [known for example in chunk for known in example.addressed]
        return cls(np.concatenate(parts), np.array(labels), np.array(addressed))

    @classmethod
    def together(cls, parts: Sequence[DevLogits]) -> DevLogits:
        """All of several sources."""
        columns = zip(*((part.logits, part.labels, part.addressed) for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))

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
        """The log-odds from which a statement is best taken to be about a candidate."""
        decided = self.addressed != UNKNOWN
        given = int((~decided & (self.labels != UNKNOWN)).sum())  # marked, and named: never asked for
        return fit_addressed_from(self.logits[decided, 3], self.addressed[decided] == 1, given)

    def calibration(self) -> Calibration:
        """A temperature for the labels."""
        known = self.labels != UNKNOWN
        return fit_temperature(self.logits[known, :3], self.labels[known])


def scores_of(logits: Mapping[str, DevLogits]) -> dict[str, float]:
    """The figures of every source, as `<source>.<figure>`."""
    return {f"{name}.{figure}": score for name, part in logits.items() for figure, score in part.scores().items()}


def mean_macro_f1(scores: Mapping[str, float]) -> float:
    """What the kept weights are chosen by: the mean macro-F1 over the dev sources."""
    chosen = [score for name, score in scores.items() if name.endswith(".macro_f1")]
    return sum(chosen) / len(chosen)
