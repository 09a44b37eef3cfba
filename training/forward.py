"""The forward pass of a training step: a batch in, logits of its targets out, gradients in the leaves of `FlatWeights`.

`PlainForward` runs any network of `transformers` under autocast. `BertForward` computes the same for BERT encoders, of which
MiniLM is one, 1.4 times as fast on a CPU: activations stay in bfloat16, queries, keys and values are one product, and
the last layer works only where the head reads (`Batch.places`).
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from stancewire.models.classifier import pool_targets, token_logits
from stancewire.models.inputs import SlotEncoder
from stancewire.training.batching import Batch
from stancewire.training.precision import Placement
from stancewire.training.weights import FlatWeights
from stancewire.training.words import PartlyTrainedEmbedding


class Forward(Protocol):
    """What a training step needs of a network."""

    def __call__(self, batch: Batch) -> Tensor:
        """Logits of the targets of a batch, float32. *Shape:* (targets, 4)."""


def forward_of(network: Any, weights: FlatWeights, encoder: SlotEncoder, placement: Placement) -> Forward:
    """The fastest forward pass that computes what this network computes."""
    if BertForward.fits(network):
        return BertForward(network, weights, encoder, placement.dtype)
    return PlainForward(network, weights, encoder, placement)


class PlainForward:
    """Any token classifier of `transformers`, under autocast."""

    def __init__(self, network: Any, weights: FlatWeights, encoder: SlotEncoder, placement: Placement) -> None:
        self._network = network
        self._encoder = encoder
        self._placement = placement
        weights.own_leaves(network)

    def __call__(self, batch: Batch) -> Tensor:
        dtype = self._placement.dtype
        with torch.autocast(self._placement.device.type, dtype, enabled=dtype != torch.float32):
            logits = token_logits(self._network, batch.input_ids, self._encoder)
        read = logits.float().gather(1, batch.places.unsqueeze(-1).expand(-1, -1, logits.shape[-1]))
        return pool_targets(read, batch.rows, batch.listed, batch.mentions)


class BertForward:
    """A BERT token classifier (Devlin et al., NAACL 2019), without dropout, written for speed.

    Shapes: B rows, L tokens, W width of the encoder, H heads, R places read.
    """

    @staticmethod
    def fits(network: Any) -> bool:
        """Whether a network is of the kind computed here."""
        config = network.config
        return (
            config.model_type == "bert"
            and config.hidden_act == "gelu"
            and config.type_vocab_size == 2
            and getattr(config, "position_embedding_type", "absolute") == "absolute"
            and not config.hidden_dropout_prob
            and not config.attention_probs_dropout_prob
            and not getattr(network, "peft_config", None)
            and isinstance(network.get_input_embeddings(), PartlyTrainedEmbedding)
        )

    def __init__(self, network: Any, weights: FlatWeights, encoder: SlotEncoder, dtype: torch.dtype) -> None:
        config = network.config
        self._encoder = encoder
        self._dtype = dtype
        self._heads = config.num_attention_heads
        self._epsilon = config.layer_norm_eps
        self._words: PartlyTrainedEmbedding = network.get_input_embeddings()
        self._frozen = self._words.frozen.to(dtype)

        def leaf(*names: str) -> Tensor:
            return weights.leaf(*names, dtype=dtype)

        embeddings = "bert.embeddings"
        self._trained = leaf(f"{embeddings}.word_embeddings.trained")
        self._positions = leaf(f"{embeddings}.position_embeddings.weight")
        self._types = leaf(f"{embeddings}.token_type_embeddings.weight")
        self._first_norm = leaf(f"{embeddings}.LayerNorm.weight"), leaf(f"{embeddings}.LayerNorm.bias")
        self._layers = [
            _Layer(leaf, f"bert.encoder.layer.{index}", last=index == config.num_hidden_layers - 1)
            for index in range(config.num_hidden_layers)
        ]
        self._head = leaf("classifier.weight"), leaf("classifier.bias")

    def __call__(self, batch: Batch) -> Tensor:
        ids = batch.input_ids
        x = self._embed(ids)
        # Rows always have a token at place 0; what pads a row is attended to by nobody.
        mask = torch.zeros(ids.shape, dtype=self._dtype, device=ids.device)
        mask = mask.masked_fill_(ids == self._encoder.pad_id, torch.finfo(self._dtype).min)[:, None, None, :]
        for layer in self._layers[:-1]:
            x = self._block(layer, x, x, mask)
        read = torch.arange(len(ids), device=ids.device).unsqueeze(1) * ids.shape[1] + batch.places
        at_places = x.flatten(0, 1).index_select(0, read.flatten()).view(*read.shape, -1)
        x = self._block(self._layers[-1], at_places, x, mask)
        return pool_targets(F.linear(x, *self._head).float(), batch.rows, batch.listed, batch.mentions)

    def _embed(self, ids: Tensor) -> Tensor:
        """Token ids to the input of the first layer. *Shapes:* (B, L) to (B, L, W)."""
        depth = (ids == self._encoder.open_id).cumsum(1) - (ids == self._encoder.close_id).cumsum(1)
        inside = (depth > 0).unsqueeze(-1)
        chosen = torch.cat([self._words.chosen(ids), ~inside, inside], -1).to(self._dtype)
        x = F.embedding(ids, self._frozen) + chosen @ torch.cat([self._trained, self._types])
        return self._norm(x + self._positions[: ids.shape[1]], self._first_norm)

    def _block(self, layer: _Layer, x: Tensor, everything: Tensor, mask: Tensor) -> Tensor:
        """One transformer layer at some places, attending to all. *Shapes:* (B, R, W), (B, L, W), (B, 1, 1, L) to (B, R, W)."""
        if layer.queries is None:
            queries, keys, values = self._split(F.linear(everything, *layer.projection), 3)
        else:
            (queries,) = self._split(F.linear(x, *layer.queries), 1)
            keys, values = self._split(F.linear(everything, *layer.projection), 2)
        attended = self._attend(queries, keys, values, mask)
        x = self._norm(x + F.linear(attended, *layer.output), layer.attention_norm)
        return self._norm(x + F.linear(F.gelu(F.linear(x, *layer.up)), *layer.down), layer.output_norm)

    def _split(self, projected: Tensor, parts: int) -> tuple[Tensor, ...]:
        """Cut a projection into its parts and heads. *Shapes:* (B, L, parts · W) to parts of (B · H, L, W / H)."""
        batch, width, _ = projected.shape
        heads = projected.view(batch, width, parts, self._heads, -1).permute(2, 0, 3, 1, 4)
        return heads.reshape(parts, batch * self._heads, width, -1).unbind(0)

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Attention. *Shapes:* (B · H, R, D), twice (B · H, L, D), (B, 1, 1, L) to (B, R, H · D)."""
        by_row = (len(mask), self._heads)
        if queries.is_cuda:
            queries, keys, values = (part.view(*by_row, *part.shape[1:]) for part in (queries, keys, values))
            attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        else:  # the backward pass of the fused kernel takes twice as long on CPUs
            scores = torch.bmm(queries * queries.shape[-1] ** -0.5, keys.transpose(1, 2))
            shares = (scores.view(*by_row, *scores.shape[1:]) + mask).softmax(-1).view_as(scores)
            attended = torch.bmm(shares, values).view(*by_row, *queries.shape[1:])
        return attended.transpose(1, 2).flatten(2)

    def _norm(self, x: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], *norm, self._epsilon)


class _Layer:
    """The leaves of one layer, each a weight and a bias; in the last, queries apart from keys and values."""

    def __init__(self, leaf: Any, name: str, *, last: bool) -> None:
        def pair(*modules: str) -> tuple[Tensor, Tensor]:
            return leaf(*(f"{name}.{m}.weight" for m in modules)), leaf(*(f"{name}.{m}.bias" for m in modules))

        query, key, value = (f"attention.self.{part}" for part in ("query", "key", "value"))
        self.queries = pair(query) if last else None
        self.projection = pair(key, value) if last else pair(query, key, value)
        self.output = pair("attention.output.dense")
        self.attention_norm = pair("attention.output.LayerNorm")
        self.up, self.down = pair("intermediate.dense"), pair("output.dense")
        self.output_norm = pair("output.LayerNorm")
