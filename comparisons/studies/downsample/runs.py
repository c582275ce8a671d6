"""One network that learns to tell one event from its opposite."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from comparisons.studies.downsample.signals import Way, preprocessed, signals
from comparisons.studies.judging import oracle
from comparisons.studies.learning import LEARNERS, learn, network
from comparisons.studies.restart import restart

CELLS = ("Elman", "LSTM")


@dataclass(frozen=True)
class Sizes:
    """How much is trained and tested."""

    seeds: int
    units: int
    steps: int  # of a signal at full rate
    length: int  # of the event in samples, at the signal's begin
    size: float  # of the event, over the noise's standard deviation
    blocks: tuple[int, ...]  # each k
    sequences: int  # that a network is trained on
    tests: int

    @property
    def given(self) -> dict[str, Any]:
        """What one run is given."""
        names = ("units", "steps", "length", "size", "sequences", "tests")
        return {name: getattr(self, name) for name in names}


FULL = Sizes(seeds=5, units=16, steps=128, length=32, size=0.5, blocks=(4, 16), sequences=8_192, tests=1_000)
QUICK = Sizes(seeds=1, units=4, steps=16, length=8, size=1.0, blocks=(4,), sequences=128, tests=100)
BATCH = 32
TIMES = 4  # that a network is tested
LEARNING_RATE = 0.005
TESTS = 2**32 - 1  # the stream of the signals on which all are tested


@cache
def _compiled(cell: str, units: int, batches: int) -> Any:
    """The network, compiled once in a process for all seeds, and once for each length of its signals."""
    loss = "binary_crossentropy"
    return network(
        LEARNERS[cell](units), 1, 1, "sigmoid", loss, learning_rate=LEARNING_RATE, steps_per_execution=batches
    )


def run_one(
    *,
    event: str,
    cell: str,
    how: str,
    k: int,
    seed: list[int],
    units: int,
    steps: int,
    length: int,
    size: float,
    sequences: int,
    tests: int,
) -> dict[str, Any]:
    """The share of signals that it tells right, after so many that it was trained on."""
    every = sequences // TIMES
    model = restart(_compiled(cell, units, every // BATCH), int(np.random.default_rng(seed).integers(2**31)))

    def draw(rng: np.random.Generator, many: int) -> tuple[Any, Any]:
        x, y = signals(rng, many, event, length, steps, size)
        return preprocessed(x, Way(how, k)), y

    x, y = draw(np.random.default_rng([*seed, TESTS]), tests)

    def judge(model: Any) -> dict[str, float]:
        layer, kernel, bias = oracle(model)
        return {"right": float(np.mean((layer.run(x).outputs[:, -1] @ kernel + bias > 0) == y))}

    learned = learn(model, draw, judge, seed=seed, most=sequences, every=every, batch=BATCH)
    return {"sequences": learned.sequences, "right": learned.judged["right"]}
