"""Rewritings of a layer that keep the function that it computes, in real arithmetic, and what each can promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from reference import activations, steps
from reference.activations import Activation
from reference.layer import Layer
from reference.steps import Array


class NotRepresentable(ValueError):
    """Why a framework has no form for a layer; `nearest` is the layer that it could hold instead, if there is one."""

    def __init__(self, reason: str, nearest: Layer | None = None) -> None:
        super().__init__(reason)
        self.nearest = nearest


class Change(NamedTuple):
    """What was done to arrays beyond arranging them. `bits`: by sign and zeros alone, so that nothing is rounded."""

    name: str
    why: str
    bits: bool


ZEROS = Change("zeros added", "a second bias, or a bias at all, is there and holds zeros", True)
NEGATED = Change("update gate negated", "z = 1 takes the new state there: 1 − σ(a) = σ(−a)", True)
EXCHANGED = Change("coupled gate exchanged", "i = 1 − f is f = 1 − i with the gate's columns negated", True)
WRITTEN_OUT = Change("coupled gate written out", "i = 1 − σ(a) = σ(−a) becomes a gate with columns of its own", True)
TIED = Change("shared gates repeated", "the cells of a memory block have a gate each, all of them alike", True)
MERGED = Change("biases merged", "only the sum of the two biases matters, and one is stored", False)
FORGET_BIAS = Change("forget_bias moved", "what is added at run time is part of the stored bias, or the reverse", False)
RESCALED = Change("hard sigmoid rescaled", "the gates' columns carry the ratio of the two slopes", False)
MASKED = Change("zeros at masked steps", "Keras' Bidirectional gives them; there, masks are the caller's", True)
LAST = Change("last output", "all outputs are returned there: take the last", True)


ERAS = (Fraction(1, 5), Fraction(1, 6))  # slopes of Keras 2 and 3, which no float holds


def slope(activation: Any) -> Fraction | None:
    """The slope of a hard sigmoid around one half, exactly; None for another function."""
    if not isinstance(activation, Activation) or activation.function is not activations.hard_sigmoid:
        return None
    if activation.clip is not None or activation.parameters["offset"] != 0.5:
        return None
    given = activation.parameters["slope"]
    return next((era for era in ERAS if np.float32(float(era)) == np.float32(float(given))), Fraction(given))


def symmetric(activation: Any) -> bool:
    """Whether 1 − σ(a) = σ(−a)."""
    if not isinstance(activation, Activation):
        return False
    hard = activation.function is activations.hard_sigmoid and activation.parameters["offset"] == 0.5
    return hard or activation.function is activations.sigmoid


def require_symmetric(layer: Layer, why: str) -> None:
    """Raise NotRepresentable, `why` first, where the gates' function has 1 − σ(a) ≠ σ(−a)."""
    σ = layer.options["recurrent_activation"]
    if not symmetric(σ):
        raise NotRepresentable(f"{why}, which needs 1 − σ(a) = σ(−a): got {σ}")


def columns(layer: Layer, change: Mapping[str, Callable[[Array], Array]]) -> Layer:
    """The same layer with a gate's columns in the kernels and biases, and its peephole, through `change[gate]`."""
    return replace(layer, weights=changed(layer, change))


def changed(layer: Layer, change: Mapping[str, Callable[[Array], Array]]) -> Any:
    """The weights of `columns`."""

    def edit(name: str, array: Array) -> Array:
        if name not in ("kernel", "recurrent_kernel", "bias", "recurrent_bias", "peephole"):
            return array
        widths = {gate: width for gate, width in layer.widths.items() if width}
        if name == "peephole":
            widths.pop("g")
        parts = np.split(array, np.cumsum(list(widths.values()))[:-1], axis=-1)
        return np.concatenate(
            [change.get(g, lambda a: a)(part) for g, part in zip(widths, parts, strict=True)], axis=-1
        )

    return steps.edited(layer.weights, edit)


def with_options(layer: Layer, **options: Any) -> Layer:
    """The same layer with other options of its step."""
    return replace(layer, options={**layer.options, **options})


