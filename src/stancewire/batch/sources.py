"""Where articles come from: files, folders, standard input and feeds, read one at a time in constant memory.

Nothing is lost silently: what cannot be read is set aside with the place and the reason, and a request that makes no
sense (a file that is not there, a format nobody reads) is refused before any work starts. The network is touched only
for an address the caller gives.
"""

from __future__ import annotations

import codecs
import dataclasses
import hashlib
import io
import itertools
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from stancewire.batch.decoding import read_bounded
from stancewire.batch.documents import entries, read_feed, read_html, read_text
from stancewire.batch.items import Fields, Item, SetAside
from stancewire.batch.records import read_csv, read_jsonl, read_parquet
from stancewire.schema import Article

__all__ = ["SetAside", "SourceError", "read_sources"]

FETCH_TIMEOUT = 20
"""Seconds without an answer after which an address is given up."""

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


def read_sources(
    inputs: Sequence[str],
    *,
    text_field: str = "text",
    id_field: str = "id",
    on_error: Callable[[SetAside], object],
    stdin: BinaryIO | None = None,
) -> Iterator[Article]:
    """Read every article of the inputs, in order; folders recursively, sorted by path.

    Args:
        inputs: each `-` (standard input: JSONL, or one plain text), a file, a folder, or the address of a feed.
        text_field, id_field: where JSONL, CSV and Parquet keep the text and the identifier. Beside them `url`, `title`,
            `published` and `source` are known; every other field is carried in `Article.metadata`.
        on_error: called with each item set aside.

    Raises:
        SourceError: before anything is read, for an input that is missing or in no known format.
    """
    if not inputs:
        raise SourceError(f"no input; {_ACCEPTED}")
    fields = Fields(text_field, id_field)
    sources = [_resolve(name, fields, stdin) for name in inputs]
    return _delivered(itertools.chain.from_iterable(read() for read in sources), on_error)


def _delivered(items: Iterable[Item], on_error: Callable[[SetAside], object]) -> Iterator[Article]:
    """Articles with text, each with an identifier; the rest goes to `on_error`."""
    for item in items:
        if isinstance(item, SetAside):
            on_error(item)
        elif not item.text.strip():
            on_error(SetAside(item.source or "", item.doc_id, "empty text"))
        elif item.doc_id:
            yield item
        else:
            digest = hashlib.sha256(f"{item.source}\n{item.text}".encode("utf-8", "replace")).hexdigest()
            yield dataclasses.replace(item, doc_id=digest[:16])


def _resolve(name: str, fields: Fields, stdin: BinaryIO | None) -> Callable[[], Iterator[Item]]:
    """The reader of one input.

    Raises:
        SourceError: where nothing can be read under that name.
    """
    if name == "-":
        return lambda: _read_stdin(stdin or sys.stdin.buffer, fields)
    if re.match(r"https?://", name):
        return lambda: _read_address(name)
    if "://" in name:
        raise SourceError(f"{name}: only http:// and https:// addresses are fetched; {_ACCEPTED}")
    path = Path(name)
    if path.is_dir():
        return lambda: _read_folder(path, fields)
    if not path.exists():
        raise SourceError(f"{name}: no such file or folder; {_ACCEPTED}")
    if path.suffix.lower() not in _ENDINGS:
        raise SourceError(f"{name}: {_unreadable(path)}")
    return lambda: _read_file(path, fields)


def _unreadable(path: Path) -> str:
    if path.name.lower().endswith((".warc", ".warc.gz")):
        return "WARC archives are not read; extract the pages as .html files"
    return f"unknown format {path.suffix or 'without an ending'!r}; {_ACCEPTED}"


def _read_folder(folder: Path, fields: Fields) -> Iterator[Item]:
    """Every file of a folder and the folders in it; hidden ones are passed over, unknown formats set aside."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    shown = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not shown:
        yield SetAside(str(folder), "", "a folder without files")
    for path in shown:
        if path.suffix.lower() in _ENDINGS:
            yield from _read_file(path, fields)
        else:
            yield SetAside(str(path), "", _unreadable(path))


def _read_file(path: Path, fields: Fields) -> Iterator[Item]:
    try:
        with path.open("rb") as file:
            if not file.peek(1):
                yield SetAside(str(path), "", "empty file")
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


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follows a redirection to another web address only: urllib would go to ftp as well."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not re.match(r"https?://", newurl):
            raise urllib.error.URLError(f"redirected to {newurl}, which is no web address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _read_address(address: str) -> Iterator[Item]:
    request = urllib.request.Request(address, headers={"User-Agent": "stancewire"})  # noqa: S310  see _resolve
    try:
        with urllib.request.build_opener(_WebOnly).open(request, timeout=FETCH_TIMEOUT) as answer:
            data = read_bounded(answer)
    except (OSError, ValueError) as error:
        yield SetAside(address, "", f"cannot be fetched: {error}")
        return
    if re.match(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+)?html", data[:1024], re.I | re.S):
        yield SetAside(address, "", "a web page where a feed is expected; save the page and give the .html file")
    else:
        yield from entries(data, address)
