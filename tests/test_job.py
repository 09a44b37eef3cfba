"""Jobs: every item in one place, changes refused by name, copies grouped, damage made good."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stancewire.batch import job
from stancewire.batch.items import digest
from stancewire.batch.ledger import Ledger
from stancewire.batch.lock import LockedError, locked
from stancewire.batch.sources import list_sources
from tests.job_driver import label, run


def archive(path: Path, articles: int = 60) -> Path:
    """Articles of all fates: every 10th is a copy of the one before, others are broken, empty, foreign, silent, or raise."""
    draw = random.Random(1)  # noqa: S311
    fates = {3: "FOREIGN ", 4: "SILENT ", 5: "RAISE "}
    lines, text = [], ""
    for number in range(articles):
        if number % 10 != 9:
            text = fates.get(number % 10, "") + " ".join(f"word{draw.randrange(5_000)}" for _ in range(60))
        lines.append(json.dumps({"id": f"a{number}", "text": text, "desk": number}))
        if number % 10 == 7:
            lines += ["{broken", '{"text": ""}']
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def output(folder: Path) -> dict[str, bytes]:
    """What a job has written, without its ledger and lock."""
    files = [*sorted((folder / "rows").iterdir()), *(folder / "parts").iterdir(), folder / "errors.jsonl"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in [*files, folder / "manifest.json"]}


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    return archive(tmp_path / "feed.jsonl")


@pytest.fixture
def whole(tmp_path: Path, feed: Path) -> dict[str, bytes]:
    """The output of a run that nothing happens to."""
    run(tmp_path / "whole", feed)
    return output(tmp_path / "whole")


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted((folder / "rows").iterdir()) for line in path.open(encoding="utf-8")]


# --- what comes out


def test_every_item_is_in_exactly_one_place(tmp_path: Path, feed: Path) -> None:
    counts = run(tmp_path / "job", feed)
    lines = feed.read_text().splitlines()
    assert counts.items == len(lines) == counts.labelled + counts.without + counts.duplicates + counts.aside
    assert (counts.without, counts.duplicates, counts.aside) == (6, 6, 6 + 6 + 2 * 6)
    assert counts.rows == len(rows(tmp_path / "job")) == 2 * (counts.labelled + counts.duplicates)


def test_rows_are_in_the_order_of_the_articles_and_none_is_there_twice(tmp_path: Path, feed: Path) -> None:
    run(tmp_path / "job", feed)
    found = [row["statement_id"] for row in rows(tmp_path / "job")]
    assert found == [f"a{n}#{m}" for n in range(60) if n % 10 not in (3, 4, 5) for m in (1, 2)]


def test_whatever_is_set_aside_is_listed_with_place_hash_stage_and_reason(tmp_path: Path, feed: Path) -> None:
    run(tmp_path / "job", feed)
    errors = [json.loads(line) for line in (tmp_path / "job" / "errors.jsonl").open()]
    data = feed.read_bytes()
    broken = errors[2]
    assert data[broken["offset"] :].startswith(b"{broken\n")
    assert broken["position"] == str(data[: broken["offset"]].count(b"\n") + 1)
    assert broken["sha256"] == digest(b"{broken\n")
    assert all(error["source"] == str(feed) and error["sha256"] and error["reason"] for error in errors)
    reasons = [(error["stage"], error["reason"].split(":")[0]) for error in errors]
    assert reasons[:4] == [
        ("label", "language 'fr'"),
        ("label", "labelling failed 2 times"),
        ("read", "broken JSON"),
        ("read", "empty text"),
    ]


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_every_format_has_the_same_rows(format: str, tmp_path: Path, feed: Path) -> None:
    run(tmp_path / "jsonl-job", feed)
    run(tmp_path / "job", feed, format=format)
    files = sorted((tmp_path / "job" / "rows").iterdir())
    assert [path.name for path in files] == [f"rows-{number:05}.{format}" for number in range(len(files))]
    assert len(files) == 3
    read: dict[str, Callable[[Path], list[Any]]] = {
        "jsonl": lambda path: [json.loads(line) for line in path.open(encoding="utf-8")],
        "csv": lambda path: list(csv.DictReader(path.open(encoding="utf-8", newline=""))),
        "parquet": lambda path: pq.read_table(path).to_pylist(),
    }
    found = [
        (row["statement_id"], row["dup_group"], int(row["n_copies"])) for path in files for row in read[format](path)
    ]
    expected = rows(tmp_path / "jsonl-job")
    assert found == [(row["statement_id"], row["dup_group"], row["n_copies"]) for row in expected]


def test_a_job_without_rows_still_has_an_output(tmp_path: Path) -> None:
    (tmp_path / "feed.jsonl").write_text('{"text": "SILENT"}\n')
    run(tmp_path / "job", tmp_path / "feed.jsonl", format="csv")
    assert (tmp_path / "job" / "rows" / "rows-00000.csv").read_text().startswith("doc_id,")


def test_copies_are_grouped_across_parts_and_counted_to_the_end(tmp_path: Path) -> None:
    story = " ".join(f"w{n}" for n in range(100))
    texts = [
        f"{story} tail of paper {n}" if n % 5 == 0 else " ".join(f"x{n}y{m}" for m in range(50)) for n in range(40)
    ]
    lines = [json.dumps({"id": f"a{n}", "text": text}) for n, text in enumerate(texts)]
    (tmp_path / "feed.jsonl").write_text("\n".join(lines))
    counts = run(tmp_path / "job", tmp_path / "feed.jsonl")
    assert counts.duplicates == 7
    found = {row["doc_id"]: (row["dup_group"], row["n_copies"]) for row in rows(tmp_path / "job")}
    assert found == {f"a{n}": ("a0", 8) if n % 5 == 0 else (f"a{n}", 1) for n in range(40)}


def test_the_batch_size_does_not_change_a_byte(tmp_path: Path, feed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = job.Settings("jsonl", {}, part_items=7, file_parts=4)
    for size in (1, 64):
        job.run(tmp_path / str(size), settings, lambda: list_sources([str(feed)]), label, batch_size=size)
    assert output(tmp_path / "1") == output(tmp_path / "64")


# --- going on


def test_a_job_that_is_done_is_left_as_it_is(tmp_path: Path, feed: Path) -> None:
    def unexpected(articles: Any) -> Any:
        raise AssertionError("labelled again")

    counts = run(tmp_path / "job", feed)
    before = output(tmp_path / "job")
    assert run(tmp_path / "job", feed, labeller=unexpected) == counts
    assert output(tmp_path / "job") == before


def test_a_job_asked_to_stop_after_any_part_goes_on_to_the_same_bytes(
    tmp_path: Path, feed: Path, whole: dict[str, bytes]
) -> None:
    stops = len(feed.read_text().splitlines()) // 7 + 1 + len([name for name in whole if name.startswith("rows/")])
    for _ in range(stops):
        with pytest.raises(job.Interrupted, match="the same command goes on"):
            run(tmp_path / "job", feed, stop=lambda: True)
    run(tmp_path / "job", feed, stop=lambda: True)
    assert output(tmp_path / "job") == whole


def test_a_later_file_is_gone_on_with_without_reading_the_earlier_ones(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "abc":
        archive(tmp_path / "in" / f"{name}.jsonl", 20)
    run(tmp_path / "whole", tmp_path / "in")
    with pytest.raises(job.Interrupted):
        run(tmp_path / "job", tmp_path / "in", stop=lambda: True)
    run(tmp_path / "job", tmp_path / "in")
    assert output(tmp_path / "job") == output(tmp_path / "whole")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"depends": {"model": "another"}}, "model was 'by rule' and is 'another'"),
        ({"depends": {"model": "by rule", "text_field": "body"}}, "text_field was None and is 'body'"),
        ({"format": "csv"}, "format was 'jsonl' and is 'csv'"),
    ],
)
def test_a_changed_model_or_setting_is_refused_by_name(
    change: dict[str, Any], complaint: str, tmp_path: Path, feed: Path
) -> None:
    run(tmp_path / "job", feed)
    with pytest.raises(job.JobError, match=complaint):
        run(tmp_path / "job", feed, **change)


def test_a_changed_input_is_refused_by_name(tmp_path: Path, feed: Path) -> None:
    other = archive(tmp_path / "other.jsonl", 5)
    run(tmp_path / "job", feed)
    with pytest.raises(job.JobError, match=r"input 2 was nothing and is .*other.jsonl"):
        run(tmp_path / "job", feed, other)
    with pytest.raises(job.JobError, match=r"input 1 was .*feed.jsonl and is .*other.jsonl"):
        run(tmp_path / "job", other)
    with feed.open("a") as file:
        file.write("\n")
    with pytest.raises(job.JobError, match=r"the content of .*feed.jsonl has changed"):
        run(tmp_path / "job", feed)


def test_a_missing_input_is_refused_by_name(tmp_path: Path) -> None:
    one, two = archive(tmp_path / "1.jsonl", 5), archive(tmp_path / "2.jsonl", 5)
    run(tmp_path / "job", one, two)
    with pytest.raises(job.JobError, match=r"input .*2.jsonl is missing"):
        run(tmp_path / "job", one)


def test_a_folder_that_is_something_else_is_refused_and_left_alone(tmp_path: Path, feed: Path) -> None:
    with pytest.raises(job.JobError, match="is not empty and no job"):
        run(tmp_path, feed)
    assert [path.name for path in tmp_path.iterdir()] == [feed.name]


def test_what_cannot_be_read_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(job.JobError, match="save it as a file"):
        run(tmp_path / "job", "-")


def test_a_second_process_is_refused_with_the_name_of_the_first(tmp_path: Path, feed: Path) -> None:
    (tmp_path / "job").mkdir()
    with locked(tmp_path / "job" / "lock"), pytest.raises(LockedError, match=r"process \d+ on .* is at work"):
        run(tmp_path / "job", feed)


# --- documents and machines that fail


def test_a_document_is_tried_twice_and_the_others_of_its_batch_are_labelled(tmp_path: Path) -> None:
    tries: list[str] = []

    def labeller(articles: Any) -> Any:
        tries.extend(article.doc_id for article in articles if len(articles) == 1)
        return label(articles)

    lines = [json.dumps({"id": n, "text": "RAISE" if n == 1 else f"text {n}"}) for n in range(3)]
    (tmp_path / "feed.jsonl").write_text("\n".join(lines))
    counts = run(tmp_path / "job", tmp_path / "feed.jsonl", labeller=labeller)
    assert tries == ["0", "1", "1", "harmless", "2"]
    assert (counts.labelled, counts.aside) == (2, 1)


def test_a_document_that_fails_once_is_labelled(tmp_path: Path, feed: Path, whole: dict[str, bytes]) -> None:
    failed = []

    def labeller(articles: Any) -> Any:
        if not failed or (len(failed) == 1 and len(articles) == 1):
            failed.append(articles)
            raise MemoryError
        return label(articles)

    run(tmp_path / "job", feed, labeller=labeller)
    assert len(failed) == 2
    assert output(tmp_path / "job") == whole


def test_a_broken_machine_ends_the_run_and_sets_nothing_aside(
    tmp_path: Path, feed: Path, whole: dict[str, bytes]
) -> None:
    def broken(articles: Any) -> Any:
        raise RuntimeError("no device")

    with pytest.raises(ValueError, match="labelling fails on any text: RuntimeError: no device"):
        run(tmp_path / "job", feed, labeller=broken)
    run(tmp_path / "job", feed)
    assert output(tmp_path / "job") == whole


# --- damage


@pytest.mark.parametrize("moment", ["labelling", "done"])
def test_a_file_whose_tail_is_cut_is_made_again(
    moment: str, tmp_path: Path, feed: Path, whole: dict[str, bytes]
) -> None:
    draw = random.Random(2)  # noqa: S311
    asked = iter(range(100))
    if moment == "done":
        run(tmp_path / "job", feed)
    else:
        with pytest.raises(job.Interrupted):
            run(tmp_path / "job", feed, stop=lambda: next(asked) == 5)
    for path in sorted((tmp_path / "job").rglob("*.*")):
        if path.is_file():
            data = path.read_bytes()
            path.write_bytes(data[: draw.randrange(len(data))])
            said: list[str] = []
            run(tmp_path / "job", feed, tell=said.append)
            assert output(tmp_path / "job") == whole, path


def test_a_part_that_does_not_come_out_as_it_was_is_an_error(tmp_path: Path, feed: Path) -> None:
    run(tmp_path / "job", feed)
    (tmp_path / "job" / "rows" / "rows-00000.jsonl").unlink()
    with pytest.raises(job.JobError, match="made again it differs"):
        run(tmp_path / "job", feed, labeller=lambda articles: label(articles[::-1]))


def test_counts_that_do_not_add_up_are_an_error(tmp_path: Path, feed: Path) -> None:
    run(tmp_path / "job", feed)
    ledger = Ledger(tmp_path / "job" / "ledger.sqlite")
    with ledger.transaction():
        ledger._db.execute("UPDATE part SET labelled = labelled + 1 WHERE number = 2")
    ledger.close()
    with pytest.raises(job.JobError, match="the counts do not add up: items, and labelled"):
        run(tmp_path / "job", feed)
