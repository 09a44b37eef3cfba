"""Who an article introduces: persons and institutions with name, office and the state they speak for.

One pass over the phrases of `phrases.Reader`, in order: each either joins somebody already met (a full name its shorter
forms, an office its holder, "the ministry" the last ministry) or introduces somebody new. The state comes from the
phrase itself ("Japan's ambassador in Manila"), else from what it belongs to ("a spokesman for the presidential
office"), else from where the article is at that point. Rules of thumb, not a coreference model: they cost microseconds
and can be read, and they err where an article leans on knowledge of the world.
"""

from __future__ import annotations

import bisect
import dataclasses
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence

from stancewire import places
from stancewire.phrases import Kind, Phrase, Reader, words_of
from stancewire.schema import Mention, Person, Span
from stancewire.text import Document

_LOWER = re.compile(r"(?<!\w)[^\W\d_A-Z][^\W\d_]*")
_DATELINE = re.compile(
    r"\W{0,3}((?:[^\W\d_a-z]['’]?[^\W\d_a-z'’ ]{2}|[A-Z][\w/]{1,30} \()[^\n:—–]{0,60}?)(?:\s[-–—]{1,2}\s|—|:\s|(?<=\d)\.\s)"
)
_QUOTED = re.compile(r"[\"“«„][^\"”»“\n]*[\"”»“]")
_AMERICAN = re.compile(r"\b(?:(?:Sen|Rep)\. [A-Z]|M[RS]S?\. [A-Z]{2,}:|[RD]-[A-Z][a-z]|Republicans?\b|Democrats?\b)")
_FINITE = re.compile(
    r"is|was|has|had|does|did|got|spent|left|took|made|went|came|wrote|read|put|gave|sat|stood|thinks|wants|[a-z]+ed"
)
_FRONTED = frozenset(["in", "from", "at", "over in", "for", "back in", "but in", "and in", "only"])
_FRONT = 40
_MEMORY = 12
_LOOK_BACK = 8
_CONGRESSIONAL = frozenset(
    """president secretary administration senator representative congressman congresswoman governor undersecretary
    congress senate house treasury department""".split()
)
_PARLIAMENTARY = frozenset("minister ministry premier chancellor king queen mp parliament".split())
_BODIES = frozenset(
    """EU NATO UN AU ASEAN ARAB_LEAGUE GCC OPEC BRICS OIC G7 G20 SCO ECOWAS CARICOM MERCOSUR IAEA IMF WTO ICC""".split()
)
_PAST = frozenset("former retired old ex".split())
_PUBLIC_TITLES = frozenset("sen rep gen lt col maj capt adm brig gov cmdr comdr pres hon".split())
_RANKS = frozenset("deputy vice assistant former opposition shadow acting".split())
_VOICES = frozenset("spokesman spokeswoman spokesperson official aide".split())


def find_people(doc: Document, mentions: Sequence[Mention]) -> tuple[Person, ...]:
    """Everybody the article introduces, in order of first mention.

    States and seats of power that speak for themselves ("Tehran said") are no people: they are `mentions` already.
    """
    context = Context(doc, mentions)
    register = Register(doc, context)
    fallback = context.home if context.american else None
    return tuple(entity.person(fallback) for entity in register.entities if entity.introduced)


@dataclasses.dataclass(slots=True, eq=False)
class Entity:
    """Somebody under way through the article. `firm` tells a state that the text gave from one that was inferred."""

    kind: Kind
    label: str
    name: str | None
    tokens: tuple[str, ...]
    office: str | None
    heads: set[str]
    words: frozenset[str]
    state: str | None
    firm: bool
    plural: bool
    indefinite: bool
    leads: bool
    posted: bool
    civic: bool
    introduced: bool
    gender: str | None
    mentions: list[Span]

    @property
    def personal(self) -> bool:
        """Whether this is one human being, for all the phrases say."""
        return self.kind in (Kind.OFFICE, Kind.ROLE) or len(self.tokens) > 1

    def person(self, fallback: str | None) -> Person:
        """The entity as the other stages see it; a named person of no state has that of `fallback`."""
        state = self.state or (fallback if self.tokens and self.personal else None)
        return Person(self.name or self.label, self.office, state, tuple(sorted(self.mentions)), self.leads)


