"""What a matched name means where it stands: the state it names, another state, a mere place, or no state at all.

The rules look a few words to the left and right, at cues anywhere in the text (the nearest decides which Georgia is
meant) and at what the text has said before ("the bloc"). They are ordered, the first that speaks decides, and each
gives its reason in words. They know English news text; elsewhere the plain match stands.
"""

from __future__ import annotations

import bisect
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from stancewire.schema import Evidence, Span


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One form of a name, as the data gives it. `code` is None for a false friend, whose `reason` says what it is."""

    form: str
    code: str | None
    evidence: Evidence = Evidence.NAMED
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """One reading of an ambiguous name: `code` (None: no state) holds where one of `cues` stands nearest."""

    code: str | None
    cues: tuple[str, ...]
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a match: its code in this text (None: no mention), the rule that decided, the reason in words."""

    code: str | None
    rule: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """A match of the gazetteer in a text: accepted or not is for the rules to say."""

    span: Span
    entry: Entry


@dataclasses.dataclass(frozen=True, slots=True)
class Lore:
    """What the tables say beside the names: readings by form, how people bear a form, and groups of words."""

    readings: Mapping[str, Sequence[Reading]]
    personal: Mapping[str, str]
    words: Mapping[str, frozenset[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A text under reading. `text` has no accents; `cues` gives the sorted starts of each cue that occurs in it."""

    text: str
    matches: Sequence[Match]
    cues: Mapping[str, Sequence[int]]
    lore: Lore

    def before(self, span: Span, width: int = 40) -> str:
        return self.text[max(0, span.start - width) : span.start]

    def after(self, span: Span, width: int = 40) -> str:
        return self.text[span.end : span.end + width]


_BLOCS = frozenset(
    [
        "ARAB_LEAGUE",
        "ASEAN",
        "AU",
        "BRICS",
        "CARICOM",
        "ECOWAS",
        "EU",
        "G20",
        "G7",
        "GCC",
        "MERCOSUR",
        "OIC",
        "OPEC",
        "SCO",
    ]
)
ANAPHORS: Mapping[str, frozenset[str]] = {"the bloc": _BLOCS, "the alliance": frozenset(["NATO"])}
"""Descriptions that stand for a body named before, and the bodies they fit."""

_WORD_BEFORE = re.compile(r"([^\W\d_][\w.'&-]*) $")
_WORD_AFTER = re.compile(r" ([^\W\d_][\w.'-]*)")
_HONORIFIC = re.compile(r"\b(?i:mr|mrs|ms|miss|dr|sir|dame|sen|rep|judge|justice|sgt|capt|gen)\.? $")
_INITIAL = re.compile(r"(?:^|[^\w.])[A-Z]\. $")
_TREATY = re.compile(
    r" (?:climate |peace |nuclear |ceasefire )?"
    r"(?:agreements?|accords?|conventions?|protocols?|treat(?:y|ies)|statute|consensus|club|memorandum)\b",
    re.I,
)
_PUBLISHER = re.compile(
    r" (?:Times|Post|Herald|Daily|Telegraph|Tribune|Gazette|Journal|Observer|Airlines|Airways|University|Marathon"
    r"|Stock Exchange|Film Festival|Opera|Philharmonic|Symphony|Airport|International Airport)\b"
)
_LANGUAGE = re.compile(r"\b(?:in|speaks?|spoke|speaking|into|from) $")
_PHRASE_ENDS = re.compile(r"\s*(?:$|[.,;:)]|and\b|\n)")
_DATELINE = re.compile(
    r"[A-Z][A-Z .'-]{2,30}(?:, [A-Z][A-Za-z. ]{2,30}){0,2}(?:, [A-Z][a-z]{2,8}\.? \d{1,2})?"
    r"(?: ?\([^()\n]{2,40}\))? ?(?:--?|–|—) "
)
_LOCATIVE = re.compile(
    r"\b(?:in|near|outside|around|across|visit|visited|visiting|left|reached) (?:central |downtown )?$", re.I
)


def _treaty(page: Page, match: Match) -> Verdict | None:
    if match.entry.evidence is Evidence.SEAT and _TREATY.match(page.after(match.span)):
        return Verdict(None, "treaty", "a treaty named after the city")
    return None


def _publisher(page: Page, match: Match) -> Verdict | None:
    if match.entry.evidence is not Evidence.DEMONYM and _PUBLISHER.match(page.after(match.span)):
        return Verdict(None, "publisher", "part of the name of a newspaper, a company or a venue")
    return None


def _institution(page: Page, match: Match) -> Verdict | None:
    """Of another state: "Russia's Security Council", "the Pakistani Foreign Office"."""
    if match.entry.form not in page.lore.words["institution"]:
        return None
    owner = _WORD_BEFORE.search(page.before(match.span))
    if owner and (
        owner[1].endswith(("'s", "s'")) or (owner[1][0].isupper() and owner[1] not in page.lore.words["function"])
    ):
        return Verdict(None, "owned", f"an institution of whoever {owner[1]!r} names")
    return None


def _pronoun_in_capitals(page: Page, match: Match) -> Verdict | None:
    if match.entry.form != "US" or not (word := _WORD_BEFORE.search(page.before(match.span))):
        return None
    following = _WORD_AFTER.match(page.after(match.span))
    if word[1] in page.lore.words["to_us"] and not (
        following and following[1].isupper() and len(following[1]) > 3 and word[1] != "TELL"
    ):
        return Verdict(None, "pronoun", f"the pronoun, in capitals after {word[1]!r}")
    return None


def _language(page: Page, match: Match) -> Verdict | None:
    if match.entry.evidence is not Evidence.DEMONYM or match.entry.form.endswith("s"):
        return None
    if _LANGUAGE.search(page.before(match.span)) and _PHRASE_ENDS.match(page.after(match.span)):
        return Verdict(None, "language", "a language")
    return None


def _person(page: Page, match: Match) -> Verdict | None:
    """Part of a person's name: "Michael Jordan", "Jordan Smith", "Ms. Georgia"."""
    if " " in match.entry.form or (
        match.entry.evidence is Evidence.DEMONYM and match.entry.form not in page.lore.personal
    ):
        return None
    before = page.before(match.span)
    if _HONORIFIC.search(before):
        return Verdict(None, "person", "a person's name after a form of address")
    borne = page.lore.personal.get(match.entry.form)
    if borne is None:
        return None
    if borne != "given" and _INITIAL.search(before):
        return Verdict(None, "surname", "a surname after an initial")
    if _in_capitals(page, match.span):
        return None
    if borne != "given" and (word := _WORD_BEFORE.search(before)) and _name_like(page, word[1]):
        return Verdict(None, "surname", f"the surname of somebody called {word[1]!r}")
    word = _WORD_AFTER.match(page.after(match.span))
    if borne != "family" and word and _name_like(page, word[1].rstrip(".").removesuffix("'s")):
        if _matched_at(page, match.span.end + 1):
            return None
        return Verdict(None, "person", f"the given name of somebody called {word[1]!r}")
    return None


def _name_like(page: Page, word: str) -> bool:
    return (
        word[0].isupper()
        and not word.isupper()
        and word not in page.lore.words["function"]
        and word not in page.lore.words["office"]
        and not word.endswith((".", "'s", "ing", "ed"))
    )


def _matched_at(page: Page, start: int) -> bool:
    at = bisect.bisect_left(page.matches, start, key=lambda match: match.span.start)
    return at < len(page.matches) and page.matches[at].span.start == start


def _in_capitals(page: Page, span: Span) -> bool:
    """Whether the line is a headline, where capitals tell nothing: most of its longer words have one."""
    left, right = page.before(span, 120).rpartition("\n")[2], page.after(span, 120).partition("\n")[0]
    words = re.findall(r"[^\W\d_]{4,}", left + right)
    return len(words) > 3 and sum(word[0].isupper() for word in words) > 0.7 * len(words)


def _ambiguous(page: Page, match: Match) -> Verdict | None:
    """The reading whose cue stands nearest."""
    best: tuple[int, Reading] | None = None
    for reading in page.lore.readings.get(match.entry.form, ()):
        for cue in reading.cues:
            if starts := page.cues.get(cue):
                at = bisect.bisect_left(starts, match.span.start)
                near = min(abs(start - match.span.start) for start in starts[max(0, at - 1) : at + 1])
                if best is None or near < best[0]:
                    best = near, reading
    if best is None:
        return None
    return Verdict(best[1].code, "cue" if best[1].code else "namesake", best[1].reason)


def _apposition(page: Page, match: Match) -> Verdict | None:
    """Told apart by the text itself: "Georgia, the country", "the state of Washington"."""
    readings = page.lore.readings.get(match.entry.form, ())
    if any(reading.code is None for reading in readings):
        if re.match(r"\W{1,3}the country\b", page.after(match.span)):
            return Verdict(match.entry.code, "apposition", "called a country")
        if re.search(r"\bstate of $", page.before(match.span)):
            return Verdict(None, "apposition", "called a state within a country")
    return None


def _place(page: Page, match: Match) -> Verdict | None:
    """A city in a dateline or after a preposition of place says where, not who."""
    if match.entry.evidence is Evidence.DEMONYM:
        return None
    start = page.text.rfind("\n", max(0, match.span.start - 60), match.span.start) + 1
    if (
        (start or match.span.start < 60)
        and (line := _DATELINE.match(page.text, start))
        and match.span.end <= line.end()
    ):
        return Verdict(match.entry.code, "dateline", "the place of the dateline, in the country")
    if match.entry.evidence is Evidence.SEAT and _LOCATIVE.search(page.before(match.span)):
        return Verdict(match.entry.code, "place", "a place, in the country")
    return None


_RULES: tuple[Callable[[Page, Match], Verdict | None], ...] = (
    _pronoun_in_capitals, _treaty, _publisher, _institution, _language, _person, _apposition, _ambiguous, _place,
)  # fmt: skip


_PLAIN = {
    "-": ("combining-form", "a combining form"),
    Evidence.NAMED: ("name", "a name"),
    Evidence.DEMONYM: ("demonym", "a demonym"),
    Evidence.SEAT: ("seat", "a seat of power"),
}
"""Rule and reason where nothing but the match itself speaks."""


def judge(page: Page) -> Iterator[tuple[Match, Verdict]]:
    """Read every match of the page, in order."""
    verdicts = [_first(page, match) for match in page.matches]
    people = _surnames(page, verdicts)
    body: str | None = None
    for match, verdict in zip(page.matches, verdicts, strict=True):
        if fits := ANAPHORS.get(match.entry.form.lower()):
            verdict = Verdict(
                body if body in fits else None, "anaphor", "stands for the body named last, where it fits one"
            )
        elif verdict.code and match.entry.form in people:
            verdict = Verdict(None, "person", "a person of that name, as elsewhere in the text")
        elif any(verdict.code in codes for codes in ANAPHORS.values()):
            body = verdict.code
        yield match, verdict


def _first(page: Page, match: Match) -> Verdict:
    entry = match.entry
    if entry.code is None:
        return Verdict(None, "false-friend", entry.reason)
    for rule in _RULES:
        if verdict := rule(page, match):
            return verdict
    return Verdict(entry.code, *_PLAIN["-" if entry.form.endswith("-") else entry.evidence])


def _surnames(page: Page, verdicts: Sequence[Verdict]) -> frozenset[str]:
    """Forms that are somebody's surname in the text, which may go on without the given name ("Jordan said").

    Left out where another form speaks for the state as well ("Amman"), so that the bare name may be either.
    """
    read = list(zip(page.matches, verdicts, strict=True))
    others: dict[str | None, set[str]] = {}
    for match, verdict in read:
        if verdict.code:
            others.setdefault(match.entry.code, set()).add(match.entry.form)
    return frozenset(
        match.entry.form
        for match, verdict in read
        if verdict.rule == "surname" and others.get(match.entry.code, set()) <= {match.entry.form}
    )
