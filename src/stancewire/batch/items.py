"""What a source yields: an article and where it stands, or an item set aside with the reason."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Literal, NamedTuple

from stancewire.schema import Article


@dataclasses.dataclass(frozen=True, slots=True)
class SetAside:
    """An item without labels, and why.

    Attributes:
        source: the file, feed or address it is in.
        position: its line, row or entry there; empty for all of it.
        offset: the byte of the source it begins at; None where the format has no such place.
        digest: SHA-256 of what was read of it, in hexadecimal digits; None where nothing was.
        stage: what failed, reading or labelling.
    """

    source: str
    position: str
    reason: str
    offset: int | None = None
    digest: str | None = None
    stage: Literal["read", "label"] = "read"

    def __str__(self) -> str:
        return f"{self.source}{':' * bool(self.position)}{self.position}: {self.reason}"


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """An article and where it stands; `source`, `position` and `offset` as in `SetAside`."""

    article: Article
    source: str
    position: str = ""
    offset: int | None = None

    def set_aside(self, reason: str, stage: Literal["read", "label"]) -> SetAside:
        return SetAside(self.source, self.position, reason, self.offset, digest(self.article.text), stage)


class Fields(NamedTuple):
    """The names of the fields that hold an article's text and identifier."""

    text: str = "text"
    id: str = "id"


Item = Found | SetAside


def digest(data: bytes | str) -> str:
    """SHA-256 of bytes, or of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data).hexdigest()
