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
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from stancewire.phrases import Kind, Phrase, Reader
from stancewire.schema import Mention, Person, Span
from stancewire.text import Document

_LOWER = re.compile(r"(?<!\w)[^\W\d_A-Z][^\W\d_]*")
_FRONT = 40
_MEMORY = 12


def find_people(doc: Document, mentions: Sequence[Mention]) -> tuple[Person, ...]:
    """Everybody the article introduces, in order of first mention.

    States and seats of power that speak for themselves ("Tehran said") are no people: they are `mentions` already.
    """
    mentions = sorted(mentions, key=lambda mention: mention.span.start)
    register = Register(doc, mentions)
    return tuple(entity.person() for entity in register.entities if entity.introduced)


@dataclasses.dataclass(slots=True, eq=False)
class Entity:
    """Somebody under way through the article. `firm` tells a state that the text gave from one that was inferred."""

    kind: Kind
    name: str | None
    tokens: tuple[str, ...]
    office: str | None
    head: str
    words: frozenset[str]
    state: str | None
    firm: bool
    plural: bool
    indefinite: bool
    leads: bool
    introduced: bool
    gender: str | None
    mentions: list[Span]

    def person(self) -> Person:
        return Person(self.name or self.office or "", self.office, self.state, tuple(self.mentions), self.leads)


class Context:
    """Which state an article is speaking of at a place."""

    def __init__(self, doc: Document, mentions: Sequence[Mention]) -> None:
        self._doc = doc
        self._mentions = mentions
        self._starts = [mention.span.start for mention in mentions]
        self._sentence_starts = [sentence.start for sentence in doc.sentences]
        self._paragraph_starts = [paragraph.start for paragraph in doc.paragraphs]
        self.home = self._home()

    def _home(self) -> str | None:
        """The state of the dateline, else the one named most often."""
        for mention in self._mentions[:1]:
            if mention.rule == "dateline":
                return mention.code
        counts = Counter(mention.code for mention in self._mentions)
        return counts.most_common(1)[0][0] if counts else None

    def sentence(self, position: int) -> int:
        """The number of the sentence that `position` stands in."""
        return max(0, bisect.bisect_right(self._sentence_starts, position) - 1)

    def paragraph(self, position: int) -> int:
        return max(0, bisect.bisect_right(self._paragraph_starts, position) - 1)

    def in_sentence(self, number: int, before: int | None = None) -> Sequence[Mention]:
        """The mentions in a sentence, or in its part `before` a position."""
        sentence = self._doc.sentences[number]
        end = sentence.end if before is None else min(before, sentence.end)
        low = bisect.bisect_left(self._starts, sentence.start)
        return self._mentions[low : bisect.bisect_left(self._starts, end)]

    def fronted(self, position: int) -> str | None:
        """The state of a place that opens the sentence: "In Beijing, a spokesman said"."""
        if not self._doc.sentences:
            return None
        number = self.sentence(position)
        start = self._doc.sentences[number].start
        for mention in self.in_sentence(number, position)[:1]:
            before = self._doc.text[start : mention.span.start].casefold().strip(" \"'“‘«„»")
            if before in _FRONTED and mention.span.start - start < _FRONT:
                return mention.code
        return None

    def subject(self, position: int) -> str | None:
        """The state that "its" at `position` most likely refers to: the first of the sentence, else of those before."""
        if not self._doc.sentences:
            return None
        number = self.sentence(position)
        for back in range(number, max(-1, number - _MEMORY), -1):
            found = [m for m in self.in_sentence(back, position) if m.rule != "dateline"]
            if found:
                return found[0].code
        return None

    def here(self, position: int) -> str | None:
        """The state whose unnamed ministry an article means at `position`."""
        if front := self.fronted(position):
            return front
        if self._doc.sentences:
            number = self.sentence(position)
            first = self.sentence(self._doc.paragraphs[self.paragraph(position)].start)
            for back in range(number - 1, max(first - 1, number - _MEMORY), -1):
                if found := [m for m in self.in_sentence(back) if m.rule != "dateline"]:
                    return found[0].code
        return self.home


_FRONTED = frozenset(["in", "from", "at", "over in", "for", "back in", "but in", "and in", "only"])


