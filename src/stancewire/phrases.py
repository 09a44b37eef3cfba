"""Noun phrases that can speak: names, offices, institutions and documents, read token by token with a word list.

A shallow reading: `data/titles.tsv` names the heads ("minister", "embassy", "statement"), and each phrase is grown from
its head leftwards to a determiner and rightwards over its complements. That is far from parsing, but it needs no model,
runs at megabytes a second and never looks further than a dozen words either way, so time is linear in the text.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import re
from collections.abc import Sequence
from enum import StrEnum
from importlib import resources

from stancewire.schema import Mention, Span


class Kind(StrEnum):
    """What a phrase is headed by. `NAME` is a capitalised name with no head noun beside it."""

    OFFICE = "office"
    ROLE = "role"
    INSTITUTION = "institution"
    DOCUMENT = "document"
    NAME = "name"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A row of `data/titles.tsv`: the kind of a word and its marks."""

    kind: str
    marks: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase that can speak, as one place of the text gives it.

    `span` covers the whole phrase with name and complements, `name` the words of a name in it. `office` is the phrase
    without determiner, possessor and demonym; `words` are its words that the list knows, `head` its head noun, both in
    lower case and singular. `determiner` is the article or pronoun ("its") it opens with, or "'s" after an owner.
    `state` is the code that the phrase itself gives; where it gives none, `anchor` is the possessor or complement whose
    state it shares.
    """

    span: Span
    kind: Kind
    head: str
    name: Span | None
    titles: tuple[str, ...]
    office: Span | None
    words: frozenset[str]
    determiner: str | None
    state: str | None
    anchor: Span | None
    marks: frozenset[str]

    @property
    def plural(self) -> bool:
        return "plural" in self.marks

    @property
    def gender(self) -> str | None:
        return next((mark for mark in ("male", "female") if mark in self.marks), None)

    @property
    def implied(self) -> str | None:
        """The state that a word of the phrase suggests: "Commissioner", "Sen."."""
        return next((mark for mark in self.marks if mark.isupper()), None)

    @property
    def leads(self) -> bool:
        return "leads" in self.marks and not self.words & _PRIVATE


_HEADS = frozenset({"office", "role", "institution", "document"})
_MODIFIERS = frozenset({"rank", "topic"})
_INSTITUTIONAL = frozenset({"institution"})
_TITLES = frozenset({"title"})
_PERSONAL = frozenset({"office", "role"})
_NAMELIKE = frozenset({"office", "title", "rank", "topic"})
_QUOTES = frozenset("'‘’\"“”„«»")
_PARTY = re.compile(r"[RDI]-[^\W\d_]")


_TOKEN = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_]+(?:(?:['’](?!s\b)|-)[^\W_]+)*|['’]s\b|\d[\d,.:]*\w*|([^\w\s])\1*|_+")
_ARABIC = re.compile(r"(?:al|el|ul|as|ad|an|ar|az|ash|at)[-‑]\w")


@functools.cache
def words_of(name: str) -> frozenset[str]:
    """A class of `data/function_words.tsv`."""
    lines = resources.files("stancewire").joinpath("data/function_words.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return next(frozenset(words.split()) for key, words in rows if key == name)


_ARTICLES = words_of("article")
_COUNTS = words_of("count")
_POSSESSIVES = words_of("possessive")
_COMPLEMENTS = words_of("complement")
_PARTICLES = words_of("particle")
_DATES = words_of("date")
_PRIVATE = words_of("private")
_REPORTING = words_of("reporting")
_STOPS = words_of("bound")
_SERVING = frozenset({"aide", "adviser", "advisor", "assistant", "secretary", "counsel"})
_TAIL = 10
_UNKNOWN = 2
_REACH = 9


@functools.cache
def lexicon() -> dict[str, Entry]:
    """`data/titles.tsv`: lower-case word to kind and marks."""
    lines = resources.files("stancewire").joinpath("data/titles.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {word: Entry(kind, frozenset(marks.split())) for word, kind, marks in rows}


def lookup(word: str) -> Entry | None:
    """The entry of a word; a regular plural has its singular's entry, marked plural."""
    lower = word.lower().replace("’", "'")
    if entry := lexicon().get(lower):
        return entry
    for suffix, ending in (("ies", "y"), ("men", "man"), ("women", "woman"), ("s", "")):
        if lower.endswith(suffix) and (entry := lexicon().get(lower.removesuffix(suffix) + ending)):
            if entry.kind in _HEADS:
                return Entry(entry.kind, entry.marks - {"male", "female"} | {"plural"})
            return None
    return None


