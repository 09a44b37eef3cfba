"""Annotated articles: the reader of their format, and the score of what the pipeline finds in them.

The format (`training/corpus/articles/README.md`): articles separated by a line `=====`; head lines `# key: value`; a blank
line; the text, each statement's words marked `[[…]]n`; a blank line; one line a statement,
`## n | speaker | state or ? | direct, indirect or mixed | USA=- IRN=0` (or `-none-`).
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stancewire.eval.metrics import macro_f1
from stancewire.eval.speakers import same_speaker
from stancewire.schema import LABELS, Kind, Label, Span

if TYPE_CHECKING:
    from stancewire.pipeline import LabelledStatement, StancePipeline

OVERLAP = 0.5
"""Least intersection over union, in characters, at which a found statement matches an annotated one."""

SIGNS = {"+": Label.SUPPORTIVE, "0": Label.NEUTRAL, "-": Label.CRITICAL}

_MARK = re.compile(r"\[\[(.*?)\]\](\d+)", re.S)
_ROW = re.compile(r"## (\d+) \| (.+?) \| (\S+) \| (direct|indirect|mixed) \| (.+)")


@dataclasses.dataclass(frozen=True, slots=True)
class GoldStatement:
    """One annotated statement. `state` is None where the annotators put `?`."""

    spans: tuple[Span, ...]
    speaker: str
    state: str | None
    kind: Kind
    targets: dict[str, Label]


@dataclasses.dataclass(frozen=True, slots=True)
class GoldArticle:
    """An annotated article: the text without marks, and its statements in order of their number."""

    doc_id: str
    title: str
    text: str
    statements: tuple[GoldStatement, ...]


def read_articles(path: str | Path) -> Iterator[GoldArticle]:
    """Read a file of annotated articles.

    Raises:
        ValueError: for a block out of format, naming file, line and what was found there.
    """
    content = Path(path).read_text(encoding="utf-8")
    line = 1
    for block in re.split(r"(?m)^=====[ \t]*\n", content):
        if block.strip():
            yield _read_article(block, f"{path}:{line}")
        line += block.count("\n") + 1


def _read_article(block: str, where: str) -> GoldArticle:
    head: dict[str, str] = {}
    body: list[str] = []
    rows: dict[int, re.Match[str]] = {}
    for line in block.strip("\n").split("\n"):
        if row := _ROW.fullmatch(line.rstrip()):
            rows[int(row[1])] = row
        elif line.startswith("## "):
            raise ValueError(f"{where}: not a statement line: {line!r}")
        elif not body and (field := re.fullmatch(r"# (\w+): ?(.*)", line)):
            head[field[1]] = field[2]
        else:
            body.append(line)
    text, spans = _unmark("\n".join(body).strip("\n"))
    if set(spans) != set(rows):
        raise ValueError(f"{where}: marks and statement lines differ in numbers {sorted(set(spans) ^ set(rows))}")
    statements = []
    for n in sorted(rows):
        _, speaker, state, kind, pairs = rows[n].groups()
        targets = {}
        for pair in pairs.split():
            code, _, sign = pair.partition("=")
            if sign in SIGNS:
                targets[code] = SIGNS[sign]
            elif pair != "-none-":
                raise ValueError(f"{where}: statement {n}: {pair!r} is not CODE=+, CODE=0 or CODE=-")
        statements.append(GoldStatement(tuple(spans[n]), speaker, None if state == "?" else state, Kind(kind), targets))
    return GoldArticle(head.get("id", where), head.get("title", ""), text, tuple(statements))


def _unmark(marked: str) -> tuple[str, dict[int, list[Span]]]:
    """Take the `[[…]]n` marks out of a text; return the text and the spans of each number."""
    pieces: list[str] = []
    spans: dict[int, list[Span]] = {}
    length = position = 0
    for mark in _MARK.finditer(marked):
        before = marked[position : mark.start()]
        start = length + len(before)
        pieces += before, mark[1]
        length = start + len(mark[1])
        spans.setdefault(int(mark[2]), []).append(Span(start, length))
        position = mark.end()
    return "".join([*pieces, marked[position:]]), spans


def overlap(one: Iterable[Span], other: Iterable[Span]) -> float:
    """Intersection over union of the characters in two lists of spans, 0 to 1."""
    a = {place for span in one for place in range(span.start, span.end)}
    b = {place for span in other for place in range(span.start, span.end)}
    return len(a & b) / len(a | b) if a or b else 0.0


def match(gold: Sequence[GoldStatement], found: Sequence[LabelledStatement]) -> list[tuple[int, int]]:
    """Pair annotated with found statements one to one, the largest overlap first; indices into both, by gold."""
    overlaps = [
        (overlap(wanted.spans, got.statement.spans), i, j)
        for i, wanted in enumerate(gold)
        for j, got in enumerate(found)
        if wanted.spans[0].start < got.statement.end and got.statement.start < wanted.spans[-1].end
    ]
    pairs: dict[int, int] = {}
    for score, i, j in sorted(overlaps, key=lambda item: (-item[0], item[1], item[2])):
        if score >= OVERLAP and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return sorted(pairs.items())


def evaluate_articles(pipeline: StancePipeline, articles: Iterable[GoldArticle]) -> dict[str, Any]:
    """Measure every stage on annotated articles.

    Statements match at an overlap of `OVERLAP`; speakers and targets are scored on matched statements, stance on matched
    targets, so that each stage answers for its own errors only.

    Returns:
        The JSON document of `stancewire evaluate --articles`, all figures 0 to 1.
    """
    count: Counter[str] = Counter()
    labels: list[int] = []
    predicted: list[int] = []
    for article in articles:
        found = pipeline(article.text).statements
        matched = match(article.statements, found)
        count["gold"] += len(article.statements)
        count["found"] += len(found)
        count["matched"] += len(matched)
        for i, j in matched:
            wanted, got = article.statements[i], found[j]
            count["exact"] += wanted.spans == got.statement.spans
            count["speaker"] += same_speaker(wanted.speaker, got.speaker.name or "")
            count["state"] += wanted.state == got.speaker.state
            judged = {target.target.code: target.stance for target in got.targets}
            count["gold targets"] += len(wanted.targets)
            count["found targets"] += len(judged)
            for code in wanted.targets.keys() & judged.keys():
                count["matched targets"] += 1
                labels.append(LABELS.index(wanted.targets[code]))
                predicted.append(int(np.argmax(judged[code].probabilities)))
    return {
        "statements": _precision_recall(count["matched"], count["found"], count["gold"])
        | {"f1_exact": _f1(count["exact"], count["found"], count["gold"])},
        "speakers": {
            "accuracy": count["speaker"] / max(1, count["matched"]),
            "state_accuracy": count["state"] / max(1, count["matched"]),
        },
        "targets": _precision_recall(count["matched targets"], count["found targets"], count["gold targets"]),
        "stance": {
            "pairs": len(labels),
            "macro_f1": macro_f1(np.array(labels), np.array(predicted)) if labels else 0.0,
        },
    }


def _precision_recall(right: int, found: int, wanted: int) -> dict[str, float]:
    return {"precision": right / max(1, found), "recall": right / max(1, wanted), "f1": _f1(right, found, wanted)}


def _f1(right: int, found: int, wanted: int) -> float:
    return 2 * right / max(1, found + wanted)
