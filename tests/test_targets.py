"""Candidates: the states a statement names, and those it may refer to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire import text as texts
from stancewire.schema import Attribution, Evidence, Kind, Person, Span, Speaker, Statement, Target
from stancewire.states import Gazetteer
from stancewire.targets import MOST_OPEN, NAMED, CandidateFinder


def candidates_of(
    marked: str,
    state: str | None,
    kind: Kind = Kind.DIRECT,
    source: str | None = None,
    leader: tuple[str, str] | None = None,
) -> list[Target]:
    """The candidates of the one statement that `[[ ]]` marks, said by somebody who speaks for `state`."""
    text, spans = "", []
    for piece in re.split(r"(\[\[.*?\]\])", marked):
        words = piece.removeprefix("[[").removesuffix("]]")
        if words != piece:
            spans.append(Span(len(text), len(text) + len(words)))
        text += words
    said_by = Span(text.index(source), text.index(source) + len(source)) if source else None
    attribution = Attribution(Span(0, 0), said_by) if said_by else None
    people = []
    if leader:
        mentions = tuple(Span(found.start(), found.end()) for found in re.finditer(leader[0], text))
        people.append(Person(leader[0], "president", leader[1], mentions, leads=True))
    document = texts.read(text)
    finder = CandidateFinder(document, Gazetteer.default().find(text), people)
    return finder.candidates(
        Statement(tuple(spans), kind, attribution, "test"), Speaker(source, None, state, said_by, "test")
    )


def named(targets: list[Target]) -> list[str]:
    return [target.code for target in targets if target.rule == NAMED]


def codes(targets: list[Target]) -> list[str]:
    return [target.code for target in targets]


def test_a_foreign_state_named_in_the_statement_needs_no_judgement() -> None:
    first, *others = candidates_of('"[[Iran has broken its word]]," a minister said.', "FRA")
    assert (first.code, first.evidence, first.rule) == ("IRN", Evidence.NAMED, NAMED)
    assert named(others) == []


@pytest.mark.parametrize(
    ("word", "evidence"), [("Russia", Evidence.NAMED), ("Russians", Evidence.DEMONYM), ("Moscow", Evidence.SEAT)]
)
def test_a_target_carries_the_evidence_of_its_mention(word: str, evidence: Evidence) -> None:
    first, *_ = candidates_of(f'"[[We heard nothing from the {word}]]," a minister said.', "FRA")
    assert (first.code, first.evidence) == ("RUS", evidence)


def test_named_targets_come_in_order_of_mention_and_each_once() -> None:
    found = candidates_of('"[[Egypt and Qatar helped; Cairo most of all, Israel least]]," a minister said.', "FRA")
    assert named(found) == ["EGY", "QAT", "ISR"]
    assert found[0].mention == Span(1, 6)


def test_the_name_of_a_leader_stands_for_the_state() -> None:
    found = candidates_of('"[[Marovic lies]]," a minister said.', "FRA", leader=("Marovic", "SRB"))
    assert [(target.code, target.evidence) for target in found if target.rule == NAMED] == [("SRB", Evidence.LEADER)]


def test_what_an_unnamed_reference_may_mean_is_a_candidate() -> None:
    text = "Venezuela stopped a ship on Monday. The foreign ministry of Brazil called it “[[piracy in uniform]]”."
    found = {target.code: target for target in candidates_of(text, "BRA")}
    assert (found["VEN"].rule, found["VEN"].evidence) == ("salient", Evidence.CONTEXT)


def test_a_pronoun_is_told_from_bare_context() -> None:
    text = "Venezuela stopped a ship on Monday, and Venezuela kept it. “[[They have gone too far]]”, the ministry said."
    (found,) = [target for target in candidates_of(text, "BRA") if target.code == "VEN"]
    assert found.evidence is Evidence.PRONOUN


def test_an_open_candidate_points_at_its_nearest_mention() -> None:
    text = "Venezuela stopped a ship. Venezuela kept the crew. “[[They have gone too far]]”, the ministry said."
    (found,) = [target for target in candidates_of(text, "BRA") if target.code == "VEN"]
    assert found.mention == Span(text.rindex("Venezuela"), text.rindex("Venezuela") + len("Venezuela"))


def test_a_foreign_name_in_the_statement_leaves_no_state_salient() -> None:
    text = "Ethiopia massed troops. Ethiopia dug in. “[[Eritrea should show restraint]]”, the envoy said."
    found = {target.code: target.rule for target in candidates_of(text, "AU")}
    assert found["ERI"] == NAMED
    assert found["ETH"] == "near"


def test_where_the_speaker_comes_from_is_not_salient() -> None:
    text = "An analyst of the Moscow Institute for Russian Affairs said [[the talks were long]]."
    found = candidates_of(text, None, Kind.INDIRECT, source="An analyst of the Moscow Institute for Russian Affairs")
    assert [target.rule for target in found] == ["near"]


def test_the_own_state_is_for_the_model_to_decide_even_where_it_is_named() -> None:
    (found,) = candidates_of("“[[France has always kept its word]]”, the minister said.", "FRA")
    assert (found.code, found.rule, found.evidence) == ("FRA", "own", Evidence.NAMED)


def test_the_own_state_need_not_be_named() -> None:
    (found,) = candidates_of("“[[Our country has nothing to hide]]”, the minister said.", "FRA")
    assert (found.code, found.mention, found.evidence) == ("FRA", None, Evidence.PRONOUN)


def test_the_foremost_states_of_an_article_are_candidates_wherever_they_stand() -> None:
    text = "It began. Egypt left. Egypt came. It ended. It ended. It ended. It ended. “[[It is over]]”, he said."
    assert [(target.code, target.rule) for target in candidates_of(text, None)] == [("EGY", "foremost")]


def test_the_first_sentence_is_read_wherever_the_statement_stands() -> None:
    text = "Egypt left. Oman. Oman. Mali. Mali. It ended. It ended. It ended. “[[It is over]]”, he said."
    assert ("EGY", "near") in [(target.code, target.rule) for target in candidates_of(text, None)]


def test_a_dateline_alone_is_no_candidate() -> None:
    assert candidates_of("DOHA, Dec 16 - “[[The talks were long]]”, the envoy said.", None) == []


def test_a_text_without_states_has_no_candidates() -> None:
    assert candidates_of("“[[It rained]]”, the farmer said.", None) == []


def test_open_candidates_are_bounded() -> None:
    names = sorted(Gazetteer.default().name(code) for code in ("IRN", "IRQ", "EGY", "OMN", "MLI", "TCD", "KEN", "PER"))
    crowd = ", ".join([*names, "Chile", "Cuba", "Fiji", "Ghana", "Haiti", "India", "Japan", "Libya"])
    found = candidates_of(f"{crowd} met. “[[It is so]]”, he said.", None)
    assert len([target for target in found if target.rule in ("near", "salient")]) == MOST_OPEN


@given(
    st.lists(
        st.sampled_from(["Iran", "Cairo.", "the French", "they", "both", "[[said Oman]]", "[[it is so]]", "\n"]),
        min_size=1,
    )
)
def test_each_code_once_mentions_inside_the_text(words: list[str]) -> None:
    marked = " ".join(["[[well]]", *words])
    found = candidates_of(marked, "FRA")
    assert len(set(codes(found))) == len(found)
    assert all(target.mention is None or target.mention.end <= len(marked) for target in found)
