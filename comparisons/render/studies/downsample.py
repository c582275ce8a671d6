"""The pictures of `gateproof study downsample`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from comparisons.render.slides import BLUE, FAINT, GREEN, SOFT, VERMILION, curve, legend, page
from comparisons.studies.downsample.signals import AVERAGED, EVENTS, FAST, HELD, PICKED, SLOW, WHOLE
from comparisons.studies.part import Part, spread

LINES = {AVERAGED: (BLUE, "o"), HELD: (GREEN, "s"), PICKED: (VERMILION, "D")}
BEST = "at best"
DASHES = (0, (4, 3))


def rates(part: Part) -> Any:
    cells, hows = part.values("cell"), [how for how in part.values("how") if how in LINES]
    figure, panels = page(
        1,
        1 + len(cells),
        title=part.title,
        caption=f"The first samples decide: {part.settings}. Lines: medians; bands: quartiles. Dashed: "
        "the share that the best test tells right from what is left. k = 1: the full rate.",
        height=8,
        legend=True,
        width_ratios=[0.9, *(1 for _ in cells)],
    )
    _event(panels[0, 0], part.name)
    drawn: dict[str, Any] = {}
    ks: Any = ()
    for axis, cell in zip(panels[0, 1:], cells, strict=True):
        ks = np.unique(part.column("k", cell=cell))
        for how in hows:
            colour, mark = LINES[how]
            at = lambda name, k, how=how, cell=cell: part.column(name, cell=cell, how=WHOLE if k == 1 else how, k=k)
            drawn[how] = curve(
                axis, ks, spread(np.array([at("right", k) for k in ks]).T), colour, marker=mark, markersize=9
            )
            axis.plot(ks, [at("best", k)[0] for k in ks], color=colour, linestyle=DASHES, linewidth=1.6)
        (drawn[BEST],) = axis.plot([], [], color=SOFT, linestyle=DASHES, linewidth=1.6)
        axis.axhline(0.5, color=FAINT, linewidth=1.2)
        axis.set_xscale("log", base=2)
        axis.set_xticks(ks, [f"{k:g}" for k in ks])
        axis.minorticks_off()
        axis.set_ylim(0.42, 1.02)
        axis.set_title(cell, fontsize=18)
        axis.set_xlabel("k", fontsize=15)
    panels[0, 1].set_ylabel("told right", fontsize=16)
    legend(figure, {name: drawn[name] for name in (*hows, BEST)})
    return figure


def _event(axis: Any, event: str) -> None:
    """One signal without its noise, what means and every 4th sample make of its begin."""
    length, k = 16, 4
    shape = np.concatenate([EVENTS[event](length), np.zeros(16)])
    t = np.arange(len(shape))
    axis.plot(t, shape, "-", color=SOFT, linewidth=1.2, marker=".", markersize=8)
    axis.plot(t[::k], shape[::k], "D", color=LINES[PICKED][0], markersize=9)
    axis.hlines(shape.reshape(-1, k).mean(-1), t[::k], t[::k] + k - 1, color=LINES[AVERAGED][0], linewidth=5, alpha=0.7)
    axis.set_ylim(-1.3, 1.3)
    axis.set_yticks([-1, 0, 1], ["−1", "0", "1"])
    axis.set_title("the event without the noise, k = 4", fontsize=16)
    axis.set_xlabel("sample", fontsize=14)


PICTURES: dict[str, Callable[[Part], Any]] = {SLOW: rates, FAST: rates}
