"""The baselines: what each can see, and how well it does where that is enough."""

from __future__ import annotations

import numpy as np
import pytest

from stancewire.eval.baselines import baselines, words_of
from stancewire.eval.cases import Cases, Labelled
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import Label, Span
from stancewire.stance import passage

FRIENDLY = ["thanked {} for its help", "praised the courage of {}", "called {} a reliable friend"]
HOSTILE = ["condemned the crimes of {}", "called {} a threat", "accused {} of aggression"]
PLAIN = ["met the envoy of {}", "spoke of the road to {}", "left for {} on Monday"]


def pairs(names: list[tuple[str, str]]) -> list[StancePair]:
    made = []
    for label, phrases in zip(Label, (FRIENDLY, PLAIN, HOSTILE), strict=True):
        for phrase in phrases:
            for name, code in names:
                text = f"The minister {phrase.format(name)}."
                made.append(StancePair(text, text, (Span(13, len(text) - 1),), (PairTarget(code, label),)))
    return made


def cases(found: list[StancePair]) -> Cases:
    return Cases.of(Labelled(pair, "made", pair.text) for pair in found)


TRAIN = cases(pairs([("Peru", "PER"), ("Chad", "TCD"), ("Fiji", "FJI")]))
TEST = cases(pairs([("Kenya", "KEN"), ("Norway", "NOR")]))


def test_words_are_parted_and_states_masked() -> None:
    text = "Kenya called Mali’s envoy late, and Peru agreed."
    read = passage(StancePair("1", text, (Span(13, 30), Span(32, 40)), (PairTarget("MLI"),)))
    inside, outside = words_of(read, "MLI")
    assert inside == "thetarget s envoy late and otherstate".split()
    assert outside == "otherstate called agreed".split()
    assert words_of(read, "MLI", blind=True) == words_of(read, "PER", blind=True)


def test_majority_gives_every_row_the_shares_of_training() -> None:
    few = cases([*pairs([("Peru", "PER")]), *pairs([("Chad", "TCD")])[:3]])
    found = baselines(few, TEST)["majority"]
    assert found.tolist() == [pytest.approx([0.5, 0.25, 0.25])] * len(TEST)


@pytest.mark.parametrize("name", ["lexicon", "tf-idf", "target-blind tf-idf"])
def test_what_words_tell_is_learned_for_states_never_seen(name: str) -> None:
    found = baselines(TRAIN, TEST)[name]
    assert found.shape == (len(TEST), 3)
    assert np.allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == TEST.labels).mean() > 0.85


def test_only_the_target_blind_one_cannot_part_the_targets_of_a_statement() -> None:
    def opposed(names: list[tuple[str, str]]) -> Cases:
        return cases(
            [
                StancePair(
                    text,
                    text,
                    (Span(0, len(text)),),
                    (PairTarget(one, Label.SUPPORTIVE), PairTarget(two, Label.CRITICAL)),
                )
                for (first, one), (second, two) in zip(names, names[::-1], strict=True)
                for text in (f"Praise {first} and condemn {second}.", f"Help {first} and punish {second}.")
            ]
        )

    found = baselines(
        opposed([("Peru", "PER"), ("Chad", "TCD"), ("Fiji", "FJI"), ("Mali", "MLI")]),
        opposed([("Kenya", "KEN"), ("Norway", "NOR")]),
    )
    assert found["tf-idf"].argmax(axis=1).tolist() == [0, 2] * 4
    blind = found["target-blind tf-idf"]
    np.testing.assert_array_equal(blind[::2], blind[1::2])


def test_a_label_that_training_lacks_has_no_probability() -> None:
    two = cases([pair for pair in pairs([("Peru", "PER")]) if pair.targets[0].label is not Label.NEUTRAL])
    for found in baselines(two, TEST).values():
        assert set(found[:, 1]) == {0.0}


def test_one_label_is_nothing_to_learn_from() -> None:
    with pytest.raises(ValueError, match="more than one label"):
        baselines(cases(pairs([("Peru", "PER")])[:3]), TEST)
