"""LSTM with layer normalisation (Ba, Kiros & Hinton, arXiv 1607.06450 v1) of each matmul and of c, as TensorFlow
Addons' LayerNormLSTMCell has it (tensorflow_addons/rnn/layer_norm_lstm_cell.py at fea341f)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH
from reference.gates import affine, split
from reference.steps import Array
from reference.steps.layer_norm_lstm import norm

gates = "ifgo"
shapes = {
    "kernel_gamma": "C",
    "kernel_beta": "C",
    "recurrent_gamma": "C",
    "recurrent_beta": "C",
    "state_gamma": "H",
    "state_beta": "H",
}


class Weights(NamedTuple):
    kernel: Array  # (X, 4H)
    recurrent_kernel: Array  # (H, 4H)
    bias: Array | None = None  # (4H,)
    recurrent_bias: Array | None = None  # (4H,)
    kernel_gamma: Array | None = None  # (4H,)
    kernel_beta: Array | None = None  # (4H,)
    recurrent_gamma: Array | None = None  # (4H,)
    recurrent_beta: Array | None = None  # (4H,)
    state_gamma: Array | None = None  # (H,)
    state_beta: Array | None = None  # (H,)


class State(NamedTuple):
    h: Array  # (B, H)
    c: Array  # (B, H), normalised


def project(x: Array, w: Weights) -> Array:
    """x W, since b comes after the norm."""
    return affine(x, w.kernel, None)


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
    norm_epsilon: float = 1e-3,
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        a = norm_x(x W) + norm_h(h U) + b
        i = σ(a_i)
        f = σ(a_f)
        g = φ(a_g)
        o = σ(a_o)
        c = norm_c(f · c + i · g)
        h = o · φ(c)

        norm(a) = γ · (a − mean(a)) / √(variance(a) + ε) + β

    σ is `recurrent_activation`, φ is `activation`, ε is `norm_epsilon`; `xw = x W (B, 4H)`. The mean is over the 4H
    columns of all gates; γ and β are `kernel_gamma` and `kernel_beta` for x W, `recurrent_…` for h U, `state_…` for c.
    The new c is normalised before it is stored. A `recurrent_bias` is added to b.
    """
    σ, φ = recurrent_activation, activation
    h, c = state
    a = norm(xw, w.kernel_gamma, w.kernel_beta, norm_epsilon)
    a = a + norm(affine(h, w.recurrent_kernel, None), w.recurrent_gamma, w.recurrent_beta, norm_epsilon)
    for bias in (w.bias, w.recurrent_bias):
        a = a if bias is None else a + bias
    a_i, a_f, a_g, a_o = split(a, gates)
    i = σ(a_i)
    f = σ(a_f)
    g = φ(a_g)
    o = σ(a_o)
    c = norm(f * c + i * g, w.state_gamma, w.state_beta, norm_epsilon)
    h = o * φ(c)
    return State(h, c), {"i": i, "f": f, "g": g, "o": o}
