"""Everything `stancewire evaluate --data` says of a model, from labelled statements to one document."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stancewire.eval.baselines import baselines
from stancewire.eval.cases import Cases, Floats
from stancewire.eval.compare import Difference, paired_bootstrap
from stancewire.eval.confidence import RiskCoverage, risk_coverage
from stancewire.eval.metrics import StanceReport
from stancewire.eval.stance import Disagreement, disagreement, predict, predict_merged, report_of
from stancewire.models.calibration import Bin, reliability
from stancewire.stance import StanceClassifier

CONTROL = "the model, all states merged"
"""What figures call the target-blind control."""

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of the rows for which the document tells the risk."""


@dataclasses.dataclass(frozen=True, slots=True)
class Contender:
    """What a model is compared with, on the same rows: `difference` is how far the model lies ahead of it."""

    report: StanceReport
    difference: Difference
    disagreement: Disagreement | None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A model measured on labelled statements.

    Attributes:
        model: its name.
        judged: its probabilities for all targets of every statement. *Shape:* (targets, 3) each.
        probabilities: of the rows of `cases`. *Shape:* (rows, 3).
        facets: figures by kind of facet (source, phenomenon, region, evidence) and facet.
        contenders: by name: the control, baselines, another model.
        trained_on: names of the training sources that the data were compared with, and found free of.
        unread: names of those that could not be compared.
        left_out: ids of statements that were to be measured, but were found in training text.
    """

    model: str
    cases: Cases
    judged: Sequence[Floats]
    probabilities: Floats
    report: StanceReport
    facets: Mapping[str, Mapping[str, StanceReport]]
    bins: Sequence[Bin]
    curve: RiskCoverage
    disagreement: Disagreement | None
    contenders: Mapping[str, Contender]
    trained_on: Sequence[str] = ()
    unread: Sequence[str] = ()
    left_out: Sequence[str] = ()

    def worst(self, most: int = 20) -> list[int]:
        """The rows that are wrong with the highest probability, the worst first."""
        wrong = np.flatnonzero(self.probabilities.argmax(axis=1) != self.cases.labels)
        confidence = self.probabilities[wrong].max(axis=1)
        return [int(row) for row in wrong[np.argsort(-confidence, kind="stable")][:most]]

    def document(self) -> dict[str, Any]:
        """What is printed as JSON (`docs/formats.md`)."""
        return dataclasses.asdict(self.report) | {
            "model": self.model,
            "by": {
                kind: {name: _brief(report) for name, report in reports.items()}
                for kind, reports in self.facets.items()
            },
            "reliability": [dataclasses.asdict(part) for part in self.bins],
            "risk_coverage": {
                "area": self.curve.area,
                "risk": {str(coverage): self.curve.at(coverage) for coverage in COVERAGES},
            },
            "disagreeing": _fields(self.disagreement),
            "compared": {
                name: {
                    **_brief(contender.report),
                    **dataclasses.asdict(contender.difference),
                    "disagreeing": _fields(contender.disagreement),
                }
                for name, contender in self.contenders.items()
            },
            "leakage": {
                "compared_with": list(self.trained_on),
                "not_compared": list(self.unread),
                "left_out": list(self.left_out),
            },
        }


def evaluate(
    classifier: StanceClassifier,
    cases: Cases,
    *,
    train: Cases | None = None,
    against: StanceClassifier | None = None,
    trained_on: Sequence[str] = (),
    unread: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> Evaluation:
    """Measure a classifier.

    Args:
        train: labelled text to train the baselines on; without it there are none.
        against: another classifier to compare with.
        trained_on: see `Evaluation`, as `unread` and `left_out`.

    Raises:
        ValueError: for training text with one label only.
    """
    judged = predict(classifier, cases)
    probabilities = cases.rows_of(judged)
    others = {CONTROL: cases.rows_of(predict_merged(classifier, cases))}
    if train is not None:
        others |= baselines(train, cases)
    if against is not None:
        others[against.name] = cases.rows_of(predict(against, cases))
    return Evaluation(
        model=classifier.name,
        cases=cases,
        judged=judged,
        probabilities=probabilities,
        report=report_of(cases, probabilities),
        facets={
            kind: {name: report_of(cases, probabilities, rows) for name, rows in facets.items()}
            for kind, facets in cases.facets().items()
        },
        bins=reliability(probabilities, cases.labels),
        curve=risk_coverage(probabilities, cases.labels),
        disagreement=disagreement(cases, probabilities),
        contenders={name: _contender(cases, probabilities, other) for name, other in others.items()},
        trained_on=trained_on,
        unread=unread,
        left_out=left_out,
    )


def _contender(cases: Cases, ours: Floats, theirs: Floats) -> Contender:
    return Contender(
        report=report_of(cases, theirs),
        difference=paired_bootstrap(cases.labels, ours.argmax(axis=1), theirs.argmax(axis=1), cases.groups),
        disagreement=disagreement(cases, theirs),
    )


def _brief(report: StanceReport) -> dict[str, Any]:
    fields = dataclasses.asdict(report)
    return {name: fields[name] for name in ("n", "macro_f1", "macro_f1_interval", "f1", "accuracy", "ece")}


def _fields(found: Disagreement | None) -> dict[str, Any] | None:
    return None if found is None else dataclasses.asdict(found)
