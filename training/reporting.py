"""What a run tells while it goes: `metrics.jsonl`, a progress bar, and TensorBoard where it is installed.

Metrics hold nothing that depends on the clock, so that a run taken up again writes the same bytes; speeds are shown in the
bar and in TensorBoard.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tqdm.auto import tqdm

Record = dict[str, Any]


class Reporter:
    """Writes the metrics of a run.

    Args:
        out: folder of the run; None writes and shows nothing, as all processes but the leading one do.
        listen: called with every record.

    Attributes:
        history: the records so far.
    """

    def __init__(self, out: Path | None, listen: Callable[[Record], None]) -> None:
        self.history: list[Record] = []
        self._out = out
        self._listen = listen
        self._bar: Any = None
        self._board: Any = None
        if out is not None:
            self._file = open(out / "metrics.jsonl", "a+", encoding="utf-8")  # noqa: SIM115
            if importlib.util.find_spec("tensorboard") is not None:
                from torch.utils.tensorboard.writer import SummaryWriter

                self._board = SummaryWriter(str(out / "tensorboard"))

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._board is not None:
            self._board.close()
        if self._out is not None:
            self._file.close()

    def keep(self, written: int) -> None:
        """Forget all records beyond so many bytes of `metrics.jsonl`: the steps they tell of are taken again."""
        if self._out is not None:
            self._file.truncate(written)
            self._file.seek(0)
            self.history += map(json.loads, self._file)

    @property
    def written(self) -> int:
        """Bytes of `metrics.jsonl` so far."""
        return self._file.tell() if self._out is not None else 0

    def record(self, event: str, **fields: Any) -> None:
        """Add a record to the metrics."""
        if self._out is None:
            return
        made = {"event": event, **fields}
        self.history.append(made)
        self._file.write(json.dumps(made) + "\n")
        self._file.flush()
        self._listen(made)
        self._plot(fields.get("step"), fields | fields.get("dev", {}))

    def start_bar(self, rows: int, done: int) -> None:
        """Show how many rows of a run are done; on a terminal or in a notebook only."""
        if self._out is not None:
            self._bar = tqdm(total=rows, initial=done, unit="row", desc="train", disable=None, dynamic_ncols=True)

    def advance(self, rows: int) -> None:
        """Move the bar on."""
        if self._bar is not None:
            self._bar.update(rows)

    def speed(self, step: int, loss: float, rows_per_s: float, tokens_per_s: float, mfu: float) -> None:
        """Show how fast the last steps were; `mfu` is the share of the peak, 0 to 1."""
        speed = {"rows_per_s": rows_per_s, "tokens_per_s": tokens_per_s, "mfu": mfu}
        if self._bar is not None:
            shown = {"loss": f"{loss:.3f}", "tokens/s": f"{tokens_per_s:,.0f}", "MFU": f"{mfu:.0%}"}
            self._bar.set_postfix(shown)  # the bar itself shows rows a second and what is left
        self._plot(step, speed)

    def note(self, text: str) -> None:
        """Tell something in words, above the bar."""
        if self._out is not None:
            tqdm.write(text, file=sys.stderr)

    def _plot(self, step: int | None, figures: Record) -> None:
        if self._board is not None and step is not None:
            for name, value in figures.items():
                if isinstance(value, float):
                    self._board.add_scalar(name, value, step)
