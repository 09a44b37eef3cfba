"""Checkpoints on disk: a folder that `transformers` loads and whose manifest vouches for every file.

config.json model.safetensors tokenizer.json   what transformers reads; weights in float16
calibration.json                               the temperature
MANIFEST.json                                  SHA-256 of each file, and what the model was made with
README.md                                      the model card
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from stancewire.durable import sha256_of
from stancewire.models.calibration import Calibration
from stancewire.models.classifier import OUTPUTS, SlotClassifier
from stancewire.models.inputs import SlotEncoder

MANIFEST = "MANIFEST.json"
_NEEDED = ("config.json", "model.safetensors", "tokenizer.json", "calibration.json")


class CheckpointError(ValueError):
    """A checkpoint that is missing, incomplete or damaged; the message names the file and what to do."""


def default_checkpoint() -> Path:
    """The checkpoint shipped with the package."""
    return Path(str(resources.files("stancewire.models") / "default"))


def resolve(model: str | os.PathLike[str] | None) -> Path:
    """The folder of a checkpoint: the shipped one for None, a folder by its path, else a hub id, fetched once and kept.

    Raises:
        CheckpointError: where there is no such folder and the hub has, or gives, no such model.
    """
    if model is None:
        return default_checkpoint()
    path = Path(model)
    if path.is_dir():
        return path
    if path.exists() or path.is_absolute() or str(model).startswith(".") or str(model).count("/") != 1:
        raise CheckpointError(f"{model}: no such folder; expected the folder of a checkpoint or a hub id owner/name")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(str(model), allow_patterns=[*_NEEDED, MANIFEST]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(f"{model}: no such folder, and the hub did not give it: {error}") from error


def save(folder: Path, classifier: SlotClassifier, calibration: Calibration, card: str, made: dict[str, Any]) -> None:
    """Write a checkpoint: weights in float16, the manifest last, so that a torn one has none.

    Args:
        card: the model card, Markdown.
        made: what the manifest records of how the model was made (settings, data, versions, figures).
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    network = classifier.network
    network.config.stancewire_max_length = classifier.encoder.max_length
    half = {name: tensor.detach().to("cpu", torch.float16) for name, tensor in network.state_dict().items()}
    network.save_pretrained(folder, state_dict=half)
    classifier.encoder.tokenizer.save(str(folder / "tokenizer.json"))
    calibration.save(folder / "calibration.json")
    (folder / "README.md").write_text(card, encoding="utf-8")
    manifest = {"files": {name: sha256_of(folder / name) for name in (*_NEEDED, "README.md")}, "made": made}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load(folder: Path, device: torch.device, dtype: torch.dtype) -> tuple[SlotClassifier, Calibration, str]:
    """Load a checkpoint; return the classifier, its calibration and its name (`stancewire-` and a short hash).

    Raises:
        CheckpointError: for a file that is missing or differs from the manifest.
    """
    from transformers import AutoModelForTokenClassification

    try:
        digests = verify(folder)
    except CheckpointError as error:
        raise CheckpointError(f"{error}; fetch the checkpoint again") from None
    network = AutoModelForTokenClassification.from_pretrained(folder, dtype=dtype, local_files_only=True).to(device)
    if network.config.num_labels != len(OUTPUTS):
        raise CheckpointError(
            f"{folder / 'config.json'}: expected {len(OUTPUTS)} outputs, got {network.config.num_labels}"
        )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encoder = SlotEncoder(tokenizer, getattr(network.config, "stancewire_max_length", 256))
    name = f"stancewire-{hashlib.sha256(''.join(sorted(digests.values())).encode()).hexdigest()[:12]}"
    return SlotClassifier(network, encoder), Calibration.load(folder / "calibration.json"), name


def verify(folder: Path, needed: Sequence[str] = _NEEDED) -> dict[str, str]:
    """Check every file of a checkpoint against its manifest, which lists those needed at least; return their SHA-256.

    Raises:
        CheckpointError: naming the first file that is missing or differs.
    """
    try:
        digests: dict[str, str] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder}: no {MANIFEST}; not a stancewire checkpoint, or one cut short in writing"
        ) from None
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"{folder / MANIFEST}: not readable ({error})") from None
    for name in needed:
        if name not in digests:
            raise CheckpointError(f"{folder / MANIFEST}: does not list {name}")
    for name, digest in digests.items():
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder / name}: missing")
        if sha256_of(folder / name) != digest:
            raise CheckpointError(f"{folder / name}: differs from the manifest")
    return digests


def made(folder: Path) -> dict[str, Any]:
    """What the manifest of a checkpoint records of how the model was made."""
    recorded: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["made"]
    return recorded
