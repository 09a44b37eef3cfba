"""What a matched name means where it stands: the state it names, another state, a mere place, or no state at all.

The rules look a few words to the left and right, at cues anywhere in the text (the nearest decides which Georgia is meant)
and at what the text has said before ("the bloc"). They are ordered, the first that speaks decides, and each gives its
reason in words. They know English news text; elsewhere the plain match stands.
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
    """One reading of an ambiguous name: `code` (None: no state) holds where one of `cues` stands nearest to the name."""

    code: str | None
    cues: tuple[str, ...]
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a match: the code it has in this text (None: no mention), the rule that decided, the reason in words."""

    code: str | None
    rule: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """A match of the gazetteer in a text: accepted or not is for the rules to say."""

    span: Span
    entry: Entry


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A text under reading. `text` has no accents; `cues` gives the sorted starts of every cue, by the cue as in the data."""

    text: str
    matches: Sequence[Match]
    cues: Mapping[str, Sequence[int]]
    readings: Mapping[str, Sequence[Reading]]
    personal: Mapping[str, str]

    def before(self, span: Span, width: int = 40) -> str:
        return self.text[max(0, span.start - width) : span.start]

    def after(self, span: Span, width: int = 40) -> str:
        return self.text[span.end : span.end + width]


ANAPHORS: Mapping[str, frozenset[str]] = {
    "the bloc": frozenset("EU ASEAN GCC ECOWAS AU MERCOSUR BRICS CARICOM ARAB_LEAGUE SCO OIC G7 G20 OPEC".split()),
    "the alliance": frozenset(["NATO"]),
}
"""Descriptions that stand for a body named before, and the bodies they fit."""

_INSTITUTIONS = frozenset(
    "Security Council;General Assembly;Human Rights Council;Foreign Office;State Department;House of Commons;"
    "Federation Council;Department of State;Treasury Department;Defense Department;Department of Defense".split(";")
)
_OFFICES = frozenset(
    "President Prime Premier King Queen Emir Foreign Defence Defense Interior Finance Minister Ministry Government "
    "Ambassador Army Police Parliament Chancellor Crown Deputy Vice Supreme And Or Desk Programme Program Office".split()
)
_FUNCTION_WORDS = frozenset(
    "A An The And But Or Nor Yet So If In On At By For From Of To With Without Within Under Over After Before Since Until "
    "While When Where Whether Because Although Though As Than That This These Those Its His Her Their Our My Your Both "
    "Neither Either Only Even Like Unlike Not No Now Then Today Yesterday Tomorrow Why How What Who Which Did Does Do Has "
    "Have Is Are Was Were Will Would Can Could Should May Might Must Let Against Between Among Across Around Near Inside "
    "Outside Into Via Despite During Instead Meanwhile However Still Also Once Here There Perhaps Monday Tuesday Wednesday "
    "Thursday Friday Saturday Sunday January February March April June July August September October November December "
    "North South East West Northern Southern Eastern Western Central Greater".split()
)
_TO_US = frozenset("TELL LET GIVE HELP ASK JOIN SHOW SEND BRING MAKE ABOUT FOR WITH TO OF FROM AMONG BETWEEN ALL".split())

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
_DATELINE = re.compile(
    r"[A-Z][A-Z .'-]{2,30}(?:, [A-Z][A-Za-z. ]{2,30}){0,2}(?:, [A-Z][a-z]{2,8}\.? \d{1,2})?(?: ?\([^()\n]{2,40}\))? ?(?:--?|–|—) "
)
_LOCATIVE = re.compile(
    r"\b(?:in|at|near|outside|around|across|visit|visited|visiting|left|reached) (?:the |central |downtown )?$", re.I
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
    """"Russia's Security Council" is Russia's, and "the Pakistani Foreign Office" is not Britain's."""
    if match.entry.form not in _INSTITUTIONS:
        return None
    owner = _WORD_BEFORE.search(page.before(match.span))
    if owner and (owner[1].endswith(("'s", "s'")) or (owner[1][0].isupper() and owner[1] not in _FUNCTION_WORDS)):
        return Verdict(None, "owned", f"an institution of whoever {owner[1]!r} names")
    return None


def _pronoun_in_capitals(page: Page, match: Match) -> Verdict | None:
    if match.entry.form != "US" or not (word := _WORD_BEFORE.search(page.before(match.span))):
        return None
    following = _WORD_AFTER.match(page.after(match.span))
    if word[1] in _TO_US and not (following and following[1].isupper() and len(following[1]) > 3 and word[1] != "TELL"):
        return Verdict(None, "pronoun", f"the pronoun, in capitals after {word[1]!r}")
    return None


def _language(page: Page, match: Match) -> Verdict | None:
    if match.entry.evidence is not Evidence.DEMONYM or match.entry.form.endswith("s"):
        return None
    after = page.after(match.span, 5)
    if _LANGUAGE.search(page.before(match.span)) and (not after.strip() or after[0] in ".,;)" or after.startswith(" and ")):
        return Verdict(None, "language", "a language")
    return None


def _person(page: Page, match: Match) -> Verdict | None:
    """"Michael Jordan", "Jordan Smith", "Ms. Georgia": capitals beside the name that are neither office nor start of a sentence."""
    if " " in match.entry.form or match.entry.evidence is Evidence.DEMONYM and match.entry.form not in page.personal:
        return None
    before = page.before(match.span)
    if _HONORIFIC.search(before):
        return Verdict(None, "person", "a person's name after a form of address")
    borne = page.personal.get(match.entry.form)
    if borne is None:
        return None
    if borne != "given" and _INITIAL.search(before):
        return Verdict(None, "person", "a surname after an initial")
    if _in_capitals(page, match.span):
        return None
    if borne != "given" and (word := _WORD_BEFORE.search(before)) and _name_like(word[1]):
        return Verdict(None, "person", f"the surname of somebody called {word[1]!r}")
    after = page.after(match.span)
    if borne != "family" and (word := _WORD_AFTER.match(after)) and _name_like(word[1].removesuffix("'s")):
        if _matched_at(page, match.span.end + 1) or word[1] in _OFFICES:
            return None
        return Verdict(None, "person", f"the given name of somebody called {word[1]!r}")
    return None


def _name_like(word: str) -> bool:
    return (
        word[0].isupper()
        and not word.isupper()
        and word not in _FUNCTION_WORDS
        and word not in _OFFICES
        and not word.endswith((".", "'s", "ing", "ed"))
    )


def _matched_at(page: Page, start: int) -> bool:
    at = bisect.bisect_left(page.matches, start, key=lambda match: match.span.start)
    return at < len(page.matches) and page.matches[at].span.start == start


def _in_capitals(page: Page, span: Span) -> bool:
    """Whether the line is a headline, where capitals tell nothing: most of its longer words have one."""
    line = page.before(span, 120).rpartition("\n")[2] + page.text[span.start : span.end] + page.after(span, 120).partition("\n")[0]
    words = re.findall(r"[^\W\d_]{4,}", line)
    return len(words) > 3 and sum(word[0].isupper() for word in words) > 0.7 * len(words)


def _ambiguous(page: Page, match: Match) -> Verdict | None:
    """The reading whose cue stands nearest."""
    best: tuple[int, Reading] | None = None
    for reading in page.readings.get(match.entry.form, ()):
        for cue in reading.cues:
            if starts := page.cues.get(cue):
                at = bisect.bisect_left(starts, match.span.start)
                near = min(abs(start - match.span.start) for start in starts[max(0, at - 1) : at + 1])
                if best is None or near < best[0]:
                    best = near, reading
    if best is None:
        return None
    return Verdict(best[1].code, "cue" if best[1].code else "namesake", best[1].reason)


def _place(page: Page, match: Match) -> Verdict | None:
    """A city in a dateline or after a preposition of place says where, not who."""
    if match.entry.evidence is Evidence.DEMONYM:
        return None
    start = page.text.rfind("\n", max(0, match.span.start - 60), match.span.start) + 1
    if (start or match.span.start < 60) and (line := _DATELINE.match(page.text, start)) and match.span.end <= line.end():
        return Verdict(match.entry.code, "dateline", "the place of the dateline, in the country")
    if match.entry.evidence is Evidence.SEAT and _LOCATIVE.search(page.before(match.span)):
        return Verdict(match.entry.code, "place", "a place, in the country")
    return None


_RULES: tuple[Callable[[Page, Match], Verdict | None], ...] = (
    _pronoun_in_capitals, _treaty, _publisher, _institution, _language, _person, _ambiguous, _place,
)  # fmt: skip


def judge(page: Page) -> Iterator[tuple[Match, Verdict]]:
    """Read every match of the page, in order."""
    verdicts = [_first(page, match) for match in page.matches]
    people = _names_of_people(page, verdicts)
    body: str | None = None
    for match, verdict in zip(page.matches, verdicts, strict=True):
        if fits := ANAPHORS.get(match.entry.form.lower()):
            known = body in fits
            verdict = Verdict(body if known else None, "anaphor", "stands for the body named before")  # noqa: PLW2901
        elif verdict.code and match.entry.form in people:
            verdict = Verdict(None, "person", "a person of that name, as elsewhere in the text")  # noqa: PLW2901
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
    if entry.form.endswith("-"):
        return Verdict(entry.code, "combining-form", "a combining form")
    rule_name = {Evidence.NAMED: "name", Evidence.DEMONYM: "demonym", Evidence.SEAT: "seat"}[entry.evidence]
    return Verdict(entry.code, rule_name, {"name": "a name", "demonym": "a demonym", "seat": "a seat of power"}[rule_name])


def _names_of_people(page: Page, verdicts: Sequence[Verdict]) -> frozenset[str]:
    """Names that a person of the text bears, where nothing else in the text speaks for the state of that name."""
    borne = {m.entry.form for m, v in zip(page.matches, verdicts, strict=True) if v.rule == "person"}
    speaks = {(m.entry.code, m.entry.form) for m, v in zip(page.matches, verdicts, strict=True) if v.code}
    return frozenset(
        form for form in borne for code in (_code_of(page, form),) if not any(c == code and f != form for c, f in speaks)
    )


def _code_of(page: Page, form: str) -> str | None:
    return next(match.entry.code for match in page.matches if match.entry.form == form)
