"""Readers of labelled text, what is held out, and how a user's file becomes a source."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from stancewire.pairs import PairTarget, StancePair, write_pairs
from stancewire.schema import Label, Span
from stancewire.training.corpus import (
    Source,
    add_candidates,
    format_of,
    group_of,
    held_out,
    read_article_pairs,
    read_blocks,
    read_newsmtsc,
)

CORPUS = Path(__file__).parent.parent / "training" / "corpus"

RECORD = """\
# id: test-1
C: A boat left Chad on Monday.
T: Kenya called it “[[a theft]]” and said [[it would wait]].
S: Kenya | KEN
L: TCD=- KEN=0
K: indirect, doubtful
"""

ARTICLE = """\
# id: a-1
# title: Chad waits

The envoy of Chad said [[Mali was late]]1.

## 1 | The envoy of Chad | TCD | indirect | MLI=-
"""


def test_a_record_becomes_a_pair(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(RECORD, encoding="utf-8")
    (pair,) = read_blocks(path)
    assert [span.of(pair.text) for span in pair.statement] == ["a theft", "it would wait"]
    assert pair.text.startswith("A boat left Chad on Monday.\nKenya")
    assert {target.target: target.label for target in pair.targets} == {"TCD": Label.CRITICAL, "KEN": Label.NEUTRAL}
    assert (pair.speaker, pair.speaker_state, pair.weight) == ("Kenya", "KEN", 0.5)
    assert pair.tags == ("indirect", "doubtful")


def test_a_record_without_marks_is_a_statement_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("# id: x\nT: Chad waits.\nS: ? | ?\nL: TCD=0\n")
    (pair,) = read_blocks(path)
    assert pair.statement == (Span(0, 11),)
    assert pair.speaker_state is None


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("L: TCD=?", "'TCD=\\?' is not CODE="),
        ("X: what", "not a line of a record"),
        ("T: again", "its second of that kind"),
        ("L:", "no L line"),
    ],
)
def test_a_malformed_record_is_refused_with_its_line(tmp_path: Path, bad: str, complaint: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n\n# id: x\nT: Chad waits.\nS: ? | ?\n" + bad + "\n")
    with pytest.raises(ValueError, match=r"a\.txt:3: .*" + complaint):
        list(read_blocks(path))


def test_a_statement_of_an_annotated_article_becomes_a_pair(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(ARTICLE)
    (pair,) = read_article_pairs(path)
    assert [span.of(pair.text) for span in pair.statement] == ["Mali was late"]
    assert pair.targets == (PairTarget("MLI", Label.CRITICAL),)
    assert (pair.id, pair.speaker_state) == ("a-1-1", "TCD")


def test_lines_of_one_newsmtsc_sentence_become_one_pair(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    rows = [
        {"id": "1", "sentence": "Ann met Bob.", "mention": "Ann", "from": 0, "to": 3, "polarity": 1},
        {"id": "2", "sentence": "Ann met Bob.", "mention": "Bob", "from": 8, "to": 11, "polarity": -1},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (pair,) = read_newsmtsc(path)
    assert [target.mentions for target in pair.targets] == [(Span(0, 3),), (Span(8, 11),)]
    assert [target.label for target in pair.targets] == [Label.SUPPORTIVE, Label.CRITICAL]


def test_a_newsmtsc_line_out_of_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    path.write_text('{"sentence": "Ann left."}\n')
    with pytest.raises(ValueError, match=r"n\.jsonl:1: not a NewsMTSC line"):
        list(read_newsmtsc(path))


def test_open_candidates_are_known_to_be_addressed_or_not(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        RECORD.replace("C: A boat left Chad on Monday.", "C: A boat left Chad for Mali and Niger."), encoding="utf-8"
    )
    (pair,) = read_blocks(path)
    known = {t.target: (t.label, t.addressed) for t in add_candidates(pair, neutral_is_addressed=False).targets}
    assert known["TCD"] == (Label.CRITICAL, True)
    assert known["KEN"] == (Label.NEUTRAL, None)  # marked, but perhaps only since it stands near
    assert known["MLI"] == known["NER"] == (None, False)


def test_sentences_of_one_speech_are_held_out_together() -> None:
    speeches = {
        f"GHA_{number}_1979": {held_out(group_of(f"GHA_{number}_1979-{i:04}"), 0.3) for i in range(30)}
        for number in range(50)
    }
    assert all(len(kept) == 1 for kept in speeches.values())
    assert {True, False} == set.union(*speeches.values())


def test_no_article_of_the_corpus_is_parted() -> None:
    sides = defaultdict(set)
    source = Source("articles", "articles", "articles/train-*.txt", held_out=0.3)
    for pair in source.pairs(None):
        sides[pair.text].add(source.for_dev(pair))
    assert all(len(side) == 1 for side in sides.values())
    assert {True, False} == set.union(*sides.values())


def test_pairs_of_users_are_held_out_by_their_text_whatever_their_ids(tmp_path: Path) -> None:
    texts = [f"Chad waits for boat {number}." for number in range(60)]
    pairs = [
        StancePair(str(number), text, (Span(0, 4),), (PairTarget("TCD", Label.NEUTRAL),))
        for number, text in enumerate(texts * 2)
    ]
    write_pairs(pairs, tmp_path / "mine.jsonl")
    train, dev = Source.of_file(tmp_path / "mine.jsonl", held_out=0.3).read(None)
    assert 0 < len(dev) < len(pairs)
    assert not {pair.text for pair in train} & {pair.text for pair in dev}


def test_the_held_out_share_is_about_what_was_asked_for() -> None:
    train_pairs, dev = Source("corpus", "blocks", "*.txt", held_out=0.1).read(None)
    assert 0.08 < len(dev) / (len(dev) + len(train_pairs)) < 0.12


def test_what_is_read_to_train_on_carries_the_weight_of_its_source(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(RECORD, encoding="utf-8")
    (pair,), _ = Source.of_file(tmp_path / "a.txt", weight=3.0).read(None)
    assert pair.weight == 1.5
    _, (pair,) = Source.of_file(tmp_path / "a.txt", weight=3.0, only_dev=True).read(None)
    assert pair.weight == 0.5


def test_outside_data_that_are_not_given_are_asked_for() -> None:
    with pytest.raises(FileNotFoundError, match="--data"):
        Source("un", "blocks", "{data}/un/*.txt").read(None)


def test_files_are_found_beside_the_corpus_in_the_data_folder_and_anywhere(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "[a].txt"):
        (tmp_path / name).write_text(RECORD, encoding="utf-8")
    (shipped,) = Source("x", "blocks", "g-plain.txt").paths(None)
    assert shipped.samefile(CORPUS / "g-plain.txt")
    assert Source("x", "blocks", "{data}/[ab].txt").paths(tmp_path) == [tmp_path / "a.txt", tmp_path / "b.txt"]
    assert Source("x", "blocks", f"{tmp_path}/?.txt").paths(None) == [tmp_path / "a.txt", tmp_path / "b.txt"]
    assert Source.of_file(tmp_path / "[a].txt").paths(None) == [tmp_path / "[a].txt"]


def test_a_source_without_files_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"'x': no file matches none\.txt in "):
        Source("x", "blocks", "{data}/none.txt").paths(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("format", "xml", "'xml'; expected one of blocks, articles, newsmtsc, pairs, csv, parquet, dataset"),
        ("candidates", "some", "'some'; expected none, all or evaluative"),
        ("held_out", 1.0, "held_out 1.0; expected 0 <= share < 1"),
        ("weight", 0.0, "weight 0.0; expected a positive number"),
    ],
)
def test_a_setting_out_of_range_is_refused(field: str, value: object, complaint: str) -> None:
    fields = {"name": "x", "format": "blocks", "files": "*.txt"} | {field: value}
    with pytest.raises(ValueError, match=complaint):
        Source(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jsonl", "", "pairs"),
        ("a.CSV", "", "csv"),
        ("a.tsv", "", "csv"),
        ("a.parquet", "", "parquet"),
        ("a.txt", RECORD, "blocks"),
        ("a.txt", "\n\n" + RECORD, "blocks"),
        ("a.txt", ARTICLE, "articles"),
        ("a.txt", "=====\n" + ARTICLE, "articles"),
    ],
)
def test_the_format_is_told_by_ending_and_first_lines(tmp_path: Path, name: str, content: str, expected: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert format_of(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.md", "", r"unknown format '\.md'; accepted are \.jsonl, \.csv"),
        ("a", "", "unknown format 'without an ending'"),
        ("a.txt", "Chad waits.", "neither records nor annotated articles .* it begins 'Chad waits.'"),
        ("a.txt", "", "neither records nor annotated articles"),
    ],
)
def test_a_format_nobody_reads_is_refused_by_name(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=complaint):
        format_of(tmp_path / name)


def test_a_path_that_is_not_there_and_a_folder_of_anything_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        Source.of_file(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="name the files in it"):
        Source.of_file(tmp_path)


def test_annotated_articles_of_users_get_their_open_candidates(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ARTICLE)
    (pair,), _ = Source.of_file(tmp_path / "a.txt").read(None)
    assert PairTarget("TCD", addressed=False) in pair.targets


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    form = {"a.txt": "blocks", "a.jsonl": "pairs", "a.csv": "csv"}[name]
    path.write_bytes(b"\nT\xe9l\xe9\n" if name != "a.csv" else b"text,target,label\nCura\xe7ao waits.,CUW,neutral\n")
    with pytest.raises(ValueError, match=rf"{name}:2: not UTF-8"):
        Source("x", form, str(path)).read(None)
