"""LSTM whose gates see the cell (Gers & Schmidhuber, IJCNN 3:189–194, 2000; Graves, arXiv 1308.0850 v5), with
clipping and projection (Sak, Senior & Beaufays, arXiv 1402.1128 v1) as TF1's LSTMCell has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, peep, split, split_later, within
from reference.steps import Array, Messages, Moment, added

gates = "ifgo"
shapes = {"peephole": "3H", "projection": "H R"}


class Weights(NamedTuple):
    kernel: Array  # (X, 4H)
    recurrent_kernel: Array  # (R, 4H)
    bias: Array | None = None  # (4H,)
    recurrent_bias: Array | None = None  # (4H,)
    peephole: Array | None = None  # (3H,): i f o
    projection: Array | None = None  # (H, R); None: h is not projected, and R is H


class State(NamedTuple):
    h: Array  # (B, R)
    c: Array  # (B, H)


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    output_activation: Callable[[Array], Array] | None = None,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
    forget_bias: float = 0,
    cell_clip: float | None = None,
    proj_clip: float | None = None,
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        i = σ(x W_i + h U_i + p_i · c + b_i)
        f = σ(x W_f + h U_f + p_f · c + b_f + forget_bias)
        g = φ(x W_g + h U_g + b_g)
        c = clip(f · c + i · g)
        o = σ(x W_o + h U_o + p_o · c + b_o)
        h = clip(o · ψ(c) V)

    σ is `recurrent_activation`, φ is `activation`, ψ is `output_activation`, or φ where that is None; p is `peephole`,
    a vector a gate: i and f see the old c, o the new one, clipped. V is `projection (H, R)`. The clips are `cell_clip`
    and `proj_clip`, where they are given; `xw = x W + b`.
    """
    σ, φ, ψ = recurrent_activation, activation, output_activation or activation
    h, c = state
    a_i, a_f, a_g, a_o = split(xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates)
    p_i, p_f, p_o = (None,) * 3 if w.peephole is None else split(w.peephole, "ifo")
    i = σ(peep(a_i, p_i, c))
    f = σ(peep(a_f, p_f, c) + forget_bias)
    g = φ(a_g)
    c = clip(f * c + i * g, cell_clip)
    o = σ(peep(a_o, p_o, c))
    h = o * ψ(c)
    if w.projection is not None:
        h = clip(affine(h, w.projection, None), proj_clip)
    return State(h, c), {"i": i, "f": f, "g": g, "o": o}


def backstep(
    d: State,
    s: Moment,
    w: Weights,
    via: Weights,
    *,
    activation: Activation,
    output_activation: Activation | None,
    recurrent_activation: Activation,
    forget_bias: float,
    cell_clip: float | None,
    proj_clip: float | None,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        d_m = d_h Vᵀ                               where o · ψ(c) V is within its clip, m = o · ψ(c)
        δ_o = d_m · ψ(c) · σ'(a_o)
        d_c = d_c + d_m · o · ψ'(c) + p_o · δ_o    where f · c⁻ + i · g is within its clip
        δ_g = d_c · i · φ'(a_g)
        δ_f = d_c · c⁻ · σ'(a_f)
        δ_i = d_c · g · σ'(a_i)
        d_c⁻ = d_c · f + p_i · δ_i + p_f · δ_f
        d_h⁻ = δ Uᵀ
    """
    σ, φ, ψ = recurrent_activation, activation, output_activation or activation
    h, c = s.before
    i, f, g, o = (s.gates[letter] for letter in gates)
    a_i, a_f, a_g, a_o = split_later(lambda: s.xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates)
    p_i, p_f, p_o = (None,) * 3 if w.peephole is None else split(w.peephole, "ifo")
    v_i, v_f, v_o = (None,) * 3 if via.peephole is None else split(via.peephole, "ifo")
    new, squashed = s.after.c, ψ(s.after.c)
    messages: Messages = {}
    d_m = d.h
    if w.projection is not None:
        m = o * squashed
        d_h = within(d.h, affine(m, w.projection, None), proj_clip)
        d_m = d_h @ w.projection.T
        messages["projection"] = [(m, d_h)]
    δ_o = clip(σ.back(d_m * squashed, lambda: peep(a_o(), p_o, new), o), message_clip)
    d_c = peep(d.c + ψ.back(d_m * o, new, squashed), v_o, δ_o)
    d_c = within(d_c, f * c + i * g, cell_clip)
    δ_g = clip(φ.back(d_c * i, a_g, g), message_clip)
    δ_f = clip(σ.back(d_c * c, lambda: peep(a_f(), p_f, c) + forget_bias, f), message_clip)
    δ_i = clip(σ.back(d_c * g, lambda: peep(a_i(), p_i, c), i), message_clip)
    δ = fuse([δ_i, δ_f, δ_g, δ_o])
    messages |= added(h, δ) | {"peephole": fuse([c * δ_i, c * δ_f, new * δ_o])}
    return State(δ @ via.recurrent_kernel.T, peep(peep(d_c * f, v_i, δ_i), v_f, δ_f)), messages
