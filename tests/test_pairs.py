"""The exchange format: what goes out comes back, and what is malformed is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stancewire.pairs import PairTarget, StancePair, read_pairs, write_pairs
from stancewire.schema import Label, Span

GOOD: dict[str, Any] = {
    "id": "a",
    "text": "Chad left.",
    "statement": [[0, 9]],
    "targets": [{"target": "TCD", "label": "critical", "mentions": [[0, 4]]}],
}


def test_pairs_come_back_from_disk(tmp_path: Path) -> None:
    pairs = [
        StancePair(
            "a", "Chad left.", (Span(0, 9),), (PairTarget("TCD", Label.CRITICAL, (Span(0, 4),)),), "the envoy", "KEN"
        ),
        StancePair("b", "So.", (Span(0, 2),), (PairTarget("KEN"), PairTarget("TCD", None, ())), weight=0.25),
        StancePair("c", "So.", (Span(0, 2),), (PairTarget("KEN", None, ()),), tags=("irony", "negation")),
    ]
    assert write_pairs(pairs, tmp_path / "pairs.jsonl") == 3
    assert list(read_pairs(tmp_path / "pairs.jsonl")) == pairs


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"text": ""}, "'text'"),
        ({"text": None}, "'text'"),
        ({"statement": []}, "'statement'"),
        ({"statement": [[0, 99]]}, r"\[0, 99\] does not lie in the text of 10 characters"),
        ({"statement": [[4, 4]]}, r"\[4, 4\]"),
        ({"statement": [[0, 5], [3, 9]]}, "overlap"),
        ({"statement": [[0.0, 5]]}, "whole numbers"),
        ({"targets": []}, "'targets'"),
        ({"targets": [{}]}, "'targets'"),
        ({"targets": [{"target": "TCD", "label": "negative"}]}, "supportive, neutral, critical, got 'negative'"),
        ({"targets": [{"target": "TCD", "mentions": [[8, 12]]}]}, "'mentions'"),
        ({"speaker_state": 7}, "'speaker_state'"),
        ({"weight": 0}, "'weight': expected a positive number, got 0"),
        ({"weight": "2"}, "'weight': expected a positive number, got '2'"),
        ({"weight": True}, "'weight': expected a positive number, got True"),
        ({"weight": float("inf")}, "'weight': expected a positive number, got inf"),
        ({"tags": "irony"}, "'tags': expected a list of strings, got 'irony'"),
        ({"text": "Chad \ud83d left."}, "'text': .* is half a surrogate pair"),
        ({"id": "\udc00"}, "'id': .* is half a surrogate pair"),
    ],
)
def test_a_malformed_field_is_named_with_file_and_line(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(GOOD) + "\n\n" + json.dumps(GOOD | change) + "\n")
    with pytest.raises(ValueError, match=complaint) as error:
        list(read_pairs(path))
    assert str(error.value).startswith(f"{path}:3: ")


@pytest.mark.parametrize("line", ["{", "[]", "7", "[" * 100_000])
def test_a_line_that_is_no_object_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(line)
    with pytest.raises(ValueError, match=":1: "):
        list(read_pairs(path))
