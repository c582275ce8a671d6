"""MUT1, a gated unit found by search (Jozefowicz, Zaremba & Sutskever, ICML 2015, PMLR 37:2342–2350)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, split
from reference.steps import Array, Messages, Moment, Weights

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


def backproject(d: Array, x: Array, w: Weights) -> tuple[Array, dict[str, Array]]:
    """Back through x W_z, x W_r and tanh(x)."""
    d_z, d_r, d_n = split(d, gates)
    d_zr = fuse([d_z, d_r])
    d_x = d_zr @ w.kernel.T + TANH.back(d_n, x, TANH(x))
    return d_x, {"kernel": x.T @ d_zr, "bias": d.sum(axis=0)}


def backstep(
    d: State,
    s: Moment,
    w: Weights,
    via: Weights,
    *,
    activation: Activation,
    recurrent_activation: Activation,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_z = d_h · (n − h⁻) · σ'(a_z)
        δ_n = d_h · z · φ'(a_n)
        d_q = δ_n U_nᵀ                               of q = r · h⁻
        δ_r = d_q · h⁻ · σ'(a_r)
        d_h⁻ = d_h · (1 − z) + d_q · r + δ_r U_rᵀ
    """
    σ, φ = recurrent_activation, activation
    (h,) = s.before
    z, r, n = (s.gates[letter] for letter in gates)
    x_z, x_r, x_n = split(s.xw, gates)
    U_r, U_n = split(w.recurrent_kernel, "rn")
    V_r, V_n = split(via.recurrent_kernel, "rn")
    d_r, d_n = (None,) * 2 if w.recurrent_bias is None else split(w.recurrent_bias, "rn")
    reset = r * h
    δ_z = clip(σ.back(d.h * (n - h), x_z, z), message_clip)
    δ_n = clip(φ.back(d.h * z, lambda: x_n + affine(reset, U_n, d_n), n), message_clip)
    d_q = δ_n @ V_n.T
    δ_r = clip(σ.back(d_q * h, lambda: x_r + affine(h, U_r, d_r), r), message_clip)
    messages: Messages = {"xw": fuse([δ_z, δ_r, δ_n]), "recurrent_bias": fuse([δ_r, δ_n])}
    messages["recurrent_kernel"] = [(h, δ_r), (reset, δ_n)]
    return State(d.h * (1 - z) + d_q * r + δ_r @ V_r.T), messages
