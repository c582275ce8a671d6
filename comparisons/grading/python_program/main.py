"""Reading cases, calling the function, writing answers."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import numpy as np

from comparisons.grading.python_program import Unfit
from comparisons.grading.python_program.arguments import arguments, weights
from comparisons.grading.python_program.calls import MODES, Call, told


def main(file: str, name: str, unit: str, *modes: str) -> None:
    """Answer every case on standard input with the function of that name, which takes one "step" or a "sequence"."""
    cases, answers = _own_streams()
    say = lambda found: print(json.dumps(found), file=answers, flush=True)
    try:
        function = _function(file, name)
    except Unfit as unfit:
        say({"fatal": str(unfit)})
        return
    call = None
    for line in cases:
        case = json.loads(line)
        try:
            call = call or way_to_call(function, case, file, unit == "sequence", modes or MODES)
            say(run(call, case))
        except Unfit as unfit:
            say({"error": str(unfit)})


def _own_streams() -> tuple[Any, Any]:
    """The protocol's streams, which the file does not get: it reads nothing, and what it prints goes to stderr."""
    cases, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return cases, answers


def _function(file: str, name: str) -> Callable[..., Any]:
    """Import the file. Raises Unfit."""
    shown = os.path.basename(file)
    sys.path[0] = os.path.dirname(os.path.abspath(file))
    sys.argv = [file]
    stem = os.path.splitext(shown)[0]
    spec = spec_from_file_location(stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules.setdefault(stem, module)  # where a dataclass looks its module up
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # whatever the file does
        raise Unfit(f"{shown} cannot be imported: {told(error, file)}") from None
    function = getattr(module, name, None)
    if not callable(function):
        own = [key for key, value in vars(module).items() if inspect.isfunction(value) and value.__module__ == stem]
        raise Unfit(f"{shown} must have a function {name}, got {', '.join(own) or 'none'}")
    return function


def way_to_call(
    function: Callable[..., Any], case: dict[str, Any], file: str, sequence: bool, modes: tuple[str, ...] = MODES
) -> Call:
    """The first way in which the function gives states of the right shapes. Raises Unfit, as the first way has it."""
    passed = arguments(function, case)
    first: Unfit | None = None
    for mode in modes:
        for tensors in (False, True):
            if tensors and "torch" not in sys.modules:
                continue
            call = Call(function, passed, file, sequence, mode, tensors)
            try:
                run(call, case)
            except Unfit as unfit:
                first = first or unfit
            else:
                return call
    assert first
    raise first


def run(call: Call, case: dict[str, Any]) -> dict[str, Any]:
    """The answer to a case. Raises Unfit."""
    x = np.array(case["x"])
    state = {name: np.array(case[name]) for name in case["states"]}
    given = {name: np.array(case[name]) for name in weights(case)}
    over = (_whole if call.sequence else _stepwise)(call, case, x, state, given)
    return {**{name: s.tolist() for name, s in over.items()}, "notes": call.notes}


def _stepwise(call: Call, case: dict[str, Any], x: Any, state: Any, given: Any) -> dict[str, Any]:
    """Every step from the state that the function itself gave: fields `(B, T, ·)`."""
    over: dict[str, list[Any]] = {name: [] for name in state}
    for t in range(x.shape[1]):
        state = call(case, x[:, t], state, given)
        for name, s in state.items():
            over[name].append(s)
    return {name: np.stack(s, axis=1) for name, s in over.items()}


def _whole(call: Call, case: dict[str, Any], x: Any, state: Any, given: Any) -> dict[str, Any]:
    """What the function gives over time, and where that is a last state only, the last states of every beginning."""
    over = call(case, x, state, given)
    if short := [name for name, s in over.items() if s.ndim < 3]:
        ends = [call(case, x[:, :t], state, given) for t in range(1, x.shape[1])] + [over]
        # Of one row and one step, a last state with an axis for layers looks like a state over time.
        end_of = lambda s: s[:, -1] if s.ndim == 3 else s
        over |= {name: np.stack([end_of(end[name]) for end in ends], axis=1) for name in short}
    return {name: over[name] for name in state}
