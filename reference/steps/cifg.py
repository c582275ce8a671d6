"""LSTM with coupled input and forget gates, either way (Greff et al., arXiv 1503.04069 v2; TF1 contrib)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, peep, split, split_later
from reference.steps import Array, Messages, Moment, added

gates = "ifgo"
shapes = {"peephole": "2H"}


class Weights(NamedTuple):
    kernel: Array  # (X, 3H)
    recurrent_kernel: Array  # (H, 3H)
    bias: Array | None = None  # (3H,)
    recurrent_bias: Array | None = None  # (3H,)
    peephole: Array | None = None  # (2H,): of f, or of i, and o


class State(NamedTuple):
    h: Array  # (B, H)
    c: Array  # (B, H)


def widths(units: int, *, coupled: str = "i") -> dict[str, int]:
    """The columns of each gate: the coupled one has none."""
    if coupled not in ("i", "f"):
        raise ValueError(f"coupled must be 'i' (i = 1 − f) or 'f' (f = 1 − i), got {coupled!r}")
    return {letter: 0 if letter == coupled else units for letter in gates}


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    output_activation: Callable[[Array], Array] | None = None,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
    forget_bias: float = 0,
    coupled: str = "i",
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        f = σ(x W_f + h U_f + p_f · c + b_f + forget_bias),   i = 1 − f      coupled="i"
        i = σ(x W_i + h U_i + p_i · c + b_i − forget_bias),   f = 1 − i      coupled="f"
        g = φ(x W_g + h U_g + b_g)
        c = f · c + i · g
        o = σ(x W_o + h U_o + p_o · c + b_o)
        h = o · ψ(c)

    σ is `recurrent_activation`, φ is `activation`, ψ is `output_activation`, or φ where that is None; p is `peephole`;
    `xw = x W + b (B, 3H)`. `coupled="f"` is the paper's and ONNX' `input_forget`, `coupled="i"` TF1 contrib's
    (CoupledInputForgetGateLSTMCell).
    """
    σ, φ, ψ = recurrent_activation, activation, output_activation or activation
    h, c = state
    columns = widths(c.shape[-1], coupled=coupled)
    a_i, a_f, a_g, a_o = split(xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates, columns)
    p, p_o = (None, None) if w.peephole is None else split(w.peephole, "po")
    if coupled == "i":
        f = σ(peep(a_f, p, c) + forget_bias)
        i = 1 - f
    else:
        i = σ(peep(a_i, p, c) - forget_bias)
        f = 1 - i
    g = φ(a_g)
    c = f * c + i * g
    o = σ(peep(a_o, p_o, c))
    h = o * ψ(c)
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
    coupled: str,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_o = d_h · ψ(c) · σ'(a_o)
        d_c = d_c + d_h · o · ψ'(c) + p_o · δ_o
        δ_g = d_c · i · φ'(a_g)
        δ_f = d_c · (c⁻ − g) · σ'(a_f)                  coupled="i"
        δ_i = d_c · (g − c⁻) · σ'(a_i)                  coupled="f"
        d_c⁻ = d_c · f + p_f · δ_f, or + p_i · δ_i
        d_h⁻ = δ Uᵀ
    """
    σ, φ, ψ = recurrent_activation, activation, output_activation or activation
    h, c = s.before
    i, f, g, o = (s.gates[letter] for letter in gates)
    columns = widths(c.shape[-1], coupled=coupled)
    a_i, a_f, a_g, a_o = split_later(lambda: s.xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates, columns)
    p, p_o = (None, None) if w.peephole is None else split(w.peephole, "po")
    v, v_o = (None, None) if via.peephole is None else split(via.peephole, "po")
    new, squashed = s.after.c, ψ(s.after.c)
    δ_o = clip(σ.back(d.h * squashed, lambda: peep(a_o(), p_o, new), o), message_clip)
    d_c = peep(d.c + ψ.back(d.h * o, new, squashed), v_o, δ_o)
    δ_g = clip(φ.back(d_c * i, a_g, g), message_clip)
    if coupled == "i":
        δ_gate = clip(σ.back(d_c * (c - g), lambda: peep(a_f(), p, c) + forget_bias, f), message_clip)
    else:
        δ_gate = clip(σ.back(d_c * (g - c), lambda: peep(a_i(), p, c) - forget_bias, i), message_clip)
    δ = fuse([δ_gate, δ_g, δ_o])
    messages = added(h, δ) | {"peephole": fuse([c * δ_gate, new * δ_o])}
    return State(δ @ via.recurrent_kernel.T, peep(d_c * f, v, δ_gate)), messages
