"""Problems that need a memory, drawn for a minimal lag: the adding problem, and temporal order.

Both are those of Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997, experiments 4 and 6, at any lag. The
length of each sequence is drawn. All end at the last step, where the answer is asked for, and zeros stand before the
shorter ones, so that arrays have one shape and a network is compiled once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from comparisons.studies.part import Array

WINDOW = 10  # the first marker, and each symbol's place, are drawn from about so many steps
STORED = 140 / 2000
SYMBOLS = "abcdXYEB"  # four distractors, the two that matter, start and end


class Problem(NamedTuple):
    """What a network is given, and when its answer to a sequence is right."""

    name: str
    inputs: int
    outputs: int
    draw: Callable[[np.random.Generator, int, int], tuple[Array, Array]]  # generator, sequences, lag
    length: Callable[[int], int]  # the longest sequence at a lag
    limit: float  # a sequence is right where every output's absolute error is below it
    mean_error: float  # training has succeeded where the mean absolute error is below it, and all are right
    activation: str | None  # of the outputs
    loss: str

    def stored(self, judged: dict[str, float]) -> bool:
        """The paper's sign, in its experiment 5, that what matters is stored: fewer than 140 of 2000 are wrong."""
        return judged["wrong"] < STORED

    def solved(self, judged: dict[str, float]) -> bool:
        """The paper's criterion: all of the last sequences of training were right, and their mean error small."""
        return judged["wrong"] == 0 and judged["error"] < self.mean_error


def adding_length(lag: int) -> int:
    return 2 * lag + 2 * lag // 10


def adding(rng: np.random.Generator, sequences: int, lag: int) -> tuple[Array, Array]:
    """Experiment 4: `x (sequences, T + T/10, 2)`, numbers in [−1, 1] and markers; `y (sequences, 1)`. T is 2 lags.

    Two numbers are marked by 1, one of the first ten and one of the first T/2 − 1 others; the first and the last pair
    by −1 (and the first pair, where it is one of the two marked, has the number 0); the others by 0. The target is
    0.5 + (X₁ + X₂) / 4. From the last marked number to the end there are at least `lag` steps; `lag` is 10 at least.
    """
    T, longest = 2 * lag, adding_length(lag)
    every = np.arange(sequences)
    start = longest - rng.integers(T, longest + 1, sequences)
    first = rng.integers(0, WINDOW, sequences)
    second = rng.integers(0, T // 2 - 1, sequences)
    second += second >= first  # of those that are not marked yet
    x = np.zeros((sequences, longest, 2), "float32")
    x[..., 0] = rng.uniform(-1, 1, (sequences, longest)) * (np.arange(longest) >= start[:, None])
    x[every, start, 1] = x[:, -1, 1] = -1
    begins = (first == 0) | (second == 0)
    x[every[begins], start[begins], 0] = 0
    marked = np.stack([start + first, start + second])
    x[every, marked, 1] = 1
    return x, 0.5 + x[every, marked, 0].sum(0)[:, None] / 4


def order_length(relevant: int, lag: int) -> int:
    return relevant * (WINDOW + lag) + 3 * WINDOW


def order(rng: np.random.Generator, sequences: int, lag: int, *, relevant: int = 2) -> tuple[Array, Array]:
    """Experiment 6: `x (sequences, T + 10, 8)`, one-hot; `y (sequences, 2^relevant)`, one-hot.

    A sequence is E, distractors from abcd, and B, but for `relevant` symbols that are X or Y: in which order, is the
    class, X, X, … first. Steps counted from 1, the first is at 10 to 20, each other at least `lag` steps after the one
    before and again in a window of 11; the end at least `lag` + 10 steps after the last. With two symbols and a lag of
    30 these are the paper's numbers in task 6a: 10–20, 50–60, and a length of 100 to 110.
    """
    longest = order_length(relevant, lag)
    every = np.arange(sequences)
    start = rng.integers(0, WINDOW + 1, sequences)
    symbols = rng.integers(0, 4, (sequences, longest))
    which = rng.integers(0, 2, (relevant, sequences))
    for n, XY in enumerate(which):
        place = (n + 1) * WINDOW + n * lag + rng.integers(0, WINDOW + 1, sequences)
        symbols[every, start + place - 1] = SYMBOLS.index("X") + XY
    symbols[every, start], symbols[:, -1] = SYMBOLS.index("E"), SYMBOLS.index("B")
    x = np.eye(len(SYMBOLS), dtype="float32")[symbols] * (np.arange(longest) >= start[:, None])[..., None]
    classes = (which * 2 ** np.arange(relevant)[::-1, None]).sum(0)
    return x, np.eye(2**relevant, dtype="float32")[classes]


_CLASSES = ("softmax", "categorical_crossentropy")
ADDING = Problem("adding", 2, 1, adding, adding_length, 0.04, 0.01, None, "mse")
ORDER = Problem("temporal order", 8, 4, order, partial(order_length, 2), 0.3, 0.1, *_CLASSES)
PROBLEMS = {problem.name: problem for problem in (ADDING, ORDER)}
