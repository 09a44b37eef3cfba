"""What the slot model reads: a passage in which every state is a slot, as token ids.

    [CLS] [A] [B] by [B] [SEP] context [SEP] the sentence with the «statement» marked [SEP]

Every mention of one entity becomes the same slot token, so the model cannot know which state it judges: swap two
countries and the ids stay the same. The targets stand in front, in the order their slots first occur, and the model
is read there: target `i` of a passage at position `1 + i`. After "by" stands the slot of the state the speaker speaks for.

The article before a slot goes ("the United States" takes one, "France" does not) or loses its form ("an [A] envoy" → "a [A]
envoy"), since either would tell apart the states that can stand there. Quotation marks become one straight mark and
square brackets round ones: « » and [ ] are ours alone. The possessive of a name in -s gets the s the others have.
"""

from __future__ import annotations

import dataclasses
import re
import string
from collections.abc import Sequence

from tokenizers import Tokenizer

from stancewire.schema import Span

SLOTS: tuple[str, ...] = tuple(f"[{letter}]" for letter in string.ascii_uppercase[:24])
"""The slot tokens, one for each entity of a passage."""

_SURPLUS = "another country"  # states beyond the last slot, in words the encoder knows
_SPEAKER = "by"
_OPEN, _CLOSE = "«", "»"
_PLAIN = str.maketrans({**dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‘’‚‛‹›", "'"), "[": "(", "]": ")"})
_ARTICLE = re.compile(r"\b(?:the|(an?)) $", re.I)
_BARE_POSSESSIVE = re.compile(r"['’](?= [a-z])")


@dataclasses.dataclass(frozen=True, slots=True)
class SlotMention:
    """A place where an entity stands."""

    span: Span
    entity: str


@dataclasses.dataclass(frozen=True, slots=True)
class Passage:
    """One statement with what the model needs to judge it, in coordinates of `text`.

    `body` is where the sentence that carries the statement begins; what stands before it is context. `mentions` are
    sorted and disjoint. `targets` are entities, with or without mentions; at most `len(SLOTS) - 1` of them.
    """

    text: str
    body: int
    statement: tuple[Span, ...]
    mentions: tuple[SlotMention, ...]
    targets: tuple[str, ...]
    speaker_state: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class EncodedPassage:
    """Token ids of a passage, in one window or, where the statement is longer than the encoder reads, in several.

    `order[i]` is the index in `Passage.targets` of the target read at position `1 + i`; it is the same in each window.
    """

    windows: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]

    @property
    def windowed(self) -> bool:
        return len(self.windows) > 1


class SlotEncoder:
    """Turns passages into token ids.

    Args:
        tokenizer: with `SLOTS` among its special tokens (`add_slots`).
        max_length: tokens in one window, between 64 and what the encoder has positions for.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int = 256) -> None:
        if max_length < 64:
            raise ValueError(f"max_length {max_length}: a window needs 64 tokens at least")
        missing = [slot for slot in SLOTS if tokenizer.token_to_id(slot) is None]
        if missing:
            raise ValueError(
                f"the tokenizer has no slot tokens {missing[0]} … {missing[-1]}; add them with add_slots()"
            )
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.pad_id = _special(tokenizer, "[PAD]", "<pad>")
        self.cls_id = _special(tokenizer, "[CLS]", "<s>")
        self.sep_id = _special(tokenizer, "[SEP]", "</s>")
        self.mask_id = _special(tokenizer, "[MASK]", "<mask>")
        self.open_id = _special(tokenizer, _OPEN)
        self.close_id = _special(tokenizer, _CLOSE)
        self.slot_ids = tuple(_special(tokenizer, slot) for slot in SLOTS)

    def encode(self, passages: Sequence[Passage]) -> list[EncodedPassage]:
        """Encode passages; one result for each, in order.

        Raises:
            ValueError: for a passage with more targets than can be listed.
        """
        parts: list[str] = []
        orders: list[tuple[int, ...]] = []
        for passage in passages:
            if len(passage.targets) >= len(SLOTS):
                raise ValueError(f"{len(passage.targets)} targets in one passage; at most {len(SLOTS) - 1} can be read")
            front, context, body, order = _render(passage)
            parts += front, context, body
            orders.append(order)
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(parts, add_special_tokens=False)]
        return [
            EncodedPassage(self._windows(*ids[3 * index : 3 * index + 3]), order) for index, order in enumerate(orders)
        ]

    def _windows(self, front: list[int], context: list[int], body: list[int]) -> tuple[tuple[int, ...], ...]:
        """Fit the three parts into windows: context gives way first, then the sentence around the statement."""
        room = self.max_length - len(front) - 4
        if len(body) <= room:
            head = context[-(room - len(body)) :] if len(body) < room else []
            return (self._join(front, head, body),)
        first = body.index(self.open_id)
        last = len(body) - 1 - body[::-1].index(self.close_id)
        spare = room - (last + 1 - first)
        if spare >= 0:
            start = max(0, min(first - spare // 2, len(body) - room))
            return (self._join(front, [], body[start : start + room]),)
        overlap, inside = room // 4, body[first + 1 : last]
        starts = range(0, max(1, len(inside) - overlap), room - 2 - overlap)
        return tuple(self._join(front, [], [body[first], *inside[s : s + room - 2], body[last]]) for s in starts)

    def _join(self, front: list[int], context: list[int], body: list[int]) -> tuple[int, ...]:
        return (self.cls_id, *front, self.sep_id, *context, self.sep_id, *body, self.sep_id)


def add_slots(tokenizer: Tokenizer) -> None:
    """Make `SLOTS` and the statement's marks special tokens; take out padding and truncation, which are ours to do."""
    tokenizer.add_special_tokens([*SLOTS, _OPEN, _CLOSE])
    tokenizer.no_padding()
    tokenizer.no_truncation()


def _render(passage: Passage) -> tuple[str, str, str, tuple[int, ...]]:
    """The three parts as strings, and the order of the targets in the front part."""
    entities = list(dict.fromkeys(mention.entity for mention in passage.mentions))
    entities += [target for target in dict.fromkeys(passage.targets) if target not in entities]
    if passage.speaker_state is not None and passage.speaker_state not in entities:
        entities.append(passage.speaker_state)
    # Targets and the speaker always get a slot; of the other entities those that come first.
    needed = {*passage.targets, passage.speaker_state}
    spare = len(SLOTS) - sum(entity in needed for entity in entities)
    slots: dict[str, str] = {}
    for entity in entities:
        if entity in needed or spare > 0:
            spare -= entity not in needed
            slots[entity] = SLOTS[len(slots)]
    order = tuple(sorted(range(len(passage.targets)), key=lambda index: slots[passage.targets[index]]))
    front = " ".join(slots[passage.targets[index]] for index in order)
    if passage.speaker_state is not None:
        front += f" {_SPEAKER} {slots[passage.speaker_state]}"
    return front, *_fill(passage, slots), order


def _fill(passage: Passage, slots: dict[str, str]) -> tuple[str, str]:
    """Context and body with slots for mentions and « » around the statement."""
    edits: list[tuple[int, int, int, str]] = []  # start, rank, end, replacement; rank orders edits at one place
    for mention in passage.mentions:
        edits.append((mention.span.start, 1, mention.span.end, slots.get(mention.entity, _SURPLUS)))
    for span in passage.statement:
        # A mark that falls inside a mention moves to its edge: a slot stays whole.
        edits.append((start := _edge(passage.mentions, span.start, last=False), 0, start, _OPEN))
        edits.append((end := _edge(passage.mentions, span.end, last=True), -1, end, _CLOSE))
    closed = {span.end for span in passage.statement}  # an apostrophe there is a quotation mark
    context: list[str] = []
    body: list[str] = []
    position = 0
    for start, rank, end, new in sorted(edits):
        target = context if start < passage.body else body
        if position < passage.body <= start:
            context.append(_plain(passage.text[position : passage.body]))
            position = passage.body
        before = _plain(passage.text[position:start])
        if rank == 1:
            before = _ARTICLE.sub(lambda article: "a " if article[1] else "", before)
        target += [before, new]
        position = end
        if rank == 1 and end not in closed and _BARE_POSSESSIVE.match(passage.text, end):
            target.append("'s")
            position += 1
    if position < passage.body:
        context.append(_plain(passage.text[position : passage.body]))
        position = passage.body
    body.append(_plain(passage.text[position:]))
    return "".join(context), "".join(body)


def _edge(mentions: Sequence[SlotMention], offset: int, *, last: bool) -> int:
    for mention in mentions:
        if mention.span.start < offset < mention.span.end:
            return mention.span.end if last else mention.span.start
    return offset


def _plain(text: str) -> str:
    return text.translate(_PLAIN)


def _special(tokenizer: Tokenizer, *names: str) -> int:
    for name in names:
        if (token := tokenizer.token_to_id(name)) is not None:
            return token
    raise ValueError(f"the tokenizer has none of the special tokens {', '.join(names)}")