class Register:
    """The entities of an article and the rules by which a phrase joins one of them."""

    def __init__(self, doc: Document, mentions: Sequence[Mention]) -> None:
        self.context = Context(doc, mentions)
        self.entities: list[Entity] = []
        self._text = doc.text
        self._by_token: dict[str, list[Entity]] = defaultdict(list)
        self._by_head: dict[str, list[Entity]] = defaultdict(list)
        self._at: dict[tuple[int, int], Entity] = {}
        reader = Reader(doc.text, mentions, frozenset(_LOWER.findall(doc.text)))
        for paragraph in doc.paragraphs:
            for phrase in reader.read(paragraph):
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
        self._at[phrase.span.start, phrase.span.end] = entity

    def _state(self, phrase: Phrase) -> str | None:
        """The state that the text gives for a phrase."""
        if phrase.state:
            return phrase.state
        if phrase.determiner == "its" or phrase.determiner == "their":
            return self.context.subject(phrase.span.start)
        if phrase.determiner in ("his", "her"):
            last = next((e for e in reversed(self.entities) if e.tokens and not e.plural), None)
            return last.state if last else None
        if phrase.anchor and (owner := self._at.get((phrase.anchor.start, phrase.anchor.end))):
            return owner.state
        if phrase.kind in (Kind.OFFICE, Kind.INSTITUTION):
            return self.context.fronted(phrase.span.start)
        return None

    def _named(self, phrase: Phrase, tokens: tuple[str, ...], state: str | None) -> Entity | None:
        candidates = [e for e in self._candidates(tokens) if self._same_name(e, tokens, phrase, state)]
        if candidates:
            return max(candidates, key=lambda e: (len(e.words & phrase.words), e.mentions[-1].end))
        if phrase.kind in (Kind.OFFICE, Kind.ROLE) and phrase.determiner not in ("a", "an"):
            for entity in reversed(self._by_head[phrase.head][-_MEMORY:]):
                if entity.name is None and self._same_office(entity, phrase, state):
                    return entity
        return None

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
        return None

    @staticmethod
    def _same_office(entity: Entity, phrase: Phrase, state: str | None) -> bool:
        if entity.plural != phrase.plural or (state and entity.state and state != entity.state):
            return False
        return phrase.words <= entity.words or (entity.words <= phrase.words and entity.head == phrase.head)

    def _introduce(self, phrase: Phrase, tokens: tuple[str, ...], state: str | None) -> Entity:
        firm = state is not None
        if state is None:
            state = self._inferred(phrase)
        name = phrase.name.of(self._text) if phrase.name else None
        office = phrase.office.of(self._text) if phrase.office else None
        entity = Entity(
            phrase.kind, name, tokens, office, phrase.head, phrase.words, state, firm, phrase.plural,
            phrase.determiner in ("a", "an"), phrase.leads, phrase.kind is not Kind.NAME or bool(phrase.titles), phrase.gender, [],
        )  # fmt: skip
        self.entities.append(entity)
        self._index(entity)
        return entity

    def _inferred(self, phrase: Phrase) -> str | None:
        if phrase.kind is Kind.INSTITUTION or (phrase.kind is Kind.OFFICE and not phrase.plural):
            return self.context.here(phrase.span.start)
        return None

    def _index(self, entity: Entity) -> None:
        for token in set(entity.tokens):
            if entity not in self._by_token[token][-_MEMORY:]:
                self._by_token[token].append(entity)
        for word in {entity.head, *entity.words}:
            if word and entity not in self._by_head[word][-_MEMORY:]:
                self._by_head[word].append(entity)

    def _update(self, entity: Entity, phrase: Phrase, tokens: tuple[str, ...], state: str | None) -> None:
        if state and not entity.firm:
            entity.state, entity.firm = state, True
        if len(tokens) > len(entity.tokens) and phrase.name:
            entity.name, entity.tokens = phrase.name.of(self._text), tokens
        if phrase.office and entity.office is None:
            entity.office, entity.kind, entity.head = phrase.office.of(self._text), phrase.kind, phrase.head
            entity.leads = phrase.leads
            if entity.state is None:
                entity.state = self._inferred(phrase)
        entity.words |= phrase.words
        entity.gender = entity.gender or phrase.gender
        entity.introduced = True
        self._index(entity)


def name_tokens(name: str) -> tuple[str, ...]:
    """The words of a personal name in lower case, without particles' dots and possessives."""
    return tuple(token.casefold() for token in re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", name))
