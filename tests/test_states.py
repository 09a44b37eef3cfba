"""The gazetteer finds states and bodies, tells namesakes apart, and can say why."""

from __future__ import annotations

import time
from pathlib import Path

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.readings import Entry, Lore
from stancewire.schema import Evidence
from stancewire.states import Gazetteer

GROUPS = frozenset(["EU", "NATO", "AU", "ASEAN", "ARAB_LEAGUE", "GCC", "ECOWAS", "CARICOM", "MERCOSUR", "SCO", "OIC"])
CLUBS = frozenset(["OPEC", "BRICS", "G7", "G20", "UN", "IAEA", "IMF", "WTO", "ICC"])
FORMER = frozenset(["SUN", "YUG", "DDR", "CSK"])
NOT_IN_ISO = frozenset(["XKX"])
PIECES = [
    "Georgia",
    "Jordan",
    " ",
    "U.S.",
    "US",
    "Atlanta",
    "Sino-",
    "Russian",
    "the bloc",
    "EU",
    "\n",
    "’s",
    ",",
    "Ms. ",
    "İ",
    "ß",
    "said",
]


def cases() -> list[tuple[str, str]]:
    lines = (Path(__file__).parent / "data" / "states_cases.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(text, expected) for text, expected in rows[1:]]


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.default()


@pytest.mark.parametrize(("text", "expected"), cases())
def test_finds_what_the_table_says(gazetteer: Gazetteer, text: str, expected: str) -> None:
    found = ";".join(f"{mention.code}={mention.span.of(text)}" for mention in gazetteer.find(text))
    assert (found or "-") == expected


def test_every_code_is_in_iso_3166_or_the_codebook(gazetteer: Gazetteer) -> None:
    iso = {country.alpha_3 for country in pycountry.countries}
    former = {country.alpha_3 for country in pycountry.historic_countries}
    assert former >= FORMER
    assert gazetteer.codes - iso == GROUPS | CLUBS | FORMER | NOT_IN_ISO


def test_the_display_name_of_every_code_is_found_as_that_code(gazetteer: Gazetteer) -> None:
    for code in gazetteer.codes:
        name = gazetteer.name(code)
        assert [mention.code for mention in gazetteer.find(f"{name} agreed.")] == [code], name


def test_an_unknown_code_has_no_name(gazetteer: Gazetteer) -> None:
    with pytest.raises(KeyError, match="'XYZ' is no code"):
        gazetteer.name("XYZ")


@pytest.mark.parametrize(
    ("text", "evidence"),
    [("Russia left.", Evidence.NAMED), ("Russians left.", Evidence.DEMONYM), ("The Kremlin left.", Evidence.SEAT)],
)
def test_a_mention_carries_its_kind_of_evidence(gazetteer: Gazetteer, text: str, evidence: Evidence) -> None:
    assert [mention.evidence for mention in gazetteer.find(text)] == [evidence]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Talks in Moscow failed.", "place"),
        ("Talks with Moscow failed.", "seat"),
        ("MOSCOW, May 2 (Agency) - Talks failed.", "dateline"),
        ("The Sino-Indian talks failed.", "combining-form"),
    ],
)
def test_the_rule_tells_a_place_from_a_state_that_acts(gazetteer: Gazetteer, text: str, rule: str) -> None:
    assert gazetteer.find(text)[0].rule == rule


def test_a_surname_goes_on_without_the_given_name(gazetteer: Gazetteer) -> None:
    assert gazetteer.find("Michael Jordan opened the shop. Jordan said it was time.") == []


def test_a_surname_leaves_the_state_alone_where_the_text_speaks_of_it(gazetteer: Gazetteer) -> None:
    text = "Jack London moved to England. British papers said London was pleased."
    assert [mention.span.of(text) for mention in gazetteer.find(text)] == ["England", "British", "London"]


def test_the_nearest_cue_decides_in_a_text_about_both_georgias(gazetteer: Gazetteer) -> None:
    text = (
        "Growers around Atlanta say Georgia ships less. "
        + "Nothing else changed. " * 9
        + "In Tbilisi, Georgia denied it."
    )
    assert [mention.span.of(text) for mention in gazetteer.find(text)] == ["Tbilisi", "Georgia"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_mentions_are_in_order_and_apart_and_stand_at_word_boundaries(text: str) -> None:
    position = 0
    for mention in Gazetteer.default().find(text):
        start, end = mention.span.start, mention.span.end
        assert position <= start < end <= len(text)
        assert not (start and text[start - 1].isalnum())
        assert not text[end : end + 1].isalnum()
        position = end


@given(st.text())
def test_any_text_can_be_searched_and_explained(text: str) -> None:
    gazetteer = Gazetteer.default()
    assert all(mention.code in gazetteer.codes for mention in gazetteer.find(text))
    assert gazetteer.explain(text)


@pytest.mark.parametrize("piece", ['"', "A", " ", "Jordan ", "US ", "Georgia Atlanta ", "A. ", "("])
def test_time_grows_with_the_length_of_the_text_and_no_faster(gazetteer: Gazetteer, piece: str) -> None:
    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        start = time.process_time()
        gazetteer.find(text)
        return time.process_time() - start

    seconds(5_000)
    assert seconds(100_000) < 60 * max(seconds(5_000), 0.001)


def test_explains_a_seat(gazetteer: Gazetteer) -> None:
    (explanation,) = gazetteer.explain("Ankara")
    assert (explanation.code, explanation.name, explanation.evidence) == ("TUR", "Turkey", Evidence.SEAT)


def test_explains_every_reading_of_an_ambiguous_name(gazetteer: Gazetteer) -> None:
    country, state = gazetteer.explain("Georgia")
    assert (country.code, state.code) == ("GEO", None)
    assert "Atlanta" in state.reason


@pytest.mark.parametrize(
    ("query", "reason"),
    [("Jordan Smith", "given name"), ("Atlanta, Georgia", "U.S. state"), ("Latin American", "not the United States")],
)
def test_explains_a_refusal(gazetteer: Gazetteer, query: str, reason: str) -> None:
    refused = gazetteer.explain(query)[0]
    assert refused.code is None
    assert reason in refused.reason


def test_suggests_near_names_for_an_unknown_one(gazetteer: Gazetteer) -> None:
    (explanation,) = gazetteer.explain("Germny")
    assert explanation.code is None
    assert "Germany" in explanation.suggestions


def test_a_form_of_two_states_is_refused() -> None:
    with pytest.raises(ValueError, match="'Arcadia' is given to AAA and to BBB"):
        Gazetteer({}, [Entry("Arcadia", "AAA"), Entry("Arcadia", "BBB")], Lore({}, {}, {}))
