"""Who makes each statement: the source of its attribution, resolved against the article.

A source that names somebody is looked up among the `people` the article introduces, a state or seat of power among its
`mentions`. A pronoun goes to the nearest fitting subject, where a sentence's subject is whoever speaks in it or is named
first outside quotations; a statement without attribution goes on with the speaker before it. Gender is learned on the
way: from titles ("Ms"), from nouns ("spokeswoman"), and from the pronouns resolved so far. Every statement looks at most
a few sentences back, so time is linear in the article.
"""

from __future__ import annotations

import bisect
import dataclasses
import re
from collections.abc import Sequence

from stancewire.people import Context, name_tokens
from stancewire.phrases import Reader, lookup
from stancewire.schema import Mention, Person, Span, Speaker, Statement
from stancewire.text import Document

_LOOK_BACK = 8
"""Sentences before a pronoun that may hold its antecedent."""

_HE = {"he": "male", "she": "female", "him": "male", "her": "female"}
_THEY = frozenset({"they", "both", "all", "the two", "both sides", "all three", "the three", "the pair"})
_IT = frozenset({"it", "this", "that"})
_RELATIVE = frozenset({"who", "which", "whom"})
_TRIM = " \t\r\n,;:.—–-\"'“”‘’„«»()[]"


@dataclasses.dataclass(slots=True, eq=False)
class _Voice:
    """Somebody who can speak here, and what pronouns fit."""

    name: str | None
    office: str | None
    state: str | None
    personal: bool
    plural: bool
    gender: str | None


def find_speakers(
    doc: Document, statements: Sequence[Statement], mentions: Sequence[Mention], people: Sequence[Person]
) -> list[Speaker]:
    """The speaker of each statement, in the order given; statements must be in order of the text."""
    resolver = _Resolver(doc, statements, mentions, people)
    return [resolver.speaker(statement) for statement in statements]


