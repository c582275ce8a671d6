"""How far an implementation lies from the oracle, and how far it may.

Two rules. *Shadowed*: the oracle restarts at every step from the implementation's own state, so that the computed bound
of one step (`bounds`) holds whatever the length; every element is held to its own bound. *End to end*: the largest
error over the run may be 8 times that of the NumPy reference in the same precision, or of one u; the 8 is empirical.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.proof.bounds import UNITS, step_bound
from reference import Bidirectional, Layer, Stack, Wrapped
from reference.steps import module

Array = NDArray[Any]

# The precision that judges another. Where long double is no wider than double, float64 is judged by itself.
ORACLE = {"float16": "float64", "float32": "float64", "float64": "longdouble"}
# Roundings, in u, that a weight goes through in a change of `reference.conventions.folds`.
ROUNDINGS = {"biases merged": 1, "forget_bias moved": 1, "hard sigmoid rescaled": 2}
SLACK = 8.0


@dataclass(frozen=True)
class Trace:
    """What an implementation did: `outputs` as it returns them, the last state, and the states over time (h, then c) in
    processing order; gates where it shows them. Of a stack or of two directions the states of all, one after another,
    and none over time."""

    outputs: Array  # (B, T, R)
    state: tuple[Array, ...]  # each (B, R) or (B, H)
    states: tuple[Array, ...] | None = None  # each (B, T, R) or (B, T, H)
    gates: dict[str, Array] | None = None  # each (B, T, H)


@dataclass(frozen=True)
class Place:
    """Where a number stands: batch row, step in processing order, field (h, c or a gate), unit."""

    batch: int
    step: int
    field: str
    unit: int


@dataclass(frozen=True)
class Divergence:
    """An element past what is allowed there; both in u."""

    at: Place
    distance: float
    allowed: float


@dataclass(frozen=True)
class Distance:
    """The largest absolute distance in u, where it is and what is allowed there. `ratio` is the largest share of its
    own allowance that any element takes: within the bound where it is at most 1. `first` is the first divergence: the
    first step with an element past its allowance, there what is computed first, of that the element farthest past."""

    distance: float
    at: Place
    allowed: float
    ratio: float
    over_time: tuple[Array, Array] | None = None  # largest distance and largest allowance of h at each step, in u
    first: Divergence | None = None

    @property
    def passed(self) -> bool:
        return bool(self.ratio <= 1)  # a NaN is no pass


@dataclass(frozen=True)
class Judge:
    """Holds traces of one layer on one input to the two rules.

    `layer` is the oracle's, with the weights in the precision compared, `dtype`; `x (B, T, X)` and `mask (B, T)` are in
    input order; the runs began with `initial_state`, or with zeros. `weights` is the relative error, in u, of weights
    that an implementation got by rounding others, `rounding` the errors of its activations, in u, where they are not
    those of `bounds.RULES`.
    """

    layer: Layer | Stack | Bidirectional | Wrapped
    x: Array
    mask: Array | None
    dtype: str
    initial_state: tuple[Array, ...] | None = None
    weights: float = 0.0
    rounding: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def distances(self, trace: Trace) -> dict[str, Distance]:
        """The distance under each rule that applies: without states over time there is nothing to shadow."""
        found = {"end to end": self.end_to_end(trace)}
        return found if trace.states is None else {"shadowed": self.shadowed(trace), **found}

    def shadowed(self, trace: Trace) -> Distance:
        """Hold every step of a trace to the bound of one step from the trace's own state before it."""
        wide = self.layer.astype(ORACLE[self.dtype])
        assert isinstance(wide, Layer | Wrapped)
        assert trace.states is not None
        fields = module(wide.cell).State._fields
        x, mask = self.x.astype(ORACLE[self.dtype]), self.mask
        if isinstance(wide, Layer) and wide.go_backwards != (wide.direction == "reverse"):
            x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
        B, T = trace.states[0].shape[:2]
        own = [s.astype(ORACLE[self.dtype]) for s in trace.states]
        first = [np.zeros_like(s[:, 0]) for s in own] if self.initial_state is None else self.initial_state
        before = [np.concatenate([start[:, None], s[:, :-1]], axis=1) for start, s in zip(first, own, strict=True)]
        # An implementation may leave out the last fields, where the cell does not look at them (Greff's, but for FGR).
        before += [np.zeros((B, T, wide.units))] * (len(fields) - len(own))
        # Every step begins from a known state, so that all of them are one batch.
        flat = [s.reshape(B * T, s.shape[-1]) for s in before]
        one = wide.in_one_step(B, T) if isinstance(wide, Wrapped) else wide
        bound = step_bound(one, x.reshape(B * T, -1), flat, self.dtype, self.weights, self.rounding)
        held = np.zeros((B, T, 1), bool) if mask is None else ~mask[:, :, None]
        distances, allowances = {}, {}
        shown = {**(trace.gates or {}), **dict(zip(fields, trace.states, strict=False))}
        if isinstance(wide, Wrapped):  # whose output is not its h
            shown["output"] = trace.outputs
        for name, values in shown.items():
            expected, allowed = (part.reshape(values.shape) for part in (bound[name].value, bound[name].error))
            if name in fields:  # a masked step holds its state, to the bit
                expected = np.where(held, before[fields.index(name)], expected)
                allowed = np.where(held, np.finfo("float64").tiny, allowed)
            distances[name] = np.abs(values.astype(expected.dtype) - expected)
            allowances[name] = allowed
        computed = [*(name for name in shown if name not in (*fields, "output")), *reversed(fields), "output"]
        return _largest(distances, allowances, self.dtype, [computed])

    def end_to_end(self, trace: Trace) -> Distance:
        """Hold the outputs and the last state to 8 times the error of the NumPy reference in the same precision."""
        exact, allowed = self._whole_run
        found = self._ends(trace.outputs, trace.state)
        distances = {name: np.abs(values.astype(exact[name].dtype) - exact[name]) for name, values in found.items()}
        allowances = {name: np.full(d.shape, allowed) for name, d in distances.items()}
        last = [name for name in distances if name != "output"]
        return _largest(distances, allowances, self.dtype, [["output"], last])

    @cached_property
    def _whole_run(self) -> tuple[dict[str, Array], float]:
        """The oracle's run, and what it allows."""
        wide, same = (
            self.layer.astype(dtype).run(self.x.astype(dtype), self.initial_state, self.mask)
            for dtype in (ORACLE[self.dtype], self.dtype)
        )
        exact, rounded = (self._ends(run.outputs, flat_state(run.state)) for run in (wide, same))
        error = max(float(np.abs(rounded[name] - exact[name]).max(initial=0)) for name in exact)
        return exact, SLACK * max(error, UNITS[self.dtype])

    def _ends(self, outputs: Array, state: tuple[Array, ...]) -> dict[str, Array]:
        names = state_names(self.layer)
        assert len(state) == len(names) or isinstance(self.layer, Layer), f"states must be {names}, got {len(state)}"
        return {"output": outputs, **{f"last {name}": s[:, None] for name, s in zip(names, state, strict=False)}}


