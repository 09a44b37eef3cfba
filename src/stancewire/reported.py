"""Reported speech within one sentence: which words a reporting cue makes a statement, and whose.

A sentence is read from left to right. A cue takes what follows it ("said that …", "urged both to …"), or what stands before
and around it ("…, he said, …"), by what its two sides look like; a further cue takes over where it is coordinated with
the one before ("…, adding that …", "… and called on …"); other cues lie within what is said and are left alone.
"""

from __future__ import annotations

import dataclasses
import re

from stancewire import clauses
from stancewire.clauses import ADVERB, PRONOUN, QUOTED
from stancewire.cues import Cue, Frame, find_cues
from stancewire.schema import Span

_LINK_SPACE = 160  # characters before a cue in which its link to the cue before must stand

_NEGATED = re.compile(
    rf"(?:\b(?:to|not|never|would|will|could|can|cannot|should|may|might|must|did|does|do|nor|without|of|a|an|the|no|so)|n[’']t) (?:{ADVERB} )?\Z", re.I
)
_STILL_SAID = re.compile(rf"\b(?:went on|goes on|hastened|was able|at pains|continued|rose|paused|wished) to (?:{ADVERB} )?\Z")
_PASSIVE = re.compile(rf"\b(?:is|are|was|were|be|been|being|get|got) (?:{ADVERB} )?\Z", re.I)
_AUXILIARY = re.compile(rf"(?:[ ,]+(?:has|had|have|{ADVERB}|[’'](?:s|d|ve)))+\s*\Z", re.I)
_PARTICIPLE_LINK = re.compile(rf"(?:,|—|–|;|{QUOTED}| and| but)\s+(?:(?:while|by|and|but|in|before|after) )?(?:{ADVERB} )?\Z")
_SAME_SOURCE_LINK = re.compile(rf"(?:,|;|{QUOTED})?\s+(?:and|but|then|yet)\s+(?:{ADVERB} )?(?:has |had |have )?(?:{ADVERB} )?\Z")
_NEW_SOURCE_LINK = re.compile(
    rf"(?:(?:,|;|—|{QUOTED})\s+(?:(?:and|but) )?(?:(?:while|as|although|though|whereas|because|after) )?| (?:and|but|while|although) )"
    rf"(?P<source>{PRONOUN}|(?:[\w’'.&-]+ ){{0,9}}?[\w’'.&-]+)(?: {ADVERB})?(?: has| had| have)?(?: {ADVERB})? \Z"
)
_BEFORE_INVERSION = re.compile(rf"(?:{QUOTED}\s*[,—–-]*|[,—–])\s*\Z")
_ENDS_ASIDE = (",", ".", ";", ":", "")
_NO_OBJECT = re.compile(r" (?:by|about|whether|not to|to comment|if|how|of(?! )|as|in|at|on (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b|\W*\Z|[,.;:?!]")
_NO_CLAUSE = re.compile(r"\s*(?:so|it|nothing|two things|this|that|as much|more|little|the same|yes|no)[,.\s]*(?:as|and|but|again|anyway|before|otherwise|in|to|civilly)?\b[^,]{0,12}\Z|\s*[,.;—–?!]")
_THAT = re.compile(r" that\b")
_SOMETHING = re.compile(rf"[^\w{QUOTED}]*(?:\w+ \w+|{QUOTED}|\w{{4,}})")
_QUOTED_NEXT = re.compile(rf"\s*[,:]?\s*{QUOTED}")
_QUOTED_ASIDE = re.compile(rf"\s*,\s*{QUOTED}")
_ASIDE_OVER = re.compile(rf"\s*(?:[,.;:—–?!]|\Z|{QUOTED}|(?:after|as|when|while|before|during|outside|with|without|in|at|on|from|over|drily|dryly)\b)")
_ASKING = re.compile(r" (?:to|for|him|her|them|you|me|us|if|what|where|when|who)\b")
_OWN_VOICE = re.compile(rf"\b(?:I|[Ww]e|[Nn]obody|[Nn]o one|[Yy]ou)(?: {ADVERB})? ?\Z")
_LETTER = re.compile(rf"[\w{QUOTED}]")
_GOES_ON = re.compile(r",\s+(?:and|but|or|nor)\b")
_QUOTED_LATER = re.compile(rf"(?<=[,:.—] ){QUOTED}")
_JUDGING = frozenset(("accuse", "condemn", "denounce"))
_COMMENT = re.compile(
    rf"{QUOTED}(?P<comment>,? (?:which|a remark|in the words|as (?:he|she|it|they) |after|before|when|while|during|though|although|at a|in a|on [A-Z])[^{QUOTED}]*\Z|, (?!and\b|but\b|or\b|nor\b|that\b)[^{QUOTED}]*\Z)"
    r"|(?P<comment2>, (?:two|a|one|three|\w+) (?:days?|weeks?|hours?|months?|minutes) (?:before|after|ahead|later)\b.*\Z)", re.S
)
_NAMING = frozenset(("call", "dub", "label", "term", "brand"))
_PHRASE_END = re.compile(rf"[,.;:!?—–…]|{QUOTED}| (?:and|but|as|while|after|before|when) |\n")
_TAIL = re.compile(r",? (?:in (?:a|an|the|their|its|his|her) (?:\w+ ){0,2}statement\b.*|on (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\Z", re.S)
_APPOSITION = re.compile(r"[ ,]*(?:(?:a|an|the|who|whose|which|speaking|referring|adding|in|at|on|during|after|when|as|from|of|with|holding|citing|where|before|while|his|her|its) )", re.I)
_CONJUNCTION = re.compile(r"(?:And|But|Yet|So|Still|Meanwhile|However),? ")
_LEADING_ADJUNCT = re.compile(r"(?:On|In|At|As to|As for|Of|From|Concerning|Asked|Speaking|After|During|For)\b[^,\ufffc]{0,90}, ")


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """What one cue reports: stretches of the sentence (quotations and words around them), in order.

    `quoted_only` is true where only the words in quotation marks are the statement.
    """

    stretches: tuple[Span, ...]
    cue: Span
    source: Span | None
    quoted_only: bool
    rule: str


