"""Where articles come from: files, folders, standard input and feeds, read one at a time in constant memory.

Nothing is lost silently: what cannot be read is set aside with the place and the reason, and a request that makes no
sense (a file that is not there, a format nobody reads) is refused before any work starts. The network is touched only
for an address the caller gives.
"""

from __future__ import annotations

import codecs
import dataclasses
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from stancewire.batch.addresses import read_address
from stancewire.batch.documents import read_feed, read_html, read_text
from stancewire.batch.items import Fields, Found, Item, SetAside, digest
from stancewire.batch.records import read_csv, read_jsonl, read_parquet
from stancewire.schema import Article

__all__ = ["SetAside", "Source", "SourceError", "list_sources", "read_sources"]

_DOCUMENTS = {
    ".txt": read_text,
    ".html": read_html,
    ".htm": read_html,
    ".xml": read_feed,
    ".rss": read_feed,
    ".atom": read_feed,
}
_RECORDS = {".jsonl": read_jsonl, ".csv": read_csv, ".parquet": read_parquet}
_ENDINGS = [*_DOCUMENTS, *_RECORDS]
_ACCEPTED = f"accepted are - (standard input), a folder, the address of a feed, and files in {' '.join(_ENDINGS)}"


class SourceError(ValueError):
    """An input that cannot be read at all: names what was received, what is accepted, and what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One file or stream of articles.

    Attributes:
        path: the file; None for standard input and addresses, which cannot be read twice.
    """

    name: str
    path: Path | None
    _read: Callable[[], Iterator[Item]]

    def read(self) -> Iterator[Item]:
        """Every item in order: articles with text and an identifier, and what is set aside."""
        for item in self._read():
            if isinstance(item, SetAside):
                yield item
            elif not item.article.text.strip():
                yield item.set_aside("empty text", "read")
            elif item.article.doc_id:
                yield item
            else:
                identifier = digest(f"{item.article.source}\n{item.article.text}")[:16]
                yield dataclasses.replace(item, article=dataclasses.replace(item.article, doc_id=identifier))


def list_sources(
    inputs: Sequence[str], *, text_field: str = "text", id_field: str = "id", stdin: BinaryIO | None = None
) -> Iterator[Source]:
    """The sources of the inputs, lazily and in order; folders recursively, sorted by path.

    Args:
        inputs: each `-` (standard input: JSONL, or one plain text), a file, a folder, or the address of a feed.
        text_field, id_field: where JSONL, CSV and Parquet keep the text and the identifier. Beside them `url`, `title`,
            `published` and `source` are known; every other field is carried in `Article.metadata`.

    Raises:
        SourceError: before anything is read, for an input that is missing or in no known format.
    """
    if not inputs:
        raise SourceError(f"no input; {_ACCEPTED}")
    fields = Fields(text_field, id_field)
    resolved = [_resolve(name, fields, stdin) for name in inputs]
    return (source for sources in resolved for source in sources())


def read_sources(
    inputs: Sequence[str],
    *,
    text_field: str = "text",
    id_field: str = "id",
    on_error: Callable[[SetAside], object],
    stdin: BinaryIO | None = None,
) -> Iterator[Article]:
    """Read every article of the inputs, in order (`list_sources`).

    Args:
        on_error: called with each item set aside.

    Raises:
        SourceError: before anything is read, for an input that is missing or in no known format.
    """
    sources = list_sources(inputs, text_field=text_field, id_field=id_field, stdin=stdin)
    return _articles((item for source in sources for item in source.read()), on_error)


def _articles(items: Iterator[Item], on_error: Callable[[SetAside], object]) -> Iterator[Article]:
    for item in items:
        if isinstance(item, Found):
            yield item.article
        else:
            on_error(item)


def _resolve(name: str, fields: Fields, stdin: BinaryIO | None) -> Callable[[], Iterator[Source]]:
    """The sources of one input.

    Raises:
        SourceError: where nothing can be read under that name.
    """
    if name == "-":
        return lambda: iter([Source("-", None, lambda: _read_stdin(stdin or sys.stdin.buffer, fields))])
    if re.match(r"https?://", name):
        return lambda: iter([Source(name, None, lambda: read_address(name))])
    if "://" in name:
        raise SourceError(f"{name}: only http:// and https:// addresses are fetched; {_ACCEPTED}")
    path = Path(name)
    if path.is_dir():
        return lambda: _folder(path, fields)
    if not path.exists():
        raise SourceError(f"{name}: no such file or folder; {_ACCEPTED}")
    if path.suffix.lower() not in _ENDINGS:
        raise SourceError(f"{name}: {_unreadable(path)}")
    return lambda: iter([_file(path, fields)])


def _unreadable(path: Path) -> str:
    if path.name.lower().endswith((".warc", ".warc.gz")):
        return "WARC archives are not read; extract the pages as .html files"
    return f"unknown format {path.suffix or 'without an ending'!r}; {_ACCEPTED}"


def _folder(folder: Path, fields: Fields) -> Iterator[Source]:
    """Every file of a folder and the folders in it; hidden ones are passed over, unknown formats set aside."""
    empty = True
    for path in _walk(folder):
        empty = False
        yield _file(path, fields)
    if empty:
        nothing = SetAside(str(folder), "", "a folder without files")
        yield Source(str(folder), folder, lambda: iter([nothing]))


def _walk(folder: Path) -> Iterator[Path]:
    """The files that are not hidden, sorted by path, with the names of one folder in memory at a time."""
    for name in sorted(os.listdir(folder)):
        path = folder / name
        if name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif path.is_file():
            yield path


def _file(path: Path, fields: Fields) -> Source:
    return Source(str(path), path, lambda: _read_file(path, fields))


def _read_file(path: Path, fields: Fields) -> Iterator[Item]:
    if path.suffix.lower() not in _ENDINGS:
        yield SetAside(str(path), "", _unreadable(path))
        return
    try:
        with path.open("rb") as file:
            if not file.peek(1):
                yield SetAside(str(path), "", "empty file", 0)
            else:
                yield from _items(file, path, fields)
    except OSError as error:
        yield SetAside(str(path), "", f"cannot be read: {error.strerror or error}")


def _items(file: BinaryIO, path: Path, fields: Fields) -> Iterator[Item]:
    ending = path.suffix.lower()
    return _DOCUMENTS[ending](file, str(path)) if ending in _DOCUMENTS else _RECORDS[ending](file, str(path), fields)


def _read_stdin(stream: BinaryIO, fields: Fields) -> Iterator[Item]:
    """JSONL where the first character is a brace, otherwise one plain text."""
    buffered = io.BufferedReader(stream) if not hasattr(stream, "peek") else stream  # type: ignore[type-var]
    head = buffered.peek(4096)
    if not head:
        yield SetAside("-", "", "empty input")
    elif head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
        yield from read_jsonl(buffered, "-", fields)
    else:
        yield from read_text(buffered, "-")
