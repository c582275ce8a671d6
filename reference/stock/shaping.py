"""Layers that move, repeat, cut or pad numbers."""

from __future__ import annotations

import math

import numpy as np

from reference.stock.uses import Array, Use, bounded, from_last, rank, to_last


def flatten(use: Use) -> Array:
    """(B, …) -> (B, all of it), the channels last"""
    return to_last(use, use.x).reshape(len(use.x), -1) if use.x.ndim > 1 else use.x[:, None]


def reshape(use: Use) -> Array:
    """(B, …) -> (B, *target_shape), of which one number may be −1"""
    target = tuple(use.config["target_shape"])
    size, fixed = math.prod(use.x.shape[1:]), math.prod(n for n in target if n != -1)
    if target.count(-1) > 1 or (fixed != size if -1 not in target else not fixed or size % fixed):
        raise use.refuse("target_shape", f"must hold {size} numbers", target)
    return use.x.reshape(len(use.x), *(size // fixed if n == -1 else n for n in target))


def permute(use: Use) -> Array:
    """The axes in the order of `dims`, counted from 1, the batch first"""
    dims = tuple(use.config["dims"])
    if sorted(dims) != list(range(1, use.x.ndim)):
        raise use.refuse("dims", f"must be the numbers from 1 to {use.x.ndim - 1}", dims)
    return use.x.transpose(0, *dims)


def repeat_vector(use: Use) -> Array:
    """(B, F) -> (B, n, F)"""
    rank(use, 2)
    bounded(use, (use.x.size, use.config["n"]))
    return np.repeat(use.x[:, None], use.config["n"], 1)


def _pairs(use: Use, name: str, default: int) -> list[tuple[int, int]]:
    """One number for every side, a number an axis, or (before, after) an axis; of one axis just (before, after)."""
    axes = 1 if use.kind.endswith("1D") else 2
    value = use.get(name, default)
    value = [value] * axes if isinstance(value, int) else list(value)
    if axes == 1 and len(value) == 2:
        value = [value]
    pairs = [(item, item) if isinstance(item, int) else tuple(item) for item in value]
    if len(pairs) != axes or not all(len(pair) == 2 and min(pair) >= 0 for pair in pairs):
        raise use.refuse(name, f"must be {axes} pairs of whole numbers", use.config.get(name))
    rank(use, axes + 2)
    return pairs  # type: ignore[return-value]


def zero_padding(use: Use) -> Array:
    """Zeros before and after"""
    pairs = _pairs(use, "padding", 1)
    x = to_last(use, use.x)
    lengths = [n + sum(pair) for n, pair in zip(x.shape[1:-1], pairs, strict=True)]
    bounded(use, (len(x), *lengths, x.shape[-1]))
    return from_last(use, np.pad(x, [(0, 0), *pairs, (0, 0)]))


def cropping(use: Use) -> Array:
    """Without what is before and after"""
    pairs = _pairs(use, "cropping", 1 if use.kind.endswith("1D") else 0)
    x = to_last(use, use.x)
    cut = (slice(before, max(n - after, 0)) for n, (before, after) in zip(x.shape[1:-1], pairs, strict=True))
    return from_last(use, x[(slice(None), *cut)])


def up_sampling(use: Use) -> Array:
    """Every step or pixel `size` times, next to itself"""
    if use.get("interpolation", "nearest") != "nearest":
        raise use.refuse("interpolation", "must be nearest", use.config["interpolation"])
    x = to_last(use, use.x)
    sizes = use.each("size", 1 if use.kind.endswith("1D") else 2, 2)
    rank(use, len(sizes) + 2)
    bounded(use, (x.size, *sizes))
    for axis, size in enumerate(sizes, 1):
        x = np.repeat(x, size, axis)
    return from_last(use, x)
