"""Floating-point operations that training a transformer takes, for the share of the device's peak that a run uses.

A token costs 6 operations a parameter (a multiplication and an addition, once forward and twice backward; embeddings are
looked up and do not count) and attention 12 · layers · width a token attended to (Chowdhery et al., "PaLM", JMLR 2023,
appendix B). Padding does not count, nor does what an implementation leaves out or does twice: the figure says how fast the
model is trained, not how busy the device is.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs. `parameters` leaves embeddings out."""

    parameters: int
    layers: int
    width: int

    @classmethod
    def of(cls, network: Any) -> Cost:
        """The cost of a `transformers` model."""
        counted = sum(p.numel() for name, p in network.named_parameters() if "embeddings" not in name)
        return cls(counted, network.config.num_hidden_layers, network.config.hidden_size)

    def flops(self, lengths: npt.NDArray[np.int64]) -> float:
        """Operations of one training step over rows of these lengths, padding left out. *Shape:* (rows,)."""
        rows = lengths.astype(np.float64)
        return float(6 * self.parameters * rows.sum() + 12 * self.layers * self.width * (rows**2).sum())
