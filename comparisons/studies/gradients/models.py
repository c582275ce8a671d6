"""What the study of gradients runs: cells as Keras initialises them, on drawn inputs, and the way back step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from reference import Layer, Weights
from reference.gradients import along_the_cell
from reference.steps import Array, Messages, Moment, module, project


class Model(NamedTuple):
    name: str
    cell: str
    options: dict[str, Any]
    keeps: str | None = None  # the gate that the state before is multiplied by


ELMAN = Model("Elman", "simple_rnn", {})
LSTM_1997 = Model("LSTM 1997", "lstm_1997", {})
LSTM_0 = Model("LSTM, forget bias 0", "lstm", {"forget_bias": 0.0}, "f")
LSTM_1 = Model("LSTM, forget bias 1", "lstm", {"forget_bias": 1.0}, "f")
LSTM_2 = Model("LSTM, forget bias 2", "lstm", {"forget_bias": 2.0}, "f")
GRU = Model("GRU", "gru", {}, "z")
MODELS = (ELMAN, LSTM_1997, LSTM_0, LSTM_1, LSTM_2, GRU)

# Leaky relu as keras.activations has it, with a slope of 0.2.
ACTIVATIONS = {"tanh": "tanh", "relu": "relu", "leaky relu": "leaky_relu_keras"}


@dataclass(frozen=True)
class Sizes:
    """How large each part is; the defaults are those of a full run."""

    seeds: int = 11
    units: int = 64
    lag: int = 100
    scales: tuple[float, ...] = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.7, 8.0)
    scale_lags: tuple[int, int] = (20, 60)
    scale_units: int = 32
    depth: int = 16
    depth_shape: tuple[int, int, int] = (16, 16, 32)  # batch, time, units
    clip_shape: tuple[int, int, int] = (4, 50, 32)
    clip_scales: int = 13
    truncation_shape: tuple[int, int, int] = (4, 128, 32)
    windows: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)


QUICK = Sizes(
    seeds=3,
    units=12,
    lag=30,
    scales=(0.5, 1.0, 2.0, 4.0),
    scale_lags=(5, 20),
    scale_units=12,
    depth=6,
    depth_shape=(6, 6, 10),
    clip_shape=(2, 30, 10),
    clip_scales=5,
    truncation_shape=(2, 32, 12),
    windows=(1, 4, 16),
)


def layer(
    model: Model, activation: str, inputs: int, units: int, draw: np.random.Generator, scale: float = 1.0
) -> Layer:
    """A layer with Keras' own initial weights in float64: glorot_uniform, orthogonal, zeros; the recurrent kernel times
    `scale`.

    Orthogonal means the rows of the whole (H, G·H) matrix, so that the block of each of G gates stretches a vector by
    1/√G on average: by 1/2 in an LSTM (keras/src/layers/rnn/lstm.py, keras/src/initializers/random_initializers.py).
    """
    columns = units * len(module(model.cell).gates)
    limit = np.sqrt(6 / (inputs + columns))
    q, r = np.linalg.qr(draw.normal(size=(columns, units)))
    recurrent = scale * (q * np.sign(np.diag(r))).T
    weights = Weights(draw.uniform(-limit, limit, (inputs, columns)), recurrent, np.zeros(columns))
    return Layer(model.cell, weights, {"activation": ACTIVATIONS[activation], **model.options})


def steps_back(layer: Layer, run: Any, d_state: Any, *, cut: bool = False) -> Iterator[tuple[int, Any, Messages]]:
    """Go back through every step of a run, the last first: the step, the gradient with respect to the state before it,
    its messages.

    `d_state` has fields `(N, H)`, from gradients with respect to the last state. N is the run's batch, or any number
    where that is 1: each row goes back through the one sequence. With `cut`, gradients go along the cell state alone.
    """
    home, w = module(layer.cell), layer.weights
    xw = project(layer.cell)(run.given.x, w)
    state = type(run.state)
    via = along_the_cell(layer) if cut else w
    d = state(*d_state)
    for t in reversed(range(xw.shape[1])):
        before = state(*(a[:, t - 1] for a in run.states)) if t else run.given.initial_state
        after = state(*(a[:, t] for a in run.states))
        moment = Moment(xw[:, t], before, after, {letter: gate[:, t] for letter, gate in run.gates.items()})
        d, messages = home.backstep(d, moment, w, via, **layer.options)
        yield t, d, messages


def jacobians(layer: Layer, run: Any) -> Iterator[dict[str, Array]]:
    """At lag 1, 2, …: {field: ∂field_T/∂field_t, (H, H)} of a run of one sequence, the other fields of t held.

    Exact: a row for each unit of each field at T, gone back all at once.
    """
    fields, units = run.state._fields, layer.units
    rows = np.eye(units * len(fields), dtype=run.given.x.dtype)
    for _, d, _ in steps_back(layer, run, np.split(rows, len(fields), axis=1)):
        yield {name: d[n][n * units : (n + 1) * units] for n, name in enumerate(fields)}


def stretch(a: Array) -> float:
    """By how much a matrix `(H, H)` stretches a random vector, root mean square: ‖A‖_F / √H, which is 1 for I."""
    return float(np.linalg.norm(a) / np.sqrt(len(a)))


def settings(units: int, steps: int, seeds: int, more: str = "") -> str:
    """The sizes of a part, for its picture.

    >>> settings(64, 100, 11)
    '64 units, 100 steps, 11 seeds'
    """
    return f"{units} units, {steps} steps, {more}{seeds} seeds"


def generator(seed: int, *key: int) -> np.random.Generator:
    """A stream of its own for each key, so that no part's draws depend on another part's sizes."""
    return np.random.default_rng([seed, *key])
