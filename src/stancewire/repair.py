"""Repairs of damaged text, each a list of edits whose effect on every offset is known.

Mojibake goes through `ftfy`; lines broken to a column width, letter-spaced words, broken hyphens, stray spaces and
split words are what scanned newspapers need. A repair is made only where the result is more of a text than what stood
there (known words in place of fragments), so that clean text comes through untouched. Letters misread for others
("Govemment") or lost are left alone: guessing them would put words into a speaker's mouth. Every pass is linear.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import ftfy
import ftfy.bad_codecs.sloppy  # registers the codec "sloppy-windows-1252"

from stancewire.schema import Span
from stancewire.words import counts, is_word, segment

Edit = tuple[int, int, str]
"""Start and end of a stretch, and what replaces it."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class OffsetMap:
    """Leads offsets of an edited text back to the text before: four integers an edit, looked up by bisection.

    `starts` and `ends` bound the replacements in the edited text, `source_starts` and `source_ends` what they replaced.
    """

    starts: array[int] = dataclasses.field(default_factory=lambda: array("q"))
    ends: array[int] = dataclasses.field(default_factory=lambda: array("q"))
    source_starts: array[int] = dataclasses.field(default_factory=lambda: array("q"))
    source_ends: array[int] = dataclasses.field(default_factory=lambda: array("q"))

    def source(self, span: Span) -> Span:
        """The stretch of the source that `span` was read from; part of a replacement stands for the whole."""
        start = self._source(span.start, self.source_starts)
        return Span(start, start if span.start == span.end else self._source(span.end - 1, self.source_ends))

    def _source(self, position: int, inside: array[int]) -> int:
        """Where the character at `position` starts (`inside`: `source_starts`) or ends (`source_ends`) there."""
        step = int(inside is self.source_ends)
        edit = bisect_right(self.starts, position) - 1
        if edit < 0:
            return position + step
        if position < self.ends[edit]:
            return inside[edit]
        return self.source_ends[edit] + position - self.ends[edit] + step


def apply(text: str, edits: Iterable[Edit]) -> tuple[str, OffsetMap]:
    """Make `edits`, in order of their start, without those that overlap an earlier one; return the text and its map."""
    offsets = OffsetMap()
    pieces: list[str] = []
    position = length = 0
    for start, end, replacement in edits:
        if start < position:
            continue
        length += start - position
        pieces += text[position:start], replacement
        offsets.starts.append(length)
        length += len(replacement)
        offsets.ends.append(length)
        offsets.source_starts.append(start)
        offsets.source_ends.append(end)
        position = end
    pieces.append(text[position:])
    return "".join(pieces), offsets


def repair(raw: str) -> tuple[str, tuple[OffsetMap, ...]]:
    """Run every pass over `raw`; return the text and the maps of the passes that changed something, first to last."""
    text, maps = raw, []
    for find in PASSES:
        edits = sorted(find(text))
        if edits:
            text, offsets = apply(text, edits)
            maps.append(offsets)
    return text, tuple(maps)


# --- mojibake --------------------------------------------------------------------------------------

# Bytes of UTF-8 read as another encoding are never ASCII, so that every damaged character is in such a run. The others
# are what ftfy takes or spells out: entities, ligatures, full width, control characters, line breaks of other systems.
_SUSPECT = re.compile(
    r"[ÂÃ] |[^\x00-\x7f]{2,64}|&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});|[a-zA-Z][\u0300-\u036f]+"
    r"|[\ufb00-\ufb06\uff01-\uff5e]|\r\n?|\x1b\[[\d;]*m|[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2028\u2029\ufeff]"
)
_INVISIBLE = str.maketrans("", "", "\u00ad\u200b")


def encoding(text: str) -> Iterator[Edit]:
    """Mojibake, HTML entities, ligatures, control characters, soft hyphens, line breaks other than a newline."""
    found = [(match.start(), match[0], _fixed(match[0])) for match in _SUSPECT.finditer(text)]
    damaged = any(fixed != piece and ord(piece[0]) > 0x7F for _, piece, fixed in found)
    for start, piece, fixed in found:
        if damaged and fixed == piece:
            fixed = _decoded(piece)
        if fixed != piece:
            yield start, start + len(piece), fixed


@functools.lru_cache(maxsize=4096)
def _fixed(piece: str) -> str:
    return ftfy.fix_text(piece, uncurl_quotes=False).translate(_INVISIBLE)


