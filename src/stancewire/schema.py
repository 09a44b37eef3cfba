"""The nouns of stancewire: what every stage hands to the next. Imports nothing of ours.

Offsets everywhere are Unicode code points, end exclusive. Stages work in the coordinates of the repaired text
(`text.Document.text`); `pipeline` maps everything a user sees back to the text as given.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Label(StrEnum):
    """The stance of a speaker toward a target, as `docs/codebook.md` defines it."""

    SUPPORTIVE = "supportive"
    NEUTRAL = "neutral"
    CRITICAL = "critical"


LABELS: tuple[Label, ...] = (Label.SUPPORTIVE, Label.NEUTRAL, Label.CRITICAL)
"""The order of every probability row and of every confusion matrix."""


class Kind(StrEnum):
    """How a statement is reported: in quotation marks, in the reporter's words, or in both."""

    DIRECT = "direct"
    INDIRECT = "indirect"
    MIXED = "mixed"


class Evidence(StrEnum):
    """What ties a target to a statement."""

    NAMED = "named"
    DEMONYM = "demonym"
    SEAT = "seat"
    LEADER = "leader"
    PRONOUN = "pronoun"
    CONTEXT = "context"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch of text, `0 <= start <= end`.

    Raises:
        ValueError: for offsets that are negative or reversed.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"span {self.start}..{self.end}: offsets must satisfy 0 <= start <= end")

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, text: str) -> str:
        return text[self.start : self.end]

    def contains(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


@dataclasses.dataclass(frozen=True, slots=True)
class Article:
    """One text as it came in, with what its source says about it. `metadata` is carried through untouched."""

    text: str
    doc_id: str = ""
    source: str | None = None
    url: str | None = None
    title: str | None = None
    published: str | None = None
    lang: str | None = None
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Attribution:
    """The words that make a statement somebody's: the reporting cue ("said", "according to") and the noun phrase of the source.

    `source` is None where the words name nobody ("it was said that"), and for a quotation that only its neighbours attribute.
    """

    cue: Span
    source: Span | None


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """What one speaker is quoted or reported as saying. Quotation marks stay outside; `spans` are in order and disjoint.

    `rule` names the rule that found it. A quotation that goes on from the one before it, with no attribution of its own,
    has `attribution` None.
    """

    spans: tuple[Span, ...]
    kind: Kind
    attribution: Attribution | None
    rule: str

    @property
    def start(self) -> int:
        return self.spans[0].start

    @property
    def end(self) -> int:
        return self.spans[-1].end

    @property
    def hull(self) -> Span:
        """From the first word to the last, with whatever attribution stands between the pieces."""
        return Span(self.start, self.end)


@dataclasses.dataclass(frozen=True, slots=True)
class Mention:
    """A place in the text that refers to a state or body: its code, the kind of evidence, and the rule that resolved it."""

    span: Span
    code: str
    evidence: Evidence
    rule: str


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Somebody (or an institution) the article introduces: fullest name, office, state spoken for, every mention in order.

    `leads` is true where the office acts for the state, so that the name stands for the state as well ("Putin").
    """

    name: str
    office: str | None
    state: str | None
    mentions: tuple[Span, ...]
    leads: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Speaker:
    """Who a statement is attributed to, as the article gives it at its fullest. `span` is where the attribution names them."""

    name: str | None
    office: str | None
    state: str | None
    span: Span | None
    rule: str


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A state or body that a statement is about. `mention` is None where nothing in the passage names it."""

    code: str
    mention: Span | None
    evidence: Evidence
    rule: str


@dataclasses.dataclass(frozen=True, slots=True)
class Stance:
    """Calibrated probabilities of the three labels; `label` is None where `abstain` gives the reason.

    Shape of `probabilities`: (3,), in the order of `LABELS`, summing to one.
    """

    label: Label | None
    probabilities: tuple[float, float, float]
    abstain: str | None = None

    @property
    def score(self) -> float:
        """`p_supportive - p_critical`, from -1 (critical) to 1 (supportive)."""
        return self.probabilities[0] - self.probabilities[2]
