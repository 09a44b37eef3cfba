"""A checkpoint measured on labelled files, once it is sure that nothing in them was trained on.

What was trained on stands in the manifest of a checkpoint; outside data that it names cannot be read here, and are listed as
not compared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from stancewire.eval.cases import Cases, Labelled
from stancewire.eval.evaluation import Evaluation, evaluate
from stancewire.eval.leakage import Leak, find_leaks
from stancewire.models import checkpoint
from stancewire.stance import StanceClassifier
from stancewire.training.corpus import Source
from stancewire.training.data import sources_of_files

_NAMED_LEAKS = 20


class LeakageError(ValueError):
    """Measured text stands in training text; the message names the pairs."""


def measure(
    classifier: StanceClassifier,
    folder: Path,
    files: Sequence[Path],
    *,
    train: Sequence[Path] = (),
    against: tuple[StanceClassifier, Path] | None = None,
) -> Evaluation:
    """Measure a classifier, and baselines and another classifier for comparison, on the same rows.

    Args:
        folder: of its checkpoint.
        files: labelled text in any format that training reads; none for what the checkpoint held out, less what is
            much like something it was trained on.
        train: labelled text to train the baselines on.
        against: another classifier, and the folder of its checkpoint.

    Raises:
        LeakageError: where text of the files stands in what one of them was trained on.
        FileNotFoundError, ValueError: for a file that is not there, in no known format, or without labels.
    """
    made = [Provenance.of(folder), *([Provenance.of(against[1])] if against else [])]
    items = labelled(files) if files else list(made[0].held_out())
    if not items:
        raise ValueError(
            f"{folder}: its manifest names no held-out text that can be read here; name files to measure on"
        )
    whole = (dataclasses.replace(source, only_dev=False) for source in sources_of_files([], train))
    known = tuple(dict.fromkeys([*whole, *(source for one in made for source in one.sources)]))
    leaks = find_leaks((item.pair for item in items), (item.pair for item in Provenance(known).trained_on()))
    if leaks and files:
        raise LeakageError(_listed(leaks))
    leaked = {leak.measured for leak in leaks}
    left_out = {(item.source, item.group) for item in items if item.pair.id in leaked}
    items = [item for item in items if (item.source, item.group) not in left_out]
    return evaluate(
        classifier,
        Cases.of(items),
        train=Cases.of(labelled(train)) if train else None,
        against=against[0] if against else None,
        left_out=sorted(leaked),
        trained_on=[source.name for source in known],
        unread=list(dict.fromkeys(name for one in made for name in one.unread)),
    )


def _listed(leaks: Sequence[Leak]) -> str:
    lines = [f"{len(leaks)} measured texts stand in training text:", *map(str, leaks[:_NAMED_LEAKS])]
    if len(leaks) > _NAMED_LEAKS:
        lines.append(f"… and {len(leaks) - _NAMED_LEAKS} more")
    return "\n  ".join(lines)


def labelled(files: Sequence[Path]) -> list[Labelled]:
    """The pairs of a user's files, in any format that training reads.

    Raises:
        FileNotFoundError, ValueError: for a file that is not there, in no known format, or named twice.
    """
    return [item for source in sources_of_files([], files) for item in _items(source)]


@dataclasses.dataclass(frozen=True, slots=True)
class Provenance:
    """The sources that a checkpoint, and the one it started from, was made with.

    Attributes:
        sources: those that can be read here.
        unread: names of those that cannot: outside data, files that are gone.
    """

    sources: tuple[Source, ...]
    unread: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path) -> Provenance:
        """Read the manifest of a checkpoint; one that names no sources has none."""
        sources, unread, seen = [], [], set[Path]()
        here: Path | None = folder
        while here is not None and (here := here.resolve()) not in seen:
            seen.add(here)
            config = checkpoint.made(here).get("config", {})
            for entry in config.get("sources", ()):
                source = Source(
                    **{field.name: entry[field.name] for field in dataclasses.fields(Source) if field.name in entry}
                )
                try:
                    source.paths(None)
                    sources.append(source)
                except FileNotFoundError:
                    unread.append(source.name)
            here = _start(config.get("encoder", ""))
        return cls(tuple(sources), tuple(unread))

    def trained_on(self) -> Iterator[Labelled]:
        """The pairs that were trained on."""
        return (item for source in self.sources for item in _items(source) if not source.for_dev(item.pair))

    def held_out(self) -> Iterator[Labelled]:
        """The pairs that were held out."""
        return (item for source in self.sources for item in _items(source) if source.for_dev(item.pair))


def _items(source: Source) -> Iterator[Labelled]:
    return (Labelled(pair, source.name, source.group(pair)) for pair in source.pairs(None))


def _start(encoder: str) -> Path | None:
    """The checkpoint that a run started from; None for a plain encoder."""
    folder = checkpoint.default_checkpoint() if encoder == "default" else Path(encoder)
    return folder if encoder and (folder / checkpoint.MANIFEST).is_file() else None
