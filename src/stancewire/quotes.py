"""Finds every statement of an article: what somebody is quoted or reported as saying.

The algorithm, in one pass over the text:

1. pair the quotation marks (`quotation_marks`) and mask what stands between them;
2. read it unit by unit, a unit being a sentence with the quotations that straddle its ends (`units`);
3. a turn of a transcript is a statement as a whole (`transcripts`);
4. a sentence of free indirect speech goes on with the statement before it (`free_speech`);
5. elsewhere the reporting cues take the words around them (`reported`), and what is quoted and nobody's goes on from
   the statement before, is a statement of its own, or is a term or title and none.

Rules instead of a parser: no model to load, and more than a megabyte of news a second on one core.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from stancewire import free_speech
from stancewire.clauses import QUOTED
from stancewire.quotation_marks import Quotation, find_quotations
from stancewire.reported import Report, find_reports
from stancewire.schema import Attribution, Kind, Span, Statement
from stancewire.text import Document
from stancewire.transcripts import Turn, find_turns
from stancewire.units import find_units

_FEWEST_WORDS = 5  # of a quotation that nothing attributes: shorter ones are terms more often than statements
_MOST_CAPITALS = 0.6  # share of capitalised words above which a quotation that nothing attributes is a title
_EDGES = " \t\n,;:—–-"
_FINAL = ",."  # the comma or full stop before a closing mark belongs to the sentence around it, not to the words said
_CLOSED_BY_ATTRIBUTION = frozenset(("after", "inverted", "according-first"))
_CONNECTIVE = re.compile(r"(?:and|but|that|or|also|then|while|,|;|\s)*", re.I)
_AND_THAT = re.compile(r",? (?:and|but) that (?=\w)")
_DATELINE = re.compile(
    r"""\*{0,2}\d{1,2}[:.]\d\d(?:\ ?[ap]\.?m\.?)?(?:\ [A-Z]{2,4})?\*{0,2}\s*(?:--|—|–|-|\.|:)?\s+         # 09:10 –
    |(?:[A-ZÀ-Þ][\w’'.]*[A-ZÀ-Þ.][A-ZÀ-Þ’'.]*|[A-Z]\w+(?=[/ ,(]))[^\n“"‘«„]{0,60}?                      # PARIS, May 3
     (?:\([^()\n]{1,30}\))?\s*(?:--|—|–|\s-)\s+                                                         # (Agency) -
    |[A-Z]{3,}[A-Z /]*:\ (?=[A-Z])                                                                      # PARIS:
    """,
    re.X,
)


@dataclasses.dataclass(slots=True)
class _Draft:
    """A statement that later sentences may still add to."""

    spans: list[Span]
    kind: Kind
    attribution: Attribution | None
    rule: str

    @property
    def end(self) -> int:
        return self.spans[-1].end


def find_statements(doc: Document) -> list[Statement]:
    """Every statement of `doc`, in order of its first word."""
    quotations = find_quotations(doc.text, doc.paragraphs)
    masked = _mask(doc.text, quotations)
    turns = {turn.paragraph.start: turn for turn in find_turns(doc)}
    turn: Turn | None = None
    drafts: list[_Draft] = []
    position = 0
    for unit in find_units(doc, masked, quotations):
        turn = turns.get(unit.start, turn)
        in_turn = turn is not None and unit.start < turn.paragraph.end
        first = position
        reach = turn.paragraph.end if turn and in_turn else unit.end
        while position < len(quotations) and quotations[position].outer.start < reach:
            position += 1
        inside = quotations[first:position]
        if turn and in_turn:
            if unit.start == turn.paragraph.start:
                drafts.append(_read_turn(turn, inside))
        elif not inside and drafts and _is_free_speech(doc.text, unit, drafts[-1]):
            _add_sentence(doc.text, drafts[-1], unit)
        else:
            _read_unit(doc.text, masked, unit, inside, drafts)
    statements = [_settle(doc.text, draft) for draft in drafts]
    return sorted(statements, key=lambda statement: statement.start)


def _mask(text: str, quotations: Sequence[Quotation]) -> str:
    pieces: list[str] = []
    end = 0
    for quotation in quotations:
        pieces += text[end : quotation.outer.start], QUOTED * len(quotation.outer)
        end = quotation.outer.end
    return "".join([*pieces, text[end:]])


def _settle(text: str, draft: _Draft) -> Statement:
    return Statement(tuple(_unstopped(text, span) for span in draft.spans), draft.kind, draft.attribution, draft.rule)


def _unstopped(text: str, span: Span) -> Span:
    """`span` without its final comma or full stop; an ellipsis stays."""
    end = span.end
    if len(span) > 1 and text[end - 1] in _FINAL and text[end - 2] not in _FINAL:
        end -= 1
    return Span(span.start, end)


def _read_turn(turn: Turn, quotations: Sequence[Quotation]) -> _Draft:
    """The statement of a turn: its words, or only those in quotation marks where it opens with a mark."""
    quoted = [quotation.inner for quotation in quotations]
    spans = quoted if quotations and quotations[0].outer.start == turn.words.start else [turn.words]
    return _Draft(spans, Kind.DIRECT, Attribution(turn.speaker, turn.speaker) if turn.speaker else None, turn.rule)


def _is_free_speech(text: str, unit: Span, previous: _Draft) -> bool:
    if previous.kind is Kind.DIRECT or unit.start - previous.end > 200 or "\n" in text[previous.end : unit.start]:
        return False
    started = text[previous.end - 1] == "."
    ends_in_reported_words = text[previous.end : previous.end + 1] not in tuple("”\"’'»“")
    closed = started or (previous.rule in _CLOSED_BY_ATTRIBUTION and ends_in_reported_words)
    return free_speech.goes_on(unit.of(text), closed)


def _add_sentence(text: str, draft: _Draft, unit: Span) -> None:
    """Add the sentence `unit`, joined to the last words where nothing but their full stop stands between."""
    last = draft.spans[-1]
    if text[last.end : unit.start].strip(".!? ") == "":
        draft.spans[-1] = Span(last.start, unit.end)
    else:
        draft.spans.append(unit)


def _read_unit(text: str, masked: str, unit: Span, quotations: Sequence[Quotation], drafts: list[_Draft]) -> None:
    start = unit.start
    opens_paragraph = start == 0 or text[start - 1] == "\n"
    if opens_paragraph and (dateline := _DATELINE.match(masked, start, min(unit.end, start + 100))):
        start = dateline.end()
    taken: set[Span] = set()
    for report in find_reports(masked[start : unit.end]):
        if draft := _draft(text, report, start, quotations):
            drafts.append(draft)
            taken.update(draft.spans)
    alone = re.search(r"\w", masked[unit.start : unit.end].replace(QUOTED, "")) is None
    for quotation in quotations:
        if quotation.inner not in taken:
            _place(text, quotation, alone, drafts)


def _draft(text: str, report: Report, offset: int, quotations: Sequence[Quotation]) -> _Draft | None:
    """What a report of the unit at `offset` states: quoted words, and the reporter's words between them."""
    spans: list[Span] = []
    kinds: set[Kind] = set()

    def add_reported(start: int, end: int) -> None:
        if not report.quoted_only and (words := _words(text, start, end)):
            spans.append(words)
            kinds.add(Kind.INDIRECT)

    for stretch in report.stretches:
        start, end = stretch.start + offset, stretch.end + offset
        for quotation in quotations:
            if start < quotation.outer.end and quotation.outer.start < end:
                add_reported(start, quotation.outer.start)
                spans.append(quotation.inner)
                kinds.add(Kind.DIRECT)
                start = quotation.outer.end
                if repeated := _AND_THAT.match(text, start, end):
                    start = repeated.end()
        add_reported(start, end)
    if not spans:
        return None
    source = report.source and Span(report.source.start + offset, report.source.end + offset)
    attribution = Attribution(Span(report.cue.start + offset, report.cue.end + offset), source)
    return _Draft(spans, kinds.pop() if len(kinds) == 1 else Kind.MIXED, attribution, report.rule)


def _words(text: str, start: int, end: int) -> Span | None:
    """`start..end` without the punctuation at its ends; None where only connectives are left."""
    while start < end and text[start] in _EDGES:
        start += 1
    while end > start and text[end - 1] in _EDGES + ".":
        end -= 1
    return None if start >= end or _CONNECTIVE.fullmatch(text, start, end) else Span(start, end)


def _place(text: str, quotation: Quotation, alone: bool, drafts: list[_Draft]) -> None:
    """Place a quotation that no cue took. `alone` says that its unit has no words but quoted ones."""
    previous = drafts[-1] if drafts and drafts[-1].end <= quotation.outer.start else None
    previous = previous if previous and previous.kind is not Kind.INDIRECT else None
    if previous and (quotation.continues or (alone and "\n" not in text[previous.end : quotation.outer.start])):
        previous.spans.append(quotation.inner)
    elif alone:
        drafts.append(_Draft([quotation.inner], Kind.DIRECT, None, "alone"))
    else:
        words = quotation.inner.of(text).split()
        capitals = sum(word[0].isupper() for word in words)
        if len(words) >= _FEWEST_WORDS and capitals < _MOST_CAPITALS * len(words):
            drafts.append(_Draft([quotation.inner], Kind.DIRECT, None, "quoted-words"))
