"""Word embeddings in training: those of the slots and the statement's marks learn, all others stay as they were pretrained.

Half of the parameters of a small encoder are word embeddings, of which a step touches a few hundred rows: updating all of
them would cost as much as updating everything else. The slots are new words; nobody has pretrained them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from stancewire.models.inputs import SlotEncoder


class PartlyTrainedEmbedding(nn.Module):
    """Word embeddings of which only some learn.

    Attributes:
        frozen: all rows, zero where they are trained. *Shape:* (words, width).
        trained: *Shape:* (trained, width).
        trained_ids: which rows these are, sorted. *Shape:* (trained,).
    """

    frozen: Tensor
    trained_ids: Tensor

    def __init__(self, words: nn.Embedding, trained_ids: list[int]) -> None:
        super().__init__()
        frozen = words.weight.detach().clone()
        self.trained = nn.Parameter(frozen[trained_ids].clone())
        frozen[trained_ids] = 0
        self.register_buffer("frozen", frozen)
        self.register_buffer("trained_ids", torch.tensor(trained_ids))

    def forward(self, ids: Tensor) -> Tensor:
        """*Shapes:* (batch, width) to (batch, width, size)."""
        return nn.functional.embedding(ids, self.frozen) + self.chosen(ids).to(self.trained.dtype) @ self.trained

    def chosen(self, ids: Tensor) -> Tensor:
        """Which trained row each id is, as a product with the rows: its gradient is a product too, not a scatter.

        *Shapes:* (batch, width) to (batch, width, trained), at most one true each.
        """
        return ids.unsqueeze(-1) == self.trained_ids

    def whole(self) -> nn.Embedding:
        """An ordinary embedding with the rows as they are now."""
        weight = self.frozen.clone()
        weight[self.trained_ids] = self.trained.detach()
        words = nn.Embedding(*weight.shape)
        words.weight = nn.Parameter(weight)
        return words


def freeze_words(network: Any, encoder: SlotEncoder) -> PartlyTrainedEmbedding:
    """Put a partly trained embedding in the place of the network's."""
    words = PartlyTrainedEmbedding(
        network.get_input_embeddings(), sorted([*encoder.slot_ids, encoder.open_id, encoder.close_id])
    )
    network.set_input_embeddings(words)
    return words


def restore_words(network: Any) -> None:
    """Put an ordinary embedding back, as `transformers` saves it."""
    words = network.get_input_embeddings()
    if isinstance(words, PartlyTrainedEmbedding):
        network.set_input_embeddings(words.whole())
