"""Swapping countries: what the swap does to a pair, and that it changes nothing for the model."""

from __future__ import annotations

from pathlib import Path

from stancewire import PairTarget, Span, StanceClassifier, StancePair
from stancewire.eval.country_swap import measure_swap, swap
from stancewire.training.corpus import Source


def test_a_swap_moves_every_form_and_every_offset() -> None:
    text = "An Iranian envoy said Tehran would answer the United States. Iran's press agreed."
    start = text.index("Tehran")
    pair = StancePair("1", text, (Span(start, start + 37),), (PairTarget("USA"), PairTarget("IRN")), None, "IRN")
    other = swap(pair)
    assert other is not None
    assert other.text == "An Kenyan envoy said Nairobi would answer the Norway. Kenya's press agreed."
    assert [span.of(other.text) for span in other.statement] == ["Nairobi would answer the Norway"]
    assert [target.target for target in other.targets] == ["NOR", "KEN"]
    assert other.speaker_state == "KEN"


def test_more_states_than_stand_ins_are_not_swapped() -> None:
    names = "Chad Mali Togo Ghana Niger Benin Gabon Egypt Libya Sudan Qatar Oman Yemen".split()
    assert swap(StancePair("1", ", ".join(names), (Span(0, 4),), (PairTarget("TCD"),))) is None


def test_swapping_countries_changes_no_bit(tiny_checkpoint: Path) -> None:
    pairs, _ = Source("plain", "blocks", "g-plain.txt").read(None)
    measured = measure_swap(StanceClassifier.from_pretrained(tiny_checkpoint, device="cpu"), pairs, 40)
    assert measured.passages == 40
    assert (measured.labels_changed, measured.probabilities_changed) == (0, 0)
