"""Readers of labelled text: every format comes out as stance pairs.

- blocks: the corpus format of `docs/codebook.md`, one record a block of `# id:`, `C:`, `T:`, `S:`, `L:`, `K:` lines
- articles: annotated articles (`eval/articles.py`)
- newsmtsc: the JSONL of NewsMTSC (Hamborg & Donnay, EACL 2021), one mention of an entity a line
- pairs: the exchange format (`pairs.py`)
- csv, parquet, dataset: tables (`tables.py`)

Reading is lazy: one pair is in memory at a time.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from stancewire.eval.articles import SIGNS, read_articles
from stancewire.pairs import PairTarget, StancePair, read_pairs, short
from stancewire.schema import LABELS, Kind, Label, Span, Speaker, Statement
from stancewire.stance import read_text
from stancewire.targets import NAMED, CandidateFinder
from stancewire.text import Document
from stancewire.training.tables import read_csv, read_dataset, read_parquet

_FIELD = re.compile(r"(# id|C|T|S|L|K): ?(.*)")


def read_blocks(path: Path) -> Iterator[StancePair]:
    """Read records in the corpus format; a record without `[[ ]]` marks is a statement as a whole.

    A record marked `K: doubtful` has half the weight of others.

    Raises:
        ValueError: for a record out of format, naming file, line and what was found there.
    """
    lines: list[str] = []
    start = 0
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                start = start if lines else number
                lines.append(line.rstrip("\n"))
            elif lines:
                yield _block(lines, f"{path}:{start}")
                lines = []
    if lines:
        yield _block(lines, f"{path}:{start}")


def _block(lines: list[str], where: str) -> StancePair:
    record: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None or field[1] in record:
            raise ValueError(f"{where}: not a line of a record, or its second of that kind: {line[:60]!r}")
        record[field[1]] = field[2].strip()
    if missing := [name for name in ("# id", "T", "S", "L") if not record.get(name)]:
        raise ValueError(f"{where}: the record has no {', '.join(missing)} line")
    context = record["C"] + "\n" if record.get("C") else ""
    pieces = re.split(r"\[\[(.+?)\]\]", record["T"])
    text, statement = context, []
    for index, piece in enumerate(pieces):
        if index % 2:
            statement.append(Span(len(text), len(text) + len(piece)))
        text += piece
    speaker, _, state = (part.strip() for part in record["S"].rpartition("|"))
    targets = []
    for entry in record["L"].split():
        code, _, sign = entry.partition("=")
        if sign not in SIGNS:
            raise ValueError(f"{where}: {entry!r} is not CODE=+, CODE=0 or CODE=-")
        targets.append(PairTarget(code, SIGNS[sign]))
    return StancePair(
        id=record["# id"],
        text=text,
        statement=tuple(statement) or (Span(len(context), len(text)),),
        targets=tuple(targets),
        speaker=None if speaker == "?" else speaker,
        speaker_state=None if state == "?" else state,
        weight=0.5 if "doubtful" in record.get("K", "") else 1.0,
        tags=tuple(filter(None, (tag.strip() for tag in record.get("K", "").split(",")))),
    )


def read_article_pairs(path: Path) -> Iterator[StancePair]:
    """Read the statements of annotated articles, each in the text of its article."""
    for article in read_articles(path):
        for number, gold in enumerate(article.statements, 1):
            yield StancePair(
                id=f"{article.doc_id}-{number}",
                text=article.text,
                statement=gold.spans,
                targets=tuple(PairTarget(code, label) for code, label in gold.targets.items()),
                speaker=gold.speaker,
                speaker_state=gold.state,
            )


def read_newsmtsc(path: Path) -> Iterator[StancePair]:
    """Read NewsMTSC: one pair a sentence, with every entity that its lines judge.

    Raises:
        ValueError: for a line out of format, naming file and line.
    """
    sentences: dict[str, tuple[str, dict[Span, PairTarget]]] = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
                span = Span(row["from"], row["to"])
                label = LABELS[1 - int(row["polarity"])]
                _, targets = sentences.setdefault(row["sentence"], (row["id"], {}))
            except (ValueError, KeyError, IndexError, TypeError) as error:
                raise ValueError(f"{path}:{number}: not a NewsMTSC line ({error!r})") from None
            targets[span] = PairTarget(f"{span.start}-{span.end}", label, (span,))
    for sentence, (first_id, targets) in sentences.items():
        yield StancePair(first_id, sentence, (Span(0, len(sentence)),), tuple(targets.values()))


READERS: dict[str, Callable[[Path], Iterator[StancePair]]] = {
    "blocks": read_blocks,
    "articles": read_article_pairs,
    "newsmtsc": read_newsmtsc,
    "pairs": read_pairs,
    "csv": read_csv,
    "parquet": read_parquet,
    "dataset": read_dataset,
}


_GROUPED_BY_ID = ("blocks", "articles", "newsmtsc")
"""Formats of ours, whose ids tell what belongs together (`group_of`); of users' pairs the text does."""


