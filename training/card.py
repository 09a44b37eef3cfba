"""The model card of a checkpoint, written from the run that made it."""

from __future__ import annotations

from huggingface_hub import ModelCard, ModelCardData

from stancewire.models.calibration import Calibration
from stancewire.training.config import TrainConfig

_TEXT = """
# A stancewire slot model

Reads a statement in its passage, with every state replaced by a slot, and judges for each candidate state whether the
statement is about it and whether the speaker is supportive, neutral or critical. It cannot know which state it judges.

Load it with `StancePipeline.from_pretrained(folder)`; as a token classifier of `transformers` it needs the inputs that
`stancewire.models.inputs` makes.

## How it was made

`stancewire train` from the encoder `{encoder}`, {epochs} epochs, seed {seed}; every setting is in `MANIFEST.json`. Labelled text:

{sources}

## Figures

On held-out development data (macro-F1 of the three labels; F1 of which candidates are addressed):

{figures}

Probabilities are calibrated with one temperature, {temperature:.3f}, fitted on {pairs} held-out pairs; the expected calibration
error on them went from {before:.3f} to {after:.3f}.

## Where it is not to be trusted

English only. Irony, understatement and long chains of reported speech are often read as neutral. The labels follow one codebook;
what counts as critical elsewhere may not here. A label is a reading of words, not of intentions: decisions about people or
states should not rest on it alone.
"""


def model_card(config: TrainConfig, dev: dict[str, float], calibration: Calibration) -> str:
    """The card, Markdown with the metadata that the Hugging Face hub reads."""
    data = ModelCardData(
        language="en",
        license="mit",
        library_name="transformers",
        pipeline_tag="token-classification",
        tags=["stance-detection"],
    )
    text = _TEXT.format(
        encoder=config.encoder,
        epochs=config.epochs,
        seed=config.seed,
        sources="\n".join(f"- {source.name}: `{source.files}`" for source in config.sources if not source.only_dev),
        figures="\n".join(f"- {name}: {score:.3f}" for name, score in dev.items()),
        temperature=calibration.temperature,
        pairs=calibration.pairs,
        before=calibration.ece_before or 0.0,
        after=calibration.ece_after or 0.0,
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n{text}"))
