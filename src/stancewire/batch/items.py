"""What a source yields: an article, or an item set aside with the reason."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from stancewire.schema import Article


@dataclasses.dataclass(frozen=True, slots=True)
class SetAside:
    """An item that could not be read. `position` is a line, row or entry within the source; empty for all of it."""

    source: str
    position: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}{':' * bool(self.position)}{self.position}: {self.reason}"


class Fields(NamedTuple):
    """The names of the fields that hold an article's text and identifier."""

    text: str = "text"
    id: str = "id"


Item = Article | SetAside
