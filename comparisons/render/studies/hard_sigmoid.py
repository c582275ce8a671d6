"""The pictures of `gateproof study hard-sigmoid`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from comparisons.render.slides import (
    BLACK,
    BLUE,
    FAINT,
    GREEN,
    ORANGE,
    SOFT,
    VERMILION,
    curve,
    legend,
    name_ends,
    page,
    powers,
)
from comparisons.studies.hard_sigmoid.forecasts import ACTUAL, SAME
from comparisons.studies.hard_sigmoid.months import EXPECTED, UNTRAINED, U
from comparisons.studies.hard_sigmoid.runs import AHEAD, FOLDED, KERAS2, KERAS3, TRAINED
from comparisons.studies.part import SPREAD, Part

LINES: dict[str, tuple[str, dict[str, Any]]] = {
    TRAINED: (BLUE, {"linewidth": 3.6, "alpha": 0.5}),
    KERAS2: (GREEN, {"linewidth": 1.8}),
    KERAS3: (VERMILION, {"linewidth": 1.8}),
    FOLDED: (BLACK, {"linewidth": 1.8, "linestyle": "--"}),
}


def months(part: Part) -> Any:
    cells = part.values("cell")
    figure, panels = page(
        1,
        len(cells),
        title=part.title,
        caption=f"|h − h of the float64 oracle with Keras 2's function| in the unit where it is largest, on the last "
        f"months of the sunspots; {part.settings}. Lines: medians; bands: quartiles. Red band: "
        f"{EXPECTED[0]} to {EXPECTED[1]}, as was expected beforehand. Dotted: u = 2⁻²⁴.",
        height=8.5,
        sharey=True,
    )
    for axis, cell in zip(panels[0], cells, strict=True):
        axis.set_yscale("log")
        lines = {}
        for who, (colour, style) in {**LINES, UNTRAINED: (ORANGE, {"linewidth": 1.4})}.items():
            where = {"cell": cell, "who": who}
            if len(x := part.column("month", **where)):
                lines[who] = curve(axis, x, [part.column(s, **where) for s in SPREAD], colour, **style)
        axis.axhspan(*EXPECTED, color=VERMILION, alpha=0.12, linewidth=0)
        axis.axhline(U, color=FAINT, linestyle=":", linewidth=1.6)
        axis.set_ylim(2e-9, 2)
        axis.set_title(cell, fontsize=18)
        axis.set_xlabel("months since the zero state", fontsize=14)
        powers(axis, most=10)
        name_ends(axis, lines, size=14, gap=0.05)
    panels[0, 0].set_ylabel("off by", fontsize=16)
    return figure


def forecasts(part: Part) -> Any:
    cells = part.values("cell")[1:]
    figure, panels = page(
        1,
        3,
        title=part.title,
        caption=f"Left: the two functions, and three times their difference. Middle: forecasts made {AHEAD} months "
        f"before. Right: a point a seed, bars: medians; dotted: {SAME}. {part.settings}.",
        height=8.5,
        legend=True,
        width_ratios=[0.8, 1.3, 1.2],
    )
    left, middle, right = panels[0]
    _functions(left)
    drawn: dict[str, Any] = {}
    month = part.column("month", cell=ACTUAL)
    shown = month > month[-1] - min(264, len(month) // 2)
    actual = part.column("sunspots", cell=ACTUAL)
    (drawn[ACTUAL],) = middle.plot(month[shown], actual[shown], color=FAINT, linewidth=1.6)
    for who, (colour, style) in LINES.items():
        forecast = part.column("sunspots", cell=cells[0], who=who, seed=0)
        if len(forecast):
            (drawn[who],) = middle.plot(month[shown], forecast[shown], color=colour, **style)
    middle.set_title(f"{cells[0]}, seed 0", fontsize=17)
    middle.set_xlabel("month of the test", fontsize=14)
    middle.set_ylabel("sunspots", fontsize=15)
    for k, cell in enumerate(cells):
        there = [who for who in LINES if f"{cell}, {who}" in part.found]
        for n, who in enumerate(there):
            errors = part.found[f"{cell}, {who}"]["errors"]
            x = k + 0.8 * (n + 0.5) / len(there) - 0.4
            colour = LINES[who][0]
            right.plot(x + np.linspace(-0.05, 0.05, len(errors)), errors, "o", color=colour, alpha=0.7, markersize=8)
            right.plot([x - 0.08, x + 0.08], [np.median(errors)] * 2, color=colour, linewidth=4)
    right.axhline(part.found[SAME]["error"], color=SOFT, linestyle=":", linewidth=1.8)
    right.set_xticks(range(len(cells)), cells, fontsize=16)
    right.grid(axis="x", visible=False)
    right.set_title("error of the forecasts", fontsize=17)
    right.set_ylabel("root mean square error, sunspots", fontsize=15)
    legend(figure, drawn)
    return figure


def _functions(axis: Any) -> None:
    x = np.linspace(-4, 4, 801)
    two, three = (np.clip(slope * x + 0.5, 0, 1) for slope in (1 / 5, 1 / 6))
    axis.plot(x, two, color=LINES[KERAS2][0], linewidth=3)
    axis.plot(x, three, color=LINES[KERAS3][0], linewidth=3)
    axis.fill_between(x, 0, 3 * (two - three), color=SOFT, alpha=0.25, linewidth=0)
    axis.axhline(0, color=FAINT, linewidth=1)
    axis.annotate("1/12 at ±2.5", (2.5, 0.25), (0.6, 0.33), fontsize=14, color=SOFT)
    axis.text(-3.9, 0.9, "Keras 2: x/5 + 1/2", fontsize=15, color=LINES[KERAS2][0])
    axis.text(-3.9, 0.82, "Keras 3: x/6 + 1/2", fontsize=15, color=LINES[KERAS3][0])
    axis.set_title("hard_sigmoid(x)", fontsize=17)
    axis.set_xlabel("x", fontsize=14)


PICTURES: dict[str, Callable[[Part], Any]] = {"months": months, "forecasts": forecasts}
