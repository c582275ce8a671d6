"""Calling somebody's function in whatever way it wants to be called."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from comparisons.grading.python_program import Unfit
from comparisons.grading.python_program.arguments import STATE, Argument
from comparisons.grading.python_program.results import last, over_time

MODES = ("batch", "batch of one", "row")


def told(error: BaseException, file: str) -> str:
    """An exception, and where in the file it came from."""
    if isinstance(error, SystemExit):
        return "it ends the process (sys.exit)"
    said = str(error).strip().splitlines()
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}{': ' + said[0] if said else ''}{where}"


class Call:
    """A function, called with a batch of rows, with batches of one, or with a row: `mode`, of MODES; with torch's
    `tensors`, or with arrays."""

    def __init__(
        self,
        function: Callable[..., Any],
        passed: Sequence[Argument],
        file: str,
        sequence: bool,
        mode: str,
        tensors: bool,
    ) -> None:
        self.function, self.passed, self.file = function, passed, file
        self.sequence, self.mode, self.tensors = sequence, mode, tensors
        self.changed: set[str] = set()  # arguments that it changed in place

    @property
    def notes(self) -> list[str]:
        """What is to be known about the function."""
        found = {
            "it takes one row at a time, not a batch": self.mode != "batch",
            "it is given torch tensors": self.tensors,
            f"it changes its argument {' and '.join(sorted(self.changed))} in place": self.changed,
        }
        return [note for note, holds in found.items() if holds]

    def __call__(self, case: dict[str, Any], x: Any, state: dict[str, Any], weights: dict[str, Any]) -> dict[str, Any]:
        """The state after, fields `(B, ·)` or, of a sequence, perhaps `(B, T, ·)`. Raises Unfit."""
        if self.mode == "batch":
            return self._once(case, x, state, weights)
        place = (lambda b: slice(b, b + 1)) if self.mode == "batch of one" else (lambda b: b)
        rows = [
            self._once(case, x[place(b)], {name: s[place(b)] for name, s in state.items()}, weights)
            for b in range(len(x))
        ]
        join = np.concatenate if self.mode == "batch of one" else np.stack
        return {name: join([row[name] for row in rows]) for name in rows[0]}

    def _once(self, case: dict[str, Any], x: Any, state: dict[str, Any], weights: dict[str, Any]) -> dict[str, Any]:
        names = {argument.name for argument in self.passed}
        values = self._values(case, x, state, weights, names)
        was = {name: np.array(values[name]) for name in names & {"x", *state, *weights}}
        by_position = [values[a.name] for a in self.passed if a.by_position]
        by_name = {a.parameter: values[a.name] for a in self.passed if not a.by_position}
        try:
            with np.errstate(all="ignore"):
                given = self.function(*by_position, **by_name)
            self.changed |= {name for name, before in was.items() if not _equal(values[name], before)}
            shapes = {name: np.shape(s) for name, s in state.items()}
            return over_time(given, shapes, x.shape[:-1]) if self.sequence else last(given, shapes)
        except Unfit:
            raise
        except BaseException as error:  # whatever the function does
            raise Unfit(told(error, self.file)) from None

    def _values(self, case: dict[str, Any], x: Any, state: Any, weights: Any, names: set[str]) -> dict[str, Any]:
        """Whatever a parameter can get, as copies that the function may change."""
        values: dict[str, Any] = {"x": x, **state, **weights}
        if "bias" in names and "bias" not in values:
            values["bias"] = np.zeros(values["kernel"].shape[1])
        if "recurrent_bias" in values and "recurrent_bias" not in names:
            values["bias"] = np.stack([values["bias"], values["recurrent_bias"]])  # as Keras has it
        own = sys.modules["torch"].tensor if self.tensors else np.array
        values = {name: own(value) for name, value in values.items()}
        values |= dict.fromkeys(STATE, tuple(values[name] for name in state))
        return {"units": case["units"], **case["options"], **values}


def _equal(now: Any, before: Any) -> bool:
    now = np.asarray(now)
    return now.shape == before.shape and np.array_equal(now, before, equal_nan=True)
