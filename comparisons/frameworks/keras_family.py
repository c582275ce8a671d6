"""What Keras 3 and Keras 2 share: a layer run as a user runs it, and the same cell once more with its states shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer
from reference.gates import fuse, split

LAYERS = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}


def arguments(case: Case, layer: Layer, activations: dict[str, Any], *, forget_bias: bool) -> dict[str, Any]:
    """The constructor arguments of a Keras cell, with the activations' names in that era."""
    own = {
        name: activations.get(value.name, value.name) if name.endswith("activation") else value
        for name, value in layer.options.items()
        if name != "forget_bias" or forget_bias
    }
    return {"units": layer.units, "use_bias": case.use_bias, "dtype": case.dtype, **own}


def arrays(layer: Layer, *, fold: bool) -> list[Any]:
    """Kernel, recurrent kernel and bias as Keras stores them; with `fold`, forget_bias added to the stored bias."""
    w = layer.weights
    bias = w.bias
    if bias is not None and fold and layer.options.get("forget_bias"):
        i, f, g, o = split(bias, "ifgo")
        bias = fuse([i, f + np.asarray(layer.options["forget_bias"], f.dtype), g, o])
    if bias is not None and w.recurrent_bias is not None:
        bias = np.stack([bias, w.recurrent_bias])
    return [a for a in (w.kernel, w.recurrent_kernel, bias) if a is not None]


def shown(layers: Any, concatenate: Any, cell: Any) -> Any:
    """The cell in a cell whose output is all of its states side by side: one run of RNN shows c as well as h."""

    class WithStates(layers.Layer):
        def __init__(self) -> None:
            super().__init__(dtype=cell.dtype)
            self.cell = cell
            self.state_size = cell.state_size
            self.output_size = cell.units * (len(cell.state_size) if isinstance(cell.state_size, list) else 1)

        def build(self, input_shape: Any) -> None:
            if not self.cell.built:
                self.cell.build(input_shape)
                self.cell.built = True
            self.built = True

        def call(self, inputs: Any, states: Any) -> Any:
            _, new = self.cell(inputs, states)
            fields = list(new) if isinstance(new, (list, tuple)) else [new]
            return concatenate(fields, axis=-1), new

    return WithStates()


def run(layer: Any, showing: Any, weights: list[Any], case: Case, x: Any, mask: Any, to_numpy: Any) -> Trace:
    """Run `layer` for its outputs and last state, and `showing` for the states over time."""
    outputs, *state = _over(layer, weights, case, x, mask, to_numpy)
    both, *_ = _over(showing, weights, case, x, mask, to_numpy)
    states = np.split(both, len(state), axis=-1)
    return Trace(outputs, tuple(state), tuple(states))


def _over(layer: Any, weights: list[Any], case: Case, x: Any, mask: Any, to_numpy: Any) -> list[Any]:
    half = x.shape[1] // 2
    pieces = [x[:, :half], x[:, half:]] if case.stateful else [x]
    layer.build((len(x), None, x.shape[-1]))
    layer.set_weights(weights)
    given = {} if mask is None else {"mask": mask}
    runs = [[to_numpy(value) for value in layer(piece, **given)] for piece in pieces]
    return [np.concatenate([run[0] for run in runs], axis=1), *runs[-1][1:]]


def flags(case: Case) -> dict[str, Any]:
    """The arguments of RNN."""
    return {
        "return_sequences": True,
        "return_state": True,
        "go_backwards": case.go_backwards,
        "stateful": case.stateful,
        "dtype": case.dtype,
    }
