"""Training: draws, batches, the forward pass, and runs that learn, repeat themselves, go on after a kill, and can be loaded."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from stancewire import StanceClassifier
from stancewire.models.inputs import SlotEncoder
from stancewire.training import Source, TrainConfig, Trainer, load_preset, snapshots
from stancewire.training import StanceClassifier as StanceEstimator
from stancewire.training import encoder as encoders
from stancewire.training.batching import Batch, Rows, collate, cut, disguise, hide_words, padded, plan, shuffle_slots
from stancewire.training.cache import UNKNOWN, Example
from stancewire.training.config import PRESETS
from stancewire.training.corpus import read_blocks
from stancewire.training.curves import plot_curves
from stancewire.training.data import sources_of_files
from stancewire.training.distributed import World
from stancewire.training.draws import Permutation, draws, key_of
from stancewire.training.flops import Cost
from stancewire.training.forward import BertForward, PlainForward
from stancewire.training.learner import Learner, joint_loss
from stancewire.training.precision import Placement, place
from stancewire.training.run import rate
from stancewire.training.weights import FlatWeights
from stancewire.training.words import freeze_words, restore_words

CPU = torch.device("cpu")


class Lengths:
    """Rows that are nothing but long."""

    def __init__(self, lengths: list[int]) -> None:
        self._lengths = np.array(lengths)

    def __len__(self) -> int:
        return len(self._lengths)

    def lengths(self, rows: Rows) -> Rows:
        return self._lengths[rows]


def as_lists(batches: Iterator[Rows]) -> list[list[int]]:
    return [rows.tolist() for rows in batches]


# Draws


@pytest.mark.parametrize("size", [1, 2, 3, 16, 17, 1000])
def test_a_permutation_has_every_row_once(size: int) -> None:
    assert sorted(Permutation(size, key_of(1, 2))(np.arange(size)).tolist()) == list(range(size))


def test_a_permutation_can_be_read_at_any_place_alone() -> None:
    shuffled = Permutation(10_000_000, key_of(3))
    np.testing.assert_array_equal(shuffled(np.arange(100, 200))[50:60], shuffled(np.arange(150, 160)))


def test_draws_are_a_function_of_key_and_row_and_look_uniform() -> None:
    drawn = draws(key_of(0, 1), np.arange(2000), 8)
    np.testing.assert_array_equal(drawn[7:9], draws(key_of(0, 1), np.array([7, 8]), 8))
    assert not (drawn == draws(key_of(1, 0), np.arange(2000), 8)).any()
    assert 0.49 < (drawn / 2.0**64).mean() < 0.51


# Batches


def test_every_row_is_in_one_batch_of_an_epoch_and_no_batch_exceeds_its_tokens() -> None:
    lengths = np.random.default_rng(0).integers(10, 200, size=5000).tolist()
    batches = as_lists(plan(Lengths(lengths), 2048, seed=1, epoch=2))
    assert Counter(row for rows in batches for row in rows) == Counter(range(5000))
    assert all(-(-max(lengths[row] for row in rows) // 16) * 16 * len(rows) <= 2048 for rows in batches)


def test_the_order_is_a_function_of_seed_and_epoch_alone() -> None:
    rows = Lengths(list(range(10, 200)))
    first = as_lists(plan(rows, 2048, 1, 2))
    assert first == as_lists(plan(rows, 2048, 1, 2))
    assert first != as_lists(plan(rows, 2048, 1, 3))
    assert first != as_lists(plan(rows, 2048, 2, 2))


def test_a_row_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert [rows.tolist() for rows in cut(np.array([4, 9]), np.array([500, 20]), 100)] == [[4], [9]]


def test_shuffled_slots_keep_who_is_who() -> None:
    slot_ids = range(100, 124)
    ids = np.array([[2, 100, 101, 3, 50, 100, 7, 101, 3]] * 2)
    shuffled = shuffle_slots(ids, slot_ids, draws(key_of(0), np.arange(2), 24))
    is_slot = np.isin(ids, slot_ids)
    np.testing.assert_array_equal(shuffled[~is_slot], ids[~is_slot])
    assert set(shuffled[is_slot]) <= set(slot_ids)
    np.testing.assert_array_equal(shuffled[:, [1, 2]], shuffled[:, [5, 7]])
    assert (shuffled[:, 1] != shuffled[:, 2]).all()
    assert shuffled[0].tolist() != shuffled[1].tolist()


def test_hidden_words_leave_slots_marks_and_separators_alone(tiny_slot_encoder: SlotEncoder) -> None:
    encoder = tiny_slot_encoder
    special = [encoder.cls_id, encoder.slot_ids[0], encoder.sep_id, encoder.open_id, encoder.close_id, encoder.pad_id]
    ids = np.array([special * 50 + [40] * 1000])
    hidden = hide_words(ids, encoder, 0.3, draws(key_of(0), np.arange(1), ids.shape[1]))
    assert hidden[0, :300].tolist() == special * 50
    assert 0.25 < (hidden[0, 300:] == encoder.mask_id).mean() < 0.35


def test_a_row_is_disguised_alike_in_any_batch(tiny_slot_encoder: SlotEncoder) -> None:
    encoder = tiny_slot_encoder
    ids = np.array([[encoder.cls_id, *encoder.slot_ids[:3], encoder.sep_id, *range(40, 60)]] * 3)
    together = disguise(ids, np.array([5, 6, 7]), encoder, 0.3, seed=1, epoch=2)
    np.testing.assert_array_equal(together[1:2], disguise(ids[1:2], np.array([6]), encoder, 0.3, seed=1, epoch=2))


def examples_of(encoder: SlotEncoder, count: int = 12) -> list[Example]:
    """Passages of two targets, of which the first is mentioned twice, in several lengths."""
    a, b = encoder.slot_ids[:2]
    made = []
    for number in range(count):
        words = np.random.default_rng(number).integers(30, 60, size=3 + number % 7).tolist()
        ids = [
            encoder.cls_id,
            a,
            b,
            encoder.sep_id,
            *words,
            a,
            encoder.sep_id,
            encoder.open_id,
            a,
            *words,
            encoder.close_id,
        ]
        window = np.array([*ids, encoder.sep_id], np.int32)
        made.append(
            Example((window,), (number % 3, 2 - number % 3), (1, UNKNOWN if number % 2 else 0), 1.0 + number % 2)
        )
    return made


def batch_of(examples: list[Example], encoder: SlotEncoder) -> Batch:
    windows = [example.windows[0] for example in examples]
    return collate(windows, examples, encoder, padded(windows, encoder.pad_id))


def test_a_batch_is_padded_in_whole_tiles_and_says_where_its_targets_are(tiny_slot_encoder: SlotEncoder) -> None:
    examples = examples_of(tiny_slot_encoder, 2)
    batch = batch_of(examples, tiny_slot_encoder)
    assert batch.input_ids.shape == (2, 32)
    assert batch.labels.tolist() == [0, 2, 1, 1]
    assert batch.addressed.tolist() == [1, 0, 1, UNKNOWN]
    assert batch.weights.tolist() == [1.0, 1.0, 2.0, 2.0]
    read = batch.input_ids.gather(1, batch.places)
    a, b = tiny_slot_encoder.slot_ids[:2]
    assert read[batch.rows, batch.listed].tolist() == [a, b, a, b]
    assert batch.mentions.sum(1).tolist() == [2, 0, 2, 0]
    assert (read[batch.rows][batch.mentions] == a).all()


# The forward pass


def network_of(encoder: Path) -> tuple[Any, SlotEncoder]:
    torch.manual_seed(3)
    network, slot_encoder = encoders.start(str(encoder), 128, 0.0)
    freeze_words(network, slot_encoder)
    return network.train(), slot_encoder


def gradient(kind: type, tiny_encoder: Path, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Logits, gradient and loss of one batch."""
    network, encoder = network_of(tiny_encoder)
    weights = FlatWeights(network)
    placement = Placement(CPU, dtype, "for a test")
    forward = (
        PlainForward(network, weights, encoder, placement)
        if kind is PlainForward
        else BertForward(network, weights, encoder, dtype)
    )
    batch = batch_of(examples_of(encoder), encoder)
    logits = forward(batch)
    loss = joint_loss(logits, batch, 0.0)
    loss.backward()  # type: ignore[no-untyped-call]
    weights.collect(first=True)
    return logits.detach(), weights.gradient, loss.item()


