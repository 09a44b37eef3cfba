"""Statements are found in every way a news text reports speech, and only there."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.quotes import find_statements
from stancewire.schema import Kind, Span, Statement
from stancewire.text import Document, read


def statements(text: str) -> list[tuple[str, str | None]]:
    """The words of each statement, pieces joined by " / ", and the words that name its source."""
    doc = read(text)
    return [(_words(doc, statement), _source(doc, statement)) for statement in find_statements(doc)]


def words(text: str) -> list[str]:
    return [said for said, _ in statements(text)]


def _words(doc: Document, statement: Statement) -> str:
    return " / ".join(span.of(doc.text) for span in statement.spans)


def _source(doc: Document, statement: Statement) -> str | None:
    attribution = statement.attribution
    return attribution.source.of(doc.text) if attribution and attribution.source else None


@pytest.mark.parametrize(
    ("text", "said", "source"),
    [
        ("“The gate is open,” the harbour master said.", "The gate is open", "the harbour master"),
        ("“The gate is open,” said the harbour master.", "The gate is open", "the harbour master"),
        ('"The gate is open," the master, Ada Holm, told reporters.', "The gate is open", "the master, Ada Holm"),
        ("“The gate is open”, said Ada Holm, who runs it.", "The gate is open", "Ada Holm, who runs it"),
        ("The harbour office said the gate was open.", "the gate was open", "The harbour office"),
        ("The office said in a statement on Monday that the gate was open.", "the gate was open", "The office"),
        ("Ada Holm, who runs the gate, told reporters that it was open.", "it was open", "Ada Holm, who runs the gate"),
        ("The gate was open, the harbour office said on Monday.", "The gate was open", "the harbour office"),
        ("The gate was open, according to the harbour office.", "The gate was open", "the harbour office"),
        ("According to the harbour office, the gate was open.", "the gate was open", "the harbour office"),
        ("The office called the storm “a nuisance and no more”.", "a nuisance and no more", "The office"),
        ("The office accused the crew of “sleeping on watch”.", "sleeping on watch", "The office"),
        ("The office urged both crews to stay in port.", "both crews to stay in port", "The office"),
        ("The mayor paused and said the gate was open.", "the gate was open", "The mayor"),
        ("Snow fell all day, and she said the gate was open.", "the gate was open", "she"),
        ("The mayor on Monday said the gate was open.", "the gate was open", "The mayor"),
        ("In Holmvik, the mayor said the gate was open.", "the gate was open", "the mayor"),
    ],
)
def test_what_is_said_and_who_says_it(text: str, said: str, source: str) -> None:
    assert statements(text) == [(said, source)]


def test_a_quotation_split_by_its_attribution_is_one_statement() -> None:
    text = "“Nobody,” said the mayor, “has asked us. We would say no.”"
    assert words(text) == ["Nobody / has asked us. We would say no"]


def test_a_quotation_that_goes_on_after_its_attribution_is_the_same_statement() -> None:
    assert words("“We are ready,” she said. “The boats are not.”") == ["We are ready / The boats are not"]


def test_reported_words_around_quoted_ones_make_a_mixed_statement() -> None:
    doc = read("The mayor said the plan was “a mistake from the start” and would fail.")
    (statement,) = find_statements(doc)
    assert statement.kind is Kind.MIXED
    assert _words(doc, statement) == "the plan was / a mistake from the start / and would fail"


def test_a_quotation_over_several_paragraphs_is_one_statement_with_a_span_for_each() -> None:
    text = "“We waited a year,” she said.\n\n“Nobody came.\n\n“Nobody wrote either.”"
    assert words(text) == ["We waited a year", "Nobody came / Nobody wrote either"]


def test_a_further_cue_starts_a_further_statement_of_the_same_source() -> None:
    text = "The mayor said the gate was open and urged the crews to wait."
    assert statements(text) == [("the gate was open", "The mayor"), ("the crews to wait", "The mayor")]


def test_an_attribution_that_closes_the_sentence_takes_the_verbs_within_it() -> None:
    assert words("Both towns agreed that the gate would open, the mayor said.") == [
        "Both towns agreed that the gate would open"
    ]


def test_free_indirect_speech_goes_on_and_narration_does_not() -> None:
    assert words("The bill was too high, she said. It had doubled in a year.") == [
        "The bill was too high / It had doubled in a year"
    ]
    assert words("The bill was too high, she said. The town has two banks.") == ["The bill was too high"]


def test_a_dateline_is_no_part_of_what_is_said() -> None:
    assert words("HOLMVIK, March 3 (Agency) - The gate was open, the mayor said.") == ["The gate was open"]


@pytest.mark.parametrize(
    "text",
    [
        "The film “The Long Gate” opened in Holmvik.",
        "The ship ‘Meridian Pearl’ lay in port for a week.",
        "The so-called “transparency initiative” ended in May.",
        "The mayor declined to say whether the gate was open.",
        "The mayor would not say that the gate was open.",
        "The gate was said to be open.",
        "The '90s were good to the ministers’ cars.",
    ],
)
def test_titles_terms_and_speech_that_did_not_take_place_are_no_statements(text: str) -> None:
    assert words(text) == []


def test_every_turn_of_a_transcript_but_the_questions_is_a_statement() -> None:
    text = "MS. HOLM: The gate is open.\n\nQUESTION: Since when?\n\nMS. HOLM: Since Monday. Ask the crew."
    assert statements(text) == [("The gate is open", "MS. HOLM"), ("Since Monday. Ask the crew", "MS. HOLM")]


def test_a_post_signed_on_the_line_below_is_a_statement() -> None:
    text = "The gate is open. Come and see.\n\n— Ada Holm (@adaholm) March 3, 2026"
    assert statements(text) == [("The gate is open. Come and see", "Ada Holm")]


@given(st.text(alphabet="Abc“”\"‘’'«»„:;,.!?—- \n", max_size=300))
def test_any_marks_give_ordered_spans_within_the_text(text: str) -> None:
    _assert_well_formed(read(text))


_FRAGMENTS = ("said ", "he said", ", ", ". ", "“", "”", '"', "the mayor ", "according to ", "that ", "adding ", "was ")


@given(st.lists(st.sampled_from((*_FRAGMENTS, "; ", ": ", "\n", "Q: ", "called it ", "and ", "had ")), max_size=40))
def test_any_order_of_cues_and_marks_gives_ordered_spans_within_the_text(fragments: list[str]) -> None:
    _assert_well_formed(read("".join(fragments)))


def _assert_well_formed(doc: Document) -> None:
    found = find_statements(doc)
    assert [statement.start for statement in found] == sorted(statement.start for statement in found)
    for statement in found:
        assert all(len(span) and span.end <= len(doc.text) for span in statement.spans)
        assert all(a.end <= b.start for a, b in itertools.pairwise(statement.spans))


@pytest.mark.parametrize("unit", ['"', "“ ", "“a, ", "\n“a", " ", "A ", "he said, ", "; ", ", the "])
def test_the_time_is_linear_in_the_text(unit: str) -> None:
    short, long = _seconds(unit, 20_000), _seconds(unit, 160_000)
    assert long < 8 * short * 3 + 0.5


def _seconds(unit: str, length: int) -> float:
    text = unit * (length // len(unit))
    whole = (Span(0, len(text)),)
    doc = read(text) if "\n" in unit else Document(text, text, whole, whole)
    start = time.perf_counter()
    find_statements(doc)
    return time.perf_counter() - start