@dataclasses.dataclass(slots=True)
class _Pending:
    """A cue whose reach to the right is not yet known."""

    cue: Cue
    source: Span | None
    left: Span | None
    start: int
    takes_rest: bool
    rule: str


def find_reports(sentence: str) -> list[Report]:
    """The reports of a sentence whose quotations are masked (`clauses.QUOTED`); offsets within the sentence."""
    reports: list[Report] = []
    pending: _Pending | None = None
    free = _skip_lead(sentence)
    for cue in find_cues(sentence):
        if cue.span.start < free:
            continue
        linked = _link(sentence, pending, cue) if pending else None
        if pending and not linked:
            continue
        before = sentence[max(0, cue.span.start - _LINK_SPACE) : cue.span.start]
        if cue.frame is not Frame.ACCORDING and (
            (_NEGATED.search(before) and not _STILL_SAID.search(before)) or _PASSIVE.search(before)
        ):
            continue
        if pending and linked:
            end, source = linked
            following = _to_the_right(sentence, cue, source or pending.source)
            if following is None:
                continue
            _close(sentence, pending, end, reports)
            pending = following
        else:
            pending = _first(sentence, cue, free)
        if pending:
            free = pending.start
    if pending:
        _close(sentence, pending, len(sentence), reports)
    return reports


def _skip_lead(sentence: str) -> int:
    match = _CONJUNCTION.match(sentence)
    return match.end() if match else 0


def _link(sentence: str, pending: _Pending, cue: Cue) -> tuple[int, Span | None] | None:
    """Where the pending report ends, and the new source if there is one, if `cue` is coordinated with the pending one."""
    start = max(pending.start, cue.span.start - _LINK_SPACE)
    before = sentence[start : cue.span.start]
    if cue.frame is Frame.ACCORDING:
        match = re.search(r",\s*\Z", before)
        return (start + match.start(), None) if match else None
    if cue.participle:
        match = _PARTICIPLE_LINK.search(before)
        return (start + match.start() + (before[match.start()] == QUOTED), None) if match else None
    if match := _SAME_SOURCE_LINK.search(before):
        return start + match.start() + (before[match.start()] == QUOTED), None
    if (match := _NEW_SOURCE_LINK.search(before)) and (
        clauses.is_noun_phrase(match["source"])
    ):
        return start + match.start() + (before[match.start()] == QUOTED), Span(start + match.start("source"), start + match.end("source"))
    return None


