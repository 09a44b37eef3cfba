"""Who makes a statement, resolved against the article."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stancewire import text
from stancewire.people import find_people
from stancewire.schema import Attribution, Kind, Span, Speaker, Statement
from stancewire.speakers import find_speakers
from stancewire.states import Gazetteer


def speakers_of(marked: str) -> list[Speaker]:
    """The speakers of an article whose statements are marked [ ], each with its source marked < > after the bracket.

    The source belongs to the nearest statement before it; a statement without one has no attribution.
    """
    plain, spans, sources = "", [], {}
    for character in marked:
        if character == "[":
            opened = len(plain)
        elif character == "]":
            spans.append(Span(opened, len(plain)))
        elif character == "<":
            source_opened = len(plain)
        elif character == ">":
            sources[len(spans) - 1] = Span(source_opened, len(plain))
        else:
            plain += character
    statements = [
        Statement(
            (span,),
            Kind.DIRECT,
            Attribution(Span(sources[i].end, sources[i].end), sources[i]) if i in sources else None,
            "test",
        )
        for i, span in enumerate(spans)
    ]
    doc = text.read(plain)
    mentions = Gazetteer.default().find(doc.text)
    return find_speakers(doc, statements, mentions, find_people(doc, mentions))


def names(marked: str) -> list[str | None]:
    return [speaker.name for speaker in speakers_of(marked)]


def test_a_surname_is_the_person_introduced_before() -> None:
    [_, second] = speakers_of(
        'Iran will [wait], <its envoy to Vienna, Igor Daryabandi,> said. "[We wait]," <Daryabandi> said.'
    )
    assert (second.name, second.state, second.office) == ("Igor Daryabandi", "IRN", "envoy to Vienna")


def test_a_pronoun_is_the_last_subject_of_its_gender() -> None:
    found = names(
        'Ms. Alicia Perdomo met Mr. Rolando Perdomo. "[No]," <she> said. "[Yes]," <Mr. Perdomo> said. "[Still no]," '
        "<she> said."
    )
    assert found == ["Alicia Perdomo", "Rolando Perdomo", "Alicia Perdomo"]


def test_it_is_the_ministry_that_spoke() -> None:
    [_, second] = speakers_of('"[All is well]," <Egypt\'s foreign ministry> said. "[No more]," <it> said.')
    assert (second.name, second.state) == ("Egypt's foreign ministry", "EGY")


def test_a_quotation_without_attribution_goes_on_with_the_speaker_before() -> None:
    assert names('"[One]," <Tal Ronen, a spokeswoman for Israel,> said. "[Two]. [Three]."') == ["Tal Ronen"] * 3


def test_a_possessive_is_no_pronoun() -> None:
    article = '"[One]," <Rosa Petty, a British minister,> said. "[Two]," <Her deputy, Jeremy Croft,> said.'
    assert names(article) == ["Rosa Petty", "Jeremy Croft"]


def test_a_clause_that_stands_for_a_source_names_it_at_its_end() -> None:
    article = "The Danish president spoke. In a radio talk given to friends two days earlier the president said [no]."
    assert names(article.replace("In a", "<In a").replace("president said", "president> said")) == [
        "The Danish president"
    ]


def test_a_document_speaks_for_the_institution_that_issued_it() -> None:
    [speaker] = speakers_of("[No], <a statement by the Polish foreign ministry> said.")
    assert (speaker.name, speaker.state) == ("the Polish foreign ministry", "POL")


def test_a_quotation_without_attribution_is_by_whom_the_link_after_it_names() -> None:
    article = (
        "“[One],” <Dana Kovacs, a Slovak minister,> said. “[Two].” Thus the governor, Robert Hakobjanyan, in Yerevan."
    )
    assert names(article) == ["Dana Kovacs", "Robert Hakobjanyan"]


def test_states_and_seats_speak_for_themselves() -> None:
    found = speakers_of('"[No]," <Tehran> said. "[Yes]," <the Kremlin> said.')
    assert [(speaker.name, speaker.state) for speaker in found] == [("Tehran", "IRN"), ("Kremlin", "RUS")]


def test_states_that_speak_jointly_have_no_single_state() -> None:
    [speaker] = speakers_of('"[No]," <Lithuania and Latvia> said.')
    assert (speaker.name, speaker.state) == ("Lithuania and Latvia", None)


@pytest.mark.parametrize(
    ("source", "state"),
    [
        ("the Colombian ambassador to Washington", "COL"),
        ("the US ambassador to NATO", "USA"),
        ("the EU's foreign policy chief", "EU"),
        ("the IAEA director general", "IAEA"),
        ("a spokesman for the interior ministry in Berlin", "DEU"),
        ("a lorry driver", None),
    ],
)
def test_an_official_speaks_for_the_sender_not_the_host(source: str, state: str | None) -> None:
    [speaker] = speakers_of(f'"[We are ready]," <{source}> said.')
    assert speaker.state == state


def test_an_office_alone_is_its_holder() -> None:
    found = names(
        '"[No]," <Mourad Benchikh, Algeria\'s minister of foreign affairs,> said. "[Never]," <the minister> said.'
    )
    assert found == ["Mourad Benchikh", "Mourad Benchikh"]


def test_the_label_of_a_transcript_is_the_person_of_that_surname() -> None:
    assert names("The spokeswoman, Alison Trewhitt, took questions.\n\n[Next], <TREWHITT>.") == ["Alison Trewhitt"]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='aA.,“”" \n’sheIran', max_size=120), st.data())
def test_every_statement_gets_exactly_one_speaker(article: str, data: st.DataObject) -> None:
    doc = text.read(article)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(doc.text)), max_size=8)))
    statements = [
        Statement((Span(a, b),), Kind.DIRECT, Attribution(Span(b, b), Span(b, c)) if flag else None, "test")
        for a, b, c in zip(cuts, cuts[1:], cuts[2:], strict=False)
        for flag in [data.draw(st.booleans())]
    ]
    mentions = Gazetteer.default().find(doc.text)
    found = find_speakers(doc, statements, mentions, find_people(doc, mentions))
    assert len(found) == len(statements)
    assert all(speaker.rule for speaker in found)