def move_forget_bias(layer: Layer, there: float) -> Layer:
    """The same function with another forget_bias added at run time: the difference goes into the stored bias of f, or,
    negated, of i where f is 1 − i."""
    more = layer.options["forget_bias"] - there
    w, gate = layer.weights, "z" if layer.cell == "ugrnn" else "f"
    if layer.options.get("coupled") == "f":
        more, gate = -more, "i"
    bias = np.zeros(w.kernel.shape[-1], w.kernel.dtype) if w.bias is None else w.bias
    if bias.dtype.kind == "O":
        more = Fraction(more)
    with_bias = replace(layer, weights=w._replace(bias=bias))
    only = columns(with_bias, {gate: lambda a: (a + more).astype(a.dtype)}).weights.bias
    return with_options(replace(layer, weights=w._replace(bias=only)), forget_bias=there)


def rescale(layer: Layer, there: Activation) -> Layer:
    """The same function with another hard sigmoid as the gates' activation: their columns carry the ratio of slopes."""
    before, after = slope(layer.options["recurrent_activation"]), slope(there)
    assert before is not None
    assert after is not None
    ratio = before / after
    scale = lambda a: a * ratio if a.dtype.kind == "O" else a * a.dtype.type(float(ratio))
    gates = {gate: scale for gate in layer.gates if gate not in "gn"}
    options: dict[str, Any] = {"recurrent_activation": there}
    if layer.options.get("forget_bias"):
        options["forget_bias"] = float(layer.options["forget_bias"] * ratio)
    return with_options(columns(layer, gates), **options)


def exchange(layer: Layer) -> Layer:
    """A cifg with the other gate coupled."""
    kept, coupled = ("f", "f") if layer.options["coupled"] == "i" else ("i", "i")
    return with_options(columns(layer, {kept: np.negative}), coupled=coupled)


def write_out(layer: Layer) -> Layer:
    """A cifg -> the lstm, or peephole_lstm, in which the coupled gate has columns of its own. Its forget_bias is 0."""
    layer = exchange(layer) if layer.options["coupled"] == "f" else layer
    layer = move_forget_bias(layer, 0) if layer.options["forget_bias"] else layer
    H = layer.units
    doubled = lambda a: np.concatenate([-a[..., :H], a], axis=-1)  # i before f g o
    w = layer.weights
    arrays = {name: None if a is None else doubled(a) for name, a in w._asdict().items()}
    cell = "lstm" if w.peephole is None else "peephole_lstm"
    options = {name: value for name, value in layer.options.items() if name != "coupled"}
    arrays = {name: a for name, a in arrays.items() if a is not None}
    return replace(layer, cell=cell, weights=steps.weights_type(cell)(**arrays), options=options)


def tie(layer: Layer) -> Layer:
    """An lstm with cells_per_block -> the lstm of one cell a block, whose gates' columns are repeated."""
    S = layer.options["cells_per_block"]
    wide = {gate: lambda a: np.repeat(a, S, axis=-1) for gate in "ifo"}
    return replace(layer, weights=changed(layer, wide), options={**layer.options, "cells_per_block": 1})


def merge_candidate(layer: Layer) -> Layer:
    """A gru with d_n in b_n: another function where the reset is after the matmul, and the nearest without a d_n."""
    w, H = layer.weights, layer.units
    b = np.zeros_like(w.recurrent_bias) if w.bias is None else w.bias
    d = w.recurrent_bias
    merged = w._replace(
        bias=np.concatenate([b[:-H], b[-H:] + d[-H:]]), recurrent_bias=np.concatenate([d[:-H], np.zeros_like(d[-H:])])
    )
    return replace(layer, weights=merged)


def without_peephole(layer: Layer) -> Layer:
    """A peephole_lstm -> the lstm of its kernels and biases."""
    w = layer.weights
    options = {name: value for name, value in layer.options.items() if name not in ("cell_clip", "proj_clip")}
    return replace(
        layer,
        cell="lstm",
        weights=steps.Weights(w.kernel, w.recurrent_kernel, w.bias, w.recurrent_bias),
        options=options,
    )
