"""The recurrent network whose memory is its output (Jordan, Cognitive Science Society 8:531–546, 1986)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import LINEAR, TANH, Activation
from reference.gates import affine, clip
from reference.steps import Array, Messages, Moment, added

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


def backstep(
    d: State,
    s: Moment,
    w: Weights,
    via: Weights,
    *,
    activation: Activation,
    output_activation: Activation,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_y = d_y · ψ'(h V + v)
        δ_h = δ_y Vᵀ · φ'(a)
        d_y⁻ = δ_h Uᵀ
    """
    φ, ψ = activation, output_activation
    (y,) = s.before
    h = s.gates["h"]
    a_h = lambda: s.xw + affine(y, w.recurrent_kernel, w.recurrent_bias)
    a_y = lambda: h if w.output_kernel is None else affine(h, w.output_kernel, w.output_bias)
    δ_y = clip(ψ.back(d.y, a_y, s.after.y), message_clip)
    δ_h = clip(φ.back(δ_y if w.output_kernel is None else δ_y @ w.output_kernel.T, a_h, h), message_clip)
    return State(δ_h @ via.recurrent_kernel.T), added(y, δ_h) | {"output_kernel": [(h, δ_y)], "output_bias": δ_y}
