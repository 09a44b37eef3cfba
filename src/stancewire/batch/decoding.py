"""Bytes to text: byte-order marks, UTF-8, UTF-16, and a guess at older encodings that is said to be one."""

from __future__ import annotations

import codecs
from typing import Any, BinaryIO

LARGEST_ITEM = 64 * 1024 * 1024
"""Bytes of the largest text file, page, feed or JSONL line that is read."""

_MAGIC = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or office document",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "an old office document",
}
_BOMS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig"}
_BOMS |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_GUESSED = ["cp1252", "cp1251", "cp1256", "shift_jis", "gb18030", "big5", "euc_kr"]


def decode(data: bytes) -> tuple[str, str | None]:
    """Text and, where it is not Unicode and had to be guessed, the encoding it was read in.

    Raises:
        ValueError: for binary data, saying what it looks like.
    """
    encoding = unicode_encoding(data[:4096])
    try:
        return data.decode(encoding), None
    except UnicodeError:
        pass
    from charset_normalizer import from_bytes

    best = from_bytes(data[:65536], cp_isolation=_GUESSED).best()
    guess = best.encoding if best else "cp1252"
    return data.decode(guess, "replace"), guess


def unicode_encoding(head: bytes) -> str:
    """The Unicode encoding that the first bytes of a text point to.

    Raises:
        ValueError: for binary data, saying what it looks like.
    """
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise ValueError(f"binary data ({what})")
    for bom, encoding in _BOMS.items():
        if head.startswith(bom):
            return encoding
    if b"\0" not in head:
        return "utf-8"
    zeros = [head[side::2].count(0) / max(1, len(head[side::2])) for side in (0, 1)]
    if max(zeros) > 0.4 and min(zeros) < 0.05:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    raise ValueError("binary data (zero bytes)")


def byte_order(head: bytes) -> tuple[bytes, str]:
    """The byte-order mark that a text begins with, which may be none, and the encoding of what follows it.

    Raises:
        ValueError: for binary data, saying what it looks like.
    """
    encoding = unicode_encoding(head)
    for mark, name in _BOMS.items():
        if head.startswith(mark):
            order = "-le" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF32_LE) else "-be"
            return mark, "utf-8" if name == "utf-8-sig" else name + order
    return b"", encoding


def read_bounded(file: BinaryIO) -> bytes:
    """All of a file.

    Raises:
        ValueError: where it is larger than `LARGEST_ITEM`.
    """
    data = file.read(LARGEST_ITEM + 1)
    if len(data) > LARGEST_ITEM:
        raise ValueError(f"larger than {LARGEST_ITEM // 2**20} MiB; split it, or give its articles as JSONL")
    return data


def note(encoding: str | None) -> dict[str, Any]:
    return {"encoding": f"read as {encoding}, a guess"} if encoding else {}
