"""Whether two strings name the same speaker, for scoring speakers against annotated articles.

Strict on purpose: a named speaker is right only by name, an unnamed one only by head noun, with no state contradicted;
"Minister Kim Dae-hwan" is neither "Minister Kim Seok-ju" nor "the minister", and no credit is given for a shared title,
office of another state or adjective.
"""

from __future__ import annotations

import dataclasses
import re

from stancewire.people import name_tokens
from stancewire.phrases import Kind, Reader, lookup, singular
from stancewire.schema import Span
from stancewire.states import Gazetteer

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LINKS = frozenset(["of", "for", "to", "in", "at", "from", "on", "with", "who", "that", "which", "whose"])
_PARTICLES = frozenset(["the", "a", "an", "its", "their", "his", "her", "one", "s"])


@dataclasses.dataclass(frozen=True, slots=True)
class _Description:
    name: tuple[str, ...]
    heads: frozenset[str]
    states: frozenset[str]


def same_speaker(gold: str, predicted: str) -> bool:
    """Whether `predicted` names the speaker that the annotation calls `gold`.

    Two personal names agree where the words of one are all in the other ("Lavrukhin", "Igor Lavrukhin"); two
    descriptions where they share a head noun ("the foreign ministry in Ankara", "Turkey's foreign ministry") and do not
    name different states. A name and a bare description never agree.

        >>> same_speaker("Sen. Rolando Perdomo, the Republican", "Perdomo")
        True
        >>> same_speaker("Sen. Rolando Perdomo", "State Rep. Alicia Perdomo")
        False
        >>> same_speaker("The Chinese embassy in Warsaw", "the Russian embassy")
        False
    """
    if gold.strip() and gold.casefold().strip() == predicted.casefold().strip():
        return True
    left, right = _describe(gold), _describe(predicted)
    if left.name or right.name:
        shorter, longer = sorted((left.name, right.name), key=len)
        return bool(shorter) and set(shorter) <= set(longer)
    if left.states and right.states and not left.states & right.states:
        return False
    return bool(left.heads & right.heads)


def _describe(text: str) -> _Description:
    mentions = Gazetteer.default().find(text)
    phrases = Reader(text, mentions).read(Span(0, len(text)))
    name: tuple[str, ...] = ()
    for phrase in phrases:
        titled = phrase.kind is not Kind.NAME or phrase.titles
        prefix = _WORD.findall(text[: phrase.name.start]) if phrase.name else []
        if phrase.name and (titled or all(lookup(word) or word[0].isupper() for word in prefix)) and not name:
            name = name_tokens(phrase.name.of(text))
    heads: set[str] = set()
    for part in text.split(","):
        words = []
        for word in _WORD.findall(re.sub(r"['’]s\b", "", part)):
            if word.casefold() in _LINKS:
                break
            words.append(word)
        nouns = [
            word
            for word in words
            if (entry := lookup(word)) and entry.kind in ("office", "role", "institution", "document")
        ]
        content = nouns or [word for word in words if word.casefold() not in _PARTICLES]
        heads |= {singular(word) for word in content[-1:]}
    own = text.split(",")[0]
    link = next((word.start() for word in _WORD.finditer(own) if word[0].casefold() in _LINKS), len(own))
    before = frozenset(mention.code for mention in mentions if mention.span.end <= link)
    states = before or frozenset(mention.code for mention in mentions if mention.span.end <= len(own))
    return _Description(name, frozenset(heads), states)
