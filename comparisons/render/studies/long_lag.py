"""The pictures of `gateproof study long-lag`: sequences over the lag, a panel for each way to begin."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.render.slides import (
    BLACK,
    BLUE,
    FAINT,
    GREEN,
    INK,
    NAVY,
    ORANGE,
    PURPLE,
    VERMILION,
    legend,
    page,
)
from comparisons.studies.long_lag.reading import PAPER
from comparisons.studies.part import Part

LINES = {
    "Elman": BLACK,
    "Jordan": PURPLE,
    "LSTM 1997": VERMILION,
    "LSTM": BLUE,
    "peephole LSTM": NAVY,
    "GRU": GREEN,
}
SIDE = 0.13  # in decades of lag: learners stand beside each other, so far at most
GIVEN_UP = 3e6  # where those stand that were given up, above the paper's


def sequences(part: Part) -> Any:
    """Dots: the seeds; lines: medians; at the top those that were given up."""
    problem = part.name.replace("-", " ")
    starts = part.values("start")
    figure, panels = page(
        1,
        len(starts),
        title=part.title,
        caption=(
            "Sequences until what matters is stored (fewer than 140 of the last 2000 wrong). A dot is a seed, full "
            "where in the end 2000 in a row were right; a line joins medians. After a lag that no seed learned none is "
            "tried. Initialised for the lag: Elman with relu and an identity, LSTM 1997 with its paper's weights, the "
            f"others with gate biases of ±log lag. ★ the paper's LSTM, 2000 in a row right ({part.source}). "
            f"{part.settings}."
        ),
        legend=True,
        sharey=True,
    )
    printed = PAPER[problem]
    at = sorted({*part.values("lag"), *(line.lag for line in printed)})
    for axis, start in zip(panels[0], starts, strict=True):
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_title(start, fontsize=17)
        for n, (learner, colour) in enumerate(LINES.items()):
            _learner(axis, part, start, learner, colour, 10 ** (SIDE * (n / (len(LINES) - 1) - 0.5)))
        stars = [line.lag for line in printed], [line.sequences for line in printed]
        axis.scatter(*stars, marker="*", s=330, color=ORANGE, edgecolor=INK, zorder=5)
        axis.axhline(GIVEN_UP / 1.9, color=FAINT, linewidth=1, linestyle="--")
        axis.set_xlim(at[0] / 1.3, at[-1] * 1.3)
        axis.set_xticks(at, [f"{lag}" for lag in at])
        axis.set_ylim(min(1000, part.column("storing").min() / 1.5), GIVEN_UP * 1.6)
        axis.minorticks_off()
        axis.set_xlabel("minimal lag, steps", fontsize=14)
    panels[0, 0].set_ylabel("sequences", fontsize=16)
    panels[0, 0].set_yticks(TICKS, [f"{tick:,}" for tick in TICKS[:-1]] + ["given up"])
    legend(figure, _handles())
    return figure


TICKS = [1_000, 10_000, 100_000, 1_000_000, int(GIVEN_UP)]


def _learner(axis: Any, part: Part, start: str, learner: str, colour: str, shift: float) -> None:
    """A learner's seeds, and a line through the medians of the lags that more than half of them learned."""
    of = {"start": start, "learner": learner}
    medians = {}
    for lag in sorted(set(part.column("lag", **of))):
        stored, solved, storing = (part.column(name, **of, lag=lag) for name in ("stored", "solved", "storing"))
        height = np.where(stored == 1, storing, GIVEN_UP)
        x = lag * shift * 10 ** (0.008 * (np.arange(len(stored)) - (len(stored) - 1) / 2))
        face = [colour if full else "white" for full in solved]
        axis.scatter(x, height, s=60, color=face, edgecolor=colour, linewidth=1.7, zorder=4)
        if stored.mean() > 0.5:
            medians[lag * shift] = float(np.median(height))
    axis.plot(medians.keys(), medians.values(), color=colour, linewidth=2.4, zorder=3)


def _handles() -> dict[str, Any]:
    """What the legend shows."""
    from matplotlib.lines import Line2D

    each = {
        name: Line2D([], [], color=colour, linewidth=2.4, marker="o", markersize=8) for name, colour in LINES.items()
    }
    return each | {
        "the paper": Line2D([], [], color=ORANGE, marker="*", markersize=18, markeredgecolor=INK, linewidth=0)
    }


PICTURES = {"adding": sequences, "temporal-order": sequences}
