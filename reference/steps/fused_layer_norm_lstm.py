"""LSTM with layer normalisation (Ba, Kiros & Hinton, arXiv 1607.06450 v1) of each matmul and of c, as TensorFlow
Addons' LayerNormLSTMCell has it (tensorflow_addons/rnn/layer_norm_lstm_cell.py at fea341f)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, split, split_later
from reference.steps import Array, Messages, Moment
from reference.steps.layer_norm_lstm import norm, norm_back

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


def backproject(d: Array, x: Array, w: Weights) -> tuple[Array, dict[str, Array]]:
    """Back through x W."""
    return d @ w.kernel.T, {"kernel": x.T @ d}


def backstep(
    d: State,
    s: Moment,
    w: Weights,
    via: Weights,
    *,
    activation: Activation,
    recurrent_activation: Activation,
    norm_epsilon: float,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_o = d_h · φ(c) · σ'(a_o)
        d_s = norm_c'(d_c + d_h · o · φ'(c))         of s = f · c⁻ + i · g
        δ_g = d_s · i · φ'(a_g)
        δ_f = d_s · c⁻ · σ'(a_f)
        δ_i = d_s · g · σ'(a_i)
        d_c⁻ = d_s · f
        d_h⁻ = norm_h'(δ) Uᵀ
    """
    σ, φ = recurrent_activation, activation
    h, c = s.before
    i, f, g, o = (s.gates[letter] for letter in gates)
    hU = affine(h, w.recurrent_kernel, None)

    def net() -> Array:
        a = norm(s.xw, w.kernel_gamma, w.kernel_beta, norm_epsilon)
        a = a + norm(hU, w.recurrent_gamma, w.recurrent_beta, norm_epsilon)
        for bias in (w.bias, w.recurrent_bias):
            a = a if bias is None else a + bias
        return a

    a_i, a_f, a_g, a_o = split_later(net, gates)
    new, squashed = s.after.c, φ(s.after.c)
    d_new = d.c + φ.back(d.h * o, new, squashed)
    d_c, d_state_gamma = norm_back(d_new, f * c + i * g, w.state_gamma, norm_epsilon)
    δ_o = σ.back(d.h * squashed, a_o, o)
    δ_g = φ.back(d_c * i, a_g, g)
    δ_f = σ.back(d_c * c, a_f, f)
    δ_i = σ.back(d_c * g, a_i, i)
    δ = clip(fuse([δ_i, δ_f, δ_g, δ_o]), message_clip)
    d_xW, d_kernel_gamma = norm_back(δ, s.xw, w.kernel_gamma, norm_epsilon)
    d_hU, d_recurrent_gamma = norm_back(δ, hU, w.recurrent_gamma, norm_epsilon)
    messages: Messages = {"xw": d_xW, "recurrent_kernel": [(h, d_hU)], "bias": δ, "recurrent_bias": δ}
    messages |= {"kernel_gamma": d_kernel_gamma, "kernel_beta": δ}
    messages |= {"recurrent_gamma": d_recurrent_gamma, "recurrent_beta": δ}
    messages |= {"state_gamma": d_state_gamma, "state_beta": d_new}
    return State(d_hU @ via.recurrent_kernel.T, d_c * f), messages
