"""Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins, Neural Computation 12:2451–2471, 2000)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, gather, repeat, split, split_later
from reference.steps import Array, Messages, Moment, Weights, added

gates = "ifgo"


class State(NamedTuple):
    h: Array  # (B, H)
    c: Array  # (B, H)


def widths(units: int, *, cells_per_block: int = 1) -> dict[str, int]:
    """The columns of each gate: the cells of a memory block share i, f and o."""
    blocks, rest = divmod(units, cells_per_block)
    if rest:
        raise ValueError(f"cells_per_block must divide the {units} units, got {cells_per_block}")
    return {"i": blocks, "f": blocks, "g": units, "o": blocks}


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    output_activation: Callable[[Array], Array] | None = None,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
    forget_bias: float = 0,  # no 0.0, which would turn fractions into floats
    cells_per_block: int = 1,
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        i = σ(x W_i + h U_i + b_i)
        f = σ(x W_f + h U_f + b_f + forget_bias)
        g = φ(x W_g + h U_g + b_g)
        o = σ(x W_o + h U_o + b_o)
        c = f · c + i · g
        h = o · ψ(c)

    σ is `recurrent_activation`, φ is `activation`, ψ is `output_activation`, or φ where that is None; `xw = x W + b`;
    `forget_bias` is added at run time and never stored (tf.compat.v1.nn.rnn_cell.BasicLSTMCell). With
    `cells_per_block=S`, i, f and o have H/S columns, and each serves S neighbouring cells.
    """
    σ, φ, ψ = recurrent_activation, activation, output_activation or activation
    h, c = state
    columns = widths(c.shape[-1], cells_per_block=cells_per_block)
    a_i, a_f, a_g, a_o = split(xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates, columns)
    i = repeat(σ(a_i), cells_per_block)
    f = repeat(σ(a_f + forget_bias), cells_per_block)
    g = φ(a_g)
    o = repeat(σ(a_o), cells_per_block)
    c = f * c + i * g
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
    cells_per_block: int,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_o = d_h · ψ(c) · σ'(a_o)
        d_c = d_c + d_h · o · ψ'(c)
        δ_g = d_c · i · φ'(a_g)
        δ_f = d_c · c⁻ · σ'(a_f)
        δ_i = d_c · g · σ'(a_i)
        d_c⁻ = d_c · f
        d_h⁻ = δ Uᵀ

    In a block, δ_i, δ_f and δ_o are sums over its cells.
    """
    σ, φ, ψ = recurrent_activation, activation, output_activation or activation
    h, c = s.before
    i, f, g, o = (s.gates[letter] for letter in gates)
    columns = widths(c.shape[-1], cells_per_block=cells_per_block)
    a_i, a_f, a_g, a_o = split_later(lambda: s.xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates, columns)

    def shared(d: Array, a: Callable[[], Array], y: Array) -> Array:
        return σ.back(gather(d, cells_per_block), a, y[..., ::cells_per_block])

    squashed = ψ(s.after.c)
    δ_o = shared(d.h * squashed, a_o, o)
    d_c = d.c + ψ.back(d.h * o, s.after.c, squashed)
    δ_g = φ.back(d_c * i, a_g, g)
    δ_f = shared(d_c * c, lambda: a_f() + forget_bias, f)
    δ_i = shared(d_c * g, a_i, i)
    δ = clip(fuse([δ_i, δ_f, δ_g, δ_o]), message_clip)
    return State(δ @ via.recurrent_kernel.T, d_c * f), added(h, δ)
