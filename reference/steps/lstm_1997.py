"""The first LSTM, without a forget gate (Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH
from reference.gates import affine, split
from reference.steps import Array, Weights

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
