"""This project's cells, in `keras.layers.RNN`."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.frameworks import absent, keras3, keras_family, refusals, wrapping
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference.activations import PARAMETRISED, Activation
from reference.cell_classes import CELLS, OWN_CELLS
from reference.layer import AnyLayer, Layer
from reference.wrapped import Wrapped

CLASSES = {cell: name for name, cell in (CELLS | OWN_CELLS).items()}


def title() -> str:
    return "this project's, in keras.layers.RNN"


def missing() -> str | None:
    return absent("cells")


def unable(case: Case, layer: AnyLayer | Wrapped) -> str | None:
    return keras3.imprecise(case)


def run(case: Case, layer: AnyLayer | Wrapped, x: Any, mask: Any) -> Trace:
    """`RNN(LSTMCell)` and its like."""
    import keras

    if refusals.wrapped(layer, "cells"):
        return wrapping.run(case, layer, x, built)
    assert not isinstance(layer, Wrapped)
    own = lambda part: cell(part, case.dtype)
    rnn = lambda part, **flags: keras.layers.RNN(own(part), **flags)
    kit = keras_family.Kit(keras.layers, keras.ops.concatenate, own, rnn, arrays)
    return keras_family.run(kit, case, layer, x, mask)


def cell(layer: Layer, dtype: str) -> Any:
    """The live cell of a reference layer, without its weights."""
    import cells

    kind, has = getattr(cells, CLASSES[layer.cell]), lambda name: getattr(layer.weights, name, None) is not None
    said = {
        "use_bias": has("bias"),
        "use_recurrent_bias": has("recurrent_bias"),
        "use_peepholes": has("peephole"),
        "num_proj": layer.recurrent_dim if has("projection") else None,
        "output_units": layer.recurrent_dim,
        **{name: _activation(value) for name, value in layer.options.items()},
    }
    taken = {name: value for name, value in said.items() if name in kind.arguments}
    return kind(layer.units, **taken, dtype=dtype)


def built(layer: Layer, dtype: str) -> Any:
    """The live cell with its weights."""
    live = cell(layer, dtype)
    live.build((None, layer.input_dim))
    live.built = True
    live.set_weights(arrays(layer))
    return live


def arrays(layer: Layer) -> list[Any]:
    """The layer's weights in the order of the live cell's variables."""
    live = cell(layer, str(layer.weights.kernel.dtype))
    live.build((None, layer.input_dim))
    return [_array(layer, variable) for variable in live.weights]


def _array(layer: Layer, variable: Any) -> Any:
    w = layer.weights
    if variable.name != "bias" or w.recurrent_bias is None:
        return getattr(w, variable.name)
    # A cell that has one bias takes the sum; only a GRU that resets before the matmul has none for two.
    return w.bias + w.recurrent_bias if len(variable.shape) == 1 else np.stack([w.bias, w.recurrent_bias])


def _activation(value: Any) -> Any:
    """An option of the reference as an argument of a Keras cell."""
    if not isinstance(value, Activation):
        return value
    import cells

    if value.clip is None and value.name not in PARAMETRISED:
        return getattr(cells, value.name, None) or keras3.ACTIVATIONS.get(value.name, value.name)
    parameters = value.parameters if value.name in PARAMETRISED else {}
    return cells.Parametric(keras3.ACTIVATIONS.get(value.name, value.name), value.clip, **parameters)