def _decoded(piece: str) -> str:
    """UTF-8 read as Windows-1252, undone without ftfy's caution: the same text has shown such damage elsewhere."""
    try:
        return piece.encode("sloppy-windows-1252").decode("utf-8")
    except UnicodeError:
        return piece


# --- lines -----------------------------------------------------------------------------------------

_COLUMNS = range(40, 101)
_LINE_END = re.compile(r"[ \t]*\n[ \t]*")
_COORDINATED = r"(?!(?:and|or|to|nor|but|versus|through|as)\b)"  # "two- and three-year"
_HYPHEN_BREAK = re.compile(rf"-[ \t]*\n[ \t]*{_COORDINATED}([^\W\d_]{{2,24}})(?![^\W\d_])")
_LAST_LETTERS = re.compile(r"(?<![^\W\d_])[^\W\d_]+\Z")
_LONGEST_PART = 24


def lines(text: str) -> Iterator[Edit]:
    """Line breaks inside a paragraph: read as a space, a word broken at one with a hyphen as one word."""
    yield from _broken_words(text, _HYPHEN_BREAK)
    yield from _wraps(text)


def _wraps(text: str) -> Iterator[Edit]:
    """The newlines of text broken to a column width: those where the next line's first word would not have fitted.

    Text counts as wrapped where that holds for most newlines between two lines and a line goes on in lower case.
    """
    if "\n" not in text:
        return
    rows = text.split("\n")
    width = max((len(row.rstrip()) for row in rows if len(row) < _COLUMNS.stop), default=0)
    if width not in _COLUMNS:
        return
    starts: list[int] = []
    pairs = continued = 0
    position = 0
    for row, following in pairwise(rows):
        if row and following and not row.isspace() and not following.isspace():
            pairs += 1
            word = following.split(None, 1)[0]
            indented = len(following) - len(following.lstrip()) > len(row) - len(row.lstrip())
            if not indented and len(row) < _COLUMNS.stop and len(row.rstrip()) + 1 + len(word) > width:
                starts.append(position + len(row.rstrip()))
                continued += word[0].islower()
        position += len(row) + 1
    if continued and 2 * len(starts) >= pairs:
        for start in starts:
            gap = _LINE_END.match(text, start)
            if gap:
                in_range = text[start - 1] == "-" and text[start - 2].isdigit() and text[gap.end()].isdigit()
                yield *gap.span(), "" if in_range else " "


def _broken_words(text: str, gap: re.Pattern[str]) -> Iterator[Edit]:
    """Close each `gap` after letters, a hyphen, white space and the rest (group 1): one word, or a compound."""
    for match in gap.finditer(text):
        first = _LAST_LETTERS.search(text, max(0, match.start() - _LONGEST_PART - 1), match.start())
        if first is None or len(first[0]) > _LONGEST_PART:
            continue
        second = match[1]
        whole = is_word(first[0] + second) or not (is_word(first[0]) and is_word(second))
        yield match.start(), match.start(1), "" if whole and second.islower() else "-"


# --- letter-spacing --------------------------------------------------------------------------------

_LETTER = r"[^\W\d_](?!\w)"
_SPACED = re.compile(rf"(?<![\w'’.-]){_LETTER}(?: {{1,3}}(?:{_LETTER}|['’](?= ?{_LETTER}))){{2,}}+(?!['’])")
_SPACED_HINT = re.compile(rf" (?= {{0,2}}{_LETTER} )")
_DROP_CAP = re.compile(r"([A-Z])(?<![^\n].)[ \n]([a-z]{2,20})\b")
_SPACED_STOPS = re.compile(r"[A-Z](?<![\w.].)(?: \.(?: [A-Z] \.)+|(?<=[MDSG]) (?:r|r s|t|e n) ?\.)")
_GAP = re.compile(" +")
_SAMPLE = 600
_LONGEST_EMPHASIS = 14


def letters(text: str) -> Iterator[Edit]:
    """Words printed with a space after each letter ("e n v o y", "U . S ."), a drop cap apart ("T he")."""
    end = 0
    for hint in _SPACED_HINT.finditer(text):
        run = _SPACED.match(text, hint.start() - 1) if hint.start() > end else None
        if run:
            end = run.end()
            yield from _unspaced(run[0], run.start())
    for match in _DROP_CAP.finditer(text):
        initial, rest = match.groups()
        if is_word(initial + rest) and not (initial in "AI" and is_word(rest)):
            yield match.end(1), match.start(2), ""
    for match in _SPACED_STOPS.finditer(text):
        for gap in _GAP.finditer(text, *match.span()):
            yield *gap.span(), ""