class _Resolver:
    def __init__(
        self, doc: Document, statements: Sequence[Statement], mentions: Sequence[Mention], people: Sequence[Person]
    ) -> None:
        self._doc = doc
        self._text = doc.text
        self._context = Context(doc, mentions)
        self._mentions = self._context.mentions
        self._mention_starts = [mention.span.start for mention in self._mentions]
        self._reader = Reader(doc.text, self._mentions)
        self._voices = [_voice(person, doc.text) for person in people]
        places = [(span, voice) for person, voice in zip(people, self._voices, strict=True) for span in person.mentions]
        self._places = sorted(places, key=lambda place: (place[0].start, place[0].end))
        self._place_starts = [span.start for span, _ in self._places]
        self._longest = max((len(span) for span, _ in places), default=0)
        quoted = sorted((span.start, span.end) for statement in statements for span in statement.spans)
        self._quoted_starts = [start for start, _ in quoted]
        self._quoted_ends = [end for _, end in quoted]
        self._said: dict[int, _Voice] = {}
        self._previous: _Voice | None = None

    def speaker(self, statement: Statement) -> Speaker:
        attribution = statement.attribution
        source = attribution.source if attribution else None
        if source is None:
            place = attribution.cue.start if attribution else statement.start
            voice, rule = self._unattributed(statement, place), "continued"
        else:
            voice, rule = self._resolve(source)
        if voice is None:
            return Speaker(None, None, None, source, "none")
        self._said[self._context.sentence(source.start if source else statement.start)] = voice
        self._previous = voice
        return Speaker(voice.name, voice.office, voice.state, source, rule)

    def _resolve(self, source: Span) -> tuple[_Voice | None, str]:
        words = source.of(self._text).strip(_TRIM)
        lower = words.casefold()
        if lower in _HE:
            return self._pronoun(source.start, _HE[lower]), "pronoun"
        if lower in _RELATIVE:
            return self._before(source.start), "relative"
        if lower in _IT:
            return self._thing(source.start), "pronoun"
        if lower in _THEY:
            return self._group(source.start) or _Voice(words, None, None, True, True, None), "pronoun"
        inside = self._mentions_in(source)
        if voice := self._joint(source, inside):
            return voice, "joint"
        if voice := self._introduced(source):
            return voice, "introduced"
        if inside and _bare(words, inside[0].span.of(self._text)):
            return _Voice(words, None, inside[0].code, False, False, None), "state"
        return self._label(words) or self._described(source, words, inside), "source"

    def _mentions_in(self, span: Span) -> Sequence[Mention]:
        low = bisect.bisect_left(self._mention_starts, span.start)
        return self._mentions[low : bisect.bisect_left(self._mention_starts, span.end)]

    def _places_in(self, span: Span) -> Sequence[tuple[Span, _Voice]]:
        """The places where people are mentioned that overlap `span`."""
        low = bisect.bisect_left(self._place_starts, max(0, span.start - self._longest))
        high = bisect.bisect_left(self._place_starts, span.end)
        return [place for place in self._places[low:high] if place[0].overlaps(span)]

    def _introduced(self, source: Span) -> _Voice | None:
        """Whoever of the people the source is, judged by the mention that covers most of it from its beginning."""
        best: tuple[int, int, _Voice] | None = None
        for span, voice in self._places_in(source):
            start, end = max(span.start, source.start), min(span.end, source.end)
            before = self._text[source.start : start]
            if len(before.split()) > 2 or re.search(r"\b(?:of|for|with|from|who|to)\b", before):
                continue
            key = (end - start, -len(span), voice)
            if best is None or key[:2] > best[:2]:
                best = key
        return best[2] if best else None

    def _joint(self, source: Span, inside: Sequence[Mention]) -> _Voice | None:
        """Several that speak as one: "Lithuania and Latvia", "Greece, Cyprus and Egypt"."""
        words = source.of(self._text).strip(_TRIM)
        rest = words
        for mention in inside:
            rest = rest.replace(mention.span.of(self._text), "", 1)
        if len({mention.code for mention in inside}) < 2 or not re.fullmatch(r"(?:[\s,]|and|both|the)+", rest):
            return None
        return _Voice(words, None, None, False, True, None)

    def _label(self, words: str) -> _Voice | None:
        """The label of a transcript: "MS. TREWHITT", "Trewhitt:"."""
        tokens = name_tokens(words)
        if not tokens or len(tokens) > 3:
            return None
        for voice in self._voices:
            if voice.name and voice.personal and tokens[-1] in name_tokens(voice.name)[-1:]:
                return voice
        return None

    def _described(self, source: Span, words: str, inside: Sequence[Mention]) -> _Voice:
        phrases = self._reader.read(source)
        state = next((phrase.state for phrase in phrases if phrase.state), None)
        return _Voice(words, None, state or (inside[0].code if inside else None), True, False, None)

    def _unattributed(self, statement: Statement, place: int) -> _Voice | None:
        """The speaker of a statement that names none: the one before, or the subject of its sentence."""
        if self._previous is not None and statement.attribution is None:
            return self._previous
        return self._subject(self._context.sentence(place), place, None, personal=None) or self._previous

    def _pronoun(self, place: int, gender: str) -> _Voice | None:
        voice = self._antecedent(place, gender)
        if voice is not None and voice.gender is None:
            voice.gender = gender
        return voice

    def _antecedent(self, place: int, gender: str) -> _Voice | None:
        number = self._context.sentence(place)
        for back in range(number, max(-1, number - _LOOK_BACK), -1):
            said = self._said.get(back)
            if said is not None and back < number and said.personal and said.gender in (None, gender):
                return said
            if voice := self._subject(back, place, gender, personal=True):
                return voice
        return self._previous

    def _subject(self, number: int, before: int, gender: str | None, personal: bool | None) -> _Voice | None:
        """Whoever is mentioned first in a sentence, outside quotations, and fits."""
        if not self._doc.sentences:
            return None
        sentence = self._doc.sentences[number]
        span = Span(sentence.start, max(sentence.start, min(sentence.end, before)))
        for place, voice in self._places_in(span):
            if place.end > span.end or self._is_quoted(place):
                continue
            if personal is not None and voice.personal != personal:
                continue
            if voice.plural or (gender and voice.gender not in (None, gender)):
                continue
            return voice
        return None

    def _is_quoted(self, span: Span) -> bool:
        index = bisect.bisect_right(self._quoted_starts, span.start) - 1
        return index >= 0 and span.end <= self._quoted_ends[index]

    def _before(self, place: int) -> _Voice | None:
        """The one mentioned just before a relative pronoun."""
        low = bisect.bisect_left(self._place_starts, place)
        return self._places[low - 1][1] if low else self._previous

    def _thing(self, place: int) -> _Voice | None:
        """The institution or state that "it" is."""
        if self._previous is not None and not self._previous.personal:
            return self._previous
        number = self._context.sentence(place)
        for back in range(number, max(-1, number - _LOOK_BACK), -1):
            if voice := self._subject(back, place, None, personal=False):
                return voice
            if found := self._context.in_sentence(back, place):
                return _Voice(found[0].span.of(self._text), None, found[0].code, False, False, None)
        return self._previous

    def _group(self, place: int) -> _Voice | None:
        if self._previous is not None and (self._previous.plural or not self._previous.personal):
            return self._previous
        return None


def _bare(words: str, name: str) -> bool:
    """Whether a source is a state's name and no more: "the Americans", "Tehran itself"."""
    rest = words.replace(name, "", 1).casefold().split()
    return set(rest) <= {"the", "itself", "meanwhile", "both", "too", "also", "side"}


def _voice(person: Person, text: str) -> _Voice:
    head = _head(person.office or "")
    entry = lookup(head) if head else None
    marks = entry.marks if entry else frozenset[str]()
    gender = next((mark for mark in ("male", "female") if mark in marks), None)
    for span in person.mentions:
        first = lookup(re.split(r"[\s.]", span.of(text), maxsplit=1)[0])
        if first is not None and first.kind == "title":
            gender = gender or next((mark for mark in ("male", "female") if mark in first.marks), None)
    personal = entry is None or entry.kind in ("office", "role")
    return _Voice(person.name, person.office, person.state, personal, "plural" in marks, gender)


def _head(office: str) -> str:
    """The head noun of an office: the last word of the list before a preposition."""
    head = ""
    for word in re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", office):
        if word.casefold() in ("of", "for", "to", "in", "at", "from", "on", "with"):
            break
        entry = lookup(word)
        if entry is not None and entry.kind in ("office", "role", "institution", "document"):
            head = word
    return head
