"""Which states a statement can be about: those it names, and those it may refer to without naming them.

A foreign state that the statement names is its target (right 96 times in 100 on annotated articles). What else it is
about is a question of meaning: nearly half of the targets that annotators mark are not named in the statement, and no
rule or model over surface features (recency, frequency, pronouns) found them with an F1 above 0.75. So the states near
the statement, the speaker's own and the article's foremost are listed as open candidates, and the slot model, which
reads the words, decides on each in the same pass that judges the stance.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from stancewire.schema import Evidence, Mention, Person, Span, Speaker, Statement, Target
from stancewire.text import Document
from stancewire.windows import window

NAMED = "named"
"""The rule of targets that need no further judgement."""

FOREMOST = 2
"""How many of the article's most mentioned states are candidates wherever they stand."""

MOST_OPEN = 10
"""The most open candidates of one statement; those mentioned last before it are kept."""

_BACK = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|you|your|yours|this|that|these|those)\b", re.I
)
_OWN = re.compile(
    r"\b(?:we|us|our|ours|(?:his|her|their|its|the) (?:own )?(?:country|nation|people|government|homeland))\b", re.I
)


def find_candidates(
    doc: Document,
    statement: Statement,
    speaker: Speaker,
    mentions: Sequence[Mention],
    people: Sequence[Person],
) -> list[Target]:
    """What one statement can be about, each code once: first what it names, in order, then what is open.

    The rule tells which: `NAMED` is a target; "own", "near" and "foremost" are for the slot model to decide.

    Args:
        mentions: every mention of the document, in order (`states.Gazetteer.find`).
        people: who the document introduces; a leader's name stands for the state.
    """
    words = " ".join(span.of(doc.text) for span in statement.spans)
    stretches = window(doc, statement.spans).stretches
    read = [mention for stretch in stretches for mention in _within(stretch, mentions, people)]
    inside = [mention for mention in read if any(span.overlaps(mention.span) for span in statement.spans)]
    targets: dict[str, Target] = {}
    for mention in inside:
        if mention.code != speaker.state:
            targets.setdefault(mention.code, Target(mention.code, mention.span, mention.evidence, NAMED))
    if speaker.state is not None:
        targets[speaker.state] = _own(speaker.state, inside, words)
    evidence = Evidence.PRONOUN if _BACK.search(words) else Evidence.CONTEXT
    nearest = {mention.code: mention for mention in read if mention.rule != "dateline"}
    for code, mention in list(reversed(nearest.items()))[:MOST_OPEN]:
        targets.setdefault(code, Target(code, mention.span, evidence, "near"))
    for code in foremost(mentions):
        targets.setdefault(code, Target(code, None, Evidence.CONTEXT, "foremost"))
    return list(targets.values())


def foremost(mentions: Iterable[Mention]) -> list[str]:
    """The states an article mentions most, the first mentioned first among equals."""
    return [
        code
        for code, _ in Counter(mention.code for mention in mentions if mention.rule != "dateline").most_common(FOREMOST)
    ]


def _own(state: str, inside: Iterable[Mention], words: str) -> Target:
    for mention in inside:
        if mention.code == state:
            return Target(state, mention.span, mention.evidence, "own")
    return Target(state, None, Evidence.PRONOUN if _OWN.search(words) else Evidence.CONTEXT, "own")


def _within(stretch: Span, mentions: Sequence[Mention], people: Iterable[Person]) -> list[Mention]:
    """The mentions in a stretch of text, leaders' names among them, in order."""
    first = bisect.bisect_left(mentions, stretch.start, key=lambda mention: mention.span.start)
    after = bisect.bisect_left(mentions, stretch.end, lo=first, key=lambda mention: mention.span.start)
    return sorted([*mentions[first:after], *_leaders(people, stretch)], key=lambda mention: mention.span)


def _leaders(people: Iterable[Person], stretch: Span) -> Iterator[Mention]:
    """Mentions by name, in a stretch of text, of those who act for a state."""
    for person in people:
        if person.leads and person.state:
            for span in person.mentions[bisect.bisect_left(person.mentions, Span(stretch.start, stretch.start)) :]:
                if span.start >= stretch.end:
                    break
                yield Mention(span, person.state, Evidence.LEADER, "leader")
