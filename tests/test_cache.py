"""The cache of encoded pairs: same rows as encoding gives, same bytes for any number of workers, nothing stale or damaged."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer

from stancewire import stance
from stancewire.models.inputs import SlotEncoder
from stancewire.pairs import PairTarget, StancePair, write_pairs
from stancewire.schema import Label, Span
from stancewire.training import cache
from stancewire.training.cache import UNKNOWN, Examples, open_pairs, open_source, open_split
from stancewire.training.corpus import Source


def pair(number: int, **fields: Any) -> StancePair:
    text = f"Envoy {number} of Mali said that Chad was late and that Peru {'would wait ' * (number % 7)}."
    targets = (PairTarget("PER", Label.NEUTRAL), PairTarget("TCD", Label.CRITICAL, None, True), PairTarget("MLI"))
    given = StancePair(f"p-{number}", text, (Span(text.index("Chad"), len(text) - 1),), targets, "the envoy", "MLI")
    return dataclasses.replace(given, **fields)


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    write_pairs((pair(number) for number in range(40)), tmp_path / "mine.jsonl")
    return tmp_path / "mine.jsonl"


class Log(list[dict[str, Any]]):
    """Records, and whether something was encoded since last asked."""

    def encoded(self) -> bool:
        events = [record["event"] for record in self]
        self.clear()
        return "encoded" in events


def opened(source: Source, encoder: SlotEncoder, folder: Path, log: Log | None = None) -> tuple[Examples, Examples]:
    return open_source(source, None, encoder, folder, log=(log if log is not None else Log()).append)


def every(examples: Examples) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.arange(len(examples))


def test_cached_examples_are_what_encoding_gives(tiny_slot_encoder: SlotEncoder, tmp_path: Path) -> None:
    long = "Peru would wait for Chad " * 40
    pairs = [pair(0), pair(5, weight=0.25), pair(1, text=long, statement=(Span(0, len(long)),))]
    examples = open_pairs(pairs, tiny_slot_encoder, tmp_path, log=Log().append)
    taken = examples.take(every(examples))
    for given, example in zip(pairs, taken, strict=True):
        (encoded,) = tiny_slot_encoder.encode([stance.passage(given)])
        assert tuple(tuple(window.tolist()) for window in example.windows) == encoded.windows
        listed = [given.targets[index] for index in encoded.order]
        known = {"TCD": (2, 1), "PER": (1, UNKNOWN), "MLI": (UNKNOWN, UNKNOWN)}
        assert list(zip(example.labels, example.addressed, strict=True)) == [known[each.target] for each in listed]
        assert example.weight == given.weight
    assert len(taken[2].windows) > 1
    assert examples.lengths(every(examples)).tolist() == [len(example.windows[0]) for example in taken]
    assert examples.tokens == sum(len(example.windows[0]) for example in taken)


def test_a_pair_with_more_targets_than_slots_becomes_several_rows(
    tiny_slot_encoder: SlotEncoder, tmp_path: Path
) -> None:
    targets = tuple(PairTarget(f"entity {number}", list(Label)[number % 3], ()) for number in range(30))
    examples = open_pairs([pair(0, targets=targets)], tiny_slot_encoder, tmp_path, log=Log().append)
    labels = [label for example in examples.take(every(examples)) for label in example.labels]
    assert labels == [number % 3 for number in range(30)]
    assert len(examples) == 2


def test_train_and_dev_are_parted_as_the_source_says(
    tiny_slot_encoder: SlotEncoder, jsonl: Path, tmp_path: Path
) -> None:
    source = Source.of_file(jsonl, held_out=0.3, weight=2.0)
    examples = opened(source, tiny_slot_encoder, tmp_path / "cache")
    for part, pairs in zip(examples, source.read(None), strict=True):
        assert len(part) == len(pairs) > 0
        assert [example.weight for example in part.take(every(part))] == [pair.weight for pair in pairs]


def test_the_bytes_are_the_same_for_one_worker_and_two(
    tiny_slot_encoder: SlotEncoder, jsonl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_CHUNK_PAIRS", 4)
    monkeypatch.setattr(cache, "_ALONE_CHUNKS", 2)
    source = Source.of_file(jsonl, held_out=0.3)
    for workers in (1, 2):
        open_source(source, None, tiny_slot_encoder, tmp_path / str(workers), workers=workers, log=Log().append)
    one, two = (sorted((tmp_path / workers).iterdir()) for workers in ("1", "2"))
    assert [path.name for path in one] == [path.name for path in two]
    assert len(one) == 3
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_a_script_without_a_guard_is_told_so_and_does_not_hang(
    tiny_slot_encoder: SlotEncoder, jsonl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker imports the script, which comes to the same call again."""
    monkeypatch.setattr(cache, "_CHUNK_PAIRS", 4)
    monkeypatch.setattr(cache, "_ALONE_CHUNKS", 2)
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(ChildProcessError, match="`if __name__ == '__main__':`, or workers=1"):
        open_source(Source.of_file(jsonl), None, tiny_slot_encoder, tmp_path / "c", workers=2, log=Log().append)
    assert list((tmp_path / "c").iterdir()) == []


