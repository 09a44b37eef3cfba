"""Which passages form a batch: by length under a token budget, in an order that is a function of seed and epoch alone.

Rows are shuffled, then sorted by length within pools of many batches: little padding, and yet neighbours by chance. The
slot letters of every row are drawn anew each epoch, so that no letter comes to mean anything, and so are the words hidden from
it, which makes up for dropout, slow on CPUs. Batches are whole tiles of
the matrix units (8 rows, widths in steps of 16): ragged shapes take a third longer on CPUs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stancewire.models.inputs import SlotEncoder

_POOL_ROWS = 1600
_ROW_TILE, _WIDTH_TILE = 8, 16
UNKNOWN = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """A passage ready for training: token ids, and what is known of its targets in the order they are listed.

    `labels` are indices into `schema.LABELS`, `addressed` is 1 or 0; either is `UNKNOWN` where nothing is known.
    """

    ids: npt.NDArray[np.int64]
    labels: tuple[int, ...]
    addressed: tuple[int, ...]
    weight: float


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one step, padded to the longest.

    *Shapes:* `input_ids` (batch, width); `counts` batch numbers; `labels`, `addressed` and `weights` (sum(counts),).
    """

    input_ids: Tensor
    counts: tuple[int, ...]
    labels: Tensor
    addressed: Tensor
    weights: Tensor


def plan(lengths: Sequence[int], batch_tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """The rows of each batch of an epoch: every row once, no batch above `batch_tokens` tokens, padding included."""
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(lengths))
    batches: list[list[int]] = []
    for start in range(0, len(order), _POOL_ROWS):
        pool = sorted(order[start : start + _POOL_ROWS].tolist(), key=lambda row: lengths[row])
        while pool:
            # The longest rows first: the width of a batch, and with it how many rows fit, is known from its first row.
            rows = max(1, batch_tokens // _tiled(lengths[pool[-1]]))
            rows = rows // _ROW_TILE * _ROW_TILE or rows
            batches.append(pool[-rows:])
            del pool[-rows:]
    return [batches[index] for index in random.permutation(len(batches))]


def batches(
    examples: Sequence[Example],
    encoder: SlotEncoder,
    batch_tokens: int,
    seed: int,
    epoch: int,
    *,
    token_dropout: float = 0.0,
) -> Iterator[Batch]:
    """The batches of an epoch, slot letters and hidden words drawn anew."""
    for rows in plan([len(example.ids) for example in examples], batch_tokens, seed, epoch):
        keys = [(seed, epoch, row) for row in rows]
        yield collate([examples[row] for row in rows], keys, encoder, token_dropout=token_dropout)


def collate(
    examples: Sequence[Example],
    keys: Sequence[tuple[int, int, int]],
    encoder: SlotEncoder,
    *,
    token_dropout: float = 0.0,
) -> Batch:
    """Pad examples into a batch; what is random in each is drawn by its key."""
    width = _tiled(max(len(example.ids) for example in examples))
    ids = np.full((len(examples), width), encoder.pad_id, np.int64)
    for row, (example, key) in enumerate(zip(examples, keys, strict=True)):
        random = np.random.default_rng(key)
        ids[row, : len(example.ids)] = hide_words(
            shuffle_slots(example.ids, encoder.slot_ids, random), encoder, token_dropout, random
        )
    return Batch(
        input_ids=torch.from_numpy(ids),
        counts=tuple(len(example.labels) for example in examples),
        labels=torch.tensor([label for example in examples for label in example.labels]),
        addressed=torch.tensor([known for example in examples for known in example.addressed]),
        weights=torch.tensor([example.weight for example in examples for _ in example.labels]),
    )


def _tiled(length: int) -> int:
    return -(-length // _WIDTH_TILE) * _WIDTH_TILE


def shuffle_slots(
    ids: npt.NDArray[np.int64], slot_ids: Sequence[int], random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Give the entities of a passage other letters. *Shape:* (tokens,), unchanged."""
    known = np.asarray(slot_ids)
    letters = random.permutation(known)
    place = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.where(known[place] == ids, letters[place], ids)


def hide_words(
    ids: npt.NDArray[np.int64], encoder: SlotEncoder, share: float, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Hide a share of the words behind the mask token; slots, marks and separators stay. *Shape:* (tokens,), unchanged."""
    kept = [*encoder.slot_ids, encoder.cls_id, encoder.sep_id, encoder.open_id, encoder.close_id]
    return np.where((random.random(len(ids)) < share) & ~np.isin(ids, kept), encoder.mask_id, ids)
