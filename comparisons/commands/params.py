"""`gateproof params`: a cell's parameters, gate by gate and convention by convention."""

from __future__ import annotations

from argparse import Namespace
from os.path import exists
from typing import Any

from comparisons.cli import UNREADABLE, Answer, Stop
from comparisons.render import parameters
from reference.conventions.counted import CELLS, FORMS, held, reset_of
from reference.conventions.frameworks import FRAMEWORKS
from reference.count_arguments import BELONGS, known
from reference.parameter_counts import BYTES, count, largest_units

SCHEMA_VERSION = 1
# The arguments that a cell's count takes and a file's does not, with their defaults.
ASKED = {
    **dict.fromkeys(("inputs", "units", "budget", "projection", "variant")),
    **dict.fromkeys(("no_bias", "reset_before", "reset_after", "peepholes", "no_peepholes"), False),
    **dict.fromkeys(("bidirectional", "all"), False),
    "convention": "keras",
    "cells_per_block": 1,
    "layers": 1,
}


def answer(args: Namespace) -> Answer:
    """Count the cell that the arguments name. Raises Stop for one that does not exist or cannot be counted."""
    try:
        cell = _cell(args.cell)
        data = _data(cell, args) if cell else None
    except ValueError as error:
        raise Stop(str(error)) from None
    if data is None:
        return _file(args)
    return Answer(data, lambda: parameters.text(data, args.explain, args.all))


def _file(args: Namespace) -> Answer:
    """Count what a file holds, from its headers."""
    from comparisons.commands import files
    from comparisons.counting import counted
    from comparisons.render import stored

    alone = {name: value for name, value in vars(args).items() if name in ASKED and value != ASKED[name]}
    if alone:
        raise Stop(f"--{next(iter(alone)).replace('_', '-')} must go with a cell's name, got the file {args.cell!r}")
    with files.opened(args.cell, args) as model:
        data = {"schema_version": SCHEMA_VERSION, "command": "params", **counted(model)}
    if not data["layers"]:
        raise Stop(f"{data['file']} must hold layers with arrays, got none", UNREADABLE)
    return Answer(data, lambda: stored.text(data, args.explain))


def _cell(word: str) -> str | None:
    """The cell that a word names, `SimpleRNN` and `simple-rnn` too, before any file of that name; None for a file."""
    cells = {cell.replace("_", ""): cell for cell in CELLS}
    cell = cells.get(word.lower().replace("-", "").replace("_", ""))
    if cell is None and (exists(word) or "." in word or "/" in word):
        return None
    return cell or known("cell", word, CELLS)


def _data(cell: str, args: Namespace) -> dict[str, Any]:
    if args.inputs is None:
        raise Stop("--inputs must be given, the numbers that a time step brings, got none")
    if (args.units is None) == (args.budget is None):
        raise Stop(f"one of --units and --budget must be given, got {'neither' if args.units is None else 'both'}")
    if args.reset_before and args.reset_after:
        raise Stop("one of --reset-before and --reset-after must be given, got both")
    for flag, given in (("--reset-before", args.reset_before), ("--reset-after", args.reset_after)):
        if given and cell != "gru":
            raise Stop(f"{flag} must go with gru, the cell that has a reset gate, got {cell}")
    if args.peepholes and args.no_peepholes:
        raise Stop("one of --peepholes and --no-peepholes must be given, got both")
    X, own = args.inputs, _own(args)
    stacked: dict[str, Any] = {"layers": args.layers, "bidirectional": args.bidirectional}
    asked: dict[str, Any] = {
        "convention": args.convention.lower(),
        "reset_after": False if args.reset_before else True if args.reset_after else None,
        "use_bias": False if args.no_bias else None,
    }
    options = {**asked, **stacked, **own}
    H = args.units or largest_units(args.budget, cell, input_dim=X, **options)
    counted = count(cell, X, H, **options)
    form, total = held(asked["convention"])[counted.form], counted.parameters
    biased = any(gate.bias_vectors for gate in counted.layers[0].gates)
    data = {
        "schema_version": SCHEMA_VERSION,
        "command": "params",
        "cell": cell,
        "input_dim": X,
        "units": H,
        "convention": asked["convention"],
        "reset_after": reset_of(counted.form),
        "use_bias": biased,
        **stacked,
        **own,
        "parameters": total,
        "formula": " + ".join(group.formula for group in counted.layers),
        "source": FRAMEWORKS[asked["convention"]].source,
        "why": form.why if biased else "without bias",
        "bytes": {dtype: total * size for dtype, size in BYTES.items()},
        "per_step": {**counted.work._asdict(), "elementwise_products": counted.products},
        "breakdown": [
            {**group._asdict(), "gates": [gate._asdict() for gate in group.gates], "parameters": group.parameters}
            for group in counted.layers
        ],
        "conventions": [
            _elsewhere(name, key, X, H, asked["use_bias"], {**stacked, **(own if key.split()[0] == cell else {})})
            for key in FORMS
            for name in FRAMEWORKS
        ],
    }
    if args.budget:
        more = count(cell, X, H + args.cells_per_block, **options).parameters
        data["budget"] = {"parameters": args.budget, "left": args.budget - total, "one_unit_more": more}
    return data


def _own(args: Namespace) -> dict[str, Any]:
    """What some cells have alone, where it was asked for."""
    peepholes = True if args.peepholes else False if args.no_peepholes else None
    given = {"projection": args.projection, "peepholes": peepholes, "variant": args.variant}
    given["cells_per_block"] = None if args.cells_per_block == 1 else args.cells_per_block
    return {name: given[name] for name in BELONGS if given[name] is not None}


def _elsewhere(name: str, key: str, X: int, H: int, use_bias: bool | None, options: dict[str, Any]) -> dict[str, Any]:
    """One form of a cell in one convention; `parameters` is None where the framework lacks it, and `why` says so."""
    cell, reset = key.split()[0], reset_of(key)
    row = {"convention": name, "cell": cell, "reset_after": reset}
    try:
        counted = count(cell, X, H, name, reset_after=reset, use_bias=use_bias, **options)
    except ValueError as error:
        why = str(error).split(f"got {name!r}: ")[-1]
        return {**row, "parameters": None, "bias_vectors": None, "why": why}
    vectors = sum(gate.bias_vectors for gate in counted.layers[0].gates)
    return {
        **row,
        "parameters": counted.parameters,
        "bias_vectors": vectors,
        "why": held(name)[key].why if vectors else "without bias",
    }
