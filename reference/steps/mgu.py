"""Minimal gated unit (Zhou, Wu, Zhang & Zhou, arXiv 1603.09420 v1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, split
from reference.steps import Array, Messages, Moment, Weights, added

gates = "fn"


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

        f = σ(x W_f + b_f + h U_f + d_f)
        n = φ(x W_n + b_n + (f · h) U_n + d_n)
        h = (1 − f) · h + f · n

    σ is `recurrent_activation`, φ is `activation`, d is `recurrent_bias`; `xw = x W + b (B, 2H)`. As in the paper, the
    old state is kept where f = 0: f is a GRU's r and its 1 − z at once.
    """
    σ, φ = recurrent_activation, activation
    (h,) = state
    x_f, x_n = split(xw, gates)
    U_f, U_n = split(w.recurrent_kernel, gates)
    d_f, d_n = (None,) * 2 if w.recurrent_bias is None else split(w.recurrent_bias, gates)
    f = σ(x_f + affine(h, U_f, d_f))
    n = φ(x_n + affine(f * h, U_n, d_n))
    h = (1 - f) * h + f * n
    return State(h), {"f": f, "n": n}


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

        δ_n = d_h · f · φ'(a_n)
        d_q = δ_n U_nᵀ                               of q = f · h⁻
        δ_f = (d_h · (n − h⁻) + d_q · h⁻) · σ'(a_f)
        d_h⁻ = d_h · (1 − f) + d_q · f + δ_f U_fᵀ
    """
    σ, φ = recurrent_activation, activation
    (h,) = s.before
    f, n = (s.gates[letter] for letter in gates)
    x_f, x_n = split(s.xw, gates)
    U_f, U_n = split(w.recurrent_kernel, gates)
    V_f, V_n = split(via.recurrent_kernel, gates)
    d_f, d_n = (None,) * 2 if w.recurrent_bias is None else split(w.recurrent_bias, gates)
    reset = f * h
    δ_n = clip(φ.back(d.h * f, lambda: x_n + affine(reset, U_n, d_n), n), message_clip)
    d_q = δ_n @ V_n.T
    δ_f = clip(σ.back(d.h * (n - h) + d_q * h, lambda: x_f + affine(h, U_f, d_f), f), message_clip)
    messages = added(h, fuse([δ_f, δ_n])) | {"recurrent_kernel": [(h, δ_f), (reset, δ_n)]}
    return State(d.h * (1 - f) + d_q * f + δ_f @ V_f.T), messages
