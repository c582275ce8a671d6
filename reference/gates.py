"""Gates side by side in one array, split and fused by their letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def split(a: Array, gates: Iterable[str], widths: Mapping[str, int] | None = None) -> tuple[Array, ...]:
    """Cut the last axis `(…, C)` into one view a gate, in the order of the letters: all as wide, or of these widths.

    >>> i, f, g, o = split(np.arange(8), "ifgo")
    >>> f
    array([2, 3])

    Raises ValueError if the axis does not divide so.
    """
    letters = "".join(gates)
    columns = None if widths is None else tuple(widths[letter] for letter in letters)
    return tuple([a[part] for part in _parts(a.shape[-1], letters, columns)])


def split_later(
    a: Callable[[], Array], gates: str, widths: Mapping[str, int] | None = None
) -> tuple[Callable[[], Array], ...]:
    """`split` of `a()`, as functions that give the parts: what none of them is asked for is never computed."""
    parts = cache(lambda: split(a(), gates, widths))
    return tuple([lambda k=k: parts()[k] for k in range(len(gates))])


@cache  # every step cuts alike
def _parts(size: int, gates: str, columns: tuple[int, ...] | None) -> list[tuple[Any, ...]]:
    width, rest = divmod(size, len(gates))
    if columns is None and rest:
        raise ValueError(f"gate axis must be a multiple of {len(gates)} (gates {gates!r}), got {size}")
    columns = (width,) * len(gates) if columns is None else columns
    if sum(columns) != size:
        raise ValueError(f"gate axis must have {sum(columns)} columns (gates {gates!r}), got {size}")
    return [(..., slice(end - of, end)) for of, end in zip(columns, accumulate(columns), strict=True)]


def fuse(parts: Sequence[Array]) -> Array:
    """The inverse of `split`: gates `(…, H)` joined along the last axis."""
    return np.concatenate(parts, axis=-1)


def repeat(a: Array, times: int) -> Array:
    """Each column `times` times, side by side: `(…, N)` -> `(…, N·times)`."""
    return a if times == 1 else np.repeat(a, times, axis=-1)


def gather(a: Array, times: int) -> Array:
    """`repeat`, backwards: the sum of each `times` neighbouring columns, `(…, N·times)` -> `(…, N)`."""
    return a if times == 1 else a.reshape(*a.shape[:-1], -1, times).sum(axis=-1)


def peep(a: Array, peephole: Array | None, c: Array) -> Array:
    """a + p · c, or a where there is no peephole."""
    return a if peephole is None else a + peephole * c


def clip(a: Array, limit: float | None) -> Array:
    """`a`, within ±limit; None: as it is."""
    return a if limit is None else np.minimum(np.maximum(a, -limit), limit)


def within(d: Array, a: Array, limit: float | None) -> Array:
    """`clip`, backwards: `d` where `a` was within ±limit, else 0."""
    return d if limit is None else d * (np.abs(a) <= limit)


def affine(x: Array, kernel: Array, bias: Array | None) -> Array:
    """x W + b, or x W where there is no bias; `x (…, N)`, `kernel (N, M)`."""
    flat = x.reshape(-1, x.shape[-1]) @ kernel  # one matmul whatever the leading axes
    product = flat.reshape(*x.shape[:-1], kernel.shape[-1])
    if bias is not None:
        product += bias
    return product
