"""A job without a model, to do faults to: `python -m tests.job_driver DIR INPUT… --format jsonl`.

Its labeller makes two rows of every article, by rule, so that a process starts in a moment; everything else is the job's own.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from stancewire.batch import job, signals
from stancewire.batch.sources import list_sources
from stancewire.rows import COLUMNS
from stancewire.schema import Article, Span


def label(articles: Sequence[Article], seconds: float = 0.0) -> list[Any]:
    """Label by words in the text: RAISE, FOREIGN and SILENT are what they say."""
    return [_labelled(article, seconds) for article in articles]


def _labelled(article: Article, seconds: float) -> Any:
    time.sleep(seconds)
    if "RAISE" in article.text:
        raise RuntimeError("no such text was foreseen")
    unread, silent = "FOREIGN" in article.text, "SILENT" in article.text
    rows = [
        dict.fromkeys(COLUMNS)
        | {
            "doc_id": article.doc_id,
            "source": article.source,
            "statement_id": f"{article.doc_id}#{number}",
            "statement": article.text,
            "start": 0,
            "end": len(article.text),
            "spans": [[0, len(article.text)]],
            "p_neutral": len(article.text) / (number + 1e6),
            "flags": [],
            "metadata": dict(article.metadata) or None,
        }
        for number in (1, 2)
        if not (unread or silent)
    ]
    spans = SimpleNamespace(statement=SimpleNamespace(spans=[Span(0, len(article.text))]))
    return SimpleNamespace(
        article=article,
        statements=[spans],
        rows=lambda: rows,
        unread=unread,
        empty_because="language 'fr'" if unread else "no statements" if silent else None,
    )


def run(folder: Path, *inputs: Path | str, format: str = "jsonl", seconds: float = 0.0, **options: Any) -> Any:
    """`job.run` with small parts and this labeller; the result is in `folder`."""
    settings = job.Settings(format, options.pop("depends", {"model": "by rule"}), part_items=7, file_parts=4)
    labeller = options.pop("labeller", lambda articles: label(articles, seconds))
    return job.run(
        folder, settings, lambda: list_sources([str(name) for name in inputs]), labeller, batch_size=3, **options
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("inputs", nargs="+")
    parser.add_argument("--format", default="jsonl")
    parser.add_argument("--seconds", type=float, default=0.0)
    given = parser.parse_args()
    with signals.stoppable() as stop:
        try:
            run(given.folder, *given.inputs, format=given.format, seconds=given.seconds, stop=stop)
        except job.Interrupted as interrupted:
            sys.exit(str(interrupted))
        except (OSError, ValueError) as error:
            sys.exit(f"failed: {error}")


if __name__ == "__main__":
    main()
