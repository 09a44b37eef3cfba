"""The gazetteer: which words of a text stand for a state or a body, and why.

One Aho-Corasick pass over the folded text (lower case, no accents) finds every name, demonym and seat of power of
`data/states.tsv` together with the false friends of `data/false_friends.tsv` ("Latin American"); the longest match
wins. `readings` then settles what the words alone leave open. Names are closed lists, so recall ends where the lists
end; in return a match costs time linear in the text and can be explained (`Gazetteer.explain`, `stancewire states`).

    >>> [m.code for m in Gazetteer.default().find("Moscow warned the Franco-German envoys over Georgia.")]
    ['RUS', 'FRA', 'DEU', 'GEO']
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import ahocorasick

from stancewire import readings
from stancewire.readings import Entry, Lore, Match, Page, Reading, Verdict
from stancewire.schema import Evidence, Mention, Span


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """What a name resolves to, and why. `code`, `name` and `evidence` are None where it stands for no state.

    `suggestions` are known names close to a text in which nothing was found.
    """

    text: str
    code: str | None
    name: str | None
    evidence: Evidence | None
    reason: str
    suggestions: tuple[str, ...] = ()


class Gazetteer:
    """Names, demonyms and seats of states and bodies, ready to be found in text. Immutable; share one (`default`).

    Args:
        names: English display name by code.
        entries: every form, false friends among them.
        lore: what the rules of `readings` have to know beside the names.

    Raises:
        ValueError: where two entries give one form to two states.
    """

    def __init__(
        self,
        names: Mapping[str, str],
        entries: Iterable[Entry],
        lore: Lore,
    ) -> None:
        self._names = dict(names)
        self._lore = lore
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            known = self._entries[_fold(entry.form).lower()]
            if known and known[0].code != entry.code:
                raise ValueError(
                    f"{entry.form!r} is given to {known[0].code} and to {entry.code}; it can have one code"
                )
            known.append(entry)
        self._names_automaton = _automaton(self._entries)
        cues = {cue for group in lore.readings.values() for reading in group for cue in reading.cues}
        self._cues = {_fold(cue).lower(): cue for cue in cues}
        self._cues_automaton = _automaton(self._cues)

    @staticmethod
    @functools.cache
    def default() -> Gazetteer:
        """The gazetteer of the packaged tables, read once."""
        names: dict[str, str] = {}
        entries = [Entry(form, None, Evidence.PRONOUN) for form in readings.ANAPHORS]
        for code, *columns in _rows("states.tsv"):
            names[code] = _forms(columns[0])[0]
            for evidence, cell in zip((Evidence.NAMED, Evidence.DEMONYM, Evidence.SEAT), columns, strict=True):
                entries += (Entry(form, code, evidence) for form in _forms(cell))
        for cell, reason in _rows("false_friends.tsv"):
            entries += (Entry(form, None, reason=reason) for form in _forms(cell))
        ambiguous: dict[str, list[Reading]] = defaultdict(list)
        for cell, code, cues, reason in _rows("ambiguous_names.tsv"):
            for form in _forms(cell):
                ambiguous[form].append(Reading(None if code == "-" else code, tuple(_forms(cues)), reason))
        personal = {form: borne for form, borne, *_ in _rows("personal_names.tsv")}
        words = {group: frozenset(_forms(cell)) for group, cell in _rows("reading_words.tsv")}
        return Gazetteer(names, entries, Lore(ambiguous, personal, words))

    @property
    def codes(self) -> frozenset[str]:
        """Every code of the table: states, former states, territories and bodies."""
        return frozenset(self._names)

    def name(self, code: str) -> str:
        """The English display name of a code.

        Raises:
            KeyError: for a code that is not in the table.
        """
        if code not in self._names:
            raise KeyError(f"{code!r} is no code of a state or body (Gazetteer.codes lists them)")
        return self._names[code]

    def find(self, text: str) -> list[Mention]:
        """Every mention of a state or body, in order, none overlapping another; in time linear in `text`."""
        return [
            Mention(match.span, verdict.code, match.entry.evidence, verdict.rule)
            for match, verdict in self._judge(text)
            if verdict.code
        ]

    def explain(self, query: str) -> list[Explanation]:
        """What each name in `query` stands for and why, refused names among them; near names where nothing is known."""
        explanations = []
        for match, verdict in self._judge(query):
            surface = match.span.of(query)
            if verdict.code is None:
                explanations.append(Explanation(surface, None, None, None, verdict.reason))
            else:
                name = self._names[verdict.code]
                explanations.append(Explanation(surface, verdict.code, name, match.entry.evidence, verdict.reason))
            for reading in self._lore.readings.get(match.entry.form, ()):
                if reading.code != verdict.code:
                    reason = f"{reading.reason}, where the text has {', '.join(reading.cues[:3])} or the like"
                    name_or_none = self._names[reading.code] if reading.code else None
                    evidence = match.entry.evidence if reading.code else None
                    explanations.append(Explanation(surface, reading.code, name_or_none, evidence, reason))
        return explanations or [self._unknown(query)]

    def _unknown(self, query: str) -> Explanation:
        known = {key: group[0].form for key, group in self._entries.items() if group[0].code}
        close = difflib.get_close_matches(_fold(query).lower().strip(), known, n=3, cutoff=0.75)
        return Explanation(query, None, None, None, "no known state or body", tuple(known[key] for key in close))

    def _judge(self, text: str) -> Iterator[tuple[Match, Verdict]]:
        plain = _fold(text)
        return readings.judge(Page(plain, self._matches(plain), self._find_cues(plain), self._lore))

    def _matches(self, plain: str) -> list[Match]:
        """Longest matches from the left, none overlapping, at word boundaries and with the capitals of the table."""
        found = []
        for start, end, key in _occurrences(self._names_automaton, plain):
            if entry := _cased(plain[start:end], self._entries[key]):
                found.append((start, end - key.endswith("-"), entry))
        found.sort(key=lambda match: (match[0], -match[1]))
        matches: list[Match] = []
        position = 0
        for start, end, entry in found:
            if start >= position:
                matches.append(Match(Span(start, end), entry))
                position = end
        return matches

    def _find_cues(self, plain: str) -> dict[str, list[int]]:
        places: dict[str, list[int]] = defaultdict(list)
        for start, _, key in _occurrences(self._cues_automaton, plain):
            places[self._cues[key]].append(start)
        return places


_LEVEL = dict(zip("’‘ʼ‐‑\xa0øØłŁı", "'''-- oOlLi", strict=True))


class _Fold(dict[int, str]):
    """A table for `str.translate`: accents off, apostrophes and hyphens levelled, one character for one."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        base = _LEVEL.get(character) or unicodedata.normalize("NFD", character)[0]
        self[point] = base if len(base.lower()) == 1 else character
        return self[point]


