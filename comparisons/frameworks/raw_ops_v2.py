"""TensorFlow's fused kernel BlockLSTMV2, which orders the gates i f g o and adds no forget bias."""

from __future__ import annotations

from typing import Any

from comparisons.frameworks import absent, raw_ops, versions
from comparisons.frameworks.stepwise import whole, zeros
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer
from reference.layer import AnyLayer


def title() -> str:
    return f"TensorFlow's BlockLSTMV2 ({versions('raw_ops_v2')['tensorflow'] or 'tf.raw_ops'})"


def missing() -> str | None:
    return absent("raw_ops_v2")


def unable(case: Case, layer: AnyLayer) -> str | None:
    if reason := raw_ops.unable(case, layer):
        return reason
    if case.cell == "gru":
        return "BlockLSTMV2 is an LSTM"
    adds = isinstance(layer, Layer) and layer.options["forget_bias"]
    return "BlockLSTMV2 adds no forget_bias" if adds else None


def run(case: Case, layer: Layer, x: Any, mask: Any) -> Trace:
    """The kernel over the whole sequence, which shows h, c and the gates at every step."""
    import tensorflow as tf

    given = raw_ops.lstm_arguments(layer, "tf_block_v2")
    start = zeros(layer, len(x))
    over = raw_ops.sequence(tf.raw_ops.BlockLSTMV2, given)
    outputs, state = whole(over, x, start, case.stateful)
    h, c = start
    done = tf.raw_ops.BlockLSTMV2(seq_len_max=x.shape[1], x=x.swapaxes(0, 1), cs_prev=c, h_prev=h, **given)
    shown = lambda values: values.numpy().swapaxes(0, 1)
    gates = {"i": done.i, "f": done.f, "g": done.ci, "o": done.o}
    return Trace(outputs, state, (shown(done.h), shown(done.cs)), {gate: shown(a) for gate, a in gates.items()})
