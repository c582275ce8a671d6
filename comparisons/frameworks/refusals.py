"""Why a framework has no such cell: the sentences that several of them share."""

from __future__ import annotations

from comparisons.proof.cases import Case
from reference import NotRepresentable, pack
from reference.layer import AnyLayer, Layer


def masked(case: Case, name: str) -> str | None:
    return f"{name} has no masks" if case.mask else None


def bare(case: Case, layer: AnyLayer, name: str) -> str | None:
    """What a cell without a layer around it has not."""
    if not isinstance(layer, Layer):
        return f"{name} is compared one layer at a time"
    if layer.go_backwards or layer.direction == "reverse":
        return f"{name} has no direction"
    return masked(case, name)


def precise(case: Case, name: str, *dtypes: str) -> str | None:
    return None if case.dtype in dtypes else f"{name} computes in {' and '.join(dtypes)}, not in {case.dtype}"


def packed(layer: AnyLayer, framework: str) -> str | None:
    """Why a layer has no form in a framework's storage."""
    try:
        pack(layer, framework)
    except NotRepresentable as reason:
        return str(reason)
    return None
