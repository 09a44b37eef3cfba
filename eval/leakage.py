"""Whether text that a model is measured on stands in the text it was trained on.

Words are compared, in lower case and without punctuation. Two texts overlap where they are the same, or where the one has
half of the eight-word sequences of the other: the share of the shorter text, so that a record cut out of an article is
found (near-duplicates by containment: Broder, "On the resemblance and containment of documents", 1997; Jaccard's measure is never
larger). Statements are looked for by themselves, too, where they have 13 words or more: shorter ones are often formulas.

Only the measured text is held in memory; what was trained on is read once, in time linear in its length.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from stancewire.pairs import StancePair

SEQUENCE = 8
"""Words of the sequences compared."""

LEAST = 0.5
"""Share of the shorter text's sequences from which two texts count as near-duplicates."""

STATEMENT_WORDS = 13
"""Words from which a statement is looked for by itself (the length of GPT-3's test for contamination; Brown et al. 2020)."""

_WORD = re.compile(r"\w+")


@dataclasses.dataclass(frozen=True, slots=True)
class Leak:
    """A measured pair whose text, or statement, stands in a training pair: their ids, and the share of the overlap."""

    measured: str
    trained: str
    what: str
    share: float

    def __str__(self) -> str:
        return f"{self.measured}: its {self.what} stands in training pair {self.trained} ({self.share:.0%})"


def find_leaks(measured: Iterable[StancePair], trained: Iterable[StancePair]) -> list[Leak]:
    """The measured pairs that stand in training text, each with the training pair it overlaps most."""
    units = _units(measured)
    index: dict[str, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        for sequence in unit.sequences:
            index[sequence].append(number)
    worst: dict[int, Leak] = {}
    for pair in _one_a_text(trained):
        sequences = _sequences(pair.text)
        shared = Counter(number for sequence in sequences for number in index.get(sequence, ()))
        for number, count in shared.items():
            unit = units[number]
            share = count / min(len(unit.sequences), len(sequences))
            if share >= LEAST and (number not in worst or share > worst[number].share):
                worst[number] = Leak(unit.id, pair.id, unit.what, share)
    return [worst[number] for number in sorted(worst)]


@dataclasses.dataclass(frozen=True, slots=True)
class _Unit:
    """A text or statement to look for; `id` names the first pair that has it."""

    id: str
    what: str
    sequences: frozenset[str]


def _units(pairs: Iterable[StancePair]) -> list[_Unit]:
    units = []
    text = None
    for pair in pairs:
        if pair.text != text:  # pairs of one article follow one another
            text = pair.text
            units.append(_Unit(pair.id, "text", _sequences(text)))
        statement = " ".join(span.of(pair.text) for span in pair.statement)
        if statement != text and len(_WORD.findall(statement)) >= STATEMENT_WORDS:
            units.append(_Unit(pair.id, "statement", _sequences(statement)))
    return units


def _one_a_text(pairs: Iterable[StancePair]) -> Iterator[StancePair]:
    """The first pair of each run of pairs with one text."""
    return (next(run) for _, run in itertools.groupby(pairs, key=lambda pair: pair.text))


def _sequences(text: str) -> frozenset[str]:
    """The sequences of eight words of a text; a shorter text is one sequence, one without words none."""
    words = _WORD.findall(text.casefold())
    if not words:
        return frozenset()
    return frozenset(" ".join(words[start : start + SEQUENCE]) for start in range(max(1, len(words) - SEQUENCE + 1)))
