"""Arrays of somebody's cell -> the layers that they may be: as each framework stores them, by name or by shape, and as
their shapes alone allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.diagnosis.axes import CELLS
from comparisons.diagnosis.reading import Reading
from comparisons.diagnosis.relations import choices, signature
from comparisons.diagnosis.shapes import by_shape
from reference import Layer, unpack
from reference.conventions.assembling import known
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import REQUIRED, Sizes, parse, shape
from reference.steps import module

Array = NDArray[Any]
# What attributes may be where a framework's eras or operators differ in them.
EITHER = {
    "recurrent_activation": ("sigmoid", "hard_sigmoid"),
    "reset_after": (True, False),
    "linear_before_reset": (1, 0),
}


class NoReading(ValueError):
    """Arrays that are those of no cell on these inputs and outputs."""


@dataclass(frozen=True)
class Frame:
    """Layers that are made of the same blocks, one of them the frame in which the others are choices on axes."""

    reading: Reading
    named: tuple[tuple[Reading, Mapping[str, Any]], ...] = ()  # frameworks, and their choices

    @property
    def layer(self) -> Layer:
        return self.reading.layer


def frames(
    arrays: Mapping[str, Array],
    input_dim: int,
    outputs: int,
    cell: str | None = None,
    framework: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[Frame]:
    """Every way to read arrays as a cell of so many inputs and outputs, likeliest first; of the same blocks, one.

    Raises NoReading where there is none.
    """
    arrays = {name: np.asarray(a) for name, a in arrays.items()}
    cells = [cell] if cell else list(CELLS)
    told: list[Reading] = []
    if framework:
        known(framework)
        told = [r for c in cells for r in _framework(framework, c, arrays, input_dim, outputs, options or {})]
        if not told:
            raise NoReading(_refusal(framework, cells, arrays, options or {}))
    every = [r for c in cells for name in FRAMEWORKS for r in _framework(name, c, arrays, input_dim, outputs, {})]
    if any(r.by_name for r in every):
        every = [r for r in every if r.by_name]
    shaped = (
        []
        if any(r.by_name for r in (*told, *every))
        else [r for c in cells for r in by_shape(c, arrays, input_dim, outputs)]
    )
    found: dict[Any, list[Reading]] = {}
    for reading in (*told, *every, *shaped):
        found.setdefault(signature(reading.layer), []).append(reading)
    if not found:
        sizes = ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
        raise NoReading(
            f"arrays must be those of a {' or '.join(cells)} of {input_dim} inputs and {outputs} outputs, got {sizes}"
        )
    return [Frame(group[0], tuple(_placed(group))) for group in found.values()]


def _refusal(framework: str, cells: Sequence[str], arrays: Mapping[str, Array], options: Mapping[str, Any]) -> str:
    """Why a framework cannot have stored these, in its own words."""
    try:
        unpack(framework, cells[0], dict(arrays), **options)
    except ValueError as error:
        return str(error)
    return f"arrays must be as wide as inputs and outputs, got {[a.shape for a in arrays.values()]}"


def _placed(group: Sequence[Reading]) -> Iterator[tuple[Reading, Mapping[str, Any]]]:
    for reading in group:
        if reading.framework and (chosen := choices(group[0].layer, reading.layer)) is not None:
            yield reading, chosen


def _framework(
    framework: str, cell: str, arrays: Mapping[str, Array], input_dim: int, outputs: int, options: Mapping[str, Any]
) -> Iterator[Reading]:
    """The layers that a framework's form of a cell makes of the arrays, by their names, or by their shapes."""
    home = known(framework)
    keys = [key for key in home.forms if key.split()[0] == cell]
    if not keys:
        return
    takes = home.takes(cell)
    open_ones = [
        name
        for name in EITHER
        if name in takes and name not in options and (takes[name].default is REQUIRED or name != "recurrent_activation")
    ]
    for values in product(*(EITHER[name] for name in open_ones)):
        chosen = {**options, **dict(zip(open_ones, values, strict=True))}
        for key in keys:
            for renamed in _names(home.forms[key].arrays, arrays, cell, input_dim, outputs):
                try:
                    layer = unpack(
                        framework, cell, {theirs: arrays[ours] for ours, theirs in renamed.items()}, **chosen
                    )
                except ValueError:
                    continue
                if not isinstance(layer, Layer) or not _fits(layer, key, input_dim, outputs):
                    continue
                by_name = all(ours == theirs for ours, theirs in renamed.items())
                shown = {name: value for name, value in chosen.items() if takes[name].default != value}
                yield Reading(layer.astype("float64"), framework, shown, renamed, by_name)
                break


def _fits(layer: Layer, key: str, input_dim: int, outputs: int) -> bool:
    """Whether a layer is of this form and these widths; a peephole_lstm without peepholes and projection is an lstm."""
    if (layer.cell, layer.input_dim, layer.recurrent_dim) != (key.split()[0], input_dim, outputs):
        return False
    if layer.cell == "gru":
        return ("after" in key) == layer.options["reset_after"]
    return layer.cell != "peephole_lstm" or layer.weights.peephole is not None or layer.weights.projection is not None


def _names(
    stored: Mapping[str, str], arrays: Mapping[str, Array], cell: str, input_dim: int, outputs: int
) -> Iterator[dict[str, str]]:
    """The names that the arrays would have: their own, or those of the form, of the same shapes in the same order."""
    yield {name: name for name in arrays}
    if any("=" in spec or "V" in spec.split()[0] for spec in stored.values()) or any(name in stored for name in arrays):
        return
    sizes = Sizes(input_dim, outputs, outputs, dict.fromkeys(module(cell).gates, outputs))
    for leave in ("", "p", "bd", "pbd"):  # peepholes and biases may be left out
        left = list(arrays)
        renamed: dict[str, str] = {}
        wanted = {name: parse(spec) for name, spec in stored.items() if not set(parse(spec).kinds) & set(leave)}
        for theirs, spec in wanted.items():
            shapes = [shape(spec, sizes), (1, *shape(spec, sizes))]
            ours = next((name for name in left if arrays[name].shape in shapes), None)
            if ours is None:
                break
            left.remove(ours)
            renamed[ours] = theirs
        if len(renamed) == len(wanted) and not left:
            yield renamed
