"""Encoded pairs on disk: encoded once, then read through a memory map, whatever their number.

A source becomes two Arrow streams, `<key>-train.arrow` and `<key>-dev.arrow`, and `<key>.json` with their rows, tokens
and SHA-256. The key is a digest of everything the rows depend on: the bytes of the input, the tokenizer, the settings, and
the code and tables that read text. Rows stay on disk: 64 of ten million, chosen at random, take 0.35 ms, and opening them
all 4 MB of memory. The files are those of `datasets` (`Dataset.from_file` reads them), but its own random access takes four
times as long, and ten where it gives arrays; the base install would need it, too.

Opening reads input and cache once from end to end, to be sure of both: about a second a gigabyte.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import hashlib
import itertools
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import stancewire
from stancewire import stance
from stancewire.durable import sha256_of
from stancewire.eval import articles
from stancewire.models import inputs
from stancewire.models.inputs import SlotEncoder
from stancewire.pairs import PairTarget, StancePair, write_pairs
from stancewire.schema import LABELS
from stancewire.states import Gazetteer
from stancewire.training.corpus import Source

UNKNOWN = -1
"""Stands in `labels` and `addressed` for what annotators did not say."""

Log = Callable[[dict[str, Any]], object]
Ids = npt.NDArray[np.int32]
Rows = tuple[pa.RecordBatch, pa.RecordBatch]
"""Rows to train on, and for development."""

SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "windows": pa.list_(pa.list_(pa.int32())),
        "labels": pa.list_(pa.int8()),
        "addressed": pa.list_(pa.int8()),
        "weight": pa.float32(),
        "length": pa.int32(),
    }
)
"""A row: token ids of each window, what is known of each target in listed order, and the length of the first window."""

_CHUNK_PAIRS = 256  # what a worker encodes at once
_ALONE_CHUNKS = 16  # encoded before workers are started: each takes seconds to import what it needs
_BATCH_ROWS = 16_384  # rows of one Arrow batch: what the writer holds in memory
_LOG_SECONDS = 5.0
_STALE_SECONDS = 86_400
_UNGUARDED = "a process that encodes ended; a script that trains needs its calls under `if __name__ == '__main__':`, or workers=1"
_MOST_TOLD, _MOST_COUNTED = 10, 10_000  # names of unknown targets


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """A passage ready for training: token ids, and what is known of its targets in the order they are listed.

    Attributes:
        windows: one, or several where the statement is longer than the encoder reads. *Shape:* (tokens,) each.
        labels: indices into `schema.LABELS`, or `UNKNOWN`.
        addressed: 1, 0 or `UNKNOWN`.
        weight: scales the loss.
    """

    windows: tuple[Ids, ...]
    labels: tuple[int, ...]
    addressed: tuple[int, ...]
    weight: float


def label_index(target: PairTarget) -> int:
    return UNKNOWN if target.label is None else LABELS.index(target.label)


def addressed_index(target: PairTarget) -> int:
    return UNKNOWN if target.addressed is None else int(target.addressed)


def encode_pairs(pairs: Sequence[StancePair], encoder: SlotEncoder) -> pa.RecordBatch:
    """Rows of pairs, in order; a pair with more targets than the slots can list becomes several.

    Raises:
        ValueError: for a pair that cannot be encoded, naming it.
    """
    parts = [(part, pair, first) for pair in pairs for part, first in _parts(pair)]
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    for (_, pair, first), encoded in zip(parts, encoder.encode([part for part, _, _ in parts]), strict=True):
        listed = [pair.targets[first + index] for index in encoded.order]
        columns["id"].append(pair.id)
        columns["windows"].append(encoded.windows)
        columns["labels"].append([label_index(target) for target in listed])
        columns["addressed"].append([addressed_index(target) for target in listed])
        columns["weight"].append(pair.weight)
        columns["length"].append(len(encoded.windows[0]))
    return pa.RecordBatch.from_pydict(columns, schema=SCHEMA)


def _parts(pair: StancePair) -> Iterator[tuple[inputs.Passage, int]]:
    """The passages that a pair is read in, each with the number of its first target."""
    try:
        first = 0
        for part in stance.split_targets(stance.passage(pair)):
            yield part, first
            first += len(part.targets)
    except ValueError as error:
        raise ValueError(f"pair {pair.id!r}: {error}") from None


class _Batch:
    """One Arrow batch as arrays over the memory map."""

    __slots__ = ("_addressed", "_ids", "_labels", "_targets", "_weights", "_window_starts", "_windows", "lengths")

    def __init__(self, batch: pa.RecordBatch) -> None:
        windows, labels = batch.column("windows"), batch.column("labels")
        self._windows = windows.offsets.to_numpy()
        self._window_starts = windows.values.offsets.to_numpy()
        self._ids: Ids = windows.values.values.to_numpy()
        self._targets = labels.offsets.to_numpy()
        self._labels = labels.values.to_numpy()
        self._addressed = batch.column("addressed").values.to_numpy()
        self._weights = batch.column("weight").to_numpy()
        self.lengths: Ids = batch.column("length").to_numpy()

    def __len__(self) -> int:
        return len(self.lengths)

    def example(self, row: int, weight: float) -> Example:
        first, last = self._windows[row : row + 2].tolist()
        edges = self._window_starts[first : last + 1].tolist()
        start, end = self._targets[row : row + 2].tolist()
        return Example(
            tuple(self._ids[a:b] for a, b in itertools.pairwise(edges)),
            tuple(self._labels[start:end].tolist()),
            tuple(self._addressed[start:end].tolist()),
            self._weights[row].item() * weight,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Stored:
    """What `<key>.json` says of a file: rows, tokens of all first windows, size in bytes, SHA-256."""

    rows: int
    tokens: int
    bytes: int
    sha256: str


class Examples:
    """Rows of one or several cache files, read through memory maps.

    Attributes:
        tokens: sum over the rows of the length of the first window.
        digest: identifies rows, order and weights.
    """

    def __init__(self, batches: Sequence[_Batch], weights: Sequence[float], tokens: int, digest: str) -> None:
        self._batches = list(batches)
        self._weights = list(weights)  # of the source, a batch
        self._starts = np.cumsum([0, *map(len, self._batches)], dtype=np.int64)
        self.tokens = tokens
        self.digest = digest

    @classmethod
    def _open(cls, path: Path, stored: _Stored, weight: float) -> Examples:
        """Map a cache file.

        Raises:
            ValueError: for a file that is not what was written.
        """
        if path.stat().st_size != stored.bytes or sha256_of(path) != stored.sha256:
            raise ValueError(f"{path} is not as it was written")
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
            batches = [_Batch(batch) for batch in reader]
        return cls(batches, [weight] * len(batches), stored.tokens, _digest(stored.sha256, weight))

    @classmethod
    def concatenate(cls, parts: Iterable[Examples]) -> Examples:
        """All rows of the parts, in order; nothing is copied."""
        parts = list(parts)
        return cls(
            [batch for part in parts for batch in part._batches],
            [weight for part in parts for weight in part._weights],
            sum(part.tokens for part in parts),
            _digest(*(part.digest for part in parts)),
        )

    def __len__(self) -> int:
        return int(self._starts[-1])

    def lengths(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Tokens in the first window of each row. *Shape:* (rows,) → (rows,).

        Raises:
            IndexError: for a row that is not there.
        """
        batch_of = self._batch_of(rows)
        order = np.argsort(batch_of, kind="stable")
        edges = np.searchsorted(batch_of[order], np.arange(len(self._batches) + 1)).tolist()
        lengths = np.empty(len(rows), np.int64)
        for number, (start, end) in enumerate(itertools.pairwise(edges)):
            if start < end:
                places = order[start:end]
                lengths[places] = self._batches[number].lengths[rows[places] - self._starts[number]]
        return lengths

    def take(self, rows: npt.NDArray[np.int64]) -> list[Example]:
        """The examples at `rows`, in that order; their ids are views of the memory map.

        Raises:
            IndexError: for a row that is not there.
        """
        batch_of = self._batch_of(rows)
        inside = (rows - self._starts[batch_of]).tolist()
        return [
            self._batches[batch].example(row, self._weights[batch])
            for batch, row in zip(batch_of.tolist(), inside, strict=True)
        ]

    def _batch_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows {rows.min()} to {rows.max()} asked for; there are {len(self)}")
        return np.searchsorted(self._starts, rows, side="right") - 1


