"""Training speed against what else there is: `make bench-train`, or `python -m benchmarks.train --help`.

The last line is one JSON object, keyed by row: "ratio" (null where the row was skipped, with the reason under "skipped"),
the medians of "ours" and of the "peer", their "unit" and the "goal". With --gate it holds dev macro-F1 instead of speed.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks.compare import Bench, gate
from benchmarks.rows import ROWS
from benchmarks.workload import Workload
from stancewire.training.precision import place


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the rows that are asked for."""
    options = _parser().parse_args(arguments)
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    placement = place("cpu")
    print(f"torch {torch.__version__}, {options.threads} threads, on the CPU {placement.precision}: {placement.reason}")
    with tempfile.TemporaryDirectory() as cache:
        bench = Bench(
            Workload.read(options.data, options.encoder, options.max_length, Path(cache)),
            repeats=options.seeds if options.gate else options.repeats,
            epochs=options.epochs,
            rows=options.rows_per_epoch,
            threads=options.threads,
        )
        print(
            f"{len(bench.workload.train)} statements to train on, {len(bench.workload.dev)} to measure on", flush=True
        )
        results = {name: run_row(bench, name, quality=options.gate) for name in options.rows}
    print(json.dumps(results))


def run_row(bench: Bench, name: str, *, quality: bool) -> dict[str, Any]:
    """The figures of a row, or why there are none."""
    row = ROWS[name]
    print(f"{name} {row.title}", flush=True)
    if obstacle := row.obstacle():
        print(f"  skipped: {obstacle}", flush=True)
        return {"ratio": None, "skipped": obstacle}
    result = gate(bench, row) if quality else {**row.measure(bench, row), "goal": row.goal}
    print(f"  {json.dumps(result)}", flush=True)
    return {**result, "repeats": bench.repeats}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=_rows, default=list(ROWS), help="of the table, such as T1,T2; all by default")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each contender, after one for warm-up")
    parser.add_argument("--gate", action="store_true", help="compare dev macro-F1 instead of speed; takes long")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each contender with --gate")
    parser.add_argument("--epochs", type=int, default=3, help="of T3 and of --gate")
    parser.add_argument("--rows-per-epoch", type=int, help="train on this many statements only")
    parser.add_argument("--data", type=Path, help="folder of outside data (newsmtsc/train.jsonl, mt-dev.jsonl) to add")
    parser.add_argument("--encoder", default="minilm-l6", help="hub id or folder; minilm-l6 by default")
    parser.add_argument("--max-length", type=int, default=256, help="tokens of a passage")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="of every contender")
    return parser


def _rows(value: str) -> list[str]:
    names = value.split(",")
    if unknown := [name for name in names if name not in ROWS]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: expected some of {', '.join(ROWS)}")
    return names


if __name__ == "__main__":
    main()
