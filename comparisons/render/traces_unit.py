"""One unit followed: its gates and states as curves, and over the text that was read as colours."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.render.slides import FAINT, INK, page
from comparisons.render.traces_axes import families, shown, wide
from comparisons.render.traces_drawn import MASKED, SAID, Drawn, colour

COLUMNS, LINES = 80, 36  # of a page of text


def unit(drawn: Drawn) -> Any:
    """All gates, the candidate and the states of one unit over time."""
    part, k = drawn.part, drawn.unit
    cell = {name: array for name, array in part.states.items() if name == "c"}
    others = part.candidates | {name: array for name, array in part.states.items() if name not in cell}
    groups = {"gates": part.gates, "candidate, output" if part.candidates else "output": others, "cell state": cell}
    groups = {what: lines for what, lines in groups.items() if any(k < array.shape[-1] for array in lines.values())}
    figure, panels = drawn.page(
        len(groups), title=f"unit {k}, step by step", says=_which(drawn), height=2.4 * len(groups) + 1.8
    )
    for axis, (what, lines) in zip(panels, groups.items(), strict=False):
        for name, array in lines.items():
            if k < array.shape[-1]:
                values = drawn.over_time(array)[:, k]
                marker = "o" if len(values) <= 60 else None
                said = SAID.get(name, name)
                axis.plot(values, color=colour(name), linewidth=2.2, marker=marker, markersize=4, label=said)
        axis.legend(frameon=False, fontsize=13, loc="upper left", bbox_to_anchor=(1.0, 1.02))
        axis.set_ylabel(what, fontsize=14)
        if what == "gates":
            low, high = axis.get_ylim()
            axis.set_ylim(min(-0.03, low), max(1.03, high))
        else:
            axis.axhline(0, color=FAINT, linewidth=1)
    return figure


def text(drawn: Drawn) -> Any:
    """The text that was read, each character or word on the colour of the state after it."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import Normalize, to_rgba
    from matplotlib.patches import Rectangle

    part, k = drawn.part, drawn.unit
    assert drawn.tokens is not None
    name = "c" if "c" in part.states else next(iter(part.states))
    values = drawn.over_time(part.states[name])[:, k]
    far = float(np.abs(values[np.isfinite(values)]).max(initial=0)) or 1.0
    scale = ScalarMappable(Normalize(-far, far), colormaps["RdBu_r"])
    texts = [shown(token) for token in drawn.tokens[drawn.begin : drawn.end]]
    words = any(len(token) > 1 for token in drawn.tokens)
    each = "word" if words else "character"
    places = _flow(texts, words)
    lines = places[-1][1] + 1
    cut = "" if len(places) == len(texts) else f" The first {len(places)} of {len(texts)} are shown."
    figure, panels = page(
        1,
        1,
        title=drawn.title(f"unit {k}, over the text"),
        caption=f"Red: the {SAID.get(name, name)} after a {each} is above 0; blue: below. {_which(drawn)}{cut}",
        height=1.9 + 0.3 * max(3, lines),
    )
    axis = panels[0, 0]
    fonts = [f.replace("DejaVu Sans", "DejaVu Sans Mono") for f in families(texts)[:1]] + families(texts)
    values = values[: len(places)]
    boxes = [Rectangle((column, line - 0.5), width, 1) for column, line, width in places]
    known = np.isfinite(values)
    colours = np.where(known[:, None], scale.to_rgba(np.where(known, values, 0)), to_rgba(MASKED))
    axis.add_collection(PatchCollection(boxes, facecolors=colours, linewidths=0))
    for (column, line, width), word, value in zip(places, texts, values, strict=False):
        dark = np.isfinite(value) and abs(value) > 0.65 * far
        middle = column + width / 2
        axis.text(
            middle, line, word, ha="center", va="center", fontsize=13, family=fonts, parse_math=False,
            color="white" if dark else INK, in_layout=False,
        )  # fmt: skip
    axis.set(xlim=(0, COLUMNS), ylim=(max(3, lines) - 0.4, -0.6))
    axis.set_axis_off()
    bar = figure.colorbar(scale, ax=axis, pad=0.01, aspect=20, fraction=0.03)
    bar.ax.tick_params(labelsize=11)
    return figure


def _flow(texts: list[str], words: bool) -> list[tuple[int, int, int]]:
    """Column, line and width of each text, until the page is full; a line ends after its sign for a new line."""
    places = []
    column = line = 0
    for word in texts:
        width = min(wide(word) + words, COLUMNS)
        if column + width > COLUMNS:
            column, line = 0, line + 1
        if line == LINES:
            break
        places.append((column, line, width))
        column += width
        if word == "↵":
            column, line = 0, line + 1
    return places


def _which(drawn: Drawn) -> str:
    return "" if drawn.view.unit is not None else f"Unit {drawn.unit} is the one whose state moves farthest."