def default_folder() -> Path:
    """Where encoded sources are kept: `$STANCEWIRE_CACHE`, `$XDG_CACHE_HOME/stancewire` or `~/.cache/stancewire`."""
    if named := os.environ.get("STANCEWIRE_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stancewire"


def open_source(
    source: Source, data: Path | None, encoder: SlotEncoder, folder: Path, *, workers: int = 1, log: Log
) -> tuple[Examples, Examples]:
    """The examples of a source, to train on and for development; encoded where `folder` does not hold them yet.

    Args:
        data: the folder of outside data, where the source names one.
        workers: processes that encode; below 2, this one does. The rows are the same for any number.
        log: called with a record when encoding begins, goes on, and is done; why a cached file was not used; and for
            targets that are not known.

    Raises:
        FileNotFoundError: for a source without files.
        ValueError: for text out of format, naming file and line.
        OSError: for a folder that cannot be written, or a worker that ended.
    """
    key = _key(source, data, encoder)
    found = _find(folder, key, source, log)
    if found is None:
        _build(source, data, encoder, folder, key, workers, log)
        found = _find(folder, key, source, log)
        assert found is not None
    return found


def open_pairs(
    pairs: Iterable[StancePair], encoder: SlotEncoder, folder: Path, *, workers: int = 1, log: Log
) -> Examples:
    """The examples of pairs given in Python, as of a file with these pairs; an iterator is read once.

    Raises:
        ValueError: for a pair that the exchange format does not allow.
    """
    return open_split(pairs, encoder, folder, held_out=0.0, workers=workers, log=log)[0]


def open_split(
    pairs: Iterable[StancePair], encoder: SlotEncoder, folder: Path, *, held_out: float, workers: int = 1, log: Log
) -> tuple[Examples, Examples]:
    """The examples of pairs given in Python, to train on and for development; see `open_pairs`.

    Args:
        held_out: share of the texts kept for development, 0 to 1.

    Raises:
        ValueError: for a pair that the exchange format does not allow.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Through a file, so that an iterator is enough and memory stays constant: its digest is known only at its end.
    with tempfile.NamedTemporaryFile(dir=folder, prefix="pairs-", suffix=".tmp") as spooled:
        write_pairs(map(_checked, itertools.count(1), pairs), spooled.name)
        source = Source("pairs", "pairs", spooled.name, held_out=held_out)
        return open_source(source, None, encoder, folder, workers=workers, log=log)


def _checked(number: int, pair: StancePair) -> StancePair:
    try:
        return StancePair.from_dict(pair.to_dict())
    except ValueError as error:
        raise ValueError(f"pair {number} ({pair.id!r}): {error}") from None


def _find(folder: Path, key: str, source: Source, log: Log) -> tuple[Examples, Examples] | None:
    """What `folder` holds under a key; None, with the reason told, where that is not whole."""
    index = folder / f"{key}.json"
    if not index.exists():
        return None
    try:
        stored = json.loads(index.read_text(encoding="utf-8"))
        train, dev = (_Stored(**stored[split]) for split in ("train", "dev"))
        found = (
            Examples._open(folder / f"{key}-train.arrow", train, source.weight),
            Examples._open(folder / f"{key}-dev.arrow", dev, 1.0),
        )
        unknown = stored["unknown_targets"]
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        log({"event": "cache", "source": source.name, "because": f"encoded again: {error}"})
        return None
    if unknown:
        because = "neither codes of states or bodies nor given with a mention, so nothing in the text stands for them"
        log({"event": "unknown targets", "source": source.name, "targets": unknown, "because": because})
    return found


def _build(
    source: Source, data: Path | None, encoder: SlotEncoder, folder: Path, key: str, workers: int, log: Log
) -> None:
    """Encode a source into `folder`; the index comes last, so that what it names is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    began = told = time.monotonic()
    pairs = 0
    log({"event": "encode", "source": source.name, "cache": str(folder)})
    unknown: Counter[str] = Counter()
    read = _noting_unknown(source.pairs(data), unknown)
    with _Writer(folder) as train, _Writer(folder) as dev:
        for count, batches in _encoded(read, source, encoder, workers):
            pairs += count
            for writer, batch in zip((train, dev), batches, strict=True):
                writer.add(batch)
            if time.monotonic() - told > _LOG_SECONDS:
                told = time.monotonic()
                log(
                    {"event": "encoding", "source": source.name, "pairs": pairs, "per_s": round(pairs / (told - began))}
                )
        index = {
            "train": dataclasses.asdict(train.finish(folder / f"{key}-train.arrow")),
            "dev": dataclasses.asdict(dev.finish(folder / f"{key}-dev.arrow")),
            "unknown_targets": dict(unknown.most_common(_MOST_TOLD)),
        }
    _write_atomically(folder / f"{key}.json", json.dumps(index, indent=1))
    seconds = time.monotonic() - began
    rows = index["train"]["rows"], index["dev"]["rows"]
    log({"event": "encoded", "source": source.name, "train": rows[0], "dev": rows[1], "seconds": round(seconds, 1)})


class _Writer:
    """Writes rows to a file without a final name yet; what is not finished leaves nothing behind."""

    def __init__(self, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix="rows-", suffix=".tmp")
        self._path = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        self._stream = pa.ipc.new_stream(self._file, SCHEMA)
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._tokens = 0

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def add(self, rows: pa.RecordBatch) -> None:
        self._waiting.append(rows)
        if sum(map(len, self._waiting)) >= _BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        for batch in pa.Table.from_batches(self._waiting, SCHEMA).combine_chunks().to_batches():
            self._stream.write_batch(batch)
            self._rows += len(batch)
            self._tokens += int(batch.column("length").to_numpy().sum(dtype=np.int64))
        self._waiting.clear()

    def finish(self, path: Path) -> _Stored:
        """Bring the rows to the disk under their name."""
        self._flush()
        self._stream.close()
        size = self._file.tell()
        _settle(self._file)
        self._file.close()
        digest = sha256_of(self._path)
        self._path.replace(path)
        return _Stored(self._rows, self._tokens, size, digest)


def _noting_unknown(pairs: Iterable[StancePair], unknown: Counter[str]) -> Iterator[StancePair]:
    """The pairs; counts targets that nothing in a text can stand for ("Iran" or "IR" in place of IRN)."""
    codes = Gazetteer.default().codes
    for pair in pairs:
        unknown.update(
            target.target for target in pair.targets if target.mentions is None and target.target not in codes
        )
        if len(unknown) > _MOST_COUNTED:
            for rare, _ in unknown.most_common()[_MOST_TOLD:]:
                del unknown[rare]
        yield pair


def _encoded(
    pairs: Iterator[StancePair], source: Source, encoder: SlotEncoder, workers: int
) -> Iterator[tuple[int, Rows]]:
    """Of each chunk of pairs, in order: their number, and their rows to train on and for development."""
    chunks = iter(lambda: list(itertools.islice(pairs, _CHUNK_PAIRS)), [])
    for chunk in chunks if workers < 2 else itertools.islice(chunks, _ALONE_CHUNKS):
        yield len(chunk), _encode_chunk(source, encoder, chunk)
    if (first := next(chunks, None)) is not None:
        yield from _encoded_by_workers(itertools.chain([first], chunks), source, encoder, workers)


def _encoded_by_workers(
    chunks: Iterable[Sequence[StancePair]], source: Source, encoder: SlotEncoder, workers: int
) -> Iterator[tuple[int, Rows]]:
    """As `_encoded`; results come in order, and no more chunks are read ahead than the workers need."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A script without the guard, imported by a worker of its own: left alone, both would wait for ever.
        raise ChildProcessError(_UNGUARDED)
    # Not forked: this process may have threads and a GPU's context, which a fork would break.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, context, _start_worker, (source, encoder)) as pool:
        under_way: deque[tuple[int, concurrent.futures.Future[Rows]]] = deque()
        try:
            for chunk in chunks:
                under_way.append((len(chunk), pool.submit(_work, chunk)))
                if len(under_way) > 2 * workers:
                    count, future = under_way.popleft()
                    yield count, future.result()
            for count, future in under_way:
                yield count, future.result()
        except concurrent.futures.process.BrokenProcessPool:
            raise ChildProcessError(_UNGUARDED) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _encode_chunk(source: Source, encoder: SlotEncoder, pairs: Sequence[StancePair]) -> Rows:
    train: list[StancePair] = []
    dev: list[StancePair] = []
    for pair in filter(None, map(source.prepare, pairs)):
        (dev if source.for_dev(pair) else train).append(pair)
    return encode_pairs(train, encoder), encode_pairs(dev, encoder)


_work_of_worker: Callable[[Sequence[StancePair]], Rows]


def _start_worker(source: Source, encoder: SlotEncoder) -> None:
    global _work_of_worker
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # each worker has one core
    _work_of_worker = functools.partial(_encode_chunk, source, encoder)


def _work(pairs: Sequence[StancePair]) -> Rows:
    return _work_of_worker(pairs)


def _key(source: Source, data: Path | None, encoder: SlotEncoder) -> str:
    """What names the rows of a source; not the weight, which is applied when they are read."""
    return _digest(
        _code_digest(),
        encoder.tokenizer.to_str(),
        encoder.max_length,
        (source.format, source.candidates, source.held_out, source.only_dev),
        *(sha256_of(file) for path in source.paths(data) for file in _files(path)),
    )[:32]


def _files(path: Path) -> list[Path]:
    """The file itself, or all files of a folder (a saved dataset)."""
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


@functools.cache
def _code_digest() -> str:
    """Of what reads text and makes token ids of it: code and tables of ours, and the libraries that could change."""
    package = Path(stancewire.__file__).parent
    training = Path(__file__).parent
    files = [*package.glob("*.py"), *package.glob("data/*.tsv"), Path(inputs.__file__), Path(articles.__file__)]
    files += (training / name for name in ("cache.py", "corpus.py", "tables.py"))
    libraries = [metadata.version(name) for name in ("ftfy", "tokenizers")]
    return _digest(sys.version, libraries, *(sha256_of(file) for file in sorted(files)))


def _digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()


def _sweep(folder: Path) -> None:
    """Remove what a process that was killed a day ago or earlier left behind."""
    for path in folder.glob("*.tmp"):
        try:
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink()
        except FileNotFoundError:
            pass  # its process was alive, and is done


def _write_atomically(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False, encoding="utf-8") as file:
        file.write(text)
        _settle(file)
    Path(file.name).replace(path)


def _settle(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
