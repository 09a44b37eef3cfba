"""Syndication: the same wire story in many papers is one group.

Papers cut a story from its end and write their own lead, but leave the statements in it as they are. So two articles are
copies where the three-word sequences of their statements overlap: by MinHash (`rensa`; Broder, "On the resemblance and
containment of documents", 1997), `PERMUTATIONS` values an article, an estimated Jaccard similarity of `SIMILAR` or more.
An article joins the earliest group whose first article it resembles, else it begins a group; so the groups depend on the
articles and their order alone, and do not drift from copy to copy.

Candidates are found by locality-sensitive hashing: `BANDS` bands of four values each, kept in the ledger on disk. Memory is
that of one article and of SQLite's cache; the ledger grows by about 1.2 kB with each group. No band lists more than `CROWD`
groups, so that articles made from one template cost no more than others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

Signature = npt.NDArray[np.uint32]

PERMUTATIONS = 128
BANDS = 32
SIMILAR = 0.5
CROWD = 64
FEWEST = 20
"""Word sequences below which statements say too little to tell a story: such articles are copies only word for word."""

_SEQUENCE = 3
_SEED = 1
_WORD = re.compile(r"\w+")


def signature(statements: Iterable[str], text: str) -> Signature:
    """The MinHash of an article. *Shape:* (PERMUTATIONS,).

    Args:
        statements: the words of its statements.
        text: all of it, which stands for the statements where they are fewer than `FEWEST` sequences.
    """
    sequences = {sequence for statement in statements for sequence in _sequences(statement)}
    if len(sequences) < FEWEST:
        sequences = {" ".join(_WORD.findall(text.casefold()))}
    sketch = RMinHash(num_perm=PERMUTATIONS, seed=_SEED)
    sketch.update(sorted(sequences))
    return np.array(sketch.digest(), dtype="<u4")


def _sequences(statement: str) -> Iterator[str]:
    words = _WORD.findall(statement.casefold())
    for start in range(max(1, len(words) - _SEQUENCE + 1)):
        yield " ".join(words[start : start + _SEQUENCE])


def similarity(one: Signature, other: Signature) -> float:
    """The estimated Jaccard similarity, with a standard error of at most 0.045."""
    return float((one == other).mean())


def band_keys(sketch: Signature) -> list[int]:
    """A 64-bit key for each band; articles that share one are worth comparing."""
    rows = sketch.reshape(BANDS, -1)
    return [
        int.from_bytes(hashlib.blake2b(bytes([band]) + row.tobytes(), digest_size=8).digest(), "little", signed=True)
        for band, row in enumerate(rows)
    ]
