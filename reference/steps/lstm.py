"""Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins, Neural Computation 12:2451–2471, 2000)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH
from reference.gates import affine, split
from reference.steps import Array, Weights

gates = "ifgo"


class State(NamedTuple):
    h: Array  # (B, H)
    c: Array  # (B, H)


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
    forget_bias: float = 0,  # no 0.0, which would turn fractions into floats
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        i = σ(x W_i + h U_i + b_i)
        f = σ(x W_f + h U_f + b_f + forget_bias)
        g = φ(x W_g + h U_g + b_g)
        o = σ(x W_o + h U_o + b_o)
        c = f · c + i · g
        h = o · φ(c)

    σ is `recurrent_activation`, φ is `activation`; `xw = x W + b (B, 4H)`; `forget_bias` is added at run time and never
    stored (tf.compat.v1.nn.rnn_cell.BasicLSTMCell).
    """
    σ, φ = recurrent_activation, activation
    h, c = state
    a_i, a_f, a_g, a_o = split(xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates)
    i = σ(a_i)
    f = σ(a_f + forget_bias)
    g = φ(a_g)
    o = σ(a_o)
    c = f * c + i * g
    h = o * φ(c)
    return State(h, c), {"i": i, "f": f, "g": g, "o": o}
