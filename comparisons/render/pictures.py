"""The report as pictures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np

from comparisons.proof.measure import RULES
from comparisons.proof.run import Report

INK, ALLOWED = "#222222", "#c0392b"
COLOURS = (
    *("#1f77b4", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#8c564b"),
    *("#9467bd", "#bcbd22", "#17becf", "#ff7f0e", "#2ca02c", "#d62790", "#7f7f7f"),
)


def distance_over_time(report: Report) -> Any:
    """h of the first case of each cell, step by step, under the computed bound."""
    chosen = list({result.case.cell: result for result in reversed(report.results)}.values())[::-1]
    columns = min(3, len(chosen))
    rows, legend = -(-len(chosen) // columns), 0.25 * (len(report.titles) // max(2, columns) + 2)
    figure, axes = _figure(rows, columns, width=max(10, 5 * columns), height=2.5, legend=legend)
    lines: dict[str, Any] = {}
    for axis, result in zip(axes, chosen, strict=False):
        allowed = None
        for colour, row in zip(cycle(COLOURS), result.rows, strict=False):
            if "shadowed" not in row.distances:
                continue
            distance, allowed = row.distances["shadowed"].over_time or ([], [])
            width = max(0.8, 5 / (1 + len(axis.lines)))  # equal numbers lie on one another: the later lines are thinner
            label = f"{row.framework}: {report.titles[row.framework]}"
            lines[label] = axis.plot(np.maximum(distance, 1e-2), color=colour, linewidth=width)[0]
        if allowed is not None:
            lines["allowed (computed bound)"] = axis.plot(allowed, color=ALLOWED, linestyle="--")[0]
        axis.set(yscale="log", ylabel="distance of h, in u", title=result.case.name, xlabel="step")
        axis.grid(alpha=0.25)
    for axis in axes[len(chosen) :]:
        axis.set_axis_off()
    figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=max(2, columns), frameon=False)
    return figure


def cases_by_framework(report: Report) -> Any:
    """The share of its allowance that every framework takes in every case, under each rule."""
    names, cases = list(report.titles), [result.case.name for result in report.results]
    figure, axes = _figure(1, len(RULES), width=2.6 + 1.3 * len(names), height=1.8 + 0.27 * len(cases))
    image = None
    for axis, rule in zip(axes, RULES, strict=True):
        share = np.full((len(cases), len(names)), np.nan)
        for i, result in enumerate(report.results):
            for j, row in enumerate(result.rows):
                if rule in row.distances:
                    share[i, j] = min(row.distances[rule].ratio, 1e9)
        image = axis.imshow(np.maximum(share, 1e-3), norm=_shares(), cmap="RdYlGn_r", aspect="auto")
        for (i, j), value in np.ndenumerate(share):
            text = "–" if np.isnan(value) else f"{value:.2f}" if value < 100 else f"{value:.0e}"
            axis.text(j, i, text, ha="center", va="center", fontsize=8, color=INK)
        axis.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=8)
        axis.set_yticks(range(len(cases)), cases if axis is axes[0] else [""] * len(cases), fontsize=8)
        axis.set_title(f"{rule}: share of what is allowed", fontsize=10)
    figure.colorbar(image, ax=axes, label="past its bound above 1", shrink=0.6)
    return figure


def planted_mistakes(report: Report) -> Any:
    """Every planted mistake as a point: how many times the allowance it lies from the truth, by the better rule."""
    figure, (axis,) = _figure(1, 1, width=9, height=1.2 + 0.27 * len(report.results))
    for i, result in enumerate(report.results):
        ratios = [min(planted.ratio, 1e16) for planted in result.planted]
        axis.plot(ratios, [i] * len(ratios), "|", color=COLOURS[0], markersize=9)
        axis.plot(min(ratios), i, "o", color=COLOURS[1], markersize=4)
        shares = [d.ratio for row in result.rows for d in row.distances.values() if np.isfinite(d.ratio)]
        axis.plot(np.maximum(shares, 1e-3), [i] * len(shares), "|", color=COLOURS[2], markersize=9)
    axis.axvline(1, color=ALLOWED, linestyle="--")
    axis.set(xscale="log", xlabel="distance over what is allowed", ylim=(len(report.results) - 0.4, -0.6))
    axis.set_yticks(range(len(report.results)), [result.case.name for result in report.results], fontsize=8)
    handles = [
        axis.plot([], [], "|", color=COLOURS[2], label="frameworks")[0],
        axis.plot([], [], linestyle="--", color=ALLOWED, label="allowed")[0],
        axis.plot([], [], "|", color=COLOURS[0], label="planted mistakes")[0],
        axis.plot([], [], "o", color=COLOURS[1], markersize=4, label="the one nearest to passing")[0],
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    axis.grid(alpha=0.25, axis="x")
    return figure


PICTURES: dict[str, Callable[[Report], Any]] = {
    "distance_over_time": distance_over_time,
    "cases_by_framework": cases_by_framework,
    "planted_mistakes": planted_mistakes,
}


def _figure(rows: int, columns: int, *, width: float, height: float, legend: float = 0.0) -> Any:
    from matplotlib.figure import Figure  # without pyplot: no display, no state

    figure = Figure(figsize=(width, height * rows + legend), layout="constrained", dpi=120)
    return figure, list(np.ravel(figure.subplots(rows, columns, squeeze=False)))


def _shares() -> Any:
    from matplotlib.colors import LogNorm

    return LogNorm(1e-3, 1e3)
