"""Reported speech within one sentence: which words a reporting cue makes a statement, and whose.

A sentence is read from left to right. A cue takes what follows it ("said that …", "urged both to …"), or what stands
before and around it ("…, he said, …"), by what its two sides look like; a further cue takes over where it is
coordinated with the one before ("…, adding that …", "… and called on …"); other cues lie within what is said and are left alone.
"""

from __future__ import annotations

import dataclasses
import re

from stancewire import clauses
from stancewire.clauses import ADVERB, PRONOUN, QUOTED
from stancewire.cues import Cue, Frame, find_cues
from stancewire.schema import Span

_LINK_SPACE = 160  # characters before a cue in which its link to the cue before must stand
_SOURCE_SPACE = 300  # characters in which a source must stand

# What stands before a cue.
_NEGATED = re.compile(
    r"(?:\b(?:to|not|never|would|will|could|can|cannot|should|may|might|must|did|does|do|nor|without|of|a|an|the|no|so)"
    rf"|n[’']t) (?:{ADVERB} )?\Z",
    re.I,
)
_STILL_SAID = re.compile(
    rf"\b(?:went on|goes on|hastened|was able|at pains|continued|rose|paused|wished) to (?:{ADVERB} )?\Z"
)
_PASSIVE = re.compile(rf"\b(?:is|are|was|were|be|been|being|get|got) (?:{ADVERB} )?\Z", re.I)
_AUXILIARY = re.compile(
    rf"(?:[ ,]+(?:has|had|have|{ADVERB}|[’'](?:s|d|ve)|on (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day))+\s*\Z", re.I
)
_OWN_VOICE = re.compile(rf"\b(?:I|[Ww]e|[Nn]obody|[Nn]o one|[Yy]ou)(?: {ADVERB})? ?\Z")
_BEFORE_INVERSION = re.compile(rf"(?:{QUOTED}\s*[,—–-]*|[,—–])\s*\Z")
_CONJUNCTION = re.compile(r"(?:And|But|Yet|So|Still|Meanwhile|However),? ")
_LEADING_ADJUNCT = re.compile(
    rf"(?:On|In|At|As to|As for|Of|From|Concerning|Asked|Speaking|After|During|For)\b[^,{QUOTED}]{{0,90}}, "
)

# How a cue is coordinated with the one before it.
_PARTICIPLE_LINK = re.compile(
    rf"(?:,|—|–|;|{QUOTED}| and| but)\s+(?:(?:while|by|and|but|in|before|after) )?(?:{ADVERB} )?\Z"
)
_SAME_SOURCE_LINK = re.compile(
    rf"(?:,|;|{QUOTED})?\s+(?:and|but|then|yet)\s+(?:{ADVERB} )?(?:has |had |have )?(?:{ADVERB} )?\Z"
)
_NEW_SOURCE_LINK = re.compile(
    rf"(?:(?:,|;|—|{QUOTED})\s+(?:(?:and|but) )?(?:(?:while|as|although|though|whereas|because|after) )?"
    r"| (?:and|but|while|although) )"
    rf"(?P<source>(?P<head>{PRONOUN}|(?:[\w’'.&-]+ ){{0,9}}?[\w’'.&-]+)(?P<apposition>, [^,;]{{2,80}},)?)"
    rf"(?: {ADVERB})?(?: has| had| have)?(?: {ADVERB})? \Z"
)

