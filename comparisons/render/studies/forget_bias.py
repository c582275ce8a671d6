"""The pictures of `gateproof study forget-bias`: learning curves, and how two ways of one bias come apart."""

from __future__ import annotations

from typing import Any

from comparisons.render.slides import (
    BLACK,
    BLUE,
    FAINT,
    GREEN,
    NAVY,
    PURPLE,
    SKY,
    VERMILION,
    curve,
    legend,
    name_ends,
    page,
    powers,
)
from comparisons.studies.forget_bias.curves import ADDED, CLOSED, LAG, NONE, TWO, UNIT
from comparisons.studies.forget_bias.reading import CHANCE
from comparisons.studies.forget_bias.same import DECAYED, DIGIT, DOUBLE, SINGLE
from comparisons.studies.part import SPREAD, Part

LINES: dict[str, tuple[str, dict[str, Any]]] = {
    NONE.name: (BLACK, {}),
    UNIT.name: (SKY, {"linewidth": 5, "alpha": 0.8}),
    ADDED.name: (NAVY, {"linestyle": "--"}),
    TWO.name: (GREEN, {}),
    LAG.name: (VERMILION, {}),
    CLOSED.name: (PURPLE, {}),
}
SEEDS = "Lines: medians; bands: quartiles."


def spread_of(part: Part, **where: Any) -> list[Any]:
    return [part.column(name, **where) for name in SPREAD]


def curves(part: Part) -> Any:
    lags = part.values("lag")
    figure, panels = page(
        1,
        len(lags),
        title=part.title,
        caption=(
            f"Temporal order of two symbols: mean absolute error of each 2000 sequences, before they are learned from; "
            f"a curve that ended in success stays where it ended. {part.settings}. {SEEDS}"
        ),
        legend=True,
        sharey=True,
    )
    lines: dict[str, Any] = {}
    for axis, lag in zip(panels[0], lags, strict=True):
        axis.set_title(f"lag {lag}", fontsize=17)
        axis.axhline(CHANCE, color=FAINT, linewidth=1, linestyle=":")
        for bias in part.values("bias"):
            colour, style = LINES[bias]
            where = {"lag": lag, "bias": bias}
            lines[bias] = curve(axis, part.column("sequences", **where), spread_of(part, **where), colour, **style)
        axis.set_ylim(0, CHANCE * 1.12)
        axis.set_xlabel("sequences", fontsize=14)
    panels[0, 0].set_ylabel("mean absolute error", fontsize=16)
    panels[0, 0].annotate(
        "chance", (1, CHANCE * 1.012), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=FAINT
    )
    legend(figure, lines)
    return figure


COLOURS = {DOUBLE: BLUE, SINGLE: GREEN, DECAYED: VERMILION, DIGIT: BLACK}
PANELS = {"weights": "largest difference of a weight", "outputs": "largest difference of an output"}


def same(part: Part) -> Any:
    trainings = part.values("training")
    figure, (panels,) = page(
        1,
        3,
        title=part.title,
        caption=(
            "Two networks from the same weights, one with a forget bias of 1 that is stored, one to which it is added "
            "at run time. Dotted, for comparison: both stored, and one weight begins with another last digit. "
            f"{part.settings}. {SEEDS}"
        ),
        legend=True,
    )
    lines: dict[str, Any] = {}
    for axis, (of, title) in zip(panels[:2], PANELS.items(), strict=True):
        axis.set_yscale("log")
        axis.set_ylim(1e-17, 3)
        axis.set_title(title, fontsize=16)
        for training in trainings:
            where = {"training": training, "of": of}
            style = {"linestyle": ":" if training == DIGIT else "-", "marker": "o", "markersize": 6}
            lines[training] = curve(
                axis, part.column("updates", **where), spread_of(part, **where), COLOURS[training], **style
            )
        powers(axis)
    shown = DECAYED if DECAYED in trainings else trainings[0]
    ends = {}
    for of, style in (("stored", "-"), ("added", "--")):
        where = {"training": shown, "of": of}
        x = part.column("updates", **where)
        ends[of] = curve(panels[2], x, spread_of(part, **where), COLOURS[shown], linestyle=style, marker="o")
    panels[2].set_title(f"the forget bias, {shown}", fontsize=16)
    name_ends(panels[2], ends, size=14)
    updates = sorted(set(part.column("updates")))
    shown_at = [u for u in updates if set(f"{u}"[1:]) <= {"0"} and f"{u}"[0] in "01"]  # powers of ten
    for axis in panels:
        axis.set_xscale("symlog", linthresh=1)
        axis.set_xlim(-0.2, updates[-1] * 1.4)
        axis.set_xticks(shown_at, [f"{u}" for u in shown_at])
        axis.minorticks_off()
        axis.set_xlabel("updates", fontsize=14)
    legend(figure, lines)
    return figure


PICTURES = {"curves": curves, "same": same}
