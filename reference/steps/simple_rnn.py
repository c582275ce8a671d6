"""The simple recurrent network (Elman, Cognitive Science 14:179–211, 1990)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import TANH, Activation
from reference.gates import affine, clip
from reference.steps import Array, Messages, Moment, Weights, added

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


def backstep(
    d: State, s: Moment, w: Weights, via: Weights, *, activation: Activation, message_clip: float | None = None
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ  = d_h · φ'(a)
        d_h⁻ = δ Uᵀ
    """
    h = s.before.h
    a = lambda: s.xw + affine(h, w.recurrent_kernel, w.recurrent_bias)
    δ = clip(activation.back(d.h, a, s.gates["h"]), message_clip)
    return State(δ @ via.recurrent_kernel.T), added(h, δ)
