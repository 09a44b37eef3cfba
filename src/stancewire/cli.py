"""The command line: one thin function a verb, heavy imports inside it.

Exit codes: 0 done, 1 failed, 2 usage, 3 done with items set aside.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stancewire.batch.sources import Source
    from stancewire.pipeline import StancePipeline
    from stancewire.schema import Article

app = typer.Typer(
    name="stancewire",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Who said what about which state, and were they for it or against it? Labels quoted statements in news text.",
)

SET_ASIDE = 3


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    TABLE = "table"


class PrecisionOption(StrEnum):
    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


Model = Annotated[str | None, typer.Option(help="Folder or hub id of a checkpoint; the shipped one by default.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Precision = Annotated[PrecisionOption, typer.Option(help="Number format of the model; auto is float32 on CPUs.")]


def _version(wanted: bool) -> None:
    if wanted:
        from stancewire import __version__

        print(f"stancewire {__version__}")
        raise typer.Exit


@app.callback()
def stancewire(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def label(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...", help="-, a file, a folder or a feed address: .txt .html .xml .jsonl .csv .parquet"
        ),
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; stdout by default.")] = None,
    to: Annotated[
        Format | None, typer.Option(help="By default the file's ending; else a table on a terminal, JSONL in a pipe.")
    ] = None,
    model: Model = None,
    device: Device = "auto",
    precision: Precision = PrecisionOption.AUTO,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Articles read together; changes the speed, not the labels.")
    ] = 64,
    text_field: Annotated[str, typer.Option(help="Field of the text in .jsonl, .csv and .parquet.")] = "text",
    id_field: Annotated[str, typer.Option(help="Field of the id there.")] = "id",
    max_error: Annotated[
        float | None, typer.Option(help="Abstain so often that at most this share of the labels given is wrong.")
    ] = None,
    coverage: Annotated[float | None, typer.Option(help="Or label this share of targets, the surest.")] = None,
    job: Annotated[
        Path | None,
        typer.Option(help="Folder of a long run: killed and given again, the command goes on; rows go to JOB/rows."),
    ] = None,
) -> None:
    """Label every statement about a state: one row for each statement and target."""
    from stancewire.batch.sinks import open_sink
    from stancewire.batch.sources import SetAside, list_sources, read_sources

    if job is not None:
        if output is not None or to is Format.TABLE:
            raise typer.BadParameter(
                "with --job rows go to JOB/rows, as --to jsonl, csv or parquet; leave --output out"
            )
        sources = functools.partial(list_sources, inputs, text_field=text_field, id_field=id_field)
        load = functools.partial(_pipeline, model, device, precision, max_error=max_error, coverage=coverage)
        settings = {"text_field": text_field, "id_field": id_field, "max_error": max_error, "coverage": coverage}
        _label_job(job, sources, load, to or Format.JSONL, settings, batch_size)
        return
    set_aside: list[SetAside] = []

    def aside(item: SetAside) -> None:
        set_aside.append(item)
        print(f"set aside: {item}", file=sys.stderr)

    try:
        articles = read_sources(inputs, text_field=text_field, id_field=id_field, on_error=aside)
        pipeline = _pipeline(model, device, precision, max_error=max_error, coverage=coverage)
        read = rows = 0
        with open_sink(output, to.value if to else None) as sink:
            for doc in pipeline.stream(articles, batch_size=batch_size):
                read += 1
                found = doc.rows()
                rows += len(found)
                for row in found:
                    sink.write(row)
                if doc.unread:
                    aside(SetAside(doc.article.source or "", doc.article.doc_id, doc.empty_because or ""))
                elif doc.empty_because:
                    print(f"no rows: {_where(doc.article)}: {doc.empty_because}", file=sys.stderr)
    except (OSError, ValueError) as error:
        _fail(error)
    print(f"{read} articles, {rows} rows, {len(set_aside)} set aside", file=sys.stderr)
    if set_aside:
        raise typer.Exit(SET_ASIDE)


def _label_job(
    folder: Path,
    sources: Callable[[], Iterator[Source]],
    load: Callable[[], StancePipeline],
    to: str,
    settings: dict[str, Any],
    batch_size: int,
) -> None:
    """Label the sources in a job's folder."""
    from stancewire.batch import job, manifest, signals

    with signals.stoppable() as stop:
        try:
            sources()  # an input that is not there is told before the model is loaded
            pipeline = load()
            counts = job.run(
                folder,
                job.Settings(to, manifest.of_pipeline(pipeline) | settings),
                sources,
                lambda articles: list(pipeline.stream(articles, batch_size=len(articles))),
                batch_size=batch_size,
                stop=stop,
                tell=lambda message: print(message, file=sys.stderr),
            )
        except job.Interrupted as interrupted:
            print(f"stancewire: {interrupted}", file=sys.stderr)
            raise typer.Exit(128 + (stop.signal or 0)) from None
        except (OSError, ValueError) as error:
            _fail(error)
    print(
        f"{counts.items} items = {counts.labelled} labelled + {counts.without} without statements"
        f" + {counts.duplicates} duplicates + {counts.aside} set aside; {counts.rows} rows",
        file=sys.stderr,
    )
    print(folder / "rows")
    if counts.aside:
        print(f"set aside: see {folder / 'errors.jsonl'}", file=sys.stderr)
        raise typer.Exit(SET_ASIDE)


