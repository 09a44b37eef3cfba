"""Finds every statement of an article: what somebody is quoted or reported as saying.

The algorithm, in one pass over the text:

1. pair the quotation marks (`quotation_marks`);
2. join sentences that a quotation or a lower-case attribution ties together;
3. in each, let the reporting cues take what is said around them (`reported`), quotations masked;
4. what is quoted and nobody's is a statement of its own, goes on from the one before, or is a term or title: no statement.

Rules instead of a parser: no model to load, and megabytes a second on one core.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from stancewire.clauses import QUOTED
from stancewire.quotation_marks import Quotation, find_quotations
from stancewire.reported import Report, find_reports
from stancewire.schema import Attribution, Kind, Span, Statement
from stancewire.text import Document
from stancewire.transcripts import Turn, find_turns

_LONGEST_SENTENCE = 6000
_EDGE = " \t\n,;:—–-"
_AND_THAT = re.compile(r",? (?:and|but) that (?=\w)")
_CONNECTIVE = re.compile(r"(?:and|but|that|or|also|then|while|,|;|\s)*", re.I)
_SHIFTED = re.compile(r"\b(?:had|would|could|did|was|were|might|should)(?:n[’']t)?\b")
_STRONGLY_SHIFTED = re.compile(r"(?<!who )(?<!which )(?<!that )\b(?:had|would|should)(?:n[’']t)?\b")
_NARRATION = re.compile(
    r"\b(?:I|[Ww]e|[Oo]ur|my|this newspaper)\b|^(?:But |And )?(?:He|She|They) (?!had\b|would\b|could\b|was\b|were\b|might\b|should\b)|^Nor did (?:he|she)\b"
    r"|^(?:He|She) (?:was (?:asked|referring|speaking)|could give)|^There was no (?:immediate )?(?:comment|reaction)|\b(?:is|are|isn[’']t|has)\b|\?$"
)
_CLOSED_BY_ATTRIBUTION = frozenset(("after", "inverted", "according-first"))
_CLOSING = tuple("”\"’'»“")
_SEMICOLON = re.compile(r"; (?!(?:and |but |or )?that\b|and\b|but\b|or\b)")
_PLUPERFECT = re.compile(r"\b(?:had|would|could) (?:\w+ )?\Z")
_DATELINE = re.compile(
    r"\*{0,2}\d{1,2}[:.]\d\d(?: ?[ap]\.?m\.?)?(?: [A-Z]{2,4})?\*{0,2}\s*(?:--|—|–|-|\.|:)?\s+|(?:[A-ZÀ-Þ][\w’'.]*[A-ZÀ-Þ.][A-ZÀ-Þ’'.]*|[A-Z]\w+(?=[/ ,(]))[^\n“\"‘«„]{0,60}?(?:\((?:[^()\n]{1,30})\))?\s*(?:--|—|–|\s-)\s+|[A-Z]{3,}[A-Z /]*: (?=[A-Z])"
)


def find_statements(doc: Document) -> list[Statement]:
    """Every statement of `doc`, in order of its first word."""
    quotations = find_quotations(doc.text, doc.paragraphs)
    masked = _mask(doc.text, quotations)
    statements: list[Statement] = []
    turns = {turn.paragraph.start: turn for turn in find_turns(doc)}
    turn: Turn | None = None
    position = 0
    for unit in _units(doc, masked, quotations):
        turn = turns.get(unit.start, turn)
        if turn and unit.start < turn.paragraph.end:
            if unit.start == turn.paragraph.start:
                inside = _quotations_in(turn.paragraph, quotations, position)
                position += len(inside)
                statements.append(_turn(turn, inside))
            continue
        inside = _quotations_in(unit, quotations, position)
        position += len(inside)
        if not inside and statements and _goes_on_in_free_speech(doc.text, unit, statements[-1]):
            statements[-1] = _with_sentence(doc.text, statements[-1], unit)
        else:
            _read_unit(doc.text, masked, unit, inside, statements)
    return sorted(statements, key=lambda statement: statement.start)


def _quotations_in(span: Span, quotations: Sequence[Quotation], position: int) -> list[Quotation]:
    """The quotations that open within `span`; those before `position` are known to open earlier."""
    end = position
    while end < len(quotations) and quotations[end].outer.start < span.end:
        end += 1
    return list(quotations[position:end])


def _turn(turn: Turn, quotations: Sequence[Quotation]) -> Statement:
    """The statement of a turn: its words, or only those in quotation marks where it opens with a mark."""
    quoted = tuple(quotation.inner for quotation in quotations)
    spans = quoted if quotations and quotations[0].outer.start == turn.words.start else (turn.words,)
    return Statement(spans, Kind.DIRECT, Attribution(turn.speaker, turn.speaker) if turn.speaker else None, turn.rule)


def _goes_on_in_free_speech(text: str, unit: Span, previous: Statement) -> bool:
    """Whether a sentence without attribution or marks is still the speaker's: "The bill was too high, he said. It had doubled."

    Free indirect speech keeps the tense that reporting shifted. After "…, he said" any shifted tense counts; after
    "he said that …", where narration more often resumes, only the pluperfect and modals do.
    """
    if previous.kind is Kind.DIRECT or text.count("\n", previous.end, unit.start) or unit.start - previous.end > 200:
        return False
    started = "." in text[previous.spans[-1].end - 1 : previous.end]
    in_quotes = text[previous.end : previous.end + 1] in _CLOSING
    shifted = _SHIFTED if started or (previous.rule in _CLOSED_BY_ATTRIBUTION and not in_quotes) else _STRONGLY_SHIFTED
    sentence = text[unit.start : min(unit.end, unit.start + _LONGEST_SENTENCE)]
    if shifted.search(sentence) is None or _NARRATION.search(sentence):
        return False
    return not any(_PLUPERFECT.search(sentence, 0, report.cue.start) is None for report in find_reports(sentence))


def _with_sentence(text: str, statement: Statement, unit: Span) -> Statement:
    """`statement` with the sentence `unit`, joined to its last words where nothing stands between them."""
    *before, last = statement.spans
    if re.fullmatch(r"[.!?\s]*", text[last.end : unit.start]):
        spans = (*before, Span(last.start, unit.end))
    else:
        spans = (*before, last, unit)
    return dataclasses.replace(statement, spans=spans)


def _mask(text: str, quotations: Sequence[Quotation]) -> str:
    pieces, end = [], 0
    for quotation in quotations:
        pieces += text[end : quotation.outer.start], QUOTED * len(quotation.outer)
        end = quotation.outer.end
    return "".join([*pieces, text[end:]])


def _units(doc: Document, masked: str, quotations: Sequence[Quotation]) -> Iterator[Span]:
    """The sentences, joined where a quotation or what stands right after one straddles their border, cut at semicolons."""
    inside = 0
    start: int | None = None
    sentences = doc.sentences
    for number, sentence in enumerate(sentences):
        start = sentence.start if start is None else start
        while inside < len(quotations) and quotations[inside].outer.end <= sentence.end:
            inside += 1
        following = sentences[number + 1] if number + 1 < len(sentences) else None
        if following and "\n" not in doc.text[sentence.end : following.start]:
            if inside < len(quotations) and quotations[inside].outer.start < sentence.end:
                continue
            if doc.text[following.start].islower():
                continue
        for semicolon in _SEMICOLON.finditer(masked, start, sentence.end):
            yield from _chunks(Span(start, semicolon.start()))
            start = semicolon.end()
        yield from _chunks(Span(start, sentence.end))
        start = None


def _chunks(span: Span) -> Iterator[Span]:
    for start in range(span.start, span.end, _LONGEST_SENTENCE):
        yield Span(start, min(span.end, start + _LONGEST_SENTENCE))


def _read_unit(text: str, masked: str, unit: Span, quotations: list[Quotation], statements: list[Statement]) -> None:
    start = unit.start
    paragraph_start = start == 0 or text[start - 1] == "\n"
    if paragraph_start and (dateline := _DATELINE.match(masked, start, min(unit.end, start + 100))):
        start = dateline.end()
    base = len(statements)
    free = list(quotations)
    for report in find_reports(masked[start : unit.end]):
        statement = _statement(text, report, start, unit.end, free)
        if statement:
            statements.append(statement)
            taken = {span for span in statement.spans}
            free = [q for q in free if not any(s.start >= q.outer.start and s.end <= q.outer.end for s in taken)]
    for quotation in free:
        _unattributed(text, masked, unit, quotation, statements, base)


def _statement(text: str, report: Report, offset: int, unit_end: int, quotations: Sequence[Quotation]) -> Statement | None:
    spans: list[Span] = []
    quoted = reported = False
    for stretch in report.stretches:
        start, end = stretch.start + offset, stretch.end + offset
        for quotation in quotations:
            if quotation.outer.end <= start or quotation.outer.start >= end:
                continue
            if not report.quoted_only and (words := _words(text, start, quotation.outer.start)):
                spans.append(words)
                reported = True
            spans.append(quotation.inner)
            quoted = True
            start = quotation.outer.end
            if goes_on := _AND_THAT.match(text, start, end):
                start = goes_on.end()
        if not report.quoted_only and (words := _words(text, start, end)):
            spans.append(words)
            reported = True
    if not spans:
        return None
    kind = Kind.MIXED if quoted and reported else Kind.DIRECT if quoted else Kind.INDIRECT
    source = Span(report.source.start + offset, report.source.end + offset) if report.source else None
    attribution = Attribution(Span(report.cue.start + offset, report.cue.end + offset), source)
    return Statement(tuple(spans), kind, attribution, report.rule)


def _words(text: str, start: int, end: int) -> Span | None:
    """`start..end` without connectives at the start and punctuation at the ends; None where nothing is left."""
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE + ".":
        end -= 1
    if start >= end or _CONNECTIVE.fullmatch(text, start, end):
        return None
    return Span(start, end)


def _unattributed(
    text: str, masked: str, unit: Span, quotation: Quotation, statements: list[Statement], base: int
) -> None:
    """Place a quotation that no cue took: part of the statement before it, a statement of its own, or no statement."""
    words = quotation.inner.of(text).split()
    alone = not re.search(r"\w", masked[unit.start : unit.end].replace(QUOTED, ""))
    previous = statements[-1] if statements else None
    if previous and (quotation.continues or (alone and "\n" not in text[previous.end : quotation.outer.start])):
        if previous.kind is not Kind.INDIRECT:
            kind = previous.kind
            statements[-1] = Statement((*previous.spans, quotation.inner), kind, previous.attribution, previous.rule)
            return
    if alone:
        statements.append(Statement((quotation.inner,), Kind.DIRECT, None, "alone"))
    elif len(words) >= 5 and sum(w[:1].isupper() for w in words) < 0.6 * len(words):
        statements.append(Statement((quotation.inner,), Kind.DIRECT, None, "quoted-words"))
