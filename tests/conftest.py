"""A tiny encoder and a checkpoint made from it, so that tests of the machinery need neither a hub nor minutes."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from stancewire.models import checkpoint
from stancewire.models.calibration import Calibration
from stancewire.models.classifier import SlotClassifier
from stancewire.models.inputs import SlotEncoder
from stancewire.training import encoder as encoders

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] « » country the of and to in said by we it is not with has that".split()


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained BERT of two layers, 32 wide, whose words are pieced together from letters."""
    folder = tmp_path_factory.mktemp("encoder")
    characters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = [*characters, *("##" + character for character in characters)]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys([*WORDS, *pieces]))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",  # noqa: S106
        pad_token="[PAD]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        mask_token="[MASK]",  # noqa: S106
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=256,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_slot_encoder(tiny_encoder: Path) -> SlotEncoder:
    return encoders.start(str(tiny_encoder), 128, 0.0)[1]


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the tiny encoder with an untrained head."""
    torch.manual_seed(1)
    network, encoder = encoders.start(str(tiny_encoder), 128, 0.0)
    folder = tmp_path_factory.mktemp("checkpoint")
    checkpoint.save(
        folder, SlotClassifier(network, encoder), Calibration(1.5), "# A tiny model\n", {"made": "for tests"}
    )
    return folder
