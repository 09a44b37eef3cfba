"""The check for measured text in training text: what it finds, and what it lets pass."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.eval.leakage import find_leaks
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import Span

TEXT = "The envoy of Peru said that the convoy had waited three days at the border without a word from the other side."
OTHER = "A spokesman for the ministry in Lima told reporters on Friday that no ship would leave the harbour before the vote."


def pair(name: str, text: str, statement: Span | None = None) -> StancePair:
    return StancePair(name, text, (statement or Span(0, len(text)),), (PairTarget("PER"),))


def found(measured: str, trained: str) -> list[tuple[str, str]]:
    return [(leak.trained, leak.what) for leak in find_leaks([pair("m", measured)], [pair("t", trained)])]


@pytest.mark.parametrize(
    "trained",
    [
        TEXT,
        TEXT.upper(),
        TEXT.replace(" ", "\n").replace(".", " —!"),
        TEXT.replace("three", "four"),
        f"{OTHER} {TEXT} {OTHER}",
        TEXT[: TEXT.index(" without")],
    ],
    ids=["the same", "case", "spaces and marks", "one word changed", "within a longer text", "cut short"],
)
def test_a_near_duplicate_is_found(trained: str) -> None:
    assert found(TEXT, trained) == [("t", "text")]


@pytest.mark.parametrize("trained", [OTHER, " ".join(reversed(TEXT.split())), "Peru.", "…"])
def test_other_text_is_let_pass(trained: str) -> None:
    assert found(TEXT, trained) == []


def test_a_short_text_is_found_only_as_a_whole() -> None:
    assert found("Peru is wrong.", "PERU is wrong!") == [("t", "text")]
    assert found("Peru is wrong.", "The envoy said that Peru is wrong.") == []


def test_a_statement_is_found_in_another_article() -> None:
    article = f"{OTHER} He said on Monday: {TEXT} " + " ".join(f"Ship {n} left." for n in range(60))
    start = article.index(TEXT)
    (leak,) = find_leaks(
        [pair("m", article, Span(start, start + len(TEXT)))],
        [pair("t", " ".join(f"Truck {n} came late." for n in range(60)) + " " + TEXT)],
    )
    assert (leak.what, leak.share) == ("statement", 1.0)
    assert str(leak) == "m: its statement stands in training pair t (100%)"


def test_the_share_counts_the_words_in_shared_sequences() -> None:
    words = TEXT.split()
    assert len(words) == 22
    # What stands before the change is shared; after it all of 8 words, and none of 7.
    for place, shared in ((13, 21), (14, 14)):
        (leak,) = find_leaks([pair("m", TEXT)], [pair("t", " ".join([*words[:place], "quite", *words[place + 1 :]]))])
        assert leak.share == pytest.approx(shared / 22)
    assert found(TEXT, " ".join([*words[:10], *["quite"] * 12])) == []


def test_each_text_is_named_once_with_what_it_overlaps_most() -> None:
    measured = [pair("m1", TEXT), pair("m2", TEXT), pair("m3", OTHER)]
    leaks = find_leaks(measured, [pair("t1", TEXT.replace("side", "bank")), pair("t2", TEXT), pair("t3", TEXT)])
    assert [(leak.measured, leak.trained) for leak in leaks] == [("m1", "t2")]


@given(st.text())
def test_every_text_with_a_word_is_found_in_itself(text: str) -> None:
    assert bool(found(text or "x", text or "x")) == any(
        character.isalnum() or character == "_" for character in text or "x"
    )


def test_a_long_training_text_takes_linear_time() -> None:
    def seconds(words: int) -> float:
        text = " ".join(f"w{number}" for number in range(words))
        began = time.process_time()
        find_leaks([pair("m", TEXT)], [pair("t", text)])
        return time.process_time() - began

    assert seconds(200_000) < 40 * max(seconds(20_000), 0.005)
