"""A checkpoint measured on labelled files, once it is sure that nothing in them was trained on.

What was trained on stands in the manifest of a checkpoint. Text that it names and that is not at hand (outside data, files that
are gone) is listed as not compared.
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
    outside: Path | None = None,
) -> Evaluation:
    """Measure a classifier, and baselines and another classifier for comparison, on the same rows.

    Args:
        folder: of its checkpoint.
        files: labelled text in any format that training reads; none for what the checkpoint held out, less what is
            much like something it was trained on.
        train: labelled text to train the baselines on.
        against: another classifier, and the folder of its checkpoint.
        outside: folder of the outside data that manifests name.

    Raises:
        LeakageError: where text of the files stands in what one of them was trained on.
        FileNotFoundError, ValueError: for a file that is not there, in no known format, or without labels.
    """
    made = [Provenance.of(one, outside) for one in (folder, *([against[1]] if against else []))]
    items = labelled(files) if files else list(made[0].held_out())
    if not items:
        raise ValueError(
            f"{folder}: its manifest names no held-out text that can be read here; name files to measure on"
        )
    of_baselines = (dataclasses.replace(source, only_dev=False) for source in sources_of_files([], train))
    known = tuple(dict.fromkeys([*of_baselines, *(source for one in made for source in one.sources)]))
    leaks = find_leaks((item.pair for item in items), (item.pair for item in Provenance(known, outside).trained_on()))
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
        trained_on=[source.name for source in known if not source.only_dev],
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
    return [item for source in sources_of_files([], files) for item in _items(source, None)]


@dataclasses.dataclass(frozen=True, slots=True)
class Provenance:
    """The sources that a checkpoint, and the one it started from, was made with.

    Attributes:
        sources: those that can be read.
        outside: folder of outside data, where there is one.
        unread: names of the sources that were trained on and cannot be read.
    """

    sources: tuple[Source, ...]
    outside: Path | None = None
    unread: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path, outside: Path | None = None) -> Provenance:
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
                    source.paths(outside)
                    sources.append(source)
                except FileNotFoundError:
                    unread += [] if source.only_dev else [source.name]
            here = _start(config.get("encoder", ""))
        return cls(tuple(sources), outside, tuple(unread))

    def trained_on(self) -> Iterator[Labelled]:
        """The pairs that were trained on."""
        return (
            item for source in self.sources for item in _items(source, self.outside) if not source.for_dev(item.pair)
        )

    def held_out(self) -> Iterator[Labelled]:
        """The pairs that were held out."""
        return (item for source in self.sources for item in _items(source, self.outside) if source.for_dev(item.pair))


def _items(source: Source, outside: Path | None) -> Iterator[Labelled]:
    return (Labelled(pair, source.name, source.group(pair)) for pair in source.pairs(outside))


def _start(encoder: str) -> Path | None:
    """The checkpoint that a run started from; None for a plain encoder."""
    folder = checkpoint.default_checkpoint() if encoder == "default" else Path(encoder)
    return folder if encoder and (folder / checkpoint.MANIFEST).is_file() else None
