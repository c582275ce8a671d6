"""`comparisons.trace`: a layer or a model and an input -> a Trace, as arrays by name and as pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from comparisons.tracing.memory import Saturation
from comparisons.tracing.parts import Part, Tokens, Traced, parts
from reference.layer import Bidirectional, Layer, Run, Stack
from reference.wrapped import Wrapped

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Whole:
    """One run of a layer of a model, in one piece."""

    path: str
    layer: Traced
    run: Run
    x: Array  # (B, T, X), as the layer takes it
    tokens: Tokens | None = None


@dataclass(frozen=True)
class View:
    """What of a trace is drawn."""

    row: int = 0  # of the batch
    unit: int | None = None  # the one that is followed; None: that with the widest range
    sort: str = "unit"  # how units are sorted: "unit", or "half-life"
    steps: tuple[int, int] | None = None  # of the input, the first of them and the one after the last; None: all


class Trace(Mapping[str, Array]):
    """Every gate, candidate and state of one layer or of several: a mapping of arrays by the names of `trace.npz`.

    Gates and states go by their letters, `(B, T, H)` in processing order; `x` and `outputs` as the layer takes and
    gives them. Where there are several layers, a name begins with the layer's path and a slash; the layers of a Stack
    are 0, 1 …, the directions of a Bidirectional forward and backward.
    """

    def __init__(self, wholes: Sequence[Whole], view: View = View()) -> None:
        self.wholes, self.view = tuple(wholes), view
        split = [tuple(parts(whole.path, whole.layer, whole.run, whole.tokens)) for whole in wholes]
        self.parts: tuple[Part, ...] = tuple(part for each in split for part in each)
        self._arrays: dict[str, Array] = {}
        self._named: dict[str, Part] = {}  # by what their arrays' names begin with
        for whole, each in zip(wholes, split, strict=True):
            outer = f"{whole.path}/" if len(wholes) > 1 else ""
            if isinstance(whole.layer, Stack | Bidirectional):
                outputs = whole.run.outputs
                sides = outputs if isinstance(outputs, tuple) else (outputs,)
                names = ("outputs",) if len(sides) == 1 else ("outputs_forward", "outputs_backward")
                self._arrays |= {f"{outer}x": whole.x} | {
                    f"{outer}{name}": side for name, side in zip(names, sides, strict=True)
                }
            for part in each:
                inner = part.path[len(whole.path) :].lstrip("/") if whole.path else part.path
                prefix = f"{outer}{inner}/" if inner else outer
                self._named[prefix] = part
                self._arrays |= {f"{prefix}{name}": array for name, array in part.arrays().items()}
        _check(self.parts, view)

    def __getitem__(self, name: str) -> Array:
        if name not in self._arrays:
            raise KeyError(f"a trace's array must be one of {', '.join(self._arrays)}, got {name!r}")
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def _of_parts(self, values: Callable[[Part], Mapping[str, Any]]) -> dict[str, Any]:
        return {f"{prefix}{name}": a for prefix, part in self._named.items() for name, a in values(part).items()}

    @property
    def gates(self) -> dict[str, Array]:
        """By letter: every gate and candidate, `(B, T, H)`."""
        return self._of_parts(lambda part: {**part.gates, **part.candidates})

    @property
    def states(self) -> dict[str, Array]:
        """By field: every state after each step, `(B, T, ·)`."""
        return self._of_parts(lambda part: part.states)

    @property
    def saturation(self) -> dict[str, Saturation]:
        """By gate: the fraction of the steps in which each unit is `shut` (below 0.1) and `open` (above 0.9)."""
        return self._of_parts(lambda part: part.saturation)

    @property
    def half_life(self) -> dict[str, Array]:
        """By the gate that keeps the old state: each unit's half-life in steps, `(H,)`."""
        return self._of_parts(lambda part: part.half_life)

    @property
    def half_left(self) -> dict[str, Array]:
        """By the same gates: after how many steps half of a state is left, in the mean of all places to begin at."""
        return self._of_parts(lambda part: part.half_left)

    @property
    def outputs(self) -> Any:
        """What the layer gave, `run.outputs`; by path where there are several."""
        outputs = {whole.path: whole.run.outputs for whole in self.wholes}
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """By name: matplotlib's Figures, each drawn when it is asked for."""
        from comparisons.render.traces_pictures import Figures

        return Figures(self.parts, self.view)

    def __repr__(self) -> str:
        from comparisons.render import traces

        return traces.plain(self.parts)

    def _repr_html_(self) -> str:
        from comparisons.render import traces

        return traces.html(self.parts)


