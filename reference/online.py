"""Training while a layer runs, as the LSTM of 1997 was trained: traces carried forward, an update at every step.

A trace is ∂c/∂w, one number for each weight and row of the batch. With gradients that go along the cell state alone
(`truncation="1997"`) a unit's c depends on the weights of its own gates only, so that these traces are all there is to
carry, and nothing needs to be stored over time (Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997,
appendix A.1; Gers, Schmidhuber & Cummins, Neural Computation 12:2451–2471, 2000).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reference import activations
from reference.gradients import along_the_cell
from reference.layer import Layer
from reference.steps import Array, Messages, Moment, edited, module, project

# The cells in which a unit's c depends on its own c before alone, and the arrays that c does not depend on.
CELLS = ("lstm", "lstm_1997", "peephole_lstm", "cifg", "greff_lstm")
WITHOUT_TRACE = ("projection",)


@dataclass
class OnlineTrainer:
    """A layer, the state it is in and its traces. `step` advances all three, and `layer.weights` may be replaced
    between steps.

    Raises ValueError for a cell or an option with which a unit's c depends on more than the unit's own gates.
    """

    layer: Layer
    batch: int = 1
    initial_state: Any = None

    def __post_init__(self) -> None:
        layer = self.layer
        if layer.cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)} to be trained online, got {layer.cell!r}")
        if layer.options.get("cells_per_block", 1) != 1:
            raise ValueError(f"cells_per_block must be 1 to be trained online, got {layer.options['cells_per_block']}")
        for name, value in layer.options.items():
            if isinstance(value, activations.Activation) and value.function is activations.softmax:
                raise ValueError(f"{name} must be elementwise to be trained online, got {value}")
        dtype = layer.weights.kernel.dtype
        self.state = layer._state(self.initial_state, self.batch, dtype)
        arrays = edited(layer.weights, lambda _, a: np.zeros((self.batch, *a.shape), dtype))._asdict()
        self.traces: dict[str, Array] = {
            name: a for name, a in arrays.items() if a is not None and name not in WITHOUT_TRACE
        }

    def step(self, x: Array, d_output: Callable[[Array], Array]) -> Any:
        """Advance by `x (B, X)`; the gradients of this step's loss with respect to the weights.

        `d_output` gets the outputs `(B, H)` and returns the gradient of the loss with respect to them.
        """
        layer, w, via = self.layer, self.layer.weights, along_the_cell(self.layer)
        home = module(layer.cell)
        xw = project(layer.cell)(x, w)
        before = self.state
        self.state, gates = home.step(xw, before, w, **layer.options)
        moment = Moment(xw, before, self.state, gates)
        nothing = self.state._make(map(np.zeros_like, self.state))

        def back(**d: Array) -> tuple[Array, dict[str, Array]]:
            """From those gradients, that of the c before, and those of the weights in each row of the batch."""
            d_before, messages = home.backstep(nothing._replace(**d), moment, w, via, **layer.options)
            return d_before.c, _by_row(messages, x, w)

        d_c, direct = back(h=np.asarray(d_output(self.state.h), xw.dtype))
        gradients = {name: a.sum(axis=0) for name, a in direct.items()}
        for name, trace in self.traces.items():
            gradients[name] = gradients[name] + (_over_units(d_c, trace) * trace).sum(axis=0)
        kept, local = back(c=np.ones_like(self.state.c))
        self.traces = {name: _over_units(kept, trace) * trace + local[name] for name, trace in self.traces.items()}
        return edited(w, lambda name, _: gradients[name])

    def train(self, x: Array, d_output: Callable[[Array], Array], update: Callable[[str, Array, Array], Array]) -> None:
        """`step`, and every array replaced by `update(name, array, gradient)`."""
        gradients = self.step(x, d_output)._asdict()
        self.layer = replace(self.layer, weights=edited(self.layer.weights, lambda n, a: update(n, a, gradients[n])))


def _by_row(messages: Messages, x: Array, w: Any) -> dict[str, Array]:
    """The weights' gradients in each row: of matrices `(B, N, M)`, of vectors `(B, N)`."""
    made = {"kernel": [(x, messages["xw"])], "bias": messages["xw"]} | messages
    return {
        name: np.concatenate([a[:, :, None] * d[:, None, :] for a, d in made[name]], axis=-1)
        if array.ndim == 2
        else made[name]
        for name, array in w._asdict().items()
        if array is not None
    }


def _over_units(a: Array, trace: Array) -> Array:
    """`a (B, H)` over the columns of a trace, which are as many times the units as there are gates."""
    repeated = np.tile(a, trace.shape[-1] // a.shape[-1])
    return repeated.reshape(len(a), *(1,) * (trace.ndim - 2), -1)
