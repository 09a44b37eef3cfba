"""The course of a run as a picture: loss over steps, dev figures after each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stancewire.training.reporting import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_curves(history: Sequence[Record], axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
    """Draw the records of a run (matplotlib, which comes with `stancewire[notebook]`).

    Args:
        history: the records of `metrics.jsonl`.
        axes: two axes to draw into; a new figure by default.

    Returns:
        The axes, loss on the left, macro-F1 of every dev source on the right.
    """
    if axes is None:
        from matplotlib import pyplot

        _, axes = pyplot.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
    left, right = axes
    steps = [record for record in history if record["event"] == "step"]
    epochs = [record for record in history if record["event"] == "epoch"]
    left.plot([record["step"] for record in steps], [record["loss"] for record in steps])
    left.set(xlabel="step", ylabel="training loss")
    for name in epochs[0]["dev"] if epochs else ():
        if name.endswith(".macro_f1"):
            figures = [record["dev"][name] for record in epochs]
            right.plot(
                [record["epoch"] for record in epochs], figures, marker="o", label=name.removesuffix(".macro_f1")
            )
    right.set(xlabel="epoch", ylabel="dev macro-F1", ylim=(0, 1))
    if epochs:
        right.legend()
    return left, right
