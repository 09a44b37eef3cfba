"""One step of training: a batch in, weights a step further; with all the state there is to save and restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from stancewire.models.classifier import OUTPUTS
from stancewire.models.inputs import SlotEncoder
from stancewire.training.batching import Batch, Rows, collate, cut, disguise, padded
from stancewire.training.cache import UNKNOWN, Example
from stancewire.training.config import TrainConfig
from stancewire.training.distributed import World
from stancewire.training.forward import forward_of
from stancewire.training.precision import Placement
from stancewire.training.weights import FlatWeights


class Learner:
    """The network, its optimizer, and the moving average of its weights.

    Attributes:
        weights: what is trained.
        average: the moving average of the weights, which is what a run keeps. *Shape:* (weights,).
        micro_tokens: tokens computed at once; halved when memory does not suffice.
    """

    def __init__(
        self,
        config: TrainConfig,
        network: Any,
        encoder: SlotEncoder,
        placement: Placement,
        world: World,
        note: Callable[[str], None],
    ) -> None:
        self._config = config
        self._encoder = encoder
        self._device = placement.device
        self._world = world
        self._note = note
        self.weights = FlatWeights(network)
        self.average = self.weights.values.clone()
        self._steps = 0
        self.micro_tokens = config.micro_batch_tokens or config.batch_tokens
        self._forward = forward_of(network, self.weights, encoder, placement)
        groups = []
        for part, decay in (
            (slice(self.weights.decayed), config.weight_decay),
            (slice(self.weights.decayed, None), 0.0),
        ):
            values = self.weights.values[part]
            values.grad = self.weights.gradient[part]
            groups.append({"params": [values], "weight_decay": decay})
        self._optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)

    def step(self, rows: Rows, examples: Sequence[Example], epoch: int, rate: float) -> tuple[Tensor, Tensor]:
        """Take one step on a batch.

        Args:
            rows: numbers of the rows in the data. *Shape:* (rows,).
            examples: the rows.
            rate: learning rate as a share of its peak.

        Returns:
            Loss and norm of the gradient, on the device: nothing waits for them. *Shapes:* ().
        """
        loss = self._gradient(rows, examples, epoch)
        self._world.add_up(loss)
        self._world.add_up(self.weights.gradient)
        norm = torch.linalg.vector_norm(self.weights.gradient)
        self.weights.gradient.mul_((self._config.clip_norm / (norm + 1e-6)).clamp(max=1.0))
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * rate
        self._optimizer.step()
        self.weights.refresh()
        # Early steps count for less than the decay would let them, so that a short run is not held where it began.
        decay = min(self._config.average, (1 + self._steps) / (10 + self._steps))
        self.average.lerp_(self.weights.values, 1 - decay)
        self._steps += 1
        return loss, norm

    def _gradient(self, rows: Rows, examples: Sequence[Example], epoch: int) -> Tensor:
        """Leave the gradient of this process's share of a batch in the weights; return its share of the loss."""
        total = sum(example.weight * len(example.labels) for example in examples)
        mine = np.arange(self._world.rank, len(rows), self._world.size)
        while True:
            try:
                losses = [
                    self._micro_batch(rows[part], [examples[index] for index in part], epoch, total, first=number == 0)
                    for number, part in enumerate(self._micro_batches(mine, examples))
                ]
                break
            except torch.OutOfMemoryError:
                self._halve()
        if not losses:  # fewer rows than processes
            self.weights.gradient.zero_()
        return torch.stack(losses).sum() if losses else torch.zeros((), device=self._device)

    def _micro_batches(self, mine: Rows, examples: Sequence[Example]) -> list[Rows]:
        if not len(mine):
            return []
        width = max(len(examples[index].windows[0]) for index in mine)
        return np.array_split(mine, min(len(mine), -(-len(mine) * width // self.micro_tokens)))

    def _micro_batch(self, rows: Rows, examples: Sequence[Example], epoch: int, total: float, *, first: bool) -> Tensor:
        config, windows = self._config, [example.windows[0] for example in examples]
        ids = disguise(
            padded(windows, self._encoder.pad_id), rows, self._encoder, config.token_dropout, config.seed, epoch
        )
        batch = collate(windows, examples, self._encoder, ids).to(self._device)
        loss = joint_loss(self._forward(batch), batch, config.label_smoothing) / total
        loss.backward()  # type: ignore[no-untyped-call]
        self.weights.collect(first=first)
        return loss.detach()

    def _halve(self) -> None:
        self.weights.drop()
        if self.micro_tokens // 2 < self._config.max_length:
            raise MemoryError(
                f"no memory for {self.micro_tokens} tokens at once, and {self._config.max_length} (max_length) is the least; "
                "choose a smaller encoder or max_length, or lora_rank"
            ) from None
        self.micro_tokens //= 2
        torch.cuda.empty_cache()
        self._note(
            f"out of memory: from here on {self.micro_tokens} tokens are computed at once, half as many as before"
        )

    @torch.no_grad()
    def logits(self, examples: Sequence[Example]) -> npt.NDArray[np.float32]:
        """Logits of all targets under the average weights, row by row; of several windows the mean. *Shape:* (targets, 4)."""
        windows = [(row, window) for row, example in enumerate(examples) for window in example.windows]
        lengths = np.array([len(window) for _, window in windows])
        outputs = [np.zeros((len(example.labels), len(OUTPUTS)), np.float32) for example in examples]
        with self.weights.holding(self.average):
            for batch in cut(np.arange(len(windows)), lengths, self.micro_tokens):
                rows = [windows[index][0] for index in batch]
                collated = collate([windows[index][1] for index in batch], [examples[r] for r in rows], self._encoder)
                logits = self._forward(collated.to(self._device)).cpu().numpy()
                ends = np.cumsum([len(examples[row].labels) for row in rows])
                for row, part in zip(rows, np.split(logits, ends[:-1]), strict=True):
                    outputs[row] += part / len(examples[row].windows)
        return np.concatenate(outputs)

    def state(self) -> dict[str, Tensor]:
        """Everything a later step depends on, by name."""
        optimizer = self._optimizer.state_dict()["state"]
        moments = {
            f"optimizer.{part}.{name}": value for part, named in optimizer.items() for name, value in named.items()
        }
        return {"weights": self.weights.values, "average": self.average, "steps": torch.tensor(self._steps), **moments}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state()`."""
        self.weights.put(state["weights"])
        self.average.copy_(state["average"])
        self._steps = int(state["steps"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in state.items():
            if name.startswith("optimizer."):
                _, part, moment = name.split(".")
                moments.setdefault(int(part), {})[moment] = value
        self._optimizer.load_state_dict(self._optimizer.state_dict() | {"state": moments})


def joint_loss(logits: Tensor, batch: Batch, label_smoothing: float) -> Tensor:
    """Cross-entropy of the labels plus that of being addressed, over what is known, as a weighted sum over the targets.

    *Shapes:* logits (targets, 4) to ().
    """
    stances = nn.functional.cross_entropy(
        logits[:, :3], batch.labels, reduction="none", ignore_index=UNKNOWN, label_smoothing=label_smoothing
    )
    decisions = nn.functional.binary_cross_entropy_with_logits(
        logits[:, 3], batch.addressed.clamp(min=0).float(), reduction="none"
    )
    return ((stances + decisions * (batch.addressed != UNKNOWN)) * batch.weights).sum()
