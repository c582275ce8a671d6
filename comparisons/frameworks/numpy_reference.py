"""The reference itself, in the precision of the case: it too must stay within the bound."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace, flat_state
from reference.layer import AnyLayer


def title() -> str:
    return f"this project's, in NumPy {np.__version__}"


def missing() -> str | None:
    return None


def unable(case: Case, layer: AnyLayer) -> str | None:
    return None


def run(case: Case, layer: AnyLayer, x: Any, mask: Any) -> Trace:
    if not case.stateful:
        return trace(layer.run(x, mask=mask))
    half = x.shape[1] // 2
    first = layer.run(x[:, :half])
    second = layer.run(x[:, half:], first.state)
    join = lambda a, b: np.concatenate([a, b], axis=1)
    return Trace(
        join(first.outputs, second.outputs),
        second.state,
        tuple(map(join, first.states, second.states)),
        {letter: join(first.gates[letter], second.gates[letter]) for letter in first.gates},
    )


def trace(run: Any) -> Trace:
    """A run of the reference as an implementation's trace."""
    if not isinstance(run.gates, dict):  # of more layers than one
        return Trace(run.outputs, flat_state(run.state))
    return Trace(run.outputs, tuple(run.state), tuple(run.states), run.gates)
