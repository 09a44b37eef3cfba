"""What a run computes in, chosen once from what the machine has, with the reason."""

from __future__ import annotations

import dataclasses

import torch


@dataclasses.dataclass(frozen=True, slots=True)
class Placement:
    """Device and number format of the matrix products. Weights and sums stay in float32."""

    device: torch.device
    dtype: torch.dtype
    reason: str


def place(device: str = "auto") -> Placement:
    """Choose where and in what to train.

    bfloat16 is used only where the hardware multiplies in it: elsewhere its emulation is slower than float32.

    Raises:
        ValueError: for a device that is not there.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda"):
        if not torch.cuda.is_available():
            raise ValueError(f"device {device!r}: no GPU is to be had here; use --device cpu or auto")
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Placement(torch.device(device), torch.bfloat16, "the GPU multiplies in bfloat16")
        return Placement(torch.device(device), torch.float32, "the GPU has no bfloat16")
    if device != "cpu":
        raise ValueError(f"device {device!r}: expected auto, cpu, cuda or cuda:N")
    capabilities = torch.cpu.get_capabilities()
    for name in ("amx_bf16", "avx512_bf16"):
        if capabilities.get(name):
            return Placement(torch.device("cpu"), torch.bfloat16, f"the CPU has {name}")
    return Placement(torch.device("cpu"), torch.float32, "the CPU has neither amx_bf16 nor avx512_bf16")
