"""Layers of several inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from reference.stock.uses import Array, Use


def _aligned(use: Use) -> list[Array]:
    """Inputs of fewer axes get axes of 1 after the batch's, as in Keras."""
    most = max(x.ndim for x in use.inputs)
    return [x.reshape(len(x), *(1,) * (most - x.ndim), *x.shape[1:]) for x in use.inputs]


def elementwise(function: Callable[[Array, Array], Array]) -> Callable[[Use], Array]:
    """x₁ ∘ x₂ ∘ …"""
    return lambda use: reduce(function, _aligned(use))


add = elementwise(np.add)


def multiply(use: Use) -> Array:
    """x₁ · x₂ · …; in Keras 3 a number that does not count is 1, and the product 0 where none does"""
    if use.masks_as != "keras":
        return elementwise(np.multiply)(use)
    masks = [None if mask is None else mask[..., None] for mask in use.masks]
    pairs = zip(_aligned(use), masks, strict=True)
    product = reduce(np.multiply, [x if mask is None else np.where(mask, x, 1) for x, mask in pairs])
    given = [mask for mask in masks if mask is not None]
    return np.where(reduce(np.logical_or, given), product, 0) if len(given) == len(masks) else product


def _extreme(function: Callable[[Array, Array], Array]) -> Callable[[Use], Array]:
    """The largest or the smallest; in Keras 3 of those numbers alone that count, as long as each so far has a mask"""

    def among(use: Use) -> Array:
        if use.masks_as != "keras":
            return elementwise(function)(use)
        (best, *others), (counts, *masks) = _aligned(use), use.masks
        for x, mask in zip(others, masks, strict=True):
            x = x if mask is None else np.where(mask[..., None], x, best)
            best = best if counts is None else np.where(counts[..., None], best, x)
            counts = None if mask is None or counts is None else counts | mask
            best = function(best, x)
        return best

    return among


maximum, minimum = _extreme(np.maximum), _extreme(np.minimum)


def subtract(use: Use) -> Array:
    """x₁ − x₂"""
    if len(use.inputs) != 2:
        raise use.refuse("inputs", "must be two", len(use.inputs))
    return np.subtract(*_aligned(use))


def average(use: Use) -> Array:
    """(x₁ + x₂ + …) / n"""
    return add(use) / len(use.inputs)


def concatenate(use: Use) -> Array:
    """One after the other on the axis"""
    return np.concatenate(use.inputs, use.get("axis", -1))


def dot(use: Use) -> Array:
    """Σ x₁ x₂ over an axis of each: `(B, rest of x₁, rest of x₂)`, or (B, 1) where there is no rest

    normalize: each divided by its length on that axis first.
    """
    if len(use.inputs) != 2:
        raise use.refuse("inputs", "must be two", len(use.inputs))
    axes = use.config["axes"]
    first, second = (axes, axes) if isinstance(axes, int) else axes
    a, b = (np.moveaxis(x, axis, -1) for x, axis in zip(use.inputs, (first, second), strict=True))
    if use.get("normalize", False):
        a, b = (x / np.sqrt(np.maximum((x * x).sum(-1, keepdims=True), 1e-12)) for x in (a, b))
    flat = np.matmul(a.reshape(len(a), -1, a.shape[-1]), b.reshape(len(b), -1, b.shape[-1]).swapaxes(1, 2))
    return flat.reshape(len(a), *(a.shape[1:-1] + b.shape[1:-1] or (1,)))
