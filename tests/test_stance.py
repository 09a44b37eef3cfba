"""Passages cut from documents, and the classifier users call with pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stancewire import LABELS, PairTarget, Span, StanceClassifier, StancePair
from stancewire import text as text_stage
from stancewire.people import find_people
from stancewire.stance import passage, slot_mentions
from stancewire.states import Gazetteer


@pytest.fixture(scope="module")
def classifier(tiny_checkpoint: Path) -> StanceClassifier:
    return StanceClassifier.from_pretrained(tiny_checkpoint, device="cpu")


def slots(text: str) -> list[tuple[str, str]]:
    document = text_stage.read(text)
    mentions = Gazetteer.default().find(document.text)
    found = slot_mentions(document.text, mentions, find_people(document, mentions))
    return [(mention.span.of(document.text), mention.entity) for mention in found]


def test_a_leaders_name_is_a_slot_of_the_state_everywhere() -> None:
    text = "Peruvian President Inca Solorzano spoke in Lima. Solorzano left later."
    assert slots(text) == [("Peruvian", "PER"), ("Inca Solorzano", "PER"), ("Lima", "PER"), ("Solorzano", "PER")]


def test_an_office_is_left_for_the_model_to_read() -> None:
    assert slots("The Peruvian president spoke.") == [("Peruvian", "PER")]


def test_given_mentions_replace_what_the_gazetteer_finds() -> None:
    pair = StancePair(
        "1", "Peru praised Ann.", (Span(0, 16),), (PairTarget("ann", None, (Span(13, 16),)), PairTarget("PER"))
    )
    whole = passage(pair)
    assert [(mention.span.of(whole.text), mention.entity) for mention in whole.mentions] == [
        ("Peru", "PER"),
        ("Ann", "ann"),
    ]


def test_an_implied_target_has_no_mention_even_where_its_name_stands() -> None:
    pair = StancePair("1", "Peru praised Chad.", (Span(0, 17),), (PairTarget("PER", None, ()),))
    assert [mention.entity for mention in passage(pair).mentions] == ["TCD"]


def test_offsets_of_a_repaired_text_lead_to_the_same_words() -> None:
    text = "The en-\nvoy of Peru said it was not so."
    pair = StancePair("1", text, (Span(25, 38),), (PairTarget("PER"),))
    whole = passage(pair)
    assert [span.of(whole.text) for span in whole.statement] == ["it was not so"]
    assert "envoy" in whole.text


def test_probabilities_have_a_row_for_each_target_and_sum_to_one(classifier: StanceClassifier) -> None:
    pairs = [
        StancePair("1", "Peru praised Chad.", (Span(0, 17),), (PairTarget("PER"), PairTarget("TCD"))),
        StancePair("2", "Peru left.", (Span(0, 9),), (PairTarget("PER"),)),
    ]
    probabilities = classifier.predict_proba(pairs)
    assert [rows.shape for rows in probabilities] == [(2, 3), (1, 3)]
    assert all(np.allclose(rows.sum(axis=1), 1) for rows in probabilities)
    assert classifier.predict(pairs) == [[LABELS[best] for best in rows.argmax(axis=1)] for rows in probabilities]


def test_more_targets_than_slots_all_get_a_label(classifier: StanceClassifier) -> None:
    pair = StancePair("1", "They met.", (Span(0, 8),), tuple(PairTarget(f"S{i}", None, ()) for i in range(50)))
    assert classifier.predict_proba([pair])[0].shape == (50, 3)


def test_no_pairs_no_probabilities(classifier: StanceClassifier) -> None:
    assert classifier.predict_proba([]) == []


@pytest.mark.parametrize(("device", "precision"), [("tpu", "auto"), ("cpu", "float64")])
def test_an_unknown_device_or_precision_is_refused(tiny_checkpoint: Path, device: str, precision: str) -> None:
    with pytest.raises(ValueError, match=f"{device}|{precision}"):
        StanceClassifier.from_pretrained(tiny_checkpoint, device=device, precision=precision)  # type: ignore[arg-type]
