"""The pictures of `gateproof study sentiment`: accuracy over training, and how far two runs come apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from comparisons.render.slides import BLACK, BLUE, GREEN, ORANGE, PURPLE, SOFT, VERMILION, curve, legend, page, powers
from comparisons.studies.part import SPREAD, Part, short

STOCK, OURS, NUDGED = "stock", "ours", "stock, one weight nudged"
NAMES = {STOCK: "stock layers", OURS: "our layers"}
LINES = {"bag of words": (GREEN, "--"), "larger class": (SOFT, ":")}
PAPER = {"one human rater": PURPLE, "maximum entropy": PURPLE, "VADER": PURPLE}


def accuracy(part: Part) -> Any:
    networks = [name for name in part.values("network") if len(part.column("epoch", network=name, layers=STOCK))]
    figure, panels = page(
        2,
        len(networks),
        title=part.title,
        caption="Accuracy on the half that is held out; lines: medians, bands: quartiles. Purple, dashed: the paper's "
        f"F1 of three classes. {part.settings}."
        if part.source
        else f"Accuracy on the half that is held out; lines: medians, bands: quartiles. {part.settings}.",
        legend=True,
        sharex=True,
        sharey="row",
    )
    drawn: dict[str, Any] = {}
    styles = {STOCK: (BLACK, {"linewidth": 7, "alpha": 0.3}), OURS: (BLUE, {"linewidth": 2.2, "marker": "o"})}
    for column, name in zip(panels.T, networks, strict=True):
        for axis, of in zip(column, ("training loss", "accuracy"), strict=True):
            for whose, (colour, style) in styles.items():
                where = {"network": name, "layers": whose, "of": of}
                numbers = [part.column(one, **where) for one in SPREAD]
                drawn[NAMES[whose]] = curve(axis, part.column("epoch", **where), numbers, colour, **style)
        axis = column[1]
        for line, (colour, dashes) in LINES.items():
            (height,) = part.column("median", network=line)
            drawn[f"{line}: {height:.3f}"] = axis.axhline(height, color=colour, linestyle=dashes, linewidth=2.2)
        for line, colour in PAPER.items():
            for height in part.column("median", network=f"paper: {line}"):
                axis.axhline(height, color=colour, linestyle=(0, (6, 3)), linewidth=1.4, alpha=0.8)
                if name == networks[-1]:
                    axis.text(1.015, height, f"{line} {height:.2f}", color=colour, fontsize=12, va="center",
                              transform=axis.get_yaxis_transform())  # fmt: skip
        axis.set_xlabel("epoch", fontsize=14)
        axis.set_xticks(range(1, int(max(part.column("epoch"))) + 1))
        column[0].set_title(name, fontsize=17)
    panels[0, 0].set_ylabel("training loss", fontsize=15)
    panels[1, 0].set_ylabel("accuracy, held out", fontsize=15)
    legend(figure, drawn)
    return figure


def apart(part: Part) -> Any:
    networks = part.values("network")
    figure, panels = page(
        1,
        len(networks),
        title=part.title,
        caption="Distance between the weights of two runs, over how far training has moved them. One weight nudged: to "
        f"the next float32. Lines: medians, bands: quartiles. {part.settings}.",
        height=8,
        legend=True,
        sharex=True,
        sharey=True,
    )
    drawn: dict[str, Any] = {}
    for axis, name in zip(panels[0], networks, strict=True):
        axis.set(xscale="log", yscale="log")
        for other, colour, said in ((OURS, BLUE, "stock and ours"), (NUDGED, VERMILION, "stock and stock nudged")):
            where = {"network": name, "layers": other, "of": "weights"}
            numbers = [part.column(one, **where) for one in SPREAD]
            drawn[said] = curve(axis, part.column("step", **where), numbers, colour, marker="o", markersize=5)
        epoch = min(part.column("step", network=name, layers=OURS, of="probability"))
        drawn["one epoch"] = axis.axvline(epoch, color=ORANGE, linestyle=":", linewidth=2)
        facts = part.found[f"{name}, {OURS}"]
        axis.set_title(name, fontsize=17)
        axis.text(
            0.03, 0.97,
            f"curves of the loss: {short(part.found[name]['loss apart'])} apart\n"
            f"another class: {short(facts['other class'])} of {part.found['held out']:,}\n"
            f"stock's time / ours: {short(part.found[name]['ratio'])}",
            transform=axis.transAxes, va="top", fontsize=13, color=SOFT,
        )  # fmt: skip
        axis.set_xlabel("step of training", fontsize=14)
    low, high = panels[0, 0].get_ylim()
    panels[0, 0].set_ylim(low, high * (high / low) ** 0.35)  # room for the words
    powers(panels[0, 0])
    panels[0, 0].set_ylabel("distance of the weights", fontsize=15)
    legend(figure, drawn)
    return figure


PICTURES: dict[str, Callable[[Part], Any]] = {"accuracy": accuracy, "apart": apart}
