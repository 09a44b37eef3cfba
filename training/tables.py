"""Tables as stance pairs: CSV, Parquet and datasets of the library `datasets`, a batch of rows in memory at a time.

A table has either the columns of the exchange format (`text`, `statement`, `targets`; JSON in the cells of a CSV) or flat
rows, one target of one statement each (`text`, `target`, `label`; `docs/formats.md` lists those that may be added).
Consecutive flat rows that differ in nothing but the target are one statement, and become one pair. Further columns are
left aside. Every error names file, line (of CSV) or row, and field.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stancewire.pairs import PairTarget, StancePair, short
from stancewire.schema import Label

if TYPE_CHECKING:
    import datasets

Row = tuple[str, dict[str, Any]]
"""Where a row stands, and its cells by column; None for an empty one."""

_NESTED = ("text", "statement", "targets")
_FLAT = ("text", "target", "label")
_SHARED = ("id", "speaker", "speaker_state", "weight")
_PLACES = ("statement", "start", "end", "mention_start", "mention_end")

_LONGEST_CELL = 64 * 2**20  # characters; where a quote is never closed, what is read before that is noticed
_BATCH_ROWS = 256


def read_csv(path: Path) -> Iterator[StancePair]:
    """Read a table of comma-, semicolon- or tab-separated values in UTF-8, under a header line.

    Raises:
        ValueError: for a table or row out of format, naming file, line and field.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = file.readline(_LONGEST_CELL)
        delimiter = max(",;\t", key=header.count)
        names = next(csv.reader([header], delimiter=delimiter), [])
        columns = _columns(names, f"{path}:1")
        rows = _csv_rows(file, path, names, delimiter)
        yield from _pairs(((where, {name: row[name] or None for name in columns}) for where, row in rows), columns)


