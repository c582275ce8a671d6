"""The pictures of what `gateproof study pipeline` measures: over padded steps, and over lengths."""

from __future__ import annotations

from typing import Any

from comparisons.render.slides import BLACK, BLUE, FAINT, GREEN, SOFT, VERMILION, curve, legend, page, powers
from comparisons.studies.part import SPREAD, Part
from comparisons.studies.pipeline.learned import PAPER
from comparisons.studies.pipeline.networks import MASKED

COLOURS = {"Elman": BLACK, "LSTM": BLUE, "GRU": GREEN}
WIDTHS = {"Elman": 2.4, "LSTM": 5, "GRU": 2}  # where one lies on the other
SEEDS = "Lines: medians; bands: quartiles."


MEASURED = {
    "moved": "distance from the\nsentence alone",
    "left": "differences between\nsentences that are left",
    "right": "right decisions",
}


def forgetting(part: Part) -> Any:
    columns = [(weights, where) for weights in part.values("weights") for where in part.values("padding")]
    figure, panels = page(
        len(MEASURED),
        len(columns),
        title=part.title,
        caption=f"Without a mask; {part.settings}; held-out sentences. post: the padding behind, pre: before. The "
        f"distance is over the length of the state of the sentence alone. {SEEDS}",
        height=10.5,
        legend=True,
        sharex=True,
        sharey="row",
    )
    drawn: dict[str, Any] = {}
    for row, (measure, label) in zip(panels, MEASURED.items(), strict=True):
        row[0].set_ylabel(label, fontsize=14)
        for axis, (weights, where) in zip(row, columns, strict=True):
            if measure == "left":
                axis.set_yscale("log")
            for cell in part.values("cell"):
                asked = {"cell": cell, "weights": weights, "padding": where, "measure": measure}
                spread = [part.column(name, **asked) for name in SPREAD]
                drawn[cell] = curve(
                    axis, part.column("padded_steps", **asked), spread, COLOURS[cell], linewidth=WIDTHS[cell]
                )
            axis.axhline({"moved": 0, "left": 1, "right": 0.5}[measure], color=FAINT, linewidth=1, linestyle=":")
    powers(panels[1, 0])
    panels[2, 0].set_ylim(0, 1.05)
    for axis, (weights, where) in zip(panels[0], columns, strict=True):
        axis.set_title(f"{weights} weights, {where}", fontsize=16)
    for axis in panels[-1]:
        axis.set_xlabel("padded steps", fontsize=14)
    legend(figure, drawn)
    return figure


def mask(part: Part) -> Any:
    cells, who = part.values("cell"), part.values("who")
    figure, panels = page(
        1,
        len(cells),
        title=part.title,
        caption=f"The share of numbers of which a bit is not that of the sentence alone; {part.settings}; float32; all "
        f"padded steps together ({', '.join(map(str, part.values('padded_steps')))}).",
        height=7.5,
        legend=True,
        sharey=True,
        sharex=True,
    )
    bars: dict[str, Any] = {}
    for axis, cell in zip(panels[0], cells, strict=True):
        for k, (one, where) in enumerate((one, where) for one in who for where in part.values("padding")):
            for masked, up, colour in ((True, -0.2, BLUE), (False, 0.2, VERMILION)):
                asked = {"cell": cell, "who": one, "padding": where, "mask": masked}
                other, of = (int(part.column(name, **asked).sum()) for name in ("other_bits", "numbers"))
                bars["with a mask" if masked else "without"] = axis.barh(k + up, other / of, 0.36, color=colour)
                axis.text(other / of + 0.02, k + up, f"{other} of {of}", va="center", fontsize=14, color=colour)
        axis.set_title(cell, fontsize=17)
        axis.set_xlim(0, 1.6)
        axis.set_xticks([0, 0.5, 1])
        axis.set_xlabel("share with other bits", fontsize=14)
    names = [f"{one}\n{where}" for one in who for where in part.values("padding")]
    panels[0, 0].set_yticks(range(len(names)), names, fontsize=14)
    panels[0, 0].invert_yaxis()
    legend(figure, bars)
    return figure


def learned(part: Part) -> Any:
    from matplotlib.ticker import NullLocator

    where = [name for name in part.values("training") if name != MASKED]
    lengths = list(dict.fromkeys(part.column("trained_length", training=where[0])))
    figure, panels = page(
        len(where),
        len(lengths),
        title=part.title,
        caption=f"Held-out sentences of 3 to 9 words, padded to more and more; {part.settings}. {SEEDS} Dashed: the "
        f"length that the network was trained with. Dotted: {part.source}.",
        legend=True,
        sharex=True,
        sharey=True,
    )
    drawn: dict[str, Any] = {}
    ticks = part.values("padded_to")[::2]
    for row, training in zip(panels, where, strict=True):
        row[0].set_ylabel(f"trained with {training}:\nright decisions", fontsize=15)
        for axis, length in zip(row, lengths, strict=True):
            axis.set_xscale("log")
            for cell in part.values("cell"):
                asked = {"cell": cell, "training": training, "trained_length": length}
                spread = [part.column(name, **asked) for name in SPREAD]
                drawn[cell] = curve(
                    axis,
                    part.column("padded_to", **asked),
                    spread,
                    COLOURS[cell],
                    linewidth=WIDTHS[cell],
                    marker="o",
                    markersize=5,
                )
            axis.axvline(length, color=SOFT, linewidth=1.4, linestyle="--")
            axis.xaxis.set_minor_locator(NullLocator())
            axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axis = row[-1]
        axis.axhline(PAPER[training], color=VERMILION, linewidth=1.8, linestyle=":")
        said = f"paper, padded to {PAPER['length']}: about {PAPER[training]:.2g}"
        axis.text(
            0.03,
            PAPER[training] - 0.05,
            said,
            va="top",
            transform=axis.get_yaxis_transform(),
            fontsize=13,
            color=VERMILION,
        )
    for axis in panels.flat:
        for cell in part.values("cell"):
            x, y = (part.column(name, cell=cell, training=MASKED) for name in ("padded_to", "median"))
            drawn["with a mask (each cell)"] = axis.plot(x, y, color=FAINT, linewidth=6, alpha=0.3, zorder=0)[0]
    for axis, length in zip(panels[0], lengths, strict=True):
        axis.set_title(f"padded to {length} in training", fontsize=16)
    for axis in panels[-1]:
        axis.set_xlabel("padded to, when judged", fontsize=14)
    panels[0, 0].set_ylim(0, 1.05)
    legend(figure, drawn)
    return figure
