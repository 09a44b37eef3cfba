"""Tables as stance pairs: what goes in comes out, and what is out of format is refused by file, row and field."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import Label, Span
from stancewire.training.corpus import Source
from stancewire.training.tables import dataset_pairs, read_csv, read_parquet

TEXT = "The envoy said Chad was late and Mali was kind."
WORDS = "Chad was late and Mali was kind"

FLAT: list[dict[str, Any]] = [
    {"id": "1", "text": TEXT, "statement": WORDS, "speaker": "The envoy", "target": "TCD", "label": "critical"},
    {"id": "1", "text": TEXT, "statement": WORDS, "speaker": "The envoy", "target": "MLI", "label": "supportive"},
    {"id": "2", "text": 'Peru, "as ever",\nwaits.', "statement": "waits", "target": "PER", "label": "neutral"},
]
PAIRS = [
    StancePair(
        "1",
        TEXT,
        (Span(15, 46),),
        (PairTarget("TCD", Label.CRITICAL), PairTarget("MLI", Label.SUPPORTIVE)),
        "The envoy",
    ),
    StancePair("2", 'Peru, "as ever",\nwaits.', (Span(17, 22),), (PairTarget("PER", Label.NEUTRAL),)),
]
NESTED = [pair.to_dict() for pair in PAIRS]


def write_csv(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]), path)
    return path


def one_row(tmp_path: Path, **cells: Any) -> Path:
    return write_csv(tmp_path / "t.csv", [{"text": TEXT, "target": "TCD", "label": "critical"} | cells])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_flat_rows_of_csv_become_pairs(tmp_path: Path, delimiter: str) -> None:
    assert list(read_csv(write_csv(tmp_path / "t.csv", FLAT, delimiter))) == PAIRS


def test_flat_rows_of_parquet_become_pairs(tmp_path: Path) -> None:
    assert list(read_parquet(write_parquet(tmp_path / "t.parquet", FLAT))) == PAIRS


def test_nested_rows_become_pairs(tmp_path: Path) -> None:
    cells = [row | {name: json.dumps(row[name]) for name in ("statement", "targets")} for row in NESTED]
    assert list(read_csv(write_csv(tmp_path / "t.csv", cells))) == PAIRS
    assert list(read_parquet(write_parquet(tmp_path / "t.parquet", cells))) == PAIRS
    assert list(read_parquet(write_parquet(tmp_path / "n.parquet", NESTED))) == PAIRS


@pytest.mark.parametrize("rows", [FLAT, NESTED])
def test_rows_of_a_dataset_become_pairs(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    datasets = pytest.importorskip("datasets")
    names = list(dict.fromkeys(name for row in rows for name in row))
    dataset = datasets.Dataset.from_list([{name: row.get(name) for name in names} for row in rows])
    assert list(dataset_pairs(dataset)) == PAIRS
    assert list(dataset_pairs(dataset.to_iterable_dataset())) == PAIRS
    dataset.save_to_disk(tmp_path / "saved")
    assert Source.of_file(tmp_path / "saved").read(None) == (PAIRS, [])


def test_labels_of_a_dataset_may_be_numbers_with_names() -> None:
    datasets = pytest.importorskip("datasets")
    rows = [{"text": "Chad waits.", "target": "TCD", "label": 1}]
    label = datasets.ClassLabel(names=["critical", "neutral", "supportive"])
    features = datasets.Features(text=datasets.Value("string"), target=datasets.Value("string"), label=label)
    (pair,) = dataset_pairs(datasets.Dataset.from_list(rows, features=features))
    assert pair.targets == (PairTarget("TCD", Label.NEUTRAL),)
    with pytest.raises(ValueError, match="row 1: field 'label': expected one of supportive, neutral, critical, got 1"):
        list(dataset_pairs(datasets.Dataset.from_list(rows)))


def test_several_splits_are_refused_with_their_names(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    splits = datasets.DatasetDict(train=datasets.Dataset.from_list(FLAT[:1]), test=datasets.Dataset.from_list(FLAT[:1]))
    with pytest.raises(ValueError, match="splits train, test; give one"):
        list(dataset_pairs(splits))
    splits.save_to_disk(tmp_path / "saved")
    with pytest.raises(ValueError, match="splits test, train; name the folder of one"):
        Source.of_file(tmp_path / "saved")
    assert len(Source.of_file(tmp_path / "saved" / "train").read(None)[0]) == 1


def test_a_damaged_folder_of_a_dataset_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "dataset_info.json").write_text("{}")
    with pytest.raises(ValueError, match="not a saved dataset"):
        Source.of_file(tmp_path).read(None)


def test_without_the_library_a_saved_dataset_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    (tmp_path / "dataset_info.json").write_text("{}")
    with pytest.raises(ValueError, match=r"it takes datasets; pip install stancewire\[train\]"):
        Source.of_file(tmp_path).read(None)


def test_without_places_the_text_is_the_statement(tmp_path: Path) -> None:
    (pair,) = read_csv(one_row(tmp_path))
    assert pair.statement == (Span(0, len(TEXT)),)
    assert (pair.id, pair.speaker, pair.speaker_state, pair.weight) == ("", None, None, 1.0)


def test_offsets_weight_and_mentions_are_read(tmp_path: Path) -> None:
    places = {"start": 15, "end": 28, "mention_start": 15, "mention_end": 19, "weight": 0.25, "speaker_state": "KEN"}
    (pair,) = read_csv(one_row(tmp_path, statement="Chad was late", **places))
    assert pair.statement == (Span(15, 28),)
    assert pair.targets == (PairTarget("TCD", Label.CRITICAL, (Span(15, 19),)),)
    assert (pair.weight, pair.speaker_state) == (0.25, "KEN")


def test_rows_that_repeat_a_target_add_a_mention(tmp_path: Path) -> None:
    row = {"text": "Chad, said Chad.", "target": "TCD", "label": "neutral"}
    rows = [row | {"mention_start": start, "mention_end": start + 4} for start in (11, 0)]
    (pair,) = read_csv(write_csv(tmp_path / "t.csv", rows))
    assert pair.targets == (PairTarget("TCD", Label.NEUTRAL, (Span(0, 4), Span(11, 15))),)


@pytest.mark.parametrize("change", [{"id": "3"}, {"speaker": "A clerk"}, {"statement": "Mali was kind"}, {"weight": 2}])
def test_rows_that_differ_in_more_than_the_target_stay_apart(tmp_path: Path, change: dict[str, Any]) -> None:
    row = FLAT[0] | {"weight": 1}
    assert len(list(read_csv(write_csv(tmp_path / "t.csv", [row, row | change])))) == 2


def test_namibia_is_not_a_missing_value(tmp_path: Path) -> None:
    row = {"text": "NA", "target": "NA", "label": "neutral", "speaker_state": "NA"}
    for pairs in (
        read_csv(write_csv(tmp_path / "t.csv", [row])),
        read_parquet(write_parquet(tmp_path / "t.parquet", [row])),
    ):
        (pair,) = pairs
        assert (pair.text, pair.targets[0].target, pair.speaker_state) == ("NA", "NA", "NA")


def test_a_long_text_passes(tmp_path: Path) -> None:
    text = "Chad waits. " * 20_000
    (pair,) = read_csv(one_row(tmp_path, text=text))
    assert pair.text == text


def test_empty_numbers_of_a_data_frame_are_empty_cells(tmp_path: Path) -> None:
    row = {
        "text": TEXT,
        "target": "TCD",
        "label": "critical",
        "start": float("nan"),
        "end": float("nan"),
        "weight": float("nan"),
    }
    (pair,) = read_parquet(write_parquet(tmp_path / "t.parquet", [row]))
    assert (pair.statement, pair.weight) == ((Span(0, len(TEXT)),), 1.0)


def test_a_byte_order_mark_and_further_columns_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfcolour,text,target,label\nred,Chad waits.,TCD,neutral\n\n")
    assert [pair.text for pair in read_csv(path)] == ["Chad waits."]


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ({"text": ""}, "'text': expected a non-empty string, got None"),
        ({"text": "  "}, "'text': expected a non-empty string, got '  '"),
        ({"target": ""}, "'target': expected a code or a name, got None"),
        ({"label": ""}, "'label': expected one of supportive, neutral, critical, got an empty cell"),
        ({"label": "negative"}, "'label': expected one of supportive, neutral, critical, got 'negative'"),
        ({"statement": "Chad was early"}, "'statement': 'Chad was early' does not stand in the text"),
        ({"statement": "was"}, "'statement': 'was' stands in the text more than once; give start and end"),
        ({"statement": "Mali", "start": 0, "end": 4}, r"'statement': 'Mali' is not text\[0:4\]"),
        ({"start": 4}, "'end': expected a number, got None"),
        ({"start": "x", "end": 4}, "'start': expected a number, got 'x'"),
        ({"start": 0.5, "end": 4}, "'start': expected a whole number, got '0.5'"),
        ({"start": 4, "end": 99}, r"'start': \[4, 99\] does not lie in the text of 47 characters"),
        ({"mention_start": 4, "mention_end": 4}, r"'mention_start': \[4, 4\] does not lie"),
        ({"mention_end": 4}, "'mention_start': expected a number, got None"),
        ({"weight": "heavy"}, "'weight': expected a number, got 'heavy'"),
        ({"weight": "nan"}, "'weight': expected a number, got 'nan'"),
        ({"weight": -1}, "'weight': expected a positive number, got -1.0"),
    ],
)
def test_a_malformed_cell_is_named_with_file_line_and_field(
    tmp_path: Path, cells: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=rf"t\.csv:2: field {complaint}"):
        list(read_csv(one_row(tmp_path, **cells)))


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ({"text": 7}, "'text': expected a non-empty string, got 7"),
        ({"target": 7}, "'target': expected a code or a name, got 7"),
        ({"statement": 7}, "'statement': expected words of the text, got 7"),
        ({"speaker": 7}, "'speaker': expected a string or null, got 7"),
        ({"weight": True}, "'weight': expected a number, got True"),
    ],
)
def test_a_value_of_another_type_is_named_with_file_row_and_field(
    tmp_path: Path, cells: dict[str, Any], complaint: str
) -> None:
    row = {"text": TEXT, "target": "TCD", "label": "critical"} | cells
    with pytest.raises(ValueError, match=rf"t\.parquet: row 1: field {complaint}"):
        list(read_parquet(write_parquet(tmp_path / "t.parquet", [row])))


def test_json_that_is_none_is_named(tmp_path: Path) -> None:
    rows = [{"text": TEXT, "statement": "[[0, 3", "targets": "[]"}]
    with pytest.raises(ValueError, match=r"t\.csv:2: field 'statement': expected JSON, got '\[\[0, 3'"):
        list(read_csv(write_csv(tmp_path / "t.csv", rows)))


def test_two_labels_for_one_target_are_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", [FLAT[0], FLAT[0] | {"label": "neutral"}])
    with pytest.raises(ValueError, match=r"t\.csv:3: field 'label': 'TCD' is neutral here and critical in a row above"):
        list(read_csv(path))


def test_a_target_twice_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", [FLAT[0], FLAT[0]])
    with pytest.raises(ValueError, match=r"t\.csv:3: field 'target': 'TCD' stands in a row above"):
        list(read_csv(path))


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("text,target", "no column 'label'; needed are text, target, label or text, statement, targets"),
        ("text,targets", "no column 'statement'"),
        ("", "the table has none"),
        ("text,target,label,label", "more than one column 'label'"),
    ],
)
def test_a_header_that_lacks_something_is_refused(tmp_path: Path, header: str, complaint: str) -> None:
    (tmp_path / "t.csv").write_text(header + "\n")
    with pytest.raises(ValueError, match=rf"t\.csv:1: .*{complaint}"):
        list(read_csv(tmp_path / "t.csv"))


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("Chad waits.,TCD\n", "2: 2 cells under a header of 3"),
        ("Chad, he said, waits.,TCD,neutral\n", "2: 5 cells under a header of 3; text with ','"),
        ('Mali.,MLI,neutral\n"Chad waits.,TCD,neutral\nMali waits.,MLI,neutral\n', "3: broken CSV .* not closed"),
        ('"Chad waits.,TCD,neutral\n"Mali waits.",MLI,neutral\n', "2: broken CSV .* not closed"),
        ('"Chad waits.,TCD,neutral\nIt was 5",MLI,neutral\n', "2: a cell holds what looks like a row"),
    ],
)
def test_a_quote_left_open_swallows_nothing(tmp_path: Path, rows: str, complaint: str) -> None:
    (tmp_path / "t.csv").write_text("text,target,label\n" + rows)
    with pytest.raises(ValueError, match=rf"t\.csv:{complaint}"):
        list(read_csv(tmp_path / "t.csv"))


def test_lines_are_counted_where_cells_have_several(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('text,target,label\n"Chad\n\nwaits.",TCD,neutral\nMali,MLI,no\n')
    with pytest.raises(ValueError, match=r"t\.csv:5: field 'label'"):
        list(read_csv(tmp_path / "t.csv"))


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("text,target,label\n")
    with pytest.raises(ValueError, match=r"t\.parquet: not readable as Parquet"):
        list(read_parquet(tmp_path / "t.parquet"))


def test_rows_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    """A fault in a late row is found only when the rows before it have been given out."""
    rows = [{"text": f"Chad waits {i}.", "target": "TCD", "label": "neutral"} for i in range(2_000)]
    pairs = read_csv(write_csv(tmp_path / "t.csv", [*rows, rows[0] | {"label": "no"}]))
    assert next(pairs).text == "Chad waits 0."
    with pytest.raises(ValueError, match=r"t\.csv:2002"):
        list(pairs)