def _csv_rows(file: Iterable[str], path: Path, names: Sequence[str], delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    # A quote left open runs on to the next one: if by chance the cells then fit the header, labels stand inside of one.
    swallowed = re.compile(rf'"?{delimiter}"?(?:{"|".join(Label)})"? *(?:{delimiter}|$)', re.M)
    while True:
        where = f"{path}:{reader.line_num + 2}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(f"{where}: broken CSV ({error}); is a quotation mark in this row not closed?") from None
        if not cells:
            continue
        if len(cells) != len(names):
            raise ValueError(
                f"{where}: {len(cells)} cells under a header of {len(names)}; "
                f"text with {delimiter!r} or line breaks in it stands in quotation marks"
            )
        row = dict(zip(names, cells, strict=True))
        if "targets" not in names and any("\n" in cell and swallowed.search(cell) for cell in cells):
            raise ValueError(f"{where}: a cell holds what looks like a row; is a quotation mark in it not closed?")
        yield where, row


def read_parquet(path: Path) -> Iterator[StancePair]:
    """Read a Parquet file.

    Raises:
        ValueError: for a table or row out of format, naming file, row and field.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = _columns(file.schema_arrow.names, str(path))
            batches = (batch.to_pylist() for batch in file.iter_batches(_BATCH_ROWS, columns=columns))
            yield from _pairs(_numbered(itertools.chain.from_iterable(batches), str(path)), columns)
    except pa.ArrowException as error:
        raise ValueError(f"{path}: not readable as Parquet: {str(error).splitlines()[0]}") from None


def read_dataset(folder: Path) -> Iterator[StancePair]:
    """Read a folder that `datasets.Dataset.save_to_disk` wrote.

    Raises:
        ValueError: for a folder or row out of format, naming folder, row and field, or without the library `datasets`.
    """
    try:
        import datasets
    except ImportError:
        raise ValueError(f"{folder}: to read it takes datasets; pip install stancewire[train]") from None
    try:
        dataset = datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{folder}: not a saved dataset: {error}") from None
    yield from dataset_pairs(dataset, str(folder))


def dataset_pairs(dataset: datasets.Dataset | datasets.IterableDataset, name: str = "dataset") -> Iterator[StancePair]:
    """The pairs of a dataset, by batches; a label may be a `ClassLabel` with the names of the labels.

    Args:
        name: what errors call it.

    Raises:
        ValueError: for a dataset or row out of format, naming row and field.
    """
    if isinstance(dataset, Mapping):
        raise ValueError(f"{name}: holds the splits {', '.join(dataset)}; give one of them")
    columns = _columns(dataset.column_names or [], name)
    classes = getattr((dataset.features or {}).get("label"), "names", None)
    batches = dataset.select_columns(columns).with_format(None).iter(batch_size=_BATCH_ROWS)
    rows = (
        dict(zip(columns, cells, strict=True))
        for batch in batches
        for cells in zip(*(batch[column] for column in columns), strict=True)
    )
    if classes is not None:
        rows = (row | {"label": _class_name(row["label"], classes)} for row in rows)
    yield from _pairs(_numbered(rows, name), columns)


def _class_name(label: Any, names: Sequence[str]) -> Any:
    return names[label] if isinstance(label, int) and 0 <= label < len(names) else label


def _numbered(rows: Iterable[dict[str, Any]], name: str) -> Iterator[Row]:
    return ((f"{name}: row {number}", row) for number, row in enumerate(rows, 1))


def _columns(names: Sequence[str], where: str) -> list[str]:
    """The columns to read.

    Raises:
        ValueError: where one that is needed is not there, or one is there twice.
    """
    needed = _NESTED if "targets" in names else _FLAT
    if missing := [name for name in needed if name not in names]:
        raise ValueError(
            f"{where}: no column {', '.join(map(repr, missing))}; needed are {', '.join(_FLAT)} or {', '.join(_NESTED)}, "
            f"and the table has {', '.join(map(repr, names)) or 'none'}"
        )
    known = dict.fromkeys([*needed, *_SHARED, *(_PLACES if needed is _FLAT else ())])
    if double := [name for name in known if names.count(name) > 1]:
        raise ValueError(f"{where}: more than one column {double[0]!r}")
    return [name for name in known if name in names]


def _pairs(rows: Iterable[Row], columns: Sequence[str]) -> Iterator[StancePair]:
    if "targets" in columns:
        return (pair for _, pair in _each(rows, _nested_pair))
    return _joined(_each(rows, _flat_pair))


def _each(rows: Iterable[Row], make: Callable[[dict[str, Any]], StancePair]) -> Iterator[tuple[str, StancePair]]:
    for where, row in rows:
        try:
            yield where, make(row)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None


def _nested_pair(row: dict[str, Any]) -> StancePair:
    record = row | {name: _json(row[name], name) for name in ("statement", "targets")}
    return StancePair.from_dict(_shared(row) | {name: record[name] for name in _NESTED})


def _json(value: Any, field: str) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise ValueError(f"field {field!r}: expected JSON, got {short(value)}") from None


def _flat_pair(row: dict[str, Any]) -> StancePair:
    """The pair of one flat row, with its one target."""
    text, target, label = (row[name] for name in _FLAT)
    if not isinstance(text, str):
        raise ValueError(f"field 'text': expected a non-empty string, got {short(text)}")
    if not isinstance(target, str):
        raise ValueError(f"field 'target': expected a code or a name, got {short(target)}")
    if label is None:
        raise ValueError(f"field 'label': expected one of {', '.join(Label)}, got an empty cell")
    entry: dict[str, Any] = {"target": target, "label": label}
    if mention := _span(row, "mention_start", "mention_end", text):
        entry["mentions"] = [mention]
    return StancePair.from_dict(_shared(row) | {"text": text, "statement": [_statement(row, text)], "targets": [entry]})


def _shared(row: dict[str, Any]) -> dict[str, Any]:
    """The fields that both layouts have, where they are filled."""
    cells = {name: row[name] for name in _SHARED if not _is_empty(row.get(name))}
    if "weight" in cells:
        cells["weight"] = _number(cells["weight"], "weight")
    return cells


def _statement(row: dict[str, Any], text: str) -> list[int]:
    """Where the statement stands: by its offsets, by its words, or all of the text."""
    words, span = row.get("statement"), _span(row, "start", "end", text)
    if words is None:
        return span or [0, len(text)]
    if not isinstance(words, str):
        raise ValueError(f"field 'statement': expected words of the text, got {short(words)}")
    if span:
        if text[span[0] : span[1]] != words:
            raise ValueError(f"field 'statement': {short(words)} is not text[{span[0]}:{span[1]}]")
        return span
    start = text.find(words)
    if start < 0:
        raise ValueError(f"field 'statement': {short(words)} does not stand in the text")
    if text.find(words, start + 1) >= 0:
        raise ValueError(f"field 'statement': {short(words)} stands in the text more than once; give start and end")
    return [start, start + len(words)]


def _span(row: dict[str, Any], first: str, last: str, text: str) -> list[int] | None:
    """The offsets in two columns; None where both are empty."""
    if _is_empty(row.get(first)) and _is_empty(row.get(last)):
        return None
    start, end = (_number(row.get(name), name) for name in (first, last))
    for name, offset in ((first, start), (last, end)):
        if offset != int(offset):
            raise ValueError(f"field {name!r}: expected a whole number, got {short(row[name])}")
    if not 0 <= start < end <= len(text):
        raise ValueError(f"field {first!r}: [{start:g}, {end:g}] does not lie in the text of {len(text)} characters")
    return [int(start), int(end)]


def _number(value: Any, field: str) -> float:
    try:
        number = math.nan if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"field {field!r}: expected a number, got {short(value)}")
    return number


def _is_empty(value: Any) -> bool:
    """Whether a cell is empty: data frames write NaN where a column of numbers has none."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _joined(pairs: Iterable[tuple[str, StancePair]]) -> Iterator[StancePair]:
    """Pairs of one target each, consecutive ones of one statement made one.

    Rows that repeat a target add a mention of it.
    """
    for pair, rows in itertools.groupby(pairs, key=lambda item: dataclasses.replace(item[1], targets=())):
        targets: dict[str, PairTarget] = {}
        for where, row in rows:
            (target,) = row.targets
            targets[target.target] = _with_mention(targets.get(target.target), target, where)
        yield dataclasses.replace(pair, targets=tuple(targets.values()))


def _with_mention(known: PairTarget | None, target: PairTarget, where: str) -> PairTarget:
    if known is None:
        return target
    if known.label is not target.label:
        raise ValueError(
            f"{where}: field 'label': {target.target!r} is {target.label} here and {known.label} in a row above, "
            "for the same statement; rows of different annotators need different ids"
        )
    if known.mentions and target.mentions and not set(known.mentions) & set(target.mentions):
        return dataclasses.replace(known, mentions=tuple(sorted(known.mentions + target.mentions)))
    raise ValueError(f"{where}: field 'target': {target.target!r} stands in a row above, for the same statement")
