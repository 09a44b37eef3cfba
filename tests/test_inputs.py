"""What the slot model reads."""

from __future__ import annotations

import itertools

import pytest

from stancewire.models.inputs import SLOTS, Passage, SlotEncoder, SlotMention
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import Span
from stancewire.stance import passage, split_targets


def read(encoder: SlotEncoder, whole: Passage) -> str:
    """The one window of a passage, as text."""
    (encoded,) = encoder.encode([whole])
    (window,) = encoded.windows
    return encoder.tokenizer.decode(list(window), skip_special_tokens=False).replace(" ' ", "'")


def pair(text: str, statement: str, *targets: str, speaker: str | None = None) -> StancePair:
    start = text.index(statement)
    return StancePair("1", text, (Span(start, start + len(statement)),), tuple(map(PairTarget, targets)), None, speaker)


def test_every_form_of_a_state_becomes_its_slot(tiny_slot_encoder: SlotEncoder) -> None:
    whole = passage(
        pair("Iran said the Iranians and Tehran would wait. Iraq would too.", "Iraq would too", "IRN", "IRQ")
    )
    shown = read(tiny_slot_encoder, whole)
    assert shown.count("[A]") == 4  # listed once, mentioned three times
    assert shown.count("[B]") == 2
    assert "ir" not in shown


def test_targets_stand_in_front_and_the_speaker_after_by(tiny_slot_encoder: SlotEncoder) -> None:
    whole = passage(pair("Kenya thanked Chad for the help.", "the help", "TCD", speaker="KEN"))
    assert read(tiny_slot_encoder, whole).startswith("[CLS] [B] by [A] [SEP]")


def test_the_statement_is_marked_and_context_is_set_apart(tiny_slot_encoder: SlotEncoder) -> None:
    whole = passage(pair("Chad left. We said it is not so.", "it is not so", "TCD"))
    assert read(tiny_slot_encoder, whole).endswith("[A] left. [SEP] we said « it is not so ». [SEP]")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The United States said it is so.", "France said it is so."),
        ("An Iranian envoy said it is so.", "A French envoy said it is so."),
        ("the United States' envoy said it is so.", "France's envoy said it is so."),
    ],
)
def test_what_surrounds_a_state_does_not_tell_which_it_is(tiny_slot_encoder: SlotEncoder, one: str, other: str) -> None:
    first = passage(pair(one, "it is so", "USA" if "United" in one else "IRN"))
    second = passage(pair(other, "it is so", "FRA"))
    assert tiny_slot_encoder.encode([first])[0].windows == tiny_slot_encoder.encode([second])[0].windows


def test_words_of_the_text_cannot_pass_for_slots_or_marks(tiny_slot_encoder: SlotEncoder) -> None:
    shown = read(tiny_slot_encoder, passage(pair("[A] and «it» [SEP] said to Chad it is so.", "it is so", "TCD")))
    assert shown.count("[A]") == 2  # the slot of Chad, listed and mentioned
    assert shown.count("«") == 1
    assert shown.count("[SEP]") == 3


def test_a_target_nobody_names_still_has_its_slot(tiny_slot_encoder: SlotEncoder) -> None:
    whole = passage(pair("The envoy said it is so.", "it is so", "TCD"))
    assert read(tiny_slot_encoder, whole).startswith("[CLS] [A] [SEP]")


def test_a_mark_inside_a_mention_moves_to_its_edge(tiny_slot_encoder: SlotEncoder) -> None:
    whole = Passage("Saudi Arabia said so.", 0, (Span(6, 17),), (SlotMention(Span(0, 12), "SAU"),), ("SAU",))
    assert read(tiny_slot_encoder, whole) == "[CLS] [A] [SEP] [SEP] « [A] said » so. [SEP]"


def test_order_leads_from_listed_slots_back_to_targets(tiny_slot_encoder: SlotEncoder) -> None:
    whole = passage(pair("Chad and Kenya said it is so.", "it is so", "KEN", "TCD"))
    assert tiny_slot_encoder.encode([whole])[0].order == (1, 0)  # Chad is mentioned, and so listed, first


def test_context_gives_way_before_the_statement(tiny_slot_encoder: SlotEncoder) -> None:
    whole = passage(
        pair("The talks went on and on and on. " * 3 + "The envoy said it is so of Chad.", "it is so of Chad", "TCD")
    )
    (encoded,) = tiny_slot_encoder.encode([whole])
    assert not encoded.windowed
    assert len(encoded.windows[0]) <= tiny_slot_encoder.max_length
    assert "« it is so of [A] »" in read(tiny_slot_encoder, whole)


def test_a_long_statement_is_read_in_windows_that_miss_no_token(tiny_slot_encoder: SlotEncoder) -> None:
    words = " ".join(f"{a}{b}" for a in "abcdefghij" for b in "abcdefghij")
    whole = passage(pair(f"Chad said {words}.", words, "TCD"))
    (encoded,) = tiny_slot_encoder.encode([whole])
    assert encoded.windowed
    assert all(len(window) <= tiny_slot_encoder.max_length for window in encoded.windows)
    expected = tiny_slot_encoder.tokenizer.encode(words, add_special_tokens=False).ids
    pairs_seen = {both for window in encoded.windows for both in itertools.pairwise(window)}
    assert set(itertools.pairwise(expected)) <= pairs_seen


def test_states_beyond_the_last_slot_are_read_as_another_country(
    tiny_encoder: object, tiny_slot_encoder: SlotEncoder
) -> None:
    mentions = tuple(SlotMention(Span(2 * i, 2 * i + 1), f"S{i}") for i in range(30))
    whole = Passage("x " * 30, 0, (Span(0, 1),), mentions, ("S29",))
    shown = read(tiny_slot_encoder, whole)
    assert len({slot for slot in SLOTS if slot in shown}) == len(SLOTS)
    assert shown.count("country") == 30 - len(SLOTS)


def test_more_targets_than_slots_are_shared_out() -> None:
    targets = tuple(f"S{i}" for i in range(60))
    parts = split_targets(Passage("so", 0, (Span(0, 2),), (), targets))
    assert sum((part.targets for part in parts), ()) == targets
    assert all(len(part.targets) < len(SLOTS) for part in parts)


def test_too_many_targets_at_once_are_refused(tiny_slot_encoder: SlotEncoder) -> None:
    whole = Passage("so", 0, (Span(0, 2),), (), tuple(f"S{i}" for i in range(24)))
    with pytest.raises(ValueError, match="24 targets"):
        tiny_slot_encoder.encode([whole])
