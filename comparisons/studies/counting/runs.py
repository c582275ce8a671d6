"""One network that learns aⁿbⁿ, and how far it counts then."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np

from comparisons.studies.counting.strings import INPUTS, OUTPUTS, Counter, counting_unit, loss, strings
from comparisons.studies.judging import oracle
from comparisons.studies.learning import LEARNERS, learn, network
from comparisons.studies.restart import restart

CELLS = ("LSTM", "peephole LSTM", "LSTM 1997", "GRU", "Elman")


@dataclass(frozen=True)
class Sizes:
    """How much is trained and tested."""

    seeds: int
    units: int  # of every cell
    longest: int  # n of the training strings: 1 … longest
    sequences: int  # that a network is trained on
    every: int  # so many of them it is tested
    most: int  # the largest n of the tests
    shown: tuple[int, ...]  # whose states are shown

    @property
    def given(self) -> dict[str, Any]:
        """What one run is given."""
        return {name: getattr(self, name) for name in ("units", "longest", "sequences", "every", "most", "shown")}


FULL = Sizes(seeds=9, units=2, longest=10, sequences=32_000, every=4_000, most=1000, shown=(10, 100, 1000))
QUICK = Sizes(seeds=1, units=2, longest=3, sequences=256, every=256, most=30, shown=(3, 30))
BATCH = 16
LEARNING_RATE = 0.02


@cache
def _compiled(cell: str, units: int) -> Any:
    """The network, compiled once in a process for all seeds."""
    recurrent, entropy = LEARNERS[cell](units, return_sequences=True), cast(Any, loss)
    return network(recurrent, len(INPUTS), len(OUTPUTS), "sigmoid", entropy, learning_rate=LEARNING_RATE)


def run_one(
    *, cell: str, seed: list[int], units: int, longest: int, sequences: int, every: int, most: int, shown: list[int]
) -> dict[str, Any]:
    """The network's reach after so many strings; and of each n that is shown, its counting unit's state, and where it
    says that the string ends."""
    model = restart(_compiled(cell, units), int(np.random.default_rng(seed).integers(2**31)))
    learned = learn(
        model,
        lambda rng, many: drawn(rng, many, longest),
        lambda model: {"reach": Counter(*oracle(model)).reach(most)},
        seed=seed,
        most=sequences,
        every=every,
        batch=BATCH,
    )
    counter = Counter(*oracle(model))
    states = {n: counter.states(n) for n in shown}
    unit = counting_unit(states[shown[0]][0], shown[0])
    return {
        "sequences": learned.sequences,
        "reach": [int(n) for n in learned.judged["reach"]],
        "state": {str(n): [round(float(c), 6) for c in state[:, unit]] for n, (state, _) in states.items()},
        "ends": {str(n): [int(t) for t in np.flatnonzero(ends)] for n, (_, ends) in states.items()},
    }


def drawn(rng: np.random.Generator, many: int, longest: int) -> tuple[Any, Any]:
    """So many strings, each n from 1 to `longest` as likely as any other."""
    return strings(rng.integers(1, longest + 1, many), longest)
