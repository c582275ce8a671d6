"""LSTM with layer normalisation (Ba, Kiros & Hinton, arXiv 1607.06450 v1) of each gate and of c, as TF1 contrib's
LayerNormBasicLSTMCell has it (tensorflow/contrib/rnn/python/ops/rnn_cell.py, 1.15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from reference.activations import SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, split
from reference.steps import Array, Messages, Moment, added

gates = "ifgo"
shapes = {"gamma": "C", "beta": "C", "state_gamma": "H", "state_beta": "H"}


class Weights(NamedTuple):
    kernel: Array  # (X, 4H)
    recurrent_kernel: Array  # (H, 4H)
    bias: Array | None = None  # (4H,)
    recurrent_bias: Array | None = None  # (4H,)
    gamma: Array | None = None  # (4H,): the gains, i f g o
    beta: Array | None = None  # (4H,): the shifts
    state_gamma: Array | None = None  # (H,)
    state_beta: Array | None = None  # (H,)


class State(NamedTuple):
    h: Array  # (B, H)
    c: Array  # (B, H), normalised


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
    forget_bias: float = 0,
    norm_epsilon: float = 1e-12,
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        a_q = norm_q(x W_q + h U_q + b_q)      q = i, f, g, o
        i = σ(a_i)
        f = σ(a_f + forget_bias)
        g = φ(a_g)
        o = σ(a_o)
        c = norm_c(f · c + i · g)
        h = o · φ(c)

        norm(a) = γ · (a − mean(a)) / √(variance(a) + ε) + β

    σ is `recurrent_activation`, φ is `activation`, ε is `norm_epsilon`; `xw = x W + b (B, 4H)`. The mean is over the H
    units of one gate; γ and β are that gate's part of `gamma` and `beta`, and `state_gamma` and `state_beta` for c. The
    new c is normalised before it is stored. Contrib has no b: β takes its place.
    """
    σ, φ = recurrent_activation, activation
    h, c = state
    a = split(xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates)
    γ, β = ((None,) * 4 if array is None else split(array, gates) for array in (w.gamma, w.beta))
    a_i, a_f, a_g, a_o = (norm(*of_gate, norm_epsilon) for of_gate in zip(a, γ, β, strict=True))
    i = σ(a_i)
    f = σ(a_f + forget_bias)
    g = φ(a_g)
    o = σ(a_o)
    c = norm(f * c + i * g, w.state_gamma, w.state_beta, norm_epsilon)
    h = o * φ(c)
    return State(h, c), {"i": i, "f": f, "g": g, "o": o}


def norm(a: Array, gamma: Array | None, beta: Array | None, epsilon: float) -> Array:
    """γ · (a − mean(a)) / √(variance(a) + ε) + β over the last axis; without γ or β where they are None."""
    d = a - a.mean(axis=-1, keepdims=True)
    y = d / np.sqrt((d * d).mean(axis=-1, keepdims=True) + epsilon)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


def norm_back(d: Array, a: Array, gamma: Array | None, epsilon: float) -> tuple[Array, Array]:
    """`norm`, backwards: the gradients with respect to a and, in every row, to γ.

    ::

        y = (a − mean(a)) / √(variance(a) + ε)
        d_a = (γ · d − mean(γ · d) − y · mean(γ · d · y)) / √(variance(a) + ε)
        d_γ = d · y
    """
    centred = a - a.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + epsilon)
    y = centred / deviation
    d_y = d if gamma is None else d * gamma
    d_a = d_y - d_y.mean(axis=-1, keepdims=True) - y * (d_y * y).mean(axis=-1, keepdims=True)
    return d_a / deviation, d * y


def backstep(
    d: State,
    s: Moment,
    w: Weights,
    via: Weights,
    *,
    activation: Activation,
    recurrent_activation: Activation,
    forget_bias: float,
    norm_epsilon: float,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_o = d_h · φ(c) · σ'(a_o)
        d_s = norm_c'(d_c + d_h · o · φ'(c))         of s = f · c⁻ + i · g
        δ_g = d_s · i · φ'(a_g)
        δ_f = d_s · c⁻ · σ'(a_f + forget_bias)
        δ_i = d_s · g · σ'(a_i)
        d_c⁻ = d_s · f
        δ_q = norm_q'(δ_q)                           q = i, f, g, o
        d_h⁻ = δ Uᵀ

    The net inputs, whose gradients a `message_clip` holds, are those before the norm.
    """
    σ, φ = recurrent_activation, activation
    h, c = s.before
    i, f, g, o = (s.gates[letter] for letter in gates)
    a = split(s.xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates)
    γ, β = ((None,) * 4 if array is None else split(array, gates) for array in (w.gamma, w.beta))
    a_i, a_f, a_g, a_o = (norm(*of_gate, norm_epsilon) for of_gate in zip(a, γ, β, strict=True))
    new, squashed = s.after.c, φ(s.after.c)
    d_new = d.c + φ.back(d.h * o, new, squashed)
    d_c, d_state_gamma = norm_back(d_new, f * c + i * g, w.state_gamma, norm_epsilon)
    d_o = σ.back(d.h * squashed, a_o, o)
    d_g = φ.back(d_c * i, a_g, g)
    d_f = σ.back(d_c * c, a_f + forget_bias, f)
    d_i = σ.back(d_c * g, a_i, i)
    normed = [norm_back(*of_gate, norm_epsilon) for of_gate in zip((d_i, d_f, d_g, d_o), a, γ, strict=True)]
    δ = clip(fuse([δ_q for δ_q, _ in normed]), message_clip)
    messages = added(h, δ) | {"gamma": fuse([d_γ for _, d_γ in normed]), "beta": fuse([d_i, d_f, d_g, d_o])}
    messages |= {"state_gamma": d_state_gamma, "state_beta": d_new}
    return State(δ @ via.recurrent_kernel.T, d_c * f), messages