def _unspaced(run: str, offset: int) -> Iterator[Edit]:
    """Take the spaces inside words out of a letter-spaced run; nothing where the result would not read as words.

    Wide gaps part the words where the run has narrow ones as well; elsewhere a capital after a small letter and the
    word list do. A short run that the list cannot part is one word, letter-spaced for emphasis.
    """
    if "  " in run and re.search(r"[^ ] [^ ]", run):
        words = [piece.replace(" ", "") for piece in re.split(" {2,}", run)]
    else:
        joined = run.replace(" ", "")
        words = _segmented(joined)
        if len(joined) <= _LONGEST_EMPHASIS and not all(map(is_word, words)):
            words = [joined]
    if not words or not _reads_as_text(words):
        return
    ends, end = set(), 0
    for word in words:
        end += len(word)
        ends.add(end)
    for count, gap in enumerate(_letter_gaps(run), start=1):
        if count not in ends:
            yield offset + gap.start(), offset + gap.end(), ""
        elif gap.end() - gap.start() > 1:
            yield offset + gap.start(), offset + gap.end(), " "


def _letter_gaps(run: str) -> Iterator[re.Match[str]]:
    """What stands between each letter and the next: spaces, or nothing."""
    return re.finditer(r"(?<=\S) *(?=\S)", run)


def _segmented(joined: str) -> list[str]:
    """Letters without spaces as words; none where the first of many letters do not read as text."""
    words: list[str] = []
    for piece in re.split(r"(?<=[a-z])(?=[A-Z])", joined):
        for start in range(0, len(piece), _SAMPLE):
            found = list(segment(piece[start : start + _SAMPLE]))
            if len(piece) > _SAMPLE and not _reads_as_text(found):
                return []
            words += found
    return words


def _reads_as_text(words: list[str]) -> bool:
    """Whether most letters are in known words, or it is one rare word (a name, say) printed in small letters."""
    known = sum(len(word) for word in words if is_word(word))
    if len(words) == 1 and not known:
        return len(words[0]) >= 5 and words[0][1:].islower() and not words[0].startswith(("abc", "Abc"))
    return 3 * known >= 2 * sum(map(len, words)) and max(map(len, words)) > 2


# --- spacing ---------------------------------------------------------------------------------------

_HYPHEN_GAP = re.compile(rf"- {_COORDINATED}([a-z][^\W\d_A-Z]{{0,23}})(?![^\W\d_])")
_STRAY_SPACE = re.compile(r" (?<=\w )(?:(?=[,;:?!.](?! \.)(?:[\s\"”’)]|\Z))|(?=['’] ?s\b))| (?<=\w['’] )(?=s\b)")


def spacing(text: str) -> Iterator[Edit]:
    """Broken hyphens within a line ("sup- plied"), spaces before punctuation and before the s of a possessive."""
    yield from _broken_words(text, _HYPHEN_GAP)
    for match in _STRAY_SPACE.finditer(text):
        yield *match.span(), ""


# --- split words -----------------------------------------------------------------------------------

_MARKS = "\"'“”‘’«»()[].,;:?!"
_DAMAGE = 2


def splits(text: str) -> Iterator[Edit]:
    """Words with a space inside ("dele gate"), where the text has at least two such: unknown parts of a known word."""
    tokens = text.split(" ")
    unknown = {token for token in set(tokens) if not is_word(token.strip(_MARKS))}
    found = []
    end = -1
    for first, second in pairwise(tokens):
        end += len(first) + 1
        if (first in unknown or second in unknown) and _is_split(first.lstrip(_MARKS), second.rstrip(_MARKS)):
            found.append((end, end + 1, ""))
    if len(found) >= _DAMAGE:
        yield from found


def _is_split(first: str, second: str) -> bool:
    """Whether two neighbours, not both words and the second in small letters, make a listed word of five letters."""
    return (
        len(first) + len(second) >= 5
        and first.isalpha()
        and second.isalpha()
        and second.islower()
        and not (is_word(first) and is_word(second))
        and (first + second).lower() in counts()
    )


PASSES: tuple[Callable[[str], Iterator[Edit]], ...] = (encoding, lines, letters, spacing, splits)
