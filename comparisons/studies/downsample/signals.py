"""A noisy signal in which an early event decides, and what is made of it before a network sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import erf, sqrt
from typing import NamedTuple

import numpy as np

from comparisons.studies.part import Array

SLOW, FAST = "slow", "fast"
# One event of length 1 each: a bump, and a swing from sample to sample. Both have the same energy.
EVENTS: dict[str, Callable[[int], Array]] = {
    SLOW: lambda length: np.ones(length),
    FAST: lambda length: (-1.0) ** np.arange(length),
}

WHOLE, AVERAGED, HELD, PICKED = "full rate", "means of k", "means of k, held", "every k-th sample"


HOWS = {SLOW: (AVERAGED, HELD, PICKED), FAST: (AVERAGED, PICKED)}  # held means are a control of what means help


class Way(NamedTuple):
    """One preprocessing: how, and the length k of its blocks."""

    how: str
    k: int

    @property
    def name(self) -> str:
        return self.how.replace("k", str(self.k), 1)


def ways(blocks: Sequence[int], hows: Sequence[str] = (AVERAGED, HELD, PICKED)) -> tuple[Way, ...]:
    """The full rate, and every other way at each k."""
    return (Way(WHOLE, 1), *(Way(how, k) for how in hows for k in blocks))


def signals(
    rng: np.random.Generator, many: int, event: str, length: int, steps: int, size: float
) -> tuple[Array, Array]:
    """So many signals `(N, steps)` of noise N(0, 1), in whose first `length` samples is ± `size` times the event; and
    its sign as 0 or 1, `(N, 1)`."""
    up = rng.integers(0, 2, many)
    x = rng.normal(size=(many, steps))
    x[:, :length] += size * np.where(up, 1, -1)[:, None] * EVENTS[event](length)
    return x, up[:, None].astype("float32")


def preprocessed(x: Array, way: Way) -> Array:
    """`x (N, T)` as a network gets it: `(N, T / k, 1)`, or `(N, T, 1)` at full rate or held.

    >>> x = np.array([[1.0, 3.0, 5.0, 9.0]])
    >>> [preprocessed(x, Way(how, 2))[0, :, 0].tolist() for how in (AVERAGED, HELD, PICKED)]
    [[2.0, 7.0], [2.0, 2.0, 7.0, 7.0], [1.0, 5.0]]
    """
    blocks = x.reshape(len(x), -1, way.k)
    made = {
        WHOLE: lambda: x,
        AVERAGED: lambda: blocks.mean(-1),
        HELD: lambda: np.repeat(blocks.mean(-1), way.k, axis=1),
        PICKED: lambda: blocks[..., 0],
    }[way.how]()
    return made[..., None].astype("float32")


def ceiling(event: str, way: Way, length: int, size: float) -> float:
    """The share of signals that can be told right at best from what is left, by the best test there is.

    The event is known but for its sign and the noise is white: that test adds up the samples times the event, and is
    right with probability Φ(d), d² the energy of the event over the variance of a sample's noise.

    >>> [round(ceiling(event, way, 16, 0.5), 3) for event in (SLOW, FAST) for way in ways([4])]
    [0.977, 0.977, 0.977, 0.841, 0.977, 0.5, 0.5, 0.841]
    """
    shape = preprocessed(size * EVENTS[event](length)[None], way)[0, :, 0]
    energy = float((shape**2).sum()) * (way.k if way.how == AVERAGED else 1)  # held: k samples with one noise, of 1/k
    return 0.5 * (1 + erf(sqrt(energy / 2)))
