"""The recurrent network whose memory is its output (Jordan, Cognitive Science Society 8:531–546, 1986)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import LINEAR, TANH
from reference.gates import affine
from reference.steps import Array

gates = "h"
shapes = {"output_kernel": "H R", "output_bias": "R"}


class Weights(NamedTuple):
    kernel: Array  # (X, H)
    recurrent_kernel: Array  # (R, H)
    bias: Array | None = None  # (H,)
    recurrent_bias: Array | None = None  # (H,)
    output_kernel: Array | None = None  # (H, R); None: y = ψ(h), and R is H
    output_bias: Array | None = None  # (R,)


class State(NamedTuple):
    y: Array  # (B, R)


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    output_activation: Callable[[Array], Array] = LINEAR,
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        h = φ(x W + y U + b)
        y = ψ(h V + v)

    φ is `activation`, ψ is `output_activation`, V `output_kernel (H, R)` and v `output_bias`; `xw = x W + b`. What the
    recurrence carries is the output y, not the hidden h.
    """
    φ, ψ = activation, output_activation
    (y,) = state
    h = φ(xw + affine(y, w.recurrent_kernel, w.recurrent_bias))
    y = ψ(h if w.output_kernel is None else affine(h, w.output_kernel, w.output_bias))
    return State(y), {"h": h}
