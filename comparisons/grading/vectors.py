"""The cases as files that any project can run without this one: what goes in, what is expected, how far is allowed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from comparisons.grading import catches, protocol
from comparisons.grading.cases import VERSION, Cell, Graded, cases, cell
from comparisons.grading.judging import PRECISIONS
from comparisons.proof.bounds import UNITS
from comparisons.proof.measure import ORACLE, SLACK
from reference import steps

# What is written unless something else is asked for: every cell, and the options in which the field's cells differ.
SETS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("simple_rnn", {}),
    ("simple_rnn", {"activation": "relu"}),
    ("jordan", {"output_units": 3, "output_activation": "sigmoid"}),
    ("lstm", {}),
    ("lstm", {"forget_bias": 1.0}),
    ("lstm", {"recurrent_activation": "hard_sigmoid_keras2"}),
    ("lstm", {"recurrent_activation": "hard_sigmoid_keras3"}),
    ("lstm", {"use_recurrent_bias": True}),
    ("lstm_1997", {}),
    ("peephole_lstm", {}),
    ("peephole_lstm", {"num_proj": 3, "cell_clip": 0.5, "proj_clip": 0.25}),
    ("cifg", {"coupled": "i"}),
    ("cifg", {"coupled": "f"}),
    ("layer_norm_lstm", {"forget_bias": 1.0}),
    ("fused_layer_norm_lstm", {}),
    *(
        ("greff_lstm", {"variant": variant})
        for variant in ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")
    ),
    ("gru", {"reset_after": True}),
    ("gru", {"reset_after": False}),
    ("gru", {"reset_after": False, "recurrent_activation": "hard_sigmoid_keras2"}),
    ("mgu", {}),
    ("ugrnn", {"forget_bias": 1.0}),
    ("mut1", {}),
    ("mut2", {}),
    ("mut3", {}),
)
LETTERS = {
    "B": "batch",
    "T": "time",
    "X": "inputs",
    "H": "units",
    "R": "outputs where that is given, else units",
    "C": "the columns of all gates",
}
NUMBERS: dict[str, Callable[[float], Any]] = {"hex": float.hex, "decimal": float}


def file_name(name: str, options: Mapping[str, Any]) -> str:
    """The file of a cell with these options.

    >>> file_name("gru", {"reset_after": False})
    'gru-reset_after-False.json'
    """
    return "-".join([name, *(f"{option}-{value}" for option, value in options.items())]) + ".json"


def vectors(of: Cell, numbers: str = "hex") -> dict[str, Any]:
    """What the file of a cell holds: the cell, how it is to be read, and its cases. `numbers` is a key of NUMBERS."""
    home, made = steps.module(of.name), cases(of)
    written = [_vector(case, NUMBERS[numbers]) for case in made]
    layer = made[0].layer
    shapes = {name: spec for name, spec in steps.shapes(of.name).items() if getattr(layer.weights, name) is not None}
    return {
        "version": VERSION,
        "numbers": numbers,
        **{name: value for name, value in protocol.words(made[0]).items() if name != "case"},
        "given": dict(of.given),
        "gates": "".join(gate for gate in home.gates if layer.widths[gate]),
        "shapes": {"x": "B T X", **{name: f"B {'R' if name in 'hy' else 'H'}" for name in of.states}, **shapes},
        "step": (inspect.getdoc(home.step) or "").splitlines(),
        "vectors": written,
    }


def tolerances(case: Graded) -> dict[str, float]:
    """How far the states of a whole run may lie from the oracle's: the rule of `measure.Judge.end_to_end`, at every
    step."""
    found = {}
    for dtype in PRECISIONS:
        exact, rounded = (
            case.layer.astype(own).run(case.x.astype(own), case.whole_state).states for own in (ORACLE[dtype], dtype)
        )
        error = max(float(np.abs(a - b).max()) for a, b in zip(exact, rounded, strict=True))
        found[dtype] = SLACK * max(error, UNITS[dtype])
    return found


def _vector(case: Graded, number: Callable[[float], Any]) -> dict[str, Any]:
    run = case.layer.run(case.x, case.whole_state)
    allowed = tolerances(case)
    plain = lambda a: _each(a.tolist(), number)
    gates = {letter: a for letter, a in run.gates.items() if letter not in case.state}
    return {
        "name": case.name,
        **protocol.sizes(case),
        **{name: plain(a) for name, a in protocol.arrays(case).items()},
        "expected": {name: plain(getattr(run.states, name)) for name in case.state},
        "gates": {letter: plain(a) for letter, a in gates.items()},
        "tolerance": {dtype: number(value) for dtype, value in allowed.items()},
        "catches": catches.at_the_end(case, allowed["float32"]),
    }


def _each(nested: Any, number: Callable[[float], Any]) -> Any:
    return [_each(part, number) for part in nested] if isinstance(nested, list) else number(nested)


def index(files: Mapping[str, Mapping[str, Any]], version: str, numbers: str) -> dict[str, Any]:
    """What is in a folder of vectors; `version` is this project's."""
    return {
        "format": "gateproof vectors",
        "version": VERSION,
        "gateproof": version,
        "numbers": numbers,
        "letters": LETTERS,
        "files": [
            {"file": name, "cell": held["cell"], "options": held["given"], "vectors": len(held["vectors"])}
            for name, held in files.items()
        ],
    }


def chosen(names: list[str], options: Mapping[str, Any]) -> list[Cell]:
    """The standard sets of these cells; or, with options, one set of each. Raises ValueError."""
    if options:
        return [cell(name, **options) for name in names]
    return [cell(name, **own) for name, own in SETS if name in names]
