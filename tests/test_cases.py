"""What is measured: rows of targets, what they are grouped by, and the groups figures are given for."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from stancewire.eval.cases import Cases, Labelled, evidence
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import Label, Span
from stancewire.stance import passage

DATA = Path(__file__).parent.parent / "src" / "stancewire" / "data"

TEXT = "A boat left Chad. Kenya said Mali had stolen it, and that the thief was known."


def pair(number: str, *targets: PairTarget, tags: tuple[str, ...] = (), text: str = TEXT) -> StancePair:
    start = text.index("Mali") if "Mali" in text else 0
    return StancePair(number, text, (Span(start, len(text) - 1),), targets, tags=tags)


CASES = Cases.of(
    [
        Labelled(
            pair(
                "1",
                PairTarget("MLI", Label.CRITICAL),
                PairTarget("TCD"),
                PairTarget("TCD-2", Label.NEUTRAL),
                tags=("irony",),
            ),
            "wire",
            "article 1",
        ),
        Labelled(pair("2", PairTarget("PER", Label.CRITICAL), tags=("irony", "concern")), "wire", "article 1"),
        Labelled(pair("3", text="They met."), "wire", "article 2"),
        Labelled(
            pair("4", PairTarget("NATO", Label.SUPPORTIVE), PairTarget("TCD", Label.SUPPORTIVE)), "speech", "article 1"
        ),
    ]
)


def test_a_row_is_a_target_with_a_label() -> None:
    assert [CASES.target(row).target for row in range(len(CASES))] == ["MLI", "TCD-2", "PER", "NATO", "TCD"]
    assert CASES.labels.tolist() == [2, 1, 2, 0, 0]
    assert CASES.statements.tolist() == [0, 0, 1, 2, 2]


def test_rows_of_one_article_are_one_group_and_files_do_not_share_groups() -> None:
    assert CASES.groups.tolist() == [0, 0, 0, 1, 1]


def test_the_rows_are_found_again_among_all_targets() -> None:
    judged = [np.array([[1.0, 0, 0], [9, 9, 9], [0, 1, 0]]), np.array([[0, 0, 1.0]]), np.eye(3)[:2]]
    assert CASES.rows_of(judged).argmax(axis=1).tolist() == [0, 1, 2, 0, 1]


def test_targets_disagree_where_their_labels_differ() -> None:
    assert CASES.disagreeing().tolist() == [True, True, False, False, False]


def test_every_facet_has_the_rows_it_names() -> None:
    facets = {kind: {name: rows.tolist() for name, rows in of.items()} for kind, of in CASES.facets().items()}
    assert facets["source"] == {"wire": [0, 1, 2], "speech": [3, 4]}
    assert facets["phenomenon"] == {"irony": [0, 1, 2], "concern": [2]}
    assert facets["region"] == {
        "Sub-Saharan Africa": [0, 4],
        "Latin America and the Caribbean": [2],
        "international bodies": [3],
    }
    assert facets["evidence"] == {"not named": [1, 2, 3], "named beside it": [4], "named in the statement": [0]}


def test_evidence_tells_where_a_target_is_named() -> None:
    read = passage(pair("1", PairTarget("MLI"), PairTarget("TCD"), PairTarget("PER")))
    assert [evidence(read, code) for code in ("MLI", "TCD", "PER")] == [
        "named in the statement",
        "named beside it",
        "not named",
    ]


def test_no_labels_are_an_error() -> None:
    with pytest.raises(ValueError, match="no labelled pairs"):
        Cases.of([Labelled(pair("1", PairTarget("MLI")), "wire", "1")])


def test_every_state_has_one_region() -> None:
    def codes(name: str) -> list[str]:
        with open(DATA / name, encoding="utf-8") as file:
            return [row[0] for row in csv.reader((line for line in file if line[0] != "#"), delimiter="\t")][1:]

    assert codes("regions.tsv") == codes("states.tsv")
