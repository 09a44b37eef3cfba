"""Annotated articles: their format, and how found statements are matched to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from stancewire.eval.articles import match, overlap, read_articles
from stancewire.pipeline import LabelledStatement
from stancewire.schema import Kind, Label, Span, Speaker, Statement

GOOD = """\
# id: a-1
# title: A title

Mali waited. “[[It is]]1,” said Peru, “[[not so]]1.” Chad said [[it was]]2.

## 1 | Peru | PER | direct | MLI=- CHL=+
## 2 | Chad | ? | indirect | -none-
"""


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "articles.txt"
    path.write_text(content, encoding="utf-8")
    return path


def test_marks_become_spans_of_the_text_without_marks(tmp_path: Path) -> None:
    (article,) = read_articles(write(tmp_path, GOOD))
    assert article.text == "Mali waited. “It is,” said Peru, “not so.” Chad said it was."
    first, second = article.statements
    assert [span.of(article.text) for span in first.spans] == ["It is", "not so"]
    assert first.targets == {"MLI": Label.CRITICAL, "CHL": Label.SUPPORTIVE}
    assert (second.speaker, second.state, second.kind, second.targets) == ("Chad", None, Kind.INDIRECT, {})


def test_several_articles_are_told_apart(tmp_path: Path) -> None:
    assert len(list(read_articles(write(tmp_path, GOOD + "\n=====\n\n" + GOOD)))) == 2


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("]]2", "]]3", r"\[2, 3\]"),
        ("MLI=-", "MLI", "'MLI'"),
        ("| PER | direct", "| PER | spoken", "not a statement line"),
    ],
)
def test_what_is_out_of_format_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        list(read_articles(write(tmp_path, GOOD.replace(old, new))))


def test_overlap_is_intersection_over_union_of_characters() -> None:
    assert overlap([Span(0, 10)], [Span(5, 15)]) == pytest.approx(5 / 15)
    assert overlap([Span(0, 5), Span(10, 15)], [Span(0, 15)]) == pytest.approx(10 / 15)
    assert overlap([], []) == 0.0


def found(*spans: Span) -> LabelledStatement:
    return LabelledStatement(
        "1", Statement(spans, Kind.DIRECT, None, "test"), Speaker(None, None, None, None, "none"), ()
    )


def test_statements_are_matched_one_to_one_best_first(tmp_path: Path) -> None:
    (article,) = read_articles(write(tmp_path, GOOD))
    first, second = article.statements
    half = found(Span(first.spans[0].start, first.spans[1].end - 3))
    exact = found(*first.spans)
    assert match([first, second], [half, exact]) == [(0, 1)]
    assert match([first, second], [exact, found(*second.spans)]) == [(0, 0), (1, 1)]
