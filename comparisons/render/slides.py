"""Pictures for a projector: a page of panels, curves with their spread, and names at the ends of the curves."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np

DPI = 150
INK, SOFT, FAINT = "#222222", "#555555", "#8a8a8a"
# Okabe & Ito's colours, which people who do not see all colours can tell apart; and a darker blue.
BLACK, ORANGE, SKY, GREEN = "#222222", "#e69f00", "#56b4e9", "#009e73"
BLUE, VERMILION, PURPLE, NAVY = "#0072b2", "#d55e00", "#cc79a7", "#14285a"


def page(
    rows: int, columns: int, *, title: str, caption: str, height: float = 9.0, legend: bool = False, **shared: Any
) -> tuple[Any, Any]:
    """A figure 16 inches wide with panels `(rows, columns)`, its title above them, and room for a `legend` if told."""
    from matplotlib.figure import Figure  # without pyplot: no display, no state

    figure = Figure(figsize=(16, height), layout="constrained", dpi=DPI)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08, wspace=0.02, hspace=0.03)  # pyright: ignore
    figure.suptitle(f"{title}\n" if legend else title, x=0.012, ha="left", fontsize=22, fontweight="bold", color=INK)
    panels = figure.subplots(rows, columns, squeeze=False, **shared)
    for axis in panels.flat:
        axis.grid(alpha=0.25)
        axis.tick_params(labelsize=12)
        axis.spines[["top", "right"]].set_visible(False)
    lines = "\n".join(fill(line, 165) for line in caption.splitlines())
    figure.supxlabel(lines, x=0.012, ha="left", fontsize=13, color=SOFT)
    return figure, panels


def curve(axis: Any, x: Any, spread: Sequence[Any], colour: str, **style: Any) -> Any:
    """The median as a line, the quartiles as a band around it; a logarithmic axis begins where there is something."""
    low, middle, high = (np.asarray(a, float) for a in spread)
    if axis.get_yscale() == "log":
        low, middle, high = (np.where(a > 0, a, np.nan) for a in (low, middle, high))
    axis.fill_between(x, low, high, color=colour, alpha=0.22, linewidth=0)
    (line,) = axis.plot(x, middle, color=colour, **{"linewidth": 2.4} | style)
    return line


def name_ends(axis: Any, lines: dict[str, Any], *, size: float = 12, gap: float = 0.062) -> None:
    """Each line's name right of the panel, at the height where it ends; names that would touch are moved apart."""
    ends = {}
    _ = axis.viewLim  # asking for the limits makes them final
    for name, line in lines.items():
        x, y = (np.asarray(a, float) for a in line.get_data())
        k = np.flatnonzero(np.isfinite(y))[-1]
        at = axis.transAxes.inverted().transform(axis.transData.transform((x[k], y[k])))
        ends[name] = (float(at[0]), float(np.clip(at[1], 0, 1)))
    for name, height in _apart({name: end[1] for name, end in ends.items()}, gap).items():
        colour = lines[name].get_color()
        axis.annotate(
            name,
            ends[name],
            (1.03, height),
            xycoords="axes fraction",
            va="center",
            fontsize=size,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.8, "relpos": (0, 0.5), "shrinkA": 1, "shrinkB": 0},
        )


def _apart(heights: dict[str, float], gap: float) -> dict[str, float]:
    """The heights, moved as little as keeps them `gap` apart and within the panel."""
    names = sorted(heights, key=lambda name: heights[name])
    moved = np.array([heights[name] for name in names])
    steps = gap * np.arange(len(moved))
    for _ in range(200):
        short = np.maximum(0, gap - np.diff(moved)) / 2
        moved[:-1] -= short
        moved[1:] += short
        moved = np.clip(moved, steps, 1 - steps[::-1])
    return dict(zip(names, map(float, moved), strict=True))


def powers(panel: Any, which: str = "y", most: int = 7) -> None:
    """Powers of ten on a logarithmic axis whose limits are final, at most so many, and 1 among them."""
    from matplotlib.ticker import FixedLocator, NullLocator

    axis = getattr(panel, f"{which}axis")
    low, high = np.log10(getattr(panel, f"get_{which}lim")())
    every = max(1, int(np.ceil((high - low) / most)))
    ticks = [10.0 ** (every * n) for n in range(int(np.ceil(low / every)), int(np.floor(high / every)) + 1)]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())


def legend(figure: Any, lines: dict[str, Any]) -> None:
    """The lines' names in a row, in the room under the title."""
    below = 1 - 0.44 / figure.get_figheight()
    figure.legend(
        lines.values(),
        lines.keys(),
        loc="upper left",
        bbox_to_anchor=(0.004, below),
        ncols=len(lines),
        frameon=False,
        fontsize=16,
    )