def test_a_source_is_encoded_once(tiny_slot_encoder: SlotEncoder, jsonl: Path, tmp_path: Path) -> None:
    log = Log()
    first, _ = opened(Source.of_file(jsonl), tiny_slot_encoder, tmp_path / "cache", log)
    assert log.encoded()
    moved = jsonl.rename(tmp_path / "moved.jsonl")
    again, _ = opened(Source.of_file(moved), tiny_slot_encoder, tmp_path / "cache", log)
    assert not log.encoded()
    assert again.digest == first.digest


def test_what_the_rows_depend_on_gives_another_key(
    tiny_slot_encoder: SlotEncoder, jsonl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, log = tmp_path / "cache", Log()
    source = Source.of_file(jsonl, held_out=0.1)
    opened(source, tiny_slot_encoder, folder, log)
    changes: list[dict[str, Any]] = [{"held_out": 0.2}, {"only_dev": True}, {"candidates": "all"}]
    for change in changes:
        assert log.encoded()
        opened(dataclasses.replace(source, **change), tiny_slot_encoder, folder, log)
    assert log.encoded()
    opened(source, SlotEncoder(tiny_slot_encoder.tokenizer, 64), folder, log)
    assert log.encoded()
    tokenizer = Tokenizer.from_str(tiny_slot_encoder.tokenizer.to_str())
    tokenizer.add_tokens(["chad"])
    opened(source, SlotEncoder(tokenizer, tiny_slot_encoder.max_length), folder, log)
    assert log.encoded()
    jsonl.write_text(jsonl.read_text().replace("late", "soon"))
    opened(source, tiny_slot_encoder, folder, log)
    assert log.encoded()
    monkeypatch.setattr(cache, "_code_digest", lambda: "another version of the code")
    opened(source, tiny_slot_encoder, folder, log)
    assert log.encoded()


def test_the_weight_of_a_source_needs_no_encoding_and_changes_the_digest(
    tiny_slot_encoder: SlotEncoder, jsonl: Path, tmp_path: Path
) -> None:
    log = Log()
    light, _ = opened(Source.of_file(jsonl), tiny_slot_encoder, tmp_path / "cache")
    heavy, _ = opened(Source.of_file(jsonl, weight=3.0), tiny_slot_encoder, tmp_path / "cache", log)
    assert not log.encoded()
    assert heavy.take(every(heavy)[:1])[0].weight == 3 * light.take(every(light)[:1])[0].weight
    assert heavy.digest != light.digest


@pytest.mark.parametrize("damage", ["a byte", "the end", "a file", "the index", "a field of the index"])
def test_a_damaged_cache_is_noticed_and_made_again(
    tiny_slot_encoder: SlotEncoder, jsonl: Path, tmp_path: Path, damage: str
) -> None:
    folder, log = tmp_path / "cache", Log()
    source = Source.of_file(jsonl)
    whole, _ = opened(source, tiny_slot_encoder, folder)
    (rows,), (index,) = folder.glob("*-train.arrow"), folder.glob("*.json")
    content = rows.read_bytes()
    if damage == "a byte":
        rows.write_bytes(content[:2000] + bytes([content[2000] ^ 1]) + content[2001:])
    elif damage == "the end":
        rows.write_bytes(content[:-100])
    elif damage == "a file":
        rows.unlink()
    elif damage == "the index":
        index.write_text(index.read_text()[:-5])
    else:
        index.write_text(json.dumps({"train": {}, "dev": {}}))
    mended, _ = opened(source, tiny_slot_encoder, folder, log)
    assert any("encoded again" in record.get("because", "") for record in log)
    assert log.encoded()
    assert (rows.read_bytes(), mended.digest) == (content, whole.digest)


def test_targets_that_nothing_can_stand_for_are_told_each_time(tiny_slot_encoder: SlotEncoder, tmp_path: Path) -> None:
    """A name in place of a code is no error, since a target may be implied; but it is hardly meant."""
    targets = (PairTarget("Chad"), PairTarget("TCD"), PairTarget("Ann", None, (Span(0, 5),)))
    for _ in range(2):
        log = Log()
        open_pairs([pair(1, targets=targets), pair(2)], tiny_slot_encoder, tmp_path, log=log.append)
        (told,) = (record for record in log if record["event"] == "unknown targets")
        assert told["targets"] == {"Chad": 1}


def test_an_error_in_a_late_pair_leaves_nothing_behind(tiny_slot_encoder: SlotEncoder, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    write_pairs((pair(number) for number in range(20)), bad)
    bad.write_text(bad.read_text() + '{"text": 7}\n')
    with pytest.raises(ValueError, match=r"bad\.jsonl:21: field 'text'"):
        opened(Source.of_file(bad), tiny_slot_encoder, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_pairs_out_of_format_are_refused(tiny_slot_encoder: SlotEncoder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pair 2 \('p-7'\): field 'statement': \[0, 999\] does not lie in the text"):
        open_pairs([pair(1), pair(7, statement=(Span(0, 999),))], tiny_slot_encoder, tmp_path, log=Log().append)


def test_pairs_may_come_from_an_iterator_and_are_encoded_once(tiny_slot_encoder: SlotEncoder, tmp_path: Path) -> None:
    log = Log()
    first = open_pairs(map(pair, range(9)), tiny_slot_encoder, tmp_path, log=log.append)
    assert log.encoded()
    again = open_pairs([pair(number) for number in range(9)], tiny_slot_encoder, tmp_path, log=log.append)
    assert not log.encoded()
    assert (len(first), first.digest) == (9, again.digest)


def test_a_share_of_pairs_may_be_held_out_by_their_text(tiny_slot_encoder: SlotEncoder, tmp_path: Path) -> None:
    pairs = [pair(number) for number in range(60)] * 2
    train, dev = open_split(pairs, tiny_slot_encoder, tmp_path, held_out=0.3, log=Log().append)
    sides = [{tuple(example.windows[0]) for example in side.take(every(side))} for side in (train, dev)]
    assert len(train) + len(dev) == 120
    assert sides[0]
    assert sides[1]
    assert not sides[0] & sides[1]


def test_nothing_is_a_source_of_no_rows(tiny_slot_encoder: SlotEncoder, tmp_path: Path) -> None:
    examples = open_pairs([], tiny_slot_encoder, tmp_path, log=Log().append)
    assert (len(examples), examples.tokens, examples.take(every(examples))) == (0, 0, [])
    assert examples.lengths(every(examples)).tolist() == []


def test_concatenated_examples_are_their_parts_in_order(tiny_slot_encoder: SlotEncoder, tmp_path: Path) -> None:
    def part(numbers: range) -> Examples:
        return open_pairs(map(pair, numbers), tiny_slot_encoder, tmp_path, log=Log().append)

    first, none, second = part(range(3)), part(range(0)), part(range(10, 15))
    both = Examples.concatenate([first, none, second])
    rows = np.array([7, 0, 3, 2, 7])
    ids = [example.windows[0].tolist() for example in both.take(rows)]
    apart = [example.windows[0].tolist() for part in (first, second) for example in part.take(every(part))]
    assert ids == [apart[row] for row in rows]
    assert both.lengths(rows).tolist() == [len(row) for row in ids]
    assert both.tokens == first.tokens + second.tokens
    assert both.digest != Examples.concatenate([second, none, first]).digest


@pytest.mark.parametrize("row", [-1, 3])
def test_a_row_that_is_not_there_is_refused(tiny_slot_encoder: SlotEncoder, tmp_path: Path, row: int) -> None:
    examples = open_pairs(map(pair, range(3)), tiny_slot_encoder, tmp_path, log=Log().append)
    for read in (examples.take, examples.lengths):
        with pytest.raises(IndexError, match="there are 3"):
            read(np.array([row]))


def test_two_that_encode_at_once_do_no_harm(
    tiny_slot_encoder: SlotEncoder, jsonl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find nothing, both write; the files are the same and each is renamed into place."""
    both_looked, find = threading.Barrier(2), cache._find
    waits = threading.local()

    def find_together(*asked: Any) -> tuple[Examples, Examples] | None:
        found = find(*asked)
        if not hasattr(waits, "over"):
            waits.over = True
            assert found is None
            both_looked.wait(timeout=10)
        return found

    monkeypatch.setattr(cache, "_find", find_together)
    with ThreadPoolExecutor(2) as threads:
        log = Log()
        runs = [threads.submit(opened, Source.of_file(jsonl), tiny_slot_encoder, tmp_path / "c", log) for _ in range(2)]
        (one, _), (two, _) = (run.result() for run in runs)
    assert [record["event"] for record in log].count("encoded") == 2
    assert one.digest == two.digest
    assert len(one) == len(two) == 40
    assert len(list((tmp_path / "c").iterdir())) == 3


def test_what_killed_processes_left_is_swept_and_what_is_new_stays(
    tiny_slot_encoder: SlotEncoder, jsonl: Path, tmp_path: Path
) -> None:
    old, new = tmp_path / "rows-old.tmp", tmp_path / "rows-new.tmp"
    for path, age in ((old, 100_000), (new, 0)):
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    opened(Source.of_file(jsonl), tiny_slot_encoder, tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


def test_datasets_reads_the_rows_too(tiny_slot_encoder: SlotEncoder, jsonl: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    examples, _ = opened(Source.of_file(jsonl), tiny_slot_encoder, tmp_path / "cache")
    (path,) = (tmp_path / "cache").glob("*-train.arrow")
    dataset = datasets.Dataset.from_file(str(path))
    (example,) = examples.take(np.array([17]))
    assert dataset[17]["id"] == "p-17"
    assert dataset[17]["windows"] == [window.tolist() for window in example.windows]


def written(rows: int, folder: Path) -> Callable[[], Examples]:
    """Writes so many rows of 120 tokens, as those of sources are written; opens them."""
    random = np.random.default_rng(rows)

    def batches() -> Iterator[pa.RecordBatch]:
        for first in range(0, rows, 4000):
            count = min(4000, rows - first)
            ids = pa.array(random.integers(0, 30_000, 120 * count, dtype=np.int32))
            windows = pa.ListArray.from_arrays(pa.array(range(0, 120 * count + 1, 120), pa.int32()), ids)
            one = pa.array(range(count + 1), pa.int32())
            known = pa.ListArray.from_arrays(one, pa.array([1] * count, pa.int8()))
            names = pa.array([str(first + row) for row in range(count)])
            weights, lengths = pa.array([1.0] * count, pa.float32()), pa.array([120] * count, pa.int32())
            columns = [names, pa.ListArray.from_arrays(one, windows), known, known, weights, lengths]
            yield pa.RecordBatch.from_arrays(columns, schema=cache.SCHEMA)

    with cache._Writer(folder) as writer:
        for batch in batches():
            writer.add(batch)
        stored = writer.finish(folder / f"{rows}.arrow")
    return lambda: Examples._open(folder / f"{rows}.arrow", stored, 1.0)


def test_a_hundred_times_the_rows_need_no_more_memory(tmp_path: Path) -> None:
    """What is allocated while opening and taking, on Python's side and on Arrow's; mapped pages are the system's."""

    def growth(rows: int) -> tuple[int, int]:
        reopen = written(rows, tmp_path)
        arrow = pa.total_allocated_bytes()
        tracemalloc.start()
        examples = reopen()
        taken = examples.take(np.random.default_rng(0).integers(0, rows, 64))
        examples.lengths(np.random.default_rng(1).integers(0, rows, 1000))
        grown = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(taken) == 64
        return grown, pa.total_allocated_bytes() - arrow

    few, many = growth(2_000), growth(200_000)
    assert many[0] < few[0] + 100_000
    assert many[1] < few[1] + 100_000


def test_the_folder_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STANCEWIRE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.default_folder() == tmp_path / ".cache" / "stancewire"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache.default_folder() == tmp_path / "x" / "stancewire"
    monkeypatch.setenv("STANCEWIRE_CACHE", str(tmp_path / "y"))
    assert cache.default_folder() == tmp_path / "y"
