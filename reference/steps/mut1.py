"""MUT1, a gated unit found by search (Jozefowicz, Zaremba & Sutskever, ICML 2015, PMLR 37:2342–2350)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH
from reference.gates import affine, fuse, split
from reference.steps import Array, Weights

gates = "zrn"
# X is H: n gets tanh(x) without a matrix, and z has no U.
shapes = {"kernel": "H 2H", "recurrent_kernel": "R 2H", "bias": "3H", "recurrent_bias": "2H"}


class State(NamedTuple):
    h: Array  # (B, H)


def project(x: Array, w: Weights) -> Array:
    """x W_z, x W_r and tanh(x) side by side, + b."""
    a = fuse([affine(x, w.kernel, None), TANH(x)])
    return a if w.bias is None else a + w.bias


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        z = σ(x W_z + b_z)
        r = σ(x W_r + b_r + h U_r + d_r)
        n = φ(tanh(x) + b_n + (r · h) U_n + d_n)
        h = z · n + (1 − z) · h

    σ is `recurrent_activation`, φ is `activation`, d is `recurrent_bias`; `xw` is what `project` gives, `(B, 3H)`. The
    kernel holds W_z and W_r, the recurrent kernel U_r and U_n. As in the paper, the new state is taken where z = 1, and
    x has as many entries as h.
    """
    σ, φ = recurrent_activation, activation
    (h,) = state
    x_z, x_r, x_n = split(xw, gates)
    U_r, U_n = split(w.recurrent_kernel, "rn")
    d_r, d_n = (None,) * 2 if w.recurrent_bias is None else split(w.recurrent_bias, "rn")
    z = σ(x_z)
    r = σ(x_r + affine(h, U_r, d_r))
    n = φ(x_n + affine(r * h, U_n, d_n))
    h = z * n + (1 - z) * h
    return State(h), {"z": z, "r": r, "n": n}
