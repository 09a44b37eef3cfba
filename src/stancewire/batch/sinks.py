"""Where rows go: JSONL, CSV, Parquet or a table on the terminal, one row at a time.

A file appears under its name only when it is complete: it is written beside it and renamed, so that neither a crash nor
an interrupt leaves half a file behind. Text from the outside is hostile until shown otherwise: CSV cells that a
spreadsheet would run as a formula get a leading apostrophe, a terminal gets no control characters.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Literal, Protocol, cast, get_args

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stancewire.rows import COLUMNS, arrow_schema

Format = Literal["jsonl", "csv", "parquet", "table"]
Row = Mapping[str, Any]

_ENDINGS: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}


class SinkError(ValueError):
    """An output that cannot be written: names what was asked for, what is possible, and what to do."""


class Sink(Protocol):
    """Takes rows, which have the keys of `rows.COLUMNS`."""

    def write(self, row: Row) -> None: ...

    def close(self) -> None:
        """Write what is still held back. The stream stays open."""


@contextlib.contextmanager
def open_sink(
    path: str | Path | None = None, format: str | None = None, stream: IO[str] | None = None
) -> Iterator[Sink]:
    """Open the output for the length of a `with` block.

    Args:
        path: the file to write; None or `-` for `stream`.
        format: `jsonl`, `csv`, `parquet` or `table`; by default what the file's name ends in, on a terminal `table`,
            otherwise `jsonl`.
        stream: text stream for output without a file, by default stdout. When its reader goes away (`| head`) the block
            ends quietly.

    Raises:
        SinkError: for an unknown format, a folder that does not exist, or Parquet without a file.
    """
    if path is None or str(path) == "-":
        stream = stream or sys.stdout
        kind = _stream_format(format, stream)
        try:
            sink = _sink(kind, stream)
            yield sink
            sink.close()
            stream.flush()
        except BrokenPipeError:
            _silence(stream)
        return
    path = Path(path)
    kind = _file_format(format, path)
    written = path.with_name(f".{path.name}.{os.getpid()}.part") if not path.exists() or path.is_file() else path
    try:
        with _open(written, kind) as file, contextlib.closing(_sink(kind, file)) as sink:
            yield sink
        if written != path:
            written.replace(path)
    finally:
        if written != path:
            written.unlink(missing_ok=True)


@contextlib.contextmanager
def sink_into(file: IO[bytes], kind: Format) -> Iterator[Sink]:
    """A sink for the length of a `with` block, into a binary file that stays open."""
    if kind == "parquet":
        with contextlib.closing(_sink(kind, file)) as sink:
            yield sink
        return
    text = io.TextIOWrapper(file, "utf-8", "replace", newline="" if kind == "csv" else "\n")
    try:
        with contextlib.closing(_sink(kind, text)) as sink:
            yield sink
        text.flush()
    finally:
        text.detach()


def _open(path: Path, kind: Format) -> IO[Any]:
    try:
        if kind == "parquet":
            return path.open("wb")
        # A lone surrogate, which UTF-8 cannot carry, becomes one "?": offsets keep their meaning.
        return path.open("w", encoding="utf-8", errors="replace", newline="" if kind == "csv" else "\n")
    except OSError as error:
        raise SinkError(f"cannot write {path}: {error.strerror}; give a file in a folder that exists") from error


def _file_format(format: str | None, path: Path) -> Format:
    if path.is_dir():
        raise SinkError(f"{path} is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise SinkError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    if format is not None:
        return _known(format)
    if path.suffix.lower() not in _ENDINGS:
        raise SinkError(f"cannot tell the format of {path}: end it in {', '.join(_ENDINGS)}, or name the format")
    return _ENDINGS[path.suffix.lower()]


def _stream_format(format: str | None, stream: IO[str]) -> Format:
    if format is None:
        return "table" if stream.isatty() else "jsonl"
    if _known(format) == "parquet":
        raise SinkError("format 'parquet' needs a file to go to; give one, or take jsonl or csv")
    return _known(format)


def _known(format: str) -> Format:
    if format not in get_args(Format):
        raise SinkError(f"unknown format {format!r}; accepted are {', '.join(get_args(Format))}")
    return cast(Format, format)


def _sink(kind: Format, stream: IO[Any]) -> Sink:
    match kind:
        case "jsonl":
            return JsonlSink(stream)
        case "csv":
            return CsvSink(stream)
        case "parquet":
            return ParquetSink(stream)
        case "table":
            return TableSink(stream)


def _silence(stream: IO[str]) -> None:
    """Keep the interpreter from flushing into the closed pipe at exit (Python documentation, "Note on SIGPIPE")."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


class JsonlSink:
    """One JSON object a line, its keys in the order of `COLUMNS`."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, row: Row) -> None:
        self._stream.write(_json({name: row.get(name) for name in COLUMNS}) + "\n")

    def close(self) -> None:
        pass


_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


class CsvSink:
    """A header and one line a row; lists and dictionaries are JSON strings, None is an empty cell.

    A string that starts with one of `= + - @`, a tab or a carriage return, and is no number, gets a leading apostrophe:
    spreadsheets would run it as a formula (OWASP, "CSV Injection").
    """

    def __init__(self, stream: IO[str]) -> None:
        self._writer = csv.writer(stream)
        self._writer.writerow(COLUMNS)

    def write(self, row: Row) -> None:
        self._writer.writerow([self._cell(row.get(name)) for name in COLUMNS])

    def close(self) -> None:
        pass

    @staticmethod
    def _cell(value: Any) -> Any:
        if isinstance(value, list | dict):
            return _json(value)
        if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
            return "'" + value
        return value


class ParquetSink:
    """Row groups of `ROW_GROUP` rows; `metadata` is a JSON string."""

    ROW_GROUP = 5_000

    def __init__(self, stream: IO[bytes]) -> None:
        self._schema = arrow_schema()
        self._writer = pq.ParquetWriter(stream, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def write(self, row: Row) -> None:
        self._rows.append({name: self._value(row.get(name), column.type) for name, column in COLUMNS.items()})
        if len(self._rows) == self.ROW_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows.clear()

    @staticmethod
    def _value(value: Any, type: str) -> Any:
        if value is not None and type == "object":
            value = _json(value)
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


# Control characters, line and paragraph separators, and the marks that reorder text on the screen.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_COLOURS = {"supportive": "green", "critical": "red"}


class TableSink:
    """A table for reading, with the columns a person asks for first; printed every `PAGE` rows."""

    PAGE = 200

    def __init__(self, stream: IO[str]) -> None:
        self._console = Console(file=stream)
        self._table: Table | None = None

    def write(self, row: Row) -> None:
        if self._table is None:
            self._table = Table("speaker", "for", "statement", "target", "stance", "score", expand=True)
        speaker = row.get("speaker") or row.get("speaker_office") or "?"
        stance = row.get("stance") or f"none: {row.get('abstain')}"
        self._table.add_row(
            _visible(speaker),
            _visible(row.get("speaker_state") or "?"),
            _visible(row.get("statement")),
            _visible(row.get("target_name") or row.get("target")),
            Text(_visible(stance).plain, style=_COLOURS.get(stance, "")),
            f"{row.get('score') or 0:+.2f}",
        )
        if self._table.row_count == self.PAGE:
            self.close()

    def close(self) -> None:
        if self._table is not None:
            self._console.print(self._table)
            self._table = None


def _visible(value: Any) -> Text:
    """Text without control characters, that rich does not read as markup."""
    return Text(_CONTROL.sub(" ", "" if value is None else str(value)))