# What stands after a cue.
_ENDS_ASIDE = (",", ".", ";", ":", "")
_NO_OBJECT = re.compile(
    r" (?:by|about|whether|not to|to comment|if|how|of(?! )|as|in|at|on (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b"
    r"|\W*\Z|[,.;:?!]"
)
_NO_CLAUSE = re.compile(
    r"\s*(?:(?:so|it|nothing|two things|this|that|as much|more|little|the same|yes|no)"
    r"(?: (?:again|anyway|before|otherwise|then|too|civilly|in|to)\b.*)?\W*\Z|[,.;—–?!]|so as\b)",
    re.S,
)
_THAT = re.compile(r" that\b")
_INFINITIVE = re.compile(r" [\w’' -]{2,60}?(?= (?:not )?to [a-z])")
_SOMETHING = re.compile(rf"[^\w{QUOTED}]*(?:\w+ \w+|{QUOTED}|\w{{4,}})")
_QUOTED_NEXT = re.compile(rf"\s*[,:]?\s*{QUOTED}")
_QUOTED_ASIDE = re.compile(rf"\s*,\s*{QUOTED}")
_QUOTED_LATER = re.compile(rf"(?<=[,:.—] ){QUOTED}")
_ASIDE_OVER = re.compile(
    rf"\s*(?:[,.;:—–?!]|\Z|{QUOTED}"
    r"|(?:after|as|when|while|before|during|outside|with|without|in|at|on|from|over|drily|dryly)\b)"
)
_SENTENCE_OVER = re.compile(r"\s*[.!]?\s*\Z")
_ASKING = re.compile(r" (?:to|for|him|her|them|you|me|us|if|what|where|when|who)\b")
_BUT_THAT = re.compile(r",? but (?=that )")
_GOES_ON = re.compile(r",\s+(?:and|but|or|nor)\b")
_COMMENT = re.compile(
    rf"{QUOTED}(?P<after_quotation>,? (?:which|a remark|in the words|as (?:he|she|it|they) |after|before|when|while"
    rf"|during|though|although|at a|in a|on [A-Z])[^{QUOTED}]*\Z|, (?!and\b|but\b|or\b|nor\b|that\b)[^{QUOTED}]*\Z)"
    r"|(?P<dating>, \w+ (?:days?|weeks?|hours?|months?|minutes) (?:before|after|ahead|later)\b.*\Z)",
    re.S,
)

# Where a source ends.
_PHRASE_END = re.compile(rf"[,.;:!?—–…]|{QUOTED}| (?:and|but|as|while|after|before|when) |\n")
_ABBREVIATED = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Sen|Rep|Gen|Gov|St|Lt|Col|Maj|Adm|Sgt|Rev|Prof|Jr|Sr)\Z")
_APPOSITION = re.compile(
    r"[ ,]*(?:a|an|the|who|whose|which|speaking|referring|adding|in|at|on|during|after|when|as|from|of|with|holding"
    r"|citing|where|before|while|his|her|its) ",
    re.I,
)
_DESCRIBED = re.compile(rf"(?:, (?:who|whose|an?|the|his|her|its|\d+)\b[^,.;:—–{QUOTED}]{{1,120}}){{1,2}}")
_APPOSED = re.compile(rf", (?!the\b|an?\b|its?\b|th)[A-Z][^,.;:—–{QUOTED}]{{1,80}}(?=, )")
_COORDINATED_VERB = re.compile(rf"\s(?:and|but|then)(?: {ADVERB})? \Z")
_LAST_PRONOUN = re.compile(r"\b(?P<pronoun>[Hh]e|[Ss]he|[Ii]t|[Tt]hey)\Z")
_LETTER = re.compile(rf"[\w{QUOTED}]")

_NAMING = frozenset(("call", "dub", "label", "term", "brand"))  # followed by a name: "a book called 'The Gate'"
_JUDGING = frozenset(("accuse", "condemn", "denounce"))  # where they quote, only what is quoted is the speaker's


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
    """A cue whose reach to the right is not yet known. Without words to its `left`, it takes all that follows."""

    cue: Cue
    source: Span | None
    left: Span | None
    start: int
    rule: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Link:
    """Where the pending report ends, and the source of the next one if it is not the same."""

    position: int
    source: Span | None


def find_reports(sentence: str) -> list[Report]:
    """The reports of a sentence whose quotations are masked (`clauses.QUOTED`); offsets within the sentence."""
    reports: list[Report] = []
    pending: _Pending | None = None
    conjunction = _CONJUNCTION.match(sentence)
    free = origin = conjunction.end() if conjunction else 0
    for cue in find_cues(sentence):
        if cue.span.start < free or not _is_asserted(sentence, cue):
            continue
        if pending is None:
            pending = _first(sentence, cue, free)
        elif whole := _closing_attribution(sentence, cue, pending, origin):
            pending = whole
        else:
            link = _link(sentence, pending, cue)
            following = link and _to_the_right(sentence, cue, link.source or pending.source)
            if not link or not following:
                continue
            _close(sentence, pending, link.position, reports)
            pending, origin = following, link.position
        if pending:
            free = pending.start
    if pending:
        _close(sentence, pending, len(sentence), reports)
    return reports


