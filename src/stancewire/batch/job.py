"""A job: labelling for hours that can be killed at any moment, and ends with the bytes of a run that never was.

    DIR/manifest.json     what the job is: model, settings, code, inputs
    DIR/ledger.sqlite     what is done
    DIR/parts/            rows of the parts that are labelled, until they are in an output file
    DIR/rows/             the output
    DIR/errors.jsonl      every item set aside
    DIR/lock              held while a process is at work

Items are labelled in parts of `PART_ITEMS`. A part is a file, committed whole, and then a line in the ledger, with where
in the inputs the next one begins; a process that is killed loses the part it was at. When all are labelled it is known how
many copies each story has, and `FILE_PARTS` parts at a time become an output file. Every file's hash is in the ledger: what
was damaged meanwhile is made again, and must come out the same. Memory is that of one batch, whatever the number of items.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from stancewire.batch.attempts import Labeller
from stancewire.batch.items import Item, SetAside
from stancewire.batch.ledger import Counts, Damaged, Ledger, LedgerError
from stancewire.batch.lock import locked
from stancewire.batch.manifest import changes
from stancewire.batch.parts import Draft, write_part
from stancewire.batch.sinks import Format, sink_into
from stancewire.batch.sources import Source
from stancewire.durable import committed, digest_of, sync

PART_ITEMS = 100
"""Items of a part: what a killed process has to do again."""

FILE_PARTS = 100
"""Parts of an output file."""

_LEDGER, _JOURNAL, _MANIFEST = "ledger.sqlite", "ledger.sqlite-journal", "manifest.json"


_Place = tuple[int, int]
"""A place in the inputs: the number of a source, and how many items of it are done."""


class JobError(ValueError):
    """A job that cannot be begun, gone on with or brought to its end; the message says why and what to do."""


class Interrupted(Exception):
    """The job was asked to stop, and has, at a place from which it goes on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What a job's output depends on besides its inputs.

    Attributes:
        format: of the output, `jsonl`, `csv` or `parquet`.
        depends: everything else, by name: the model, the fields read, the code (`manifest`).
        part_items, file_parts: sizes, see `PART_ITEMS` and `FILE_PARTS`.
    """

    format: str
    depends: Mapping[str, Any]
    part_items: int = PART_ITEMS
    file_parts: int = FILE_PARTS

    def __post_init__(self) -> None:
        if self.format not in ("jsonl", "csv", "parquet"):
            raise JobError(f"format {self.format!r}: a job writes jsonl, csv or parquet")


def run(
    folder: Path,
    settings: Settings,
    sources: Callable[[], Iterator[Source]],
    label: Labeller,
    *,
    batch_size: int = 64,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[str], object] = lambda message: None,
) -> Counts:
    """Label all sources into a folder, from the beginning or from where an earlier process left off.

    Args:
        folder: made where there is none.
        sources: lists the inputs; called several times, each time the same.
        label: labels articles.
        batch_size: articles labelled together; does not change the output.
        stop: asked after each part whether to end early.
        tell: told of progress, and of whatever had to be made again.

    Raises:
        JobError: for a folder that is something else, a job of another model, settings, code or inputs, or one whose
            counts do not add up.
        stancewire.batch.lock.LockedError: where another process is at work on it.
        stancewire.batch.ledger.LedgerError, OSError: where the disk fails; the same call goes on later.
        Interrupted: where `stop` said so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_foreign(folder)
    with locked(folder / "lock"):
        ledger = _open_ledger(folder, tell)
        try:
            job = _Job(folder, settings, sources, label, batch_size, stop, tell, ledger)
            job.begin()
            try:
                job.label()
                job.write_outputs()
            except BaseException:
                with contextlib.suppress(OSError, LedgerError):  # not to hide why the job ends
                    job.write_errors()
                raise
            job.write_errors()
            return job.conserved()
        finally:
            ledger.close()


