"""The cells whose h is a mean of the old one and a candidate."""

from __future__ import annotations

from collections.abc import Mapping

from comparisons.cell_pages.drawings.parts import (
    GATES,
    LINE,
    OPS,
    RIGHT,
    Bus,
    C,
    Drawing,
    H,
    Node,
    Wire,
    X,
    at_left,
    gate,
)

_LINED = {"h": Bus("h[t-1]", H, start=(168, LINE)), "x": Bus("x[t]", X)}
_MEAN_ENDS = {**at_left("h", LINE), **at_left("x", X), "h[t]": Node("out", RIGHT, LINE)}
_MEAN = (
    Wire("h[t-1]", "×z", of="h"),
    Wire("×z", "+", of="h"),
    Wire("+", "h[t]", of="h"),
    Wire("n", "×n"),
    Wire("×n", "+"),
)
# The update gate keeps the old state and 1 − z takes the new; or 1 − z keeps it.
_KEEPS = (*_MEAN, Wire("z", "×z"), Wire("z", "1−", start=(300, OPS)), Wire("1−", "×n"))


def _means(n: float, low: float = OPS) -> dict[str, Node]:
    return {"×z": Node("op", 300, LINE, "×"), "+": Node("op", n, LINE, "+"), "×n": Node("op", n, low, "×")}


_Z = {q: f"{'φ' if q == 'n' else 'σ'}(a + b_{q} + d_{q})" for q in "zrn"} | {"n": "φ(a + b_n)"}
GRU = Drawing(
    "gru",
    "GRU, reset after the matmul",
    {
        **_MEAN_ENDS,
        **_means(880),
        "1−": Node("op", 590, OPS, "1−"),
        "z": gate("z", 300, means=_Z["z"]),
        "r": gate("r", 490, means=_Z["r"]),
        "U": Node("box", 650, 452, "h U_n + d_n", "a @ U_n + d_n"),
        "×r": Node("op", 650, GATES, "×"),
        "n": gate("n", 880, "x"),
    },
    (
        *_KEEPS,
        Wire("h[t-1]", "U", start=(650, H), of="h"),
        Wire("U", "×r", of="h"),
        Wire("r", "×r"),
        Wire("×r", "n"),
    ),
    _LINED,
)
_BEFORE = (
    Wire("h[t-1]", "×r", start=(640, H), of="h"),
    Wire("r", "×r"),
    Wire("×r", "U"),
    Wire("U", "n"),
)
_RESET = {"×r": Node("op", 640, GATES, "×"), "U": Node("box", 745, GATES, "U_n", "a @ U_n")}
GRU_BEFORE = GRU._replace(
    title="GRU, reset before the matmul",
    nodes={**GRU.nodes, **_RESET, "z": gate("z", 300), "r": gate("r", 490)},
    wires=(*_KEEPS, *_BEFORE),
    form=1,
)
UGRNN = Drawing(
    "ugrnn",
    "UGRNN: an update gate alone",
    {
        **_MEAN_ENDS,
        **_means(800),
        "1−": Node("op", 560, OPS, "1−"),
        "z": gate("z", 300),
        "n": gate("n", 800),
    },
    _KEEPS,
    _LINED,
)
_LOW = 285  # of the product with n, where the gate's own line crosses to it
_TAKEN = {**_means(880, _LOW), "1−": Node("op", 300, 212, "1−"), "n": gate("n", 880, "x")}


def _takes(gate: str) -> tuple[Wire, ...]:
    return (*_MEAN, Wire(gate, "1−"), Wire("1−", "×z"), Wire(gate, "×n", start=(300, _LOW)))


MGU = Drawing(
    "mgu",
    "MGU: one gate resets and updates",
    {**_MEAN_ENDS, **_TAKEN, **_RESET, "f": gate("f", 300)},
    (*_takes("f"), _BEFORE[0], Wire("f", "×r"), *_BEFORE[2:]),
    _LINED,
)


def _mut(cell: str, title: str, nodes: Mapping[str, Node], wires: tuple[Wire, ...] = ()) -> Drawing:
    gates = {"z": gate("z", 300), "r": gate("r", 490)}
    return Drawing(
        cell,
        title,
        {**_MEAN_ENDS, **_TAKEN, **gates, **_RESET, **nodes},
        (*_takes("z"), *_BEFORE, *wires),
        _LINED,
    )


MUT1 = _mut(
    "mut1",
    "MUT1: z sees x alone, n sees tanh(x)",
    {"z": gate("z", 300, "x"), "n": gate("n", 880, ""), "tanh": Node("box", 880, C, "tanh", "tanh(a)")},
    (Wire("x[t]", "tanh", start=(880, X), of="x"), Wire("tanh", "n", of="x")),
)
MUT2 = _mut(
    "mut2",
    "MUT2: r sees x as it is, without a matrix",
    {"r": gate("r", 490, "h "), "as it is": Node("box", 514, C, "I", "a")},
    (Wire("x[t]", "as it is", start=(514, X), of="x"), Wire("as it is", "r", via=((514, GATES),), of="x")),
)
MUT3 = _mut(
    "mut3",
    "MUT3: z sees tanh(h)",
    {"z": gate("z", 300, " x"), "tanh": Node("box", 276, C, "tanh", "tanh(a) @ U_z")},
    (Wire("h[t-1]", "tanh", start=(276, H), of="h"), Wire("tanh", "z", via=((276, GATES),), of="h")),
)
