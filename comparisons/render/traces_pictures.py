"""A trace as pictures, by name, each drawn when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from comparisons.render.traces_drawn import Drawn
from comparisons.render.traces_heat import gates, states
from comparisons.render.traces_memory import half_life, saturation
from comparisons.render.traces_unit import text, unit
from comparisons.tracing.parts import Part
from comparisons.tracing.whole import View

PICTURES: dict[str, Callable[[Drawn], Any]] = {
    "gates": gates,
    "states": states,
    "saturation": saturation,
    "half_life": half_life,
    "unit": unit,
    "text": text,
}


def pictures(part: Part) -> Iterator[str]:
    """The names of the pictures that there are of a part."""
    lacking = {"gates": part.gates, "saturation": part.gates, "half_life": part.half_life, "text": part.tokens}
    return (name for name in PICTURES if lacking.get(name, True))


class Figures(Mapping[str, Any]):
    """By name: matplotlib's Figures, each drawn when it is first asked for; a part's path and a slash before the name
    where there are several parts."""

    def __init__(self, parts: Sequence[Part], view: View) -> None:
        self.view = view
        self._homes = {
            f"{part.path}/{name}" if len(parts) > 1 else name: (part, name) for part in parts for name in pictures(part)
        }
        self._kept: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._homes:
            raise KeyError(f"a trace's figure must be one of {', '.join(self._homes)}, got {name!r}")
        if name not in self._kept:
            self._kept[name] = self.draw(name)
        return self._kept[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)

    def draw(self, name: str) -> Any:
        """The figure, drawn and not kept: many large ones would fill the memory."""
        part, picture = self._homes[name]
        return PICTURES[picture](Drawn(part, self.view))