def _to_the_right(sentence: str, cue: Cue, source: Span | None) -> _Pending | None:
    """The report of a cue that takes what follows it, or None where nothing fit to be said follows."""
    start, given = cue.span.end, False
    if cue.frame in (Frame.OBJECT, Frame.NAME):
        if _NO_OBJECT.match(sentence, start) or (cue.lemma == "ask" and _ASKING.match(sentence, start)):
            return None
        if match := _THAT.match(sentence, start):
            start = match.end()
    else:
        start, given = clauses.skip_adjuncts(sentence, start, cue.frame is Frame.TELL)
    rest = sentence[start : start + 200]
    quoted = _QUOTED_NEXT.match(rest) is not None
    if cue.frame is Frame.NAME:
        fits = QUOTED in sentence[start:] and (not rest.lstrip().startswith(QUOTED) or cue.lemma not in _NAMING)
    elif cue.frame is Frame.OBJECT or (cue.frame is Frame.REPORT and not _NO_OBJECT.match(sentence, start)):
        fits = _SOMETHING.match(rest) is not None
    elif given or quoted:
        fits = _SOMETHING.search(rest) is not None
    else:
        fits = cue.frame in (Frame.SAY, Frame.TELL, Frame.THINK) and _NO_CLAUSE.match(rest) is None and clauses.starts_clause(rest)
    return _Pending(cue, source, None, start, True, f"{cue.frame}-right") if fits else None


def _first(sentence: str, cue: Cue, free: int) -> _Pending | None:
    """The report of the first cue of a sentence, or of a cue after text that no cue has taken."""
    left = sentence[free : cue.span.start]
    if cue.frame is Frame.ACCORDING:
        end = _source_end(sentence, cue.span.end)
        source = _trimmed(sentence, cue.span.end, end)
        if _LETTER.search(left) is None:
            return _Pending(cue, source, None, end, True, "according-first")
        return _Pending(cue, source, Span(free, cue.span.start), end, False, "according-last")
    if cue.participle:
        if not _PARTICIPLE_LINK.search(left[-_LINK_SPACE:]):
            return None
        return _to_the_right(sentence, cue, _subject(sentence, free, cue.span.start))
    bare = _AUXILIARY.sub("", left[-_LINK_SPACE:])
    parenthetical = cue.frame not in (Frame.OBJECT, Frame.NAME)
    if parenthetical and cue.frame is not Frame.TELL and (match := _BEFORE_INVERSION.search(bare)):
        end = _source_end(sentence, cue.span.end)
        quoted = match[0].startswith(QUOTED)
        if clauses.is_noun_phrase(sentence[cue.span.end : end]) and (
            quoted or (sentence[end : end + 1] in _ENDS_ASIDE if clauses.has_finite_verb(left) else sentence.startswith(", ", end))
        ):
            return _Pending(cue, _trimmed(sentence, cue.span.end, end), Span(free, cue.span.start), end, False, "inverted")
    boundary = _clause_boundary(sentence, free, cue.span.start) if parenthetical else None
    after_quotation = boundary is not None and sentence[boundary - 1] == QUOTED
    rest_quoted = boundary is not None and _QUOTED_ASIDE.match(sentence, clauses.skip_adjuncts(sentence, cue.span.end, False)[0])
    if not after_quotation and not rest_quoted:
        if _OWN_VOICE.search(bare):
            return None
        if _LETTER.search(left) is None or (cue.frame is Frame.OBJECT and bare.rstrip().endswith(",") and clauses.has_finite_verb(left)):
            return None
        right = _to_the_right(sentence, cue, _subject(sentence, free, cue.span.start))
        if right is not None:
            return right
    if boundary is None or not _LETTER.search(sentence, free, boundary):
        return None
    after, _ = clauses.skip_adjuncts(sentence, cue.span.end, cue.frame is Frame.TELL)
    if not (after_quotation or _ASIDE_OVER.match(sentence, after)):
        return None
    source = _trimmed(sentence, boundary, cue.span.start)
    return _Pending(cue, source, Span(free, boundary), after, False, "after")


