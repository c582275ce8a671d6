"""The report as pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from comparisons.proof.measure import RULES
from comparisons.proof.run import Report

INK, ALLOWED = "#222222", "#c0392b"
COLOURS = ("#1f77b4", "#e69f00", "#009e73", "#7f7f7f", "#cc79a7", "#56b4e9")


def distance_over_time(report: Report) -> Any:
    """h of the first case of each cell, step by step, under the computed bound."""
    chosen = list({result.case.cell: result for result in reversed(report.results)}.values())[::-1]
    figure, axes = _figure(len(chosen), 1, width=9, height=2.5)
    for axis, result in zip(axes, chosen, strict=True):
        allowed = None
        for colour, row in zip(COLOURS, result.rows, strict=False):
            if "shadowed" not in row.distances:
                continue
            distance, allowed = row.distances["shadowed"].over_time or ([], [])
            # Equal numbers lie on one another: the later lines are thinner.
            width = 5 / (1 + list(report.titles).index(row.framework))
            axis.plot(
                np.maximum(distance, 1e-2),
                color=colour,
                label=f"{row.framework}: {report.titles[row.framework]}",
                linewidth=width,
            )
        if allowed is not None:
            axis.plot(allowed, color=ALLOWED, linestyle="--", label="allowed (computed bound)")
        axis.set(yscale="log", ylabel="distance of h, in u", title=result.case.name)
        axis.grid(alpha=0.25)
    axes[-1].set_xlabel("step")
    axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, 1.6), ncols=2, frameon=False, fontsize=9)
    return figure


def cases_by_framework(report: Report) -> Any:
    """The share of its allowance that every framework takes in every case, under each rule."""
    names, cases = list(report.titles), [result.case.name for result in report.results]
    figure, axes = _figure(1, len(RULES), width=2.2 + 2.0 * len(names), height=1.6 + 0.27 * len(cases))
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
        axis.set_xticks(range(len(names)), names)
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


def _figure(rows: int, columns: int, *, width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # without pyplot: no display, no state

    figure = Figure(figsize=(width, height * rows), layout="constrained", dpi=120)
    return figure, list(np.ravel(figure.subplots(rows, columns, squeeze=False)))


def _shares() -> Any:
    from matplotlib.colors import LogNorm

    return LogNorm(1e-3, 1e3)
