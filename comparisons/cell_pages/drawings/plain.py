"""The networks without gates."""

from __future__ import annotations

from comparisons.cell_pages.drawings.parts import LEFT, Bus, Drawing, Node, Wire

_SMALL = (820, 400)
SIMPLE_RNN = Drawing(
    "simple_rnn",
    "Elman's simple recurrent network",
    {
        "h[t-1]": Node("in", LEFT, 270),
        "x[t]": Node("in", LEFT, 330),
        "h[t]": Node("out", 728, 270),
        "h": Node("gate", 400, 150, means="φ(a + b)", sees="hx"),
    },
    (Wire("h", "h[t]", via=((580, 150), (580, 270)), of="h"),),
    {"h": Bus("h[t-1]", 270), "x": Bus("x[t]", 330)},
    size=_SMALL,
)
JORDAN = Drawing(
    "jordan",
    "Jordan's network: the output comes back",
    {
        "y[t-1]": Node("in", LEFT, 270),
        "x[t]": Node("in", LEFT, 330),
        "y[t]": Node("out", 728, 270),
        "h": Node("gate", 330, 150, means="φ(a + b)", sees="yx"),
        "y": Node("box", 510, 150, "ψ(h V + v)", "ψ(a @ V + v)"),
    },
    (Wire("h", "y", of="h"), Wire("y", "y[t]", via=((630, 150), (630, 270)), of="y")),
    {"y": Bus("y[t-1]", 270), "x": Bus("x[t]", 330)},
    size=_SMALL,
)