def _source_end(sentence: str, start: int) -> int:
    match = _PHRASE_END.search(sentence, start + 1)
    while match and match[0] == "." and re.search(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Sen|Rep|Gen|Gov|St|Lt|Col|Maj|Adm|Sgt|Rev|Prof|Jr|Sr)\Z", sentence[max(start, match.start() - 6) : match.start()]):
        match = _PHRASE_END.search(sentence, match.end())
    return match.start() if match else len(sentence)


def _clause_boundary(sentence: str, free: int, cue_start: int) -> int | None:
    """Where a source that stands right before its cue begins, if something said stands before it."""
    quote = sentence.rfind(QUOTED, max(free, cue_start - 300), cue_start)
    if quote >= 0 and clauses.is_noun_phrase(_AUXILIARY.sub("", sentence[quote + 1 : cue_start]).strip(" ,—–-")):
        return quote + 1
    end = cue_start
    text = sentence[free:cue_start]
    stripped = _AUXILIARY.sub("", text).rstrip()
    if stripped.endswith(","):
        text = stripped[:-1]
        end = free + len(text)
        apposition = text.rfind(", ")
        if apposition < 0:
            return None
        end = free + apposition
    comma = sentence.rfind(", ", max(free, end - 300), end)
    while comma > free:
        phrase = _AUXILIARY.sub("", sentence[comma + 1 : end]).strip()
        if clauses.is_noun_phrase(phrase) and clauses.has_finite_verb(sentence[free:comma]):
            return comma + 1
        if not clauses.has_finite_verb(phrase) and comma - free < 60 and clauses.is_noun_phrase(phrase):
            return comma + 1 if not _LEADING_ADJUNCT.match(sentence[free : comma + 2]) else None
        comma = sentence.rfind(", ", max(free, end - 300), comma)
    return None


def _subject(sentence: str, free: int, cue_start: int) -> Span | None:
    """The noun phrase before a cue that takes what follows."""
    start = free
    if match := _LEADING_ADJUNCT.match(sentence, start, cue_start):
        if sentence[match.end() : cue_start].strip():
            start = match.end()
    if (quote := sentence.rfind(QUOTED, start, cue_start)) >= 0:
        start = quote + 1
    return _trimmed(sentence, start, cue_start)


def _trimmed(sentence: str, start: int, end: int) -> Span | None:
    """`start..end` without spaces, commas and auxiliaries at its ends; None where nothing is left."""
    text = _AUXILIARY.sub("", sentence[start:end])
    end = start + len(text.rstrip(" ,;:—–-.\n"))
    start += len(text) - len(text.lstrip(" ,;:—–-.\n"))
    return Span(start, end) if start < end else None


def _close(sentence: str, pending: _Pending, end: int, reports: list[Report]) -> None:
    """Settle what `pending` reports, now that its text is known to end at `end`."""
    stretches = []
    if pending.left:
        colon = sentence.rfind(": ", pending.left.start, pending.left.end)
        stretches.append(Span(colon + 1, pending.left.end) if colon >= 0 else pending.left)
    rest = sentence[pending.start : end]
    if pending.takes_rest:
        stretches.append(Span(pending.start, _said_until(sentence, pending.start, end)))
    elif pending.left:
        said = sentence[pending.left.start : pending.left.end]
        unfinished = not clauses.has_finite_verb(said) and QUOTED not in said and not _APPOSITION.match(rest)
        goes_on = QUOTED not in said and _GOES_ON.match(rest)
        if _QUOTED_NEXT.match(rest) or (rest.startswith(",") and (goes_on or unfinished)):
            stretches.append(Span(pending.start, _said_until(sentence, pending.start, end)))
        elif quote := _QUOTED_LATER.search(rest):
            first = pending.start + quote.start()
            stretches.append(Span(first, _said_until(sentence, first, end)))
    if stretches:
        quoted_only = pending.cue.frame is Frame.NAME or (pending.cue.lemma in _JUDGING and QUOTED in rest)
        reports.append(Report(tuple(stretches), pending.cue.span, pending.source, quoted_only, pending.rule))


def _said_until(sentence: str, start: int, end: int) -> int:
    """Where the words said end: before the reporter's comment on them, if there is one."""
    match = _COMMENT.search(sentence, start, end)
    return max(match.start("comment"), match.start("comment2")) if match else end
