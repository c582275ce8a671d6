"""The pictures of `gateproof study counting`."""

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
    PURPLE,
    SOFT,
    VERMILION,
    curve,
    name_ends,
    page,
)
from comparisons.studies.counting.reach import KALMAN
from comparisons.studies.part import Part, spread

COLOURS = {"LSTM": BLUE, "peephole LSTM": ORANGE, "LSTM 1997": VERMILION, "GRU": GREEN, "Elman": BLACK}


def reach(part: Part) -> Any:
    figure, panels = page(
        1,
        2,
        title=part.title,
        caption=f"Right up to n: at every symbol of aⁿbⁿ the network says which of a, b and the end may follow; "
        f"{part.settings}. Lines and bars: medians; bands: quartiles; points: seeds. Dotted: aⁿbⁿcⁿ, LSTM trained "
        "with Kalman filters (2002).",
        height=8.5,
    )
    during, after = panels[0]
    cells = part.values("cell")
    longest = int(part.settings.split("…")[1].split()[0])
    lines = {}
    for axis in (during, after):
        axis.set_yscale("symlog", linthresh=1)
        axis.set_ylim(-0.15, 1700)
        axis.set_yticks([0, 1, 3, 10, 30, 100, 300, 1000], ["0", "1", "3", "10", "30", "100", "300", "1000"])
        axis.minorticks_off()
        axis.axhspan(-0.15, longest, color=FAINT, alpha=0.12, linewidth=0)
        axis.axhline(KALMAN, color=SOFT, linestyle=":", linewidth=1.8)
    after.text(0.02, 0.13, "n of the training", transform=after.transAxes, color=SOFT, fontsize=14)
    for k, cell in enumerate(cells):
        x = np.unique(part.column("strings", cell=cell))
        values = np.array([part.column("reach", cell=cell, strings=s) for s in x]).T
        lines[cell] = curve(during, x, spread(values), COLOURS[cell], marker="o", markersize=4)
        last = values[:, -1]
        sideways = k + 0.3 * np.linspace(-1, 1, len(last))
        after.plot(sideways, np.sort(last), "o", color=COLOURS[cell], markersize=9, alpha=0.75)
        after.plot([k - 0.38, k + 0.38], [np.median(last)] * 2, color=COLOURS[cell], linewidth=4)
    during.set_title("over training", fontsize=17)
    during.set_xlabel("strings that it was trained on", fontsize=14)
    during.set_ylabel("right on every n up to", fontsize=16)
    after.set_title("after training, seed by seed", fontsize=17)
    after.set_xticks(range(len(cells)), [cell.replace(" ", "\n") for cell in cells], fontsize=15)
    after.set_xlim(-0.6, len(cells) - 0.4)
    after.grid(axis="x", visible=False)
    name_ends(during, lines, size=14)
    return figure


def states(part: Part) -> Any:
    cells, lengths = part.values("cell"), part.values("n")
    figure, panels = page(
        len(lengths),
        len(cells),
        title=part.title,
        caption=f"The unit whose state turns most between a's and b's (c, or h where there is no c), over aⁿbⁿ; "
        f"{part.settings}. Dashed: the last b. Triangles: where the network first says that the string ends.",
        height=9.5,
        sharex="row",
    )
    for column, cell in zip(panels.T, cells, strict=True):
        for axis, n in zip(column, lengths, strict=True):
            where = {"cell": cell, "n": n}
            step, state = part.column("step", **where), part.column("state", **where)
            ends = part.column("says_end", **where) > 0
            axis.axvspan(0, n, color=FAINT, alpha=0.14, linewidth=0)
            axis.plot(
                step,
                state,
                color=COLOURS[cell],
                linewidth=2.4 if n <= 100 else 1.8,
                marker="o" if n <= 10 else "",
                markersize=4,
            )
            axis.axvline(2 * n, color=SOFT, linestyle="--", linewidth=1.2)
            axis.plot(step[ends][:1], state[ends][:1], "v", color=PURPLE, markersize=13, zorder=3)
            axis.margins(y=0.12)
            axis.set_xticks([0, n, 2 * n])
        column[0].set_title(cell, fontsize=17, color=COLOURS[cell])
        column[-1].set_xlabel("symbol", fontsize=13)
    for row, n in zip(panels, lengths, strict=True):
        row[0].set_ylabel(f"n = {n}", fontsize=17)
        row[0].text(0.25, 0.03, "a", transform=row[0].transAxes, fontsize=14, color=SOFT)
        row[0].text(0.72, 0.03, "b", transform=row[0].transAxes, fontsize=14, color=SOFT)
    return figure


PICTURES: dict[str, Callable[[Part], Any]] = {"reach": reach, "states": states}