class Context:
    """Where an article is at a place of its text: its sentences, what they mention, whose unnamed ministry is meant.

    `mentions` are those given and the localities (`places.find_places`) in order; `home` is the state of the dateline,
    else the one named most often; `american` is whether the article speaks of American politics as its own.
    """

    def __init__(self, doc: Document, mentions: Sequence[Mention]) -> None:
        self._doc = doc
        self.mentions = _with_places(doc.text, mentions)
        self._starts = [mention.span.start for mention in self.mentions]
        self._sentence_starts = [sentence.start for sentence in doc.sentences]
        self._paragraph_starts = [paragraph.start for paragraph in doc.paragraphs]
        self._quoted = [(match.start(), match.end()) for match in _QUOTED.finditer(doc.text)]
        self._quoted_starts = [start for start, _ in self._quoted]
        self.dateline = self._dateline()
        self.american = _AMERICAN.search(doc.text) is not None
        self.codes = frozenset(mention.code for mention in self.mentions)
        self.home = self._home()

    def _dateline(self) -> Span:
        """The words before the first dash or colon if they name a place; "TREMBLAY (Canada):" is a speaker's label."""
        match = _DATELINE.match(self._doc.text)
        if match is None or not any(mention.span.end <= match.end(1) for mention in self.mentions[:1]):
            return Span(0, 0)
        label = match[0].rstrip().endswith(":") and "(" in match[1]
        return Span(0, 0) if label else Span(0, match.end(1))

    def _home(self) -> str | None:
        placed = [m for m in self.mentions[:3] if m.span.end <= self.dateline.end and m.code not in _BODIES]
        if placed:
            last = placed[-1]
            return last.code if self._doc.text[placed[0].span.end : last.span.start] == ", " else placed[0].code
        if self.american:
            return "USA"
        return next((mention.code for mention in self.mentions if mention.code not in _BODIES), None)

    def sentence(self, position: int) -> int:
        """The number of the sentence that `position` stands in."""
        return max(0, bisect.bisect_right(self._sentence_starts, position) - 1)

    def paragraph(self, position: int) -> int:
        """The number of the paragraph that `position` stands in."""
        return max(0, bisect.bisect_right(self._paragraph_starts, position) - 1)

    def opening(self, position: int) -> int:
        """Where the sentence that `position` stands in begins."""
        return self._doc.sentences[self.sentence(position)].start if self._doc.sentences else 0

    def in_sentence(self, number: int, before: int | None = None) -> Sequence[Mention]:
        """The mentions in a sentence, or in its part `before` a position, that are outside quotation marks."""
        if not self._doc.sentences:
            return []
        sentence = self._doc.sentences[number]
        end = sentence.end if before is None else min(before, sentence.end)
        low = bisect.bisect_left(self._starts, max(sentence.start, self.dateline.end))
        high = bisect.bisect_left(self._starts, end)
        return [m for m in self.mentions[low:high] if not self.is_quoted(m.span.start)]

    def is_quoted(self, position: int) -> bool:
        """Whether `position` stands in quotation marks."""
        index = bisect.bisect_right(self._quoted_starts, position) - 1
        return index >= 0 and position < self._quoted[index][1]

    def fronted(self, position: int) -> str | None:
        """The state of a place that opens the sentence: "In Beijing, a spokesman said"."""
        if not self._doc.sentences:
            return None
        number = self.sentence(position)
        start = max(self._doc.sentences[number].start, self.dateline.end)
        for mention in self.in_sentence(number, position)[:1]:
            before = self._doc.text[start : mention.span.start].casefold().strip(" \"'“‘«„»—–-")
            if before in _FRONTED and mention.span.start - start < _FRONT:
                return mention.code
        return None

    def subject(self, position: int) -> str | None:
        """The state that "its" at `position` most likely refers to: the first of the sentence, else of those before."""
        number = self.sentence(position)
        for back in range(number, max(-1, number - _MEMORY), -1):
            found = [m for m in self.in_sentence(back, position) if m.rule != places.RULE]
            if found:
                return found[0].code
        return None

    def nearby(self, position: int) -> str | None:
        """The state that opens the sentence up to `position`, else an earlier one of the paragraph."""
        number = self.sentence(position)
        paragraph = self._paragraph_starts[self.paragraph(position)]
        for back in range(number, max(self.sentence(paragraph) - 1, number - _MEMORY), -1):
            if found := [m for m in self.in_sentence(back, position) if m.rule != places.RULE]:
                return found[0].code
        return None

    def codes_in(self, span: Span) -> frozenset[str]:
        """The states that `span` mentions."""
        low, high = bisect.bisect_left(self._starts, span.start), bisect.bisect_left(self._starts, span.end)
        return frozenset(mention.code for mention in self.mentions[low:high])

    def here(self, position: int, head: str, hosts: frozenset[str] = frozenset()) -> str | None:
        """The state whose unnamed holder of an office, or whose institution, an article means at `position`: no host's."""
        if self.american and head in _CONGRESSIONAL:
            return "USA"
        for code in self._around(position):
            if code not in _BODIES and code not in hosts and not (code == "USA" and head in _PARLIAMENTARY):
                return code
        return None

    def _around(self, position: int) -> Iterator[str]:
        number = self.sentence(position)
        if self._doc.sentences:
            paragraph = self._paragraph_starts[bisect.bisect_right(self._paragraph_starts, position) - 1]
            for back in range(number - 1, max(self.sentence(paragraph) - 1, number - _MEMORY), -1):
                yield from (m.code for m in self.in_sentence(back)[:1])
        if self.home:
            yield self.home
        yield from (m.code for m in self.in_sentence(number, position)[:1])
        yield from (code for code, _ in Counter(mention.code for mention in self.mentions).most_common(4))


