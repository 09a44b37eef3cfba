"""Readers of records, one article each: JSONL, CSV and Parquet, a line or a batch in memory at a time."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import hashlib
import io
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from stancewire.batch.decoding import LARGEST_ITEM, byte_order, decode, note
from stancewire.batch.items import Fields, Found, Item, SetAside, digest
from stancewire.schema import Article

_KNOWN = ("url", "title", "published", "source")
_DEEPEST = 100


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """Where a record stands, and what was read of it."""

    source: str
    position: str
    offset: int | None
    raw: str

    def set_aside(self, reason: str) -> SetAside:
        return SetAside(self.source, self.position, reason, self.offset, digest(self.raw))


def _article(record: Mapping[str, Any], place: _Place, fields: Fields, encoding: str | None = None) -> Item:
    """The article of a record, or why it has none."""
    if fields.text not in record:
        return place.set_aside(f"no field {fields.text!r}; the record has {_listed(record)}")
    text = record[fields.text]
    if text is None:
        return place.set_aside("empty text")
    if not isinstance(text, str):
        return place.set_aside(f"field {fields.text!r} holds {type(text).__name__}, not text: {_short(text)}")
    if not text.strip():
        return place.set_aside("empty text")
    known = {key: _string(record.get(key)) for key in _KNOWN}
    try:
        rest = {key: _plain_value(value) for key, value in record.items() if key not in (*fields, *_KNOWN)}
    except ValueError as error:
        return place.set_aside(str(error))
    article = Article(
        _encodable(text),
        doc_id=_string(record.get(fields.id)) or "",
        source=known["source"] or place.source,
        url=known["url"],
        title=known["title"],
        published=known["published"],
        metadata=rest | note(encoding),
    )
    return Found(article, place.source, place.position, place.offset)


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


def _plain_value(value: Any, depth: int = 0) -> Any:
    """The value, None for what is no number, also within lists and records: JSON has no NaN.

    Raises:
        ValueError: for what is nested so deep that not every reader of the output could follow.
    """
    if depth > _DEEPEST:
        raise ValueError(f"a field nested more than {_DEEPEST} deep")
    if isinstance(value, dict):
        return {key: _plain_value(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain_value(inner, depth + 1) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _encodable(text: str) -> str:
    """The text with each lone surrogate, which no encoding carries, replaced by one U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


class _Lines:
    """A file as lines of text; bytes that are not in its encoding come as surrogates, see `_repaired_line`.

    Attributes:
        offset: the byte at which the next line begins.

    Raises:
        ValueError: for binary data, saying what it looks like.
    """

    def __init__(self, file: BinaryIO) -> None:
        head = file.peek(4096)[:4096]  # type: ignore[attr-defined]
        mark, self._encoding = byte_order(head)
        file.read(len(mark))
        self._stream = io.TextIOWrapper(file, self._encoding, "surrogateescape", newline="\n")
        self.offset = len(mark)

    def read(self) -> str:
        """The next line, or `LARGEST_ITEM` characters of it; nothing at the end of the file."""
        line = self._stream.readline(LARGEST_ITEM)
        self.offset += len(line.encode(self._encoding, "surrogateescape"))
        return line


def _repaired_line(line: str) -> tuple[str, str | None]:
    """A line decoded anew where it was not in the encoding of the file; the encoding guessed for it."""
    if re.search("[\udc80-\udcff]", line):
        return decode(line.encode("utf-8", "surrogateescape"))
    return line, None


def read_jsonl(file: BinaryIO, name: str, fields: Fields) -> Iterator[Item]:
    try:
        lines = _Lines(file)
    except ValueError as error:
        yield SetAside(name, "", str(error), 0)
        return
    for number in itertools.count(1):
        offset = lines.offset
        try:
            line = lines.read()
        except UnicodeError as error:
            yield SetAside(name, str(number), f"cannot be decoded: {error}; the rest of the file is not read", offset)
            return
        if not line:
            return
        if len(line) == LARGEST_ITEM and not line.endswith("\n"):
            yield _overlong(line, lines, name, str(number), offset)
        elif line.strip():
            yield _record(_Place(name, str(number), offset, line), fields)


def _overlong(line: str, lines: _Lines, name: str, position: str, offset: int) -> SetAside:
    """A line that is not read, though read over to its end."""
    hashed = hashlib.sha256()
    while line:
        hashed.update(line.encode("utf-8", "surrogatepass"))
        line = "" if line.endswith("\n") else lines.read()
    reason = f"a line of more than {LARGEST_ITEM // 2**20} MiB"
    return SetAside(name, position, reason, offset, hashed.hexdigest())


def _record(place: _Place, fields: Fields) -> Item:
    try:
        line, encoding = _repaired_line(place.raw)
        record = _JSON.decode(line)
    except (ValueError, RecursionError) as error:
        return place.set_aside(f"broken JSON: {error}; one object a line is expected")
    if not isinstance(record, dict):
        return place.set_aside(f"a JSON object is expected, not {_short(record)}")
    return _article(record, place, fields, encoding)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a key that stands twice neither value can be taken to be the right one."""
    record = dict(pairs)
    if len(record) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {_short(twice)} stands twice")
    return record


_JSON = json.JSONDecoder(object_pairs_hook=_object, parse_constant=lambda _: None)


def read_csv(file: BinaryIO, name: str, fields: Fields) -> Iterator[Item]:
    """Rows under a header line; comma, semicolon or tab, whichever sets the text field apart.

    Quotation marks are read strictly: where one is not closed, the rows from it to where that shows are set aside as one
    item, instead of disappearing in a cell.
    """
    csv.field_size_limit(LARGEST_ITEM)
    try:
        lines = _Lines(file)
        header = lines.read()
        delimiter = max(",;\t", key=header.count)
        names = next(csv.reader([header], delimiter=delimiter), [])
    except (ValueError, csv.Error) as error:
        yield SetAside(name, "", str(error), 0)
        return
    if fields.text not in names:
        yield SetAside(name, "1", f"no column {fields.text!r}; the file has {_listed(names)}", 0, digest(header))
        return
    record: list[str] = []
    rows = csv.reader(_kept(lines, record), delimiter=delimiter, strict=True)
    while True:
        first, offset = rows.line_num + 2, lines.offset
        record.clear()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except UnicodeError as error:
            yield SetAside(name, str(first), f"cannot be decoded: {error}; the rest of the file is not read", offset)
            return
        except csv.Error as error:
            last = rows.line_num + 1
            reason = f"broken CSV: {error}; is a quotation mark not closed?"
            position = f"{first}-{last}" if last > first else str(first)
            yield _Place(name, position, offset, "".join(record)).set_aside(reason)
            continue
        if cells:
            yield _row(cells, names, _Place(name, str(first), offset, "".join(record)), fields)


def _kept(lines: _Lines, record: list[str]) -> Iterator[str]:
    """Every line of a file, put down in `record` as it goes by."""
    while line := lines.read():
        record.append(line)
        yield line


def _row(cells: list[str], names: list[str], place: _Place, fields: Fields) -> Item:
    if len(cells) > len(names):
        return place.set_aside(f"{len(cells)} cells under a header of {len(names)}; quote the text")
    values = [_repaired_line(cell) for cell in cells]
    encoding = next((guess for _, guess in values if guess), None)
    record = dict(zip(names, (value for value, _ in values), strict=False))
    return _article({fields.text: None} | record, place, fields, encoding)


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
                yield _article(record, _Place(name, f"row {number}", None, repr(record)), fields)
    except pa.ArrowException as error:
        yield SetAside(name, "", f"not readable as Parquet: {str(error).splitlines()[0]}")
