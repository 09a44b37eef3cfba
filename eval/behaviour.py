"""Behaviour: small written cases, each of which says what a right classifier does with it.

The idea is CheckList's (Ribeiro et al., "Beyond Accuracy", ACL 2020): a mean over a test set hides which abilities a model
lacks, so each ability gets cases of its own. Every case stands, readable, in `behaviour/*.txt`, one file a kind:

    # kind: role-swap
    # test: direction by label
    # what: the same words with the two states changed over change the labels over
    # goal: 0.97
    # source: written for this suite
    # format: speaker's state | each target with its right label | text with the [[statement]]; …

    KEN | MLI=- | Kenya's foreign ministry said [[it condemned Mali]].
    MLI | KEN=- | Mali's foreign ministry said [[it condemned Kenya]].

A line is the speaker's state (or `?`), the targets, and the text with the words of the statement between `[[ ]]`; `\\n` and
`\\u00a0` in it stand for characters that an eye would not see. Blank lines part blocks. What is a case depends on the test:

- minimum functionality: a line; it passes where every target has its label
- invariance: a line after the first of its block; it passes where its labels are those of the first, target by target
- direction by label: a block; it passes where every target of every line has its label
- direction by score: a block; it passes where p(supportive) - p(critical) of each target falls from line to line

Nothing is trained on the cases, and one is changed only where it contradicts `docs/codebook.md`, never because a model fails it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from stancewire.eval.articles import SIGNS
from stancewire.eval.bootstrap import DRAWS, interval
from stancewire.pairs import PairTarget, StancePair, short
from stancewire.schema import LABELS, Span

Floats = npt.NDArray[np.float64]

FOLDER = Path(__file__).parent / "behaviour"

TIE = 0.02
"""By how much a score may rise where it should fall: differences that no reader of the scores would act on."""

WORST = 5
"""Failures that the report of a kind shows."""

_FIELDS = ("kind", "test", "what", "goal", "source", "format")
_HEAD = re.compile(r"# (\w+): (.+)")
_MARKED = re.compile(r"\[\[(.+?)\]\]", re.S)
_TARGET = re.compile(r"([A-Z][A-Z0-9_]+)(?:=([-+0]))?")
_ESCAPE = re.compile(r"\\n|\\u([0-9a-f]{4})")
_SUPPORTIVE, _CRITICAL = 0, 2


class Check(StrEnum):
    """What passing means; the module's docstring defines each."""

    LABEL = "minimum functionality"
    SAME = "invariance"
    LABELS = "direction by label"
    FALLING = "direction by score"


