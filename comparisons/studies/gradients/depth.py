"""Over depth: the gradient that reaches each layer of a stack: plain, residual, with its inputs normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from comparisons.studies.gradients.models import ELMAN, GRU, LSTM_1, Model, Sizes, generator, layer, settings
from comparisons.studies.part import SPREAD, Array, Part, Progress, short, spread_rows, with_spread
from reference import Layer

EPSILON = 1e-3  # of keras.layers.BatchNormalization
STACKED: tuple[tuple[Model, str], ...] = ((ELMAN, "tanh"), (ELMAN, "relu"), (LSTM_1, "tanh"), (GRU, "tanh"))


class Arrangement(NamedTuple):
    """`y = layer(x)`, with x normalised, and with x added."""

    name: str
    residual: bool = False
    normalised: bool = False


PLAIN = Arrangement("plain")
RESIDUAL = Arrangement("residual", residual=True)
NORMALISED = Arrangement("batch norm", normalised=True)
BOTH = Arrangement("batch norm + residual", residual=True, normalised=True)
ARRANGEMENTS = (PLAIN, RESIDUAL, NORMALISED, BOTH)


class Normalised(NamedTuple):
    """x with mean 0 and variance 1 over batch and time, as `keras.layers.BatchNormalization` begins training."""

    y: Array  # (B, T, X)
    deviation: Array  # (X,)


def normalise(x: Array) -> Normalised:
    """(x − mean) / √(variance + ε), of each feature over batch and time of `x (B, T, X)`."""
    centred = x - x.mean((0, 1))
    deviation = np.sqrt((centred**2).mean((0, 1)) + EPSILON)
    return Normalised(centred / deviation, deviation)


def normalise_back(d: Array, normalised: Normalised) -> Array:
    """`normalise`, backwards, through mean and variance too: (d − mean(d) − y · mean(d · y)) / deviation."""
    y, deviation = normalised
    return (d - d.mean((0, 1)) - y * (d * y).mean((0, 1))) / deviation


class Passed(NamedTuple):
    """A layer of a stack as it was run."""

    layer: Layer
    run: Any
    normalised: Normalised | None


@dataclass(frozen=True)
class Tower:
    """Layers on one another, all as wide as the inputs, all arranged alike."""

    layers: tuple[Layer, ...]
    arrangement: Arrangement

    def run(self, x: Array) -> tuple[Array, list[Passed]]:
        """The last layer's outputs of `x (B, T, H)`, and what each layer did."""
        passed = []
        for one in self.layers:
            normalised = normalise(x) if self.arrangement.normalised else None
            run = one.run(x if normalised is None else normalised.y)
            x = x + run.outputs if self.arrangement.residual else run.outputs
            passed.append(Passed(one, run, normalised))
        return x, passed

    def gradients(self, d: Array, passed: list[Passed]) -> tuple[list[Array], list[Any]]:
        """From the gradient with respect to the last outputs: those with respect to every layer's outputs, the inputs'
        first, and those of every layer's weights."""
        of_outputs, of_weights = [d], []
        for one, run, normalised in reversed(passed):
            found = one.backprop(run, d)
            through = found.inputs if normalised is None else normalise_back(found.inputs, normalised)
            d = d + through if self.arrangement.residual else through
            of_outputs.append(d)
            of_weights.append(found.weights)
        return of_outputs[::-1], of_weights[::-1]


