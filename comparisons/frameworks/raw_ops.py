"""TensorFlow's fused kernels: BlockLSTM over a sequence, LSTMBlockCell and GRUBlockCell step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.frameworks import absent, refusals, versions
from comparisons.frameworks.stepwise import stepwise, whole, zeros
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer, pack
from reference.layer import AnyLayer

DTYPES = {"lstm": ("float16", "float32"), "peephole_lstm": ("float16", "float32"), "gru": ("float32",)}
PEEPHOLES = ("wci", "wcf", "wco")
NO_CLIP = -1.0  # left out, it would be 3


def title() -> str:
    return f"TensorFlow's block kernels ({versions('raw_ops')['tensorflow'] or 'tf.raw_ops'})"


def missing() -> str | None:
    return absent("raw_ops")


def unable(case: Case, layer: AnyLayer) -> str | None:
    name = "TensorFlow's block kernel"
    return (
        refusals.bare(case, layer, name)
        or _unlike(layer, name)
        or refusals.precise(case, name, *DTYPES[case.cell])
        or refusals.packed(layer, "tf_block")
    )


def _unlike(layer: Any, name: str) -> str | None:
    if layer.cell not in DTYPES:
        return f"TensorFlow has no block kernel of {layer.cell}"
    if layer.options["activation"].name != "tanh":
        return f"{name} has tanh alone"
    if layer.options.get("cell_clip") == 0:
        return f"{name} takes a cell_clip of 0 for none"
    return f"{name} has no projection" if getattr(layer.weights, "projection", None) is not None else None


def run(case: Case, layer: Layer, x: Any, mask: Any) -> Trace:
    """LSTM: the sequence's kernel for outputs and last state, the cell's for states and gates; GRU: the cell's."""
    import tensorflow as tf

    start = zeros(layer, len(x))
    if layer.cell == "gru":
        arrays = pack(layer, "tf_block").arrays

        def gru(x_t: Any, state: Any) -> Any:
            r, z, n, h = tf.raw_ops.GRUBlockCell(x=x_t, h_prev=state[0], **arrays)
            return (h,), {"z": z, "r": r, "n": n}

        return stepwise(gru, x, start)

    given = lstm_arguments(layer, "tf_block")

    def lstm(x_t: Any, state: Any) -> Any:
        h, c = state
        new = tf.raw_ops.LSTMBlockCell(x=x_t, cs_prev=c, h_prev=h, **given)
        return (new.h, new.cs), {"i": new.i, "f": new.f, "g": new.ci, "o": new.o}

    steps = stepwise(lstm, x, start)
    outputs, state = whole(sequence(tf.raw_ops.BlockLSTM, given), x, start, case.stateful)
    return Trace(outputs, state, steps.states, steps.gates)


def lstm_arguments(layer: Layer, framework: str) -> dict[str, Any]:
    """What the LSTM kernels take: all of their arguments, those that are not used too."""
    packed = pack(layer, framework)
    none = dict.fromkeys(PEEPHOLES, np.zeros(layer.units, layer.weights.kernel.dtype))
    return {"use_peephole": False, "cell_clip": NO_CLIP, **none, **packed.arrays, **packed.options}


def sequence(kernel: Any, given: dict[str, Any]) -> Any:
    """A kernel that takes `(T, B, X)` and gives h and c over time, as `whole` wants it."""

    def over(piece: Any, state: Any) -> Any:
        h, c = state
        done = kernel(seq_len_max=piece.shape[1], x=piece.swapaxes(0, 1), cs_prev=c, h_prev=h, **given)
        return done.h.numpy().swapaxes(0, 1), (done.h[-1], done.cs[-1])

    return over
