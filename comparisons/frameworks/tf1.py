"""TensorFlow 1's cells and wrappers (tf.compat.v1.nn.rnn_cell), which tf-keras still has."""

from __future__ import annotations

import warnings
from typing import Any

from comparisons.frameworks import absent, refusals, tf1_wrappers, versions
from comparisons.frameworks.stepwise import stepwise, zeros
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer, Stack, Wrapped, pack
from reference.layer import AnyLayer

CELLS = {"simple_rnn": "BasicRNNCell", "lstm": "BasicLSTMCell", "peephole_lstm": "LSTMCell", "gru": "GRUCell"}


def title() -> str:
    return f"TensorFlow 1's cells (tf-keras {versions('tf1')['tf-keras']})" if not missing() else "TensorFlow 1's cells"


def missing() -> str | None:
    return absent("tf1")


def unable(case: Case, layer: AnyLayer | Wrapped) -> str | None:
    return unlike(case, layer, "TensorFlow 1's cell")


def unlike(case: Case, layer: AnyLayer | Wrapped, name: str) -> str | None:
    """Masks and directions are not the cells'; CoupledInputForgetGateLSTMCell went with contrib."""
    if isinstance(layer, Stack):
        return next((reason for part in layer.layers if (reason := unlike(case, part, name))), None)
    inner = layer.innermost if isinstance(layer, Wrapped) else layer
    if reason := refusals.bare(case, inner, name):
        return reason
    assert isinstance(inner, Layer)
    gone = None if inner.cell in CELLS else f"TensorFlow 2 has no {inner.cell} of TensorFlow 1"
    return gone or refusals.packed(inner, "tf1")


def run(case: Case, layer: AnyLayer | Wrapped, x: Any, mask: Any) -> Trace:
    """`BasicRNNCell`, `BasicLSTMCell`, `LSTMCell`, `GRUCell`, step by step; their state is c, h."""
    import tensorflow as tf

    if not isinstance(layer, Layer):
        return tf1_wrappers.run(case, layer, x, cell)
    call = tf.function(cell(layer, x.dtype.name).call)

    def step(x_t: Any, state: Any) -> Any:
        if len(state) == 1:
            return (call(x_t, state[0])[1],), {}
        _, (c, h) = call(x_t, state[::-1])
        return (h, c), {}

    return stepwise(lambda x_t, state: step(tf.constant(x_t), state), x, tuple(map(tf.constant, zeros(layer, len(x)))))


def cell(layer: Layer, dtype: str) -> Any:
    """The cell with the layer's weights in its variables."""
    import tensorflow as tf
    from tf_keras.api._v1.keras.__internal__.legacy import rnn_cell

    packed = pack(layer, "tf1")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* is deprecated and will be removed", UserWarning)
        live = getattr(rnn_cell, CELLS[packed.cell])(**packed.options, dtype=dtype)
    live.build(tf.TensorShape([None, layer.input_dim]))
    names = {variable.name.split("/", 1)[1].removesuffix(":0"): variable for variable in live.variables}
    assert names.keys() == packed.arrays.keys(), f"{sorted(names)} are not {sorted(packed.arrays)}"
    for name, variable in names.items():
        variable.assign(packed.arrays[name])
    return live
