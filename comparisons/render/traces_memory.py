"""How often gates are saturated, and how long a state is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import LogFormatter, MaxNLocator

from comparisons.render.slides import BLUE, FAINT, GREEN, INK, ORANGE, SOFT, VERMILION, page
from comparisons.render.traces_drawn import SAID, Drawn
from comparisons.tracing import memory

MOST_LAGS = 400


def saturation(drawn: Drawn) -> Any:
    """The fraction of the units whose gate is shut and open, over time; and for each unit, that of the steps."""
    part = drawn.part
    figure, panels = page(
        2,
        len(part.gates),
        title=drawn.title("how often a gate is fully open or fully shut"),
        caption="Open: above 0.9; shut: below 0.1. Above: how many of the units, at each step. Below: a point for each "
        "unit, how many of all steps; at the lower left it is seldom either, on the diagonal always one of them "
        "(after Karpathy et al., arXiv 1506.02078 v2, figure 3).",
        height=9,
    )
    for (over, each), (letter, array) in zip(panels.T, part.gates.items(), strict=True):
        values = drawn.over_time(array)
        known = ~np.isnan(values).all(axis=1)
        lines = {"open": (ORANGE, values > memory.OPEN), "shut": (BLUE, values < memory.SHUT)}
        for name, (colour, true) in lines.items():
            share = np.where(known, true.mean(axis=1), np.nan)
            over.fill_between(range(len(share)), share, color=colour, alpha=0.25, linewidth=0)
            over.plot(share, color=colour, linewidth=2, label=name)
        first = drawn.begin
        over.xaxis.set_major_formatter(lambda at, _, first=first: f"{at + first:.0f}")
        over.set(ylim=(0, 1.02), xlim=(0, max(1, len(values) - 1)))
        over.set_title(SAID.get(letter, letter), fontsize=16)
        over.set_xlabel("step of the input", fontsize=14)
        shut, opened = part.saturation[letter]
        each.plot([0, 1], [1, 0], color=FAINT, linewidth=1)
        each.scatter(opened, shut, s=_dot(part.units), color=INK, alpha=0.35, linewidth=0, clip_on=False)
        each.set(xlim=(0, 1), ylim=(0, 1))
        each.set_aspect("equal", anchor="C")
        each.set_xlabel("fraction of steps open", fontsize=14)
    panels[0, 0].set_ylabel("fraction of units", fontsize=14)
    panels[0, 0].legend(frameon=False, fontsize=13)
    panels[1, 0].set_ylabel("fraction of steps shut", fontsize=14)
    return figure


def half_life(drawn: Drawn) -> Any:
    """Each unit's half-life, sorted; and how much of a state is left so many steps later."""
    part = drawn.part
    ((letter, lives),) = part.half_life.items()
    gate = SAID.get(letter, letter)
    figure, panels = page(
        1,
        2,
        title=drawn.title(f"how long the {gate} keeps what is there"),
        caption="Filled: ln ½ / mean ln of what is kept a step, which one step that keeps nothing makes 0 (at the "
        "bottom); rings: the step at which the unit's curve on the right is below one half. "
        f"Right: the product of what is kept, over so many steps, in the mean of all places to begin; by the {gate} "
        "alone, without what is written anew. Grey: every unit.",
        height=8.4,
    )
    _sorted(panels[0, 0], drawn, lives)
    _left(panels[0, 1], drawn, lives)
    return figure


def _sorted(axis: Any, drawn: Drawn, lives: Any) -> None:
    part, order = drawn.part, drawn.part.longest_first()
    ranks, heights = np.arange(len(order)), lives[order]
    infinite = np.isinf(heights)
    ((_, measured),) = part.half_left.items()
    longest = lives[np.isfinite(lives)].max(initial=1)
    top = 2 * max(float(longest), part.steps)
    shown = np.where(infinite, top, np.maximum(heights, 0.01))
    rings = {"facecolors": "none", "edgecolors": ORANGE, "linewidths": 1.6}
    axis.scatter(ranks, measured[order], s=_dot(part.units), clip_on=False, **rings)
    axis.scatter(ranks[~infinite], shown[~infinite], s=_dot(part.units), color=BLUE, clip_on=False)
    axis.scatter(ranks[infinite], shown[infinite], s=_dot(part.units), color=VERMILION, marker="^", clip_on=False)
    if part.steps <= 20 * longest or infinite.any():  # else it is far above all that there is to see
        axis.axhline(part.steps, color=FAINT, linestyle="--", linewidth=1.5)
        said = "length of the input" + ("; red: for ever" if infinite.any() else "")
        place = (len(order) - 1, part.steps)
        axis.annotate(said, place, (0, 5), textcoords="offset points", ha="right", color=SOFT, fontsize=12)
    axis.set(yscale="log")
    axis.set_ylabel("half-life in steps", fontsize=14)
    axis.set_xlabel("units, the longest first", fontsize=14)
    axis.yaxis.set_major_formatter(lambda at, _: f"{at:g}")
    axis.yaxis.set_minor_formatter(LogFormatter())  # numbers between the powers of ten where there is less than one
    if part.units <= 24:
        axis.set_xticks(ranks, [str(unit) for unit in order])


def _left(axis: Any, drawn: Drawn, lives: Any) -> None:
    part, order = drawn.part, drawn.part.longest_first()
    kept = memory.kept(part.cell, part.gates)
    assert kept is not None
    ((_, measured),) = part.half_left.items()
    finite = np.concatenate([lives[np.isfinite(lives)], measured[np.isfinite(measured)]])
    most = int(np.clip(3 * finite.max(initial=1), 8, MOST_LAGS))
    lags, left = memory.left(kept.share, part.counted, most)  # (K,), (K, H)
    for unit in order[:: max(1, len(order) // 200)]:
        axis.plot(lags, left[:, unit], color=FAINT, linewidth=0.8, alpha=0.35)
    named = {"longest": (order[0], VERMILION), "median": (order[len(order) // 2], GREEN), "shortest": (order[-1], BLUE)}
    for name, (unit, colour) in named.items():
        axis.plot(lags, left[:, unit], color=colour, linewidth=2.6, label=f"{name}: unit {unit}")
    axis.axhline(0.5, color=FAINT, linestyle="--", linewidth=1.5)
    axis.set(ylim=(0, 1.02), xlim=(0, max(1, lags[-1])))
    axis.set_xlabel("steps later", fontsize=14)
    axis.set_ylabel("fraction left", fontsize=14)
    axis.legend(frameon=False, fontsize=14)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _dot(units: int) -> float:
    return 60 if units <= 64 else 30 if units <= 256 else 14
