"""Which mistakes of the catalogue a case catches: found by running every one of them."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from comparisons.grading.cases import Graded
from comparisons.grading.judging import judge
from comparisons.proof import mutants
from reference import Layer

# A mistake in exact arithmetic must be farther off, in float32, than this many bounds: one for the rounding of whoever
# makes it, one for that of the oracle's own step, and two to spare.
CERTAIN = 4.0


def catches(case: Graded, among: Container[str] | None = None) -> dict[str, float]:
    """Every mistake that applies to the case's layer, or those `among` them, and how many times the float32 bound its
    farthest number is off."""
    with np.errstate(all="ignore"):  # a mistake may overflow: it is then as far as can be
        runs = {
            name: _states(case, wrong)
            for name, wrong in mutants.planted(case.layer, masked=False)
            if (among is None or name in among) and not same(wrong, case.layer)
        }
    return {name: judge(case, states, "float32").ratio for name, states in runs.items()}


def caught(shares: Mapping[str, float]) -> list[str]:
    """The mistakes that a case catches, of those that `catches` found."""
    return [name for name, share in shares.items() if share > CERTAIN]


def planted(cases: Sequence[Graded]) -> tuple[list[str], list[str]]:
    """Every mistake that applies to any of the cases, and those that none of them catches."""
    of_case = [[name for name, _ in mutants.planted(case.layer, masked=False)] for case in cases]
    names = list(dict.fromkeys(name for names in of_case for name in names))
    left, none = set(names), set(names)
    for case in cases:
        found = catches(case, left)
        none -= found.keys()
        left -= set(caught(found))
    return [name for name in names if name not in none], [name for name in names if name in left - none]


def at_the_end(case: Graded, tolerance: float) -> list[str]:
    """The mistakes that a whole run shows to whoever compares its states with a tolerance, in exact arithmetic."""
    right = _states(case, case.layer)
    with np.errstate(all="ignore"):
        runs = {name: _states(case, wrong) for name, wrong in mutants.planted(case.layer, masked=False)}
        far = {name: max(np.abs(run[f] - right[f]).max() for f in right) for name, run in runs.items()}
    return [name for name, distance in far.items() if not distance <= CERTAIN * tolerance]


def same(wrong: Any, right: Layer) -> bool:
    """Whether a mistake is none for this layer: a jordan's output that is linear either way."""
    arrays = zip(wrong.weights, right.weights, strict=True)
    return (
        type(wrong) is type(right)
        and (wrong.step, wrong.options, wrong.go_backwards) == (right.step, right.options, right.go_backwards)
        and all(a is b or (a is not None and b is not None and np.array_equal(a, b)) for a, b in arrays)
    )


def _states(case: Graded, layer: Any) -> dict[str, Any]:
    run = layer.run(case.x, initial_state=case.whole_state)
    return {field: getattr(run.states, field) for field in case.state}
