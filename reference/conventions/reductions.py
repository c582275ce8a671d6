"""Cells that are another one by name, or whose nearest is: what a framework without them can hold instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from reference import activations, steps
from reference.conventions import folds
from reference.conventions.folds import Change, NotRepresentable
from reference.layer import Layer
from reference.steps import Array

NAMED = Change("variant named", "the cell with this switch is another one by name, with the same arrays", True)
REPEATED = Change("gate repeated", "the one gate f is a gru's r, and its 1 − z: σ(−a) has columns of its own", True)
IDENTITY = Change("identity written out", "what r gets of x without a matrix goes through an identity", True)
OPENED = Change("gate opened", "a hard sigmoid of zero columns and this bias is 1, whatever comes", True)
OPEN = 5  # the bias of a gate that is nearly open, in what is near and not the same

_GREFF = {"V": "peephole_lstm", "NP": "lstm", "CIFG": "cifg", "NIAF": "peephole_lstm", "NOAF": "peephole_lstm"}


Reduced = tuple[Layer, tuple[Change, ...]]


def reduced(layer: Layer) -> Reduced:
    """A layer of a key of `REDUCTIONS` as another cell, and what was done.

    Raises NotRepresentable, with the nearest that other cells have.
    """
    return REDUCTIONS[layer.cell](layer)


def restored(arrived: Layer, before: Layer) -> Layer:
    """What arrived, under the name that it had before: `NAMED` undone, and the gate coupled that was."""
    named = before.cell == "greff_lstm" and arrived.cell == _GREFF.get(before.options["variant"])
    if before.cell == arrived.cell == "cifg" and arrived.options["coupled"] != before.options["coupled"]:
        return folds.exchange(arrived)
    if not named and not (before.cell == "jordan" and arrived.cell == "simple_rnn"):
        return arrived
    if arrived.cell == "cifg" and arrived.options["coupled"] == "i":
        arrived = folds.exchange(arrived)
    d = arrived.weights.recurrent_bias
    arrays = {**arrived.weights._asdict(), "recurrent_bias": d if d is not None and np.any(d != 0) else None}
    weights = steps.weights_type(before.cell)
    return replace(arrived, cell=before.cell, weights=_taken(weights, arrays), options=before.options)


def _taken(weights: type[Any], arrays: dict[str, Array | None]) -> Any:
    return weights(**{name: arrays[name] for name in weights._fields if name in arrays})


def _as(layer: Layer, cell: str, arrays: dict[str, Array | None] | None = None, **options: Any) -> Layer:
    """Another cell, with the arrays and the options that both have."""
    known = steps.options(cell)
    shared = {name: value for name, value in layer.options.items() if name in known}
    weights = _taken(steps.weights_type(cell), layer.weights._asdict() if arrays is None else arrays)
    return replace(layer, cell=cell, weights=weights, options={**shared, **options})


def _with_gates(layer: Layer, order: str, bias: float, **more: Array | None) -> dict[str, Array | None]:
    """The arrays with a gate of zero columns, and this bias, wherever the layer has no gate of `order`."""
    H, parts = layer.units, dict(layer.widths)
    arrays = {**layer.weights._asdict(), **more}
    if arrays["bias"] is None:
        arrays["bias"] = np.zeros(sum(parts.values()), layer.weights.kernel.dtype)

    def wider(name: str, array: Array | None) -> Array | None:
        if array is None or name not in ("kernel", "recurrent_kernel", "bias", "recurrent_bias", "peephole"):
            return array
        have = [gate for gate, width in parts.items() if width and not (name == "peephole" and gate == "g")]
        blocks = dict(zip(have, np.split(array, len(have), axis=-1), strict=True))
        number = (Fraction(bias) if array.dtype.kind == "O" else bias) if name == "bias" else 0
        absent = np.full((*array.shape[:-1], H), number, array.dtype)
        return np.concatenate(
            [blocks.get(gate, absent) for gate in order if (gate, name) != ("g", "peephole")], axis=-1
        )

    return {name: wider(name, array) for name, array in arrays.items()}


def _one(layer: Layer) -> float:
    """The bias that alone makes a gate 1, with room for rounding; 0 where there is none."""
    slope = folds.slope(layer.options["recurrent_activation"])
    return float(1 // (2 * slope) + 1) if slope and slope > 0 else 0.0


def _opened(layer: Layer, cell: str, gates: str) -> Reduced:
    """The cell whose gates are all there, those that were not held open: exactly, where a hard sigmoid is 1 at last."""
    σ = layer.options["recurrent_activation"]
    if bias := _one(layer):
        return _as(layer, cell, _with_gates(layer, "ifgo", bias)), (OPENED,)
    nearest = _as(layer, cell, _with_gates(layer, "ifgo", OPEN))
    raise NotRepresentable(
        f"a gate {gates} that is 1 has no form, since {σ} is below 1 whatever its bias (the nearest here has {OPEN})",
        nearest,
    )


def _greff(layer: Layer) -> Reduced:
    variant, φ = layer.options["variant"], layer.options["activation"]
    if variant in _GREFF:
        options: dict[str, Any] = {
            "CIFG": {"coupled": "f"},
            "NIAF": {"activation": "linear", "output_activation": φ},
            "NOAF": {"output_activation": "linear"},
        }.get(variant, {})
        return _as(layer, _GREFF[variant], None, **options), (NAMED,)
    if variant == "FGR":
        reason = "no cell but this one has gates that see the gates of the step before"
        raise NotRepresentable(reason, _as(layer, "peephole_lstm"))
    return _opened(layer, "peephole_lstm", {"NIG": "i", "NFG": "f", "NOG": "o"}[variant])


def _lstm_1997(layer: Layer) -> Reduced:
    return _opened(layer, "lstm", "f")


def _mgu(layer: Layer) -> Reduced:
    H = layer.units
    folds.require_symmetric(layer, "the gru's z is 1 − f")

    def doubled(a: Array) -> Array:
        return np.concatenate([-a[..., :H], a], axis=-1)

    arrays = {name: None if a is None else doubled(a) for name, a in layer.weights._asdict().items()}
    return _as(layer, "gru", arrays, reset_after=False), (REPEATED,)


def _mut(layer: Layer) -> Reduced:
    w, H = layer.weights, layer.units
    folds.require_symmetric(layer, "the gru's z keeps the old state")
    one, zero = np.eye(H, dtype=w.kernel.dtype), np.zeros((H, H), w.kernel.dtype)
    if w.kernel.dtype.kind == "O":
        one, zero = (np.vectorize(Fraction, otypes=[object])(np.asarray(a, float)) for a in (one, zero))
    arrays = w._asdict()
    if layer.cell == "mut1":
        arrays["kernel"] = np.concatenate([w.kernel, one], axis=-1)
        arrays["recurrent_kernel"] = np.concatenate([zero, w.recurrent_kernel], axis=-1)
        d = w.recurrent_bias
        arrays["recurrent_bias"] = None if d is None else np.concatenate([zero[0], d])
    elif layer.cell == "mut2":
        arrays["kernel"] = np.concatenate([w.kernel[:, :H], one, w.kernel[:, H:]], axis=-1)
    gru = folds.columns(_as(layer, "gru", arrays, reset_after=False), {"z": np.negative})
    if layer.cell == "mut2":
        return gru, (IDENTITY,)
    seen = {"mut1": "a candidate that sees tanh(x)", "mut3": "an update gate that sees tanh(h)"}[layer.cell]
    raise NotRepresentable(f"no cell but this one has {seen}", gru)


def _ugrnn(layer: Layer) -> Reduced:
    moved = folds.move_forget_bias(layer, 0) if layer.options["forget_bias"] else layer
    if bias := _one(layer):
        changes = (OPENED, *([folds.FORGET_BIAS] if layer.options["forget_bias"] else []))
        return _as(layer, "gru", _with_gates(moved, "zrn", bias), reset_after=False), changes
    nearest = _as(layer, "gru", _with_gates(moved, "zrn", OPEN), reset_after=False)
    raise NotRepresentable(
        f"a reset that is 1 has no form, since a sigmoid is below 1 whatever its bias (the nearest here has {OPEN})",
        nearest,
    )


def _jordan(layer: Layer) -> Reduced:
    w = layer.weights
    linear = layer.options["output_activation"] == activations.LINEAR
    if w.output_kernel is None and linear:
        return _as(layer, "simple_rnn"), (NAMED,)
    V = w.output_kernel
    if V is not None and V.shape[0] == V.shape[1] and linear:
        v = np.zeros(len(V), V.dtype) if w.output_bias is None else w.output_bias
        b = np.zeros(len(V), V.dtype) if w.bias is None else w.bias
        arrays = {**w._asdict(), "recurrent_kernel": V @ w.recurrent_kernel, "bias": b + v @ w.recurrent_kernel}
        nearest = _as(layer, "simple_rnn", arrays)
    else:
        nearest = _as(layer, "simple_rnn") if V is None else None
    raise NotRepresentable("no cell but this one gives the output layer's output, and carries it on", nearest)


def _norms(layer: Layer) -> Reduced:
    w = layer.weights
    b = w.bias if w.bias is not None else getattr(w, "beta", None)
    raise NotRepresentable("no other cell has these norms", _as(layer, "lstm", {**w._asdict(), "bias": b}))


REDUCTIONS: dict[str, Callable[[Layer], Reduced]] = {
    "greff_lstm": _greff,
    "lstm_1997": _lstm_1997,
    "mgu": _mgu,
    "mut1": _mut,
    "mut2": _mut,
    "mut3": _mut,
    "ugrnn": _ugrnn,
    "jordan": _jordan,
    "layer_norm_lstm": _norms,
    "fused_layer_norm_lstm": _norms,
}
