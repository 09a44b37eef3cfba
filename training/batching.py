"""Which passages form a batch, and what a batch holds: a function of seed and epoch alone.

Rows are shuffled, then sorted by length within pools of many batches: little padding (11 % of our own data, whole tiles
included), and yet neighbours by chance. Nothing is kept for a row but its place in the file, so any number of rows needs the
same memory. The slot letters of every row are drawn anew each epoch, so that no letter comes to mean anything, and so are the
words hidden from it, which makes up for dropout, slow on CPUs. Batches are whole tiles of the matrix units (8 rows, widths in
steps of 16): ragged shapes take a third longer on CPUs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stancewire.models.classifier import target_places
from stancewire.models.inputs import SlotEncoder
from stancewire.training.cache import Example
from stancewire.training.draws import Permutation, draws, key_of

_POOL_ROWS = 2048
_ROW_TILE, _WIDTH_TILE = 8, 16
_ORDER, _BATCHES, _LETTERS, _HIDDEN = range(4)  # what draws are for

Rows = npt.NDArray[np.int64]


class _Measured(Protocol):
    def __len__(self) -> int: ...
    def lengths(self, rows: Rows) -> Rows: ...


def plan(examples: _Measured, batch_tokens: int, seed: int, epoch: int) -> Iterator[Rows]:
    """The rows of each batch of an epoch: every row once, no batch above `batch_tokens` tokens, padding included.

    Batches come pool by pool, in an order drawn within the pool; the rows of a batch are sorted by length.
    """
    shuffled = Permutation(len(examples), key_of(seed, epoch, _ORDER))
    for start in range(0, len(examples), _POOL_ROWS):
        rows = shuffled(np.arange(start, min(start + _POOL_ROWS, len(examples))))
        batches = cut(rows, examples.lengths(rows), batch_tokens)
        order = Permutation(len(batches), key_of(seed, epoch, _BATCHES, start))
        yield from (batches[index] for index in order(np.arange(len(batches))))


def cut(rows: Rows, lengths: Rows, batch_tokens: int) -> list[Rows]:
    """Cut rows, sorted by length, into batches of at most `batch_tokens` tokens, padding included; at least one row each."""
    by_length = np.lexsort((rows, lengths))
    rows, widths = rows[by_length], tiled(lengths[by_length])
    batches = []
    end = len(rows)
    while end:
        # The longest rows first: the width of a batch, and with it how many rows fit, is known from its last row.
        fitting = max(1, batch_tokens // int(widths[end - 1]))
        start = max(0, end - (fitting // _ROW_TILE * _ROW_TILE or fitting))
        batches.append(rows[start:end])
        end = start
    return batches


def tiled(lengths: Any) -> Any:
    """Lengths rounded up to whole tiles: what a row of that many tokens costs."""
    return -(-lengths // _WIDTH_TILE) * _WIDTH_TILE


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one step, padded to a width, with the places the head reads.

    Attributes:
        input_ids: *Shape:* (batch, width).
        places: positions that are read, then some that are not. *Shape:* (batch, read).
        rows, listed: for each target its row and the index in `places` of its listing. *Shapes:* (targets,).
        mentions: which of the places in its row are mentions of it. *Shape:* (targets, read).
        labels, addressed, weights: what is known of the targets. *Shapes:* (targets,).
        lengths: tokens of each row. *Shape:* (batch,).
    """

    input_ids: Tensor
    places: Tensor
    rows: Tensor
    listed: Tensor
    mentions: Tensor
    labels: Tensor
    addressed: Tensor
    weights: Tensor
    lengths: Rows

    def to(self, device: torch.device) -> Batch:
        """The same on a device, copied while the device computes."""
        if device.type == "cpu":
            return self
        tensors = {
            field.name: getattr(self, field.name).pin_memory().to(device, non_blocking=True)
            for field in dataclasses.fields(self)
            if field.name != "lengths"
        }
        return dataclasses.replace(self, **tensors)


def collate(
    windows: Sequence[npt.NDArray[np.int32]], examples: Sequence[Example], encoder: SlotEncoder, ids: Rows | None = None
) -> Batch:
    """Pad windows of examples into a batch.

    Args:
        windows: token ids of each row.
        examples: what is known of the targets of each row.
        ids: the rows padded already (`padded`) and, for training, disguised (`disguise`).
    """
    if ids is None:
        ids = padded(windows, encoder.pad_id)
    counts = [len(example.labels) for example in examples]
    found = target_places(ids, counts, encoder.sep_id)
    is_read = np.zeros(ids.shape, bool)
    np.logical_or.at(is_read, found.rows, found.mentions)
    is_read[found.rows, found.listed] = True
    read = np.argsort(~is_read, axis=1, kind="stable")[:, : -(-int(is_read.sum(1).max()) // _ROW_TILE) * _ROW_TILE]
    return Batch(
        input_ids=torch.from_numpy(ids),
        places=torch.from_numpy(read),
        rows=torch.from_numpy(found.rows),
        # What is listed comes first of all that is read, in its order; place 0 is never read.
        listed=torch.from_numpy(found.listed - 1),
        mentions=torch.from_numpy(np.take_along_axis(found.mentions, read[found.rows], axis=1)),
        labels=torch.tensor([label for example in examples for label in example.labels]),
        addressed=torch.tensor([known for example in examples for known in example.addressed]),
        weights=torch.tensor([example.weight for example in examples for _ in example.labels]),
        lengths=np.array([len(window) for window in windows]),
    )


def padded(windows: Sequence[npt.NDArray[np.int32]], pad_id: int) -> Rows:
    """Token ids padded to whole tiles. *Shape:* (batch, width)."""
    width = tiled(max(len(window) for window in windows))
    ids = np.full((len(windows), width), pad_id, np.int64)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = window
    return ids


def disguise(ids: Rows, rows: Rows, encoder: SlotEncoder, token_dropout: float, seed: int, epoch: int) -> Rows:
    """Give the entities of each row other letters and hide a share of its words, by draws of its own.

    Args:
        ids: *Shape:* (batch, width).
        rows: the numbers of the rows in the data, by which is drawn. *Shape:* (batch,).
    """
    ids = shuffle_slots(ids, encoder.slot_ids, draws(key_of(seed, epoch, _LETTERS), rows, len(encoder.slot_ids)))
    if token_dropout:
        ids = hide_words(ids, encoder, token_dropout, draws(key_of(seed, epoch, _HIDDEN), rows, ids.shape[1]))
    return ids


def shuffle_slots(ids: Rows, slot_ids: Sequence[int], drawn: npt.NDArray[np.uint64]) -> Rows:
    """Give the entities of each row other letters. *Shapes:* (batch, width) and (batch, slots) to (batch, width)."""
    known = np.asarray(slot_ids)
    letters = known[np.argsort(drawn, axis=1)]
    place = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.where(known[place] == ids, np.take_along_axis(letters, place, axis=1), ids)


def hide_words(ids: Rows, encoder: SlotEncoder, share: float, drawn: npt.NDArray[np.uint64]) -> Rows:
    """Hide a share of the words behind the mask token; slots, marks and separators stay. *Shapes:* all (batch, width)."""
    kept = [*encoder.slot_ids, encoder.cls_id, encoder.sep_id, encoder.pad_id, encoder.open_id, encoder.close_id]
    return np.where((drawn < share * 2.0**64) & ~np.isin(ids, kept), encoder.mask_id, ids)
