"""A use of a stock layer: what it is computed from, and what every layer's functions take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
MOST = 2**28  # numbers that one output may have: a config is a stranger's


class Use(NamedTuple):
    """One call of a layer: its config as `reference.files.eras.modern` gives it, its weights by Keras 3's names."""

    kind: str
    config: Mapping[str, Any]
    weights: Mapping[str, Array]
    inputs: list[Array]  # each (B, …)
    masks: list[Array | None]  # of the inputs, (B, T) as a rule
    keywords: Mapping[str, Any]  # of the call
    era: str
    masks_as: str  # the era whose rules masks follow

    @property
    def x(self) -> Array:
        return self.inputs[0]

    @property
    def mask(self) -> Array | None:
        return self.masks[0]

    def get(self, name: str, default: Any = None) -> Any:
        value = self.config.get(name)
        return default if value is None else value

    def each(self, name: str, rank: int, default: Any = 1) -> tuple[int, ...]:
        """An argument that is one number for all axes, or one an axis.

        Raises ValueError where there are not as many as axes.
        """
        value = self.get(name, default)
        many = tuple(value) if isinstance(value, list | tuple) else (value,) * rank
        if len(many) != rank:
            raise ValueError(f"{name} of {self.kind} must have {rank} numbers, got {value!r}")
        return many

    def refuse(self, what: str, must: str, got: object) -> ValueError:
        return ValueError(f"{what} of {self.kind} {must}, got {got}")


def rank(use: Use, wanted: int) -> None:
    """Raise ValueError where the input has another number of axes, the batch counted."""
    if use.x.ndim != wanted:
        raise use.refuse("input", f"must have {wanted} axes", f"shape {use.x.shape}")


def bounded(use: Use, shape: Iterable[int]) -> None:
    """Raise ValueError where an output would be larger than any model's."""
    size = math.prod(shape)
    if size > MOST:
        raise use.refuse("output", f"must have at most {MOST} numbers", size)


def channels_first(use: Use) -> bool:
    return use.config.get("data_format") == "channels_first"


def to_last(use: Use, x: Array) -> Array:
    """The input with its channels on the last axis."""
    return np.moveaxis(x, 1, -1) if channels_first(use) else x


def from_last(use: Use, y: Array) -> Array:
    return np.moveaxis(y, -1, 1) if channels_first(use) else y
