"""What is given: inputs, outputs, states; laid out as a hypothesis reads them, and run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from comparisons.diagnosis import precision
from comparisons.diagnosis.axes import Sizes
from comparisons.diagnosis.precision import Precision
from reference import Layer
from reference.steps import module

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Given:
    """`x (B, T, X)` and what came of it, in float64: `outputs (B, T, R)`, or the last of them `(B, R)`; `states`, one
    `(B, T, ·)` or None a field, in processing order; `initial`, fields `(B, ·)`, None for zeros."""

    x: Array
    outputs: Array
    rounded: Precision
    initial: tuple[Array, ...] | None = None
    states: tuple[Array | None, ...] = ()

    @classmethod
    def of(cls, layer: Layer, x: ArrayLike, outputs: ArrayLike, initial: Any = None, states: Any = None) -> Given:
        """Raises ValueError where a shape does not fit the layer or another, or a number is not finite."""
        x, y = np.asarray(x), np.asarray(outputs)
        for name, a in (("inputs", x), ("outputs", y)):
            if a.dtype.kind not in "fiub" or a.size == 0:
                raise ValueError(f"{name} must be real numbers, some of them, got {a.dtype} of shape {a.shape}")
        if x.ndim != 3 or x.shape[-1] != layer.input_dim:
            raise ValueError(f"inputs must have shape (batch, time, {layer.input_dim}), got {x.shape}")
        if y.ndim not in (2, 3) or y.shape[-1] != layer.recurrent_dim:
            R = layer.recurrent_dim
            raise ValueError(f"outputs must have shape (batch, time, {R}), or (batch, {R}), the last, got {y.shape}")
        if not np.isfinite(x).all():
            raise ValueError("inputs must be finite")
        given = cls(x.astype("float64"), y.astype("float64"), precision.of(y), _fields(layer, initial, "initial_state"))
        given = cls(given.x, given.outputs, given.rounded, given.initial, _fields(layer, states, "states") or ())
        for name, field in zip(module(layer.cell).State._fields, given.states, strict=False):
            if field is not None and field.shape[:2] != x.shape[:2]:
                must = (*x.shape[:2], field.shape[-1])
                raise ValueError(f"{name} of the states must have shape {must}, got {field.shape}")
        if not given.sizes.layouts:
            raise ValueError(f"outputs must be those of inputs of shape {x.shape}, got shape {y.shape}")
        return given

    @property
    def last(self) -> bool:
        """Whether the outputs are the last ones alone."""
        return self.outputs.ndim == 2

    @cached_property
    def sizes(self) -> Sizes:
        """Which ways to lay it out fit."""
        B, T = self.x.shape[:2]
        last = self.last
        layouts = []
        for swapped_x in (False, True):
            batch, steps = (T, B) if swapped_x else (B, T)
            for swapped_y in (False, True) if not last else (swapped_x,):
                shape = self.outputs.shape[:-1][:: -1 if swapped_y and not last else 1]
                fits = shape == ((batch,) if last else (batch, steps))
                if fits and all(len(field) == batch for field in self.initial or ()):
                    layouts.append((swapped_x, swapped_y))
        given = self.initial is not None and any(np.any(field) for field in self.initial)
        return Sizes(B, T, last, given, tuple(layouts))

    def inputs(self, chosen: Mapping[str, Any]) -> Array:
        """The inputs `(B, T, X)` in processing order."""
        x = self.x.swapaxes(0, 1) if chosen["laid out"][0] else self.x
        return x[:, ::-1] if chosen["time"][0] else x

    def expected(self, chosen: Mapping[str, Any], values: Any = None) -> Array:
        """The outputs `(B, T, R)` in processing order, or others laid out as they are; NaN where none is known."""
        y = np.broadcast_to(self.outputs if values is None else values, self.outputs.shape)
        if self.last:
            B, T = self.inputs(chosen).shape[:2]
            all_of_them = np.full((B, T, y.shape[-1]), np.nan)
            all_of_them[:, -1] = y
            y = all_of_them
        elif chosen["laid out"][1]:
            y = y.swapaxes(0, 1)
        return y[:, ::-1] if chosen["time"][1] else y

    def known_states(self, chosen: Mapping[str, Any]) -> tuple[Array | None, ...]:
        """The states that were given, with batch and time as the inputs have them."""
        swapped = chosen["laid out"][0]
        return tuple(s.swapaxes(0, 1) if s is not None and swapped else s for s in self.states)

    def state(self, layer: Layer, chosen: Mapping[str, Any]) -> Any:
        """The state that a run begins with."""
        State = module(layer.cell).State
        if self.initial is None or chosen.get("initial") == "zeros":
            return layer._state(None, len(self.inputs(chosen)), "float64")
        return State(*(self.initial[::-1] if chosen.get("initial") == "exchanged" else self.initial))

    def pieces(self, chosen: Mapping[str, Any], steps: int, of: int) -> list[tuple[int, int]]:
        """Steps from and to which the state is carried, of the first `steps` of `of`."""
        carried = {"half way": [0, of // 2, of], "never": list(range(of + 1))}
        cuts = carried.get(chosen.get("carried", ""), [0, of])
        return [(a, min(b, steps)) for a, b in pairwise(cuts) if a < min(b, steps)]

    def run(self, layer: Layer, chosen: Mapping[str, Any], dtype: str = "float64") -> Ran:
        """What a realised layer gives, laid out as the choices say."""
        layer, x = layer.astype(dtype), self.inputs(chosen).astype(dtype)
        first = tuple(field.astype(dtype) for field in self.state(layer, chosen))
        runs = []
        with np.errstate(all="ignore"):
            for start, end in self.pieces(chosen, x.shape[1], x.shape[1]):
                runs.append(layer.run(x[:, start:end], first if start == 0 else None))
        joined = lambda each: np.concatenate(list(each), axis=1)
        fields = module(layer.cell).State._fields
        states = {name: joined(getattr(run.states, name) for run in runs) for name in fields}
        gates = {letter: joined(run.gates[letter] for run in runs) for letter in runs[0].gates}
        return Ran(states["c"] if chosen.get("output") == "c" else states[fields[0]], states, gates)


@dataclass(frozen=True, eq=False)
class Ran:
    """Outputs, states and gates `(B, T, ·)`, in processing order."""

    outputs: Array
    states: dict[str, Array]
    gates: dict[str, Array]


def _fields(layer: Layer, given: Any, name: str) -> tuple[Array, ...] | None:
    """A state's fields, an array each, or None; of a state of one field, the array alone is taken."""
    if given is None:
        return None
    fields = module(layer.cell).State._fields
    parts = [given] if hasattr(given, "shape") and len(fields) == 1 else list(given)
    if len(parts) != len(fields):
        raise ValueError(f"{name} of a {layer.cell} must be ({', '.join(fields)}), got {len(parts)} arrays")
    found = []
    for field, part in zip(fields, parts, strict=True):
        array = None if part is None else np.asarray(part, "float64")
        width = layer.recurrent_dim if field == fields[0] else layer.units
        axes = 2 if name == "initial_state" else 3
        if array is not None and (array.ndim != axes or array.shape[-1] != width):
            must = f"(batch, {width})" if axes == 2 else f"(batch, time, {width})"
            raise ValueError(f"{field} of the {name} must have shape {must}, got {array.shape}")
        found.append(array)
    return tuple(found)
