"""Ending on request: the first SIGTERM or SIGINT asks, the second ends the process at once."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
from collections.abc import Iterator


@dataclasses.dataclass(slots=True)
class Stop:
    """Whether to stop, and the number of the signal that said so."""

    signal: int | None = None

    def __call__(self) -> bool:
        return self.signal is not None


@contextlib.contextmanager
def stoppable() -> Iterator[Stop]:
    """Take SIGTERM and SIGINT as a wish for the length of a `with` block; the second has the system's own effect."""
    stop = Stop()
    signals = signal.SIGTERM, signal.SIGINT

    def ask(number: int, frame: object) -> None:
        stop.signal = number
        for each in signals:
            signal.signal(each, signal.SIG_DFL)  # not in Python, which would wait for what is being computed

    before = {number: signal.signal(number, ask) for number in signals}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
