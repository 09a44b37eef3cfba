"""Cities and provinces that are no seat of power (`data/places.tsv`): they say where an article is, never who acts.

The gazetteer leaves them out, since "Istanbul" does not speak for Turkey; a dateline or "a prosecutor in Istanbul"
still tells whose prosecutor that is.
"""

from __future__ import annotations

import functools
import re
from importlib import resources

from stancewire.schema import Evidence, Mention, Span

RULE = "locality"
"""The rule of every mention found here."""

_CAPITALISED = re.compile(r"(?<![\w'’-])[^\W\d_a-z][\w.'’-]*")
_SURNAME = re.compile(r" (?:[A-Z]\. )?[A-Z][a-z]")


@functools.cache
def _by_first_word() -> dict[str, list[tuple[str, str]]]:
    """First word in lower case to the places that begin with it and their codes, the longest first."""
    lines = resources.files("stancewire").joinpath("data/places.tsv").read_text(encoding="utf-8").splitlines()
    table: dict[str, list[tuple[str, str]]] = {}
    for code, names in (line.split("\t") for line in lines if not line.startswith("#")):
        for name in names.split(";"):
            table.setdefault(name.split()[0].lower(), []).append((name.lower(), code))
    return {word: sorted(places, key=lambda place: -len(place[0])) for word, places in table.items()}


def find_places(text: str) -> list[Mention]:
    """The places of the table in `text`, in order."""
    found: list[Mention] = []
    end = 0
    for match in _CAPITALISED.finditer(text):
        start = match.start()
        if start < end:
            continue
        word = re.sub(r"['’]s$", "", match[0]).lower()
        for name, code in _by_first_word().get(word, _by_first_word().get(word.rstrip("."), ())):
            stop = start + len(name)
            if text[start:stop].lower() == name and not text[stop : stop + 1].isalnum():
                if " " in name or not _SURNAME.match(text, stop):
                    found.append(Mention(Span(start, stop), code, Evidence.SEAT, RULE))
                    end = stop
                break
    return found
