"""The shipped checkpoint: complete, small, and right where nobody would hesitate."""

from __future__ import annotations

import json

import pytest

from stancewire import Label, PairTarget, Span, StanceClassifier, StancePair, StancePipeline
from stancewire.eval.country_swap import measure_swap
from stancewire.models import checkpoint
from stancewire.training.corpus import Source


@pytest.fixture(scope="module")
def classifier() -> StanceClassifier:
    return StanceClassifier.from_pretrained(device="cpu")


def judged(classifier: StanceClassifier, text: str, statement: str, *targets: str) -> list[Label]:
    start = text.index(statement)
    pair = StancePair("1", text, (Span(start, start + len(statement)),), tuple(map(PairTarget, targets)))
    return classifier.predict([pair])[0]


def test_every_file_is_the_one_of_the_manifest() -> None:
    folder = checkpoint.default_checkpoint()
    digests = checkpoint.verify(folder)
    assert {path.name for path in folder.iterdir()} == {*digests, checkpoint.MANIFEST}
    assert (folder / "model.safetensors").stat().st_size < 50_000_000


def test_the_card_gives_the_figures_of_the_manifest() -> None:
    folder = checkpoint.default_checkpoint()
    made = json.loads((folder / checkpoint.MANIFEST).read_text(encoding="utf-8"))["made"]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"{name}: {score:.3f}" in card for name, score in made["dev"].items())


@pytest.mark.parametrize(
    ("text", "statement", "label"),
    [
        (
            "The minister said Kenya was a true friend and a great ally.",
            "Kenya was a true friend and a great ally",
            "supportive",
        ),
        ("The envoy thanked Peru for its generous help.", "thanked Peru for its generous help", "supportive"),
        ("The minister condemned Mali's brutal attack on the village.", "condemned Mali's brutal attack", "critical"),
        ("“Togo has lied to all of us,” the minister said.", "Togo has lied to all of us", "critical"),
        (
            "The ministry said the envoy would arrive in Ghana on Tuesday.",
            "the envoy would arrive in Ghana on Tuesday",
            "neutral",
        ),
    ],
)
def test_plain_statements_are_read_right(classifier: StanceClassifier, text: str, statement: str, label: str) -> None:
    (target,) = {word.rstrip(".'s") for word in statement.split()} & {"Kenya", "Peru", "Mali", "Togo", "Ghana"}
    code = {"Kenya": "KEN", "Peru": "PER", "Mali": "MLI", "Togo": "TGO", "Ghana": "GHA"}[target]
    assert judged(classifier, text, statement, code) == [label]


def test_two_targets_of_one_statement_are_told_apart(classifier: StanceClassifier) -> None:
    text = "“We thank Peru for its courage, and we condemn Chad for its lies,” the minister said."
    assert judged(classifier, text, text[1:66], "PER", "TCD") == [Label.SUPPORTIVE, Label.CRITICAL]


def test_swapping_countries_changes_no_bit(classifier: StanceClassifier) -> None:
    pairs, _ = Source("plain", "blocks", "g-plain.txt").read(None)
    measured = measure_swap(classifier, pairs, 40)
    assert (measured.passages, measured.labels_changed, measured.probabilities_changed) == (40, 0, 0)


def test_an_article_goes_in_and_labels_come_out() -> None:
    pipe = StancePipeline.from_pretrained(device="cpu")
    rows = pipe(
        "Kenya's foreign minister, Ann Odera, said on Monday that Mali had stolen the lorries and lied about it."
    ).rows()
    assert [(row["speaker"], row["speaker_state"], row["target"], row["stance"]) for row in rows] == [
        ("Ann Odera", "KEN", "MLI", "critical")
    ]
