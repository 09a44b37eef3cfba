"""Several processes on one run: every one holds the whole model, computes a share of each batch, and adds up the gradients.

Started by `torchrun` or `accelerate launch`, which say in the environment who is who. One flat gradient makes the sum a single
call, so no wrapper around the network is needed, and all processes take the same step to the same weights.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """The processes of a run: how many, and which this is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over all processes."""
        if self.size > 1:
            dist.all_reduce(tensor)

    def wait(self) -> None:
        """Go on when all processes have come here."""
        if self.size > 1:
            dist.barrier()


def local_device(device: str) -> str:
    """The device of this process: of several GPUs its own."""
    if device in ("auto", "cuda") and "LOCAL_RANK" in os.environ and torch.cuda.is_available():
        return f"cuda:{os.environ['LOCAL_RANK']}"
    return device


@contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Join the other processes of the run, if it was started as several."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    ours = not dist.is_initialized()  # `accelerate` may have joined them already
    if ours:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        if ours:
            dist.destroy_process_group()
