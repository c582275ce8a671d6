"""Who learns: every cell as Keras initialises it, and as it is initialised for a long lag, where somebody says how."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any, NamedTuple

import numpy as np
from keras import layers

import cells
from comparisons.studies.learning import LEARNERS
from comparisons.studies.part import Array
from reference.parameter_counts import largest_units

KERAS, LAG = "as Keras initialises them", "initialised for the lag"
BUDGET = 1000  # parameters of the recurrent layer, of which each cell has as many units as fit
CELLS = {  # their names in the reference
    "Elman": "simple_rnn",
    "Jordan": "jordan",
    "LSTM 1997": "lstm_1997",
    "LSTM": "lstm",
    "peephole LSTM": "peephole_lstm",
    "GRU": "gru",
}
Given = dict[str, Array]  # the arrays of a layer, by the names of its variables


def _identity(given: Given, lag: int, rng: np.random.Generator) -> Given:
    """Le, Jaitly & Hinton, arXiv 1504.00941, 2015: relu, and at first the state is kept as it is."""
    return given | {"recurrent_kernel": np.eye(len(given["recurrent_kernel"]))}


def _paper(given: Given, lag: int, rng: np.random.Generator) -> Given:
    """Hochreiter & Schmidhuber, 1997, experiments 4 and 6: weights in ±0.1, biases of input gates from −2 to −6."""
    drawn = {name: rng.uniform(-0.1, 0.1, array.shape) for name, array in given.items()}
    units = len(drawn["recurrent_kernel"])
    drawn["bias"][:units] -= np.linspace(2, 6, units)
    return drawn


def _chrono(given: Given, lag: int, rng: np.random.Generator) -> Given:
    """A forget gate of 1 − 1/(lag + 1), which keeps a third over the lag, and an input gate that is as nearly closed:
    Tallec & Ollivier, arXiv 1804.11188, 2018, who draw the logarithm of a time up to the lag where this has the lag."""
    units = len(given["recurrent_kernel"])
    bias = given["bias"].copy()
    bias[:units], bias[units : 2 * units] = -log(lag), log(lag)
    return given | {"bias": bias}


def _update(given: Given, lag: int, rng: np.random.Generator) -> Given:
    """The same for a GRU, whose z keeps the old state, and whose 1 − z lets the new one in."""
    bias = given["bias"].copy()
    bias[0, : len(given["recurrent_kernel"])] = log(lag)
    return given | {"bias": bias}


def _squashed(units: int) -> Any:
    """The LSTM of 1997 with its paper's own squashings."""
    return layers.RNN(cells.LSTM1997Cell(units, activation="sigmoid_in_2", output_activation="sigmoid_in_1"))


def _relu(units: int) -> Any:
    return cells.SimpleRNN(units, activation="relu")


class Start(NamedTuple):
    """How a cell begins: its layer, and what becomes of the weights that Keras gave it."""

    layer: Callable[[int], Any]
    change: Callable[[Given, int, np.random.Generator], Given] | None
    says: str


STARTS: dict[tuple[str, str], Start] = {
    (KERAS, cell): Start(layer, None, "Keras' initializers") for cell, layer in LEARNERS.items()
} | {
    (LAG, "Elman"): Start(_relu, _identity, "relu, recurrent kernel 1"),
    (LAG, "LSTM 1997"): Start(_squashed, _paper, "the paper's: ±0.1, input gates −2 to −6"),
    (LAG, "LSTM"): Start(LEARNERS["LSTM"], _chrono, "forget bias log lag, input bias −log lag"),
    (LAG, "peephole LSTM"): Start(LEARNERS["peephole LSTM"], _chrono, "forget bias log lag, input bias −log lag"),
    (LAG, "GRU"): Start(LEARNERS["GRU"], _update, "bias of z log lag"),
}


def units_of(cell: str, inputs: int, budget: int = BUDGET) -> int:
    """As many units as the budget of parameters has room for."""
    return largest_units(budget, CELLS[cell], input_dim=inputs)


def begin(layer: Any, start: Start, lag: int, seed: list[int]) -> None:
    """Change the weights that Keras gave a built layer into those that it starts with."""
    if start.change is None:
        return
    variables = layer.trainable_variables
    given = {variable.name: np.array(variable) for variable in variables}
    changed = start.change(given, lag, np.random.default_rng(seed))
    for variable in variables:
        variable.assign(changed[variable.name])
