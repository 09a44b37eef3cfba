"""What a model has to beat: four baselines of scikit-learn, trained on labelled text that the user names.

- majority: the share of each label in training, for every row
- lexicon: how many friendly and hostile words the statement has (`lexicon.tsv`), weighed by logistic regression
- tf-idf: one- and two-word terms of the statement and of what is read around it, the judged state one word, the others another
- target-blind tf-idf: the same with one word for all states, so that all targets of a statement get one label

None sees the name of a state, as the slot model does not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stancewire.eval.cases import Cases
from stancewire.models.inputs import Passage
from stancewire.schema import LABELS, Span
from stancewire.windows import starting_in

Floats = npt.NDArray[np.float64]

_TARGET, _OTHER = " thetarget ", " otherstate "
_WORD = re.compile(r"[^\W_]+")


def baselines(train: Cases, test: Cases) -> dict[str, Floats]:
    """Train each baseline and predict.

    Returns:
        Probabilities by the name of the baseline, columns in the order of `schema.LABELS`. *Shape:* (rows of test, 3).

    Raises:
        ValueError: for training text with one label only.
    """
    if len(set(train.labels.tolist())) < 2:
        raise ValueError("baselines need training text with more than one label")
    found = {}
    for name, (features, estimator) in _BASELINES.items():
        fitted = estimator().fit(features(train), train.labels)
        probabilities = np.zeros((len(test), len(LABELS)))
        probabilities[:, fitted.classes_] = fitted.predict_proba(features(test))
        found[name] = probabilities
    return found


def words_of(read: Passage, target: str, *, blind: bool = False) -> tuple[list[str], list[str]]:
    """The words of the statement, and those of the rest of the passage, with states masked.

    Args:
        target: the state that is judged, which becomes another word than the others do.
        blind: mask it like the others.
    """
    starts = [0, *(span.end for span in read.statement)]
    ends = [*(span.start for span in read.statement), len(read.text)]
    around = [Span(start, end) for start, end in zip(starts, ends, strict=True)]
    named = None if blind else target
    inside, outside = (
        _WORD.findall(" ".join(_mask(read, span, named) for span in spans).lower())
        for spans in (read.statement, around)
    )
    return inside, outside


def _mask(read: Passage, stretch: Span, target: str | None) -> str:
    pieces, position = [], stretch.start
    for mention in starting_in(stretch, read.mentions):
        pieces += [read.text[position : mention.span.start], _TARGET if mention.entity == target else _OTHER]
        position = mention.span.end
    return "".join([*pieces, read.text[position : stretch.end]])


def _terms(cases: Cases, *, blind: bool = False) -> list[str]:
    """One text a row: the words of the statement, then those around it, which an underscore makes other terms."""
    rows = (words_of(cases.passage(row), cases.target(row).target, blind=blind) for row in range(len(cases)))
    return [" ".join([*inside, *("_" + word for word in outside)]) for inside, outside in rows]


def _counted(cases: Cases) -> Floats:
    """Friendly and hostile words in the statement. *Shape:* (rows, 2)."""
    lexicon = _lexicon()
    counts = np.zeros((len(cases), 2))
    for row in range(len(cases)):
        for word in words_of(cases.passage(row), cases.target(row).target)[0]:
            if word in lexicon:
                counts[row, lexicon[word]] += 1
    return counts


@functools.cache
def _lexicon() -> dict[str, int]:
    """0 for friendly and 1 for hostile words."""
    text = resources.files("stancewire.eval").joinpath("lexicon.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return {word: int(side == "hostile") for side, words in rows[1:] for word in words.split(";")}


def _regression() -> Any:
    return LogisticRegression(max_iter=2000, class_weight="balanced")


def _tf_idf() -> Any:
    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, tokenizer=str.split, token_pattern=None), _regression()
    )


_BASELINES: dict[str, tuple[Callable[[Cases], Any], Callable[[], Any]]] = {
    "majority": (_counted, lambda: DummyClassifier(strategy="prior")),
    "lexicon": (_counted, lambda: make_pipeline(StandardScaler(), _regression())),
    "tf-idf": (_terms, _tf_idf),
    "target-blind tf-idf": (functools.partial(_terms, blind=True), _tf_idf),
}
