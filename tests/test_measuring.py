"""Measuring a checkpoint on files: what is compared, what stops it, and what its manifest held out."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from stancewire import StanceClassifier
from stancewire.eval.evaluation import Evaluation
from stancewire.models.checkpoint import MANIFEST
from stancewire.training.measuring import LeakageError, Provenance, labelled, measure

WORDS = "envoy border ship harbour minister treaty summit convoy embassy market river school bridge letter vote farm".split()


def record(number: int) -> str:
    """A record whose words no other record has in this order."""
    words = " ".join(random.Random(number).choices(WORDS, k=12))  # noqa: S311
    state, label = (("PER", "+"), ("TCD", "-"), ("MLI", "0"))[number % 3]
    return f"# id: r-{number}\nT: Fiji said that [[{words} {number}]].\nS: Fiji | FJI\nL: {state}={label}\nK: irony\n"


def write(path: Path, numbers: range) -> Path:
    path.write_text("\n".join(map(record, numbers)), encoding="utf-8")
    return path


def source(path: Path, **fields: Any) -> dict[str, Any]:
    return {"name": path.stem, "format": "blocks", "files": str(path)} | fields


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return write(tmp_path / "train.txt", range(30))


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    return write(tmp_path / "dev.txt", range(30, 40))


def made_with(tiny: Path, folder: Path, **config: Any) -> Path:
    """The tiny checkpoint with another record of how it was made."""
    shutil.copytree(tiny, folder)
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"made": {"config": config}}))
    return folder


def run(folder: Path, *files: Path, **options: Any) -> Evaluation:
    return measure(StanceClassifier.from_pretrained(folder, device="cpu"), folder, files, **options)


def test_files_are_measured_together_and_apart(tiny_checkpoint: Path, dev: Path, tmp_path: Path) -> None:
    (tmp_path / "more.jsonl").write_text(
        json.dumps(
            {
                "id": "m",
                "text": "Peru lied, the paper wrote.",
                "statement": [[0, 9]],
                "targets": [{"target": "PER", "label": "critical"}],
                "tags": ["negation"],
            }
        )
    )
    found = run(tiny_checkpoint, dev, tmp_path / "more.jsonl")
    assert {name: report.n for name, report in found.facets["source"].items()} == {"dev": 10, "more": 1}
    assert {name: report.n for name, report in found.facets["phenomenon"].items()} == {"irony": 10, "negation": 1}
    assert (found.trained_on, found.unread) == ([], [])


def test_what_a_checkpoint_was_trained_on_stops_it(
    tiny_checkpoint: Path, train: Path, dev: Path, tmp_path: Path
) -> None:
    folder = made_with(tiny_checkpoint, tmp_path / "mine", sources=[source(train)])
    assert run(folder, dev).trained_on == ["train"]
    both = write(tmp_path / "both.txt", range(28, 32))
    with pytest.raises(
        LeakageError, match=r"^2 measured texts stand in training text:\n  r-28: .* r-28 \(100%\)\n  r-29: "
    ):
        run(folder, both)


def test_what_baselines_are_trained_on_stops_it_too(tiny_checkpoint: Path, train: Path, dev: Path) -> None:
    assert "tf-idf" in run(tiny_checkpoint, dev, train=[train]).contenders
    with pytest.raises(LeakageError, match=r"^30 measured .*(\n  .*){20}\n  … and 10 more$"):
        run(tiny_checkpoint, train, train=[train])


def test_what_the_other_model_was_trained_on_stops_it_too(
    tiny_checkpoint: Path, train: Path, dev: Path, tmp_path: Path
) -> None:
    folder = made_with(tiny_checkpoint, tmp_path / "other", sources=[source(train)])
    other = (StanceClassifier.from_pretrained(folder, device="cpu"), folder)
    assert run(tiny_checkpoint, dev, against=other).trained_on == ["train"]
    with pytest.raises(LeakageError, match="30 measured"):
        run(tiny_checkpoint, train, against=other)


def test_what_the_first_checkpoint_saw_counts_after_training_on(
    tiny_checkpoint: Path, train: Path, dev: Path, tmp_path: Path
) -> None:
    first = made_with(tiny_checkpoint, tmp_path / "first", sources=[source(train)])
    second = made_with(tiny_checkpoint, tmp_path / "second", encoder=str(first), sources=[source(dev)])
    assert [known.name for known in Provenance.of(second).sources] == ["dev", "train"]
    with pytest.raises(LeakageError):
        run(second, train)


def test_a_checkpoint_that_started_from_itself_ends_the_search(
    tiny_checkpoint: Path, train: Path, tmp_path: Path
) -> None:
    folder = made_with(tiny_checkpoint, tmp_path / "mine", encoder=str(tmp_path / "mine"), sources=[source(train)])
    assert [known.name for known in Provenance.of(folder).sources] == ["train"]


def test_sources_that_are_not_at_hand_are_named(tiny_checkpoint: Path, train: Path, dev: Path, tmp_path: Path) -> None:
    gone = [source(tmp_path / "gone.txt"), source(train, name="outside", files="{data}/un/*.txt")]
    folder = made_with(tiny_checkpoint, tmp_path / "mine", sources=[source(train), *gone])
    found = run(folder, dev)
    assert (found.trained_on, found.unread) == (["train"], ["gone", "outside"])


def test_outside_data_are_compared_where_they_are_at_hand(tiny_checkpoint: Path, dev: Path, tmp_path: Path) -> None:
    write(tmp_path / "speeches.txt", range(30))
    outside = [source(tmp_path, name="un", files="{data}/speeches.txt", held_out=0.3)]
    folder = made_with(tiny_checkpoint, tmp_path / "mine", sources=outside)
    found = run(folder, dev, outside=tmp_path)
    assert (found.trained_on, found.unread) == (["un"], [])
    with pytest.raises(LeakageError):
        run(folder, tmp_path / "speeches.txt", outside=tmp_path)
    assert set(run(folder, outside=tmp_path).facets["source"]) == {"un"}


def test_what_was_only_held_out_is_no_training_text(
    tiny_checkpoint: Path, train: Path, dev: Path, tmp_path: Path
) -> None:
    only_dev = [source(dev, only_dev=True), source(tmp_path / "gone.txt", only_dev=True)]
    folder = made_with(tiny_checkpoint, tmp_path / "mine", sources=[source(train), *only_dev])
    found = run(folder, dev)
    assert (found.trained_on, found.unread) == (["train"], [])


def test_without_files_the_held_out_part_is_measured(tiny_checkpoint: Path, train: Path, tmp_path: Path) -> None:
    folder = made_with(tiny_checkpoint, tmp_path / "mine", sources=[source(train, held_out=0.3)])
    held = {item.pair.id for item in Provenance.of(folder).held_out()}
    kept = {item.pair.id for item in Provenance.of(folder).trained_on()}
    assert held
    assert held | kept == {f"r-{number}" for number in range(30)}
    assert not held & kept
    assert {item.pair.id for item in run(folder).cases.items} == held


def test_of_the_held_out_part_what_was_trained_on_all_the_same_is_left_out(
    tiny_checkpoint: Path, train: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.txt"
    again.write_text(record(31) + "\n" + record(3), encoding="utf-8")
    folder = made_with(tiny_checkpoint, tmp_path / "mine", sources=[source(train), source(again, only_dev=True)])
    found = run(folder)
    assert [item.pair.id for item in found.cases.items] == ["r-31"]
    assert found.left_out == ["r-3"]


def test_nothing_held_out_is_told(tiny_checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="no held-out text"):
        run(tiny_checkpoint)


def test_sentences_of_one_speech_are_one_group(tmp_path: Path) -> None:
    path = tmp_path / "un.txt"
    path.write_text(
        (record(1) + "\n" + record(2) + "\n" + record(3))
        .replace("r-1", "FJI_70_2015-1")
        .replace("r-2", "FJI_70_2015-2")
    )
    assert [item.group for item in labelled([path])] == ["FJI_70_2015", "FJI_70_2015", "r-3"]
