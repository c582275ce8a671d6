"""MUT3, a gated unit found by search (Jozefowicz, Zaremba & Sutskever, ICML 2015, PMLR 37:2342–2350)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, split
from reference.steps import Array, Messages, Moment, Weights, added

gates = "zrn"


class State(NamedTuple):
    h: Array  # (B, H)


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        z = σ(x W_z + b_z + tanh(h) U_z + d_z)
        r = σ(x W_r + b_r + h U_r + d_r)
        n = φ(x W_n + b_n + (r · h) U_n + d_n)
        h = z · n + (1 − z) · h

    σ is `recurrent_activation`, φ is `activation`, d is `recurrent_bias`; `xw = x W + b (B, 3H)`. As in the paper, the
    new state is taken where z = 1.
    """
    σ, φ = recurrent_activation, activation
    (h,) = state
    x_z, x_r, x_n = split(xw, gates)
    U_z, U_r, U_n = split(w.recurrent_kernel, gates)
    d_z, d_r, d_n = (None,) * 3 if w.recurrent_bias is None else split(w.recurrent_bias, gates)
    z = σ(x_z + affine(TANH(h), U_z, d_z))
    r = σ(x_r + affine(h, U_r, d_r))
    n = φ(x_n + affine(r * h, U_n, d_n))
    h = z * n + (1 - z) * h
    return State(h), {"z": z, "r": r, "n": n}


def backstep(
    d: State,
    s: Moment,
    w: Weights,
    via: Weights,
    *,
    activation: Activation,
    recurrent_activation: Activation,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_z = d_h · (n − h⁻) · σ'(a_z)
        δ_n = d_h · z · φ'(a_n)
        d_q = δ_n U_nᵀ                               of q = r · h⁻
        δ_r = d_q · h⁻ · σ'(a_r)
        d_h⁻ = d_h · (1 − z) + d_q · r + δ_r U_rᵀ + δ_z U_zᵀ · tanh'(h⁻)
    """
    σ, φ = recurrent_activation, activation
    (h,) = s.before
    z, r, n = (s.gates[letter] for letter in gates)
    x_z, x_r, x_n = split(s.xw, gates)
    U_z, U_r, U_n = split(w.recurrent_kernel, gates)
    V_z, V_r, V_n = split(via.recurrent_kernel, gates)
    d_z, d_r, d_n = (None,) * 3 if w.recurrent_bias is None else split(w.recurrent_bias, gates)
    squashed = TANH(h)
    reset = r * h
    δ_z = clip(σ.back(d.h * (n - h), lambda: x_z + affine(squashed, U_z, d_z), z), message_clip)
    δ_n = clip(φ.back(d.h * z, lambda: x_n + affine(reset, U_n, d_n), n), message_clip)
    d_q = δ_n @ V_n.T
    δ_r = clip(σ.back(d_q * h, lambda: x_r + affine(h, U_r, d_r), r), message_clip)
    d_h = d.h * (1 - z) + d_q * r + δ_r @ V_r.T + TANH.back(δ_z @ V_z.T, h, squashed)
    messages = added(h, fuse([δ_z, δ_r, δ_n])) | {"recurrent_kernel": [(squashed, δ_z), (h, δ_r), (reset, δ_n)]}
    return State(d_h), messages
