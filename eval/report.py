"""An evaluation as one HTML page: every figure, two charts, the worst errors.

The page loads nothing and runs nothing: no script, styles by their hash, a content security policy that forbids the rest. All
text is escaped by the template engine. Template and styles stand in `report.html` and `report.css`.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
from importlib import resources
from pathlib import Path

import jinja2

from stancewire import __version__
from stancewire.eval.cases import Cases
from stancewire.eval.evaluation import COVERAGES, Evaluation
from stancewire.models.inputs import Passage
from stancewire.schema import LABELS
from stancewire.states import Gazetteer

_POINTS = 200  # of the risk-coverage curve


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage, within the statement or not, naming the target or not."""

    text: str
    stated: bool
    target: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Mistake:
    """A row that the model got wrong, as the page shows it."""

    id: str
    source: str
    target: str
    gold: str
    predicted: str
    probability: float
    speaker: str
    pieces: tuple[Piece, ...]


def write_report(evaluation: Evaluation, path: Path) -> None:
    """Write the page.

    Raises:
        OSError: where it cannot be written.
    """
    path.write_text(render(evaluation), encoding="utf-8")


def render(evaluation: Evaluation) -> str:
    """The page as one string of HTML."""
    files = resources.files("stancewire.eval")
    style = files.joinpath("report.css").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(files.joinpath("report.html").read_text(encoding="utf-8"))
    return template.render(
        found=evaluation,
        labels=[label.value for label in LABELS],
        coverages=COVERAGES,
        curve=_curve(evaluation),
        mistakes=[_mistake(evaluation, row) for row in evaluation.worst()],
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        version=__version__,
    )


def _curve(evaluation: Evaluation) -> list[tuple[float, float]]:
    """Coverage and risk at so many places along the curve."""
    coverages = [step / _POINTS for step in range(1, _POINTS + 1)]
    return [(coverage, evaluation.curve.at(coverage)) for coverage in coverages]


def _mistake(evaluation: Evaluation, row: int) -> Mistake:
    cases, probabilities = evaluation.cases, evaluation.probabilities[row]
    item, code = cases.item(row), cases.target(row).target
    return Mistake(
        id=item.pair.id,
        source=item.source,
        target=_name(cases, row),
        gold=LABELS[int(cases.labels[row])].value,
        predicted=LABELS[int(probabilities.argmax())].value,
        probability=float(probabilities.max()),
        speaker=item.pair.speaker or "not named",
        pieces=_pieces(cases.passage(row), code),
    )


def _name(cases: Cases, row: int) -> str:
    """The target as a reader knows it: the state, or the words of an entity that is known by its place only."""
    target = cases.target(row)
    if target.target in Gazetteer.default().codes:
        return Gazetteer.default().name(target.target)
    return target.mentions[0].of(cases.item(row).pair.text) if target.mentions else target.target


def _pieces(read: Passage, target: str) -> tuple[Piece, ...]:
    """The passage cut where the statement, or a mention of the target, begins or ends."""
    named = [mention.span for mention in read.mentions if mention.entity == target]
    edges = sorted(
        {0, len(read.text), *(edge for span in (*read.statement, *named) for edge in (span.start, span.end))}
    )
    return tuple(
        Piece(
            read.text[start:end],
            stated=any(span.start <= start < span.end for span in read.statement),
            target=any(span.start <= start < span.end for span in named),
        )
        for start, end in itertools.pairwise(edges)
    )