RULES = ("shadowed", "end to end")


def state_names(layer: Any) -> list[str]:
    """The fields of a layer's state; those of a Stack's or a Bidirectional's layers, with the layer's place."""
    if isinstance(layer, Layer | Wrapped):
        return list(module(layer.cell).State._fields)
    if isinstance(layer, Bidirectional):
        parts = {"forward": layer.forward, "backward": layer.backward}
    else:
        parts = {f"layer {k}": part for k, part in enumerate(layer.layers)}
    return [f"{name} of {place}" for place, part in parts.items() for name in state_names(part)]


def flat_state(state: Any) -> tuple[Array, ...]:
    """The arrays of a nested state, in the order of `state_names`."""
    return tuple(a for part in state for a in ((part,) if isinstance(part, np.ndarray) else flat_state(part)))


def _largest(
    distances: dict[str, Array], allowances: dict[str, Array], dtype: str, computed: Sequence[Sequence[str]]
) -> Distance:
    """The fields in the order in which they are `computed`: those of one list step by step, then those of the next."""
    u = UNITS[dtype]
    # A NaN, in what was measured or in what would be allowed, is farther than anything.
    far = lambda values: np.where(np.isnan(values), np.inf, values)
    distances = {name: far(d) for name, d in distances.items()}
    shares = {name: far(d / allowances[name]) for name, d in distances.items()}

    def divergence(field: str, index: Any) -> Divergence:
        batch, step, unit = map(int, index)
        d, allowed = (float(part[field][batch, step, unit] / u) for part in (distances, allowances))
        return Divergence(Place(batch, step, field, unit), d, allowed)

    field = max(distances, key=lambda name: distances[name].max(initial=0))
    largest = divergence(field, np.unravel_index(np.argmax(distances[field]), distances[field].shape))
    first = next((place for names in computed if (place := _first(shares, names))), None)
    shown = next(name for name in ("output", "h", "y") if name in distances)
    worst = lambda values: np.asarray(values[shown].max(axis=(0, 2)) / u, "float64")
    return Distance(
        largest.distance,
        largest.at,
        largest.allowed,
        max(float(share.max(initial=0)) for share in shares.values()),
        (worst(distances), worst(allowances)),
        first and divergence(*first),
    )


def _first(shares: dict[str, Array], names: Sequence[str]) -> tuple[str, tuple[int, int, int]] | None:
    """The field and the index (batch, step, unit) of the first divergence: by step, then in the order of the names."""
    farthest = {name: shares[name].max(axis=(0, 2), initial=0) for name in names if name in shares}
    steps = {name: int(np.argmax(share > 1)) for name, share in farthest.items() if (share > 1).any()}
    if not steps:
        return None
    name = min(steps, key=lambda name: steps[name])  # of equal ones the one computed first
    batch, unit = np.unravel_index(np.argmax(shares[name][:, steps[name]]), shares[name][:, 0].shape)
    return name, (int(batch), steps[name], int(unit))
