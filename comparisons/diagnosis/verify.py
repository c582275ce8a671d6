"""Hypotheses held to what is given by ordinary runs of the reference, and sorted into functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.diagnosis.data import Given, Ran
from comparisons.diagnosis.found import Departure
from comparisons.diagnosis.space import Row, Space
from comparisons.proof.bounds import UNITS
from comparisons.proof.measure import ORACLE, SLACK
from reference import Layer

Array = NDArray[Any]
DRAWN = 32, 7  # sequences and steps: relu shows little at a time
MOST = 20  # functions of which the least distance is looked for


@dataclass(frozen=True, eq=False)
class Tried:
    """One hypothesis, run by the reference in float64."""

    space: Space
    given: Given
    row: Row
    dtype: str  # of the computation that it is held to

    @cached_property
    def chosen(self) -> dict[str, Any]:
        return self.space.chosen(self.row)

    @cached_property
    def layer(self) -> Layer:
        return self.space.realised(self.row)

    @cached_property
    def ran(self) -> Ran:
        return self.given.run(self.layer, self.chosen)

    @cached_property
    def rounding(self) -> float:
        """What rounding alone may make: 8 times what the reference's own run in that precision is off, or one u."""
        wide, narrow = (
            self.given.run(self.layer, self.chosen, dtype).outputs for dtype in (ORACLE[self.dtype], self.dtype)
        )
        with np.errstate(invalid="ignore"):
            error = float(np.abs(narrow.astype(wide.dtype) - wide).max())
        return SLACK * max(error, UNITS[self.dtype])

    @cached_property
    def distances(self) -> dict[str, Array]:
        """How far every number that is known is off, by field `(B, T, ·)`; NaN where none is known."""
        with np.errstate(invalid="ignore"):
            found = {"output": np.abs(self.ran.outputs - self.given.expected(self.chosen))}
            for name, states in zip(self.ran.states, self.given.known_states(self.chosen), strict=False):
                if states is not None:
                    found[name] = np.abs(self.ran.states[name] - states)
        return found

    @property
    def distance(self) -> float:
        """The largest of the numbers that are known; infinite where a run is not finite."""
        finite = bool(np.isfinite(self.ran.outputs).all())
        return max(float(np.nanmax(d, initial=0)) for d in self.distances.values()) if finite else np.inf

    @property
    def mean(self) -> float:
        """The mean distance of the outputs that are known."""
        with np.errstate(invalid="ignore", over="ignore"):
            mean = float(np.nanmean(self.distances["output"]))
        return mean if np.isfinite(mean) and np.isfinite(self.distance) else np.inf

    @cached_property
    def tolerance(self) -> float:
        return self.rounding + float(np.max(self.given.rounded.half))

    def exceeded(self) -> dict[str, Array]:
        """Where a number that is known lies outside what is allowed."""
        half = self.given.expected(self.chosen, self.given.rounded.half)
        allowed = {name: self.rounding + (half if name == "output" else 0) for name in self.distances}
        with np.errstate(invalid="ignore"):
            known = {"output": ~np.isnan(self.given.expected(self.chosen))}
            return {name: ~(d <= allowed[name]) & known.get(name, True) for name, d in self.distances.items()}

    @cached_property
    def fits(self) -> bool:
        return not any(far.any() for far in self.exceeded().values())

    @cached_property
    def departure(self) -> Departure | None:
        """The first step at which anything is off; there the first field, c before h; in it the first row and unit."""
        far = self.exceeded()
        order = [name for name in reversed(self.ran.states) if name in far] + ["output"]
        steps = {name: np.flatnonzero(far[name].any(axis=(0, 2))) for name in order}
        firsts = {name: int(at[0]) for name, at in steps.items() if len(at)}
        if not firsts:
            return None
        step = min(firsts.values())
        name = next(name for name in order if firsts.get(name) == step)
        batch, unit = (int(k) for k in np.argwhere(far[name][:, step])[0])
        fields = dict(zip(self.ran.states, self.given.known_states(self.chosen), strict=False))
        given = np.asarray(self.given.expected(self.chosen) if name == "output" else fields[name])
        ours = self.ran.outputs if name == "output" else self.ran.states[name]
        shown = name if name != "output" or self.chosen.get("output") == "c" else next(iter(self.ran.states))
        return Departure(step, shown, unit, batch, float(ours[batch, step, unit]), float(given[batch, step, unit]))

    @property
    def prefix(self) -> int:
        """How many steps from the first are within what is allowed."""
        far = np.any([where.any(axis=(0, 2)) for where in self.exceeded().values()], axis=0)
        return int(np.argmax(far)) if far.any() else len(far)


def by_function(tried: Sequence[Tried], seed: int = 0) -> tuple[list[list[Tried]], Array, float]:
    """Those that are one function with these weights, together, in the order given; inputs on which the functions
    differ, and the least distance between two of them there.

    One function: the same outputs on drawn inputs `(32, 7, X)`, as large as those given and three times as large, to
    rounding in float64. What cannot be drawn cannot be told apart.
    """
    first = tried[0]
    draw = np.random.default_rng(seed)
    size = max(float(np.abs(first.given.x).max()), 1e-3)
    shape = (*DRAWN, first.space.layer.input_dim)
    drawn = [draw.normal(size=shape) * scale for scale in (1.0, size, 3 * size)]
    answers = [np.concatenate([_answer(one, x).ravel() for x in drawn]) for one in tried]
    classes: list[list[int]] = []
    for k, answer in enumerate(answers):
        same = next((group for group in classes if _apart(answer, answers[group[0]]) < 1e-10), None)
        classes.append([k]) if same is None else same.append(k)
    return (
        [[tried[k] for k in same] for same in classes],
        drawn[1],
        _least([answers[same[0]] for same in classes[:MOST]], len(drawn)),
    )


def _least(answers: Sequence[Array], draws: int) -> float:
    """The least distance between two of them on the inputs that are as large as those given."""
    parts = [np.split(answer, draws)[1] for answer in answers]
    return min((_apart(a, b) for k, a in enumerate(parts) for b in parts[:k]), default=0.0)


def _answer(one: Tried, x: Array) -> Array:
    """What a hypothesis gives on other inputs, laid out as the inputs and outputs that were given are."""
    chosen, given = one.chosen, replace(one.given, x=x, initial=None)
    if one.given.initial is not None:
        draw, rows = np.random.default_rng(1), len(given.inputs(chosen))
        drawn = (draw.normal(size=(max(x.shape), field.shape[-1])) for field in one.given.initial)
        given = replace(given, initial=tuple(field[:rows] for field in drawn))
    outputs = given.run(one.layer, chosen).outputs
    outputs = outputs[:, ::-1] if chosen["time"][1] else outputs
    if given.last:
        return outputs[:, -1]
    return outputs.swapaxes(0, 1) if chosen["laid out"][1] else outputs


def _apart(a: Array, b: Array) -> float:
    if a.shape != b.shape:
        return np.inf
    with np.errstate(invalid="ignore"):
        distance = float(np.abs(a - b).max())
    return distance if np.isfinite(distance) else (0.0 if np.array_equal(a, b, equal_nan=True) else np.inf)
