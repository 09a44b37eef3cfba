"""Counts the words of our own corpus into `src/stancewire/data/words.tsv`, the list that `stancewire.words` reads.

Records and articles with OCR damage are left out, so that the list holds whole words only; the names of the gazetteer
come in with a count of one. Run from the repository root after changing the corpus:

    python -m stancewire.training.wordlist
"""

from __future__ import annotations

import collections
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "training" / "corpus"
GAZETTEER = ROOT / "src" / "stancewire" / "data" / "states.tsv"
OUTPUT = ROOT / "src" / "stancewire" / "data" / "words.tsv"

HEADER = """\
# Lower-case words and how often they occur in training/corpus (OCR-damaged texts left out), gazetteer names added.
# Written by `python -m stancewire.training.wordlist`; not to be edited by hand.
# word	count
"""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def count_words() -> collections.Counter[str]:
    """The lower-case words of every undamaged record and article, and those of the gazetteer."""
    counts: collections.Counter[str] = collections.Counter()
    for path in sorted(CORPUS.glob("*.txt")):
        for record in path.read_text(encoding="utf-8").split("\n\n"):
            if "ocr-noise" not in record:
                for line in re.findall(r"(?m)^[CT]: (.+)", record):
                    counts.update(_words(line))
    for path in sorted(CORPUS.glob("articles/*.txt")):
        for article in path.read_text(encoding="utf-8").split("====="):
            style = re.search(r"(?m)^# style: (.*)", article)
            if style and "ocr" not in style[1].casefold():
                counts.update(_words(re.sub(r"(?m)^#.*|\[\[|\]\]\d+", "", article)))
    words = _lowered(counts)
    names = re.sub(r"(?m)^#.*", "", GAZETTEER.read_text(encoding="utf-8"))
    words.update({word.lower() for word in _words(names)} - set(words))
    return words


def _words(text: str) -> list[str]:
    """Words as they stand; a possessive counts as its noun, abbreviations in capitals do not count, nor single letters but
    `a` and `I`."""
    words = (re.sub(r"'s?$", "", word.replace("’", "'")) for word in _WORD.findall(text))
    return [word for word in words if word in ("a", "A", "I") or (len(word) > 1 and not word.isupper())]


def _lowered(counts: collections.Counter[str]) -> collections.Counter[str]:
    """Counts of lower-case words; a name that occurs once is left out, since any letters can be one."""
    lowered: collections.Counter[str] = collections.Counter()
    for word, count in counts.items():
        lowered[word.lower()] += count
    return collections.Counter(
        {word: count for word, count in lowered.items() if count > 1 or counts[word] or word in ("a", "i")}
    )


def main() -> None:
    rows = sorted(count_words().items(), key=lambda item: (-item[1], item[0]))
    OUTPUT.write_text(HEADER + "".join(f"{word}\t{count}\n" for word, count in rows), encoding="utf-8")
    print(f"{len(rows)} words -> {OUTPUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
