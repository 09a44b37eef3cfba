"""Which sentences are read with a statement."""

from __future__ import annotations

from stancewire import text
from stancewire.schema import Span
from stancewire.windows import Window, window

TEXT = "One came. Two came. Three came. Four came. Five came. Six said so and left."


def around(words: str) -> Window:
    start = TEXT.index(words)
    return window(text.read(TEXT), [Span(start, start + len(words))])


def test_the_first_sentence_and_three_before_are_read() -> None:
    found = around("so and left")
    assert [stretch.of(TEXT) for stretch in found.stretches] == [
        "One came.",
        "Three came. Four came. Five came. Six said so and left.",
    ]
    assert found.body.of(TEXT) == "Six said so and left."


def test_the_first_sentence_is_not_read_twice() -> None:
    found = around("Four came")
    assert found.lead is None
    assert [stretch.of(TEXT) for stretch in found.stretches] == ["One came. Two came. Three came. Four came."]


def test_a_statement_in_the_first_sentence_has_no_context() -> None:
    found = around("One")
    assert len(found.context) == 0
    assert found.body.of(TEXT) == "One came."


def test_a_text_without_sentences_is_read_as_the_statement_alone() -> None:
    document = text.Document("so", "so", (), ())
    assert window(document, [Span(0, 2)]) == Window(None, Span(0, 0), Span(0, 2))
