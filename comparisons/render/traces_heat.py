"""Gates, and candidates and states, as heat maps of units over time."""

from __future__ import annotations

from typing import Any

from comparisons.render.traces_drawn import Drawn

SORTED = "Units are sorted by half-life, the longest above."


def gates(drawn: Drawn) -> Any:
    """Every gate, 0 to 1."""
    every = drawn.part.gates
    figure, panels = drawn.page(
        len(every),
        title="what the gates let through",
        says=f"0, dark: shut; 1, light: open.{f' {SORTED}' if drawn.sorted else ''}",
        height=_height(len(every)),
    )
    low, high = drawn.range(*every.values())
    for axis, (letter, array) in zip(panels, every.items(), strict=False):
        drawn.heat(figure, axis, letter, array, "viridis", min(0.0, low), max(1.0, high))
    return figure


def states(drawn: Drawn) -> Any:
    """Candidates and states, each around 0."""
    every = {**drawn.part.candidates, **drawn.part.states}
    figure, panels = drawn.page(
        len(every),
        title="what is proposed, kept and given out" if drawn.part.candidates else "what is kept and given out",
        says=f"Red: above 0; blue: below; white: 0.{f' {SORTED}' if drawn.sorted else ''}",
        height=_height(len(every)),
    )
    for axis, (name, array) in zip(panels, every.items(), strict=False):
        far = max(map(abs, drawn.range(array))) or 1.0
        drawn.heat(figure, axis, name, array, "RdBu_r", -far, far)
    return figure


def _height(panels: int) -> float:
    return {1: 6.0, 2: 7.4}.get(panels, 2.4 * panels + 1.6)