def singular(word: str) -> str:
    """The head noun as the word list has it."""
    lower = word.lower().replace("’", "'")
    if lower in lexicon():
        return lower
    for suffix, ending in (("ies", "y"), ("men", "man"), ("women", "woman"), ("s", "")):
        if lower.endswith(suffix) and lower.removesuffix(suffix) + ending in lexicon():
            return lower.removesuffix(suffix) + ending
    return lower


@dataclasses.dataclass(slots=True)
class _Token:
    start: int
    end: int
    text: str
    lower: str
    entry: Entry | None
    code: str | None

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()

    @property
    def word(self) -> bool:
        return self.text[0].isalpha()

    def is_a(self, kinds: frozenset[str]) -> bool:
        return self.entry is not None and self.entry.kind in kinds


@dataclasses.dataclass(slots=True)
class _Unit:
    """A phrase under construction, in token positions: `left` to `right`, and its name if it has one."""

    left: int
    right: int
    head: int | None = None
    name: tuple[int, int] | None = None
    titles: tuple[str, ...] = ()
    office: tuple[int, int] | None = None
    state: str | None = None
    anchor: tuple[int, int] | None = None
    determiner: str | None = None


def _bound(word: str) -> bool:
    """Whether a lower-case word, or the word before its contraction ("we're"), can be no name."""
    stem = re.split("['’]", word, maxsplit=1)[0]
    return any(stem in words for words in (_STOPS, _ARTICLES, _POSSESSIVES, _DATES))


