"""Whether text that a model is measured on stands in the text it was trained on.

Words are compared, in lower case and without punctuation. Of two texts, those words are shared that lie in sequences of eight
that both have; a text has leaked where half of it is shared with one training text, or half of that text with it, so that a
record cut out of an article is found, and a sentence with one word changed (containment: Broder, "On the resemblance and
containment of documents", 1997; counted in words as for Llama 2, Touvron et al. 2023). Statements are looked for by
themselves, too, where they have 13 words or more: shorter ones are often formulas.

Only the measured text is held in memory; what was trained on is read once, in time linear in its length.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from stancewire.pairs import StancePair

SEQUENCE = 8
"""Words of the sequences compared."""

LEAST = 0.5
"""Share of the shorter text's words from which two texts count as near-duplicates."""

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
    """The measured texts that stand in training text, and statements of others that do.

    Each is named once, by its first pair, with the training pair that it overlaps most.
    """
    units = _units(measured)
    index: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, unit in enumerate(units):
        for start, sequence in enumerate(_sequences(unit.words)):
            index[sequence].append((number, start))
    worst: dict[int, Leak] = {}
    for pair in _one_a_text(trained):
        words = _words(pair.text)
        starts: dict[int, list[int]] = defaultdict(list)
        for sequence in set(_sequences(words)):
            for number, start in index.get(sequence, ()):
                starts[number].append(start)
        for number, places in starts.items():
            unit = units[number]
            share = min(1.0, _covered(sorted(places), len(unit.words)) / min(len(unit.words), len(words)))
            if share >= LEAST and (number not in worst or share > worst[number].share):
                worst[number] = Leak(unit.id, pair.id, unit.what, share)
    return [
        worst[number] for number in sorted(worst) if units[number].text == number or units[number].text not in worst
    ]


def _covered(starts: Sequence[int], words: int) -> int:
    """How many words lie in the sequences that begin at these places, in order, of a text of so many words."""
    ends = [min(start + SEQUENCE, words) for start in starts]
    return sum(min(end, after) - start for start, end, after in zip(starts, ends, [*starts[1:], words], strict=True))


@dataclasses.dataclass(frozen=True, slots=True)
class _Unit:
    """A text or statement to look for; `id` names the first pair that has it, `text` is the number of its text's unit."""

    id: str
    text: int
    what: str
    words: list[str]


def _units(pairs: Iterable[StancePair]) -> list[_Unit]:
    units: list[_Unit] = []
    text, words, number = None, list[str](), 0
    for pair in pairs:
        if pair.text != text:  # pairs of one article follow one another
            text, words = pair.text, _words(pair.text)
            number = len(units)
            units.append(_Unit(pair.id, number, "text", words))
        statement = _words(" ".join(span.of(pair.text) for span in pair.statement))
        if STATEMENT_WORDS <= len(statement) < len(words):
            units.append(_Unit(pair.id, number, "statement", statement))
    return units


def _one_a_text(pairs: Iterable[StancePair]) -> Iterator[StancePair]:
    """The first pair of each run of pairs with one text."""
    return (next(run) for _, run in itertools.groupby(pairs, key=lambda pair: pair.text))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _sequences(words: Sequence[str]) -> list[str]:
    """The sequences of eight words, by where they begin; fewer words are one sequence, none are none."""
    last = max(len(words) - SEQUENCE + 1, min(1, len(words)))
    return [" ".join(words[start : start + SEQUENCE]) for start in range(last)]
