"""The slot classifier: pooling, and results that do not depend on company."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from stancewire.models import checkpoint
from stancewire.models.checkpoint import CheckpointError
from stancewire.models.classifier import (
    BATCH_ROWS,
    SlotClassifier,
    fixed_batches,
    pool_targets,
    target_places,
    token_logits,
)
from stancewire.models.inputs import Passage, SlotMention
from stancewire.schema import Span

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def classifier(tiny_checkpoint: Path) -> SlotClassifier:
    return checkpoint.load(tiny_checkpoint, CPU, torch.float32)[0]


def passages(n: int) -> list[Passage]:
    return [
        Passage(
            "Chad and Kenya " + "said it " * (i % 13 + 1),
            0,
            (Span(15, 22),),
            (SlotMention(Span(0, 4), "TCD"),),
            ("TCD", "KEN"),
        )
        for i in range(n)
    ]


def pooled_of(logits: torch.Tensor, ids: torch.Tensor, sep: int) -> torch.Tensor:
    """Logits of the one target of one row."""
    places = target_places(ids.numpy(), [1], sep)
    return pool_targets(logits, *map(torch.from_numpy, (places.rows, places.listed, places.mentions)))


def test_a_target_is_read_half_from_its_listing_and_half_from_its_mentions() -> None:
    sep, slot = 9, 5
    ids = torch.tensor([[1, slot, sep, slot, 7, slot, sep]])
    logits = torch.arange(28.0).reshape(1, 7, 4)
    pooled = pooled_of(logits, ids, sep)
    mean = (logits[0, 3] + logits[0, 5]) / 2
    assert torch.equal(pooled[0, :3], (logits[0, 1] + mean)[:3] / 2)
    assert pooled[0, 3] == (logits[0, 1, 3] + logits[0, 5, 3]) / 2  # one mention is enough to be addressed


def test_an_implied_target_is_read_from_its_listing_alone() -> None:
    ids = torch.tensor([[1, 5, 9, 7, 9]])
    logits = torch.arange(20.0).reshape(1, 5, 4)
    assert torch.equal(pooled_of(logits, ids, 9)[0], logits[0, 1])


def test_the_speaker_behind_by_is_no_mention() -> None:
    ids = torch.tensor([[1, 5, 8, 5, 9, 7, 9]])  # [CLS] [A] by [A] [SEP] … [SEP]
    logits = torch.arange(28.0).reshape(1, 7, 4)
    assert torch.equal(pooled_of(logits, ids, 9)[0], logits[0, 1])


def test_only_tokens_between_the_marks_are_of_the_statement(classifier: SlotClassifier) -> None:
    seen: dict[str, torch.Tensor] = {}

    class Network:
        config = classifier.network.config

        def __call__(self, **inputs: torch.Tensor) -> object:
            seen.update(inputs)
            return classifier.network(**inputs)

    encoder = classifier.encoder
    ids = torch.tensor(
        [[2, 3, 50, encoder.open_id, 51, 52, encoder.close_id, 53, encoder.open_id, 54, encoder.close_id, 3]]
    )
    token_logits(Network(), ids, encoder)
    assert (
        seen["token_type_ids"][0].bool().tolist() == [False] * 3 + [True] * 3 + [False] * 2 + [True] * 2 + [False] * 2
    )


def test_logits_are_the_same_bits_alone_and_in_any_company(classifier: SlotClassifier) -> None:
    whole = passages(60)
    together = classifier.logits(whole)
    backwards = classifier.logits(whole[::-1])[::-1]
    alone = [classifier.logits([one])[0] for one in whole]
    for a, b, c in zip(together, backwards, alone, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


def test_swapping_the_order_of_targets_swaps_their_rows(classifier: SlotClassifier) -> None:
    (one,) = passages(1)
    other = dataclasses.replace(one, targets=one.targets[::-1])
    np.testing.assert_array_equal(classifier.logits([one])[0], classifier.logits([other])[0][::-1])


def test_batches_hold_every_row_once_and_have_room_for_it() -> None:
    lengths = [5, 40, 33, 250, 64, 31, 32, 5000] * 20
    seen = []
    for width, rows in fixed_batches(lengths):
        assert all(lengths[row] <= width for row in rows)
        assert len(rows) <= BATCH_ROWS
        seen += rows
    assert sorted(seen) == list(range(len(lengths)))


def test_nothing_in_nothing_out(classifier: SlotClassifier) -> None:
    assert classifier.logits([]) == []


def test_a_checkpoint_comes_back_as_it_was_saved(tiny_checkpoint: Path, tmp_path: Path) -> None:
    first, calibration, name = checkpoint.load(tiny_checkpoint, CPU, torch.float32)
    checkpoint.save(tmp_path, first, calibration, (tiny_checkpoint / "README.md").read_text(), {})
    second, again, other_name = checkpoint.load(tmp_path, CPU, torch.float32)
    assert (calibration, name) == (again, other_name)
    for a, b in zip(first.logits(passages(3)), second.logits(passages(3)), strict=True):
        np.testing.assert_array_equal(a, b)


def copied(folder: Path, to: Path) -> Path:
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json", "calibration.json"])
def test_a_damaged_or_missing_file_is_refused_by_name(tiny_checkpoint: Path, tmp_path: Path, file: str) -> None:
    folder = copied(tiny_checkpoint, tmp_path)
    with open(folder / file, "ab") as out:
        out.write(b" ")
    with pytest.raises(CheckpointError, match=file):
        checkpoint.verify(folder)
    (folder / file).unlink()
    with pytest.raises(CheckpointError, match=f"{file}: missing"):
        checkpoint.verify(folder)


def test_a_folder_without_a_manifest_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"MANIFEST\.json"):
        checkpoint.verify(tmp_path)


def test_a_path_that_is_not_there_is_not_looked_for_on_a_hub() -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        checkpoint.resolve("./nowhere")
