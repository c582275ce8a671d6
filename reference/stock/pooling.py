"""Pooling over windows, and over everything."""

from __future__ import annotations

import numpy as np

from reference.stock.convolutions import padded, windows
from reference.stock.uses import Array, Use, bounded, from_last, rank, to_last


def _windows(use: Use, value: float) -> list[Array]:
    """What is under each offset of the window; the padding has `value`."""
    axes = 1 if use.kind.endswith("1D") else 2
    rank(use, axes + 2)
    sizes = use.each("pool_size", axes, 2)
    strides = use.each("strides", axes, sizes)
    bounded(use, (4096, *sizes))
    x = padded(use, to_last(use, use.x), sizes, strides, value)
    return [window for _, window in windows(x, sizes, strides, (1,) * axes)]


def maximum(use: Use) -> Array:
    """The largest number under the window; padding never is"""
    return from_last(use, np.max(_windows(use, -np.inf), 0))


def average(use: Use) -> Array:
    """The mean of what is under the window; padding does not count"""
    count = use._replace(inputs=[np.ones_like(use.x)])
    return from_last(use, np.sum(_windows(use, 0), 0) / np.sum(_windows(count, 0), 0))


def _axes(use: Use) -> tuple[int, ...]:
    rank(use, 3 if use.kind.endswith("1D") else 4)
    first = 2 if use.config.get("data_format") == "channels_first" else 1
    return tuple(range(first, first + use.x.ndim - 2))


def global_maximum(use: Use) -> Array:
    """The largest number over time or space; a mask changes nothing, as in Keras"""
    return use.x.max(_axes(use), keepdims=use.get("keepdims", False))


def global_average(use: Use) -> Array:
    """The mean over time or space; over time, of the steps that the mask counts"""
    axes, keep = _axes(use), use.get("keepdims", False)
    if use.mask is None or use.kind.endswith("2D"):
        return use.x.mean(axes, keepdims=keep)
    counts = np.expand_dims(use.mask.astype(use.x.dtype), 1 if axes == (2,) else 2)
    with np.errstate(invalid="ignore"):  # no step counts: 0 / 0, as in Keras
        return (use.x * counts).sum(axes, keepdims=keep) / counts.sum(axes, keepdims=keep)
