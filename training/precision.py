"""What a run computes in, chosen once from what the machine has, with the reason; and how fast that can be."""

from __future__ import annotations

import dataclasses
import statistics
import time
from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]


@dataclasses.dataclass(frozen=True, slots=True)
class Placement:
    """Device and number format of the matrix products. Weights and sums stay in float32."""

    device: torch.device
    dtype: torch.dtype
    reason: str

    @property
    def precision(self) -> str:
        """The name of the number format."""
        return str(self.dtype).removeprefix("torch.")


def place(device: str = "auto", precision: Precision = "auto") -> Placement:
    """Choose where and in what to train.

    bfloat16 is chosen only where the hardware multiplies in it: elsewhere its emulation is slower than float32.

    Raises:
        ValueError: for a device that is not there.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda"):
        if not torch.cuda.is_available():
            raise ValueError(f"device {device!r}: no GPU is to be had here; use --device cpu or auto")
        place, best = torch.device(device), _best_on_gpu()
    elif device == "cpu":
        place, best = torch.device("cpu"), _best_on_cpu()
    else:
        raise ValueError(f"device {device!r}: expected auto, cpu, cuda or cuda:N")
    if precision == "auto":
        return Placement(place, *best)
    return Placement(place, getattr(torch, precision), "asked for")


def _best_on_gpu() -> tuple[torch.dtype, str]:
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16, "the GPU multiplies in bfloat16"
    return torch.float32, "the GPU has no bfloat16"


def _best_on_cpu() -> tuple[torch.dtype, str]:
    capabilities = torch.cpu.get_capabilities()
    for name in ("amx_bf16", "avx512_bf16"):
        if capabilities.get(name):
            return torch.bfloat16, f"the CPU has {name}"
    return torch.float32, "the CPU has neither amx_bf16 nor avx512_bf16"


def peak_flops(placement: Placement, size: int = 2048, repeats: int = 9) -> float:
    """What the device reaches in one large matrix product in this number format, in operations a second (median)."""
    a, b = (torch.randn(size, size, device=placement.device, dtype=placement.dtype) for _ in range(2))
    seconds = []
    for _ in range(repeats + 2):
        began = time.perf_counter()
        a @ b
        if placement.device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / statistics.median(seconds[2:])
