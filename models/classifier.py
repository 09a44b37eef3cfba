"""The slot classifier: passages in, stance logits for each of their targets out.

An ordinary token classifier of `transformers` with four outputs: the labels, and the log-odds that the statement is about
the target at all. Tokens of the statement are of the second token type, where the encoder knows two, so that no layer has to
match the marks. The logits of a target are the mean of those at its listed slot and of
the mean of those at its mentions, which lets the head see both the verdict gathered in front and the words at the place.

Batches have one of a few fixed shapes (8 rows, widths in steps of 32), so that a passage meets the same matrix products, and
gets the same bits, whatever else is labelled with it; a batch that is not full pays for it with padding.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stancewire.models.inputs import EncodedPassage, Passage, SlotEncoder
from stancewire.schema import LABELS

BATCH_ROWS = 8
_WIDTH_STEP = 32
OUTPUTS: tuple[str, ...] = (*LABELS, "addressed")
"""What the columns of the logits stand for."""


class SlotClassifier:
    """A token classifier with its input encoding.

    Args:
        network: `transformers` model whose output has `logits`. *Shape:* (batch, width, 4).
        encoder: turns passages into token ids.
    """

    def __init__(self, network: Any, encoder: SlotEncoder) -> None:
        self.network = network.eval()
        self.encoder = encoder

    @property
    def device(self) -> torch.device:
        device: torch.device = self.network.device
        return device

    def logits(self, passages: Sequence[Passage]) -> list[npt.NDArray[np.float32]]:
        """Logits of every target of every passage, and nothing of the order or size of the batch in them.

        A passage in several windows has the mean of their logits.

        *Shape:* for each passage (len(targets), 4): the labels in the order of `schema.LABELS`, then the log-odds of
        being addressed.
        """
        return self.logits_of(self.encoder.encode(passages))

    def logits_of(self, encoded: Sequence[EncodedPassage]) -> list[npt.NDArray[np.float32]]:
        """`logits` of passages that are encoded already."""
        windows = [(ids, len(item.order)) for item in encoded for ids in item.windows]
        outputs = self._run(windows)
        results, position = [], 0
        for item in encoded:
            mean = np.mean(outputs[position : position + len(item.windows)], axis=0, dtype=np.float32)
            position += len(item.windows)
            result = np.empty_like(mean)
            result[list(item.order)] = mean
            results.append(result)
        return results

    def _run(self, windows: Sequence[tuple[tuple[int, ...], int]]) -> list[npt.NDArray[np.float32]]:
        outputs: list[npt.NDArray[np.float32] | None] = [None] * len(windows)
        for width, rows in fixed_batches([len(ids) for ids, _ in windows]):
            ids = np.full((BATCH_ROWS, width), self.encoder.pad_id)
            for row, index in enumerate(rows):
                ids[row, : len(windows[index][0])] = windows[index][0]
            counts = [windows[index][1] for index in rows]
            places = target_places(ids, counts, self.encoder.sep_id)
            with torch.inference_mode():
                logits = token_logits(self.network, torch.from_numpy(ids).to(self.device), self.encoder).float().cpu()
                at = (torch.from_numpy(array) for array in (places.rows, places.listed, places.mentions))
                pooled = pool_targets(logits, *at).numpy()
            position = 0
            for index, count in zip(rows, counts, strict=True):
                outputs[index] = pooled[position : position + count]
                position += count
        return [output for output in outputs if output is not None]


def fixed_batches(lengths: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Sort rows by length into batches of fixed shape; yields (width, indices of the rows)."""
    by_width: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        by_width.setdefault(-(-length // _WIDTH_STEP) * _WIDTH_STEP, []).append(index)
    for width, rows in sorted(by_width.items()):
        for start in range(0, len(rows), BATCH_ROWS):
            yield width, rows[start : start + BATCH_ROWS]


def token_logits(network: Any, input_ids: Tensor, encoder: SlotEncoder) -> Tensor:
    """Run the network. *Shapes:* (batch, width) to (batch, width, 4)."""
    mask = input_ids != encoder.pad_id
    mask[:, 0] = True  # rows that only fill the shape must still attend to something
    types = {}
    if getattr(network.config, "type_vocab_size", 0) > 1:
        depth = (input_ids == encoder.open_id).cumsum(1) - (input_ids == encoder.close_id).cumsum(1)
        types["token_type_ids"] = (depth > 0).long()
    logits: Tensor = network(input_ids=input_ids, attention_mask=mask, **types).logits
    return logits


@dataclasses.dataclass(frozen=True, slots=True)
class TargetPlaces:
    """Where the targets of a batch stand in it.

    *Shapes:* `rows` and `listed` (targets,), the row of each target and its place in the front part; `mentions`
    (targets, width), whether a token is a mention of the target.
    """

    rows: npt.NDArray[np.int64]
    listed: npt.NDArray[np.int64]
    mentions: npt.NDArray[np.bool_]


def target_places(input_ids: npt.NDArray[np.int64], counts: Sequence[int], sep_id: int) -> TargetPlaces:
    """Find the targets of a batch.

    A mention is the same token as the listed one anywhere behind the front part; the listing itself and "by [B]" are none.

    Args:
        input_ids: *Shape:* (batch, width).
        counts: targets of each row; those of row `b` are listed at places `1 … counts[b]`.
        sep_id: the separator, whose first place in a row ends the front part.
    """
    rows = np.repeat(np.arange(len(counts)), counts)
    listed = np.concatenate([np.arange(1, count + 1) for count in counts])
    behind = np.arange(input_ids.shape[1]) > (input_ids == sep_id).argmax(1)[:, None]
    mentions = behind[rows] & (input_ids[rows] == input_ids[rows, listed][:, None])
    return TargetPlaces(rows, listed, mentions)


def pool_targets(logits: Tensor, rows: Tensor, listed: Tensor, mentions: Tensor) -> Tensor:
    """Read the targets off token logits: half from the listed slot, half from its mentions, if there are any.

    Of the labels' logits the mentions give their mean; of being addressed the largest, since one mention is enough.

    Args:
        logits: *Shape:* (batch, width, 4).
        rows, listed, mentions: as in `TargetPlaces`. *Shapes:* (targets,), (targets,), (targets, width).

    Returns:
        Logits of all targets, row by row. *Shape:* (targets, 4).
    """
    at_listed, at_tokens = logits[rows, listed], logits[rows]
    count = mentions.sum(1, keepdim=True)
    mean = torch.einsum("tw,twc->tc", mentions.to(logits.dtype), at_tokens[..., :-1]) / count.clamp(min=1)
    largest = at_tokens[..., -1].masked_fill(~mentions, -torch.inf).amax(1, keepdim=True)
    return torch.where(count > 0, (at_listed + torch.cat([mean, largest], dim=1)) / 2, at_listed)
