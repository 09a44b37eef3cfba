"""The stance stage: statements with their targets in, calibrated labels out."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from stancewire import text as text_stage
from stancewire.models import checkpoint
from stancewire.models.inputs import SLOTS, Passage, SlotMention
from stancewire.models.selection import EVERYTHING, Selection
from stancewire.pairs import StancePair
from stancewire.people import find_people
from stancewire.schema import LABELS, Label, Mention, Person, Span, Stance
from stancewire.states import Gazetteer
from stancewire.text import Document
from stancewire.windows import starting_in, window

if TYPE_CHECKING:
    import torch

    from stancewire.models.calibration import Calibration
    from stancewire.models.classifier import SlotClassifier

Precision = Literal["auto", "float32", "bfloat16"]

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_MOST_TARGETS = len(SLOTS) - 1


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """What the model makes of the targets of one passage.

    Attributes:
        probabilities: of the labels, given that the statement is about the target. *Shape:* (targets, 3).
        addressed: log-odds, above the threshold, that the statement is about the target at all. *Shape:* (targets,).
        windowed: whether the statement is longer than the encoder reads at once.
    """

    probabilities: npt.NDArray[np.float64]
    addressed: npt.NDArray[np.floating[Any]]
    windowed: bool


class StanceClassifier:
    """Labels targets of given statements; `StancePipeline` finds both first.

    Args:
        network: the slot classifier.
        calibration: turns its logits into probabilities.
        name: what rows call the model.
    """

    def __init__(self, network: SlotClassifier, calibration: Calibration, name: str) -> None:
        self.network = network
        self.calibration = calibration
        self.name = name

    @classmethod
    def from_pretrained(
        cls, model: str | os.PathLike[str] | None = None, *, device: str = "auto", precision: Precision = "auto"
    ) -> StanceClassifier:
        """Load a checkpoint: the shipped one, a folder, or a hub id.

        Args:
            device: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1", "mps".
            precision: "auto" is float32 on CPUs, where every label is repeatable bit for bit, and bfloat16 on GPUs.

        Raises:
            stancewire.models.checkpoint.CheckpointError: for a checkpoint that is missing, incomplete or damaged.
            ValueError: for a device or precision that is not known.
        """
        network, calibration, name = checkpoint.load(checkpoint.resolve(model), *_placement(device, precision))
        return cls(network, calibration, name)

    def predict(self, pairs: Iterable[StancePair]) -> list[list[Label]]:
        """The most probable label of every target of every pair, in order."""
        return [[LABELS[best] for best in probabilities.argmax(axis=1)] for probabilities in self.predict_proba(pairs)]

    def predict_proba(self, pairs: Iterable[StancePair]) -> list[npt.NDArray[np.float64]]:
        """Calibrated probabilities for every target of every pair; labels in the pairs are not looked at.

        *Shape:* for each pair (len(pair.targets), 3), columns in the order of `schema.LABELS`, rows summing to one.
        """
        return [judgement.probabilities for judgement in self.judge([passage(pair) for pair in pairs])]

    def judge(self, passages: Sequence[Passage]) -> list[Judgement]:
        """Judge every target of every passage; a passage beyond the slots is read in parts."""
        parts = [split_targets(whole) for whole in passages]
        encoded = self.network.encoder.encode([part for whole in parts for part in whole])
        judged = iter(zip(self.network.logits_of(encoded), encoded, strict=True))
        judgements = []
        for whole in parts:
            pieces = [next(judged) for _ in whole]
            logits = np.concatenate([piece for piece, _ in pieces])
            judgements.append(
                Judgement(
                    self.calibration.probabilities(logits[:, :3]),
                    logits[:, 3] - self.calibration.addressed_from,
                    windowed=any(encoding.windowed for _, encoding in pieces),
                )
            )
        return judgements


def stance(probabilities: npt.NDArray[np.float64], selection: Selection = EVERYTHING) -> Stance:
    """The stance that probabilities of one target stand for; none where they are less sure than wanted. *Shape:* (3,)."""
    supportive, neutral, critical = (float(p) for p in probabilities)
    if probabilities.max() < selection.threshold:
        return Stance(None, (supportive, neutral, critical), abstain="uncertain")
    return Stance(LABELS[int(probabilities.argmax())], (supportive, neutral, critical))


def passage(pair: StancePair) -> Passage:
    """What the model reads of a stance pair; the gazetteer finds the mentions the pair does not give."""
    document, slots = _slots_of(pair.text)
    given = [
        SlotMention(span, target.target)
        for target in pair.targets
        for original in target.mentions or ()
        if (span := document.clean_span(original))
    ]
    implied = {target.target for target in pair.targets if target.mentions is not None}
    found = [
        mention
        for mention in slots
        if mention.entity not in implied and not any(mention.span.overlaps(other.span) for other in given)
    ]
    return cut_passage(
        document,
        [document.clean_span(span) for span in pair.statement],
        sorted([*given, *found], key=lambda mention: mention.span),
        [target.target for target in pair.targets],
        pair.speaker_state,
    )


@functools.lru_cache(maxsize=64)
def read_text(text: str) -> tuple[Document, Sequence[Mention], Sequence[Person]]:
    """A text as the stages read it, the states it mentions and the people it introduces.

    The last few texts are kept: pairs of one article come one after another, and training reads them in two passes.
    """
    document = text_stage.read(text)
    mentions = Gazetteer.default().find(document.text)
    return document, mentions, find_people(document, mentions)


@functools.lru_cache(maxsize=1)
def _slots_of(text: str) -> tuple[Document, list[SlotMention]]:
    document, mentions, people = read_text(text)
    return document, slot_mentions(document.text, mentions, people)


def slot_mentions(text: str, mentions: Sequence[Mention], people: Sequence[Person]) -> list[SlotMention]:
    """Every place where a slot stands for a state: the gazetteer's mentions, and the names of those who lead one.

    Of a leader's mention only the name becomes the slot: office and apposition are words for the model to read. A leader
    whose state no mention spells out ("the minister, Ann Odera") keeps the name: what is inferred may depend on the state.
    """
    slots = [SlotMention(mention.span, mention.code) for mention in mentions]
    stated = {(mention.span.start, mention.code) for mention in mentions}
    for person in people:
        if person.leads and person.state is not None and _is_stated(person, stated):
            names = (_name_in(text, span, person.name) for span in person.mentions)
            slots += (SlotMention(span, person.state) for span in names if span is not None)
    slots.sort(key=lambda slot: slot.span)
    disjoint: list[SlotMention] = []
    for slot in slots:
        if not disjoint or slot.span.start >= disjoint[-1].span.end:
            disjoint.append(slot)
    return disjoint


def _is_stated(person: Person, stated: set[tuple[int, str]]) -> bool:
    return any((place, person.state) in stated for span in person.mentions for place in range(span.start, span.end))


def _name_in(text: str, mention: Span, name: str) -> Span | None:
    """Where the words of a personal name stand in a mention; None for a mention, or a "name", without proper names."""
    known = {word for word in _WORD.findall(name) if word[0].isupper()}
    words = [word for word in _WORD.finditer(text, mention.start, mention.end) if word[0] in known]
    return Span(words[0].start(), words[-1].end()) if words and len(known) == len(_WORD.findall(name)) else None


def cut_passage(
    document: Document,
    statement: Sequence[Span],
    mentions: Sequence[SlotMention],
    targets: Sequence[str],
    speaker_state: str | None,
) -> Passage:
    """Cut the passage of a statement out of a document (`windows.window`)."""
    around = window(document, statement)
    pieces = [stretch.of(document.text) for stretch in around.stretches]
    offsets = [0, len(pieces[0]) + 1]  # stretches are joined by a space

    def moved(span: Span) -> Span | None:
        for stretch, offset in zip(around.stretches, offsets, strict=False):
            if stretch.contains(span):
                return Span(span.start - stretch.start + offset, span.end - stretch.start + offset)
        return None

    read = (mention for stretch in around.stretches for mention in starting_in(stretch, mentions))
    placed = ((moved(mention.span), mention) for mention in read)
    return Passage(
        text=" ".join(pieces),
        body=offsets[len(pieces) - 1] + len(around.context),
        statement=tuple(span for piece in statement if (span := moved(piece))),
        mentions=tuple(SlotMention(span, mention.entity) for span, mention in placed if span),
        targets=tuple(targets),
        speaker_state=speaker_state,
    )


def split_targets(whole: Passage) -> list[Passage]:
    """The passage itself, or copies that share its targets out where there are more than the slots can list."""
    if len(whole.targets) <= _MOST_TARGETS:
        return [whole]
    return [
        Passage(
            whole.text,
            whole.body,
            whole.statement,
            whole.mentions,
            whole.targets[i : i + _MOST_TARGETS],
            whole.speaker_state,
        )
        for i in range(0, len(whole.targets), _MOST_TARGETS)
    ]


def _placement(device: str, precision: Precision) -> tuple[torch.device, torch.dtype]:
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.device(device)
    except RuntimeError:
        raise ValueError(f"device {device!r}: expected auto, cpu, cuda, cuda:N or mps") from None
    if place.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {device!r}: no GPU is to be had here; use device='cpu' or 'auto'")
    if precision == "auto":
        precision = "bfloat16" if place.type == "cuda" else "float32"
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"precision {precision!r}: expected auto, float32 or bfloat16")
    return place, torch.bfloat16 if precision == "bfloat16" else torch.float32
