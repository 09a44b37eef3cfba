"""Pairs quotation marks: which stretch of text stands inside which pair.

One pass over the marks with a stack, paragraph by paragraph, in time linear in the text. Every convention in print is
read by the same few rules: “double”, "straight", ‘single’, 'typewriter', «guillemets», « with inner spaces »,
„low and high“, »reversed«, ”same on both sides”, ``TeX''. A mark opens or closes by its shape, and by the spaces
around it where the shape does not tell. Only outermost pairs are reported; what is nested stays part of the words.

A quotation that a paragraph leaves open goes on where the next paragraph opens with a mark of the same kind (the
convention of print); elsewhere it ends with its paragraph, so a lost mark never swallows an article.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Sequence
from enum import Enum, auto

from stancewire.schema import Span


class _Family(Enum):
    """Marks that may pair with each other: print mixes “this", and the shapes within a family say little."""

    DOUBLE = auto()
    GUILLEMET = auto()
    SINGLE_GUILLEMET = auto()
    SINGLE = auto()


_FAMILY = {
    **dict.fromkeys(("“", "”", "„", "‟", '"', "``", "''"), _Family.DOUBLE),
    **dict.fromkeys("«»", _Family.GUILLEMET),
    **dict.fromkeys("‹›", _Family.SINGLE_GUILLEMET),
    **dict.fromkeys("‘’‚‛'", _Family.SINGLE),
}
_MARK = re.compile(
    r"""[“”„‟"«»‹›‘‚‛]|``|''   # marks that are nothing else
    |(?<!\w)['’](?=\S)         # may open ('typewriter'), or stand for what is left out ('em, ’90s)
    |(?<=\S)['’](?!\w)         # may close, or make a plural possessive (the ministers’ cars)
    """,
    re.X,
)
_ALWAYS_OPEN = frozenset(("„", "‟", "‚", "‛", "``"))
_ELISION = re.compile(r"['’](?:\d|(?:em|tis|twas|til|cause|bout|n)\b)", re.I)
_POSSESSIVE = re.compile(r"[sS]['’] \w")
_MAY_STAND_BEFORE_OPENER = frozenset("([{—–-/“‘\"'«„‚")
_BLANK = re.compile(r"\s*")
_WORD = re.compile(r"[^\W_]")


@dataclasses.dataclass(frozen=True, slots=True)
class Quotation:
    """An outermost pair of marks within one paragraph.

    `outer` has the marks, `inner` the words between them without spaces at the ends. `continues` is true where it
    carries on the quotation that the paragraph before left open.
    """

    outer: Span
    inner: Span
    continues: bool = False


def find_quotations(text: str, paragraphs: Sequence[Span]) -> list[Quotation]:
    """Every outermost quotation of `text`, in order. Pairs without words between them are left out."""
    quotations: list[Quotation] = []
    pending: _Family | None = None
    for number, paragraph in enumerate(paragraphs):
        following = paragraphs[number + 1].start if number + 1 < len(paragraphs) else len(text)
        pairs, unclosed = _pair(text, paragraph, _FAMILY.get(text[following : following + 1]))
        for outer in pairs:
            if inner := _words(text, outer):
                quotations.append(Quotation(outer, inner, pending is not None and outer.start == paragraph.start))
        pending = unclosed
    return quotations


def _pair(text: str, paragraph: Span, next_family: _Family | None) -> tuple[list[Span], _Family | None]:
    """The outermost pairs of a paragraph, and the family of the quotation that it leaves open for the next one."""
    marks = list(_MARK.finditer(text, paragraph.start, paragraph.end))
    single_closes_later, single_closes_next = _single_closers_ahead(text, marks)
    waiting: list[re.Match[str]] = []
    open_count = dict.fromkeys(_Family, 0)
    first_shape: dict[_Family, str] = {}
    pairs: list[Span] = []
    for number, match in enumerate(marks):
        mark = match[0]
        family = _FAMILY[mark]
        is_open = open_count[family] > 0
        starts_word = _starts_word(text, match)
        if mark in _ALWAYS_OPEN:
            opens = True
        elif mark in "'’":
            opens = starts_word and mark == "'"
            left_out = _ELISION.match(text, match.start())
            possessive = single_closes_next[number] and _POSSESSIVE.match(text, match.start() - 1)
            if left_out or (not single_closes_later[number] if opens else possessive):
                continue
        elif mark == "‘":
            opens = starts_word or not is_open
            if opens and not single_closes_later[number] and next_family is not family:
                continue
        elif mark == "”":
            opens = starts_word and not is_open
        elif family in (_Family.GUILLEMET, _Family.SINGLE_GUILLEMET):
            opens = not is_open or (starts_word and mark == first_shape[family])
        else:
            opens = starts_word or not is_open
        if opens:
            waiting.append(match)
            open_count[family] += 1
            first_shape.setdefault(family, mark)
        elif is_open:
            opener = waiting.pop()
            while _FAMILY[opener[0]] is not family:
                open_count[_FAMILY[opener[0]]] -= 1
                opener = waiting.pop()
            open_count[family] -= 1
            pairs.append(Span(opener.start(), match.end()))
    return _with_unclosed(pairs, waiting, paragraph, next_family)


def _with_unclosed(
    pairs: list[Span], waiting: list[re.Match[str]], paragraph: Span, next_family: _Family | None
) -> tuple[list[Span], _Family | None]:
    """The outermost of `pairs` and of the marks left `waiting`, which reach to the next mark or the paragraph's end."""
    going_on = next((match for match in waiting if _FAMILY[match[0]] is next_family), None)
    starts = sorted([pair.start for pair in pairs] + [match.start() for match in waiting] + [paragraph.end])
    next_start = dict(itertools.pairwise(starts))
    for match in waiting:
        if match is going_on:
            pairs.append(Span(match.start(), paragraph.end))
        elif _FAMILY[match[0]] is not _Family.SINGLE:
            pairs.append(Span(match.start(), next_start[match.start()]))
    outermost: list[Span] = []
    for pair in sorted(pairs, key=lambda p: (p.start, -p.end)):
        if not outermost or pair.start >= outermost[-1].end:
            outermost.append(pair)
    return outermost, next_family if going_on else None


def _single_closers_ahead(text: str, marks: Sequence[re.Match[str]]) -> tuple[list[bool], list[bool]]:
    """For each mark: does one that can close a single quotation follow; and does it before another one opens?"""
    later, following = [False] * len(marks), [False] * len(marks)
    closes_later = closes_next = False
    for number in range(len(marks) - 1, -1, -1):
        later[number], following[number] = closes_later, closes_next
        if marks[number][0] in "'’" and not _starts_word(text, marks[number]):
            closes_later = closes_next = True
        elif marks[number][0] in "‘'":
            closes_next = False
    return later, following


def _starts_word(text: str, match: re.Match[str]) -> bool:
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    return (not before or before.isspace() or before in _MAY_STAND_BEFORE_OPENER) and not (not after or after.isspace())


def _words(text: str, outer: Span) -> Span | None:
    """What stands between the marks of a pair (the closing one may be missing), or None where no words do."""
    opener = _MARK.match(text, outer.start)
    start = opener.end() if opener else outer.start
    end = outer.end
    if text.endswith("''", start, end):
        end -= 2
    elif end > start and text[end - 1] in _FAMILY:
        end -= 1
    blank = _BLANK.match(text, start, end)
    start = blank.end() if blank else start
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if _WORD.search(text, start, end) else None