def _is_asserted(sentence: str, cue: Cue) -> bool:
    """Whether the cue reports speech that took place: "said", not "would not say" nor "was said to"."""
    if cue.frame is Frame.ACCORDING:
        return True
    before = sentence[max(0, cue.span.start - _LINK_SPACE) : cue.span.start]
    return not _PASSIVE.search(before) and (not _NEGATED.search(before) or _STILL_SAID.search(before) is not None)


def _closing_attribution(sentence: str, cue: Cue, pending: _Pending, origin: int) -> _Pending | None:
    """The report of all words from `origin` on, if `cue` closes them: "Both agreed that …, the ministry said"."""
    if pending.left or cue.participle or cue.frame not in (Frame.SAY, Frame.TELL):
        return None
    end = clauses.skip_adjuncts(sentence, cue.span.end, cue.frame is Frame.TELL)
    if not _SENTENCE_OVER.match(sentence, end):
        return None
    boundary = _clause_boundary(sentence, pending.start, cue.span.start)
    if boundary is None or sentence[boundary - 1] != ",":
        return None
    return _Pending(cue, _trimmed(sentence, boundary, cue.span.start), Span(origin, boundary), end, "after")


def _link(sentence: str, pending: _Pending, cue: Cue) -> _Link | None:
    """How `cue` is coordinated with the pending report, if it is."""
    start = max(pending.start, cue.span.start - _LINK_SPACE)
    before = sentence[start : cue.span.start]
    source = None
    if cue.frame is Frame.ACCORDING:
        match = re.search(r",\s*\Z", before)
    elif cue.participle:
        match = _PARTICIPLE_LINK.search(before)
    else:
        match = _SAME_SOURCE_LINK.search(before)
        if not match and (match := _NEW_SOURCE_LINK.search(before)):
            if not clauses.is_noun_phrase(match["head"]):
                return None
            source = _trimmed(sentence, start + match.start("source"), start + match.end("source"))
    return match and _Link(start + match.start() + (before[match.start()] == QUOTED), source)


def _to_the_right(sentence: str, cue: Cue, source: Span | None) -> _Pending | None:
    """The report of a cue that takes what follows it, or None where nothing fit to be said follows."""
    start = cue.span.end
    if cue.frame in (Frame.OBJECT, Frame.NAME):
        if _NO_OBJECT.match(sentence, start) or (cue.lemma == "ask" and _ASKING.match(sentence, start)):
            return None
        that = _THAT.match(sentence, start)
        start = that.end() if that else start
        rest = sentence[start : start + _SOURCE_SPACE]
        if cue.frame is Frame.OBJECT:
            fits = _SOMETHING.match(rest) is not None
        else:
            named = rest.lstrip().startswith(QUOTED) and cue.lemma in _NAMING
            fits = QUOTED in sentence[start:] and not named
        return _Pending(cue, source, None, start, f"{cue.frame}-right") if fits else None
    start, opened = clauses.skip_to_clause(sentence, start, cue.frame is Frame.TELL)
    rest = sentence[start : start + _SOURCE_SPACE]
    if opened or _QUOTED_NEXT.match(rest):
        fits = _SOMETHING.search(rest) is not None
    elif cue.frame is Frame.REPORT:
        fits = not _NO_OBJECT.match(sentence, start) and _SOMETHING.match(rest) is not None
    elif cue.frame is Frame.TELL and (infinitive := _INFINITIVE.match(sentence, cue.span.end)):
        start, fits = infinitive.end(), True
    else:
        takes_bare_clause = cue.frame in (Frame.SAY, Frame.TELL, Frame.THINK)
        fits = takes_bare_clause and not _NO_CLAUSE.match(rest) and clauses.starts_clause(rest)
    return _Pending(cue, source, None, start, f"{cue.frame}-right") if fits else None


