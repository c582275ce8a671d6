"""One file a cell: its gates, its state, its step.

A step module has `gates` (the letters, canonical order), `State` (a NamedTuple, `h` first) and `step`, whose
keyword-only arguments are the cell's options. `step(xw, state, w, …)` gets `xw = x W + b` of that time step, since the
input projection of a whole sequence is one matmul, and returns the new state and the activated gates by letter.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]
Step = Callable[..., tuple[Any, dict[str, Array]]]

CELLS = ("simple_rnn", "lstm", "gru")


class Weights(NamedTuple):
    """A cell's arrays under Keras' names, gates in canonical order (i f g o; z r n); None where there is none."""

    kernel: Array  # (X, G·H)
    recurrent_kernel: Array  # (H, G·H)
    bias: Array | None = None  # (G·H,)
    recurrent_bias: Array | None = None  # (G·H,)

    def edited(self, edit: Callable[[str, Array], Array]) -> Weights:
        """Every array that there is, through `edit(name, array)`."""
        return Weights(**{name: edit(name, a) for name, a in self._asdict().items() if a is not None})


def module(cell: str) -> ModuleType:
    """The step module of a cell. Raises ValueError for an unknown name."""
    if cell not in CELLS:
        raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {cell!r}")
    return import_module(f"reference.steps.{cell}")


def options(cell: str) -> Mapping[str, Any]:
    """The options that a cell's step takes, with their defaults."""
    parameters = inspect.signature(module(cell).step).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
