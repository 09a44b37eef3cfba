"""Readers of files that are written for people: plain text, web pages (trafilatura) and feeds (feedparser)."""

from __future__ import annotations

import html
import io
import re
import time
from collections.abc import Iterator
from typing import BinaryIO

from stancewire.batch.decoding import decode, note, read_bounded, unicode_encoding
from stancewire.batch.items import Found, Item, SetAside, digest
from stancewire.schema import Article


def read_text(file: BinaryIO, name: str) -> Iterator[Item]:
    try:
        text, encoding = decode(read_bounded(file))
    except ValueError as error:
        yield SetAside(name, "", str(error), 0)
        return
    yield Found(Article(text, source=name, metadata=note(encoding)), name, offset=0)


def read_html(file: BinaryIO, name: str) -> Iterator[Item]:
    try:
        data = read_bounded(file)
        unicode_encoding(data[:4096])
    except ValueError as error:
        yield SetAside(name, "", str(error), 0)
        return
    yield _page(data, name)


def _page(data: bytes, name: str) -> Item:
    """The article of a web page."""
    from trafilatura import bare_extraction

    if reason := _hostile(data):
        return SetAside(name, "", reason, 0, digest(data))
    try:
        page = bare_extraction(data, with_metadata=True, include_comments=False, include_tables=False)
    except Exception as error:  # whatever a parser makes of a hostile page, the others are to be read
        return SetAside(name, "", f"not readable as HTML: {type(error).__name__}: {error}", 0, digest(data))
    if page is None or isinstance(page, dict) or not page.text:
        return SetAside(name, "", "no article text found in the page", 0, digest(data))
    return Found(Article(page.text, source=name, url=page.url, title=page.title, published=page.date), name, offset=0)


LARGEST_TAG = 5_000
"""Words in the largest tag of a page or feed that is read; parsers need time quadratic in the attributes of one element."""

_LARGE_TAG = re.compile(rb"<[a-zA-Z][^<>]{%d,}" % (2 * LARGEST_TAG))


def _hostile(data: bytes) -> str | None:
    """Why markup is not given to a parser."""
    for tag in _LARGE_TAG.finditer(data):
        if len(tag[0].split()) > LARGEST_TAG:
            return f"a tag of more than {LARGEST_TAG} attributes"
    return None


def read_feed(file: BinaryIO, name: str) -> Iterator[Item]:
    try:
        data = read_bounded(file)
    except ValueError as error:
        yield SetAside(name, "", str(error), 0)
        return
    yield from entries(data, name)


def entries(data: bytes, name: str) -> Iterator[Item]:
    """The items of an RSS or Atom feed; the text is the full content where the feed carries it, else the summary."""
    import feedparser

    try:
        unicode_encoding(data[:4096])
    except ValueError as error:
        yield SetAside(name, "", str(error), 0, digest(data))
        return
    if reason := _hostile(data):
        yield SetAside(name, "", reason, 0, digest(data))
        return
    try:
        feed = feedparser.parse(io.BytesIO(_SURROGATE.sub(b"&#xFFFD;", data)))
    except Exception as error:  # as with pages
        yield SetAside(name, "", f"not readable as a feed: {type(error).__name__}: {error}", 0, digest(data))
        return
    if not feed.entries:
        why = f": {feed.bozo_exception}" if feed.bozo else ""
        yield SetAside(name, "", f"no entries found; an RSS or Atom feed is expected{why}", 0, digest(data))
    for number, entry in enumerate(feed.entries, start=1):
        content = entry["content"][0]["value"] if entry.get("content") else entry.get("summary", "")
        text = _plain(content)
        if not text:
            yield SetAside(name, f"entry {number}", "empty text", digest=digest(content))
            continue
        parsed = entry.get("published_parsed") or entry.get("updated_parsed")
        article = Article(
            text,
            doc_id=entry.get("id") or entry.get("link") or "",
            source=name,
            url=entry.get("link"),
            title=_plain(entry.get("title", "")) or None,
            published=time.strftime("%Y-%m-%dT%H:%M:%SZ", parsed) if parsed else entry.get("published"),
        )
        yield Found(article, name, f"entry {number}")


_SURROGATE = re.compile(
    rb"&#(?:[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2}|0*(?:5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3]));"
)
"""References to half a character, over which the parser would stumble."""

_BREAK = re.compile(r"(?i)<(?:/?(?:p|div|h[1-6]|ul|ol|li|blockquote|table|tr|article|section)\b[^<>]*|br\s*/?)>")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")


def _plain(markup: str) -> str:
    """A fragment of HTML (feedparser has taken scripts out) as text, one paragraph a line."""
    if _TAG.search(markup):
        markup = _BREAK.sub("\n", " ".join(markup.split()))
    lines = (" ".join(html.unescape(_TAG.sub("", line)).split()) for line in markup.split("\n"))
    return "\n".join(filter(None, lines))
