"""Targets: the states a statement names, and those it refers back to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire import text as texts
from stancewire.schema import Attribution, Evidence, Kind, Person, Span, Speaker, Statement, Target
from stancewire.states import Gazetteer
from stancewire.targets import find_targets


def targets_of(
    marked: str,
    state: str | None,
    kind: Kind = Kind.DIRECT,
    source: str | None = None,
    leader: tuple[str, str] | None = None,
) -> list[Target]:
    """The targets of the one statement that `[[ ]]` marks, said by somebody who speaks for `state`."""
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
    return find_targets(
        texts.read(text),
        Statement(tuple(spans), kind, attribution, "test"),
        Speaker(source, None, state, said_by, "test"),
        Gazetteer.default().find(text),
        people,
    )


def codes(targets: list[Target]) -> list[str]:
    return [target.code for target in targets]


def test_a_state_named_in_the_statement_is_a_target() -> None:
    (target,) = targets_of('"[[Iran has broken its word]]," a minister said.', "FRA")
    assert (target.code, target.evidence, target.rule) == ("IRN", Evidence.NAMED, "named")


@pytest.mark.parametrize(
    ("word", "evidence"), [("Russia", Evidence.NAMED), ("Russians", Evidence.DEMONYM), ("Moscow", Evidence.SEAT)]
)
def test_a_target_carries_the_evidence_of_its_mention(word: str, evidence: Evidence) -> None:
    (target,) = targets_of(f'"[[We heard nothing from the {word}]]," a minister said.', "FRA")
    assert (target.code, target.evidence) == ("RUS", evidence)


def test_targets_come_in_order_of_mention_and_each_once() -> None:
    found = targets_of('"[[Egypt and Qatar helped; Cairo most of all, Israel least]]," a minister said.', "FRA")
    assert codes(found) == ["EGY", "QAT", "ISR"]


def test_the_name_of_a_leader_stands_for_the_state() -> None:
    found = targets_of('"[[Marovic lies]]," a minister said.', "FRA", leader=("Marovic", "SRB"))
    assert [(target.code, target.evidence) for target in found] == [("SRB", Evidence.LEADER)]


def test_an_unnamed_reference_means_the_state_named_just_before() -> None:
    text = "Venezuela stopped a ship on Monday. The foreign ministry of Brazil called it “[[piracy in uniform]]”."
    (target,) = targets_of(text, "BRA", source="The foreign ministry of Brazil")
    assert (target.code, target.rule, target.evidence) == ("VEN", "salient", Evidence.CONTEXT)


def test_a_pronoun_is_told_from_bare_context() -> None:
    text = "Venezuela stopped a ship on Monday, and Venezuela kept it. “[[They have gone too far]]”, the ministry said."
    assert [target.evidence for target in targets_of(text, "BRA")] == [Evidence.PRONOUN]


def test_a_salient_target_points_at_its_nearest_mention() -> None:
    text = "Venezuela stopped a ship. Venezuela kept the crew. “[[They have gone too far]]”, the ministry said."
    (target,) = targets_of(text, "BRA")
    assert target.mention == Span(text.rindex("Venezuela"), text.rindex("Venezuela") + len("Venezuela"))


def test_both_sides_are_the_two_states_spoken_of() -> None:
    text = "Ethiopia and Eritrea massed troops. “[[We call on both sides to show restraint]]”, the envoy said."
    assert codes(targets_of(text, "AU")) == ["ETH", "ERI"]


def test_a_named_state_leaves_no_room_for_one_referred_back_to() -> None:
    text = "Ethiopia massed troops at the border. “[[Eritrea should show restraint]]”, the envoy said."
    assert codes(targets_of(text, "AU")) == ["ERI"]


def test_where_the_speaker_comes_from_is_no_target() -> None:
    text = "Russian Foreign Minister Pavel Orlenko said [[the talks were long]]."
    assert targets_of(text, "RUS", Kind.INDIRECT, source="Russian Foreign Minister Pavel Orlenko") == []


def test_the_attribution_is_no_target_even_where_the_speaker_has_no_state() -> None:
    text = "An analyst of the Moscow Institute for Russian Affairs said [[the talks were long]]."
    assert targets_of(text, None, Kind.INDIRECT, source="An analyst of the Moscow Institute for Russian Affairs") == []


def test_a_dateline_alone_is_no_target() -> None:
    assert targets_of("DOHA, Dec 16 - “[[The talks were long]]”, the envoy said.", "FRA") == []


def test_a_plain_reference_to_the_own_state_is_no_target() -> None:
    assert targets_of("The minister said [[Paris would attend]].", "FRA", Kind.INDIRECT) == []


def test_the_own_state_is_a_target_where_the_speaker_describes_it() -> None:
    assert codes(targets_of("“[[France has always kept its word to its friends]]”, the minister said.", "FRA")) == [
        "FRA"
    ]


def test_the_own_state_need_not_be_named() -> None:
    (target,) = targets_of("“[[Our country has nothing to hide]]”, the minister said.", "FRA")
    assert (target.code, target.mention, target.evidence) == ("FRA", None, Evidence.PRONOUN)


def test_a_text_without_states_has_no_targets() -> None:
    assert targets_of("“[[It rained]]”, the farmer said.", None) == []


@given(
    st.lists(
        st.sampled_from(["Iran", "Cairo.", "the French", "they", "both", "[[said Oman]]", "[[it is so]]", "\n"]),
        min_size=1,
    )
)
def test_each_code_once_mentions_inside_the_text(words: list[str]) -> None:
    marked = " ".join(["[[well]]", *words])
    found = targets_of(marked, "FRA")
    assert len(set(codes(found))) == len(found)
    assert all(target.mention is None or target.mention.end <= len(marked) for target in found)
