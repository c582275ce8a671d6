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
    loss: Any,
    *,
    learning_rate: float,
    clip: float = 1.0,
    metrics: Sequence[Any] = (),
    steps_per_execution: int = 1,
    weight_decay: float | None = None,
    dtype: str = "float32",
) -> Any:
    """The compiled model: `recurrent`, then Dense; Adam, with the gradient's global norm clipped.

    `dtype` is that of the dense layer: give `recurrent` its own. Sequences may have any length. Its seed is
    keras.utils.set_random_seed's. What `metrics` say of the last sequences that it was trained on, each before it was,
    is in `model.history.history`. With more `steps_per_execution`, which must divide the batches of a `fit`, a small
    network learns the same in less time.
    """
    dense = layers.Dense(outputs, activation=activation, dtype=dtype)
    model = keras.Sequential([keras.Input((None, inputs), dtype=dtype), recurrent, dense])
    jit: Any = keras.backend.backend() in ("tensorflow", "jax")
    optimizer = keras.optimizers.Adam(learning_rate, global_clipnorm=clip, weight_decay=weight_decay)
    model.compile(optimizer, loss, metrics=[*metrics], jit_compile=jit, steps_per_execution=steps_per_execution)
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
