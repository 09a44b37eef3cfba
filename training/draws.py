"""Random numbers as a function of what they are for: no state, hence the same in any order, process and after any resume.

A draw is the hash of its key (the finaliser of SplitMix64, Steele et al., OOPSLA 2014). `Permutation` shuffles any number of
rows without holding them: a Feistel network over the next power of four, walked until it falls inside (Black & Rogaway, "Ciphers
with Arbitrary Finite Domains", CT-RSA 2002).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ROUNDS = 4


def key_of(*numbers: int) -> np.uint64:
    """One key out of several whole numbers, each of them and their order told apart."""
    key = np.zeros(1, np.uint64)
    for number in numbers:
        key = _hashed((key + _GOLDEN) ^ np.uint64(number % 2**64))
    drawn: np.uint64 = key[0]
    return drawn


def draws(key: np.uint64, rows: npt.NDArray[np.int64], count: int) -> Words:
    """`count` draws for each row. *Shapes:* (rows,) to (rows, count), uniform over 64 bits."""
    keys = _hashed(rows.astype(np.uint64) ^ key)
    return _hashed(keys[:, None] + np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN)


class Permutation:
    """A shuffle of `range(size)`.

    Args:
        size: how many, 1 or more.
        key: draws the shuffle.
    """

    def __init__(self, size: int, key: np.uint64) -> None:
        self.size = size
        self._half = np.uint64(max(1, -(-(size - 1).bit_length() // 2)))
        self._mask = np.uint64((1 << int(self._half)) - 1)
        self._keys = draws(key, np.zeros(1, np.int64), _ROUNDS)[0]

    def __call__(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """What stands at these positions of the shuffled range. *Shape:* (n,) to (n,)."""
        values = self._mixed(positions.astype(np.uint64))
        while (outside := values >= self.size).any():
            values[outside] = self._mixed(values[outside])
        return values.astype(np.int64)

    def _mixed(self, values: Words) -> Words:
        left, right = values >> self._half, values & self._mask
        for key in self._keys:
            left, right = right, left ^ (_hashed(right ^ key) & self._mask)
        return left << self._half | right


def _hashed(values: Words) -> Words:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashed: Words = values ^ (values >> np.uint64(31))
    return hashed
