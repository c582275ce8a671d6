"""One network trained on the sunspots with Keras 2's hard sigmoid, and four that have its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import cells
import reference
from comparisons import frameworks
from comparisons.porting import live
from comparisons.porting.recurrent import leaf
from comparisons.proof.cases import WINDOW, Case
from comparisons.proof.draws import sunspots
from comparisons.studies.learning import LEARNERS, learn, network
from comparisons.studies.part import Array
from comparisons.studies.restart import restart
from reference import Layer, activations
from reference.conventions.folds import with_options

CELLS = ("LSTM", "GRU")
Runs = Mapping[tuple[str, int], Mapping[str, Any]]  # by cell and seed

TRAINED = "as trained"  # this project's layer with hard_sigmoid_keras2
KERAS2 = "Keras 2"  # tf-keras with the same weights: what the old program computed
KERAS3 = "Keras 3, same weights"  # its hard_sigmoid under the same name
FOLDED = "Keras 3, folded"  # the layer that `gateproof port` writes
AHEAD = 12  # months from the last that a network sees to the one that it forecasts
SCALE = 100.0  # sunspot numbers in 1 of the network's
BATCH = 32
LEARNING_RATE = 0.005


@dataclass(frozen=True)
class Sizes:
    """How much is trained and tested."""

    seeds: int
    units: int
    windows: int  # of WINDOW months, that a network is trained on
    months: int  # the last of the series, on which it is tested

    @property
    def given(self) -> dict[str, int]:
        """What one run is given."""
        return {"units": self.units, "windows": self.windows, "months": self.months}


FULL = Sizes(seeds=9, units=16, windows=12_800, months=600)
QUICK = Sizes(seeds=1, units=4, windows=64, months=24)


@cache
def _compiled(cell: str, units: int) -> Any:
    """The network, compiled once in a process for all seeds."""
    recurrent = LEARNERS[cell](units, recurrent_activation=cells.hard_sigmoid_keras2, return_sequences=True)
    return network(recurrent, 1, 1, None, "mse", learning_rate=LEARNING_RATE)


def last_months(months: int) -> tuple[Array, Array]:
    """What a network is tested on, `(1, months, 1)`, and what it should forecast at each month, `(months,)`."""
    series = (sunspots() / SCALE).astype("float32")
    return series[None, -months - AHEAD : -AHEAD], series[-months:, 0]


def run_one(*, cell: str, seed: list[int], units: int, windows: int, months: int) -> dict[str, Any]:
    """By who runs the weights: how far the outputs are from the float64 oracle in any unit, month by month, and the
    forecasts of every month in sunspot numbers. `missing`: why there is no Keras 2, or None."""
    model = restart(_compiled(cell, units), int(np.random.default_rng(seed).integers(2**31)))
    past = (sunspots() / SCALE).astype("float32")[: -months - AHEAD]

    def draw(rng: np.random.Generator, many: int) -> tuple[Array, Array]:
        at = rng.integers(0, len(past) - WINDOW - AHEAD + 1, many)[:, None] + np.arange(WINDOW)
        return past[at], past[at + AHEAD]

    learn(model, draw, lambda model: {}, seed=seed, most=windows, every=windows, batch=BATCH)
    recurrent, dense = model.layers
    layer = reference.read(recurrent)
    assert isinstance(layer, Layer)
    x, _ = last_months(months)
    truth = layer.astype("float64").run(x).outputs[0]
    kernel, bias = dense.get_weights()
    missing = frameworks.load("keras2").missing()
    outputs = {TRAINED: np.asarray(recurrent(x))} | others(layer, x, with_keras2=missing is None)
    return {
        "missing": missing,
        "apart": {who: np.abs(h[0] - truth).max(-1).astype(float).tolist() for who, h in outputs.items()},
        "forecasts": {who: ((h[0] @ kernel + bias)[:, 0] * SCALE).astype(float).tolist() for who, h in outputs.items()},
    }


def others(layer: Layer, x: Array, *, with_keras2: bool) -> dict[str, Array]:
    """The outputs `(1, T, H)` of the same weights in Keras 2, in Keras 3, and in Keras 3 after the port's fold."""
    case = Case("hard-sigmoid", layer.cell)
    renamed = with_options(layer, recurrent_activation=activations.get("hard_sigmoid_keras3"))
    keras2 = {KERAS2: frameworks.load("keras2").run(case, layer, x, None).outputs} if with_keras2 else {}
    return {
        **keras2,
        KERAS3: frameworks.load("keras").run(case, renamed, x, None).outputs,
        FOLDED: np.asarray(ported(layer, x.shape)(x)),
    }


def ported(layer: Layer, shape: tuple[int, ...]) -> Any:
    """The stock Keras 3 layer that a port makes of the reference's, with its arrays."""
    part = leaf(layer)
    made = live.make(part, {})
    made.return_sequences = True
    made.build(shape)
    live.load(made, part, {})
    return made
