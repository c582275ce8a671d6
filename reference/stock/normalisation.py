"""Normalisation, as it is at inference."""

from __future__ import annotations

import numpy as np

from reference.stock.uses import Array, Use


def _along(use: Use, weight: Array, axes: tuple[int, ...]) -> Array:
    """A weight with one number for each place on `axes`, so that it broadcasts over the input."""
    return weight.reshape([n if axis in axes else 1 for axis, n in enumerate(use.x.shape)])


def _axes(use: Use) -> tuple[int, ...]:
    axis = use.get("axis", -1)
    many = axis if isinstance(axis, list | tuple) else [axis]
    if any(not -use.x.ndim <= one < use.x.ndim for one in many):
        raise use.refuse("axis", f"must be one of {use.x.ndim}", axis)
    return tuple(sorted(one % use.x.ndim for one in many))


def _scaled(use: Use, y: Array, axes: tuple[int, ...]) -> Array:
    w = use.weights
    y = y * _along(use, w["gamma"], axes) if "gamma" in w else y
    return y + _along(use, w["beta"], axes) if "beta" in w else y


def batch(use: Use) -> Array:
    """gamma (x − moving_mean) / √(moving_variance + epsilon) + beta, one of each for each place on the axis"""
    axes, w = _axes(use), use.weights
    mean, variance = _along(use, w["moving_mean"], axes), _along(use, w["moving_variance"], axes)
    return _scaled(use, (use.x - mean) / np.sqrt(variance + use.get("epsilon", 1e-3)), axes)


def layer(use: Use) -> Array:
    """gamma (x − mean) / √(variance + epsilon) + beta, of the numbers on the axes"""
    axes = _axes(use)
    mean, variance = use.x.mean(axes, keepdims=True), use.x.var(axes, keepdims=True)
    return _scaled(use, (use.x - mean) / np.sqrt(variance + use.get("epsilon", 1e-3)), axes)
