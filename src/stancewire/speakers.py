"""Who makes each statement: the source of its attribution, resolved against the article.

A source that names somebody is looked up among the `people` the article introduces, a state or seat of power among
its `mentions`. A pronoun goes to the nearest fitting subject, where a sentence's subject is whoever speaks in it or is
named first outside quotations; a statement without attribution goes on with the speaker before it, unless the text has
turned to somebody else. Gender is learned on the way: from titles ("Ms"), from nouns ("spokeswoman"), and from the
pronouns resolved so far. Every statement looks at most a few sentences back, so time is linear in the article.
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

_OPENING = 24
"""Characters before the institution that a sentence is about: "Asked to comment, the embassy"."""

_HE = {"he": "male", "she": "female", "him": "male", "her": "female"}
_THEY = frozenset({"they", "both", "all", "the two", "both sides", "all three", "the three", "the pair"})
_IT = frozenset({"it", "this", "that"})
_RELATIVE = frozenset({"who", "which", "whom"})
_ANSWER = re.compile(r"A|Answer|ANSWER")
_QUESTION = re.compile(r"Q|Question|QUESTION|REPORTER|Reporter")
_NESTED = re.compile(r"\b(?:of|for|with|from|who|to)\b")
_ADVERBIAL = re.compile(
    r"(?:In|At|On|Of|After|Before|For|From|When|Where|While|As|By|With|Asked|Emerging|Speaking|Pressed|Reached)\b"
)
_DOCUMENT = re.compile(r"(?:the|this|that|a|an) (?:\w+ )?(?:statement|letter|message|note|text)", re.IGNORECASE)
_GAP = re.compile(
    r"[\s,.;:'\"’”»“–—-]{1,6}"
    r"(?P<link>(?:[Tt]hus|[Ss]o|(?:This|That|So) (?:is|was|from)|[Ww]ith these words|[Ii]n the words of)\s)?"
)
_ISSUED = re.compile(r"\b(?:by|of|from) $")
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
    document: bool = False


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
        self._last_end = 0
        self._said: dict[int, _Voice] = {}
        self._previous: _Voice | None = None

    def speaker(self, statement: Statement) -> Speaker:
        attribution = statement.attribution
        source = attribution.source if attribution else None
        if source is None:
            voice, rule = self._unattributed(statement), "continued"
        else:
            voice, rule = self._resolve(source)
        self._last_end = max(self._last_end, statement.end, attribution.cue.end if attribution else 0)
        if voice is None:
            return Speaker(None, None, None, source, "none")
        self._said[self._context.sentence(source.start if source else statement.start)] = voice
        self._previous = voice
        return Speaker(voice.name, voice.office, voice.state, source, rule)

    def _resolve(self, source: Span) -> tuple[_Voice | None, str]:
        words = source.of(self._text).strip(_TRIM)
        if not words:
            return self._previous, "continued"
        if ": " in words:
            source = Span(source.start + source.of(self._text).rindex(": ") + 2, source.end)
            words = source.of(self._text).strip(_TRIM)
        if voice := self._by_pronoun(source, words):
            return voice, "pronoun"
        if _ANSWER.fullmatch(words):
            return self._interviewee(), "label"
        if _QUESTION.fullmatch(words):
            return _Voice(words, None, None, True, False, None), "label"
        inside = self._mentions_in(source)
        if voice := self._joint(words, inside):
            return voice, "joint"
        if _DOCUMENT.fullmatch(words) and (voice := self._thing(source.start)):
            return voice, "document"
        if voice := self._introduced(source):
            return voice, "introduced"
        if voice := self._label(words):
            return voice, "label"
        if inside and _bare(words, inside[0].span.of(self._text)):
            return _Voice(inside[0].span.of(self._text), None, inside[0].code, False, False, None), "state"
        if inner := re.findall(r"\b(he|she)\b", words):
            return self._pronoun(source.start, _HE[inner[-1]]), "pronoun"
        return self._described(source, words, inside), "source"

    def _by_pronoun(self, source: Span, words: str) -> _Voice | None:
        """Whoever a pronoun means, where the source is one or ends in one: "he", "Of the Algerians he"."""
        last = re.split(r"[\s,;:]", words)[-1].casefold()
        place = source.start + max(0, source.of(self._text).rfind(last))
        if last in _HE:
            return self._pronoun(place, _HE[last])
        if last in _RELATIVE:
            return self._before(place)
        if last in _IT:
            return self._thing(place)
        first = words.split()[0].casefold()
        if first in ("he", "she") and self._ending(source) is None:
            return self._pronoun(source.start, _HE[first])
        if first in _RELATIVE:
            return self._before(source.start)
        if first == "it":
            return self._thing(source.start)
        if words.casefold() in _THEY:
            return self._group() or _Voice(words, None, None, True, True, None)
        return None

    def _interviewee(self) -> _Voice | None:
        """Who answers in an interview: the person the article speaks of first."""
        named = [voice for voice in self._voices if voice.personal and voice.name and not voice.plural]
        return next((voice for voice in named if voice.name and len(name_tokens(voice.name)) > 1), None)

    def _mentions_in(self, span: Span) -> Sequence[Mention]:
        low = bisect.bisect_left(self._mention_starts, span.start)
        return self._mentions[low : bisect.bisect_left(self._mention_starts, span.end)]

    def _places_in(self, span: Span) -> Sequence[tuple[Span, _Voice]]:
        """The places where people are mentioned that overlap `span`."""
        low = bisect.bisect_left(self._place_starts, max(0, span.start - self._longest))
        high = bisect.bisect_left(self._place_starts, span.end)
        return [place for place in self._places[low:high] if place[0].overlaps(span)]

    def _introduced(self, source: Span) -> _Voice | None:
        """Whoever of the people the source is: the mention that begins it and covers most, else one that ends it."""
        best: tuple[int, int, _Voice] | None = None
        for span, voice in self._places_in(source):
            start, end = max(span.start, source.start), min(span.end, source.end)
            before = self._text[source.start : start]
            if len(before.split()) > 2 or _NESTED.search(before):
                continue
            if best is None or (end - start, -len(span)) > best[:2]:
                best = (end - start, -len(span), voice)
        if best is None or _ADVERBIAL.match(source.of(self._text)):
            return self._ending(source) or (best[2] if best else None)
        return (self._issuer(source) if best[2].document else None) or best[2]

    def _issuer(self, source: Span) -> _Voice | None:
        """The institution whose document a source is: "a statement by the foreign ministry"."""
        for span, voice in self._places_in(source):
            before = self._text[max(source.start, span.start - 6) : span.start]
            if not (voice.personal or voice.document) and _ISSUED.search(before):
                return voice
        return None

    def _ending(self, source: Span) -> _Voice | None:
        """Whoever a clause or an adverbial that stands for a source ends with: "Two days earlier the president"."""
        end = source.start + len(source.of(self._text).rstrip(_TRIM))
        for span, voice in self._places_in(source):
            before = self._text[max(source.start, span.start - 6) : span.start]
            if span.end >= end and before and not _NESTED.search(before):
                return voice
        return None

    def _joint(self, words: str, inside: Sequence[Mention]) -> _Voice | None:
        """Several that speak as one: "Lithuania and Latvia", "Greece, Cyprus and Egypt"."""
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
            if (
                voice.name
                and voice.personal
                and tokens[-1] in {*name_tokens(voice.name)[-1:], *name_tokens(voice.name)[:1]}
            ):
                return voice
        return None

    def _described(self, source: Span, words: str, inside: Sequence[Mention]) -> _Voice:
        phrases = self._reader.read(source)
        state = next((phrase.state for phrase in phrases if phrase.state), None)
        return _Voice(words, None, state or (inside[0].code if inside else None), True, False, None)

    def _unattributed(self, statement: Statement) -> _Voice | None:
        """The speaker of a statement that names none: whoever the text has turned to since, else the one before."""
        if statement.rule == "answer":
            return self._interviewee() or self._previous
        if statement.attribution is not None:
            place = statement.attribution.cue.start
            return self._subject(self._context.sentence(place), place, None, personal=None) or self._previous
        if voice := self._following(statement.end):
            return voice
        last = self._context.sentence(statement.start)
        first = self._context.sentence(self._last_end) + 1 if self._previous is not None else 0
        for number in range(last, max(first, last - 2) - 1, -1):
            if number == last and (voice := self._opening_institution(statement.start)):
                return voice
            if voice := self._subject(number, statement.start, None, personal=True):
                return voice
        return self._previous

    def _opening_institution(self, before: int) -> _Voice | None:
        """The institution that the sentence opens with: "The foreign ministry blames it on what it calls"."""
        start = self._context.opening(before)
        index = bisect.bisect_left(self._place_starts, start)
        for span, voice in self._places[index : index + 3]:
            if voice.personal or span.start - start > _OPENING or span.end > before:
                return None
            if not voice.document and not self._is_quoted(span):
                return voice
        return None

    def _following(self, end: int) -> _Voice | None:
        """Whoever is named right after a quotation: "…," spokeswoman Tal Ronen; “…” Thus the governor."""
        gap = _GAP.match(self._text, end)
        if gap is None or "\n\n" in gap[0]:
            return None
        if not gap["link"] and self._context.sentence(gap.end()) != self._context.sentence(end - 1):
            return None
        index = bisect.bisect_left(self._place_starts, gap.end())
        if index < len(self._places) and self._place_starts[index] == gap.end():
            return max(self._places[index : index + 3], key=lambda p: (p[0].start == gap.end(), len(p[0])))[1]
        return None

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
            if personal is not None and (voice.personal != personal or voice.document):
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
        index = bisect.bisect_left(self._mention_starts, place) - 1
        if index >= 0 and self._text[self._mentions[index].span.end : place].strip(" ,") == "":
            span = self._mentions[index].span
            if not self._places_in(span):
                return _Voice(span.of(self._text), None, self._mentions[index].code, False, False, None)
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

    def _group(self) -> _Voice | None:
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
    document = entry is not None and entry.kind == "document"
    return _Voice(person.name, person.office, person.state, personal, "plural" in marks, gender, document)


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