def _first(sentence: str, cue: Cue, free: int) -> _Pending | None:
    """The report of the first cue of a sentence."""
    left = sentence[free : cue.span.start]
    if cue.frame is Frame.ACCORDING:
        end = _source_end(sentence, cue.span.end)
        if not _LETTER.search(left) and (apposition := _APPOSED.match(sentence, end)):
            end = apposition.end()
        if _LETTER.search(left):
            source = _described(sentence, _trimmed(sentence, cue.span.end, end))
            return _Pending(cue, source, Span(free, cue.span.start), end, "according-last")
        return _Pending(cue, _trimmed(sentence, cue.span.end, end), None, end, "according-first")
    subject = _subject(sentence, free, cue.span.start)
    if cue.participle:
        return _to_the_right(sentence, cue, subject) if _PARTICIPLE_LINK.search(left[-_LINK_SPACE:]) else None
    bare = _AUXILIARY.sub("", left[-_LINK_SPACE:])
    parenthetical = cue.frame not in (Frame.OBJECT, Frame.NAME)
    if parenthetical and cue.frame is not Frame.TELL and (inverted := _inverted(sentence, cue, free, bare)):
        return inverted
    boundary = _clause_boundary(sentence, free, cue.span.start) if parenthetical else None
    after = clauses.skip_adjuncts(sentence, cue.span.end, cue.frame is Frame.TELL)
    after_quotation = boundary is not None and sentence[boundary - 1] == QUOTED
    if not after_quotation and not (boundary and _QUOTED_ASIDE.match(sentence, after)):
        cut_off = cue.frame is Frame.OBJECT and bare.rstrip().endswith(",") and clauses.has_finite_verb(left)
        if cut_off or not _LETTER.search(left) or _OWN_VOICE.search(bare):
            return None
        if right := _to_the_right(sentence, cue, subject):
            return right
    if boundary is None or not _LETTER.search(sentence, free, boundary):
        return None
    if not after_quotation and not _ASIDE_OVER.match(sentence, after):
        return None
    return _Pending(cue, _trimmed(sentence, boundary, cue.span.start), Span(free, boundary), after, "after")


def _inverted(sentence: str, cue: Cue, free: int, bare: str) -> _Pending | None:
    """The report of a cue with its source behind it: "…, said the envoy". `bare` is what stands before the cue."""
    opening = _BEFORE_INVERSION.search(bare)
    if opening is None:
        return None
    end = _source_end(sentence, cue.span.end)
    if not clauses.is_noun_phrase(sentence[cue.span.end : end]):
        return None
    if not opening[0].startswith(QUOTED):
        clause = clauses.has_finite_verb(sentence[free : cue.span.start])
        if not (sentence[end : end + 1] in _ENDS_ASIDE if clause else sentence.startswith(", ", end)):
            return None
    source = _described(sentence, _trimmed(sentence, cue.span.end, end))
    return _Pending(cue, source, Span(free, cue.span.start), end, "inverted")


def _source_end(sentence: str, start: int) -> int:
    """Where the noun phrase at `start` ends: at the next punctuation or conjunction, abbreviations aside."""
    limit = start + _SOURCE_SPACE
    match = _PHRASE_END.search(sentence, start + 1, limit)
    while match and match[0] == "." and _ABBREVIATED.search(sentence, max(start, match.start() - 6), match.start()):
        match = _PHRASE_END.search(sentence, match.end(), limit)
    return match.start() if match else min(limit, len(sentence))


def _described(sentence: str, source: Span | None) -> Span | None:
    """`source` with the apposition or relative clause behind it: "Ann Ode, who chairs the board"."""
    description = _DESCRIBED.match(sentence, source.end) if source else None
    return Span(source.start, description.end()) if source and description else source


