"""Why a framework has no such cell: the sentences that several of them share."""

from __future__ import annotations

from typing import Any

from comparisons.proof.cases import Case
from reference import NotRepresentable, Stack, Wrapped, pack
from reference.conventions.storage import FAMILIES
from reference.layer import AnyLayer, Layer


def masked(case: Case, name: str) -> str | None:
    return f"{name} has no masks" if case.mask else None


def wrapped(layer: Any, name: str) -> str | None:
    """What only TensorFlow 1 and this project have."""
    parts = layer.layers if isinstance(layer, Stack) else [layer]
    return f"{name} has no wrappers of TensorFlow 1" if any(isinstance(part, Wrapped) for part in parts) else None


def bare(case: Case, layer: AnyLayer, name: str) -> str | None:
    """What a cell without a layer around it has not."""
    if reason := wrapped(layer, name):
        return reason
    if not isinstance(layer, Layer):
        return f"{name} is compared one layer at a time"
    if layer.go_backwards or layer.direction == "reverse":
        return f"{name} has no direction"
    return masked(case, name)


def precise(case: Case, name: str, *dtypes: str) -> str | None:
    return None if case.dtype in dtypes else f"{name} computes in {' and '.join(dtypes)}, not in {case.dtype}"


def packed(layer: AnyLayer, framework: str) -> str | None:
    """Why a layer has no form in a framework's storage."""
    if reason := wrapped(layer, framework):
        return reason
    try:
        found = pack(layer, framework)
    except NotRepresentable as reason:
        return str(reason)
    if isinstance(layer, Layer) and layer.cell not in FAMILIES.get(found.cell, (found.cell,)):
        return f"{framework} has no {layer.cell}, which comes to a {found.cell} there"
    return None
