"""Country swap: every state of a passage replaced by another must change no label and no bit of a probability.

Passages go the whole way from text to probabilities, names and all, so that this also catches what betrays a state
beside its name (an article, a possessive) and names that are found in one text and not in the other.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Sequence

import numpy as np

from stancewire import text as text_stage
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import Evidence, Mention, Span
from stancewire.stance import StanceClassifier
from stancewire.states import Gazetteer

STANDINS: dict[str, tuple[str, str, str]] = {
    "KEN": ("Kenya", "Kenyan", "Nairobi"),
    "NOR": ("Norway", "Norwegian", "Oslo"),
    "PER": ("Peru", "Peruvian", "Lima"),
    "VNM": ("Vietnam", "Vietnamese", "Hanoi"),
    "UGA": ("Uganda", "Ugandan", "Kampala"),
    "FIN": ("Finland", "Finnish", "Helsinki"),
    "BOL": ("Bolivia", "Bolivian", "La Paz"),
    "NPL": ("Nepal", "Nepali", "Kathmandu"),
    "ZMB": ("Zambia", "Zambian", "Lusaka"),
    "ISL": ("Iceland", "Icelandic", "Reykjavik"),
    "URY": ("Uruguay", "Uruguayan", "Montevideo"),
    "KHM": ("Cambodia", "Cambodian", "Phnom Penh"),
}
"""States that stand in for others: name, demonym, seat. None of them means anything else."""


@dataclasses.dataclass(frozen=True, slots=True)
class Swap:
    """What a swap did: passages compared, labels that changed, passages whose probabilities differ in any bit."""

    passages: int
    labels_changed: int
    probabilities_changed: int


def swap(pair: StancePair) -> StancePair | None:
    """The pair with every state in its text replaced by another, none twice.

    None where there are more states than stand-ins, and where the text is damaged: what is not written out, such as
    "Pales tinian", cannot be replaced.
    """
    if text_stage.read(pair.text).repaired:
        return None
    mentions = Gazetteer.default().find(pair.text)
    codes = dict.fromkeys([*(mention.code for mention in mentions), *(target.target for target in pair.targets)])
    if pair.speaker_state is not None:
        codes.setdefault(pair.speaker_state)
    free = [code for code in STANDINS if code not in codes]
    if len(codes) > len(free):
        return None
    standin = dict(zip(codes, free, strict=False))
    pieces, edges, position, length = [], [], 0, 0
    for mention in mentions:
        new = _form(STANDINS[standin[mention.code]], mention, pair.text)
        before = pair.text[position : mention.span.start]
        position = mention.span.end + new.endswith("'s")
        length += len(before) + len(new)
        pieces += [before, new]
        edges.append((Span(mention.span.start, position), length - len(new), length))

    def moved(offset: int, *, last: bool) -> int:
        shift = 0
        for span, start, end in edges:
            if span.end <= offset:
                shift = end - span.end
            elif span.start < offset:
                return end if last else start
        return offset + shift

    return dataclasses.replace(
        pair,
        text="".join([*pieces, pair.text[position:]]),
        statement=tuple(Span(moved(s.start, last=False), moved(s.end, last=True)) for s in pair.statement),
        targets=tuple(PairTarget(standin[target.target], target.label) for target in pair.targets),
        speaker_state=None if pair.speaker_state is None else standin[pair.speaker_state],
    )


def _form(forms: tuple[str, str, str], mention: Mention, text: str) -> str:
    """The stand-in's form for a mention; a name that stands as an adjective ("the U.S. Navy") becomes the demonym."""
    name, demonym, seat = forms
    if re.match(r"['’] [a-z]", text[mention.span.end :]):
        return name + "'s"  # the apostrophe of "the Philippines' envoy" goes with the name
    if mention.evidence is Evidence.DEMONYM or re.match(r" [A-Z]|-", text[mention.span.end :]):
        return demonym
    return seat if mention.evidence is Evidence.SEAT else name


def measure_swap(classifier: StanceClassifier, pairs: Iterable[StancePair], passages: int = 200) -> Swap:
    """Label the first `passages` pairs that can be swapped, as they are and swapped."""
    both = ((pair, other) for pair in pairs if (other := swap(pair)) is not None)
    chosen: Sequence[tuple[StancePair, StancePair]] = list(itertools.islice(both, passages))
    before = classifier.predict_proba(pair for pair, _ in chosen)
    after = classifier.predict_proba(other for _, other in chosen)
    return Swap(
        passages=len(chosen),
        labels_changed=sum(
            int((a.argmax(axis=1) != b.argmax(axis=1)).sum()) for a, b in zip(before, after, strict=True)
        ),
        probabilities_changed=sum(not np.array_equal(a, b) for a, b in zip(before, after, strict=True)),
    )
