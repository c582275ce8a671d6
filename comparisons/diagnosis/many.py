"""Many hypotheses in one run: the reference's own step, on rows that each have matrices of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Many:
    """N matrices `(N, R, C)` that stand where a step has one: the rows `(N·B, R)` before it are N batches."""

    __array_ufunc__ = None  # so that NumPy leaves `rows @ self` to this class

    def __init__(self, each: Array) -> None:
        self.each = each

    @property
    def shape(self) -> tuple[int, ...]:
        return self.each.shape[1:]

    def __getitem__(self, key: Any) -> Many:
        return Many(self.each[key])

    def __rmatmul__(self, rows: Array) -> Array:
        batches = rows.reshape(len(self.each), -1, rows.shape[-1])
        return (batches @ self.each).reshape(len(rows), -1)


def repeated(each: Array, batch: int) -> Array:
    """One row a hypothesis `(N, C)` -> one a row of its batch `(N·B, C)`."""
    return np.repeat(each, batch, axis=0)
