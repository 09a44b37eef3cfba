"""Behaviour cases: what the reader refuses, what passes under each test, and what the shipped files promise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from stancewire.cli import app
from stancewire.eval import behaviour as behaviour_module
from stancewire.eval.behaviour import WORST, Behaviour, KindReport, measure_behaviour, read_behaviour, shipped
from stancewire.pairs import StancePair
from stancewire.states import Gazetteer

CORPUS = Path(__file__).parent.parent / "training" / "corpus"
HEAD = "# kind: x\n# test: {test}\n# what: {what}\n# goal: 0.9\n# source: this test\n# format: rows\n\n"
ROWS = {"+": (0.8, 0.1, 0.1), "0": (0.1, 0.8, 0.1), "-": (0.1, 0.1, 0.8)}


class Stub:
    """Answers with the rows that a rule gives for the statement's words and the target."""

    def __init__(self, rule: Callable[[str, str], Sequence[float]]) -> None:
        self.rule = rule

    def predict_proba(self, pairs: Iterable[StancePair]) -> list[npt.NDArray[np.float64]]:
        return [
            np.array([self.rule(pair.statement[0].of(pair.text), target.target) for target in pair.targets])
            for pair in pairs
        ]


def cases(folder: Path, test: str, body: str) -> Behaviour:
    path = folder / "x.txt"
    path.write_text(HEAD.format(test=test, what="a kind") + body, encoding="utf-8")
    return read_behaviour(path)


def report(behaviour: Behaviour, rule: Callable[[str, str], Sequence[float]]) -> KindReport:
    return measure_behaviour(Stub(rule), [behaviour]).kinds["x"]


def test_a_line_becomes_a_pair_and_escapes_become_characters(tmp_path: Path) -> None:
    behaviour = cases(
        tmp_path,
        "minimum functionality",
        "KEN | MLI=- TCD=0 | Kenya said [[Mali\\nlied]], and [[not to\\u00a0Chad]].\n? | MLI=+ | [[Well done]]!\n",
    )
    (first,), (second,) = behaviour.blocks
    assert first.text == "Kenya said Mali\nlied, and not to\u00a0Chad."
    assert [span.of(first.text) for span in first.statement] == ["Mali\nlied", "not to\u00a0Chad"]
    assert [(target.target, target.label) for target in first.targets] == [("MLI", "critical"), ("TCD", "neutral")]
    assert (first.speaker_state, second.speaker_state) == ("KEN", None)
    assert (first.id, second.id) == ("x.txt:8", "x.txt:9")


@pytest.mark.parametrize(
    ("test", "body", "line", "complaint"),
    [
        ("minimum functionality", "KEN | MLI=-\n", 8, "speaker's state | targets | text"),
        ("minimum functionality", "KEN | MLI=- | Kenya blamed Mali.\n", 8, r"\[\["),
        ("minimum functionality", "KEN | MLI=- | Kenya [[blamed Mali.\n", 8, r"\[\["),
        ("minimum functionality", "KEN | MLI=- | [[a]]\nKEN | MLI:- | [[b]]\n", 9, "MLI:-"),
        ("minimum functionality", "KEN | MLI | [[a]]\n", 8, "sign"),
        ("minimum functionality", "KEN |  | [[a]]\n", 8, "at least one target"),
        ("minimum functionality", "KEN | MLI=- MLI=0 | [[a]]\n", 8, "none twice"),
        ("minimum functionality", "", 1, "no cases"),
        ("minimum functionality", "KEN | MLI=- | [[a]]\n# goal: 0.5\n", 9, "# field: value"),
        ("invariance", "KEN | MLI=- | [[a]]\nKEN | MLI=- | [[b]]\n", 8, "without a sign"),
        ("invariance", "KEN | MLI | [[a]]\nKEN | MLI TCD | [[b]]\n", 8, "number of targets"),
        ("direction by score", "KEN | MLI | [[a]]\n\nKEN | MLI | [[b]]\n", 8, "a block of one line"),
        ("guessing", "KEN | MLI=- | [[a]]\n", 1, "guessing"),
    ],
)
def test_a_malformed_case_is_refused_by_file_and_line(
    tmp_path: Path, test: str, body: str, line: int, complaint: str
) -> None:
    with pytest.raises(ValueError, match=f"x\\.txt:{line}: .*{complaint}"):
        cases(tmp_path, test, body)


