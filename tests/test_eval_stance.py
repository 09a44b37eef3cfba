"""What is said of a classifier: its figures, the target-blind control, and statements whose targets disagree."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from stancewire import StanceClassifier
from stancewire.eval.cases import Cases, Labelled
from stancewire.eval.evaluation import CONTROL, Evaluation, evaluate
from stancewire.eval.stance import disagreement, predict, predict_merged, write_predictions
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import Label, Span

GOOD, PLAIN, BAD = Label.SUPPORTIVE, Label.NEUTRAL, Label.CRITICAL


def statement(name: str, text: str, *targets: PairTarget) -> Labelled:
    pair = StancePair(name, text, (Span(0, len(text)),), targets, speaker_state="FJI", tags=("plain",))
    return Labelled(pair, "made", name)


CASES = Cases.of(
    [
        statement("1", "Peru helped us, Chad robbed us.", PairTarget("PER", GOOD), PairTarget("TCD", BAD)),
        statement(
            "2", "Peru and Chad met in Mali.", PairTarget("PER", PLAIN), PairTarget("TCD", PLAIN), PairTarget("MLI")
        ),
        statement("3", "Peru robbed us, as Chad knows.", PairTarget("PER", BAD), PairTarget("TCD", PLAIN)),
    ]
)


@pytest.fixture(scope="module")
def classifier(tiny_checkpoint: Path) -> StanceClassifier:
    return StanceClassifier.from_pretrained(tiny_checkpoint, device="cpu")


@pytest.fixture(scope="module")
def evaluation(classifier: StanceClassifier) -> Evaluation:
    return evaluate(classifier, CASES, train=CASES, against=classifier, trained_on=["corpus"], unread=["un"])


def test_statements_with_all_targets_right_are_counted_where_targets_disagree() -> None:
    found = disagreement(CASES, np.eye(3)[[0, 2, 0, 0, 2, 2]])
    assert found is not None
    assert (found.statements, found.pairs, found.all_right, found.accuracy) == (2, 4, 0.5, 0.75)
    assert found.macro_f1 == pytest.approx((1 + 0 + 4 / 5) / 3)


def test_where_no_targets_disagree_there_is_nothing_to_say() -> None:
    alike = Cases.of([CASES.items[1]])
    assert disagreement(alike, np.eye(3)[[0, 1]]) is None


def test_with_all_states_merged_the_targets_of_a_statement_cannot_be_told_apart(classifier: StanceClassifier) -> None:
    apart = predict(classifier, CASES)
    merged = predict_merged(classifier, CASES)
    assert [rows.shape for rows in merged] == [rows.shape for rows in apart] == [(2, 3), (3, 3), (2, 3)]
    assert any(not np.array_equal(rows[0], rows[1]) for rows in apart)
    assert all(np.array_equal(rows, np.repeat(rows[:1], len(rows), axis=0)) for rows in merged)


def test_the_control_does_not_know_which_state_stands_where(classifier: StanceClassifier) -> None:
    def control(text: str) -> bytes:
        cases = Cases.of([statement("1", text, PairTarget("PER", GOOD), PairTarget("TCD", BAD))])
        return predict_merged(classifier, cases)[0].tobytes()

    assert control("Peru helped us, Chad robbed us.") == control("Chad helped us, Peru robbed us.")
    assert control("Peru helped us, Chad robbed us.") == control("Mali helped us, Mali robbed us.")


def test_the_document_has_every_figure_and_is_json(evaluation: Evaluation) -> None:
    document = json.loads(json.dumps(evaluation.document(), allow_nan=False))
    assert document["n"] == 6
    assert set(document["by"]) == {"source", "phenomenon", "region", "evidence"}
    assert document["by"]["source"]["made"]["macro_f1"] == document["macro_f1"]
    assert document["by"]["phenomenon"]["plain"]["n"] == 6
    assert document["by"]["region"]["Sub-Saharan Africa"]["n"] == 3
    assert document["by"]["evidence"] == {"named in the statement": document["by"]["source"]["made"]}
    assert document["disagreeing"]["statements"] == 2
    assert sum(part["n"] for part in document["reliability"]) == 6
    assert document["risk_coverage"]["risk"]["1.0"] == pytest.approx(1 - document["accuracy"])
    assert document["leakage"] == {"compared_with": ["corpus"], "not_compared": ["un"], "left_out": []}


def test_what_is_compared_is_measured_on_the_same_rows(evaluation: Evaluation, classifier: StanceClassifier) -> None:
    assert list(evaluation.contenders) == [
        CONTROL,
        "majority",
        "lexicon",
        "tf-idf",
        "target-blind tf-idf",
        classifier.name,
    ]
    for name, contender in evaluation.contenders.items():
        assert contender.report.n == 6
        ahead = evaluation.report.macro_f1 - contender.report.macro_f1
        assert contender.difference.difference == pytest.approx(ahead), name
    assert evaluation.contenders["majority"].report.f1["neutral"] == pytest.approx(2 / 3)
    itself = evaluation.contenders[classifier.name]
    assert itself.report == evaluation.report
    assert itself.difference.interval == (0.0, 0.0)


def test_the_worst_mistakes_are_the_surest_ones(evaluation: Evaluation) -> None:
    probabilities = np.array(
        [[0.9, 0.1, 0], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.9, 0.1, 0.0]]
    )
    assert dataclasses.replace(evaluation, probabilities=probabilities).worst() == [5, 3, 1]
    assert dataclasses.replace(evaluation, probabilities=probabilities).worst(most=1) == [5]


def test_predictions_are_written_for_targets_without_a_label_too(classifier: StanceClassifier, tmp_path: Path) -> None:
    write_predictions((item.pair for item in CASES.items), predict(classifier, CASES), tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(lines) == 7
    assert [line["id"] for line in lines if line["label"] is None] == ["2"]
    for line in lines:
        best = max(("supportive", "neutral", "critical"), key=lambda name: line[f"p_{name}"])
        assert line["predicted"] == best
