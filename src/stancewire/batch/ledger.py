"""The ledger of a job: what is done, in SQLite, one transaction a part.

The rollback journal is used, not the write-ahead log: a job has one writer and one commit in many seconds, so the log would
gain nothing, and it needs memory shared between processes, which network file systems do not give. `synchronous` is EXTRA: a
commit is on the disk, its folder synced, before the next part begins. A part is in the ledger only after its file is; one
that is not is made again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stancewire.batch.duplicates import CROWD, SIMILAR, Signature, band_keys, similarity
from stancewire.batch.items import SetAside

_SCHEMA = """
CREATE TABLE manifest (json TEXT NOT NULL);
CREATE TABLE source (number INTEGER PRIMARY KEY, name TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE part (number INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, source INTEGER NOT NULL, item INTEGER NOT NULL,
    items INTEGER NOT NULL, labelled INTEGER NOT NULL, without INTEGER NOT NULL, duplicates INTEGER NOT NULL,
    aside INTEGER NOT NULL, rows INTEGER NOT NULL);
CREATE TABLE aside (item INTEGER PRIMARY KEY, source TEXT NOT NULL, position TEXT NOT NULL, reason TEXT NOT NULL,
    offset INTEGER, sha256 TEXT, stage TEXT NOT NULL);
CREATE TABLE article (item INTEGER PRIMARY KEY, first INTEGER NOT NULL);
CREATE TABLE story (first INTEGER PRIMARY KEY, doc_id TEXT NOT NULL, copies INTEGER NOT NULL, signature BLOB NOT NULL);
CREATE TABLE band (key INTEGER NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (key, first)) WITHOUT ROWID;
CREATE TABLE output (number INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, rows INTEGER NOT NULL);
"""
_VERSION = 1
_CACHE = 64 * 1024
"""Size of the page cache in KiB."""


class LedgerError(ValueError):
    """A ledger that cannot be read or written."""


class Damaged(LedgerError):
    """A ledger that is no whole database."""


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """Where the items of a part, or of a job, went: `items` is the sum of the four after it."""

    items: int = 0
    labelled: int = 0
    without: int = 0
    duplicates: int = 0
    aside: int = 0
    rows: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A part that is done. The next one begins at item `item` of source `source`."""

    number: int
    sha256: str
    source: int
    item: int
    counts: Counts


@dataclasses.dataclass(frozen=True, slots=True)
class Story:
    """A group of copies: the number and identifier of its first article, and how many articles there are so far."""

    first: int
    doc_id: str
    copies: int


class Ledger:
    """Open the ledger of a job, made where there is none.

    Raises:
        Damaged: where the file is no whole database.
        LedgerError: where it cannot be opened, or is of another version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._errors():
            self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._open()
        except BaseException:
            self._db.close()
            raise

    def _open(self) -> None:
        try:
            self._db.executescript(
                f"PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; PRAGMA cache_size = -{_CACHE};"
            )
            [(state,)] = self._db.execute("PRAGMA quick_check(1)").fetchall()
            [(version,)] = self._db.execute("PRAGMA user_version").fetchall()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise LedgerError(f"{self._path}: {error}") from error
            raise Damaged(f"{self._path}: {error}") from error
        if state != "ok":
            raise Damaged(f"{self._path}: {state}")
        if version not in (0, _VERSION):
            raise LedgerError(f"{self._path}: of version {version}, this is version {_VERSION}")
        if version == 0:
            with self.transaction():
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def close(self) -> None:
        with self._errors():
            self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written in the `with` block, or nothing of it."""
        with self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LedgerError(f"{self._path}: {error}") from error

    def _query(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Execute a statement; its rows, of which there are few."""
        with self._errors():
            return self._db.execute(statement, values).fetchall()

    def _one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """The first row, None where there is none."""
        return next(iter(self._query(statement, values)), None)

    # --- what the job is

    def manifest(self) -> str | None:
        found = self._one("SELECT json FROM manifest")
        return None if found is None else str(found[0])

    def set_manifest(self, json: str) -> None:
        self._query("INSERT INTO manifest VALUES (?)", [json])

    def add_source(self, number: int, name: str, size: int, sha256: str) -> None:
        self._query("INSERT INTO source VALUES (?, ?, ?, ?)", [number, name, size, sha256])

    def source(self, number: int) -> tuple[str, str] | None:
        """Name and SHA-256 of a source."""
        found = self._one("SELECT name, sha256 FROM source WHERE number = ?", [number])
        return None if found is None else (found[0], found[1])

    # --- parts

    def add_part(self, part: Part) -> None:
        counts = dataclasses.astuple(part.counts)
        values = [part.number, part.sha256, part.source, part.item, *counts]
        self._query("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def part(self, number: int) -> Part | None:
        found = self._one("SELECT * FROM part WHERE number = ?", [number])
        if found is None:
            return None
        number, sha256, source, item, *counts = found
        return Part(number, sha256, source, item, Counts(*counts))

    def parts(self) -> int:
        """How many parts are done; they are numbered from 0 without a gap."""
        return int(self._one("SELECT count(*) FROM part")[0])

    def counts(self) -> Counts:
        """The sums over all parts."""
        names = [field.name for field in dataclasses.fields(Counts)]
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
        return Counts(*self._one(f"SELECT {sums} FROM part"))  # noqa: S608  names of our fields

    def add_aside(self, item: int, aside: SetAside) -> None:
        values = [item, aside.source, aside.position, aside.reason, aside.offset, aside.digest, aside.stage]
        self._query("INSERT INTO aside VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def aside(self) -> Iterator[SetAside]:
        """Every item set aside, in order."""
        columns = "source, position, reason, offset, sha256, stage"
        with self._errors():
            for row in self._db.execute(f"SELECT {columns} FROM aside ORDER BY item"):  # noqa: S608  names of ours
                yield SetAside(*row)

    # --- stories

    def join(self, item: int, doc_id: str, sketch: Signature) -> bool:
        """Put an article into the group it is a copy of, or begin one; true for a copy."""
        keys = band_keys(sketch)
        story = self._resembled(keys, sketch)
        first = item if story is None else story
        self._query("INSERT INTO article VALUES (?, ?)", [item, first])
        if story is not None:
            self._query("UPDATE story SET copies = copies + 1 WHERE first = ?", [story])
            return True
        self._query("INSERT INTO story VALUES (?, ?, 1, ?)", [item, doc_id, sketch.tobytes()])
        for key in keys:
            crowd = self._one("SELECT count(*) FROM band WHERE key = ?", [key])[0]
            if crowd < CROWD:
                self._query("INSERT OR IGNORE INTO band VALUES (?, ?)", [key, item])
        return False

    def _resembled(self, keys: list[int], sketch: Signature) -> int | None:
        places = ", ".join("?" * len(keys))
        query = f"SELECT DISTINCT first FROM band WHERE key IN ({places}) ORDER BY first"  # noqa: S608  question marks
        for (first,) in self._query(query, keys):
            [blob] = self._one("SELECT signature FROM story WHERE first = ?", [first])
            if similarity(np.frombuffer(blob, dtype="<u4"), sketch) >= SIMILAR:
                return int(first)
        return None

    def story(self, item: int) -> Story:
        """The group of an article."""
        query = "SELECT first, doc_id, copies FROM article JOIN story USING (first) WHERE item = ?"
        return Story(*self._one(query, [item]))

    # --- the whole

    def unbalanced(self) -> str | None:
        """What contradicts that every item is in exactly one place and every row written once; None where nothing does."""
        counts = self.counts()
        [(articles,), (copies,), (stories,), (aside,), (rows,)] = (
            self._one(query)
            for query in (
                "SELECT count(*) FROM article",
                "SELECT coalesce(sum(copies), 0) FROM story",
                "SELECT count(*) FROM story",
                "SELECT count(*) FROM aside",
                "SELECT coalesce(sum(rows), 0) FROM output",
            )
        )
        equal = {
            "items, and labelled + without statements + duplicates + set aside": (
                counts.items,
                counts.labelled + counts.without + counts.duplicates + counts.aside,
            ),
            "articles with rows, and labelled + duplicates": (articles, counts.labelled + counts.duplicates),
            "copies of all stories, and articles with rows": (copies, articles),
            "stories, and labelled": (stories, counts.labelled),
            "errors listed, and set aside": (aside, counts.aside),
            "rows of output files, and rows of parts": (rows, counts.rows),
        }
        return next((f"{what}: {one} and {other}" for what, (one, other) in equal.items() if one != other), None)

    # --- outputs

    def set_output(self, number: int, sha256: str, rows: int) -> None:
        self._query("INSERT OR REPLACE INTO output VALUES (?, ?, ?)", [number, sha256, rows])

    def output(self, number: int) -> tuple[str, int] | None:
        """SHA-256 and rows of an output file."""
        found = self._one("SELECT sha256, rows FROM output WHERE number = ?", [number])
        return None if found is None else (found[0], found[1])
