"""Measuring: runs of several contenders in turn, their medians, and the speed of the machine's matrix products.

Contenders alternate (A, B, A, B, …), so that whatever else slows the machine for a while slows all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import torch

from stancewire.training.precision import Placement, peak_flops

_PRODUCT_SIZES = {"cpu": (512, 1024, 2048), "cuda": (4096, 8192, 16384)}


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """What one training run did.

    Attributes:
        tokens: tokens trained on, padding not counted.
        targets: labelled (statement, target) pairs trained on.
        seconds: of the training steps alone.
        macro_f1: on the dev pairs, with the weights of the last step, 0 to 1.
    """

    tokens: int
    targets: int
    seconds: float
    macro_f1: float

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.seconds

    @property
    def targets_per_s(self) -> float:
        return self.targets / self.seconds


def alternate(
    contenders: Mapping[str, Callable[[int], Run]], repeats: int, threads: int, log: Callable[[str], None]
) -> dict[str, list[Run]]:
    """Run each contender `repeats` times, in turn, with the repeat's number for a seed and the same number of threads."""
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for seed in range(repeats):
        for name, contender in contenders.items():
            torch.set_num_threads(threads)  # a contender may have set its own
            run = contender(seed)
            runs[name].append(run)
            log(f"  {seed + 1}/{repeats} {name}: {run.seconds:.2f} s, dev macro-F1 {run.macro_f1:.3f}")
    return runs


def product_peak(placement: Placement) -> float:
    """The highest rate of matrix products in FLOP/s, over several sizes."""
    return max(peak_flops(placement, size) for size in _PRODUCT_SIZES[placement.device.type])


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was given; CPUs always have."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
