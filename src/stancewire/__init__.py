"""stancewire: who said what about which state, and were they for it or against it?

from stancewire import StancePipeline
pipe = StancePipeline.from_pretrained()
pipe("…").to_frame()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stancewire.schema import LABELS, Article, Evidence, Kind, Label, Span

if TYPE_CHECKING:
    from stancewire.pairs import PairTarget, StancePair
    from stancewire.pipeline import LabelledArticle, StancePipeline
    from stancewire.stance import StanceClassifier

__version__ = "0.1.0"

__all__ = [
    "LABELS",
    "Article",
    "Evidence",
    "Kind",
    "Label",
    "LabelledArticle",
    "PairTarget",
    "Span",
    "StanceClassifier",
    "StancePair",
    "StancePipeline",
]

_LAZY = {
    "LabelledArticle": "stancewire.pipeline",
    "PairTarget": "stancewire.pairs",
    "StanceClassifier": "stancewire.stance",
    "StancePair": "stancewire.pairs",
    "StancePipeline": "stancewire.pipeline",
}


def __getattr__(name: str) -> Any:
    """Import what needs torch only when it is asked for, so that `stancewire --help` answers at once (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module 'stancewire' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)
