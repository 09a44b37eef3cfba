"""Words set down without quotation marks: transcripts, interviews, and quotations signed on the line below.

A transcript is a text in which at least three paragraphs open with a label ("MS. HALE:", "Q:") and one label returns;
every turn but a question is a statement. In an interview, paragraphs that ask alternate with paragraphs that answer. A
line "— Name, office" or "— Name (@account)" signs the paragraph above it.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter

from stancewire.schema import Span
from stancewire.text import Document

_LABEL = re.compile(
    r"(?:\*\*)?(?P<label>[A-ZÀ-Þ][\w.’'-]*(?: (?:[A-ZÀ-Þ][\w.’'-]*|of|the|al|de|von|van)){0,7})(?:\*\*)?"
    r"(?: ?\([^()\n]{1,60}\))?(?:, [a-z][^:\n.]{0,50})?:(?:\*\*)? +(?=\S)"
)
_ASKS = re.compile(r"(?:Q|QUESTIONS?|QUESTIONER|REPORTERS?|MODERATOR|INTERVIEWER)\.?\d*\Z", re.I)
_SIGNATURE = re.compile(r"[—–-]{1,2} ?(?P<name>[A-ZÀ-Þ][^\n]{2,140}?)(?P<rest> \(@\w+\)[^\n]*)?")
_OPENERS, _CLOSERS = "“\"‘'«„»", "”\"’'»“«"
_FEWEST_LABELS = 3
_FEWEST_QUESTIONS = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """A paragraph said by one speaker. `speaker` is the label or signature, None in an interview."""

    paragraph: Span
    words: Span
    speaker: Span | None
    rule: str


def find_turns(doc: Document) -> list[Turn]:
    """The paragraphs of `doc` that are statements as a whole, in order. Questions are left out."""
    return _transcript(doc) or _interview(doc) or _signed(doc)


def _transcript(doc: Document) -> list[Turn]:
    labelled = [
        (paragraph, match)
        for paragraph in doc.paragraphs
        if (match := _LABEL.match(doc.text, paragraph.start, min(paragraph.end, paragraph.start + 200)))
    ]
    labels = Counter(match["label"] for _, match in labelled)
    if len(labelled) < _FEWEST_LABELS or max(labels.values()) < 2:
        return []
    return [
        Turn(paragraph, Span(match.end(), paragraph.end), Span(*match.span("label")), "turn")
        for paragraph, match in labelled
        if not _ASKS.match(match["label"]) and match.end() < paragraph.end
    ]


def _interview(doc: Document) -> list[Turn]:
    asks = [doc.text.endswith("?", paragraph.start, paragraph.end) for paragraph in doc.paragraphs]
    answers = [
        Turn(paragraph, paragraph, None, "answer")
        for number, paragraph in enumerate(doc.paragraphs)
        if number and asks[number - 1] and not asks[number] and doc.text[paragraph.start] not in _OPENERS
    ]
    return answers if len(answers) >= max(_FEWEST_QUESTIONS, len(doc.paragraphs) // 4) else []


def _signed(doc: Document) -> list[Turn]:
    turns = []
    for above, below in zip(doc.paragraphs, doc.paragraphs[1:], strict=False):
        match = _SIGNATURE.fullmatch(doc.text, below.start, below.end) if len(below) < 200 else None
        quoted = doc.text[above.start] in _OPENERS and doc.text[above.end - 1] in _CLOSERS
        if match and (quoted or match["rest"]):
            turns.append(Turn(above, above, Span(*match.span("name")), "signed"))
    return turns
