"""The protocol of `gateproof check`: a case as a line of JSON, and an answer's line as states.

A case's numbers come first and its words last, and no key before them holds a digit or a minus sign: a program without
a JSON library reads the numbers one after another. `docs/grading.md` is the description.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.grading.cases import Graded
from reference import steps
from reference.activations import Activation
from reference.files.guard import shown

Array = NDArray[Any]

VERSION = 1


class BadAnswer(ValueError):
    """An answer that holds no states, in one sentence."""


def sizes(case: Graded) -> dict[str, int]:
    """The sizes of a case, in the order of the protocol."""
    layer = case.layer
    found = {"batch": case.batch, "time": case.time, "inputs": layer.input_dim, "units": layer.units}
    if layer.recurrent_dim != layer.units:
        found["outputs"] = layer.recurrent_dim
    return found


def arrays(case: Graded) -> dict[str, Array]:
    """The arrays of a case, in the order of the protocol: `x (B, T, X)`, the first state, what weights there are."""
    weights = {name: a for name, a in case.layer.weights._asdict().items() if a is not None}
    return {"x": case.x, **case.state, **weights}


def words(case: Graded) -> dict[str, Any]:
    """What comes after the numbers."""
    plain = lambda value: str(value) if isinstance(value, Activation) else value
    options = {name: plain(value) for name, value in case.layer.options.items()}
    return {"cell": case.layer.cell, "states": list(case.state), "options": options, "case": case.name}


def line(case: Graded) -> str:
    """The case as one line of JSON, without its end."""
    numbers = {name: a.tolist() for name, a in arrays(case).items()}
    return json.dumps({"version": VERSION, **sizes(case), **numbers, **words(case)}, allow_nan=False)


def answer(text: str, case: Graded) -> tuple[dict[str, Array], list[str]]:
    """The states of an answer, `(B, T, ·)` by field, with gates where it shows them, and its notes.

    Raises BadAnswer, with what is wrong.
    """
    found = _object(text)
    if "error" in found:
        raise BadAnswer(shown(str(found["error"])))
    states = {}
    for name, width in case.widths().items():
        if name not in found:
            keys = ", ".join(map(str, found)) or "nothing"
            raise BadAnswer(f"its answer must have {' and '.join(case.state)}, got {shown(keys)}")
        states[name] = _array(name, found[name], (case.batch, case.time, width))
    for letter in steps.module(case.layer.cell).gates:
        if letter in found and letter not in states:
            states[letter] = _array(letter, found[letter], (case.batch, case.time, case.layer.units))
    notes = found.get("notes", [])
    return states, [shown(str(note)) for note in notes] if isinstance(notes, list) else []


def _object(text: str) -> dict[str, Any]:
    # C's printf writes nan and inf, which no JSON has: they are read, and found to be no right answer.
    text = re.sub(r"(?<![\w\".])(-?)(?:inf|infinity)(?![\w\"])", r"\1Infinity", text, flags=re.IGNORECASE)
    text = re.sub(r"(?<![\w\".])-?nan(?:\([^)]*\))?(?![\w\"])", "NaN", text, flags=re.IGNORECASE)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadAnswer(f"its answer must be one JSON object in one line, got {shown(text)!r}") from None
    if not isinstance(found, dict):
        raise BadAnswer(f"its answer must be a JSON object, got {shown(text)!r}")
    return found


def _array(name: str, value: Any, shape: tuple[int, ...]) -> Array:
    """Nested as it should be, or flat."""
    try:
        array = np.array(value, "float64")
    except (ValueError, TypeError, OverflowError):
        raise BadAnswer(f"{name} of its answer must be numbers of shape {shape}, got something else") from None
    if array.shape != shape and (array.ndim != 1 or array.size != np.prod(shape)):
        raise BadAnswer(f"{name} of its answer must have shape {shape} (batch, time, width), got {array.shape}")
    return array.reshape(shape)


def fatal(text: str) -> str:
    """Why there will be no answer at all, where a line says so."""
    try:
        found = _object(text)
    except BadAnswer:
        return ""
    return shown(str(found["fatal"])) if "fatal" in found else ""
