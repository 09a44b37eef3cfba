"""Annotated articles: the reader of their format, and the score of what the pipeline finds in them.

The format (`training/corpus/articles/README.md`): articles separated by a line `=====`; head lines `# key: value`; a blank
line; the text, each statement's words marked `[[…]]n`; a blank line; one line a statement,
`## n | speaker | state or ? | direct, indirect or mixed | USA=- IRN=0` (or `-none-`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from stancewire.schema import Kind, Label, Span

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
    head, body, rows = {}, [], {}
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
