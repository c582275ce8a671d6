"""The cells that have a c."""

from __future__ import annotations

from collections.abc import Mapping

from comparisons.cell_pages.drawings.parts import (
    BOTTOM,
    GATES,
    LINE,
    OPS,
    RIGHT,
    Bus,
    C,
    Drawing,
    H,
    Node,
    Note,
    Wire,
    X,
    at_left,
    gate,
)

_ENDS = {
    **at_left("c", LINE),
    **at_left("h", H),
    **at_left("x", X),
    "c[t]": Node("out", RIGHT, LINE),
    "h[t]": Node("out", RIGHT, H),
}
_PEEPING = {"c": Bus("c[t-1]", C, start=(168, LINE), dashed=True), **BOTTOM}


def _output(squash: str = "ψ", last: str = "+") -> tuple[dict[str, Node], tuple[Wire, ...]]:
    """o · ψ(c), at the right; `last` is what c comes out of."""
    nodes = {"squash": Node("box", 985, 196, squash, f"{squash}(a)"), "×h": Node("op", 985, 278, "×")}
    wires = (
        Wire(last, "c[t]", of="c"),
        Wire(last, "squash", start=(985, LINE), of="c"),
        Wire("squash", "×h", of="c"),
        Wire("o", "×h", via=((820, 278),)),
        Wire("×h", "h[t]", via=((985, H),), of="h"),
    )
    return nodes, wires


def _lstm(
    title: str, cell: str, gates: Mapping[str, Node], more: Mapping[str, Node], wires: tuple[Wire, ...]
) -> Drawing:
    nodes, end = _output()
    return Drawing(cell, title, {**_ENDS, **gates, **more, **nodes}, (*wires, *end), BOTTOM)


_FORGETTING = (
    Wire("c[t-1]", "×f", of="c"),
    Wire("×f", "+", of="c"),
    Wire("f", "×f"),
    Wire("i", "×g", via=((450, OPS),)),
    Wire("g", "×g"),
    Wire("×g", "+"),
)
_OPS = {"×f": Node("op", 290, LINE, "×"), "+": Node("op", 610, LINE, "+"), "×g": Node("op", 610, OPS, "×")}
_COLUMNS = {"f": 290, "i": 450, "g": 610, "o": 820}


def _four(sees: str = "hx", **given: str) -> dict[str, Node]:
    return {letter: gate(letter, x, given.get(letter, sees)) for letter, x in _COLUMNS.items()}


LSTM = _lstm("LSTM, with a forget gate", "lstm", _four(), _OPS, _FORGETTING)
PEEPHOLE = LSTM._replace(
    cell="peephole_lstm",
    title="Peephole LSTM",
    nodes={**LSTM.nodes, **_four(f="chx", i="chx")},
    wires=(*LSTM.wires, Wire("+", "o", via=((915, GATES),), start=(915, LINE), of="c", dashed=True)),
    buses=_PEEPING,
    notes=(
        Note(182, 190, "p_i, p_f see"),
        Note(182, 212, "the old c"),
        Note(812, 190, "p_o sees"),
        Note(812, 212, "the new c"),
    ),
)
GREFF = PEEPHOLE._replace(
    cell="greff_lstm",
    title="Greff's vanilla LSTM, and what each variant takes away",
    nodes={**PEEPHOLE.nodes, "squash": Node("box", 985, 196, "φ", "φ(a)")},
    notes=(
        Note(350, 316, "NIG: i = 1", loud=True),
        Note(182, 316, "NFG: f = 1", loud=True),
        Note(302, 196, "CIFG: f = 1 − i", loud=True),
        Note(706, 316, "NOG: o = 1", loud=True),
        Note(622, 296, "NIAF:", loud=True),
        Note(622, 316, "no φ", loud=True),
        Note(1013, 202, "NOAF:", loud=True),
        Note(1013, 222, "no φ", loud=True),
        Note(182, 196, "NP: no", loud=True),
        Note(182, 216, "peepholes", loud=True),
        Note(182, 592, "FGR: i, f and o see the gates of the step before, too", loud=True),
    ),
)
CIFG = _lstm(
    "CIFG: i = 1 − f",
    "cifg",
    {letter: node for letter, node in _four().items() if letter != "i"},
    {**_OPS, "i": Node("op", 450, OPS, "1−")},
    (*_FORGETTING[:3], Wire("f", "i", start=(290, OPS)), Wire("i", "×g"), *_FORGETTING[4:]),
)._replace(notes=(Note(500, OPS - 12, "i_t"),))
LSTM_1997 = _lstm(
    "LSTM of 1997: nothing is forgotten",
    "lstm_1997",
    {letter: gate(letter, x) for letter, x in _COLUMNS.items() if letter != "f"},
    {letter: _OPS[letter] for letter in ("+", "×g")},
    (Wire("c[t-1]", "+", of="c"), *_FORGETTING[3:]),
)._replace(notes=(Note(230, LINE - 18, "× 1: the constant error carousel"),))


def _normed(letter: str, x: float) -> Node:
    function = "φ" if letter == "g" else "σ"
    return gate(letter, x, means=f"{function}(norm(a, γ_{letter}, β_{letter}))", normed=True)


_NORM_C = {"norm c": Node("box", 745, LINE, "norm", "norm(a, γ_c, β_c)")}
_NODES, _WIRES = _output("φ", "norm c")
LAYER_NORM = Drawing(
    "layer_norm_lstm",
    "Layer norm LSTM: a norm for each gate, and one for c",
    {**_ENDS, **{q: _normed(q, x) for q, x in _COLUMNS.items()}, **_OPS, **_NORM_C, **_NODES},
    (*_FORGETTING, Wire("+", "norm c", of="c"), *_WIRES),
    BOTTOM,
)
FUSED = LAYER_NORM._replace(
    cell="fused_layer_norm_lstm",
    title="Layer norm LSTM, fused: a norm for each matmul, and one for c",
    nodes={
        **_ENDS,
        **_four(),
        **_OPS,
        **_NORM_C,
        **_NODES,
        "norm h": Node("box", 185, H, "norm hU", "norm(a @ U, γ_h, β_h)"),
        "norm x": Node("box", 185, X, "norm xW", "norm(a @ W, γ_x, β_x)"),
    },
    wires=(*LAYER_NORM.wires, Wire("h[t-1]", "norm h", of="h"), Wire("x[t]", "norm x", of="x")),
    buses={"h": Bus("norm h", H), "x": Bus("norm x", X)},
)
