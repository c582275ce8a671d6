"""The simple recurrent network (Elman, Cognitive Science 14:179–211, 1990)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import TANH
from reference.gates import affine
from reference.steps import Array, Weights

gates = "h"


class State(NamedTuple):
    h: Array  # (B, H)


def step(
    xw: Array, state: State, w: Weights, *, activation: Callable[[Array], Array] = TANH
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        h = activation(x W + h U + b)

    `xw = x W + b (B, H)`.
    """
    h = activation(xw + affine(state.h, w.recurrent_kernel, w.recurrent_bias))
    return State(h), {"h": h}
