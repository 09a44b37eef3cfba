"""What a row is: its columns, in order, with their types and meaning, for sinks, data frames and documentation.

Rows are dictionaries with these keys. `docs/formats.md` tells how each format writes the nested ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Type = Literal["string", "integer", "number", "spans", "strings", "object"]
"""`spans`: a list of [start, end]; `strings`: a list of strings; `object`: a dictionary. All but lists may be None."""


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """The type of a column's values and what they mean."""

    type: Type
    meaning: str


COLUMNS: dict[str, Column] = {
    "doc_id": Column("string", "the article, by the identifier given or a hash of its source and text"),
    "source": Column("string", "where the article came from: a file, a feed, or what its record says"),
    "url": Column("string", "the article's address"),
    "title": Column("string", "the article's headline"),
    "published": Column("string", "when it was published, as the source says"),
    "lang": Column("string", "language found in the text (ISO 639-1)"),
    "statement_id": Column("string", "the statement, unique within the output"),
    "statement": Column("string", "text[start:end] of the article as given, with whatever interrupts it"),
    "kind": Column("string", "direct, indirect or mixed"),
    "start": Column("integer", "offset of the statement in code points"),
    "end": Column("integer", "offset of its end, exclusive"),
    "spans": Column("spans", "the pieces of the statement, as [start, end]"),
    "speaker": Column("string", "who says it, as the article gives them at their fullest"),
    "speaker_office": Column("string", "the office they speak in"),
    "speaker_state": Column("string", "the state or body they speak for (ISO 3166-1 alpha-3, or a bloc)"),
    "speaker_start": Column("integer", "offset of the words that attribute the statement to the speaker"),
    "speaker_end": Column("integer", "offset of their end, exclusive"),
    "target": Column("string", "the state or body judged (ISO 3166-1 alpha-3, or a bloc)"),
    "target_name": Column("string", "its common name"),
    "mention": Column("string", "the words that name it, where any do"),
    "mention_start": Column("integer", "offset of these words"),
    "mention_end": Column("integer", "offset of their end, exclusive"),
    "evidence": Column("string", "what ties it to the statement: named, demonym, seat, leader, pronoun or context"),
    "stance": Column("string", "supportive, neutral or critical; nothing where `abstain` gives a reason"),
    "p_supportive": Column("number", "calibrated probability, from 0 to 1"),
    "p_neutral": Column("number", "calibrated probability, from 0 to 1"),
    "p_critical": Column("number", "calibrated probability, from 0 to 1"),
    "score": Column("number", "p_supportive - p_critical, from -1 to 1"),
    "abstain": Column("string", "why there is no stance: uncertain (less sure than was asked for)"),
    "flags": Column("strings", "windowed: text cut to fit the model; repaired: statement read through damage"),
    "dup_group": Column("string", "doc_id of the first article that has this story; nothing without a job directory"),
    "n_copies": Column("integer", "how many articles have this story; nothing without a job directory"),
    "model": Column("string", "the model that judged"),
    "metadata": Column("object", "further fields of the article's record"),
}


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A data frame of rows, with every column and its type even where there is no row."""
    import pandas as pd

    types = {"string": "string", "integer": "Int64", "number": "float64"}
    table = pd.DataFrame([dict(row) for row in rows], columns=list(COLUMNS))
    return table.astype({name: types.get(column.type, "object") for name, column in COLUMNS.items()})


def arrow_schema() -> pa.Schema:
    """The schema of the Parquet output; the values of an `object` column are JSON strings."""
    import pyarrow as pa

    types = {
        "string": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "spans": pa.list_(pa.list_(pa.int64())),
        "strings": pa.list_(pa.string()),
        "object": pa.string(),
    }
    return pa.schema([(name, types[column.type]) for name, column in COLUMNS.items()])
