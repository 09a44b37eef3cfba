"""Snapshots of a run under way, from which it goes on to the same bits: safetensors and JSON with a manifest of SHA-256.

    OUT/state/step-00001200/{tensors.safetensors, progress.json, MANIFEST.json}

A snapshot is written under another name, synced and renamed: it is whole or not there. The last two are kept; one that is
damaged is refused by name, and the one before it is used.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from stancewire.durable import sha256_of, sync
from stancewire.models.checkpoint import MANIFEST, CheckpointError, verify

_KEPT = 2
_TENSORS, _PROGRESS = "tensors.safetensors", "progress.json"


def save(folder: Path, step: int, tensors: Mapping[str, Tensor], progress: Mapping[str, Any]) -> None:
    """Write the snapshot of a step and remove all but the last two.

    Args:
        folder: where the snapshots of the run are.
        progress: whatever else the run needs to go on, as JSON.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"partial-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, partial / _TENSORS)
    (partial / _PROGRESS).write_text(json.dumps(progress), encoding="utf-8")
    files = {name: sha256_of(partial / name) for name in (_TENSORS, _PROGRESS)}
    (partial / MANIFEST).write_text(json.dumps({"files": files}), encoding="utf-8")
    for path in (*partial.iterdir(), partial):
        sync(path)
    place = folder / f"step-{step:08}"
    shutil.rmtree(place, ignore_errors=True)
    partial.rename(place)
    sync(folder)
    for stale in sorted(folder.glob("step-*"))[:-_KEPT]:
        shutil.rmtree(stale)
    for torn in folder.glob("partial-*"):  # of a process that was killed while writing
        shutil.rmtree(torn, ignore_errors=True)


def load(folder: Path, refused: Callable[[str], None]) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The newest snapshot that is whole; None where there is none.

    Args:
        refused: told of each damaged one, by name, with what is wrong.
    """
    for place in sorted(folder.glob("step-*"), reverse=True):
        try:
            verify(place, needed=(_TENSORS, _PROGRESS))
            progress = json.loads((place / _PROGRESS).read_text(encoding="utf-8"))
            return load_file(place / _TENSORS), progress
        except CheckpointError as error:
            refused(f"{error}; the snapshot before it is used, or the run starts anew")
    return None
