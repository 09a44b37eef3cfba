"""The pipeline: from the text of an article to rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stancewire import Article, StancePipeline
from stancewire.rows import COLUMNS

ARTICLE = """\
NAIROBI, March 3 - Mali seized a Kenyan lorry at the border on Monday.

Kenya's foreign minister, Ann Odera, called it “a theft in daylight” and said Mali would answer for it.

“We were patient,” she told reporters, “and Mali took it for weakness.”

Rwanda's president thanked Kenya for its calm.
"""

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def pipe(tiny_checkpoint: Path) -> StancePipeline:
    return StancePipeline.from_pretrained(tiny_checkpoint, device="cpu")


def test_a_row_has_every_column_in_order(pipe: StancePipeline) -> None:
    rows = pipe(ARTICLE).rows()
    assert rows
    assert all(list(row) == list(COLUMNS) for row in rows)


def test_offsets_lead_to_the_words(pipe: StancePipeline) -> None:
    for row in pipe(ARTICLE).rows():
        assert ARTICLE[row["start"] : row["end"]] == row["statement"]
        assert row["spans"][0][0] == row["start"]
        assert row["spans"][-1][1] == row["end"]
        if row["mention"] is not None:
            assert ARTICLE[row["mention_start"] : row["mention_end"]] == row["mention"]


def test_speakers_and_named_targets_are_found(pipe: StancePipeline) -> None:
    found = {(row["speaker"], row["speaker_state"], row["target"]) for row in pipe(ARTICLE).rows()}
    assert ("Ann Odera", "KEN", "MLI") in found


def test_damage_is_read_through_and_offsets_stay_those_of_the_text_as_given(pipe: StancePipeline) -> None:
    damaged = ARTICLE.replace("Mali took it for weakness", "M a l i t o o k i t f o r w e a k n e s s")
    rows = [row for row in pipe(damaged).rows() if "repaired" in row["flags"]]
    assert [row["target"] for row in rows if row["evidence"] == "named"] == ["MLI"]
    assert damaged[rows[0]["start"] : rows[0]["end"]].endswith("M a l i t o o k i t f o r w e a k n e s s")


def test_the_stream_keeps_order_and_does_not_depend_on_the_batch(pipe: StancePipeline) -> None:
    articles = [
        Article(ARTICLE.replace("Mali", name), doc_id=name) for name in ("Chad", "Mali", "Niger", "Togo", "Ghana")
    ]
    one = [doc.rows() for doc in pipe.stream(articles, batch_size=1)]
    all_together = [doc.rows() for doc in pipe.stream(iter(articles), batch_size=64)]
    assert one == all_together
    assert [rows[0]["doc_id"] for rows in one] == [article.doc_id for article in articles]


def test_the_stream_is_lazy(pipe: StancePipeline) -> None:
    def articles() -> object:
        yield ARTICLE
        raise AssertionError("read ahead of what was asked for")

    stream = pipe.stream(articles(), batch_size=1)  # type: ignore[arg-type]
    assert next(stream).rows()


@pytest.mark.parametrize(
    ("text", "reason", "unread"),
    [
        ("", "empty text", True),
        (" \n\t", "empty text", True),
        (
            "Le ministre a déclaré que la France ne céderait pas aux menaces venues de l'étranger. " * 5,
            "language 'fr'",
            True,
        ),
        ("It rained all day in the hills, and the road stayed closed.", "no statements", False),
        ("The baker said the bread was late again this morning.", "no statement about a state", False),
    ],
)
def test_an_article_without_rows_says_why(pipe: StancePipeline, text: str, reason: str, unread: bool) -> None:
    doc = pipe(text)
    assert doc.rows() == []
    assert doc.empty_because is not None
    assert doc.empty_because.startswith(reason)
    assert doc.unread is unread
    assert list(doc.to_frame().columns) == list(COLUMNS)


def test_a_long_statement_is_flagged_and_none_of_it_is_cut(pipe: StancePipeline) -> None:
    long = " ".join(f"Mali broke promise number {i} and then another one." for i in range(60))
    rows = [row for row in pipe(f"Kenya's minister said: “{long}”").rows() if row["evidence"] == "named"]
    assert [(row["target"], row["flags"], row["statement"]) for row in rows] == [("MLI", ["windowed"], long[:-1])]


def test_frames_keep_the_index_of_the_row_a_label_came_from(pipe: StancePipeline) -> None:
    frame = pd.DataFrame({"body": [ARTICLE, None, "It rained."]}, index=["a", "b", "c"])
    labelled = pipe.label_frame(frame, text="body")
    assert set(labelled.index) == {"a"}
    assert list(labelled.columns) == list(COLUMNS)
    with pytest.raises(ValueError, match="no column 'text'; the frame has body"):
        pipe.label_frame(frame)


def test_only_texts_and_articles_are_taken(pipe: StancePipeline) -> None:
    with pytest.raises(TypeError, match="int"):
        pipe(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="batch_size 0"):
        next(pipe.stream([ARTICLE], batch_size=0))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ["“", "”", '"', "'", "«", "said", "Mali", "he", "the minister", ",", ".", "\n\n", "that", "\x00", "é"]
        )
    )
)
def test_no_text_is_too_odd(pipe: StancePipeline, words: list[str]) -> None:
    text = " ".join(["The minister of Mali said that it rained in the hills and the road stayed closed.", *words])
    for row in pipe(text).rows():
        assert text[row["start"] : row["end"]] == row["statement"]