def test_the_fast_forward_pass_and_its_gradient_are_those_of_the_plain_one(tiny_encoder: Path) -> None:
    plain, fast = (gradient(kind, tiny_encoder, torch.float32) for kind in (PlainForward, BertForward))
    torch.testing.assert_close(fast[0], plain[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(fast[1], plain[1], rtol=1e-3, atol=1e-4)


def test_bfloat16_follows_float32(tiny_encoder: Path) -> None:
    exact, short = (gradient(BertForward, tiny_encoder, dtype) for dtype in (torch.float32, torch.bfloat16))
    torch.testing.assert_close(short[0], exact[0], rtol=0.05, atol=0.05)
    assert torch.nn.functional.cosine_similarity(short[1], exact[1], dim=0) > 0.99


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_computes_what_the_cpu_computes(tiny_encoder: Path) -> None:
    losses = {}
    for device in ("cpu", "cuda"):
        learner, examples = learner_of(tiny_encoder, device=device)
        losses[device] = [learner.step(np.arange(12), examples, 0, 1.0)[0].item() for _ in range(5)]
    np.testing.assert_allclose(losses["cuda"], losses["cpu"], rtol=1e-3)


def test_only_slots_and_marks_among_the_words_learn_and_the_network_is_whole_again_after(tiny_encoder: Path) -> None:
    learner, examples = learner_of(tiny_encoder)
    network, encoder = learner.network, learner.encoder
    before = network.get_input_embeddings().whole().weight.detach()
    for _ in range(3):
        learner.step(np.arange(12), examples, 0, 1.0)
    restore_words(network)
    after = network.get_input_embeddings().weight.detach()
    changed = {int(row) for row in (before != after).any(1).nonzero()}
    assert changed == {*encoder.slot_ids, encoder.open_id, encoder.close_id}


def test_parameters_that_are_not_neighbours_make_no_leaf(tiny_encoder: Path) -> None:
    weights = FlatWeights(network_of(tiny_encoder)[0])
    layer = "bert.encoder.layer.0.attention.self"
    assert weights.leaf(f"{layer}.query.weight", f"{layer}.key.weight").shape == (64, 32)
    with pytest.raises(ValueError, match="not neighbours"):
        weights.leaf(f"{layer}.query.weight", f"{layer}.value.weight")


# Steps


@dataclasses.dataclass
class _Learner(Learner):
    """A learner with its parts at hand."""

    def __init__(self, config: TrainConfig, network: Any, encoder: SlotEncoder, placement: Placement) -> None:
        self.network, self.encoder, self.notes = network, encoder, list[str]()
        super().__init__(config, network, encoder, placement, World(), self.notes.append)


def learner_of(encoder: Path, device: str = "cpu", **settings: Any) -> tuple[_Learner, list[Example]]:
    network, slot_encoder = network_of(encoder)
    config = TrainConfig(encoder=str(encoder), max_length=64, batch_tokens=512, learning_rate=1e-3, **settings)
    placement = place(device, "float32")
    return _Learner(config, network.to(placement.device), slot_encoder, placement), examples_of(slot_encoder)


def test_micro_batches_add_up_to_the_whole_batch(tiny_encoder: Path) -> None:
    losses, weights = [], []
    for micro in (0, 64):
        learner, examples = learner_of(tiny_encoder, micro_batch_tokens=micro)
        losses.append([learner.step(np.arange(12), examples, 0, 1.0)[0].item() for _ in range(20)])
        weights.append(learner.weights.values)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    torch.testing.assert_close(*weights, rtol=1e-3, atol=1e-4)


def test_out_of_memory_halves_the_micro_batch_and_takes_the_same_step(tiny_encoder: Path) -> None:
    whole, examples = learner_of(tiny_encoder)
    short, _ = learner_of(tiny_encoder)
    forward, sizes = short._forward, []

    def scarce(batch: Batch) -> torch.Tensor:
        sizes.append(len(batch.input_ids))
        if sizes[-1] > 6:
            raise torch.OutOfMemoryError("no")
        return forward(batch)

    short._forward = scarce
    expected, got = (learner.step(np.arange(12), examples, 0, 1.0)[0].item() for learner in (whole, short))
    assert got == pytest.approx(expected, rel=1e-5)
    assert sizes == [12, 6, 6]
    assert short.micro_tokens < 512
    assert "half as many" in short.notes[0]
    torch.testing.assert_close(short.weights.values, whole.weights.values, rtol=1e-4, atol=1e-5)


def test_a_passage_that_does_not_fit_at_all_is_a_clear_error(tiny_encoder: Path) -> None:
    learner, examples = learner_of(tiny_encoder)

    def scarce(batch: Batch) -> torch.Tensor:
        raise torch.OutOfMemoryError("no")

    learner._forward = scarce
    with pytest.raises(MemoryError, match="max_length"):
        learner.step(np.arange(12), examples, 0, 1.0)


def test_logits_of_several_windows_are_averaged(tiny_encoder: Path) -> None:
    learner, examples = learner_of(tiny_encoder)
    one, other = examples[0].windows[0], examples[3].windows[0]
    split = dataclasses.replace(examples[0], windows=(one, other))
    expected = (learner.logits([examples[0]]) + learner.logits([examples[3]])) / 2
    np.testing.assert_allclose(learner.logits([examples[5], split])[2:], expected, rtol=1e-4, atol=1e-5)


def test_the_loss_counts_what_is_known_and_nothing_else(tiny_slot_encoder: SlotEncoder) -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0, 1.0], [0.0, 3.0, 0.0, -1.0]])
    window = examples_of(tiny_slot_encoder, 1)[0].windows[0]
    batch = batch_of([Example((window,), (0, UNKNOWN), (UNKNOWN, 0), 1.0)], tiny_slot_encoder)
    expected = (
        torch.nn.functional.cross_entropy(logits[:1, :3], torch.tensor([0]))
        + torch.sigmoid(logits[1, 3]).neg().log1p().neg()
    )
    assert torch.isclose(joint_loss(logits, batch, 0.0), expected)


