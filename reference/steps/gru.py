"""Gated recurrent unit: reset before the matmul (Cho et al., arXiv 1406.1078 v3) or after it (v1, cuDNN)."""

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
    reset_after: bool = True,
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        z = σ(x W_z + b_z + h U_z + d_z)
        r = σ(x W_r + b_r + h U_r + d_r)
        n = φ(x W_n + b_n + r · (h U_n + d_n))      reset after
        n = φ(x W_n + b_n + (r · h) U_n + d_n)      reset before
        h = z · h + (1 − z) · n

    σ is `recurrent_activation`, φ is `activation`, d is `recurrent_bias`; `xw = x W + b (B, 3H)`. The old state is kept
    where z = 1.
    """
    σ, φ = recurrent_activation, activation
    (h,) = state
    x_z, x_r, x_n = split(xw, gates)
    U_z, U_r, U_n = split(w.recurrent_kernel, gates)
    d_z, d_r, d_n = (None,) * 3 if w.recurrent_bias is None else split(w.recurrent_bias, gates)
    z = σ(x_z + affine(h, U_z, d_z))
    r = σ(x_r + affine(h, U_r, d_r))
    n = φ(x_n + (r * affine(h, U_n, d_n) if reset_after else affine(r * h, U_n, d_n)))
    h = z * h + (1 - z) * n
    return State(h), {"z": z, "r": r, "n": n}


def backstep(
    d: State,
    s: Moment,
    w: Weights,
    via: Weights,
    *,
    activation: Activation,
    recurrent_activation: Activation,
    reset_after: bool,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_z = d_h · (h⁻ − n) · σ'(a_z)
        δ_n = d_h · (1 − z) · φ'(a_n)
        δ_r = δ_n · (h⁻ U_n + d_n) · σ'(a_r)                      reset after
        d_h⁻ = d_h · z + δ_z U_zᵀ + δ_r U_rᵀ + (δ_n · r) U_nᵀ
        δ_r = (δ_n U_nᵀ) · h⁻ · σ'(a_r)                           reset before
        d_h⁻ = d_h · z + δ_z U_zᵀ + δ_r U_rᵀ + (δ_n U_nᵀ) · r
    """
    σ, φ = recurrent_activation, activation
    (h,) = s.before
    z, r, n = (s.gates[letter] for letter in gates)
    x_z, x_r, x_n = split(s.xw, gates)
    U_z, U_r, U_n = split(w.recurrent_kernel, gates)
    d_z, d_r, d_n = (None,) * 3 if w.recurrent_bias is None else split(w.recurrent_bias, gates)
    a_z = lambda: x_z + affine(h, U_z, d_z)
    a_r = lambda: x_r + affine(h, U_r, d_r)
    δ_z = clip(σ.back(d.h * (h - n), a_z, z), message_clip)
    if reset_after:
        reset = affine(h, U_n, d_n)
        δ_n = clip(φ.back(d.h * (1 - z), lambda: x_n + r * reset, n), message_clip)
        δ_r = clip(σ.back(δ_n * reset, a_r, r), message_clip)
        δ = fuse([δ_z, δ_r, δ_n * r])
        messages = added(h, δ)
        d_h = d.h * z + δ @ via.recurrent_kernel.T
    else:
        reset = r * h
        δ_n = clip(φ.back(d.h * (1 - z), lambda: x_n + affine(reset, U_n, d_n), n), message_clip)
        V_z, V_r, V_n = split(via.recurrent_kernel, gates)
        d_reset = δ_n @ V_n.T
        δ_r = clip(σ.back(d_reset * h, a_r, r), message_clip)
        δ = fuse([δ_z, δ_r, δ_n])
        messages = added(h, δ) | {"recurrent_kernel": [(h, fuse([δ_z, δ_r])), (reset, δ_n)]}
        d_h = d.h * z + δ_z @ V_z.T + δ_r @ V_r.T + d_reset * r
    return State(d_h), messages | {"xw": fuse([δ_z, δ_r, δ_n])}
