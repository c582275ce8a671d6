"""The pictures of `gateproof study gradients`: over time, over the weights' scale, over depth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from comparisons.render.slides import (
    BLACK,
    BLUE,
    FAINT,
    GREEN,
    NAVY,
    ORANGE,
    SKY,
    SOFT,
    VERMILION,
    curve,
    legend,
    name_ends,
    page,
    powers,
)
from comparisons.render.studies.gradients_training import clipping, truncation
from comparisons.studies.part import SPREAD, Part, short

# A model's name on a line, and its colour.
LINES = {
    "Elman": ("Elman", BLACK),
    "LSTM 1997": ("LSTM 1997", VERMILION),
    "LSTM, forget bias 2": ("LSTM, b = 2", NAVY),
    "LSTM, forget bias 1": ("LSTM, b = 1", BLUE),
    "LSTM, forget bias 0": ("LSTM, b = 0", SKY),
    "GRU": ("GRU", GREEN),
}
STRETCH = r"$\Vert\, \partial {0}_T \,/\, \partial {0}_t \,\Vert$"
HOW = r"$\Vert A\Vert$: by how much $A$ stretches a random vector, $\Vert A\Vert_F / \sqrt{H}$."
SEEDS = "Lines: medians; bands: quartiles."
INITIAL = "Keras' initial weights, inputs N(0, 1), exact gradients; "


def spread_of(numbers: Part, /, **where: Any) -> list[Any]:
    """The three columns of a curve."""
    return [numbers.column(name, **where) for name in SPREAD]


def lag(part: Part) -> Any:
    activations = part.values("activation")
    figure, panels = page(
        2,
        len(activations),
        title=part.title,
        caption=f"{INITIAL}{part.settings}. {SEEDS} {HOW} b: forget bias; leaky relu: slope 0.2.",
        sharex=True,
        sharey=True,
    )
    lines = {}
    for row, field in zip(panels, "hc", strict=True):
        row[0].set_ylabel(STRETCH.format(field), fontsize=19)
        for axis, activation in zip(row, activations, strict=True):
            axis.set_yscale("log")
            axis.axhline(1, color=FAINT, linewidth=1, linestyle="--")
            lines[axis] = {}
            for model, (label, colour) in LINES.items():
                where = {"model": model, "activation": activation, "of": field}
                if len(x := part.column("lag", **where)):
                    lines[axis][label] = curve(axis, x, spread_of(part, **where), colour)
    for axis, activation in zip(panels[0], activations, strict=True):
        axis.set_title(activation, fontsize=17)
    for axis in panels[-1]:
        axis.set_xlabel("lag T − t", fontsize=14)
    for axis, ends in lines.items():
        powers(axis)
        name_ends(axis, ends)
    return figure


WHOLE, GATES, REST = "whole", "gates alone", "rest"
PARTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    WHOLE: ("the whole Jacobian", BLACK, {"linewidth": 5, "alpha": 0.35}),
    GATES: (r"the product of the gates alone", BLUE, {}),
    REST: ("the rest: all that goes through h", VERMILION, {"linestyle": "--"}),
}


def split(part: Part) -> Any:
    models, activations = part.values("model"), part.values("activation")
    figure, panels = page(
        len(activations),
        len(models),
        title=part.title,
        caption=r"$\partial c_T/\partial c_t = \mathrm{diag}(\prod f)$ + rest; GRU: $\partial h_T/\partial h_t = "
        r"\mathrm{diag}(\prod z)$ + rest; in 1997 the product is 1."
        f"\n{INITIAL}{part.settings}. {SEEDS} {HOW}",
        legend=True,
        sharex=True,
        sharey=True,
    )
    drawn: dict[str, Any] = {}
    for row, activation in zip(panels, activations, strict=True):
        row[0].set_ylabel(activation, fontsize=17)
        for axis, model in zip(row, models, strict=True):
            axis.set_yscale("log")
            for name, (_, colour, style) in PARTS.items():
                where = {"model": model, "activation": activation, "part": name}
                drawn[name] = curve(axis, part.column("lag", **where), spread_of(part, **where), colour, **style)
            axis.axhline(1, color=FAINT, linewidth=1, linestyle=":")
            gates, rest = (part.column("median", model=model, activation=activation, part=p)[-1] for p in (GATES, REST))
            axis.text(
                0.04, 0.05, f"rest / gates: {short(rest / gates)}", transform=axis.transAxes, fontsize=14, color=SOFT
            )
    for axis, model in zip(panels[0], models, strict=True):
        axis.set_title(model, fontsize=15)
    for axis in panels[-1]:
        axis.set_xlabel("lag T − t", fontsize=14)
    powers(panels[0, 0], most=5)
    legend(figure, {label: drawn[name] for name, (label, _, _) in PARTS.items()})
    return figure


def scale(part: Part) -> Any:
    from matplotlib.ticker import FuncFormatter, NullLocator

    activations = part.values("activation")
    figure, panels = page(
        1,
        len(activations),
        title=part.title,
        caption=r"The factor by which $\Vert\partial h_T/\partial h_t\Vert$ grows with each step of lag; "
        f"{part.settings}. Scale 1: Keras' initial recurrent kernel, orthogonal. {SEEDS}",
        height=7.5,
        sharey=True,
    )
    ticks = part.column("scale", model="Elman", activation=activations[0])[::2]
    lines = {}
    for axis, activation in zip(panels[0], activations, strict=True):
        lines[axis] = {}
        for model, (label, colour) in LINES.items():
            where = {"model": model, "activation": activation}
            if len(x := part.column("scale", **where)):
                lines[axis][label] = curve(axis, x, spread_of(part, **where), colour, marker="o", markersize=5)
        axis.set(xscale="log", yscale="log")
        axis.set_xlabel("scale of the recurrent kernel", fontsize=14)
        axis.set_title(activation, fontsize=17)
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.yaxis.set_minor_locator(NullLocator())
        axis.set_yticks([0.25, 0.5, 1, 2, 4])
        axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        axis.axhline(1, color=SOFT, linewidth=1.2, linestyle="--")
    panels[0, 0].set_ylabel("growth of the gradient, a step back", fontsize=15)
    low, high = panels[0, 0].get_ylim()
    for axis, ends in lines.items():
        axis.axhspan(1, high, color=VERMILION, alpha=0.06, linewidth=0)
        axis.set_ylim(low, high)
        axis.text(0.03, 0.97, "explodes", transform=axis.transAxes, va="top", color=VERMILION, fontsize=15)
        axis.text(0.03, 0.03, "vanishes", transform=axis.transAxes, color=FAINT, fontsize=15)
        name_ends(axis, ends)
    return figure


ARRANGED = {
    "plain": (BLACK, "-"),
    "residual": (BLUE, "-"),
    "batch norm": (VERMILION, "-"),
    "batch norm + residual": (ORANGE, "--"),
}


def depth(part: Part) -> Any:
    stacks = list(dict.fromkeys((row[0], row[1]) for row in part.rows))
    figure, panels = page(
        2,
        len(stacks),
        title=part.title,
        caption=f"Norms, over that of the gradient at the top's outputs, which is drawn at every step. {INITIAL}"
        f"{part.settings}. Batch normalisation of each layer's inputs over batch and time, as in training. {SEEDS}",
        sharex=True,
        legend=True,
        sharey="row",
    )
    drawn: dict[str, Any] = {}
    for row, of, label in zip(
        panels, ("outputs", "kernel"), ("gradient of the outputs", "gradient of the kernel"), strict=True
    ):
        row[0].set_ylabel(label, fontsize=16)
        for axis, (model, activation) in zip(row, stacks, strict=True):
            for name, (colour, dashes) in ARRANGED.items():
                where = {"model": model, "activation": activation, "arrangement": name, "of": of}
                x = part.column("depth", **where)
                drawn[name] = curve(axis, x, spread_of(part, **where), colour, linestyle=dashes)
            axis.set_yscale("log")
            axis.axhline(1, color=FAINT, linewidth=1, linestyle=":")
    for axis, (model, activation) in zip(panels[0], stacks, strict=True):
        axis.set_title(f"{model}, {activation}", fontsize=15)
    for axis in panels[1]:
        axis.set_xlabel("layer (0: the inputs, right: the top)", fontsize=13)
    for row in panels:
        powers(row[0])
    legend(figure, drawn)
    return figure


PICTURES: dict[str, Callable[[Part], Any]] = {
    "lag": lag,
    "split": split,
    "scale": scale,
    "depth": depth,
    "clipping": clipping,
    "truncation": truncation,
}
