"""Low-rank updates for large encoders (LoRA; Hu et al., ICLR 2022), through the library peft."""

from __future__ import annotations

from typing import Any


def add_adapters(network: Any, rank: int) -> Any:
    """Wrap a network so that only low-rank updates of its matrices, its head and the trained words learn.

    Raises:
        ValueError: where peft is not installed.
    """
    try:
        from peft import LoraConfig, TaskType, get_peft_model
    except ImportError:
        raise ValueError(f"lora_rank {rank}: needs the library peft; pip install stancewire[lora]") from None
    settings = LoraConfig(
        task_type=TaskType.TOKEN_CLS,
        r=rank,
        lora_alpha=2 * rank,
        target_modules="all-linear",
        modules_to_save=["classifier"],
    )
    wrapped = get_peft_model(network, settings)
    network.get_input_embeddings().requires_grad_(True)  # peft freezes what it does not know
    return wrapped


def merge_adapters(network: Any) -> Any:
    """The network itself, the updates added to its matrices; a network without adapters as it is."""
    return network.merge_and_unload() if hasattr(network, "merge_and_unload") else network
