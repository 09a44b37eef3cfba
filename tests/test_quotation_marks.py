"""Quotation marks pair up in every convention of print."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.quotation_marks import find_quotations
from stancewire.text import read


def quoted(text: str) -> list[str]:
    return [quotation.inner.of(text) for quotation in find_quotations(text, read(text).paragraphs)]


@pytest.mark.parametrize(
    "text",
    [
        "He said “we agreed” and left.",
        'He said "we agreed" and left.',
        "He said ‘we agreed’ and left.",
        "He said 'we agreed' and left.",
        "He said «we agreed» and left.",
        "He said « we agreed » and left.",
        "He said »we agreed« and left.",
        "He said „we agreed“ and left.",
        "He said ‚we agreed‘ and left.",
        "He said ”we agreed” and left.",
        "He said ``we agreed'' and left.",
        'He said “we agreed" and left.',
    ],
)
def test_every_convention_encloses_the_same_words(text: str) -> None:
    assert quoted(text) == ["we agreed"]


def test_an_apostrophe_is_no_quotation_mark() -> None:
    assert quoted("The ministers’ cars weren’t theirs; the '90s and rock 'n' roll were.") == []


def test_a_plural_possessive_does_not_close_a_single_quotation() -> None:
    assert quoted("‘We heard the ministers’ answer and left,’ she said.") == [
        "We heard the ministers’ answer and left,"
    ]


def test_only_the_outer_quotation_is_reported() -> None:
    assert quoted("“They called it ‘a gift’ and kept it,” she said.") == ["They called it ‘a gift’ and kept it,"]


def test_an_unclosed_quotation_ends_with_its_paragraph() -> None:
    assert quoted("“We never agreed to this.\nThe talks go on.") == ["We never agreed to this."]


def test_a_quotation_left_open_goes_on_in_the_next_paragraph() -> None:
    text = "“We never agreed.\n“We never will.”"
    first, second = find_quotations(text, read(text).paragraphs)
    assert (first.continues, second.continues) == (False, True)
    assert (first.inner.of(text), second.inner.of(text)) == ("We never agreed.", "We never will.")


@given(st.text(alphabet="“”„\"‘’'«»‚`a s.\n", max_size=200))
def test_quotations_are_ordered_disjoint_and_have_words(text: str) -> None:
    found = find_quotations(text, read(text).paragraphs)
    for quotation in found:
        assert quotation.outer.contains(quotation.inner)
        assert any(character.isalnum() for character in quotation.inner.of(text))
    assert all(a.outer.end <= b.outer.start for a, b in itertools.pairwise(found))
