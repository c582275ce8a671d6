"""LSTM with coupled input and forget gates, either way (Greff et al., arXiv 1503.04069 v2; TF1 contrib)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH
from reference.gates import affine, peep, split
from reference.steps import Array

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