Block = tuple[StancePair, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Behaviour:
    """One kind of cases.

    Attributes:
        goal: least share of cases that pass, 0 to 1.
        blocks: what is judged together; under minimum functionality each line is a block of its own. The id of a pair
            is the file and line it stands in.
    """

    kind: str
    test: Check
    what: str
    goal: float
    source: str
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """A case that failed.

    Attributes:
        where: file and line.
        text: the text with the statement between `[[ ]]`; of a block that failed, the line that failed by most.
        expected: by target: a label, or the sentence that the score should have obeyed.
        probabilities: by target: supportive, neutral, critical.
        by: how far from passing, for sorting: probability missing from the right label, or what a score rose.
    """

    where: str
    text: str
    expected: dict[str, str]
    probabilities: dict[str, tuple[float, float, float]]
    by: float


@dataclasses.dataclass(frozen=True, slots=True)
class KindReport:
    """How the cases of a kind went.

    Attributes:
        texts: lines in the file.
        cases: what is counted, see the module's docstring.
        rate: share of cases that passed, 0 to 1.
        interval: 95 % percentile interval of the rate over 2,000 bootstrap samples of the blocks (Efron & Tibshirani 1993).
            It has no width where all cases pass or none does; then the true rate may still be 3 / cases away.
        holds: whether the rate reaches the goal.
        worst: the failures furthest from passing, at most `WORST`.
    """

    test: str
    what: str
    texts: int
    cases: int
    failures: int
    rate: float
    interval: tuple[float, float]
    goal: float
    holds: bool
    worst: tuple[Failure, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class BehaviourReport:
    """All kinds. `held` counts those that reach their goal."""

    texts: int
    cases: int
    failures: int
    held: int
    kinds: dict[str, KindReport]


class Classifier(Protocol):
    """What is tested: `stance.StanceClassifier`, or anything that predicts like it."""

    def predict_proba(self, pairs: Iterable[StancePair]) -> Sequence[Floats]: ...


def shipped() -> list[Behaviour]:
    """The cases shipped with the package, by file name."""
    return [read_behaviour(path) for path in sorted(FOLDER.glob("*.txt"))]


def read_behaviour(path: str | Path) -> Behaviour:
    """Read one file of cases.

    Raises:
        ValueError: for what is out of format, naming file and line.
    """
    path = Path(path)
    head: dict[str, str] = {}
    blocks: list[list[tuple[int, str]]] = [[]]
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            field = _HEAD.fullmatch(line)
            if field is None or field[1] not in _FIELDS or field[1] in head or any(blocks):
                raise ValueError(f"{path}:{number}: expected one '# field: value' of each of {', '.join(_FIELDS)}")
            head[field[1]] = field[2]
        elif not line.strip():
            blocks.append([])
        else:
            blocks[-1].append((number, line))
    if missing := [name for name in _FIELDS if name not in head]:
        raise ValueError(f"{path}:1: the head has no {', '.join(missing)}")
    try:
        test, goal = Check(head["test"]), float(head["goal"])
    except ValueError as error:
        raise ValueError(f"{path}:1: {error}") from None
    if not 0 < goal <= 1:
        raise ValueError(f"{path}:1: goal {goal}: expected a share of cases above 0, at most 1")
    if not any(blocks):
        raise ValueError(f"{path}:1: no cases")
    if test is Check.LABEL:
        blocks = [[line] for block in blocks for line in block]
    return Behaviour(
        head["kind"], test, head["what"], goal, head["source"], tuple(_block(b, path, test) for b in blocks if b)
    )


def _block(lines: Sequence[tuple[int, str]], path: Path, test: Check) -> Block:
    pairs = tuple(_pair(line, path, number) for number, line in lines)
    where = f"{path}:{lines[0][0]}"
    if test is not Check.LABEL and len(pairs) < 2:
        raise ValueError(f"{where}: a block of one line; {test} compares lines of one block")
    signed = test in (Check.LABEL, Check.LABELS)
    if any((target.label is not None) is not signed for pair in pairs for target in pair.targets):
        raise ValueError(
            f"{where}: under {test} every target needs {'a sign' if signed else 'to stand without a sign'}"
        )
    if not signed and len({len(pair.targets) for pair in pairs}) > 1:
        raise ValueError(f"{where}: lines of one block differ in their number of targets")
    return pairs


def _pair(line: str, path: Path, number: int) -> StancePair:
    where = f"{path}:{number}"
    cells = [cell.strip() for cell in line.split(" | ", 2)]
    if len(cells) != 3:
        raise ValueError(f"{where}: expected 'speaker's state | targets | text', got {short(line)}")
    state, entries, marked = cells
    targets = []
    for entry in entries.split():
        target = _TARGET.fullmatch(entry)
        if target is None:
            raise ValueError(f"{where}: {entry!r} is not CODE, CODE=+, CODE=0 or CODE=-")
        targets.append(PairTarget(target[1], SIGNS[target[2]] if target[2] else None))
    if len({target.target for target in targets}) < max(1, len(targets)):
        raise ValueError(f"{where}: expected at least one target, and none twice; got {entries!r}")
    pieces = _MARKED.split(_ESCAPE.sub(lambda code: chr(int(code[1], 16)) if code[1] else "\n", marked))
    if len(pieces) == 1 or any("[[" in piece or "]]" in piece for piece in pieces):
        raise ValueError(f"{where}: expected the statement between [[ and ]], got {short(marked)}")
    text, statement = pieces[0], []
    for inside, after in zip(pieces[1::2], pieces[2::2], strict=True):
        statement.append(Span(len(text), len(text) + len(inside)))
        text += inside + after
    return StancePair(
        id=f"{path.name}:{number}",
        text=text,
        statement=tuple(statement),
        targets=tuple(targets),
        speaker_state=None if state == "?" else state,
    )


def measure_behaviour(classifier: Classifier, behaviours: Sequence[Behaviour]) -> BehaviourReport:
    """Put every case to a classifier, each text once."""
    pairs = [pair for behaviour in behaviours for block in behaviour.blocks for pair in block]
    predicted = iter(classifier.predict_proba(pairs))
    kinds = {
        behaviour.kind: _report(behaviour, [[next(predicted) for _ in block] for block in behaviour.blocks])
        for behaviour in behaviours
    }
    return BehaviourReport(
        texts=len(pairs),
        cases=sum(report.cases for report in kinds.values()),
        failures=sum(report.failures for report in kinds.values()),
        held=sum(report.holds for report in kinds.values()),
        kinds=kinds,
    )


def _report(behaviour: Behaviour, predicted: Sequence[Sequence[Floats]]) -> KindReport:
    judge = _JUDGES[behaviour.test]
    cases = [list(judge(block, rows)) for block, rows in zip(behaviour.blocks, predicted, strict=True)]
    failures = [failure for block in cases for failure in block if failure is not None]
    counts = np.array([(len(block), sum(failure is None for failure in block)) for block in cases])
    total, passed = (int(count) for count in counts.sum(axis=0))
    return KindReport(
        test=behaviour.test.value,
        what=behaviour.what,
        texts=sum(map(len, behaviour.blocks)),
        cases=total,
        failures=len(failures),
        rate=passed / total,
        interval=_interval(counts),
        goal=behaviour.goal,
        holds=passed / total >= behaviour.goal,
        worst=tuple(sorted(failures, key=lambda failure: -failure.by)[:WORST]),
    )


def _interval(counts: npt.NDArray[np.int_]) -> tuple[float, float]:
    """Bootstrap interval of a rate; blocks are drawn whole. *Shape of `counts`:* (blocks, 2), cases and passes."""
    draws = np.random.default_rng(0).integers(len(counts), size=(DRAWS, len(counts)))
    cases, passes = counts[draws].sum(axis=1).T
    return interval(passes / cases)


def _label_case(block: Block, predicted: Sequence[Floats]) -> Iterator[Failure | None]:
    """One case for the block: every target of every line has its label."""
    failures = []
    for pair, rows in zip(block, predicted, strict=True):
        wanted = [LABELS.index(target.label) for target in pair.targets if target.label is not None]
        if (rows.argmax(axis=1) != wanted).any():
            missing = 1 - rows[np.arange(len(wanted)), wanted]
            expected = [LABELS[label].value for label in wanted]
            failures.append(_failure(pair, rows, expected, float(missing.max())))
    yield max(failures, key=lambda failure: failure.by, default=None)


def _same_cases(block: Block, predicted: Sequence[Floats]) -> Iterator[Failure | None]:
    """A case for each line after the first: its labels are those of the first."""
    first = predicted[0]
    wanted = first.argmax(axis=1)
    for pair, rows in zip(block[1:], predicted[1:], strict=True):
        same = bool((rows.argmax(axis=1) == wanted).all())
        expected = [f"{LABELS[label]} as in {block[0].id}" for label in wanted]
        yield None if same else _failure(pair, rows, expected, float(np.abs(rows - first).max()))


def _falling_case(block: Block, predicted: Sequence[Floats]) -> Iterator[Failure | None]:
    """One case for the block: no score rises from one line to the next by more than `TIE`."""
    scores = np.array([rows[:, _SUPPORTIVE] - rows[:, _CRITICAL] for rows in predicted])
    rises = (scores[1:] - scores[:-1]).max(axis=1)
    worst = int(rises.argmax())
    if rises[worst] <= TIE:
        yield None
    else:
        expected = [f"at most the {score:+.2f} of {block[worst].id}" for score in scores[worst]]
        yield _failure(block[worst + 1], predicted[worst + 1], expected, float(rises[worst]))


_JUDGES = {
    Check.LABEL: _label_case,
    Check.SAME: _same_cases,
    Check.LABELS: _label_case,
    Check.FALLING: _falling_case,
}


def _failure(pair: StancePair, rows: Floats, expected: Sequence[str], by: float) -> Failure:
    codes = [target.target for target in pair.targets]
    supportive, neutral, critical = (np.round(column, 3).tolist() for column in rows.T)
    return Failure(
        where=pair.id,
        text=_marked(pair),
        expected=dict(zip(codes, expected, strict=True)),
        probabilities=dict(zip(codes, zip(supportive, neutral, critical, strict=True), strict=True)),
        by=round(by, 3),
    )


def _marked(pair: StancePair) -> str:
    pieces: list[str] = []
    position = 0
    for span in pair.statement:
        pieces += pair.text[position : span.start], "[[", span.of(pair.text), "]]"
        position = span.end
    return "".join([*pieces, pair.text[position:]])