@app.command()
def train(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write the checkpoint and metrics.jsonl into.")],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE...]",
            help="Labelled text to train on in place of the preset's: .jsonl .csv .parquet .txt or a folder of a saved"
            " dataset; FILE=2 weighs its pairs double.",
        ),
    ] = None,
    dev: Annotated[
        list[Path] | None,
        typer.Option(help="Labelled text to choose and calibrate by; without it a tenth of every FILE is held out."),
    ] = None,
    preset: Annotated[str, typer.Option(help="Name of a checked-in preset, or a .toml file.")] = "default",
    data: Annotated[Path | None, typer.Option(help="Folder of the outside data that the preset names.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help='Where to start: "default" (the shipped checkpoint), a hub id, or a folder.'),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data, in place of the preset's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, in place of the preset's.")] = None,
    device: Device = "auto",
    precision: Annotated[
        PrecisionOption | None, typer.Option(help="Number format of the products, in place of the preset's.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell rows, tokens, steps and time; train nothing.")
    ] = False,
) -> None:
    """Train a classifier; the same command runs on a CPU and on GPUs, and goes on where it was cut short."""
    _quiet()
    try:
        from stancewire.training import Trainer, load_preset
        from stancewire.training.data import sources_of_files

        overrides = {"encoder": start, "epochs": epochs, "seed": seed, "precision": precision and precision.value}
        config = load_preset(preset, **{name: value for name, value in overrides.items() if value is not None})
        if files or dev:
            config = dataclasses.replace(config, sources=sources_of_files(files or [], dev or []), addressed_by="")
        trainer = Trainer(config, out, data=data, device=device, workers=os.cpu_count() or 1, listen=_tell)
        if dry_run:
            print(json.dumps(dataclasses.asdict(trainer.dry_run()), indent=2))
            return
        trainer.fit()
    except (OSError, ValueError, MemoryError) as error:
        _fail(error)
    print(out)


def _tell(record: dict[str, Any]) -> None:
    """Print a record of a run, but for those of single steps, which the bar shows."""
    if record["event"] != "step":
        print(json.dumps(record), file=sys.stderr)