_FORMATS = {".jsonl": "pairs", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
_HEAD_LINES = 100


def format_of(path: Path) -> str:
    """The format of a user's file: by its ending or, for .txt, by its first lines; a folder is a saved dataset.

    Raises:
        FileNotFoundError: for a path that is not there.
        ValueError: for a format that is not known, naming those that are.
    """
    if path.is_dir():
        if (path / "dataset_info.json").is_file():
            return "dataset"
        if (path / "dataset_dict.json").is_file():
            splits = ", ".join(sorted(split.name for split in path.iterdir() if split.is_dir()))
            raise ValueError(f"{path}: a dataset with the splits {splits}; name the folder of one of them")
        raise ValueError(f"{path}: not a folder that datasets.Dataset.save_to_disk wrote; name the files in it")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    if path.suffix.lower() == ".txt":
        return _text_format(path)
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(
            f"{path}: unknown format {path.suffix or 'without an ending'!r}; accepted are {', '.join(_FORMATS)}, "
            ".txt with records or annotated articles, and folders of saved datasets"
        )
    return _FORMATS[path.suffix.lower()]


def _text_format(path: Path) -> str:
    """Records are blocks of single-letter fields; articles have a head of `# key:` lines, then text."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [file.readline(1000).strip() for _ in range(_HEAD_LINES)]
    head = list(itertools.takewhile(bool, itertools.dropwhile(lambda line: line in ("", "====="), lines)))
    if head and all(map(_FIELD.fullmatch, head)) and len(head) > 1:
        return "blocks"
    if head and all(line.startswith("# ") for line in head):
        return "articles"
    first = short(next(filter(None, lines), ""))
    raise ValueError(f"{path}: neither records nor annotated articles (docs/formats.md); it begins {first}")


def add_candidates(pair: StancePair, *, neutral_is_addressed: bool) -> StancePair:
    """Add the open candidates of a pair that the annotators did not mark, and say of all open ones what is known.

    Marked candidates are addressed, others are not. Of targets that need no judgement, and of those that are no
    candidates, nothing is said: the model is never asked.

    Args:
        neutral_is_addressed: false where annotators marked as neutral what merely stands near; nothing is said of those.
    """
    document, finder = _finder(pair.text)
    statement = Statement(tuple(map(document.clean_span, pair.statement)), Kind.DIRECT, None, "gold")
    speaker = Speaker(pair.speaker, None, pair.speaker_state, None, "gold")
    candidates = finder.candidates(statement, speaker)
    judged = [candidate.code for candidate in candidates if candidate.rule != NAMED]
    targets = [
        dataclasses.replace(target, addressed=True)
        if target.target in judged and (neutral_is_addressed or target.label is not Label.NEUTRAL)
        else target
        for target in pair.targets
    ]
    marked = {target.target for target in pair.targets}
    targets += (PairTarget(code, addressed=False) for code in judged if code not in marked)
    return dataclasses.replace(pair, targets=tuple(targets))


def _undecodable_line(path: Path) -> int | str:
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return "?"


@functools.lru_cache(maxsize=1)
def _finder(text: str) -> tuple[Document, CandidateFinder]:
    document, mentions, people = read_text(text)
    return document, CandidateFinder(document, mentions, people)


def group_of(pair_id: str) -> str:
    """What a record of ours must not be parted from when data are split: its speech, article, or itself.

    UN sentences have ids `<speech>-<number>`, statements of articles `<article>-<number>`.
    """
    match = re.fullmatch(r"([A-Z]{3}_\d+_\d{4}|t[a-z]-\d+|art-\d+)-\d+", pair_id)
    return match[1] if match else pair_id


def held_out(group: str, share: float) -> bool:
    """Whether a group is held out: a fixed `share` (0 to 1) of them, by hash, whatever else is in the data."""
    return zlib.crc32(group.encode()) % 10_000 < share * 10_000


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One kind of labelled text that a preset names.

    Attributes:
        name: what figures call it.
        format: a key of `READERS`.
        files: a path or glob, absolute, relative to `training/corpus/`, or with `{data}` for the folder of outside data.
        weight: scales the loss of its pairs.
        held_out: share of its groups kept for development, 0 to 1.
        candidates: "all" or "evaluative" adds the open candidates to its pairs (`add_candidates`); the latter where
            annotators marked as neutral what merely stands near.
        only_dev: all of it is for development.
    """

    name: str
    format: str
    files: str
    weight: float = 1.0
    held_out: float = 0.0
    only_dev: bool = False
    candidates: Literal["none", "all", "evaluative"] = "none"

    def __post_init__(self) -> None:
        if self.format not in READERS:
            raise ValueError(f"source {self.name!r}: format {self.format!r}; expected one of {', '.join(READERS)}")
        if self.candidates not in ("none", "all", "evaluative"):
            raise ValueError(f"source {self.name!r}: candidates {self.candidates!r}; expected none, all or evaluative")
        if not 0 <= self.held_out < 1:
            raise ValueError(f"source {self.name!r}: held_out {self.held_out}; expected 0 <= share < 1")
        if not self.weight > 0:
            raise ValueError(f"source {self.name!r}: weight {self.weight}; expected a positive number")

    @classmethod
    def of_file(cls, path: str | Path, *, weight: float = 1.0, held_out: float = 0.0, only_dev: bool = False) -> Source:
        """The source that a user's file is, named like the file; its format is found out (`format_of`).

        Annotated articles get their open candidates: all that is said about a state in them is marked.

        Raises:
            FileNotFoundError, ValueError: for a path that is not there, or in no known format.
        """
        whole = Path(path).expanduser().absolute()
        form = format_of(whole)
        return cls(
            whole.stem, form, str(whole), weight, held_out, only_dev, candidates="all" if form == "articles" else "none"
        )

    def paths(self, data: Path | None) -> list[Path]:
        """The files this source reads, sorted.

        Raises:
            FileNotFoundError: where there are none, or `{data}` is wanted and not given.
        """
        if "{data}" in self.files and data is None:
            raise FileNotFoundError(
                f"source {self.name!r} reads {self.files}; say where that folder is with --data DIR"
            )
        files = Path(self.files)
        if files.is_absolute():
            if files.exists():  # its name may hold what a glob would read as a pattern
                return [files]
            base, pattern = Path(files.anchor), str(files.relative_to(files.anchor))
        elif data is not None and "{data}" in self.files:
            base, pattern = data, self.files.removeprefix("{data}/")
        else:
            base, pattern = Path(__file__).parent / "corpus", self.files
        paths = sorted(base.glob(pattern))
        if not paths:
            raise FileNotFoundError(f"source {self.name!r}: no file matches {pattern} in {base}")
        return paths

    def pairs(self, data: Path | None) -> Iterator[StancePair]:
        """The pairs as they stand in the files, one at a time."""
        for path in self.paths(data):
            try:
                yield from READERS[self.format](path)
            except UnicodeDecodeError:
                raise ValueError(
                    f"{path}:{_undecodable_line(path)}: not UTF-8; save the file in that encoding"
                ) from None

    def prepare(self, pair: StancePair) -> StancePair | None:
        """A pair with its open candidates; None for a statement about nobody, with no state near it."""
        if self.candidates != "none":
            pair = add_candidates(pair, neutral_is_addressed=self.candidates == "all")
        return pair if pair.targets else None

    def group(self, pair: StancePair) -> str:
        """What a pair must not be parted from."""
        return group_of(pair.id) if self.format in _GROUPED_BY_ID else pair.text

    def for_dev(self, pair: StancePair) -> bool:
        """Whether a pair is for development."""
        return self.only_dev or held_out(self.group(pair), self.held_out)

    def read(self, data: Path | None) -> tuple[list[StancePair], list[StancePair]]:
        """The pairs to train on, weighted, and those for development; all in memory."""
        train, dev = [], []
        for pair in filter(None, map(self.prepare, self.pairs(data))):
            if self.for_dev(pair):
                dev.append(pair)
            else:
                train.append(dataclasses.replace(pair, weight=pair.weight * self.weight))
        return train, dev