def trace(
    layer: Any,
    x: Any,
    *,
    initial_state: Any = None,
    mask: ArrayLike | None = None,
    tokens: Sequence[str] | Sequence[Sequence[str]] | None = None,
    dtype: DTypeLike | None = None,
    row: int = 0,
    unit: int | None = None,
    sort: str = "unit",
    steps: tuple[int, int] | None = None,
) -> Trace:
    """Run a layer on `x (B, T, X)` and keep all that it computes.

    `layer` is one of `reference` (Layer, Stack, Bidirectional, Wrapped), a live recurrent layer of Keras 3 or Keras 2,
    or a live model of either, whose every recurrent layer is then run on what the model gives it for `x`.
    `initial_state` and `mask` are those of `layer.run`; a model's own layers begin with zeros. `tokens` are the texts
    of the steps, a row of the batch each, or of the only row. `dtype` is that of the weights, unless they are to keep
    theirs. `row`, `unit`, `sort` ("unit" or "half-life") and `steps` say what the pictures show.

    Raises NotReadable for a live layer that cannot be read, ValueError where a shape or an argument does not fit.
    """
    view = View(row, unit, sort, steps)
    if isinstance(layer, Layer | Stack | Bidirectional | Wrapped):
        wholes = [whole("", layer, x, initial_state=initial_state, mask=mask, dtype=dtype)]
    else:
        from comparisons.tracing import live

        if live.is_layer(layer):
            import reference

            given = {"initial_state": initial_state, "mask": mask, "dtype": dtype}
            wholes = [whole(layer.name, reference.read(layer), live.numbers(x), **given)]
        else:
            if initial_state is not None or mask is not None:
                raise ValueError("initial_state and mask must be given with a layer: a model makes those of its own")
            wholes = live.wholes(layer, x, dtype)
    if tokens is not None:
        given = _rows(tokens, *wholes[0].x.shape[:2])
        wholes = [replace(whole, tokens=given) for whole in wholes]
    return Trace(wholes, view)


def whole(
    path: str,
    layer: Traced,
    x: Any,
    *,
    initial_state: Any = None,
    mask: ArrayLike | None = None,
    dtype: DTypeLike | None = None,
    tokens: Tokens | None = None,
) -> Whole:
    """One layer, run on inputs of its own. Raises ValueError as its `run` does."""
    layer = layer if dtype is None else layer.astype(dtype)
    x = np.asarray(x)
    return Whole(path, layer, layer.run(x, initial_state, mask), x, tokens)


def _rows(tokens: Any, batch: int, steps: int) -> Tokens:
    rows = [tokens] if isinstance(tokens, str) or (batch == 1 and len(tokens) == steps) else tokens
    given = tuple(tuple(map(str, row)) for row in rows)
    if [len(row) for row in given] != [steps] * batch:
        got = ", ".join(str(len(row)) for row in given[:4])
        raise ValueError(f"tokens must be {batch} rows of {steps} texts, as the inputs are, got {len(given)} of {got}")
    return given


def _check(every: Sequence[Part], view: View) -> None:
    """Raises ValueError where what is to be drawn is not there."""
    batch = min(part.batch for part in every)
    if not 0 <= view.row < batch:
        raise ValueError(f"row must be from 0 to {batch - 1}, the inputs' rows, got {view.row}")
    units = min(part.units for part in every)
    if view.unit is not None and not 0 <= view.unit < units:
        raise ValueError(f"unit must be from 0 to {units - 1}, got {view.unit}")
    if view.sort not in ("unit", "half-life"):
        raise ValueError(f"sort must be unit or half-life, got {view.sort!r}")
    if view.steps is not None:
        begin, end = view.steps
        shortest = min(part.steps for part in every)
        if not 0 <= begin < end <= shortest:
            raise ValueError(f"steps must be within 0 and {shortest}, got {begin} to {end}")
