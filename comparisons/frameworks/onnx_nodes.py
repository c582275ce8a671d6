"""RNN, LSTM and GRU nodes of ONNX: built from our arrays, and computed by our reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.frameworks.stepwise import zeros
from reference import Bidirectional, Layer, unpack

Array = NDArray[Any]

CELLS = {"RNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
OUTPUTS = ("Y", "Y_h", "Y_c")
OPSET, IR = 22, 10  # what ONNX Runtime reads and the node tests of onnx 1.23 are written in


def model(op: str, inputs: Mapping[str, Array], attributes: Mapping[str, Any]) -> Any:
    """A model of one node that is fed `inputs`, by the operator's own names."""
    from onnx import helper

    takes, gives = (INPUTS, OUTPUTS) if op == "LSTM" else (INPUTS[:6], OUTPUTS[:2])
    kind = lambda name: helper.np_dtype_to_tensor_dtype(inputs[name].dtype)
    node = helper.make_node(op, [name if name in inputs else "" for name in takes], gives, **attributes)
    fed = [helper.make_tensor_value_info(name, kind(name), [None] * a.ndim) for name, a in inputs.items()]
    found = [helper.make_tensor_value_info(name, kind("X"), None) for name in gives]
    graph = helper.make_graph([node], op, fed, found)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def compute(node: Any, inputs: Sequence[Array | None], dtype: str | None = None) -> tuple[Array, ...]:
    """Y, Y_h and, of an LSTM, Y_c of a node, by our reference; `inputs` in the operator's order, None where missing.

    The precision is that of the inputs, or `dtype`: "float64" is the oracle. Raises ValueError for another operator, an
    attribute or an input that it has not.
    """
    from onnx import helper

    if node.op_type not in CELLS:
        raise ValueError(f"the node must be one of {', '.join(CELLS)}, got {node.op_type}")
    given = {name: a for name, a in zip(INPUTS, inputs, strict=False) if a is not None}
    attributes = {a.name: _text(helper.get_attribute_value(a)) for a in node.attribute}
    batch_first = bool(attributes.get("layout", 0))
    turn = lambda a: a if batch_first else a.swapaxes(0, 1)
    x, lengths = turn(given.pop("X")), given.pop("sequence_lens", None)  # (B, T, X)
    x = x if dtype is None else x.astype(dtype)
    starts = {name: turn(given.pop(name)) for name in ("initial_h", "initial_c") if name in given}  # (B, D, H)
    mask = None if lengths is None else _mask(np.asarray(lengths), *x.shape[:2])

    Y, last = [], []
    for d, layer in enumerate(directions(unpack("onnx", CELLS[node.op_type], given, **attributes))):
        layer = replace(layer if dtype is None else layer.astype(dtype), zero_output_for_mask=True)
        run = layer.run(x, _state(starts, d, layer, len(x)), mask)
        Y.append(run.outputs[:, ::-1] if layer.go_backwards else run.outputs)  # (B, T, H)
        last.append(run.state)
    outputs = np.stack(Y, axis=2)  # (B, T, D, H)
    states = [np.stack(fields, axis=1) for fields in zip(*last, strict=True)]  # (B, D, H)
    if batch_first:
        return outputs, *states
    return outputs.transpose(1, 2, 0, 3), *(state.swapaxes(0, 1) for state in states)


def directions(layer: Any) -> list[Any]:
    """The layers of a node, one a direction."""
    return [layer.forward, layer.backward] if isinstance(layer, Bidirectional) else [layer]


def _state(starts: Mapping[str, Array], d: int, layer: Layer, batch: int) -> tuple[Array, ...]:
    """The initial state of direction `d`, zeros where it is not given: an initial_c may come without an initial_h."""
    names = ("initial_h", "initial_c")
    return tuple(
        starts[name][:, d] if name in starts else zero for name, zero in zip(names, zeros(layer, batch), strict=False)
    )


def _mask(lengths: Array, batch: int, steps: int) -> Array:
    if lengths.shape != (batch,) or (lengths < 0).any() or (lengths > steps).any():
        raise ValueError(f"sequence_lens must be {batch} lengths from 0 to {steps}, got {lengths.tolist()}")
    return np.arange(steps) < lengths[:, None]


def _text(value: Any) -> Any:
    """Attributes are bytes where they are text."""
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value
