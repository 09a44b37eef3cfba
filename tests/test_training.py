"""Training: readers, batches, and a run that learns, repeats itself and can be loaded."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from stancewire.training.loop import joint_loss, rate, train

from stancewire import StanceClassifier
from stancewire.models.inputs import SlotEncoder
from stancewire.training.batching import UNKNOWN, Batch, Example, collate, hide_words, plan, shuffle_slots
from stancewire.training.config import PRESETS, TrainConfig, load_preset
from stancewire.training.corpus import Source, read_blocks


def test_every_row_is_in_one_batch_of_an_epoch_and_no_batch_exceeds_its_tokens() -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(10, 200, size=3000).tolist()
    batches = plan(lengths, 2048, seed=1, epoch=2)
    assert Counter(row for rows in batches for row in rows) == Counter(range(3000))
    assert all(-(-max(lengths[row] for row in rows) // 16) * 16 * len(rows) <= 2048 for rows in batches)


def test_the_order_is_a_function_of_seed_and_epoch_alone() -> None:
    lengths = list(range(10, 200))
    assert plan(lengths, 2048, 1, 2) == plan(lengths, 2048, 1, 2)
    assert plan(lengths, 2048, 1, 2) != plan(lengths, 2048, 1, 3)
    assert plan(lengths, 2048, 1, 2) != plan(lengths, 2048, 2, 2)


def test_shuffled_slots_keep_who_is_who() -> None:
    slot_ids = range(100, 124)
    ids = np.array([2, 100, 101, 3, 50, 100, 7, 101, 3])
    shuffled = shuffle_slots(ids, slot_ids, np.random.default_rng(0))
    is_slot = np.isin(ids, slot_ids)
    np.testing.assert_array_equal(shuffled[~is_slot], ids[~is_slot])
    assert set(shuffled[is_slot]) <= set(slot_ids)
    np.testing.assert_array_equal(shuffled[[1, 2]], shuffled[[5, 7]])
    assert shuffled[1] != shuffled[2]


def test_hidden_words_leave_slots_marks_and_separators_alone(tiny_slot_encoder: SlotEncoder) -> None:
    encoder = tiny_slot_encoder
    special = [encoder.cls_id, encoder.slot_ids[0], encoder.sep_id, encoder.open_id, encoder.close_id]
    hidden = hide_words(np.array(special * 50 + [40] * 1000), encoder, 0.3, np.random.default_rng(0))
    assert hidden[:250].tolist() == special * 50
    assert 0.25 < (hidden[250:] == encoder.mask_id).mean() < 0.35


def test_a_batch_is_padded_in_whole_tiles(tiny_slot_encoder: SlotEncoder) -> None:
    examples = [Example(np.full(n, 40), (0, 2), (1, UNKNOWN), 1.0) for n in (5, 17)]
    batch = collate(examples, [(0, 0, 0), (0, 0, 1)], tiny_slot_encoder)
    assert batch.input_ids.shape == (2, 32)
    assert batch.counts == (2, 2)
    assert batch.labels.tolist() == [0, 2, 0, 2]
    assert batch.addressed.tolist() == [1, UNKNOWN] * 2
    assert (batch.input_ids[0, 5:] == tiny_slot_encoder.pad_id).all()


def test_the_loss_counts_what_is_known_and_nothing_else() -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0, 1.0], [0.0, 3.0, 0.0, -1.0]])
    known = Batch(torch.zeros(1, 1), (2,), torch.tensor([0, UNKNOWN]), torch.tensor([UNKNOWN, 0]), torch.ones(2))
    expected = (
        torch.nn.functional.cross_entropy(logits[:1, :3], torch.tensor([0]))
        + torch.sigmoid(logits[1, 3]).neg().log1p().neg()
    )
    assert torch.isclose(joint_loss(logits, known, 0.0), expected / 2)


def test_the_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    rates = [rate(step, 100, 0.1) for step in range(101)]
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == 0.0


@pytest.mark.parametrize("preset", sorted(path.stem for path in PRESETS.glob("*.toml")))
def test_every_checked_in_preset_is_valid(preset: str) -> None:
    assert load_preset(preset).sources


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_tokens", 100),
        ("learning_rate", 0.0),
        ("warmup", 1.5),
        ("max_length", 10),
        ("sources", ()),
    ],
)
def test_a_contradiction_is_refused_at_construction(field: str, value: object) -> None:
    fields = {"sources": (Source("corpus", "blocks", "*.txt"),)} | {field: value}
    with pytest.raises(ValueError, match=field):
        TrainConfig(**fields)  # type: ignore[arg-type]


def test_an_unknown_preset_or_field_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'huge'"):
        load_preset("huge")
    with pytest.raises(ValueError, match="speed"):
        load_preset("default", speed=3)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences whose stance one word tells."""
    folder = tmp_path_factory.mktemp("outside")
    words = {"+": "thanked", "-": "blamed", "0": "met"}
    blocks = [
        f"# id: t-{i}-{j}\nT: The envoy of Mali said [[it {word} {name}]].\nS: The envoy | MLI\nL: {code}={sign}\n"
        for i in range(12)
        for j, (sign, word) in enumerate(words.items())
        for name, code in [(("Chad", "TCD"), ("Kenya", "KEN"), ("Peru", "PER"))[i % 3]]
    ]
    (folder / "pairs.txt").write_text("\n".join(blocks), encoding="utf-8")
    return folder


def tiny_config(encoder: Path, seed: int = 0) -> TrainConfig:
    source = Source("outside", "blocks", "{data}/pairs.txt", held_out=0.3)
    return TrainConfig(
        (source,), encoder=str(encoder), max_length=64, epochs=12, batch_tokens=512, learning_rate=5e-3, seed=seed
    )


def test_a_run_learns_repeats_itself_and_loads(tiny_encoder: Path, outside: Path, tmp_path: Path) -> None:
    records: list[dict[str, object]] = []
    first = train(tiny_config(tiny_encoder), outside, tmp_path / "first", device="cpu", log=records.append)
    train(tiny_config(tiny_encoder), outside, tmp_path / "second", device="cpu", log=lambda record: None)
    losses = [record["loss"] for record in records if record["event"] == "epoch"]
    assert losses[-1] < losses[0] / 2  # type: ignore[operator]
    assert first.dev["outside.macro_f1"] > 0.9
    assert (tmp_path / "first" / "model.safetensors").read_bytes() == (
        tmp_path / "second" / "model.safetensors"
    ).read_bytes()
    logged = (tmp_path / "first" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in logged] == [r["event"] for r in records]

    torch.manual_seed(99)
    classifier = StanceClassifier.from_pretrained(tmp_path / "first")
    pairs = list(read_blocks(outside / "pairs.txt"))
    right = sum(classifier.predict([pair])[0][0] is pair.targets[0].label for pair in pairs)
    assert right / len(pairs) > 0.9
