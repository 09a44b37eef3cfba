"""Sinks: what goes in comes out of every format, complete files only, and hostile text does no harm."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stancewire.batch.sinks import ParquetSink, SinkError, open_sink
from stancewire.rows import COLUMNS, frame


def row(**changes: Any) -> dict[str, Any]:
    base = dict.fromkeys(COLUMNS) | {
        "doc_id": "a1",
        "statement": "“We go,” she said; “now.”",
        "start": 0,
        "end": 24,
        "spans": [[1, 7], [19, 23]],
        "speaker": "the envoy",
        "target": "QAT",
        "stance": "critical",
        "p_supportive": 0.1,
        "p_neutral": 0.2,
        "p_critical": 0.7,
        "score": -0.6,
        "flags": ["repaired"],
        "metadata": {"desk": "world"},
    }
    return base | changes


def write(path: Path, *rows: dict[str, Any], format: str | None = None) -> None:
    with open_sink(path, format) as sink:
        for one in rows:
            sink.write(one)


def test_jsonl_gives_back_what_went_in_with_the_columns_in_order(tmp_path: Path) -> None:
    write(tmp_path / "out.jsonl", row(), row(doc_id="a2"))
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [row(), row(doc_id="a2")]
    assert list(json.loads(lines[0])) == list(COLUMNS)


def test_csv_writes_nested_values_as_json_and_none_as_an_empty_cell(tmp_path: Path) -> None:
    write(tmp_path / "out.csv", row())
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        [found] = csv.DictReader(file)
    assert list(found) == list(COLUMNS)
    assert json.loads(found["spans"]) == [[1, 7], [19, 23]]
    assert json.loads(found["metadata"]) == {"desk": "world"}
    assert found["url"] == ""
    assert found["score"] == "-0.6"


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "\r=1", "-1+1"])
def test_a_csv_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str, tmp_path: Path) -> None:
    write(tmp_path / "out.csv", row(title=text))
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["title"] == "'" + text


@pytest.mark.parametrize("text", ["-12", "+3.5", "plain", "a=b"])
def test_a_harmless_csv_cell_is_left_as_it_is(text: str, tmp_path: Path) -> None:
    write(tmp_path / "out.csv", row(title=text))
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["title"] == text


def test_parquet_keeps_types_over_several_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ParquetSink, "ROW_GROUP", 2)
    write(tmp_path / "out.parquet", *(row(start=number) for number in range(5)))
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == list(COLUMNS)
    assert pq.ParquetFile(tmp_path / "out.parquet").num_row_groups == 3
    last = table.to_pylist()[-1]
    assert last == row(start=4, metadata='{"desk": "world"}')


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet"])
def test_no_rows_still_make_a_readable_file(name: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    if name == "out.parquet":
        assert pq.read_table(tmp_path / name).column_names == list(COLUMNS)
    else:
        assert (tmp_path / name).read_text().strip() == (",".join(COLUMNS) if name == "out.csv" else "")


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet"])
def test_a_lone_surrogate_costs_one_character_not_the_run(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, row(title="a\ud800b"))
    if name == "out.parquet":
        assert pq.read_table(tmp_path / name).to_pylist()[0]["title"] == "a?b"
    else:
        assert "a?b" in (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet"])
def test_an_interrupted_run_leaves_the_earlier_file_and_nothing_else(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("earlier")

    def interrupted() -> None:
        with open_sink(tmp_path / name) as sink:
            sink.write(row())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "earlier"


def test_what_is_no_regular_file_is_written_to_and_not_replaced() -> None:
    write(Path(os.devnull), row(), format="jsonl")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(
    ("name", "format", "complaint"),
    [
        ("out.xlsx", None, "cannot tell the format of .*out.xlsx: end it in .jsonl"),
        ("out.csv", "xml", "unknown format 'xml'; accepted are jsonl, csv, parquet, table"),
        ("nowhere/out.csv", None, "there is no folder"),
        (".", "csv", "is a folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused(name: str, format: str | None, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=complaint):
        write(tmp_path / name, format=format)


def test_parquet_does_not_go_to_a_stream() -> None:
    with pytest.raises(SinkError, match="'parquet' needs a file"), open_sink(format="parquet", stream=io.StringIO()):
        pass


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_jsonl_and_a_terminal_a_table() -> None:
    pipe, terminal = io.StringIO(), Terminal()
    for stream in (pipe, terminal):
        with open_sink(stream=stream) as sink:
            sink.write(row())
    assert json.loads(pipe.getvalue()) == row()
    assert "speaker" in terminal.getvalue()
    assert "QAT" in terminal.getvalue()


def test_a_table_shows_hostile_text_without_obeying_it() -> None:
    stream = io.StringIO()
    with open_sink(format="table", stream=stream) as sink:
        hostile = {"speaker": "[bold]x[/]", "target": "\x1b]0;own\x07", "statement": "a\x1b[2J\u202eb\r"}
        sink.write(row(**hostile, stance=None, abstain="[red]"))
    shown = stream.getvalue()
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(shown)
    assert "[bold]" in shown


def test_a_reader_that_goes_away_ends_the_run_quietly() -> None:
    code = (
        "from stancewire.batch.sinks import open_sink\n"
        "with open_sink(format='jsonl') as sink:\n"
        "    while True: sink.write({'doc_id': 'x' * 1000})\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""


def test_a_frame_has_every_column_and_its_type_even_without_rows() -> None:
    empty, full = frame([]), frame([row(), row(start=None)])
    assert list(empty.columns) == list(COLUMNS)
    assert (empty.dtypes == full.dtypes).all()
    assert full["start"].isna().tolist() == [False, True]