@pytest.mark.parametrize("goal", ["0", "1.5", "high"])
def test_a_goal_is_a_share(tmp_path: Path, goal: str) -> None:
    path = tmp_path / "x.txt"
    head = HEAD.format(test="invariance", what="y").replace("0.9", goal)
    path.write_text(head + "KEN | MLI | [[a]]\nKEN | MLI | [[b]]\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.txt:1: "):
        read_behaviour(path)


def test_a_head_tells_everything(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("# kind: x\n# test: invariance\n\nKEN | MLI | [[a]]\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no what, goal, source, format"):
        read_behaviour(path)


def test_minimum_functionality_wants_every_target_of_a_line_right(tmp_path: Path) -> None:
    body = "KEN | MLI=- TCD=0 | [[one]]\nKEN | MLI=- TCD=0 | [[two]]\n"
    behaviour = cases(tmp_path, "minimum functionality", body)
    right = {"MLI": "-", "TCD": "0"}
    passed = report(behaviour, lambda words, target: ROWS[right[target]])
    assert (passed.cases, passed.failures, passed.rate, passed.holds) == (2, 0, 1.0, True)
    assert passed.worst == ()

    failed = report(behaviour, lambda words, target: ROWS["-" if words == "two" else right[target]])
    assert (failed.cases, failed.failures, failed.rate, failed.holds) == (2, 1, 0.5, False)
    (failure,) = failed.worst
    assert (failure.where, failure.text) == ("x.txt:9", "[[two]]")
    assert failure.expected == {"MLI": "critical", "TCD": "neutral"}
    assert failure.probabilities["TCD"] == ROWS["-"]
    assert failure.by == pytest.approx(0.9)


def test_invariance_compares_each_variant_with_the_first_by_place_whatever_the_label(tmp_path: Path) -> None:
    body = "KEN | MLI TCD | [[a]]\nPER | BOL CHL | [[a]]\nPER | CHL BOL | [[b]]\n"
    behaviour = cases(tmp_path, "invariance", body)
    by_place = {"MLI": "-", "BOL": "-", "TCD": "+", "CHL": "+"}
    mixed = report(behaviour, lambda words, target: ROWS[by_place[target]])
    assert (mixed.texts, mixed.cases, mixed.failures) == (3, 2, 1)
    assert mixed.worst[0].where == "x.txt:10"
    assert mixed.worst[0].expected == {"CHL": "critical as in x.txt:8", "BOL": "supportive as in x.txt:8"}
    assert report(behaviour, lambda words, target: ROWS["0"]).failures == 0


def test_direction_by_label_wants_every_line_of_a_block(tmp_path: Path) -> None:
    body = "KEN | MLI=- | [[Mali]]\nMLI | KEN=- | [[Kenya]]\n\nPER | CHL=+ | [[Chile]]\nCHL | PER=+ | [[Peru]]\n"
    behaviour = cases(tmp_path, "direction by label", body)
    signs = {"MLI": "-", "KEN": "-", "CHL": "+", "PER": "+"}
    passed = report(behaviour, lambda words, target: ROWS[signs[target]])
    assert (passed.texts, passed.cases, passed.failures) == (4, 2, 0)
    failed = report(behaviour, lambda words, target: ROWS["0" if target == "KEN" else signs[target]])
    assert (failed.cases, failed.failures) == (2, 1)
    assert failed.worst[0].where == "x.txt:9"


@pytest.mark.parametrize(
    ("scores", "passes"),
    [((0.3, 0.0, -0.6), True), ((0.3, 0.315, -0.6), True), ((0.3, 0.0, 0.05), False), ((-0.6, 0.0, 0.3), False)],
)
def test_direction_by_score_lets_no_score_rise_beyond_a_tie(
    tmp_path: Path, scores: tuple[float, ...], passes: bool
) -> None:
    behaviour = cases(tmp_path, "direction by score", "KEN | MLI | [[0]]\nKEN | MLI | [[1]]\nKEN | MLI | [[2]]\n")
    measured = report(
        behaviour, lambda words, target: (0.4 + scores[int(words)] / 2, 0.2, 0.4 - scores[int(words)] / 2)
    )
    assert measured.cases == 1
    assert measured.holds is passes


def test_the_worst_failures_come_first_and_are_few(tmp_path: Path) -> None:
    count = WORST + 4
    body = "".join(f"KEN | MLI=- | [[{number}]]\n" for number in range(count))

    def rule(words: str, target: str) -> tuple[float, float, float]:
        critical = 0.3 * int(words) / count
        return (1 - critical) / 2 + 0.01, (1 - critical) / 2 - 0.01, critical

    measured = report(cases(tmp_path, "minimum functionality", body), rule)
    assert measured.failures == count
    assert [failure.text for failure in measured.worst] == [f"[[{number}]]" for number in range(WORST)]


def test_the_interval_draws_blocks_whole(tmp_path: Path) -> None:
    """Variants of one text stand or fall together, so they widen the interval as one case would."""
    lines = "KEN | MLI=- | [[{0}]]\n"
    single = cases(tmp_path, "minimum functionality", "".join(lines.format(n) for n in range(20)))
    block = "KEN | MLI | [[first]]\n" + "KEN | MLI | [[{0}]]\n" * 5
    blocks = cases(tmp_path, "invariance", "\n".join(block.format(n) for n in range(20)))

    def rule(words: str, target: str) -> tuple[float, float, float]:
        return ROWS["-" if words == "first" or int(words) % 2 else "0"]

    alone, together = report(single, rule), report(blocks, rule)
    assert alone.rate == together.rate == 0.5
    assert together.cases == 5 * alone.cases
    assert together.interval == alone.interval
    assert 0 < alone.interval[0] < 0.5 < alone.interval[1] < 1


def test_a_report_sums_its_kinds() -> None:
    kinds = shipped()
    whole = measure_behaviour(Stub(lambda words, target: ROWS["0"]), kinds)
    assert set(whole.kinds) == {kind.kind for kind in kinds}
    assert whole.cases == sum(kind.cases for kind in whole.kinds.values()) >= 1500
    assert whole.kinds["business-as-usual"].rate == whole.kinds["country-swap"].rate == 1.0
    assert whole.kinds["direct-critical"].rate == 0.0


def test_the_shipped_files_hold_what_is_promised() -> None:
    kinds = shipped()
    assert len(kinds) >= 20
    assert len({kind.kind for kind in kinds}) == len(kinds)
    assert all(len(kind.blocks) >= 40 for kind in kinds)
    for kind in kinds:
        texts = [pair.text for block in kind.blocks for pair in block]
        assert len(set(texts)) == len(texts), kind.kind


def test_every_target_is_a_state_the_gazetteer_knows() -> None:
    targets = {target.target for pair in pairs() for target in pair.targets}
    speakers = {pair.speaker_state for pair in pairs()} - {None}
    assert (targets | speakers) - Gazetteer.default().codes == set()


def test_no_case_is_in_the_training_text() -> None:
    """Eight words in a row in common make a near-copy."""
    files = [*CORPUS.glob("*.txt"), *CORPUS.glob("articles/*.txt")]
    assert len(files) > 10
    seen = {gram for path in files for gram in grams(path.read_text(encoding="utf-8"))}
    assert {pair.id for pair in pairs() if not seen.isdisjoint(grams(pair.text))} == set()


def test_the_command_prints_one_document(
    tmp_path: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases(tmp_path, "minimum functionality", "KEN | MLI=- | Kenya said [[Mali lied]].\n")
    monkeypatch.setattr(behaviour_module, "FOLDER", tmp_path)
    result = CliRunner().invoke(app, ["evaluate", str(tiny_checkpoint), "--behaviour"])
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["texts"], document["cases"]) == (1, 1)
    assert {"test", "what", "texts", "cases", "failures", "rate", "interval", "goal", "holds", "worst"} == set(
        document["kinds"]["x"]
    )


def test_the_command_measures_one_thing_at_a_time(tiny_checkpoint: Path) -> None:
    words = ["evaluate", str(tiny_checkpoint), "--behaviour", "--country-swap", "2"]
    assert CliRunner().invoke(app, words).exit_code == 2


def pairs() -> Iterator[StancePair]:
    return (pair for kind in shipped() for block in kind.blocks for pair in block)


def grams(text: str, length: int = 8) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", re.sub(r"\[\[|\]\]\d*", "", text).casefold())
    return zip(*(words[start:] for start in range(length)), strict=False)
