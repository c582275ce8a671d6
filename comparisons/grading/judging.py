"""An implementation's states in a case, held to the bound of one step from its own state before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.grading.cases import Graded
from comparisons.proof.measure import Distance, Judge, Trace

Array = NDArray[Any]

# The precisions in which an implementation may compute, the finest first: it is graded in the first that it keeps to.
PRECISIONS = ("float64", "float32")


@dataclass(frozen=True)
class Departure:
    """The first number that is farther off than rounding explains; places count from 0."""

    step: int
    field: str  # a gate, where they were shown, or a field of the state
    row: int
    unit: int
    got: float
    expected: float  # of one step from the implementation's own state
    distance: float  # in u
    allowed: float  # in u


def judge(case: Graded, states: Mapping[str, Array], dtype: str, gates: Mapping[str, Array] | None = None) -> Distance:
    """Hold the states `(B, T, ·)` of every step to their bounds; and gates, where they are given."""
    over = tuple(states[name] for name in case.state)
    trace = Trace(over[0], tuple(s[:, -1] for s in over), over, dict(gates or {}))
    with np.errstate(all="ignore"):  # what is not finite is a departure, and said to be one
        return Judge(case.layer, case.x, None, dtype, tuple(case.state.values())).shadowed(trace)


def departure(case: Graded, shown: Mapping[str, Array], dtype: str) -> Departure | None:
    """Where states first depart from the case's, None where they do not; gates, where `shown` has them, say in which
    of them that began."""
    gates = {name: a for name, a in shown.items() if name not in case.state}
    first = judge(case, shown, dtype).first
    if first is None:
        return None
    with_gates = judge(case, shown, dtype, gates).first
    if with_gates is not None and with_gates.at.step == first.at.step:
        first = with_gates
    at = first.at
    row = slice(at.batch, at.batch + 1)
    before = [shown[name][row, at.step - 1] if at.step else s[row] for name, s in case.state.items()]
    before += [s[row] for s in case.whole_state[len(before) :]]
    with np.errstate(all="ignore"):
        run = case.layer.run(case.x[row, at.step : at.step + 1], before)
    expected = run.gates[at.field] if at.field in gates else getattr(run.states, at.field)
    got = shown[at.field][at.batch, at.step, at.unit]
    return Departure(
        at.step, at.field, at.batch, at.unit, float(got), float(expected[0, 0, at.unit]), first.distance, first.allowed
    )