_FOLD = _Fold()


def _fold(text: str) -> str:
    """The text without accents, of the same length."""
    return text.translate(_FOLD)


def _rows(file: str) -> Iterator[list[str]]:
    """The rows of a packaged table after comments and header, filled up to the header's width."""
    text = resources.files("stancewire").joinpath("data", file).read_text(encoding="utf-8")
    header, *rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    for row in rows:
        yield row + [""] * (len(header) - len(row))


def _forms(cell: str) -> list[str]:
    return [form for form in cell.split(";") if form]


def _automaton(keys: Iterable[str]) -> Any:
    automaton = ahocorasick.Automaton()
    for key in keys:
        automaton.add_word(key, key)
    automaton.make_automaton()
    return automaton


def _occurrences(automaton: Any, plain: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and key of each key that no letter or digit touches; a combining form ("sino-") ends at a letter."""
    for last, key in automaton.iter(plain.lower().replace("\n", " ")):
        start, end = last + 1 - len(key), last + 1
        if start and plain[start - 1].isalnum():
            continue
        after = plain[end : end + 1]
        if after.isalpha() if key.endswith("-") else not after.isalnum():
            yield start, end, key


def _cased(surface: str, entries: Sequence[Entry]) -> Entry | None:
    """The entry whose capitals `surface` has: those of the table, a capital at the start, or capitals throughout."""
    surface = surface.replace("\n", " ")
    for entry in entries:
        form = _fold(entry.form)
        if surface in (form, form[0].upper() + form[1:]) or (surface.isupper() and len(surface) > 2):
            return entry
    return None
