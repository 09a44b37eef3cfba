"""Files that are whole or not there, whatever happens while they are written.

A file is written under another name, synced, renamed to its own, and its folder synced: after a crash or a loss of power
there is the earlier file or the new one, never a torn one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PARTIAL = ".partial"
"""What the name of a file ends in while it is written."""


@contextlib.contextmanager
def committed(path: Path) -> Iterator[IO[bytes]]:
    """Write a file for the length of a `with` block; it has its name when the block ends without an exception."""
    partial = path.with_name(path.name + PARTIAL)
    try:
        with open(partial, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(path: Path) -> str | None:
    """`sha256_of`, or None where there is no such file."""
    try:
        return sha256_of(path)
    except FileNotFoundError:
        return None
