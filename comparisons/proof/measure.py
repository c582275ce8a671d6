"""How far an implementation lies from the oracle, and how far it may.

Two rules. *Shadowed*: the oracle restarts at every step from the implementation's own state, so that the computed bound
of one step (`bounds`) holds whatever the length; every element is held to its own bound. *End to end*: the largest
error over the run may be 8 times that of the NumPy reference in the same precision, or of one u; the 8 is empirical.
"""

from __future__ import annotations

from dataclasses import dataclass
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


def shadowed(
    layer: Layer, x: Array, mask: Array | None, trace: Trace, dtype: str, initial_state: tuple[Array, ...] | None = None
) -> Distance:
    """Hold every step of a trace to the bound of one step from the trace's own state before it.

    `layer` is the oracle's, with the weights in the precision compared; `x (B, T, X)` and `mask (B, T)` are in input
    order; the run began with `initial_state`, or with zeros.
    """
    assert trace.states is not None
    wide = layer.astype(ORACLE[dtype])
    x, mask = _processing_order(layer, x.astype(ORACLE[dtype]), mask)
    B, T, H = trace.states[0].shape
    own = [s.astype(ORACLE[dtype]) for s in trace.states]
    first = [np.zeros((B, H))] * len(own) if initial_state is None else initial_state
    before = [np.concatenate([start[:, None], s[:, :-1]], axis=1) for start, s in zip(first, own, strict=True)]
    State = module(layer.cell).State
    flat = State(*(s.reshape(B * T, H) for s in before))
    rows = x.reshape(B * T, -1)
    after, gates = module(layer.cell).step(
        affine(rows, wide.weights.kernel, wide.weights.bias), flat, wide.weights, **wide.options
    )
    bound = step_bound(wide, rows, flat, dtype)
    exact = {**gates, **after._asdict()}
    shown = {**(trace.gates or {}), **dict(zip(State._fields, trace.states, strict=True))}
    held = np.zeros((B, T, 1), bool) if mask is None else ~mask[:, :, None]
    distances, allowances = {}, {}
    for name, values in shown.items():
        expected = exact[name].reshape(B, T, H)
        allowed = np.broadcast_to(bound[name].error, (B * T, H)).reshape(B, T, H)
        if name in State._fields:  # a masked step holds its state, to the bit
            expected = np.where(held, before[State._fields.index(name)], expected)
            allowed = np.where(held, np.finfo("float64").tiny, allowed)
        distances[name] = np.abs(values.astype(expected.dtype) - expected)
        allowances[name] = allowed
    return _largest(distances, allowances, dtype)


def end_to_end(layer: Layer, x: Array, mask: Array | None, trace: Trace, dtype: str) -> Distance:
    """Hold the outputs and the last state to 8 times the error of the NumPy reference in the same precision."""
    wide = layer.astype(ORACLE[dtype]).run(x.astype(ORACLE[dtype]), mask=mask)
    same = layer.astype(dtype).run(x.astype(dtype), mask=mask)
    names = module(layer.cell).State._fields
    pack = lambda outputs, state: {  # noqa: E731
        "output": outputs,
        **{f"last {name}": s[:, None] for name, s in zip(names, state, strict=True)},
    }
    exact, ours, theirs = (pack(run.outputs, run.state) for run in (wide, same, trace))
    error = max(float(np.abs(ours[name] - exact[name]).max(initial=0)) for name in exact)
    allowed = SLACK * max(error, UNITS[dtype])
    distances = {name: np.abs(theirs[name].astype(exact[name].dtype) - exact[name]) for name in exact}
    return _largest(distances, {name: np.full(d.shape, allowed) for name, d in distances.items()}, dtype)


def _processing_order(layer: Layer, x: Array, mask: Array | None) -> tuple[Array, Array | None]:
    if not layer.go_backwards:
        return x, mask
    return x[:, ::-1], None if mask is None else mask[:, ::-1]


def _largest(distances: dict[str, Array], allowances: dict[str, Array], dtype: str) -> Distance:
    u = UNITS[dtype]
    # A NaN, in what was measured or in what would be allowed, is farther than anything.
    far = lambda values: np.where(np.isnan(values), np.inf, values)  # noqa: E731
    distances = {name: far(d) for name, d in distances.items()}
    field = max(distances, key=lambda name: distances[name].max(initial=0))
    place = np.unravel_index(np.argmax(distances[field]), distances[field].shape)
    ratio = max(float(far(d / allowances[name]).max(initial=0)) for name, d in distances.items())
    first = "h" if "h" in distances else "output"
    worst = lambda values: np.asarray(values[first].max(axis=(0, 2)) / u, "float64")  # noqa: E731
    return Distance(
        float(distances[field][place] / u),
        Place(int(place[0]), int(place[1]), field, int(place[2])),
        float(allowances[field][place] / u),
        ratio,
        (worst(distances), worst(allowances)),
    )
