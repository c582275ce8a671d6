"""Gates side by side in one array, split and fused by their letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def split(a: Array, gates: str) -> tuple[Array, ...]:
    """Cut the last axis `(…, G·H)` into one view `(…, H)` a gate, in the order of the letters.

    >>> i, f, g, o = split(np.arange(8), "ifgo")
    >>> f
    array([2, 3])

    Raises ValueError if the axis does not divide by the number of gates.
    """
    width, rest = divmod(a.shape[-1], len(gates))
    if rest:
        raise ValueError(f"gate axis must be a multiple of {len(gates)} (gates {gates!r}), got {a.shape[-1]}")
    return tuple(a[..., k * width : (k + 1) * width] for k in range(len(gates)))


def fuse(parts: Sequence[Array]) -> Array:
    """The inverse of `split`: gates `(…, H)` joined along the last axis."""
    return np.concatenate(parts, axis=-1)


def affine(x: Array, kernel: Array, bias: Array | None) -> Array:
    """x W + b, or x W where there is no bias; `x (…, N)`, `kernel (N, M)`."""
    flat = x.reshape(-1, x.shape[-1]) @ kernel  # one matmul whatever the leading axes
    product = flat.reshape(*x.shape[:-1], kernel.shape[-1])
    return product if bias is None else product + bias
