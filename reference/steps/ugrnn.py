"""Update gate RNN (Collins, Sohl-Dickstein & Sussillo, arXiv 1611.09913 v3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, split, split_later
from reference.steps import Array, Messages, Moment, Weights, added

gates = "zn"


class State(NamedTuple):
    h: Array  # (B, H)


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
    forget_bias: float = 0,
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        z = σ(x W_z + h U_z + b_z + forget_bias)
        n = φ(x W_n + h U_n + b_n)
        h = z · h + (1 − z) · n

    σ is `recurrent_activation`, φ is `activation`; `xw = x W + b (B, 2H)`. The paper's g is z here, and its c is n: the
    old state is kept where z = 1. `forget_bias` is added at run time and never stored (TF1 contrib's UGRNNCell, where
    it is 1).
    """
    σ, φ = recurrent_activation, activation
    (h,) = state
    a_z, a_n = split(xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates)
    z = σ(a_z + forget_bias)
    n = φ(a_n)
    h = z * h + (1 - z) * n
    return State(h), {"z": z, "n": n}


def backstep(
    d: State,
    s: Moment,
    w: Weights,
    via: Weights,
    *,
    activation: Activation,
    recurrent_activation: Activation,
    forget_bias: float,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_z = d_h · (h⁻ − n) · σ'(a_z)
        δ_n = d_h · (1 − z) · φ'(a_n)
        d_h⁻ = d_h · z + δ Uᵀ
    """
    σ, φ = recurrent_activation, activation
    (h,) = s.before
    z, n = (s.gates[letter] for letter in gates)
    a_z, a_n = split_later(lambda: s.xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates)
    δ_z = σ.back(d.h * (h - n), lambda: a_z() + forget_bias, z)
    δ_n = φ.back(d.h * (1 - z), a_n, n)
    δ = clip(fuse([δ_z, δ_n]), message_clip)
    return State(d.h * z + δ @ via.recurrent_kernel.T), added(h, δ)
