"""Readers of records, one article each: JSONL, CSV and Parquet, a line or a batch in memory at a time."""

from __future__ import annotations

import csv
import datetime
import io
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from stancewire.batch.decoding import LARGEST_ITEM, decode, note, unicode_encoding
from stancewire.batch.items import Fields, Item, SetAside
from stancewire.schema import Article

_KNOWN = ("url", "title", "published", "source")


def _article(record: Mapping[str, Any], name: str, position: str, fields: Fields, encoding: str | None = None) -> Item:
    """The article of a record, or why it has none."""
    if fields.text not in record:
        return SetAside(name, position, f"no field {fields.text!r}; the record has {_listed(record)}")
    text = record[fields.text]
    if text is None:
        return SetAside(name, position, "empty text")
    if not isinstance(text, str):
        return SetAside(name, position, f"field {fields.text!r} holds {type(text).__name__}, not text: {_short(text)}")
    if not text.strip():
        return SetAside(name, position, "empty text")
    known = {key: _string(record.get(key)) for key in _KNOWN}
    rest = {key: _plain_value(value) for key, value in record.items() if key not in (*fields, *_KNOWN)}
    return Article(
        _encodable(text),
        doc_id=_string(record.get(fields.id)) or "",
        source=known["source"] or name,
        url=known["url"],
        title=known["title"],
        published=known["published"],
        metadata=rest | note(encoding),
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _string(value: Any) -> str | None:
    """A field as text, None where it is empty; dates in ISO 8601."""
    value = _plain_value(value)
    if value is None or value == "":
        return None
    return value.isoformat() if isinstance(value, datetime.date) else _encodable(str(value))


def _plain_value(value: Any) -> Any:
    """The value, None for what is no number: JSON has no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _encodable(text: str) -> str:
    """The text with each lone surrogate, which no encoding carries, replaced by one U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _text_stream(file: BinaryIO) -> io.TextIOWrapper:
    """A file as lines of text; bytes that are not in its encoding come as surrogates, see `_repaired_line`.

    Raises:
        ValueError: for binary data, saying what it looks like.
    """
    encoding = unicode_encoding(file.peek(4096)[:4096])  # type: ignore[attr-defined]
    return io.TextIOWrapper(file, "utf-8-sig" if encoding == "utf-8" else encoding, "surrogateescape", newline="\n")


def _repaired_line(line: str) -> tuple[str, str | None]:
    """A line decoded anew where it was not in the encoding of the file; the encoding guessed for it."""
    if re.search("[\udc80-\udcff]", line):
        return decode(line.encode("utf-8", "surrogateescape"))
    return line, None


def read_jsonl(file: BinaryIO, name: str, fields: Fields) -> Iterator[Item]:
    try:
        stream = _text_stream(file)
    except ValueError as error:
        yield SetAside(name, "", str(error))
        return
    for number in itertools.count(1):
        try:
            line = stream.readline(LARGEST_ITEM)
        except UnicodeError as error:
            yield SetAside(name, str(number), f"cannot be decoded: {error}; the rest of the file is not read")
            return
        if not line:
            return
        if len(line) == LARGEST_ITEM and not line.endswith("\n"):
            while line and not line.endswith("\n"):
                line = stream.readline(LARGEST_ITEM)
            yield SetAside(name, str(number), f"a line of more than {LARGEST_ITEM // 2**20} MiB")
        elif line.strip():
            yield _record(line, name, str(number), fields)


def _record(line: str, name: str, position: str, fields: Fields) -> Item:
    try:
        line, encoding = _repaired_line(line)
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return SetAside(name, position, f"broken JSON: {error}; one object a line is expected")
    if not isinstance(record, dict):
        return SetAside(name, position, f"a JSON object is expected, not {_short(record)}")
    return _article(record, name, position, fields, encoding)


def read_csv(file: BinaryIO, name: str, fields: Fields) -> Iterator[Item]:
    """Rows under a header line; comma, semicolon or tab, whichever sets the text field apart."""
    csv.field_size_limit(LARGEST_ITEM)
    try:
        stream = _text_stream(file)
        header = stream.readline(LARGEST_ITEM)
        delimiter = max(",;\t", key=header.count)
        names = next(csv.reader([header], delimiter=delimiter), [])
    except (ValueError, csv.Error) as error:
        yield SetAside(name, "", str(error))
        return
    if fields.text not in names:
        yield SetAside(name, "1", f"no column {fields.text!r}; the file has {_listed(names)}")
        return
    rows = csv.reader(stream, delimiter=delimiter)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except (csv.Error, UnicodeError) as error:
            yield SetAside(name, str(rows.line_num + 1), f"broken CSV: {error}")
            continue
        position = str(rows.line_num + 1)
        if len(cells) > len(names):
            reason = f"{len(cells)} cells under a header of {len(names)}; quote the text"
            yield SetAside(name, position, reason)
        elif cells:
            values = [_repaired_line(cell) for cell in cells]
            encoding = next((guess for _, guess in values if guess), None)
            record = dict(zip(names, (value for value, _ in values), strict=False))
            yield _article({fields.text: None} | record, name, position, fields, encoding)


def read_parquet(file: BinaryIO, name: str, fields: Fields) -> Iterator[Item]:
    """Row after row of one batch after another."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        names = table.schema_arrow.names
        if fields.text not in names:
            yield SetAside(name, "", f"no column {fields.text!r}; the file has {_listed(names)}")
            return
        number = 0
        for batch in table.iter_batches(batch_size=256):
            for record in batch.to_pylist():
                number += 1
                yield _article(record, name, f"row {number}", fields)
    except pa.ArrowException as error:
        yield SetAside(name, "", f"not readable as Parquet: {str(error).splitlines()[0]}")