class Reader:
    """Reads the phrases of one stretch of text (a paragraph) after another."""

    def __init__(self, text: str, mentions: Sequence[Mention], common: frozenset[str] = frozenset()) -> None:
        """Read `text` with its state `mentions`, sorted by start.

        `common` are words the document has in lower case: they are no names where they merely open a sentence.
        """
        self._text = text
        self._mentions = mentions
        self._starts = [mention.span.start for mention in mentions]
        self._common = common
        self._tokens: list[_Token] = []

    def read(self, span: Span) -> list[Phrase]:
        """The phrases inside `span`, those inside another's possessor or complement before it."""
        self._tokens = self._tokenise(span)
        units = self._join(self._join(self._units()))
        phrases = [self._phrase(unit) for unit in units]
        return sorted(phrases, key=lambda phrase: (phrase.span.end, -phrase.span.start))

    def _tokenise(self, span: Span) -> list[_Token]:
        tokens = []
        index = bisect.bisect_left(self._starts, span.start)
        for match in _TOKEN.finditer(self._text, span.start, span.end):
            start, end, word = match.start(), match.end(), match[0]
            while index < len(self._mentions) and self._mentions[index].span.end <= start:
                index += 1
            inside = index < len(self._mentions) and self._starts[index] < end
            code = self._mentions[index].code if inside else None
            tokens.append(_Token(start, end, word, word.lower(), lookup(word) if word[0].isalpha() else None, code))
        return tokens

    def _units(self) -> list[_Unit]:
        """Names and head nouns with what belongs to them, in order; one inside another comes after it."""
        units: list[_Unit] = []
        position = free = 0
        while position < len(self._tokens):
            if self._is_head(position):
                if unit := self._grow(position, units, free):
                    units.append(unit)
                free = position = position + 1
            elif unit := self._named(position):
                units.append(unit)
                free = position = unit.right
            else:
                position += 1
        return units

    def _is_head(self, position: int) -> bool:
        """Whether the last noun of a compound stands here: "spokesman" in "foreign ministry spokesman"."""
        token = self._tokens[position]
        if not token.is_a(_HEADS) or (token.code and not token.is_a(_INSTITUTIONAL)):
            return False
        following = self._at(position + 1)
        if following is None or (following.capital and not token.capital and not following.code):
            return True
        while following is not None and (following.is_a(_MODIFIERS) or following.code):
            position += 1
            following = self._at(position + 1)
        return following is None or not following.is_a(_HEADS)

    def _at(self, position: int) -> _Token | None:
        return self._tokens[position] if 0 <= position < len(self._tokens) else None

    def _opens_sentence(self, position: int) -> bool:
        before = self._at(position - 1)
        return before is None or not (before.word or before.text[0].isdigit() or before.text in (",", "'s", "’s", "("))

    def _is_name(self, position: int) -> bool:
        token = self._at(position)
        if token is None or token.code:
            return False
        if _bound(token.lower) and not self._precedes_name(position):
            return False
        if not token.capital:
            return bool(_ARABIC.match(token.text))
        following = self._at(position + 1)
        followed = following is not None and following.capital and not following.entry
        if token.entry:
            return False
        return followed or not (self._opens_sentence(position) and token.lower in self._common)

    def _precedes_name(self, position: int) -> bool:
        """Whether the capitalised word here is followed by one that is no word of any list: "Do Quang Hieu"."""
        token, following = self._tokens[position], self._at(position + 1)
        return (
            token.capital
            and len(token.text) > 1
            and following is not None
            and following.capital
            and not following.code
            and not following.entry
            and not _bound(following.lower)
            and self._after_office(position)
        )

    def _after_office(self, position: int) -> bool:
        before = self._at(position - 2 if self._text_at(position - 1) == "." else position - 1)
        return before is not None and (before.is_a(_PERSONAL) or before.is_a(_TITLES))

    def _named(self, position: int) -> _Unit | None:
        """A name that begins here, with the titles before it."""
        start, titles = position, []
        while (token := self._at(position)) and token.capital and token.entry and token.entry.kind == "title":
            titles.append(token.lower)
            position += 1
            if (dot := self._at(position)) and dot.text == ".":
                position += 1
        if not self._is_name(position):
            return None
        end = position + 1
        while True:
            token, following = self._at(end), self._at(end + 1)
            if token is None:
                break
            if self._is_name(end) or (self._ends_name(end) and end - position < 4):
                end += 1
            elif (token.lower in _PARTICLES and self._is_name(end + 1)) or (
                token.text == "." and len(self._tokens[end - 1].text) == 1 and self._is_name(end + 1)
            ):
                end += 2
            elif token.text in _QUOTES and following and self._is_name(end + 1) and self._closes(end + 2):
                end += 3
            else:
                break
        after = self._at(end)
        if not titles and after and (after.is_a(_HEADS) or after.is_a(_MODIFIERS)):
            return None
        if end - position == 1 and len(self._tokens[position].text) == 1:
            return None
        unit = _Unit(start, end, name=(position, end), titles=tuple(titles))
        if start > 1 and self._is_possessive(start - 1) and (code := self._tokens[start - 2].code):
            unit.state = code
        return unit

    def _closes(self, position: int) -> bool:
        token = self._at(position)
        return token is not None and token.text in _QUOTES

    def _ends_name(self, position: int) -> bool:
        """Whether a word of the list is the last part of a name here: "Stephen King said"."""
        token, following = self._tokens[position], self._at(position + 1)
        return (
            token.capital
            and token.is_a(_NAMELIKE)
            and not token.code
            and (following is None or not following.capital or following.entry is None is False)
        )

    def _grow(self, head: int, units: list[_Unit], free: int) -> _Unit | None:
        """The phrase around the head noun at `head`, which may not begin before `free` save for a possessor."""
        token = self._tokens[head]
        unit = self._leftwards(head, units, free)
        assert unit.office is not None
        posted = any("abroad" in self._marks(k) for k in range(unit.office[0], head + 1))
        unit.right, state, anchor = self._tail(head, posted)
        first = unit.office[0]
        if unit.state is None:
            own = [
                t.code
                for i, t in enumerate(self._tokens[first : head + 1], first)
                if t.code and not self._is_vague(i, token)
            ]
            unit.state = own[0] if own else state
            unit.anchor = unit.anchor or (None if own else anchor)
        while first < head and self._tokens[first].code:
            first += 1
        unit.office = (first, unit.right)
        return unit if self._stands(unit, token) else None

    def _is_vague(self, position: int, head: _Token) -> bool:
        """Whether the name here says no more than a region or a topic: "a European diplomat", "Europe minister"."""
        token, following = self._tokens[position], self._at(position + 1)
        if following is not None and following.lower == "affairs":
            return True
        return token.lower in ("european", "europe") and head.is_a(_PERSONAL) and not head.capital

    def _stands(self, unit: _Unit, token: _Token) -> bool:
        """Whether the head noun has enough about it to be a phrase that speaks; a bare "head" may be a verb."""
        assert unit.head is not None
        plural = "plural" in self._marks(unit.head)
        if unit.determiner in _COUNTS:
            return plural
        if unit.determiner or unit.left < unit.head or token.capital or plural:
            return True
        following = self._at(unit.head + 1)
        named = following is not None and following.capital and not following.code
        return named or (unit.state is not None and unit.right > unit.head + 1) or self._apposed(unit.head)

    def _leftwards(self, head: int, units: list[_Unit], free: int) -> _Unit:
        """The head with what stands before it: an article or pronoun, an owner, or whatever qualifies it."""
        if not self._tokens[head].capital:
            free = self._compound(head, free)
        first = head
        for k in range(head - 1, max(free, head - _REACH) - 1, -1):
            token = self._tokens[k]
            if token.lower == "of" and self._joins_compound(k):
                continue
            if token.lower in _ARTICLES or token.lower in _POSSESSIVES:
                return _Unit(k, head + 1, head, office=(k + 1, head + 1), determiner=token.lower)
            if self._is_possessive(k):
                if sum(not self._qualifies(j) for j in range(k + 1, head)) <= _UNKNOWN:
                    first = k + 1
                break
            if not (token.word or token.text[0].isdigit()) or (token.lower in _STOPS and not token.code):
                break
        if first == head:
            while first - 1 >= max(free, head - _REACH) and self._qualifies(first - 1):
                first -= 1
        unit = _Unit(first, head + 1, head, office=(first, head + 1))
        if (owner := self._possessor(first, units)) is not None:
            unit.left, unit.state, unit.anchor = owner
            unit.determiner = "'s"
        return unit

    def _joins_compound(self, position: int) -> bool:
        """Whether the "of" here is inside a name that stands before a noun: "a Department of State spokesman"."""
        before, after = self._at(position - 1), self._at(position + 1)
        return before is not None and before.capital and before.is_a(_HEADS) and after is not None and after.capital

    def _compound(self, head: int, free: int) -> int:
        """Where the phrase of `head` may begin: before `free` if an institution's name with "of" stands right before it."""
        position = head - 1
        while position >= max(1, head - _REACH) and self._tokens[position].capital:
            position -= 1
        if position >= 1 and self._tokens[position].lower == "of" and self._joins_compound(position):
            return max(0, head - _REACH)
        return free

    def _apposed(self, head: int) -> bool:
        """Whether the bare noun at `head` stands after a name and a comma: "Verbruggen, commissioner for enlargement"."""
        comma = self._at(head - 1)
        return comma is not None and comma.text in (",", "(") and head >= 2 and self._tokens[head - 2].capital

    def _qualifies(self, position: int) -> bool:
        """Whether the word here can stand before a head without a determiner: "U.S. deputy trade", "Senior"."""
        token = self._tokens[position]
        if token.code:
            return True
        if not token.word or token.lower in _STOPS or token.lower in _DATES:
            return False
        return token.is_a(_MODIFIERS) or token.is_a(_HEADS) or (token.capital and not self._opens_sentence(position))

    def _is_possessive(self, position: int) -> bool:
        """Whether "'s" stands here, or the apostrophe of a plural owner: "the growers' association"."""
        token, owner = self._tokens[position], self._at(position - 1)
        if owner is None or owner.end != token.start:
            return False
        following = self._at(position + 1)
        spaced = following is not None and following.start > token.end
        return token.text in ("'s", "’s") or (token.text in ("'", "’") and owner.lower.endswith("s") and spaced)

    def _possessor(self, first: int, units: list[_Unit]) -> tuple[int, str | None, tuple[int, int] | None] | None:
        """Who owns the phrase that begins at `first`: leftmost token, state, and the owner's own phrase."""
        mark = self._at(first - 1)
        if mark is None or not self._is_possessive(first - 1):
            return None
        for unit in reversed(units[-3:]):
            if unit.right == first - 1:
                return unit.left, unit.state, (unit.left, unit.right)
        owner = first - 2
        code = self._tokens[owner].code
        low = max(0, first - _REACH)
        while owner > low and (self._tokens[owner - 1].code == code if code else self._tokens[owner - 1].capital):
            owner -= 1
        if owner > 0 and self._tokens[owner - 1].lower == "the":
            owner -= 1
        return owner, code, None

    def _tail(self, head: int, posted: bool) -> tuple[int, str | None, tuple[int, int] | None]:
        """The complements after a head: where they end, the state they give, and a noun phrase that may give it later."""
        tokens, entry = self._tokens, self._tokens[head].entry
        private = entry is not None and entry.kind == "role"
        right, state, anchor = head + 1, None, None
        while (preposition := self._at(right)) and preposition.lower in _COMPLEMENTS and right - head < _TAIL:
            serves = preposition.lower == "to" and tokens[head].lower in _SERVING
            own = serves or preposition.lower in ("of", "from") or not (posted or private or preposition.lower == "to")
            end, last_noun = right + 1, None
            while (token := self._at(end)) and end - right <= _REACH:
                if token.lower in _ARTICLES or token.lower in _POSSESSIVES or token.lower == "that":
                    if end > right + 1:
                        break
                elif token.is_a(_PERSONAL) and not token.capital and tokens[end - 1].capital and tokens[head].capital:
                    last_noun = None
                    break
                elif token.code or (token.entry and not (preposition.lower == "to" and end == right + 1)):
                    last_noun = end
                elif token.word and token.lower not in _STOPS and token.lower not in _DATES:
                    if token.capital and not (entry and entry.kind == "institution") and self._person_follows(end):
                        break
                    if token.capital or (preposition.lower in ("of", "for") and self._opens_complement(end, right)):
                        last_noun = end
                elif not token.text.startswith(("'", "’", "-", "–")):
                    if token.text == "," and end > right + 1 and self._tokens[end - 1].word:
                        last_noun = end - 1
                    break
                end += 1
            if last_noun is None:
                break
            if own and state is None:
                state = next((t.code for t in tokens[right : last_noun + 1] if t.code), None)
                if tokens[last_noun].is_a(_HEADS) and anchor is None:
                    anchor = (right + 1, last_noun + 1)
            right = last_noun + 1
        return right, state, anchor

    def _opens_complement(self, position: int, preposition: int) -> bool:
        """Whether the word here is the first after a preposition and an article."""
        before = self._tokens[position - 1].lower
        return position - preposition == 1 or (position - preposition == 2 and before in _ARTICLES)

    def _person_follows(self, position: int) -> bool:
        """Whether two or more capitalised words that are no offices begin here, after a word of the list."""
        before = self._tokens[position - 1]
        return before.entry is not None and self._is_name(position) and self._is_name(position + 1)

    def _join(self, units: list[_Unit]) -> list[_Unit]:
        """Put names and the offices beside them together."""
        joined: list[_Unit] = []
        tops: list[_Unit] = []
        for unit in units:
            while tops and unit.left <= tops[-1].left:
                tops.pop()
            top = tops[-1] if tops else None
            if top is not None and unit.left >= top.right and self._belongs(top, unit):
                top.right = unit.right
                if top.name is None:
                    top.name, top.titles = unit.name, unit.titles
                elif top.head is None:
                    top.head, top.office, top.determiner = unit.head, unit.office, unit.determiner
                top.state = top.state or unit.state
                top.anchor = top.anchor or unit.anchor
                continue
            joined.append(unit)
            if top is None or unit.left >= top.right:
                tops.append(unit)
        return joined

    def _belongs(self, top: _Unit, unit: _Unit) -> bool:
        """Whether `unit` is in apposition to `top`, directly or after a comma, an age or a bracket."""
        gap = [token.text for token in self._tokens[top.right : unit.left]]
        office, named = (top, unit) if top.name is None else (unit, top)
        if office.head is None or named.name is None or office.name is not None:
            return False
        if not self._tokens[office.head].is_a(_PERSONAL) or (named.head is not None and gap != [","]):
            return False
        if unit is named:
            whole = named.name[1] - named.name[0] > 1 or named.titles or self._text_at(unit.right) == ","
            return not gap or (gap == [","] and bool(whole) and "plural" not in self._marks(office.head))
        if not gap:
            return unit.determiner == "the" and unit.state is None
        if gap not in ([","], ["("]) and not (len(gap) == 3 and gap[0] == gap[2] == "," and gap[1].isdigit()):
            return False
        following = self._at(unit.right)
        return following is None or following.lower not in _REPORTING

    def _text_at(self, position: int) -> str:
        token = self._at(position)
        return token.text if token else ""

    def _marks(self, position: int) -> frozenset[str]:
        entry = self._tokens[position].entry
        return entry.marks if entry else frozenset()

    def _chars(self, tokens: tuple[int, int]) -> Span:
        return Span(self._tokens[tokens[0]].start, self._tokens[tokens[1] - 1].end)

    def _placed(self, position: int) -> str | None:
        """The state that follows a name: "Tremblay (Canada)", "Azlan Mokhtar of Malaysia", "Kaisa, the Finn,"."""
        link = self._text_at(position).lower()
        if link not in ("(", "of", ","):
            return None
        article = self._text_at(position + 1).lower() in _ARTICLES
        after = self._at(position + 2 if article else position + 1)
        if link == "," and not (article and self._text_at(position + 3) in (",", ".", "by", "who")):
            return None
        return after.code if after is not None else None

    def _phrase(self, unit: _Unit) -> Phrase:
        marks: set[str] = set()
        words: set[str] = set()
        kind, head = Kind.NAME, ""
        if unit.head is not None:
            entry = self._tokens[unit.head].entry
            assert entry is not None
            kind, head = Kind(entry.kind), singular(self._tokens[unit.head].text)
            marks |= entry.marks
        if unit.office:
            own = self._tokens[unit.office[0] : unit.head + 1 if unit.head is not None else unit.office[1]]
            if any("abroad" in self._marks(k) for k in range(unit.office[0], (unit.head or unit.office[0]) + 1)):
                marks.add("abroad")
            words = {singular(token.text) for token in own if token.entry or token.capital}
            marks |= {m for token in own if token.capital and token.entry for m in token.entry.marks if m.isupper()}
        for title in unit.titles:
            marks |= lexicon()[title].marks
        tag = self._at(unit.right + 1)
        state = unit.state
        if unit.name and state is None and self._text_at(unit.right) in (",", "(") and tag and _PARTY.match(tag.text):
            state = "USA"
        if unit.name and state is None:
            state = self._placed(unit.right)
        return Phrase(
            self._chars((unit.left, unit.right)),
            kind,
            head,
            self._chars(unit.name) if unit.name else None,
            unit.titles,
            self._chars(unit.office) if unit.office else None,
            frozenset(words),
            unit.determiner,
            state,
            self._chars(unit.anchor) if unit.anchor else None,
            frozenset(marks),
        )
