"""All trained weights as one tensor: clipping, the update, averaging, reducing over processes and saving are one pass each.

The network's own parameters are views into it. What a step computes with are leaves, made from one or several neighbouring
parameters, in the number format of the step; their gradients are collected into one float32 tensor. Weight matrices lie in front
of biases and norms, since only they are decayed (Loshchilov & Hutter, ICLR 2019).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class FlatWeights:
    """The trained weights of a network, their gradient, and the leaves of a step.

    Attributes:
        values, gradient: float32. *Shapes:* (weights,).
        decayed: how many of them, in front, weight decay applies to.
    """

    def __init__(self, network: nn.Module) -> None:
        named = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
        ordered = sorted(named.items(), key=lambda item: item[1].ndim < 2)  # stable: neighbours stay neighbours
        sizes = [parameter.numel() for _, parameter in ordered]
        ends = list(itertools.accumulate(sizes))
        self._places = {name: (end - size, end) for (name, _), size, end in zip(ordered, sizes, ends, strict=True)}
        self._shapes = {name: parameter.shape for name, parameter in ordered}
        self.decayed = sum(size for (_, parameter), size in zip(ordered, sizes, strict=True) if parameter.ndim >= 2)
        self.values = torch.cat([parameter.detach().float().flatten() for _, parameter in ordered])
        self.gradient = torch.zeros_like(self.values)
        self._leaves: list[tuple[Tensor, Tensor, Tensor]] = []  # leaf, its values, its gradient
        for name, parameter in ordered:
            start, end = self._places[name]
            parameter.data = self.values[start:end].view(parameter.shape)

    def leaf(self, *names: str, dtype: torch.dtype = torch.float32) -> Tensor:
        """A tensor to compute with, of the parameters of these names stacked along their first dimension.

        Raises:
            ValueError: for parameters that are not neighbours.
        """
        places = [self._places[name] for name in names]
        if any(before[1] != after[0] for before, after in itertools.pairwise(places)):
            raise ValueError(f"parameters {', '.join(names)} are not neighbours")
        start, end = places[0][0], places[-1][1]
        shape = (-1, *self._shapes[names[0]][1:])
        values = self.values[start:end].view(shape)
        leaf = values.detach().to(dtype).requires_grad_()
        self._leaves.append((leaf, values, self.gradient[start:end].view(shape)))
        return leaf

    def own_leaves(self, network: nn.Module) -> None:
        """Let the step compute with the network's own parameters."""
        parameters = dict(network.named_parameters())
        for name, (start, end) in self._places.items():
            leaf = parameters[name]
            self._leaves.append((leaf, leaf.detach(), self.gradient[start:end].view(leaf.shape)))

    @torch.no_grad()
    def collect(self, *, first: bool) -> None:
        """Move the gradients of the leaves into `gradient`; add to what is there unless it is the first micro-batch."""
        used = [(total, leaf.grad) for leaf, _, total in self._leaves if leaf.grad is not None]
        if first and len(used) < len(self._leaves):
            self.gradient.zero_()
        totals, parts = [total for total, _ in used], [part for _, part in used]
        if first:
            torch._foreach_copy_(totals, parts)
        else:
            torch._foreach_add_(totals, parts)
        self.drop()

    def drop(self) -> None:
        """Forget the gradients of the leaves."""
        for leaf, _, _ in self._leaves:
            leaf.grad = None

    @torch.no_grad()
    def refresh(self) -> None:
        """Give the leaves the present values; those in float32 share them anyway."""
        apart = [(leaf, values) for leaf, values, _ in self._leaves if leaf.dtype != values.dtype]
        if apart:
            torch._foreach_copy_([leaf for leaf, _ in apart], [values for _, values in apart])

    @contextmanager
    def holding(self, values: Tensor) -> Iterator[None]:
        """Have the network hold other weights for a while. *Shape:* (weights,)."""
        kept = self.values.clone()
        self.put(values)
        try:
            yield
        finally:
            self.put(kept)

    @torch.no_grad()
    def put(self, values: Tensor) -> None:
        """Replace all weights. *Shape:* (weights,)."""
        self.values.copy_(values)
        self.refresh()
