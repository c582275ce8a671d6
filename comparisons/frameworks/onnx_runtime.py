"""ONNX Runtime, on a model of one node: RNN, LSTM or GRU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from comparisons.frameworks import absent, onnx_nodes, refusals, versions
from comparisons.frameworks.stepwise import stepwise, whole, zeros
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer, pack
from reference.layer import AnyLayer

OPS = {"simple_rnn": "RNN", "gru": "GRU"}  # the others are LSTM
DTYPES = ("float32",)
# Its tanh differs by operator: in GRU up to 10.1 u|t| near saturation, in RNN up to 3 u whatever t is (measured).
ROUNDING: dict[str, Callable[[Any], Any]] = {"tanh": lambda t: np.maximum(11 * t, 4.0)}


def title() -> str:
    return f"ONNX Runtime {versions('onnx')['onnxruntime'] or ''}".rstrip()


def missing() -> str | None:
    return absent("onnx")


def unable(case: Case, layer: AnyLayer) -> str | None:
    held = case.mask and not getattr(layer, "zero_output_for_mask", False)
    return (
        ("ONNX has sequence_lens for a mask: padding on the right, and zeros there" if held else None)
        or refusals.precise(case, "ONNX Runtime", *DTYPES)
        or refusals.packed(as_onnx(layer), "onnx")
    )


def run(case: Case, layer: AnyLayer, x: Any, mask: Any) -> Trace:
    return traced(case, layer, x, mask, session)


def session(op: str, inputs: Mapping[str, Any], attributes: Mapping[str, Any]) -> Callable[..., list[Any]]:
    """The node as a function of its inputs."""
    loaded = load(onnx_nodes.model(op, inputs, attributes))
    return lambda fed: loaded.run(None, dict(fed))


def load(model: Any) -> Any:
    """ONNX Runtime's session of a model, on the processor and quiet."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def traced(case: Case, layer: AnyLayer, x: Any, mask: Any, load: Callable[..., Any]) -> Trace:
    """The node over the whole sequence for outputs and last state; a layer of one direction also step by step.

    Where a step is masked, its state is held by us: of a sequence of length 0 ONNX Runtime's last state is zeros.
    """
    packed, layers = pack(as_onnx(layer), "onnx"), onnx_nodes.directions(layer)
    start = tuple(np.stack(fields) for fields in zip(*(zeros(each, len(x)) for each in layers), strict=True))
    lengths = {} if mask is None else {"sequence_lens": _lengths(mask)}

    def fed(piece: Any, state: Any) -> dict[str, Any]:
        initial = dict(zip(("initial_h", "initial_c"), state, strict=False))
        most = {name: np.minimum(a, piece.shape[1]) for name, a in lengths.items()}
        return {"X": piece.swapaxes(0, 1), **packed.arrays, **initial, **most}

    node = load(OPS.get(packed.cell, "LSTM"), fed(x, start), packed.options)

    def over(piece: Any, state: Any) -> Any:
        Y, *last = node(fed(piece, state))  # (T, D, B, H), (D, B, H)
        return Y.transpose(2, 0, 1, 3).reshape(*piece.shape[:2], -1), tuple(last)

    outputs, last = whole(over, x, start, case.stateful)
    state = tuple(field[d] for d in range(len(layers)) for field in last)
    if not isinstance(layer, Layer):
        return Trace(outputs, state)
    if layer.go_backwards != (layer.direction == "reverse"):
        x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]

    def step(x_t: Any, before: Any) -> Any:
        _, after = over(x_t[:, None], tuple(field[None] for field in before))
        return tuple(field[0] for field in after), {}

    outputs = outputs[:, ::-1] if layer.go_backwards else outputs
    return Trace(outputs, state, stepwise(step, x, zeros(layer, len(x)), mask).states)


def as_onnx(layer: AnyLayer) -> AnyLayer:
    """The layer with ONNX' ways: it turns a direction's outputs back, which go_backwards leaves as they come, and its
    sequence_lens give zeros past the end."""
    if not isinstance(layer, Layer):
        return layer
    reverse = layer.go_backwards != (layer.direction == "reverse")
    direction = "reverse" if reverse else "forward"
    return replace(layer, go_backwards=False, zero_output_for_mask=False, direction=direction)


def _lengths(mask: Any) -> Any:
    lengths = mask.sum(axis=1)
    if (mask != (np.arange(mask.shape[1]) < lengths[:, None])).any():
        raise ValueError("ONNX masks the end of a sequence alone (sequence_lens), got a mask with steps after it")
    return lengths.astype("int32")
