"""The pictures of `gateproof study gradients` of what is done to gradients in training: clipping and truncation."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.render.slides import (
    BLACK,
    BLUE,
    FAINT,
    GREEN,
    NAVY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    curve,
    legend,
    name_ends,
    page,
    powers,
)
from comparisons.studies.part import SPREAD, Part

MODES = {
    "global norm": (BLACK, "o"),
    "norm per variable": (BLUE, "s"),
    "value": (ORANGE, "^"),
    "per-step message": (VERMILION, "D"),
}
TRUNCATED = {
    "GRU": ("GRU", GREEN),
    "Elman": ("Elman", BLACK),
    "LSTM, forget bias 0": ("LSTM, b = 0", SKY),
    "LSTM, forget bias 1": ("LSTM, b = 1", BLUE),
    "LSTM, forget bias 2": ("LSTM, b = 2", NAVY),
    "LSTM 1997": ("LSTM 1997", VERMILION),
    "Elman, exploding": ("Elman × 2", PURPLE),
}


def clipping(part: Part) -> Any:
    networks = list(dict.fromkeys((row[0], row[1]) for row in part.rows))
    figure, panels = page(
        2,
        len(networks),
        title=part.title,
        caption=f"A point: the gradient of one network's weights; its recurrent kernel scaled until gradients explode; "
        f"{part.settings}. Lines: medians at each scale. Loss: half the sum of squares, at every step.",
        legend=True,
        sharex="col",
        sharey="row",
    )
    drawn: dict[str, Any] = {}
    for k, (model, activation) in enumerate(networks):
        for mode, (colour, mark) in MODES.items():
            where = {"model": model, "activation": activation, "mode": mode}
            exact, scales = part.column("exact_length", **where), part.column("scale", **where)
            at = lambda values, scales=scales: np.array([np.median(values[scales == s]) for s in np.unique(scales)])
            for axis, name in zip(panels[:, k], ("length", "cosine"), strict=True):
                values = part.column(name, **where)
                axis.plot(exact, values, mark, color=colour, markersize=3.5, alpha=0.35, linewidth=0)
                (drawn[mode],) = axis.plot(at(exact), at(values), color=colour, linewidth=2.6)
        top, bottom = panels[:, k]
        top.set(xscale="log", yscale="log")
        top.set_title(f"{model}, {activation}", fontsize=16)
        bottom.axhline(0, color=FAINT, linewidth=1.2, linestyle="--")
        bottom.set_xlabel("length of the exact gradient", fontsize=14)
    panels[0, 0].set_ylabel("length after clipping", fontsize=15)
    panels[1, 0].set_ylabel("cosine with the exact gradient", fontsize=15)
    panels[1, 0].set_ylim(-0.6, 1.08)
    panels[1, 0].text(0.02, 0.02, "below 0: uphill", transform=panels[1, 0].transAxes, color=FAINT, fontsize=14)
    powers(panels[0, 0])
    for axis in panels[1]:
        powers(axis, "x")
    legend(figure, drawn)
    return figure


def truncation(part: Part) -> Any:
    figure, panels = page(
        2,
        2,
        title=part.title,
        caption="Top: the gradient of all weights. Bottom: what each lag adds to that of the last step's loss, along "
        "the cell state against along all paths."
        f"\ntanh, Keras' initial weights; {part.settings}. Lines: medians; bands: quartiles. b: forget bias; × 2: the "
        "recurrent kernel twice as large, so that gradients explode.",
        height=10,
    )
    kinds = part.values("of")
    titles = (
        "the last step's loss, gone back k steps",
        "every step's loss, in stretches of k steps",
        "truncation of 1997, lag by lag: direction",
        "truncation of 1997, lag by lag: length",
    )
    labels = ("cosine with the exact gradient",) * 3 + ("length over the exact one's",)
    for n, (axis, of, title) in enumerate(zip(panels.flat, kinds, titles, strict=True)):
        lines = {}
        for name, (label, colour) in TRUNCATED.items():
            where = {"model": name, "of": of}
            if len(x := part.column("steps", **where)):
                style = {"marker": "o", "markersize": 5} if n < 2 else {}
                lines[label] = curve(axis, x, [part.column(s, **where) for s in SPREAD], colour, **style)
        axis.set_title(title, fontsize=16)
        axis.set_ylabel(labels[n], fontsize=14)
        if n < 2:
            axis.set_xscale("log", base=2)
            axis.set_xlabel("k", fontsize=14)
            ticks = np.unique(part.column("steps", of=of))
            axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        else:
            axis.set_xlabel("lag", fontsize=14)
        if n < 3:
            axis.axhline(0, color=FAINT, linewidth=1, linestyle="--")
            axis.set_ylim(-0.3, 1.06)
        else:
            axis.set_yscale("log")
            axis.set_ylim(1e-8, 10)
            powers(axis)
        name_ends(axis, lines)
    return figure
