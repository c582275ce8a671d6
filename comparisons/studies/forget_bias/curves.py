"""Learning curves of an LSTM over the forget bias that it starts with."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from typing import Any, NamedTuple

import numpy as np
from keras import layers

import cells
from comparisons.studies.judging import TEST, last_judged, measures, oracle, wrong
from comparisons.studies.learning import learn, network
from comparisons.studies.part import Array
from comparisons.studies.problems import ORDER
from comparisons.studies.restart import restart


class Bias(NamedTuple):
    """A forget bias: in the stored bias at first, or added at run time."""

    name: str
    stored: float | None = None  # None: the logarithm of the lag
    added: float = 0.0
    closed: bool = False  # and the input gate begins with minus as much

    def starts(self, lag: int) -> float:
        return log(lag) if self.stored is None else self.stored + self.added


NONE, UNIT, ADDED = Bias("none", 0), Bias("unit_forget_bias", 1), Bias("forget_bias=1.0", 0, 1)
TWO, LAG, CLOSED = Bias("2", 2), Bias("log lag"), Bias("log lag, input gate −log lag", closed=True)
BIASES = {bias.name: bias for bias in (NONE, UNIT, ADDED, TWO, LAG, CLOSED)}


class Training(NamedTuple):
    """What every network gets alike."""

    units: int
    seeds: int
    most: int  # sequences
    window: int = 2000
    batch: int = 20
    rate: float = 0.003


def lstm(units: int, added: float, dtype: str = "float32") -> Any:
    """A cell that adds `added` at run time, in Keras' loop: both kinds of bias take the same path."""
    return layers.RNN(cells.LSTMCell(units, forget_bias=added, unit_forget_bias=False, dtype=dtype), dtype=dtype)


def store(layer: Any, stored: float, of_input: float = 0.0) -> None:
    """Set the stored biases of the forget gate and of the input gate."""
    (bias,) = (v for v in layer.trainable_variables if v.name == "bias")
    values = np.array(bias)
    values[: layer.cell.units], values[layer.cell.units : 2 * layer.cell.units] = of_input, stored
    bias.assign(values)


def curve(lag: int, bias: str, training: list[Any], seed: int) -> list[dict[str, Any]]:
    """A dict a seed: the mean `errors` of each window, up to the paper's criterion where it is `solved`; of TEST other
    sequences, how many are `wrong`, and how many are where what is stored is taken alone (`stored_alone`)."""
    asked, which, found = Training(*training), BIASES[bias], []
    layer = lstm(asked.units, which.added)
    model = network(
        layer,
        ORDER.inputs,
        ORDER.outputs,
        ORDER.activation,
        ORDER.loss,
        learning_rate=asked.rate,
        metrics=measures(ORDER),
        steps_per_execution=min(25, asked.window // asked.batch),
    )
    draw = lambda rng, sequences: ORDER.draw(rng, sequences, lag)
    for n in range(asked.seeds):
        restart(model, seed * 1000 + n)
        store(layer, which.starts(lag) - which.added, -which.starts(lag) if which.closed else 0.0)
        learned = learn(
            model,
            draw,
            last_judged,
            seed=(seed, n, lag),
            most=asked.most,
            every=asked.window,
            batch=asked.batch,
            enough=ORDER.solved,
        )
        x, y = draw(np.random.default_rng([seed, n, lag, 1]), TEST)
        one, kernel, dense_bias = oracle(model)
        alone = replace(one, options=one.options | {"forget_bias": 0.0})
        found.append(
            {
                "seed": n,
                "solved": learned.enough,
                "sequences": learned.sequences[-1],
                "errors": learned.judged["error"],
                "wrong": wrong(ORDER, one, kernel, dense_bias, x, y),
                "stored_alone": wrong(ORDER, alone, kernel, dense_bias, x, y),
            }
        )
    return found


def kept(bias: float, lag: int) -> float:
    """What a forget gate of σ(bias) leaves of a state after `lag` steps.

    >>> [f"{kept(bias, 100):.1e}" for bias in (0, 1, 2)], f"{kept(log(100), 100):.2f}"
    (['7.9e-31', '2.5e-14', '3.1e-06'], '0.37')
    """
    return (1 / (1 + exp(-bias))) ** lag


def filled(errors: list[float], windows: int) -> Array:
    """A curve that ended with success, held at its last value."""
    return np.array(errors + errors[-1:] * (windows - len(errors)))
