"""When two strings count as the same speaker."""

from __future__ import annotations

import pytest

from stancewire.eval.speakers import same_speaker


@pytest.mark.parametrize(
    ("gold", "predicted"),
    [
        ("Igor Lavrukhin", "Lavrukhin"),
        ("Igor Lavrukhin", "Russia's ambassador, Igor Lavrukhin"),
        ("Sen. Dale Hutchens, R-Fla.", "Dale Hutchens"),
        ("Conservative Bernardo Larraechea", "Bernardo Larraechea"),
        ("Octavio Rivas Mora", "Rivas"),
        ("MS. HALVORSEN", "Halvorsen"),
        ("the defence ministry in Tokyo", "Japan's defence ministry"),
        ("A spokesman for the interior ministry in Berlin", "the German spokesman"),
        ("Tehran", "tehran"),
        ("Beijing, foreign ministry", "Its foreign ministry"),
    ],
)
def test_a_shared_surname_or_head_noun_is_the_same_speaker(gold: str, predicted: str) -> None:
    assert same_speaker(gold, predicted)


@pytest.mark.parametrize(
    ("gold", "predicted"),
    [
        ("Kim Dae-hwan", "Kim Seok-ju"),
        ("Sen. Rolando Perdomo", "State Rep. Alicia Perdomo"),
        ("Foreign Minister Zoltan Berenyi", "Foreign Minister Behnam Sadeqi"),
        ("Foreign Minister Zoltan Berenyi", "the foreign minister"),
        ("the foreign minister", "Foreign Minister Zoltan Berenyi"),
        ("The Chinese embassy in Warsaw", "the Russian embassy in Warsaw"),
        ("A Chinese official", "Chinese farmers"),
        ("A spokesman for the foreign ministry", "the foreign ministry"),
        ("Tehran", "Moscow"),
        ("Amir Shaked", ""),
    ],
)
def test_a_shared_title_state_or_first_name_is_not_enough(gold: str, predicted: str) -> None:
    assert not same_speaker(gold, predicted)


@pytest.mark.parametrize("name", ["Igor Lavrukhin", "the foreign ministry", "Iran", "Sen. Dale Hutchens, R-Fla."])
def test_every_speaker_is_the_same_as_itself(name: str) -> None:
    assert same_speaker(name, name)
