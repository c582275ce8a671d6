"""How far an implementation lies from the oracle, and how far it may.

Two rules. *Shadowed*: the oracle restarts at every step from the implementation's own state, so that the computed bound
of one step (`bounds`) holds whatever the length; every element is held to its own bound. *End to end*: the largest
error over the run may be 8 times that of the NumPy reference in the same precision, or of one u; the 8 is empirical.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.proof.bounds import UNITS, step_bound
from reference import Layer
from reference.gates import affine
from reference.steps import module

Array = NDArray[Any]

# The precision that judges another. Where long double is no wider than double, float64 is judged by itself.
ORACLE = {"float16": "float64", "float32": "float64", "float64": "longdouble"}
SLACK = 8.0


@dataclass(frozen=True)
class Trace:
    """What an implementation did: `outputs` as it returns them, the last state, and the states over time (h, then c) in
    processing order; gates where it shows them."""

    outputs: Array  # (B, T, H)
    state: tuple[Array, ...]  # each (B, H)
    states: tuple[Array, ...] | None = None  # each (B, T, H)
    gates: dict[str, Array] | None = None  # each (B, T, H)


@dataclass(frozen=True)
class Place:
    """Where a number stands: batch row, step in processing order, field (h, c or a gate), unit."""

    batch: int
    step: int
    field: str
    unit: int


@dataclass(frozen=True)
class Distance:
    """The largest absolute distance in u, where it is and what is allowed there. `ratio` is the largest share of its
    own allowance that any element takes: within the bound where it is at most 1."""

    distance: float
    at: Place
    allowed: float
    ratio: float
    over_time: tuple[Array, Array] | None = None  # largest distance and largest allowance of h at each step, in u

    @property
    def passed(self) -> bool:
        return bool(self.ratio <= 1)  # a NaN is no pass


@dataclass(frozen=True)
class Judge:
    """Holds traces of one layer on one input to the two rules.

    `layer` is the oracle's, with the weights in the precision compared, `dtype`; `x (B, T, X)` and `mask (B, T)` are in
    input order; the runs began with `initial_state`, or with zeros.
    """

    layer: Layer
    x: Array
    mask: Array | None
    dtype: str
    initial_state: tuple[Array, ...] | None = None

    def shadowed(self, trace: Trace) -> Distance:
        """Hold every step of a trace to the bound of one step from the trace's own state before it."""
        assert trace.states is not None
        wide = self.layer.astype(ORACLE[self.dtype])
        State, step = module(wide.cell).State, module(wide.cell).step
        x, mask = self.x.astype(ORACLE[self.dtype]), self.mask
        if wide.go_backwards:
            x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
        B, T, H = trace.states[0].shape
        own = [s.astype(ORACLE[self.dtype]) for s in trace.states]
        first = [np.zeros((B, H))] * len(own) if self.initial_state is None else self.initial_state
        before = [np.concatenate([start[:, None], s[:, :-1]], axis=1) for start, s in zip(first, own, strict=True)]
        # Every step begins from a known state, so that all of them are one batch.
        flat = State(*(s.reshape(B * T, H) for s in before))
        rows = x.reshape(B * T, -1)
        after, gates = step(affine(rows, wide.weights.kernel, wide.weights.bias), flat, wide.weights, **wide.options)
        bound = step_bound(wide, rows, flat, self.dtype)
        exact = {**gates, **after._asdict()}
        held = np.zeros((B, T, 1), bool) if mask is None else ~mask[:, :, None]
        distances, allowances = {}, {}
        for name, values in {**(trace.gates or {}), **dict(zip(State._fields, trace.states, strict=True))}.items():
            expected = exact[name].reshape(B, T, H)
            allowed = np.broadcast_to(bound[name].error, (B * T, H)).reshape(B, T, H)
            if name in State._fields:  # a masked step holds its state, to the bit
                expected = np.where(held, before[State._fields.index(name)], expected)
                allowed = np.where(held, np.finfo("float64").tiny, allowed)
            distances[name] = np.abs(values.astype(expected.dtype) - expected)
            allowances[name] = allowed
        return _largest(distances, allowances, self.dtype)

    def end_to_end(self, trace: Trace) -> Distance:
        """Hold the outputs and the last state to 8 times the error of the NumPy reference in the same precision."""
        exact, allowed = self._whole_run
        found = self._ends(trace.outputs, trace.state)
        distances = {name: np.abs(found[name].astype(values.dtype) - values) for name, values in exact.items()}
        return _largest(distances, {name: np.full(d.shape, allowed) for name, d in distances.items()}, self.dtype)

    @cached_property
    def _whole_run(self) -> tuple[dict[str, Array], float]:
        """The oracle's run, and what it allows."""
        wide, same = (
            self.layer.astype(dtype).run(self.x.astype(dtype), self.initial_state, self.mask)
            for dtype in (ORACLE[self.dtype], self.dtype)
        )
        exact, rounded = (self._ends(run.outputs, run.state) for run in (wide, same))
        error = max(float(np.abs(rounded[name] - exact[name]).max(initial=0)) for name in exact)
        return exact, SLACK * max(error, UNITS[self.dtype])

    def _ends(self, outputs: Array, state: tuple[Array, ...]) -> dict[str, Array]:
        names = module(self.layer.cell).State._fields
        return {"output": outputs, **{f"last {name}": s[:, None] for name, s in zip(names, state, strict=True)}}


RULES: dict[str, Callable[[Judge, Trace], Distance]] = {
    "shadowed": Judge.shadowed,
    "end to end": Judge.end_to_end,
}


def _largest(distances: dict[str, Array], allowances: dict[str, Array], dtype: str) -> Distance:
    u = UNITS[dtype]
    # A NaN, in what was measured or in what would be allowed, is farther than anything.
    far = lambda values: np.where(np.isnan(values), np.inf, values)
    distances = {name: far(d) for name, d in distances.items()}
    field = max(distances, key=lambda name: distances[name].max(initial=0))
    place = np.unravel_index(np.argmax(distances[field]), distances[field].shape)
    ratio = max(float(far(d / allowances[name]).max(initial=0)) for name, d in distances.items())
    first = "h" if "h" in distances else "output"
    worst = lambda values: np.asarray(values[first].max(axis=(0, 2)) / u, "float64")
    return Distance(
        float(distances[field][place] / u),
        Place(int(place[0]), int(place[1]), field, int(place[2])),
        float(allowances[field][place] / u),
        ratio,
        (worst(distances), worst(allowances)),
    )