def test_the_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    rates = [rate(share / 100, 0.1) for share in range(101)]
    assert max(rates) == rates[10] == 1.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[0] == rates[100] == 0.0
    assert rate(0.0, 0.0) == 1.0


def test_the_cost_of_a_token_is_six_operations_a_parameter_and_attention() -> None:
    cost = Cost(parameters=1000, layers=2, width=10)
    assert cost.flops(np.array([5, 3])) == 6 * 1000 * 8 + 12 * 2 * 10 * (25 + 9)


def test_bfloat16_on_a_cpu_can_be_asked_for_and_a_wrong_device_is_refused() -> None:
    assert place("cpu", "bfloat16") == Placement(CPU, torch.bfloat16, "asked for")
    with pytest.raises(ValueError, match="'tpu'"):
        place("tpu")


# Settings


@pytest.mark.parametrize("preset", sorted(path.stem for path in PRESETS.glob("*.toml")))
def test_every_checked_in_preset_is_valid(preset: str) -> None:
    assert load_preset(preset).sources


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_tokens", 100),
        ("micro_batch_tokens", 10),
        ("learning_rate", 0.0),
        ("warmup", 1.5),
        ("max_length", 10),
        ("precision", "float8"),
        ("patience", -1),
        ("lora_rank", -1),
        ("addressed_by", "nobody"),
    ],
)
def test_a_contradiction_is_refused_at_construction(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        TrainConfig((Source("corpus", "blocks", "*.txt"),), **{field: value})  # type: ignore[arg-type]


def test_an_unknown_preset_or_field_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'huge'"):
        load_preset("huge")
    with pytest.raises(ValueError, match="speed"):
        load_preset("default", speed=3)


def test_files_become_sources_with_their_weights(tmp_path: Path) -> None:
    for name in ("mine.jsonl", "more.csv", "dev.jsonl"):
        (tmp_path / name).touch()
    mine, more = sources_of_files([str(tmp_path / "mine.jsonl"), f"{tmp_path / 'more.csv'}=0.5"], [])
    assert [(s.name, s.weight, s.held_out) for s in (mine, more)] == [("mine", 1.0, 0.1), ("more", 0.5, 0.1)]
    mine, dev = sources_of_files([str(tmp_path / "mine.jsonl")], [tmp_path / "dev.jsonl"])
    assert (mine.held_out, dev.only_dev) == (0.0, True)
    with pytest.raises(ValueError, match="two files are called mine"):
        sources_of_files([str(tmp_path / "mine.jsonl")] * 2, [])
    with pytest.raises(ValueError, match="'heavy' is no number"):
        sources_of_files([f"{tmp_path / 'mine.jsonl'}=heavy"], [])


# Runs


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


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where encoded pairs are kept."""
    return tmp_path_factory.mktemp("cache")


def tiny_config(encoder: Path, **settings: Any) -> TrainConfig:
    source = Source("outside", "blocks", "{data}/pairs.txt", held_out=0.3)
    fields = {"epochs": 12, "learning_rate": 5e-3} | settings
    return TrainConfig((source,), encoder=str(encoder), max_length=64, batch_tokens=512, **fields)


def test_a_run_learns_repeats_itself_and_loads(
    tiny_encoder: Path, outside: Path, encoded: Path, tmp_path: Path
) -> None:
    first = Trainer(tiny_config(tiny_encoder), tmp_path / "first", data=outside, device="cpu", cache=encoded)
    result = first.fit()
    Trainer(tiny_config(tiny_encoder), tmp_path / "second", data=outside, device="cpu", cache=encoded).fit()
    losses = [record["loss"] for record in first.history if record["event"] == "step"]
    assert losses[-1] < losses[0] / 2
    assert result.dev["outside.macro_f1"] > 0.9
    assert result.tokens > 0
    assert result.seconds > 0
    for name in ("model.safetensors", "metrics.jsonl", "calibration.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    assert not (tmp_path / "first" / "state").exists()

    torch.manual_seed(99)
    classifier = StanceClassifier.from_pretrained(tmp_path / "first")
    pairs = list(read_blocks(outside / "pairs.txt"))
    right = sum(classifier.predict([pair])[0][0] is pair.targets[0].label for pair in pairs)
    assert right / len(pairs) > 0.9

    again = Trainer(tiny_config(tiny_encoder), tmp_path / "first", data=outside, device="cpu", cache=encoded)
    assert again.fit().dev == result.dev  # complete: nothing is trained again
    assert again.history == first.history
    with pytest.raises(ValueError, match="seed was 0 and is 1"):
        Trainer(tiny_config(tiny_encoder, seed=1), tmp_path / "first", data=outside, cache=encoded).fit()


class Killed(Exception):
    pass


def killed_at(record_number: int) -> Any:
    """A listener that ends the run at one of its records, as if it were killed."""
    heard = 0

    def listen(record: dict[str, Any]) -> None:
        nonlocal heard
        heard += record["event"] in ("step", "epoch")
        if heard == record_number:
            raise Killed

    return listen


@pytest.mark.parametrize("settings", [{}, {"dropout": 0.1, "precision": "bfloat16", "average": 0.9}])
def test_a_killed_run_goes_on_to_the_same_bits(
    settings: dict[str, Any], tiny_encoder: Path, outside: Path, encoded: Path, tmp_path: Path
) -> None:
    config = tiny_config(tiny_encoder, epochs=4, **settings)
    options: dict[str, Any] = {"data": outside, "device": "cpu", "cache": encoded, "snapshot_seconds": 0.0}
    Trainer(config, tmp_path / "whole", **options).fit()
    for number in (2, 5):
        with pytest.raises(Killed):
            Trainer(config, tmp_path / "killed", listen=killed_at(number), **options).fit()
    Trainer(config, tmp_path / "killed", **options).fit()
    for name in ("model.safetensors", "metrics.jsonl", "calibration.json"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_killed_by_the_system_goes_on_to_the_same_bits(
    tiny_encoder: Path, outside: Path, encoded: Path, tmp_path: Path
) -> None:
    config = tiny_config(tiny_encoder, epochs=30)
    (tmp_path / "run.py").write_text(
        "import sys; from pathlib import Path\n"
        "from stancewire.training import Source, TrainConfig, Trainer\n"
        f"source = Source('outside', 'blocks', '{{data}}/pairs.txt', held_out=0.3)\n"
        f"config = TrainConfig((source,), encoder={str(tiny_encoder)!r}, max_length=64, batch_tokens=512, epochs=30,"
        " learning_rate=5e-3)\n"
        f"Trainer(config, sys.argv[1], data=Path({str(outside)!r}), device='cpu', cache=Path({str(encoded)!r}),"
        " snapshot_seconds=0.0).fit()\n"
    )
    run = subprocess.Popen([sys.executable, str(tmp_path / "run.py"), str(tmp_path / "killed")])
    while run.poll() is None and len(list((tmp_path / "killed" / "state").glob("step-*"))) < 2:
        time.sleep(0.002)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    options: dict[str, Any] = {"data": outside, "device": "cpu", "cache": encoded}
    Trainer(config, tmp_path / "killed", **options).fit()
    Trainer(config, tmp_path / "whole", **options).fit()
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_damaged_snapshot_is_refused_by_name_and_the_one_before_it_used(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        snapshots.save(tmp_path, step, {"weights": torch.full((3,), float(step))}, {"step": step})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000020", "step-00000030"]
    damaged = tmp_path / "step-00000030" / "tensors.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    refused: list[str] = []
    found = snapshots.load(tmp_path, refused.append)
    assert found is not None
    assert found[0]["weights"].tolist() == [20.0] * 3
    assert found[1] == {"step": 20}
    assert "step-00000030" in refused[0]
    shutil.rmtree(tmp_path / "step-00000020")
    assert snapshots.load(tmp_path, refused.append) is None


def test_a_checkpoint_of_another_make_is_left_alone(
    tiny_encoder: Path, outside: Path, encoded: Path, tmp_path: Path
) -> None:
    (tmp_path / "MANIFEST.json").write_text("{}")
    with pytest.raises(ValueError, match="holds a checkpoint already"):
        Trainer(tiny_config(tiny_encoder), tmp_path, data=outside, cache=encoded).fit()


def test_a_run_stops_when_patience_is_out_and_keeps_the_best(
    tiny_encoder: Path, outside: Path, encoded: Path, tmp_path: Path
) -> None:
    config = tiny_config(tiny_encoder, epochs=40, patience=2)
    trainer = Trainer(config, tmp_path / "run", data=outside, device="cpu", cache=encoded)
    result = trainer.fit()
    figures = [record["dev"]["outside.macro_f1"] for record in trainer.history if record["event"] == "epoch"]
    assert len(figures) < 40
    assert figures.index(max(figures)) == result.epoch == len(figures) - 3


def test_pairs_given_in_python_are_trained_on_and_a_tenth_held_out(
    tiny_encoder: Path, outside: Path, encoded: Path, tmp_path: Path
) -> None:
    told = list(read_blocks(outside / "pairs.txt"))
    pairs = [dataclasses.replace(pair, text=f"{pair.text} It was day {day}.") for day, pair in enumerate(told)]
    config = dataclasses.replace(tiny_config(tiny_encoder, epochs=1), sources=())
    trainer = Trainer(config, tmp_path / "run", train=pairs, device="cpu", cache=encoded)
    trainer.fit()
    start = trainer.history[0]
    assert start["train"]["pairs"] + start["dev"]["pairs"] == len(pairs)
    assert start["dev"]["pairs"] > 0
    with pytest.raises(ValueError, match="nothing to train on"):
        Trainer(config, tmp_path / "none")


def test_a_dry_run_tells_what_a_run_would_do_and_writes_nothing(
    tiny_encoder: Path, outside: Path, encoded: Path, tmp_path: Path
) -> None:
    trainer = Trainer(tiny_config(tiny_encoder), tmp_path / "run", data=outside, device="cpu", cache=encoded)
    estimate = trainer.dry_run()
    assert not (tmp_path / "run").exists()
    trainer.fit()
    assert estimate.steps == trainer.history[-1]["step"]
    assert estimate.train == trainer.history[0]["train"]
    assert 0 < estimate.padding < 0.9


def test_low_rank_updates_learn_and_are_merged(
    tiny_encoder: Path, outside: Path, encoded: Path, tmp_path: Path
) -> None:
    pytest.importorskip("peft")
    config = tiny_config(tiny_encoder, lora_rank=4, learning_rate=2e-2, epochs=20)
    result = Trainer(config, tmp_path / "run", data=outside, device="cpu", cache=encoded).fit()
    assert result.dev["outside.macro_f1"] > 0.8
    names = set(load_file(tmp_path / "run" / "model.safetensors"))
    assert not any("lora" in name for name in names)
    assert StanceClassifier.from_pretrained(tmp_path / "run")


def test_several_processes_follow_the_loss_of_one(
    tiny_encoder: Path, outside: Path, encoded: Path, tmp_path: Path
) -> None:
    (tmp_path / "preset.toml").write_text(
        f'encoder = "{tiny_encoder}"\nmax_length = 64\nbatch_tokens = 512\nepochs = 3\nlearning_rate = 1e-3\n'
        'precision = "float32"\n[[sources]]\nname = "outside"\nformat = "blocks"\nfiles = "{data}/pairs.txt"\nheld_out = 0.3\n'
    )
    losses = {}
    for number in (1, 2):
        out = tmp_path / f"of-{number}"
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={number}"] if number > 1 else []
        stancewire = Path(sys.executable).parent / "stancewire"
        command = [sys.executable, *launch, str(stancewire), "train", "--preset", str(tmp_path / "preset.toml")]
        environment = os.environ | {"STANCEWIRE_CACHE": str(encoded), "OMP_NUM_THREADS": "1"}
        subprocess.run([*command, "--data", str(outside), "--out", str(out)], check=True, env=environment, timeout=120)
        records = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
        losses[number] = [record["loss"] for record in records if record["event"] == "step"]
    np.testing.assert_allclose(losses[2], losses[1], atol=1e-4)


# Notebooks


def test_the_course_of_a_run_is_drawn_with_its_figures() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    history = [
        {"event": "start"},
        *({"event": "step", "step": step, "loss": 1.0 / step} for step in (20, 40)),
        *({"event": "epoch", "epoch": epoch, "dev": {"un.macro_f1": 0.5 + epoch / 10}} for epoch in (0, 1)),
    ]
    left, right = plot_curves(history)
    assert left.lines[0].get_xydata().tolist() == [[20, 0.05], [40, 0.025]]
    assert right.lines[0].get_xydata().tolist() == [[0, 0.5], [1, 0.6]]
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["un"]
    pyplot.close("all")


def test_the_estimator_fits_predicts_and_can_be_cloned(
    tiny_encoder: Path, outside: Path, encoded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANCEWIRE_CACHE", str(encoded))
    pairs = list(read_blocks(outside / "pairs.txt"))
    estimator = clone(
        StanceEstimator(str(tiny_encoder), epochs=12, learning_rate=5e-3, batch_tokens=512, max_length=64)
    )
    with pytest.raises(NotFittedError, match="fit"):
        estimator.predict(pairs)
    assert estimator.fit(pairs, dev=pairs[:9]).score(pairs) > 0.9
    assert estimator.predict_proba(pairs)[0].shape == (1, 3)
    assert estimator.predict(pairs[:1]) == [[pairs[0].targets[0].label]]