def _refuse_foreign(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    if names - {"lock"} and not names & {_LEDGER, _MANIFEST}:
        raise JobError(f"{folder}: is not empty and no job; give a new folder")


def _open_ledger(folder: Path, tell: Callable[[str], object]) -> Ledger:
    try:
        return Ledger(folder / _LEDGER)
    except Damaged as error:
        tell(f"the ledger is damaged ({error}); it is kept as {_LEDGER}.damaged, and the job starts anew")
        (folder / _LEDGER).replace(folder / f"{_LEDGER}.damaged")
        (folder / _JOURNAL).unlink(missing_ok=True)
        return Ledger(folder / _LEDGER)


@dataclasses.dataclass(slots=True)
class _Job:
    """A job with its lock held; the arguments are those of `run`."""

    folder: Path
    settings: Settings
    sources: Callable[[], Iterator[Source]]
    labeller: Labeller
    batch_size: int
    stop: Callable[[], bool]
    tell: Callable[[str], object]
    ledger: Ledger

    # --- what the job is

    def begin(self) -> None:
        """Enter model, settings and inputs into the ledger; or compare them, where the job was begun before."""
        for name in ("parts", "rows"):
            (self.folder / name).mkdir(exist_ok=True)
        sync(self.folder)
        described = {
            "format": self.settings.format,
            "part_items": self.settings.part_items,
            "file_parts": self.settings.file_parts,
            **self.settings.depends,
        }
        recorded = self.ledger.manifest()
        if recorded is None:
            recorded = self._begin_anew(described)
        else:
            begun = json.loads(recorded)
            del begun["inputs"]
            if changed := list(changes(begun, json.loads(json.dumps(described)))):
                raise self._refused("; ".join(changed))
            self._compare_inputs()
        if digest_of(self.folder / _MANIFEST) != hashlib.sha256(recorded.encode()).hexdigest():
            with committed(self.folder / _MANIFEST) as file:
                file.write(recorded.encode())

    def _begin_anew(self, described: dict[str, Any]) -> str:
        for place in ("parts", "rows"):  # of a ledger that is no more
            for stale in (self.folder / place).glob("*-[0-9]*"):
                stale.unlink()
        with self.ledger.transaction():
            whole, number, size = hashlib.sha256(), 0, 0
            for number, (name, sha256, length) in enumerate(self._hashed_sources(), 1):
                self.ledger.add_source(number - 1, name, length, sha256)
                whole.update(f"{name}\n{sha256}\n".encode("utf-8", "surrogateescape"))
                size += length
            described["inputs"] = {"files": number, "bytes": size, "sha256": whole.hexdigest()}
            recorded = json.dumps(described, indent=2) + "\n"
            self.ledger.set_manifest(recorded)
        return recorded

    def _compare_inputs(self) -> None:
        number = 0
        for number, (name, sha256, _) in enumerate(self._hashed_sources(), 1):
            known = self.ledger.source(number - 1)
            if known is None or known[0] != name:
                was = "nothing" if known is None else known[0]
                raise self._refused(f"input {number} was {was} and is {name}")
            if known[1] != sha256:
                raise self._refused(f"the content of {name} has changed")
        if missing := self.ledger.source(number):
            raise self._refused(f"input {missing[0]} is missing")

    def _hashed_sources(self) -> Iterator[tuple[str, str, int]]:
        """Name, SHA-256 and bytes of each source."""
        for source in self.sources():
            if source.path is None:
                raise JobError(f"{source.name}: a job reads its inputs again when it goes on; save it as a file")
            if source.path.is_dir():  # without files
                yield source.name, "", 0
            else:
                yield source.name, digest_of(source.path) or "", source.path.stat().st_size

    def _refused(self, why: str) -> JobError:
        return JobError(f"{self.folder}: this job was begun otherwise: {why}; undo that, or give another folder")

    # --- labelling

    def label(self) -> None:
        """Make every part that is not there."""
        done = self.ledger.parts()
        for output in range(self._outputs()):
            if not self._is_output_whole(output):
                for number in self._parts_of(output):
                    self._make_whole(number)
        place, first = self._end_of(done - 1), self.ledger.counts().items
        items = self._items(place)
        for number in itertools.count(done):
            draft, place = self._write_part(number, first, items, place)
            if not draft.items:
                self._part_file(number).unlink()
                return
            draft.enter(self.ledger, number, *place)
            first += draft.items
            self.tell(f"part {number}: {first} items done")
            self._stop_if_asked()

    def _write_part(
        self, number: int, first: int, items: Iterator[tuple[_Place, Item]], place: _Place
    ) -> tuple[Draft, _Place]:
        """Write the file of a part that begins at `place` with item `first`; returns where it ends, too."""

        def numbered() -> Iterator[tuple[int, Item]]:
            nonlocal place
            for offset, (after, item) in enumerate(itertools.islice(items, self.settings.part_items)):
                place = after
                yield first + offset, item

        draft = write_part(self._part_file(number), numbered(), self.labeller, self.batch_size)
        return draft, place

    def _end_of(self, number: int) -> _Place:
        part = self.ledger.part(number)
        return (part.source, part.item) if part else (0, 0)

    def _make_whole(self, number: int) -> None:
        """Label a part again whose file is damaged or lost.

        Raises:
            JobError: where it does not come out as it was.
        """
        part = self.ledger.part(number)
        assert part is not None
        if digest_of(self._part_file(number)) == part.sha256:
            return
        self.tell(f"part {number} is damaged or lost; it is labelled again")
        place = self._end_of(number - 1)
        draft, _ = self._write_part(number, number * self.settings.part_items, self._items(place), place)
        if draft.sha256 != part.sha256:
            raise JobError(f"{self._part_file(number)}: made again it differs from what the ledger says")
        self._stop_if_asked()

    def _items(self, place: _Place) -> Iterator[tuple[_Place, Item]]:
        """Every item from a place on, each with the place after it."""
        for number, source in enumerate(self.sources()):
            if number < place[0]:
                continue
            known = self.ledger.source(number)
            for after, item in enumerate(source.read(), 1):
                if (number, after) <= place:
                    continue
                if isinstance(item, SetAside) and item.digest is None and not item.position and known:
                    item = dataclasses.replace(item, digest=known[1] or None)
                yield (number, after), item

    def _stop_if_asked(self) -> None:
        if self.stop():
            done = self.ledger.counts().items
            raise Interrupted(f"stopped with {done} items done; the same command goes on from there")

    # --- output

    def write_outputs(self) -> None:
        """Turn parts into output files, with the copies of each story counted to the end."""
        for number in range(self._outputs()):
            written = self._is_output_whole(number)
            if not written:
                self._write_output(number)
            for part in self._parts_of(number):
                self._part_file(part).unlink(missing_ok=True)
            if not written:
                self._stop_if_asked()

    def _write_output(self, number: int) -> None:
        path, rows = self._output_file(number), 0
        with committed(path) as file, sink_into(file, cast(Format, self.settings.format)) as sink:
            for part in self._parts_of(number):
                for item, of_item in itertools.groupby(self._part_rows(part), key=lambda line: line["item"]):
                    story = self.ledger.story(item)
                    for line in of_item:
                        sink.write(line["row"] | {"dup_group": story.doc_id, "n_copies": story.copies})
                        rows += 1
        sha256 = digest_of(path)
        assert sha256 is not None
        with self.ledger.transaction():
            self.ledger.set_output(number, sha256, rows)

    def _outputs(self) -> int:
        return max(1, -(-self.ledger.parts() // self.settings.file_parts))

    def _parts_of(self, output: int) -> range:
        size = self.settings.file_parts
        return range(output * size, min((output + 1) * size, self.ledger.parts()))

    def _part_rows(self, number: int) -> Iterator[dict[str, Any]]:
        with self._part_file(number).open(encoding="ascii") as lines:
            yield from map(json.loads, lines)

    def _is_output_whole(self, number: int) -> bool:
        entered = self.ledger.output(number)
        return entered is not None and digest_of(self._output_file(number)) == entered[0]

    def write_errors(self) -> None:
        """List every item set aside so far."""
        with committed(self.folder / "errors.jsonl") as file:
            for aside in self.ledger.aside():
                record = {
                    "source": aside.source,
                    "position": aside.position,
                    "offset": aside.offset,
                    "sha256": aside.digest,
                    "stage": aside.stage,
                    "reason": aside.reason,
                }
                file.write(json.dumps(record).encode() + b"\n")

    def conserved(self) -> Counts:
        """The counts of the whole job.

        Raises:
            JobError: where they do not add up.
        """
        if wrong := self.ledger.unbalanced():
            raise JobError(
                f"{self.folder}: the counts do not add up: {wrong}; this is an error of stancewire, report it"
            )
        return self.ledger.counts()

    def _part_file(self, number: int) -> Path:
        return self.folder / "parts" / f"part-{number:06}.jsonl"

    def _output_file(self, number: int) -> Path:
        return self.folder / "rows" / f"rows-{number:05}.{self.settings.format}"
