"""Which states a statement can be about: those it names, and those it may refer to without naming them.

A foreign state that the statement names is its target (right 96 times in 100 on annotated articles). What else it is
about is a question of meaning: nearly half of the targets that annotators mark are not named in the statement. So the
states near the statement, the speaker's own and the article's foremost are listed as open candidates, and the slot model,
which reads the words, decides on each in the same pass that judges the stance. What it reads is weighed against what the
place alone suggests (`PRIOR`): where a statement names no foreign state, the most salient one before it is meant more
often than not, by recency and frequency as in Lappin and Leass (1994). Either alone is worse (`docs/results.md`).
"""

from __future__ import annotations

import bisect
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from stancewire.schema import Evidence, Mention, Person, Speaker, Statement, Target
from stancewire.text import Document
from stancewire.windows import start_of, starting_in, window

NAMED = "named"
"""The rule of targets that need no further judgement."""

PRIOR: dict[str, float] = {NAMED: math.inf, "salient": 1.0, "own": 0.0, "near": 0.0, "foremost": 0.0}
"""What the rule of a candidate adds to the log-odds that it is addressed."""

SALIENT = 1.3
"""The least salience at which a state is taken to be what a statement without a foreign name refers to."""

DECAY = 0.5
"""What each sentence between a mention and the statement leaves of the mention's weight."""

LEAD_WEIGHT, FREQUENCY_WEIGHT, PLACE_WEIGHT = 0.5, 2.0, 0.3
"""Salience of standing in the first paragraph, of the share of mentions, and of a city that only says where."""

WINDOW = 40
"""Mentions before the statement that are weighed; keeps the cost of a statement independent of the article's length."""

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


class CandidateFinder:
    """Finds the candidates of the statements of one document; what concerns the whole of it is worked out once.

    Args:
        mentions: every mention of the document, in order (`states.Gazetteer.find`).
        people: who the document introduces; a leader's name stands for the state.
    """

    def __init__(self, doc: Document, mentions: Sequence[Mention], people: Sequence[Person]) -> None:
        self._doc = doc
        self._stated = [mention for mention in mentions if mention.rule != "dateline"]
        self._mentions = sorted([*mentions, *_leaders(people)], key=start_of)
        counts = Counter(mention.code for mention in self._stated)
        self._foremost = [code for code, _ in counts.most_common(FOREMOST)]

    def candidates(self, statement: Statement, speaker: Speaker) -> list[Target]:
        """What one statement can be about, each code once: first what it names, in order, then what is open.

        The rule tells which: `NAMED` is a target; "own", "salient", "near" and "foremost" are for the slot model to decide.
        """
        words = " ".join(span.of(self._doc.text) for span in statement.spans)
        stretches = window(self._doc, statement.spans).stretches
        read = [mention for stretch in stretches for mention in starting_in(stretch, self._mentions)]
        inside = [mention for mention in read if any(span.overlaps(mention.span) for span in statement.spans)]
        targets: dict[str, Target] = {}
        for mention in inside:
            if mention.code != speaker.state:
                targets.setdefault(mention.code, Target(mention.code, mention.span, mention.evidence, NAMED))
        likely = None if targets else self._salient(statement, speaker)
        if speaker.state is not None:
            targets[speaker.state] = _own(speaker.state, inside, words)
        evidence = Evidence.PRONOUN if _BACK.search(words) else Evidence.CONTEXT
        nearest = {mention.code: mention for mention in read if mention.rule != "dateline"}
        for code, mention in list(reversed(nearest.items()))[:MOST_OPEN]:
            targets.setdefault(code, Target(code, mention.span, evidence, "salient" if code == likely else "near"))
        for code in self._foremost:
            targets.setdefault(code, Target(code, None, Evidence.CONTEXT, "foremost"))
        return list(targets.values())

    def _salient(self, statement: Statement, speaker: Speaker) -> str | None:
        """The foreign state that stands out most before a statement, not counting datelines and who speaks."""
        source = statement.attribution.source if statement.attribution else None
        after = bisect.bisect_left(self._stated, statement.end, key=start_of)
        foreign = [
            mention
            for mention in self._stated[max(0, after - WINDOW) : after]
            if mention.code != speaker.state
            and not any(span is not None and span.overlaps(mention.span) for span in (source, speaker.span))
        ]
        here = _sentence(self._doc, statement.start)
        lead = self._doc.paragraphs[0].end if self._doc.paragraphs else 0
        salience: dict[str, float] = {}
        for mention in foreign:
            weight = PLACE_WEIGHT if mention.rule == "place" else 1.0
            distance = max(0, here - _sentence(self._doc, mention.span.start))
            weight *= DECAY**distance + FREQUENCY_WEIGHT / len(foreign)
            salience[mention.code] = salience.get(mention.code, LEAD_WEIGHT * (mention.span.start < lead)) + weight
        best = max(salience, key=salience.__getitem__, default=None)
        return best if best is not None and salience[best] >= SALIENT else None


def _own(state: str, inside: Iterable[Mention], words: str) -> Target:
    for mention in inside:
        if mention.code == state:
            return Target(state, mention.span, mention.evidence, "own")
    return Target(state, None, Evidence.PRONOUN if _OWN.search(words) else Evidence.CONTEXT, "own")


def _sentence(doc: Document, offset: int) -> int:
    """The number of the sentence at `offset`, or of the last before it."""
    return max(0, bisect.bisect_right(doc.sentences, offset, key=lambda sentence: sentence.start) - 1)


def _leaders(people: Iterable[Person]) -> Iterator[Mention]:
    """Mentions by name of those who act for a state."""
    for person in people:
        if person.leads and person.state:
            yield from (Mention(span, person.state, Evidence.LEADER, "leader") for span in person.mentions)
