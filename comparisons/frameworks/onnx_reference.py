"""ONNX' own ReferenceEvaluator, on a model of one node: it ignores much, and then says nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from comparisons.frameworks import absent, onnx_nodes, onnx_runtime, refusals, versions
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import pack
from reference.layer import AnyLayer

DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
IGNORED = ("clip", "input_forget")


def title() -> str:
    return f"ONNX' ReferenceEvaluator {versions('onnx_reference')['onnx'] or ''}".rstrip()


def missing() -> str | None:
    return absent("onnx_reference")


def unable(case: Case, layer: AnyLayer) -> str | None:
    name, layer = "ONNX' ReferenceEvaluator", onnx_runtime.as_onnx(layer)
    if case.mask:
        return f"{name} ignores sequence_lens"
    return refusals.packed(layer, "onnx") or _ignored(layer, name)


def _ignored(layer: AnyLayer, name: str) -> str | None:
    packed = pack(layer, "onnx")
    default = DEFAULTS[onnx_runtime.OPS.get(packed.cell, "LSTM")]
    given = packed.options.get("activations", default)
    if given != default * (len(given) // len(default)):
        return f"{name} computes the default activations alone"
    return next((f"{name} ignores {attribute}" for attribute in IGNORED if packed.options.get(attribute)), None)


def run(case: Case, layer: AnyLayer, x: Any, mask: Any) -> Trace:
    return onnx_runtime.traced(case, layer, x, mask, session)


def session(op: str, inputs: Mapping[str, Any], attributes: Mapping[str, Any]) -> Callable[..., Any]:
    """The node as a function of its inputs."""
    from onnx.reference import ReferenceEvaluator

    loaded = ReferenceEvaluator(onnx_nodes.model(op, inputs, attributes))
    return lambda fed: loaded.run(None, dict(fed))
