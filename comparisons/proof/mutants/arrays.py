"""Mistakes in a layer's arrays and options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import Layer
from reference.activations import Activation
from reference.gates import fuse, split
from reference.steps import shapes

Array = NDArray[Any]


@dataclass(frozen=True)
class Mutant:
    """A named mistake."""

    name: str
    plant: Callable[[Layer], Layer | None]
    of_masks: bool = False


def permutations_of(layer: Layer) -> list[Mutant]:
    """The gates in every other order that their widths allow."""
    gates, widths = layer.gates, layer.widths
    orders = ("".join(order) for order in permutations(gates))
    same = lambda order: [widths[a] for a in order] == [widths[a] for a in gates]
    moved = lambda order: any(a != b and widths[a] for a, b in zip(order, gates, strict=True))
    return [Mutant(f"gates in the order {order}", permuted(order)) for order in orders if same(order) and moved(order)]


def permuted(order: str) -> Callable[[Layer], Layer | None]:
    """The gates of every array in another order."""

    def plant(layer: Layer) -> Layer | None:
        gates, specs = layer.gates, shapes(layer.cell)
        if sorted(gates) != sorted(order) or not specs["kernel"].endswith("C"):
            return None

        def reorder(name: str, a: Array) -> Array:
            if not specs[name].endswith("C"):
                return a
            parts = dict(zip(gates, split(a, gates, layer.widths), strict=True))
            return fuse([parts[letter] for letter in order])

        return layer.edited(reorder)

    return plant


def transposed(letter: str) -> Callable[[Layer], Layer | None]:
    def plant(layer: Layer) -> Layer | None:
        square = layer.widths.get(letter) == layer.recurrent_dim > 1
        if not square or shapes(layer.cell)["recurrent_kernel"] != "R C":
            return None
        parts = dict(zip(layer.gates, split(layer.weights.recurrent_kernel, layer.gates, layer.widths), strict=True))
        kernel = fuse([part.T if gate == letter else part for gate, part in parts.items()])
        return replace(layer, weights=layer.weights._replace(recurrent_kernel=kernel))

    return plant


def reversed_units(layer: Layer) -> Layer:
    return replace(layer, weights=layer.weights._replace(recurrent_kernel=layer.weights.recurrent_kernel[::-1]))


def array(name: str, change: Callable[[Array], Array]) -> Callable[[Layer], Layer | None]:
    """Change one of a cell's own arrays, where it has it."""

    def plant(layer: Layer) -> Layer | None:
        if getattr(layer.weights, name, None) is None:
            return None
        return layer.edited(lambda other, a: change(a) if other == name else a)

    return plant


def forget_bias(change: float, other: float = 0.0) -> Callable[[Layer], Layer | None]:
    """Add to the stored bias of f, and to that of i."""

    def plant(layer: Layer) -> Layer | None:
        widths, bias = layer.widths, layer.weights.bias
        added = layer.options.get("forget_bias", 0)
        if bias is None or not (widths.get("f") == widths.get("i") == layer.units and (added or layer.cell == "lstm")):
            return None
        i, f, g, o = split(bias, "ifgo")
        fb = added or 1.0  # what unit_forget_bias stores
        return replace(layer, weights=layer.weights._replace(bias=fuse([i + other * fb, f + change * fb, g, o])))

    return plant


def recurrent_bias(name: str) -> Callable[[Layer], Layer | None]:
    def plant(layer: Layer) -> Layer | None:
        w = layer.weights
        if layer.cell != "gru" or w.recurrent_bias is None or w.bias is None:
            return None
        if not layer.options["reset_after"] and name != "dropped":  # then d is only added to b
            return None
        (b_z, b_r, b_n), (d_z, d_r, d_n) = split(w.bias, "zrn"), split(w.recurrent_bias, "zrn")
        none = np.zeros_like(d_n)
        bias, recurrent = {
            "dropped": ([b_z, b_r, b_n], [d_z, d_r, none]),
            "outside r": ([b_z, b_r, b_n + d_n], [d_z, d_r, none]),
            "merged": ([b_z + d_z, b_r + d_r, b_n + d_n], [none, none, none]),
        }[name]
        return replace(layer, weights=w._replace(bias=fuse(bias), recurrent_bias=fuse(recurrent)))

    return plant


def no_bias(layer: Layer) -> Layer | None:
    if layer.weights.bias is None:
        return None
    return replace(layer, weights=layer.weights._replace(bias=None, recurrent_bias=None))


# Mistakes in the options


def swapped_activation(option: str, before: str, after: str) -> Callable[[Layer], Layer | None]:
    def plant(layer: Layer) -> Layer | None:
        activation = layer.options.get(option)
        if activation is None or activation.name != before:
            return None
        return replace(layer, options={**layer.options, option: after})

    return plant


def unclipped(layer: Layer) -> Layer | None:
    """The arguments of the activations as they are."""
    clipped = {n: v for n, v in layer.options.items() if isinstance(v, Activation) and v.clip is not None}
    if not clipped:
        return None
    return replace(layer, options={**layer.options, **{name: replace(v, clip=None) for name, v in clipped.items()}})


def other_reset(layer: Layer) -> Layer | None:
    if layer.cell != "gru":
        return None
    return replace(layer, options={**layer.options, "reset_after": not layer.options["reset_after"]})


def option(name: str, change: Callable[[Any], Any]) -> Callable[[Layer], Layer | None]:
    """Another value of an option that has one; None from `change`: no mistake."""

    def plant(layer: Layer) -> Layer | None:
        if layer.options.get(name) is None or (other := change(layer.options[name])) is None:
            return None
        return replace(layer, options={**layer.options, name: other[0]})

    return plant


def pieces(count: int, *order: int) -> Callable[[Array], Array]:
    """A vector's pieces in another order."""
    return lambda a: np.concatenate([np.split(a, count)[k] for k in order]) if len(a) % count == 0 else a[::-1]
