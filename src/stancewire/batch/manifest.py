"""What a job is: everything that its output depends on, so that a change is told by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stancewire.pipeline import StancePipeline
    from stancewire.stance import StanceClassifier

_LIBRARIES = "feedparser ftfy numpy py3langid pyahocorasick pyarrow rensa tokenizers torch trafilatura transformers"
_CODE = ("stancewire", "stancewire.batch", "stancewire.data", "stancewire.models")


def of_pipeline(pipeline: StancePipeline) -> dict[str, Any]:
    """What the rows of a pipeline depend on besides the articles."""
    return _of_model(pipeline.classifier) | _of_code()


def _of_code() -> dict[str, Any]:
    """The version of the package, a digest of the modules and tables that label, and the versions of libraries."""
    hashed = hashlib.sha256()
    for package in _CODE:
        parent, _, name = package.partition(".")
        folder = resources.files(parent) / name if name == "data" else resources.files(package)
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith((".py", ".tsv")):
                hashed.update(f"{package}/{file.name}\n".encode() + file.read_bytes())
    return {
        "stancewire": metadata.version("stancewire"),
        "code": hashed.hexdigest(),
        "libraries": {name: metadata.version(name) for name in _LIBRARIES.split()},
    }


def _of_model(classifier: StanceClassifier) -> dict[str, str]:
    """The model by its name, which holds a hash of its files, and the arithmetic it is run in."""
    import torch

    device = classifier.network.device
    processor = torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else torch.cuda.get_device_name(device)
    return {
        "model": classifier.name,
        "device": device.type,
        "processor": processor,
        "precision": str(classifier.network.network.dtype).removeprefix("torch."),
    }


def changes(begun: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """What differs between two manifests, one phrase each."""
    for name in dict.fromkeys([*begun, *now]):
        before, after = begun.get(name), now.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from changes(before, after, f"{prefix}{name}.")
        elif before != after:
            yield f"{prefix}{name} was {before!r} and is {after!r}"
