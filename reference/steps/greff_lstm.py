"""The vanilla LSTM and its eight variants (Greff et al., LSTM: A Search Space Odyssey, arXiv 1503.04069 v2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference.activations import LINEAR, SIGMOID, TANH, Activation
from reference.gates import affine, clip, fuse, peep, split
from reference.steps import Array, Messages, Moment, added

gates = "ifgo"
shapes = {"peephole": "C-H", "gate_recurrent_kernel": "3H 3H"}

VARIANTS = ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")
ABSENT = {"NIG": "i", "NFG": "f", "NOG": "o", "CIFG": "f"}  # the gate that has no weights


class Weights(NamedTuple):
    kernel: Array  # (X, C): C is 4H, or 3H where a gate is absent
    recurrent_kernel: Array  # (H, C)
    bias: Array | None = None  # (C,)
    recurrent_bias: Array | None = None  # (C,)
    peephole: Array | None = None  # (C − H,): of those of i f o that there are
    gate_recurrent_kernel: Array | None = None  # (3H, 3H): FGR's


class State(NamedTuple):
    h: Array  # (B, H)
    c: Array  # (B, H)
    i: Array  # (B, H), like f and o: the gates of the step before, at which FGR alone looks
    f: Array
    o: Array


def widths(units: int, *, variant: str = "V") -> dict[str, int]:
    """The columns of each gate: an absent one has none."""
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {variant!r}")
    return {letter: 0 if letter == ABSENT.get(variant) else units for letter in gates}


def step(
    xw: Array,
    state: State,
    w: Weights,
    *,
    activation: Callable[[Array], Array] = TANH,
    recurrent_activation: Callable[[Array], Array] = SIGMOID,
    variant: str = "V",
) -> tuple[State, dict[str, Array]]:
    """Advance one time step.

    ::

        a = x W + h U + b
        a_i, a_f, a_o += (i f o) R                   FGR
        i = σ(a_i + p_i · c)                         NIG: i = 1
        f = σ(a_f + p_f · c)                         NFG: f = 1    CIFG: f = 1 − i
        g = φ(a_g)                                   NIAF: g = a_g
        c = f · c + i · g
        o = σ(a_o + p_o · c)                         NOG: o = 1
        h = o · φ(c)                                 NOAF: h = o · c

    σ is `recurrent_activation`, φ is `activation`; `xw = x W + b (B, C)`. Without the right column it is the paper's
    V(anilla); `variant` names one line of that column. p is `peephole`, which NP leaves out; o sees the new c. R is
    `gate_recurrent_kernel`: (i f o), the gates of the step before side by side, times R gives columns i f o.
    """
    σ, φ, ψ = recurrent_activation, activation, activation
    if variant == "NIAF":
        φ = LINEAR
    if variant == "NOAF":
        ψ = LINEAR
    for name, needed in (("peephole", variant != "NP"), ("gate_recurrent_kernel", variant == "FGR")):
        if (getattr(w, name) is not None) != needed:
            raise ValueError(f"{name} must be {'an array' if needed else 'None'} for variant {variant}")
    h, c, i, f, o = state
    columns = widths(c.shape[-1], variant=variant)
    a_i, a_f, a_g, a_o = split(xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates, columns)
    p_i, p_f, p_o = (None,) * 3 if w.peephole is None else split(w.peephole, "ifo", columns)
    if w.gate_recurrent_kernel is not None:
        r_i, r_f, r_o = split(affine(fuse([i, f, o]), w.gate_recurrent_kernel, None), "ifo")
        a_i, a_f, a_o = a_i + r_i, a_f + r_f, a_o + r_o
    one = 0 * c + 1  # not np.ones_like, which knows arrays of numbers alone
    i = one if variant == "NIG" else σ(peep(a_i, p_i, c))
    f = one if variant == "NFG" else 1 - i if variant == "CIFG" else σ(peep(a_f, p_f, c))
    g = φ(a_g)
    c = f * c + i * g
    o = one if variant == "NOG" else σ(peep(a_o, p_o, c))
    h = o * ψ(c)
    return State(h, c, i, f, o), {"i": i, "f": f, "g": g, "o": o}


def backstep(
    d: State,
    s: Moment,
    w: Weights,
    via: Weights,
    *,
    activation: Activation,
    recurrent_activation: Activation,
    variant: str,
    message_clip: float | None = None,
) -> tuple[State, Messages]:
    """Go back one time step.

    ::

        δ_o = (d_h · ψ(c) + d_o) · σ'(a_o)                  NOG: none
        d_c = d_c + d_h · o · ψ'(c) + p_o · δ_o
        δ_g = d_c · i · φ'(a_g)
        δ_f = (d_c · c⁻ + d_f) · σ'(a_f)                    NFG, CIFG: none
        δ_i = (d_c · g + d_i) · σ'(a_i)                     NIG: none    CIFG: (d_c · (g − c⁻) + d_i − d_f) · σ'(a_i)
        d_c⁻ = d_c · f + p_i · δ_i + p_f · δ_f
        d_h⁻ = δ Uᵀ
        (d_i⁻ d_f⁻ d_o⁻) = (δ_i δ_f δ_o) Rᵀ                 FGR; else 0
    """
    σ, φ, ψ = recurrent_activation, activation, activation
    if variant == "NIAF":
        φ = LINEAR
    if variant == "NOAF":
        ψ = LINEAR
    h, c, *gates_ = s.before
    i, f, g, o = (s.gates[letter] for letter in gates)
    columns = widths(c.shape[-1], variant=variant)
    a_i, a_f, a_g, a_o = split(s.xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates, columns)
    p_i, p_f, p_o = (None,) * 3 if w.peephole is None else split(w.peephole, "ifo", columns)
    v_i, v_f, v_o = (None,) * 3 if via.peephole is None else split(via.peephole, "ifo", columns)
    if w.gate_recurrent_kernel is not None:
        r_i, r_f, r_o = split(affine(fuse(gates_), w.gate_recurrent_kernel, None), "ifo")
        a_i, a_f, a_o = a_i + r_i, a_f + r_f, a_o + r_o
    new, squashed = s.after.c, ψ(s.after.c)
    d_c = d.c + ψ.back(d.h * o, new, squashed)
    δ: dict[str, Array] = {}
    peeped: dict[str, Array] = {}
    if columns["o"]:
        δ["o"] = clip(σ.back(d.h * squashed + d.o, peep(a_o, p_o, new), o), message_clip)
        d_c, peeped["o"] = peep(d_c, v_o, δ["o"]), new * δ["o"]
    d_c_before = d_c * f
    δ["g"] = clip(φ.back(d_c * i, a_g, g), message_clip)
    d_f, d_i = d_c * c + d.f, d_c * g + d.i
    if variant == "CIFG":
        d_i = d_i - d_f
    if columns["f"]:
        δ["f"] = clip(σ.back(d_f, peep(a_f, p_f, c), f), message_clip)
        d_c_before, peeped["f"] = peep(d_c_before, v_f, δ["f"]), c * δ["f"]
    if columns["i"]:
        δ["i"] = clip(σ.back(d_i, peep(a_i, p_i, c), i), message_clip)
        d_c_before, peeped["i"] = peep(d_c_before, v_i, δ["i"]), c * δ["i"]
    δ_all = fuse([δ[letter] for letter in gates if letter in δ])
    messages = added(h, δ_all) | {"peephole": fuse([peeped[letter] for letter in "ifo" if letter in peeped])}
    d_gates = (0 * c,) * 3
    if w.gate_recurrent_kernel is not None and via.gate_recurrent_kernel is not None:
        δ_gates = fuse([δ[letter] for letter in "ifo"])
        messages["gate_recurrent_kernel"] = [(fuse(gates_), δ_gates)]
        d_gates = split(δ_gates @ via.gate_recurrent_kernel.T, "ifo")
    return State(δ_all @ via.recurrent_kernel.T, d_c_before, *d_gates), messages
