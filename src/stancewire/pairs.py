"""Stance pairs: the exchange format of training and evaluation, and its JSONL.

One JSON object a line (`docs/formats.md`):

    {"id", "text", "statement": [[start, end], …], "speaker"?, "speaker_state"?, "weight"?: 1.0, "tags"?: ["irony"],
     "targets": [{"target": "IRN", "label": "critical", "mentions"?: [[start, end], …], "addressed"?: true}]}

`target` is a state code or, with `mentions` given, any name of any entity. `label` may be left out where only a
prediction is wanted.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from stancewire.schema import Label, Span

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclasses.dataclass(frozen=True, slots=True)
class PairTarget:
    """One target of a statement.

    `mentions` None: the gazetteer finds them; empty: the target is implied. `addressed` tells whether the statement is
    about the target at all, where annotators said so; only training and its figures look at it.
    """

    target: str
    label: Label | None = None
    mentions: tuple[Span, ...] | None = None
    addressed: bool | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class StancePair:
    """A statement in its text with every target to be judged.

    `weight` scales its loss in training; `tags` say what makes it hard ("irony"), and figures are given for each.
    """

    id: str
    text: str
    statement: tuple[Span, ...]
    targets: tuple[PairTarget, ...]
    speaker: str | None = None
    speaker_state: str | None = None
    weight: float = 1.0
    tags: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> StancePair:
        """Build a pair from one JSON object.

        Raises:
            ValueError: for a field that is missing or malformed, naming the field and what it held.
        """
        text = record.get("text")
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"field 'text': expected a non-empty string, got {short(text)}")
        statement = _spans(record.get("statement"), "statement", text)
        if not statement:
            raise ValueError("field 'statement': expected at least one [start, end], got []")
        targets = record.get("targets")
        if not isinstance(targets, list) or not targets:
            raise ValueError(f"field 'targets': expected a non-empty list of objects, got {short(targets)}")
        for name in ("speaker", "speaker_state"):
            if not isinstance(record.get(name), str | None):
                raise ValueError(f"field '{name}': expected a string or null, got {short(record[name])}")
        weight = record.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= sys.float_info.max:
            raise ValueError(f"field 'weight': expected a positive number, got {short(weight)}")
        tags = record.get("tags") or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise ValueError(f"field 'tags': expected a list of strings, got {short(tags)}")
        for name, value in (("id", pair_id := str(record.get("id", ""))), ("text", text)):
            if half := _SURROGATE.search(value):
                raise ValueError(f"field '{name}': {half[0]!r} is half a surrogate pair and no character")
        return cls(
            id=pair_id,
            text=text,
            statement=statement,
            targets=tuple(_target(target, text) for target in targets),
            speaker=record.get("speaker"),
            speaker_state=record.get("speaker_state"),
            weight=float(weight),
            tags=tuple(tags),
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON object that `from_dict` reads back."""
        record: dict[str, Any] = {"id": self.id, "text": self.text, "statement": _lists(self.statement)}
        if self.speaker is not None:
            record["speaker"] = self.speaker
        if self.speaker_state is not None:
            record["speaker_state"] = self.speaker_state
        if self.weight != 1.0:
            record["weight"] = self.weight
        if self.tags:
            record["tags"] = list(self.tags)
        record["targets"] = []
        for target in self.targets:
            entry: dict[str, Any] = {"target": target.target}
            if target.label is not None:
                entry["label"] = target.label.value
            if target.mentions is not None:
                entry["mentions"] = _lists(target.mentions)
            if target.addressed is not None:
                entry["addressed"] = target.addressed
            record["targets"].append(entry)
        return record


def read_pairs(path: str | Path) -> Iterator[StancePair]:
    """Read stance pairs from a JSONL file, one at a time.

    Raises:
        ValueError: for a line out of format, naming file, line and field.
    """
    with open(path, encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError(f"expected a JSON object, got {short(record)}")
                yield StancePair.from_dict(record)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{path}:{number}: {error}") from None


def write_pairs(pairs: Iterable[StancePair], path: str | Path) -> int:
    """Write stance pairs as JSONL; return how many."""
    count = 0
    with open(path, "w", encoding="utf-8") as out:
        for pair in pairs:
            out.write(json.dumps(pair.to_dict(), ensure_ascii=False) + "\n")
            count += 1
    return count


def _target(entry: Any, text: str) -> PairTarget:
    if not isinstance(entry, dict) or not isinstance(entry.get("target"), str) or not entry["target"]:
        raise ValueError(f"field 'targets': expected objects with a string 'target', got {short(entry)}")
    label = entry.get("label")
    if label is not None:
        try:
            label = Label(label)
        except ValueError:
            accepted = ", ".join(Label)
            raise ValueError(f"field 'label': expected one of {accepted}, got {short(label)}") from None
    mentions, addressed = entry.get("mentions"), entry.get("addressed")
    if not isinstance(addressed, bool | None):
        raise ValueError(f"field 'addressed': expected true, false or null, got {short(addressed)}")
    spans = None if mentions is None else _spans(mentions, "mentions", text)
    return PairTarget(entry["target"], label, spans, addressed)


def _spans(value: Any, field: str, text: str) -> tuple[Span, ...]:
    if not isinstance(value, list):
        raise ValueError(f"field '{field}': expected a list of [start, end], got {short(value)}")
    spans = []
    for item in value:
        if not isinstance(item, list | tuple) or len(item) != 2 or not all(type(offset) is int for offset in item):
            raise ValueError(f"field '{field}': expected [start, end] in whole numbers, got {short(item)}")
        start, end = item
        if not 0 <= start < end <= len(text):
            raise ValueError(f"field '{field}': [{start}, {end}] does not lie in the text of {len(text)} characters")
        spans.append(Span(start, end))
    spans.sort()
    if any(after.start < before.end for before, after in itertools.pairwise(spans)):
        raise ValueError(f"field '{field}': spans overlap: {short(value)}")
    return tuple(spans)


def _lists(spans: Iterable[Span]) -> list[list[int]]:
    return [[span.start, span.end] for span in spans]


def short(value: Any) -> str:
    """A value as errors show it."""
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "…"