def _clause_boundary(sentence: str, free: int, cue_start: int) -> int | None:
    """Where a source that stands right before its cue begins, if something said stands before it."""
    near = max(free, cue_start - _SOURCE_SPACE)
    quote = sentence.rfind(QUOTED, near, cue_start)
    if quote >= 0 and clauses.is_noun_phrase(_AUXILIARY.sub("", sentence[quote + 1 : cue_start]).strip(" ,—–-")):
        return quote + 1
    end = cue_start
    bare = _AUXILIARY.sub("", sentence[near:cue_start]).rstrip()
    if bare.endswith(","):  # "…, the envoy, Ann Ode, said"
        end = near + bare.rfind(", ")
        if end < near:
            return None
    comma = sentence.rfind(", ", near, end)
    while comma > free:
        phrase = _AUXILIARY.sub("", sentence[comma + 1 : end]).strip()
        if clauses.is_noun_phrase(phrase):
            if clauses.has_any_verb(sentence[near:comma]):
                return comma + 1
            if comma - free < 60:
                return None if _LEADING_ADJUNCT.match(sentence, free, comma + 2) else comma + 1
        comma = sentence.rfind(", ", near, comma)
    return None


def _subject(sentence: str, free: int, cue_start: int) -> Span | None:
    """The noun phrase before a cue that takes what follows."""
    start = max(free, cue_start - _SOURCE_SPACE)
    adjunct = _LEADING_ADJUNCT.match(sentence, start, cue_start)
    if adjunct and _LETTER.search(sentence, adjunct.end(), cue_start):
        start = adjunct.end()
    start = max(start, sentence.rfind(QUOTED, start, cue_start) + 1)
    if coordinated := _COORDINATED_VERB.search(sentence, start, cue_start):  # "The mayor smiled and said"
        verb = clauses.find_verb(sentence, start, coordinated.start())
        return _trimmed(sentence, start, verb) if verb is not None else None
    source = _trimmed(sentence, start, cue_start)
    pronoun = _LAST_PRONOUN.search(sentence, source.start, source.end) if source else None
    return Span(*pronoun.span("pronoun")) if pronoun else source


def _trimmed(sentence: str, start: int, end: int) -> Span | None:
    """`start..end` without spaces, commas and auxiliaries at its ends; None where nothing is left."""
    text = _AUXILIARY.sub("", sentence[start:end])
    end = start + len(text.rstrip(" ,;:—–-.\n"))
    start += len(text) - len(text.lstrip(" ,;:—–-.\n"))
    return Span(start, end) if start < end else None


def _close(sentence: str, pending: _Pending, end: int, reports: list[Report]) -> None:
    """Settle what `pending` reports, now that its text is known to end at `end`."""

    def report(*stretches: Span, quoted_only: bool = False) -> None:
        reports.append(Report(stretches, pending.cue.span, pending.source, quoted_only, pending.rule))

    start = pending.start
    if pending.left is None:  # each "but that" opens a further statement
        judges = pending.cue.lemma in _JUDGING and sentence.find(QUOTED, start, end) >= 0
        for contrast in [*_BUT_THAT.finditer(sentence, start, end), None]:
            part_end = contrast.start() if contrast else end
            part = Span(start, _said_until(sentence, start, part_end))
            report(part, quoted_only=judges or pending.cue.frame is Frame.NAME)
            start = contrast.end() if contrast else end
        return
    colon = sentence.rfind(": ", pending.left.start, pending.left.end)
    left = Span(colon + 1, pending.left.end) if colon >= 0 else pending.left
    said = sentence[pending.left.start : pending.left.end]
    rest = sentence[start:end]
    unfinished = not clauses.has_finite_verb(said) and not _APPOSITION.match(rest)
    goes_on = QUOTED not in said and rest.startswith(",") and (unfinished or _GOES_ON.match(rest))
    if goes_on or _QUOTED_NEXT.match(rest):
        report(left, Span(start, _said_until(sentence, start, end)))
    elif quote := _QUOTED_LATER.search(rest):
        report(left, Span(start + quote.start(), _said_until(sentence, start + quote.start(), end)))
    else:
        report(left)


def _said_until(sentence: str, start: int, end: int) -> int:
    """Where the words said end: before the reporter's comment on them, if there is one."""
    match = _COMMENT.search(sentence, start, end)
    return max(match.start("after_quotation"), match.start("dating")) if match else end
