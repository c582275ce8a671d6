"""TensorFlow 1's cells (tf.compat.v1.nn.rnn_cell), which tf-keras still has."""

from __future__ import annotations

import warnings
from typing import Any

from comparisons.frameworks import absent, refusals, versions
from comparisons.frameworks.stepwise import stepwise, zeros
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer, pack
from reference.layer import AnyLayer

CELLS = {"simple_rnn": "BasicRNNCell", "lstm": "BasicLSTMCell", "peephole_lstm": "LSTMCell", "gru": "GRUCell"}


def title() -> str:
    return f"TensorFlow 1's cells (tf-keras {versions('tf1')['tf-keras']})" if not missing() else "TensorFlow 1's cells"


def missing() -> str | None:
    return absent("tf1")


def unable(case: Case, layer: AnyLayer) -> str | None:
    """Masks, directions and stacks are not the cells'; CoupledInputForgetGateLSTMCell went with contrib."""
    gone = None if case.cell in CELLS else f"TensorFlow 2 has no {case.cell} of TensorFlow 1"
    return refusals.bare(case, layer, "TensorFlow 1's cell") or gone or refusals.packed(layer, "tf1")


def run(case: Case, layer: Layer, x: Any, mask: Any) -> Trace:
    """`BasicRNNCell`, `BasicLSTMCell`, `LSTMCell`, `GRUCell`, step by step; their state is c, h."""
    import tensorflow as tf

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
