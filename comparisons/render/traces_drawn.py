"""What the pictures of a trace have in common: the row and the steps that are seen, the units' order, the time axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.render.slides import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, SOFT, VERMILION, page
from comparisons.render.traces_axes import FITS, label, plain
from comparisons.tracing.parts import Part
from comparisons.tracing.whole import View

Array = NDArray[Any]
SAID = {
    "i": "input gate i",
    "f": "forget gate f",
    "o": "output gate o",
    "z": "update gate z",
    "r": "reset gate r",
    "g": "candidate g",
    "n": "candidate n",
    "h": "output h",
    "c": "cell state c",
    "y": "output y",
}
COLOURS = {"i": GREEN, "f": BLUE, "z": BLUE, "o": ORANGE, "r": ORANGE, "g": PURPLE, "n": PURPLE, "c": VERMILION}
FEW = 4  # features that are drawn as curves
MASKED = "#c9c9c9"


class Drawn:
    """A part of a trace, as it is to be seen."""

    def __init__(self, part: Part, view: View) -> None:
        self.part, self.view = part, view
        self.begin, self.end = view.steps or (0, part.steps)
        self.tokens = part.tokens[view.row] if part.tokens else None
        self.unit = part.widest(view.row) if view.unit is None else view.unit
        self.sorted = view.sort == "half-life" and bool(part.half_life)
        self.order = part.longest_first() if self.sorted else np.arange(part.units)

    def over_time(self, array: Array) -> Array:
        """One row of an array over the steps that are seen, in the input's order, `(T, ·)`; NaN where masked."""
        values = np.where(self.part.counted[self.view.row, :, None], array[self.view.row], np.nan)
        return (values[::-1] if self.part.backwards else values)[self.begin : self.end]

    @property
    def read(self) -> Array | None:
        """What was read in the steps that are seen, `(T, X)`, where these are numbers and few; None else."""
        part = self.part
        if self.tokens is not None or part.x.shape[-1] > FEW:
            return None
        return self.over_time(part.x[:, ::-1] if part.turned else part.x)

    def title(self, what: str) -> str:
        return f"{plain(self.part.path)}: {what}" if self.part.path else what

    def page(self, panels: int, *, title: str, says: str, height: float) -> tuple[Any, list[Any]]:
        """A figure with panels under one another that share the steps, below them what was read where that is few."""
        part = self.part
        row = f", row {self.view.row} of {part.batch}" if part.batch > 1 else ""
        facts = f"{part.cell}, {part.units} units, {part.steps} steps{row}"
        order = "; it reads from right to left" if part.backwards else ""
        shown = self.read is not None
        figure, axes = page(
            panels + shown,
            1,
            title=self.title(title),
            caption=f"{says} {self.masked}\n{facts}{order}.",
            height=height + 1.4 * shown,
            sharex=True,
            height_ratios=[1.0] * panels + [0.45] * shown,
        )
        every = list(axes[:, 0])
        if shown:
            every[-1].plot(self.read, linewidth=1.8, color=SOFT if part.x.shape[-1] == 1 else None)
            every[-1].set_ylabel("input x", fontsize=14)
        every[-1].set_xlim(-0.5, self.end - self.begin - 0.5)
        if label(every[-1], self.tokens, self.begin, self.end):
            for axis in every:
                axis.tick_params(axis="x", length=0)
        else:
            longer = "" if self.tokens is None else f"; the text is shown for {FITS} of them (--steps)"
            every[-1].set_xlabel(f"step of the input{longer}", fontsize=14)
        return figure, every

    @property
    def masked(self) -> str:
        return "" if self.part.counted[self.view.row].all() else "Grey or empty: masked."

    def range(self, *arrays: Array) -> tuple[float, float]:
        """The smallest and the largest finite number of steps that count, of all rows; 0 and 0 where there is none."""
        seen = [array[self.part.counted] for array in arrays]
        finite = np.concatenate([values[np.isfinite(values)] for values in seen])
        return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)

    def heat(self, figure: Any, axis: Any, name: str, array: Array, shades: str, low: float, high: float) -> None:
        """Units under one another, the steps in a row."""
        from matplotlib import colormaps

        values = self.over_time(array).T
        units = [unit for unit in self.order if unit < len(values)]
        colours = colormaps[shades].with_extremes(bad=MASKED)
        image = axis.imshow(values[units], aspect="auto", cmap=colours, vmin=low, vmax=high)
        axis.grid(visible=False)
        axis.spines[["top", "right"]].set_visible(True)
        axis.set_ylabel(f"{SAID.get(name, name)}\nunit", fontsize=14)
        every = max(1, -(-len(units) // 8))
        ticks = range(0, len(units), every)
        axis.set_yticks(ticks, [str(units[k]) for k in ticks])
        bar = figure.colorbar(image, ax=axis, pad=0.01, aspect=12)
        bar.ax.tick_params(labelsize=11)


def colour(name: str) -> str:
    return COLOURS.get(name, BLACK if name in "hy" else SKY)