def over_depth(sizes: Sizes, seed: int, progress: Progress) -> Part:
    """The norm of the gradient at every depth, over that at the top."""
    batch, steps, units = sizes.depth_shape
    depths = range(sizes.depth + 1)
    rows, table, found = [], [], {}
    for model, activation in STACKED:
        for arrangement in ARRANGEMENTS:
            progress(f"over depth: {model.name}, {activation}, {arrangement.name}", 1)
            outputs, kernels = [], []
            for n in range(sizes.seeds):
                draw = generator(seed, 3, n)
                tower = Tower(
                    tuple(layer(model, activation, units, units, draw) for _ in range(sizes.depth)), arrangement
                )
                _, passed = tower.run(draw.normal(size=(batch, steps, units)))
                of_outputs, of_weights = tower.gradients(draw.normal(size=(batch, steps, units)), passed)
                norms = np.array([np.linalg.norm(d) for d in of_outputs])
                outputs.append(norms / norms[-1])
                kernels.append(np.array([np.linalg.norm(w.kernel) for w in of_weights]) / norms[-1])
            key = (model.name, activation, arrangement.name)
            rows += spread_rows((*key, "outputs"), depths, outputs)
            rows += spread_rows((*key, "kernel"), list(depths)[1:], kernels)
            bottom, weights = np.array(outputs)[:, 0], np.array(kernels)[:, 0]
            found[", ".join(key)] = {
                "at the inputs": float(np.median(bottom)),
                "factor a layer": float(np.median(bottom)) ** (1 / sizes.depth),
                "first kernel": float(np.median(weights)),
                "last kernel": float(np.median(np.array(kernels)[:, -1])),
            }
            factor = with_spread(bottom ** (1 / sizes.depth))
            table.append(
                (
                    f"{model.name}, {activation}",
                    arrangement.name,
                    with_spread(bottom),
                    factor,
                    with_spread(weights),
                    with_spread(np.array(kernels)[:, -1]),
                )
            )
    return Part(
        "depth",
        "What reaches the lower layers",
        settings(units, steps, sizes.seeds, f"{sizes.depth} layers, {batch} sequences, "),
        ("model", "activation", "arrangement", "of", "depth", *SPREAD),
        rows,
        ("stack", "arrangement", "gradient at the inputs", "a layer", "first layer's kernel", "last layer's kernel"),
        table,
        found,
        _says(found, sizes),
    )


def _says(found: dict[str, Any], sizes: Sizes) -> str:
    at = lambda model, activation, arrangement, what: short(
        found[f"{model.name}, {activation}, {arrangement.name}"][what]
    )
    lstm = lambda arrangement, what="at the inputs": at(LSTM_1, "tanh", arrangement, what)
    elman = lambda activation, arrangement: at(ELMAN, activation, arrangement, "at the inputs")
    return (
        f"Over {sizes.depth} plain layers the gradient of an LSTM becomes {lstm(PLAIN)} of what it was, "
        f"{lstm(PLAIN, 'factor a layer')} a layer: a cell state carries over time, not over depth. That of a GRU "
        f"becomes {at(GRU, 'tanh', PLAIN, 'at the inputs')}, that of an Elman stack {elman('tanh', PLAIN)} with tanh "
        f"and {elman('relu', PLAIN)} with relu. Residual sums make it {lstm(RESIDUAL)} for the LSTM, and "
        f"{elman('relu', RESIDUAL)} for Elman with relu, whose outputs add up without a bound. Batch normalisation "
        f"divides by the standard deviation of what a layer gets, which in a plain stack of LSTMs is small: "
        f"{lstm(NORMALISED)}. In an Elman stack, where there was little to make up for, it makes "
        f"{elman('tanh', NORMALISED)} with tanh and {elman('relu', NORMALISED)} with relu, "
        f"{at(ELMAN, 'relu', NORMALISED, 'factor a layer')} a layer. Both together make {lstm(BOTH)} for the LSTM, and "
        f"{elman('tanh', BOTH)} and {elman('relu', BOTH)}. What training sees are the kernels' gradients, and in a "
        f"plain stack of LSTMs the first layer's is {lstm(PLAIN, 'first kernel')} and the last layer's "
        f"{lstm(PLAIN, 'last kernel')} (over the gradient at the top): the last layer gets as little as the first, "
        f"because the signal shrinks on its way up as the gradient does on its way down."
    )