def _with_places(text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """The mentions and the localities that overlap none of them, in order."""
    taken = sorted(mentions, key=lambda mention: mention.span.start)
    starts = [mention.span.start for mention in taken]
    free = []
    for place in places.find_places(text):
        index = bisect.bisect_left(starts, place.span.end)
        if index == 0 or not taken[index - 1].span.overlaps(place.span):
            free.append(place)
    return sorted([*taken, *free], key=lambda mention: mention.span.start)


class Register:
    """The entities of an article and the rules by which a phrase joins one of them."""

    def __init__(self, doc: Document, context: Context) -> None:
        self.context = context
        self.entities: list[Entity] = []
        self._text = doc.text
        self._by_token: dict[str, list[Entity]] = defaultdict(list)
        self._by_head: dict[str, list[Entity]] = defaultdict(list)
        self._at: dict[tuple[int, int], Entity] = {}
        self._institutions: list[Entity] = []
        self._recent: deque[Entity] = deque(maxlen=_MEMORY)
        reader = Reader(doc.text, context.mentions, frozenset(_LOWER.findall(doc.text)))
        for paragraph in doc.paragraphs:
            for phrase in reader.read(paragraph):
                if phrase.span.start >= context.dateline.end:
                    self._take(phrase)

    def _take(self, phrase: Phrase) -> None:
        state = self._state(phrase)
        tokens = name_tokens(phrase.name.of(self._text)) if phrase.name else ()
        entity = self._named(phrase, tokens, state) if tokens else self._unnamed(phrase, state)
        if entity is None:
            entity = self._introduce(phrase, tokens, state)
        else:
            self._update(entity, phrase, tokens, state)
        entity.mentions.append(phrase.span)
        if entity.kind is Kind.INSTITUTION and not self.context.is_quoted(phrase.span.start):
            self._institutions.append(entity)
        if entity.personal and entity.introduced and not self.context.is_quoted(phrase.span.start):
            self._recent.append(entity)
        self._at[phrase.span.start, phrase.span.end] = entity

    def _state(self, phrase: Phrase) -> str | None:
        """The state that the text gives for a phrase."""
        start = phrase.span.start
        if phrase.state or phrase.kind is Kind.ROLE:
            return phrase.state
        if phrase.determiner in ("its", "their"):
            return self._owner(self.context.opening(start) if self._interposed(phrase.span) else start)
        if phrase.determiner in ("our", "my"):
            return self.context.home
        if phrase.determiner in ("his", "her"):
            last = next((e for e in reversed(self.entities) if e.personal and not e.plural), None)
            return last.state if last else None
        if phrase.anchor and (anchor := self._at.get((phrase.anchor.start, phrase.anchor.end))):
            return anchor.state
        if phrase.kind in (Kind.OFFICE, Kind.INSTITUTION):
            return self.context.fronted(start)
        return None

    def _interposed(self, span: Span) -> bool:
        """Whether an attribution stands inside what it reports, whose subject it is not: "Mexico, its ministry said, was"."""
        after = re.match(r"\s+([a-z]+),\s", self._text[span.end : span.end + 20])
        return (
            self._text[max(0, span.start - 2) : span.start] == ", "
            and after is not None
            and after[1] in words_of("reporting")
        )

    def _owner(self, position: int) -> str | None:
        """The state of what "its" refers to: an institution that opens the sentence or the one before, else a state."""
        subject = self.context.subject(position)
        if self._institutions:
            institution = self._institutions[-1]
            sentence = self.context.opening(institution.mentions[-1].start)
            near = self.context.sentence(position) - self.context.sentence(institution.mentions[-1].start) <= 1
            if near and sentence == institution.mentions[-1].start:
                return institution.state
        return subject

    def _named(self, phrase: Phrase, tokens: tuple[str, ...], state: str | None) -> Entity | None:
        """The one a name belongs to: somebody of that name, else the unnamed holder of the office beside it."""
        candidates = [e for e in self._candidates(tokens) if self._same_name(e, tokens, phrase, state)]
        if candidates:
            return max(candidates, key=lambda e: (len(e.words & phrase.words), e.mentions[-1].end))
        if phrase.kind in (Kind.OFFICE, Kind.ROLE) and phrase.determiner not in ("a", "an"):
            for entity in reversed(self._by_head[phrase.head][-_MEMORY:]):
                if entity.name is None and self._same_office(entity, phrase, state):
                    return entity
        if phrase.kind is Kind.NAME and len(tokens) > 1:
            return self._holder(phrase)
        return None

    def _holder(self, phrase: Phrase) -> Entity | None:
        """The unnamed official just spoken of, where a name speaks that the article explains in no other way."""
        for last in reversed(self._recent):
            if self.context.sentence(phrase.span.start) - self.context.sentence(last.mentions[-1].start) > 4:
                return None
            if last.name is None and last.firm and last.kind is Kind.OFFICE and not (last.indefinite or last.plural):
                return last if self._reports(phrase.span) and not self._explained(phrase.span) else None
        return None

    def _is_person(self, name: Span) -> bool:
        return self._speaks(name) or self._explained(name)

    def _speaks(self, name: Span) -> bool:
        """Whether a reporting verb stands beside a name, or a finite one after a name of several words."""
        after = re.match(r"\s+([a-z]+)", self._text[name.end : name.end + 20])
        if self._reports(name) or after is None:
            return self._reports(name)
        before = self._text[max(0, name.start - 20) : name.start].split()[-1:]
        subject = " " in name.of(self._text) and not (before and before[0].lower() in words_of("complement"))
        return subject and _FINITE.fullmatch(after[1]) is not None

    def _reports(self, name: Span) -> bool:
        """Whether a reporting verb stands right before or after a name."""
        before = self._text[max(0, name.start - 20) : name.start].split()[-1:]
        after = re.match(r"\s+([a-z]+)", self._text[name.end : name.end + 20])
        words = [word.lower() for word in before] + ([after[1]] if after else [])
        return any(word in words_of("reporting") for word in words)

    def _explained(self, name: Span) -> bool:
        """Whether the text goes on to say who a name is: "Gul Rehman, who left Karachi", "Wilner Desrosiers, 62,"."""
        return re.match(r",? (?:who|whose|of|\d\d)\b|:", self._text[name.end : name.end + 10]) is not None

    def _candidates(self, tokens: tuple[str, ...]) -> Iterable[Entity]:
        seen: dict[int, Entity] = {}
        for token in {tokens[0], tokens[-1]}:
            for entity in self._by_token[token][-_MEMORY:]:
                seen[id(entity)] = entity
        return seen.values()

    @staticmethod
    def _same_name(entity: Entity, tokens: tuple[str, ...], phrase: Phrase, state: str | None) -> bool:
        if phrase.gender and entity.gender and phrase.gender != entity.gender:
            return False
        if len(tokens) == 1 or len(entity.tokens) == 1:
            return True
        return set(tokens) <= set(entity.tokens) or set(entity.tokens) <= set(tokens)

    def _unnamed(self, phrase: Phrase, state: str | None) -> Entity | None:
        if phrase.determiner in ("a", "an", "one", "another", "some") or phrase.kind is Kind.DOCUMENT:
            return None
        if phrase.determiner is None and (phrase.plural or not state):
            return None
        for entity in reversed(self._by_head[phrase.head][-_MEMORY:]):
            if self._same_office(entity, phrase, state):
                return entity
        if phrase.determiner == "the" and phrase.kind in (Kind.OFFICE, Kind.ROLE) and not phrase.state:
            return self._described(phrase)
        return None

    def _described(self, phrase: Phrase) -> Entity | None:
        """The person just named, where a description follows that names no office of theirs: "the old man"."""
        last = next((e for e in reversed(self._recent) if e.personal and e.name and not e.plural), None)
        if last is None or phrase.plural or (phrase.gender and last.gender and phrase.gender != last.gender):
            return None
        apart = self.context.sentence(phrase.span.start) - self.context.sentence(last.mentions[-1].start)
        fits = last.office is None or phrase.kind is Kind.ROLE or bool(phrase.words & _PAST)
        return last if apart <= _LOOK_BACK and fits else None

    @staticmethod
    def _same_office(entity: Entity, phrase: Phrase, state: str | None) -> bool:
        if (
            phrase.head not in entity.heads
            or entity.plural != phrase.plural
            or (state and entity.state and state != entity.state)
        ):
            return False
        changed = phrase.words ^ entity.words
        if "prime" in changed or (len(phrase.words) > 1 and changed & _RANKS):
            return False
        return phrase.words <= entity.words or entity.words <= phrase.words

    def _introduce(self, phrase: Phrase, tokens: tuple[str, ...], state: str | None) -> Entity:
        entity = Entity(
            kind=phrase.kind,
            label=phrase.span.of(self._text),
            name=phrase.name.of(self._text) if phrase.name else None,
            tokens=tokens,
            office=phrase.office.of(self._text) if phrase.office else None,
            heads={phrase.head} - {""},
            words=phrase.words,
            state=state or self._inferred(phrase),
            firm=state is not None,
            plural=phrase.plural,
            indefinite=phrase.determiner in ("a", "an", "one", "another"),
            leads=phrase.leads,
            posted="abroad" in phrase.marks,
            civic="civic" in phrase.marks,
            introduced=(
                phrase.kind is not Kind.NAME or bool(phrase.titles or phrase.state) or self._is_person(phrase.span)
            ),
            gender=phrase.gender,
            mentions=[],
        )
        self.entities.append(entity)
        self._index(entity)
        return entity

    def _inferred(self, phrase: Phrase) -> str | None:
        """The state of a phrase that gives none: that of the place, for those who act or speak for some state."""
        if phrase.kind in (Kind.NAME, Kind.ROLE) and not any(title in _PUBLIC_TITLES for title in phrase.titles):
            return phrase.implied or (self._known(phrase.span) if phrase.kind is Kind.NAME else None)
        acts = phrase.kind is Kind.INSTITUTION or (phrase.kind is Kind.OFFICE and not phrase.plural)
        if not acts and not any(title in _PUBLIC_TITLES for title in phrase.titles):
            return None
        start = phrase.span.start
        if phrase.anchor and (whole := self._at.get((phrase.anchor.start, phrase.anchor.end))) and whole.civic:
            return None
        if "civic" in phrase.marks:
            return None
        implied = phrase.implied
        if (
            implied
            and implied in self.context.codes
            and phrase.office
            and phrase.office.of(self._text) != phrase.office.of(self._text).lower()
        ):
            return implied
        if "abroad" in phrase.marks and phrase.kind is not Kind.INSTITUTION and "embassy" not in phrase.words:
            hosts = self.context.codes_in(phrase.span)
            return self.context.here(start, phrase.head, hosts)
        if "abroad" in phrase.marks:
            return next((e.state for e in reversed(self.entities[-_MEMORY:]) if e.posted), None)
        if phrase.head in _VOICES and self._institutions:
            institution = self._institutions[-1]
            if self.context.paragraph(institution.mentions[-1].start) == self.context.paragraph(start):
                return institution.state
        if "diplomat" in phrase.words:
            return None
        return self.context.here(start, phrase.head)

    def _known(self, name: Span) -> str | None:
        """The state of a bare name that speaks as one the reader knows; whoever is explained ("who sells rice") has none."""
        if self._text[name.end : name.end + 1] == ":":
            return self.context.home
        if self.context.american or self._explained(name) or not self._speaks(name):
            return None
        return self.context.nearby(name.start) or self.context.home

    def _index(self, entity: Entity) -> None:
        for token in set(entity.tokens):
            if entity not in self._by_token[token][-_MEMORY:]:
                self._by_token[token].append(entity)
        for head in entity.heads:
            if entity not in self._by_head[head][-_MEMORY:]:
                self._by_head[head].append(entity)

    def _update(self, entity: Entity, phrase: Phrase, tokens: tuple[str, ...], state: str | None) -> None:
        if state and not entity.firm:
            entity.state, entity.firm = state, True
        if len(tokens) > len(entity.tokens) and phrase.name:
            entity.name, entity.tokens = phrase.name.of(self._text), tokens
        if phrase.office and entity.office is None:
            entity.office, entity.kind = phrase.office.of(self._text), phrase.kind
            entity.leads = phrase.leads
            if entity.state is None:
                entity.state = self._inferred(phrase)
        if entity.state is None and entity.kind is phrase.kind is Kind.NAME and not self._explained(entity.mentions[0]):
            entity.state = self._inferred(phrase)
        entity.words |= phrase.words
        entity.heads |= {phrase.head} - {""}
        entity.gender = entity.gender or phrase.gender
        entity.introduced = entity.introduced or phrase.kind is not Kind.NAME or self._is_person(phrase.span)
        self._index(entity)


def name_tokens(name: str) -> tuple[str, ...]:
    """The words of a personal name in lower case, without particles' dots and possessives."""
    return tuple(token.casefold() for token in re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", name))
