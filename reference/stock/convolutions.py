"""Convolutions over one axis or two: a sum over the kernel's offsets, as the equation has it.

::

    y[b, t] = Σ_k x[b, strides·t + dilation·k − left] K[k] + bias
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.stock.activations import activate
from reference.stock.uses import Array, Use, bounded, from_last, rank, to_last


def padded(use: Use, x: Array, sizes: tuple[int, ...], strides: tuple[int, ...], value: float = 0) -> Array:
    """Pad the axes between the first and the last as Keras names it; `sizes` are the kernel's with their dilation.

    "same" gives ⌈n/stride⌉ steps, and where the zeros are odd in number one more after than before.
    """
    padding, pairs = use.get("padding", "valid"), []
    for n, size, stride in zip(x.shape[1:-1], sizes, strides, strict=True):
        total = max((-(-n // stride) - 1) * stride + size - n, 0) if padding == "same" else 0
        total = size - 1 if padding == "causal" else total
        before = total if padding == "causal" else total // 2
        pairs.append((before, total - before))
    bounded(use, (len(x), *(n + sum(pair) for n, pair in zip(x.shape[1:-1], pairs, strict=True)), x.shape[-1]))
    return np.pad(x, [(0, 0), *pairs, (0, 0)], constant_values=value)


def windows(x: Array, sizes: tuple[int, ...], strides: tuple[int, ...], dilation: tuple[int, ...]):
    """Each offset in the kernel, and what of `x (B, …, C)` is under it at every output step."""
    lengths = [
        max((n - d * (k - 1) - 1) // s + 1, 0)
        for n, k, s, d in zip(x.shape[1:-1], sizes, strides, dilation, strict=True)
    ]
    for offset in np.ndindex(*sizes):
        cut = tuple(
            slice(o * d, o * d + max((length - 1) * s + 1, 0), s)
            for o, d, s, length in zip(offset, dilation, strides, lengths, strict=True)
        )
        yield offset, x[(slice(None), *cut)]


def _correlate(use: Use, x: Array, kernel: Array, product: Callable[[Array, Array], Array]) -> Array:
    """Σ over the offsets of product(window, the kernel there); pads, strides and dilates as the config says."""
    sizes = kernel.shape[:-2]
    strides, dilation = (use.each(name, len(sizes)) for name in ("strides", "dilation_rate"))
    wide = tuple(d * (k - 1) + 1 for k, d in zip(sizes, dilation, strict=True))
    x = padded(use, x, wide, strides)
    return sum(product(window, kernel[offset]) for offset, window in windows(x, sizes, strides, dilation))  # type: ignore[return-value]


def _finished(use: Use, y: Array) -> Array:
    return from_last(use, activate(use.get("activation"), y + use.weights.get("bias", 0), use.era))


def _read(use: Use, kernel: Array) -> Array:
    rank(use, kernel.ndim)
    return to_last(use, use.x)


def convolution(use: Use) -> Array:
    """activation(Σ_k x_k K_k + b), `kernel (…, C / groups, F)`; each group of channels with its own filters"""
    kernel, groups = use.weights["kernel"], use.get("groups", 1)
    x = _read(use, kernel)
    if x.shape[-1] != kernel.shape[-2] * groups:
        raise use.refuse("input", f"must have {kernel.shape[-2] * groups} channels", f"shape {use.x.shape}")
    parts = zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True)
    return _finished(use, np.concatenate([_correlate(use, part, own, np.matmul) for part, own in parts], -1))


def _depthwise(use: Use, x: Array, kernel: Array) -> Array:
    """Every channel with its own M filters, `kernel (…, C, M)`: channel c gives c·M … c·M + M − 1"""
    spread = lambda window, own: (window[..., None] * own).reshape(*window.shape[:-1], own.size)
    return _correlate(use, x, kernel, spread)


def depthwise(use: Use) -> Array:
    """activation(each channel's own convolution + b)"""
    kernel = use.weights["kernel"]
    return _finished(use, _depthwise(use, _read(use, kernel), kernel))


def separable(use: Use) -> Array:
    """activation(P (each channel's own convolution) + b), P a kernel of length 1"""
    kernel = use.weights["depthwise_kernel"]
    pointwise = use.weights["pointwise_kernel"]
    return _finished(use, _depthwise(use, _read(use, kernel), kernel) @ pointwise.reshape(pointwise.shape[-2:]))


def transposed(use: Use) -> Array:
    """The gradient of a convolution by its input: each step adds K, `kernel (…, F, C)`, at strides·t, and b is added

    "valid": n·stride + max(size − stride, 0) steps; "same": n·stride, what is cut off is what that convolution pads;
    with output_padding: (n − 1)·stride + size − 2·(size // 2 if "same") + output_padding.
    """
    kernel = use.weights["kernel"]
    x, sizes = _read(use, kernel), kernel.shape[:-2]
    strides, dilation = (use.each(name, len(sizes)) for name in ("strides", "dilation_rate"))
    same, extra = use.get("padding", "valid") == "same", use.config.get("output_padding")
    more = use.each("output_padding", len(sizes)) if extra is not None else (None,) * len(sizes)
    wide = [d * (k - 1) + 1 for k, d in zip(sizes, dilation, strict=True)]
    lengths, firsts = [], []
    for n, size, stride, added in zip(x.shape[1:-1], wide, strides, more, strict=True):
        if added is None:
            length = n * stride + (0 if same else max(size - stride, 0))
        else:
            length = (n - 1) * stride + size - 2 * (size // 2 if same else 0) + added
        lengths.append(length)
        firsts.append(max((n - 1) * stride + size - length, 0) // 2 if same else 0)
    bounded(use, (len(x), *lengths, kernel.shape[-2]))
    ends = [
        max((n - 1) * s + size, first + length)
        for n, s, size, first, length in zip(x.shape[1:-1], strides, wide, firsts, lengths, strict=True)
    ]
    full = np.zeros((len(x), *ends, kernel.shape[-2]), np.result_type(x, kernel))
    for offset in np.ndindex(*sizes):
        cut = tuple(
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, d, s, n in zip(offset, dilation, strides, x.shape[1:-1], strict=True)
        )
        full[(slice(None), *cut)] += x @ kernel[offset].T
    cut = tuple(slice(first, first + length) for first, length in zip(firsts, lengths, strict=True))
    return _finished(use, full[(slice(None), *cut)])
