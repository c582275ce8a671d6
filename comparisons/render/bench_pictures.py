"""The bench as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comparisons.benching.rows import Row
from comparisons.benching.run import Report
from comparisons.render.bench import TITLES, grouped, names

COLOURS = {
    "stock jit off": "#9aa0a6",
    "stock jit on": "#5f6368",
    "ours jit off": "#56b4e9",
    "ours jit on": "#0072b2",
    "pytorch": "#e69f00",
}
FLOOR = "#222222"


def pictures(report: Report) -> dict[str, Any]:
    """The figures of the parts that were measured, by name."""
    rows = [row for row in report.rows if row.measured]
    chosen = {"speed": [row for row in rows if row.part in ("training", "forward") and row.stock]}
    chosen["growth"] = [row for row in rows if row.part == "growth"]
    return {name: DRAWN[name](found) for name, found in chosen.items() if found}


def speed(rows: Sequence[Row]) -> Any:
    """How many times as fast as the faster of stock's two ways everybody is: bars to the right of 1 are faster, to the
    left slower. A panel a job, a row of panels a cell."""
    cells = list(dict.fromkeys(row.cell for row in rows))
    jobs = list(dict.fromkeys((row.part, row.job) for row in rows))
    figure = _figure(3.1 + 4.2 * len(jobs), 0.9 + 2.6 * len(cells))
    panels = figure.subplots(len(cells), len(jobs), squeeze=False, sharex=True)
    handles: dict[str, Any] = {}
    for (i, j), axis in _each(panels):
        found = [row for row in rows if row.cell == cells[i] and (row.part, row.job) == jobs[j]]
        everybody = names(found)
        height = 0.8 / max(1, len(everybody))
        for k, name in enumerate(everybody):
            at = [(y + (k - (len(everybody) - 1) / 2) * height, row.ratio(name)) for y, row in enumerate(found)]
            at = [(y, ratio) for y, ratio in at if ratio]
            spread = [[r.value - r.lower for _, r in at], [r.upper - r.value for _, r in at]]
            bars = axis.barh(
                [y for y, _ in at],
                [r.value - 1 for _, r in at],
                height,
                left=1,
                color=COLOURS[name],
                xerr=spread,
                error_kw={"elinewidth": 0.8, "ecolor": FLOOR},
            )
            handles.setdefault(name, bars)
        for y, row in enumerate(found):
            if row.least and row.stock:
                (mark,) = axis.plot(
                    [row.stock.median / row.least.median] * 2, [y - 0.4, y + 0.4], color=FLOOR, linewidth=1.5
                )
                handles.setdefault("the matmuls alone (floor)", mark)
        axis.axvline(1, color=FLOOR, linewidth=0.8)
        axis.set(xscale="log", ylim=(len(found) - 0.5, -0.5))
        axis.set_yticks(range(len(found)), [str(row.shape) if j == 0 else "" for row in found])
        axis.set_title(f"{cells[i]}: {TITLES[jobs[j]].removesuffix(', ms')}", fontsize=10)
        ticks = [t for t in (0.5, 1, 2, 3, 5, 10, 20, 50) if axis.get_xlim()[0] <= t <= axis.get_xlim()[1]]
        axis.set_xticks(ticks, [f"{t:g}×" for t in ticks])
        axis.minorticks_off()
        axis.grid(alpha=0.25, axis="x")
    panels[0][0].set_ylabel("B, T, X, H")
    figure.supxlabel("speed over the faster of stock's two ways", fontsize=10)
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=6, frameon=False, fontsize=9)
    return figure


def growth(rows: Sequence[Row]) -> Any:
    """Time of a step over T and over H, everybody a line, the matmuls alone dashed."""
    groups = grouped(rows)
    figure = _figure(5.2 * len(groups), 4.6)
    handles: dict[str, Any] = {}
    for axis, found in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups, strict=True):
        over, first = found[0].over, found[0].shape
        for name in names(found):
            points = [(getattr(row.shape, over), row.measured[name]) for row in found if name in row.measured]
            x, y = [x for x, _ in points], [1e3 * timing.median for _, timing in points]
            (line,) = axis.plot(x, y, "o-", color=COLOURS[name], markersize=4)
            axis.fill_between(
                x,
                [1e3 * timing.lower for _, timing in points],
                [1e3 * timing.upper for _, timing in points],
                color=COLOURS[name],
                alpha=0.2,
                linewidth=0,
            )
            handles.setdefault(name, line)
        least = [(getattr(row.shape, over), 1e3 * row.least.median) for row in found if row.least]
        (line,) = axis.plot(*zip(*least, strict=True), "--", color=FLOOR)
        handles.setdefault("the matmuls alone (floor)", line)
        fixed = ", ".join(f"{name} = {n}" for name, n in first._asdict().items() if name != over)
        axis.set(xscale="log", yscale="log", xlabel=over, title=f"{found[0].cell}, {fixed}")
        values = [getattr(row.shape, over) for row in found]
        axis.set_xticks(values, [f"{n:,}" for n in values])
        axis.minorticks_off()
        axis.yaxis.set_major_formatter("{x:g}")
        axis.grid(alpha=0.25)
    figure.supylabel("forward and backward, ms", fontsize=10)
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=6, frameon=False, fontsize=9)
    return figure


DRAWN = {"speed": speed, "growth": growth}


def _each(panels: Any) -> Any:
    return (((i, j), axis) for i, line in enumerate(panels) for j, axis in enumerate(line))


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # without pyplot: no display, no state

    return Figure(figsize=(width, height), layout="constrained", dpi=120)
