"""LSTM with layer normalisation (Ba, Kiros & Hinton, arXiv 1607.06450 v1) of each gate and of c, as TF1 contrib's
LayerNormBasicLSTMCell has it (tensorflow/contrib/rnn/python/ops/rnn_cell.py, 1.15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from reference.activations import SIGMOID, TANH
from reference.gates import affine, split
from reference.steps import Array

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