@app.command()
def evaluate(
    model: Annotated[
        str | None, typer.Argument(help="Folder or hub id of a checkpoint; the shipped one by default.")
    ] = None,
    data: Annotated[
        list[Path] | None, typer.Option(help="Labelled statements, in any format that train reads; may be repeated.")
    ] = None,
    held_out: Annotated[
        bool,
        typer.Option("--held-out", help="Measure on what the checkpoint held out, as far as it is at hand."),
    ] = False,
    outside: Annotated[
        Path | None, typer.Option(help="Folder of the outside data that the checkpoint was trained on and held out.")
    ] = None,
    articles: Annotated[Path | None, typer.Option(help="Annotated articles.")] = None,
    country_swap: Annotated[
        int | None, typer.Option(min=1, help="Swap the states in so many passages of the shipped corpus.")
    ] = None,
    behaviour: Annotated[
        bool, typer.Option("--behaviour", help="Put the shipped behaviour cases to the model.")
    ] = False,
    baselines: Annotated[
        list[Path] | None, typer.Option(help="With --data: labelled text to train baselines on, for comparison.")
    ] = None,
    against: Annotated[str | None, typer.Option(help="With --data: another checkpoint, for comparison.")] = None,
    report: Annotated[Path | None, typer.Option(help="With --data: write an HTML page of all figures here.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="With --data: write each target's probabilities here.")
    ] = None,
    device: Device = "auto",
    precision: Precision = PrecisionOption.AUTO,
) -> None:
    """Measure a model on labelled data; prints one JSON document."""
    if [data or None, held_out or None, articles, country_swap, behaviour or None].count(None) != 4:
        raise typer.BadParameter(
            "give one of --data FILE, --held-out, --articles FILE, --country-swap N and --behaviour"
        )
    if (outside or baselines or against or report or predictions) and not (data or held_out):
        raise typer.BadParameter(
            "--outside, --baselines, --against, --report and --predictions go with --data or --held-out"
        )
    try:
        pipeline = _pipeline(model, device, precision)
        document: dict[str, Any]
        if data or held_out:
            from stancewire.eval.report import write_report
            from stancewire.eval.stance import write_predictions
            from stancewire.models.checkpoint import resolve
            from stancewire.training.measuring import measure

            other = (_pipeline(against, device, precision).classifier, resolve(against)) if against else None
            measured = measure(
                pipeline.classifier,
                resolve(model),
                data or [],
                train=baselines or [],
                against=other,
                outside=outside,
            )
            if predictions is not None:
                write_predictions((item.pair for item in measured.cases.items), measured.judged, predictions)
            if report is not None:
                write_report(measured, report)
            document = measured.document()
        elif articles is not None:
            from stancewire.eval.articles import evaluate_articles, read_articles

            document = evaluate_articles(pipeline, read_articles(articles))
        elif behaviour:
            from stancewire.eval.behaviour import measure_behaviour, shipped

            document = dataclasses.asdict(measure_behaviour(pipeline.classifier, shipped()))
        else:
            from stancewire.eval.country_swap import measure_swap
            from stancewire.training.corpus import Source

            assert country_swap is not None
            pairs, _ = Source("corpus", "blocks", "*.txt").read(None)
            every = max(1, len(pairs) * 4 // (country_swap * 5))  # a fifth to spare for what cannot be swapped
            document = dataclasses.asdict(measure_swap(pipeline.classifier, pairs[::every], country_swap))
    except (OSError, ValueError) as error:
        _fail(error)
    print(json.dumps(document, indent=2))


@app.command()
def states(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help='A name, or any text that holds names: "Ankara".')
    ],
) -> None:
    """Explain what a name resolves to, and why."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from stancewire.states import Gazetteer

    table = Table("text", "code", "state", "evidence", "why", box=None)
    unknown = False
    for name in names:
        explanations = Gazetteer.default().explain(name)
        unknown |= all(found.code is None for found in explanations)
        for found in explanations:
            why = found.reason + (f"; did you mean {', '.join(found.suggestions)}?" if found.suggestions else "")
            table.add_row(*(Text(cell or "–") for cell in (found.text, found.code, found.name, found.evidence, why)))
    Console().print(table)
    if unknown:
        raise typer.Exit(1)


def _pipeline(model: str | None, device: str, precision: PrecisionOption, **selection: float | None) -> Any:
    """The pipeline, without the notes of the libraries below it."""
    _quiet()
    from stancewire.pipeline import StancePipeline

    return StancePipeline.from_pretrained(model, device=device, precision=precision.value, **selection)


def _quiet() -> None:
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


def _where(article: Article) -> str:
    return " ".join(part for part in (article.source, article.doc_id) if part)


def _fail(error: Exception) -> NoReturn:
    print(f"stancewire: {error}", file=sys.stderr)
    raise typer.Exit(1)


def main() -> None:
    app()
