"""Networks that learn in a study: a recurrent layer under a dense one, on sequences drawn as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

import cells
from comparisons.studies.part import Array

Draw = Callable[[np.random.Generator, int], tuple[Array, Array]]  # so many sequences, and their targets

LEARNERS: dict[str, Callable[..., Any]] = {
    "Elman": cells.SimpleRNN,
    "Jordan": lambda units, **options: layers.RNN(cells.JordanCell(units), **options),
    "LSTM 1997": lambda units, **options: layers.RNN(cells.LSTM1997Cell(units), **options),
    "LSTM": cells.LSTM,
    "peephole LSTM": lambda units, **options: layers.RNN(cells.PeepholeLSTMCell(units), **options),
    "GRU": cells.GRU,
}


class Learned(NamedTuple):
    """A learning curve: after so many sequences, what `judge` said; and whether it was enough."""

    sequences: list[int]
    judged: dict[str, list[float]]
    enough: bool


def network(
    recurrent: Any,
    inputs: int,
    outputs: int,
    activation: str | None,
    loss: str,
    *,
    learning_rate: float,
    clip: float = 1.0,
) -> Any:
    """The compiled model: `recurrent`, then Dense; Adam, with the gradient's global norm clipped.

    Sequences may have any length. Its seed is keras.utils.set_random_seed's.
    """
    model = keras.Sequential([keras.Input((None, inputs)), recurrent, layers.Dense(outputs, activation=activation)])
    jit: Any = keras.backend.backend() in ("tensorflow", "jax")
    model.compile(keras.optimizers.Adam(learning_rate, global_clipnorm=clip), loss, jit_compile=jit)
    return model


def learn(
    model: Any,
    draw: Draw,
    judge: Callable[[Any], dict[str, float]],
    *,
    seed: Sequence[int],
    most: int,
    every: int,
    batch: int = 32,
    enough: Callable[[dict[str, float]], bool] = lambda judged: False,
) -> Learned:
    """Train on at most `most` sequences, none of them twice, judged after each `every`, until it is `enough`."""
    rng = np.random.default_rng(list(seed))
    curve: dict[str, list[float]] = {}
    sequences = []
    while not sequences or sequences[-1] < most:
        x, y = draw(rng, every)
        model.fit(x, y, batch_size=batch, shuffle=False, verbose=0)
        sequences.append((sequences[-1] if sequences else 0) + every)
        judged = {name: float(value) for name, value in judge(model).items()}
        for name, value in judged.items():
            curve.setdefault(name, []).append(value)
        if enough(judged):
            return Learned(sequences, curve, True)
    return Learned(sequences, curve, False)
