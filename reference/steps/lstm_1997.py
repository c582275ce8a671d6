"""The first LSTM, without a forget gate (Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, split, split_later
from reference.steps import Array, Messages, Moment, Weights, added

gates = "igo"


class State(NamedTuple):
    h: Array  # (B, H)
    c: Array  # (B, H)


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    output_activation: Callable[[Array], Array] | None = None,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        i = σ(x W_i + h U_i + b_i)
        g = φ(x W_g + h U_g + b_g)
        o = σ(x W_o + h U_o + b_o)
        c = c + i · g
        h = o · ψ(c)

    σ is `recurrent_activation`, φ is `activation`, ψ is `output_activation`, or φ where that is None; `xw = x W + b`.
    The paper's own φ is `sigmoid_in_2`, 4 / (1 + exp(−a)) − 2, and its ψ is `sigmoid_in_1`, 2 / (1 + exp(−a)) − 1.
    """
    σ, φ, ψ = recurrent_activation, activation, output_activation or activation
    h, c = state
    a_i, a_g, a_o = split(xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates)
    i = σ(a_i)
    g = φ(a_g)
    o = σ(a_o)
    c = c + i * g
    h = o * ψ(c)
    return State(h, c), {"i": i, "g": g, "o": o}


def backstep(
    d: State,
    s: Moment,
    w: Weights,
    via: Weights,
    *,
    activation: Activation,
    output_activation: Activation | None,
    recurrent_activation: Activation,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_o = d_h · ψ(c) · σ'(a_o)
        d_c = d_c + d_h · o · ψ'(c)
        δ_g = d_c · i · φ'(a_g)
        δ_i = d_c · g · σ'(a_i)
        d_c⁻ = d_c
        d_h⁻ = δ Uᵀ
    """
    σ, φ, ψ = recurrent_activation, activation, output_activation or activation
    h, i, g, o = s.before.h, *(s.gates[letter] for letter in gates)
    a_i, a_g, a_o = split_later(lambda: s.xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates)
    squashed = ψ(s.after.c)
    δ_o = σ.back(d.h * squashed, a_o, o)
    d_c = d.c + ψ.back(d.h * o, s.after.c, squashed)
    δ_g = φ.back(d_c * i, a_g, g)
    δ_i = σ.back(d_c * g, a_i, i)
    δ = clip(fuse([δ_i, δ_g, δ_o]), message_clip)
    return State(δ @ via.recurrent_kernel.T, d_c), added(h, δ)
