"""`gateproof params`: a cell's parameters, gate by gate and convention by convention."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from os.path import exists
from typing import Any

from comparisons.cli import Answer, Stop
from reference.bias_vectors import CELLS, CONVENTIONS, FORMS
from reference.parameter_counts import BYTES, Layers, count, known, lacking, largest_units

SCHEMA_VERSION = 1
NAMES = {"i": "input", "f": "forget", "g": "candidate", "o": "output", "z": "update", "r": "reset", "n": "candidate"}


def answer(args: Namespace) -> Answer:
    """Count the cell that the arguments name. Raises Stop for one that does not exist or cannot be counted."""
    try:
        data = _data(_cell(args.cell), args)
    except ValueError as error:
        raise Stop(str(error)) from None
    return Answer(data, lambda: _text(data, args.explain, args.all))


def _cell(word: str) -> str:
    """The cell that a word names, `SimpleRNN` and `simple-rnn` too, before any file of that name."""
    cells = {cell.replace("_", ""): cell for cell in CELLS}
    cell = cells.get(word.lower().replace("-", "").replace("_", ""))
    if cell is None and exists(word):
        raise Stop(
            f"CELL must be one of {', '.join(CELLS)}, got the file {word!r}: counting from a file is not supported"
        )
    return cell or known("cell", word, CELLS)


def _data(cell: str, args: Namespace) -> dict[str, Any]:
    if args.inputs is None:
        raise Stop("--inputs must be given, the numbers that a time step brings, got none")
    if (args.units is None) == (args.budget is None):
        raise Stop(f"one of --units and --budget must be given, got {'neither' if args.units is None else 'both'}")
    if args.reset_before and cell != "gru":
        raise Stop(f"--reset-before must go with gru, the cell that has a reset gate, got {cell}")
    X, use_bias, stacked = args.inputs, not args.no_bias, {"layers": args.layers, "bidirectional": args.bidirectional}
    asked = {"convention": args.convention.lower(), "reset_after": False if args.reset_before else None}
    H = args.units or largest_units(args.budget, cell, input_dim=X, use_bias=use_bias, **asked, **stacked)
    counted = count(cell, X, H, use_bias=use_bias, **asked, **stacked)
    form, convention, parameters = FORMS[counted.form], CONVENTIONS[asked["convention"]], counted.parameters
    data = {
        "schema_version": SCHEMA_VERSION,
        "command": "params",
        "cell": cell,
        "input_dim": X,
        "units": H,
        **asked,
        "reset_after": form.reset_after,
        "use_bias": use_bias,
        **stacked,
        "parameters": parameters,
        "formula": " + ".join(_formula(group, H) for group in counted.layers),
        "source": convention.source,
        "why": convention.biases[counted.form].why if use_bias else "without bias",
        "bytes": {dtype: parameters * size for dtype, size in BYTES.items()},
        "per_step": {**counted.work._asdict(), "elementwise_products": form.products},
        "breakdown": [
            {**group._asdict(), "gates": [gate._asdict() for gate in group.gates], "parameters": group.parameters}
            for group in counted.layers
        ],
        "conventions": [_elsewhere(name, key, X, H, use_bias, stacked) for key in FORMS for name in CONVENTIONS],
    }
    if args.budget:
        more = count(cell, X, H + 1, use_bias=use_bias, **asked, **stacked).parameters
        data["budget"] = {"parameters": args.budget, "left": args.budget - parameters, "one_unit_more": more}
    return data


def _formula(group: Layers, units: int) -> str:
    X, G, V = group.input_dim, len(group.gates), sum(gate.bias_vectors for gate in group.gates)
    matrices = f"{X} x {units} + {units} x {units}"
    cell = (f"{G} x ({matrices})" if G > 1 else matrices) + (f" + {V} x {units}" if V else "")
    times = "".join(f"{n} x " for n in (group.copies, group.directions) if n > 1)
    return f"{times}({cell})" if times else cell


def _elsewhere(name: str, key: str, X: int, H: int, use_bias: bool, stacked: dict[str, Any]) -> dict[str, Any]:
    """One form of a cell in one convention; `parameters` is None where the framework lacks it, and `why` says so."""
    form = FORMS[key]
    row = {"convention": name, "cell": form.cell, "reset_after": form.reset_after}
    if reason := lacking(name, key, use_bias):
        return {**row, "parameters": None, "bias_vectors": None, "why": reason}
    counted = count(form.cell, X, H, name, use_bias, form.reset_after, **stacked)
    vectors = sum(gate.bias_vectors for gate in counted.layers[0].gates)
    why = CONVENTIONS[name].biases[key].why if use_bias else "without bias"
    return {**row, "parameters": counted.parameters, "bias_vectors": vectors, "why": why}


def _text(data: dict[str, Any], explain: bool, everything: bool) -> Iterator[Any]:
    H, total, budget = data["units"], data["parameters"], data.get("budget")
    if budget:
        yield f"{H:,} units are the most within {budget['parameters']:,} parameters, with {budget['left']:,} to spare;"
        yield f"{H + 1:,} units take {budget['one_unit_more']:,}."
    yield f"{_title(data)}: {total:,} parameters"
    yield f"{data['formula']} = {total:,}"
    yield from _explanation(data) if explain else [f"{data['bytes']['float32']:,} bytes in float32"]
    yield from _side_by_side(data) if everything else []


def _title(data: dict[str, Any]) -> str:
    reset = {None: "", True: ", reset after", False: ", reset before"}[data["reset_after"]]
    bias = "" if data["use_bias"] else ", without bias"
    layers = f", {data['layers']:,} layers" if data["layers"] > 1 else ""
    return f"{data['cell']}, {data['convention']}{reset}{bias}{layers}{', bidirectional' * data['bidirectional']}"


def _explanation(data: dict[str, Any]) -> Iterator[Any]:
    """Gate by gate, then memory, work, and the reason of this convention beside the others'."""
    for group in data["breakdown"]:
        yield from _gates(group, data["units"])
    step, dtypes = data["per_step"], {}
    for dtype, size in data["bytes"].items():
        dtypes.setdefault(size, []).append(dtype)
    products = f": {', '.join(step['elementwise_products'])}" if step["elementwise_products"] else ""
    yield ""
    yield "bytes     " + ", ".join(f"{size:,} in {' and '.join(names)}" for size, names in dtypes.items())
    yield f"one step  {step['matmul']:,} multiply-adds in the matmuls"
    yield f"          {step['elementwise']:,} elementwise products{products}"
    yield ""
    yield "The matrices are the same in every framework; the bias vectors of a layer and direction are not:"
    yield _table(("parameters", "biases", "convention", "why"), _reasons(data), left=("convention", "why"))
    yield f"Counted here: {data['convention']}, as in {data['source']}."


def _reasons(data: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The same cell in each convention, smallest count first; both forms of a gru in one row where they agree."""
    resets: dict[tuple[Any, ...], list[str]] = {}
    for row in data["conventions"]:
        if row["cell"] == data["cell"]:
            same = (row["parameters"], row["bias_vectors"], row["convention"], row["why"])
            resets.setdefault(same, []).append({None: "", True: "after", False: "before"}[row["reset_after"]])
    return [
        (total, vectors, f"{name}, reset {' or '.join(reset)}" if any(reset) else name, why)
        for (total, vectors, name, why), reset in sorted(resets.items(), key=lambda item: item[0][0] or float("inf"))
    ]


def _gates(group: dict[str, Any], H: int) -> Iterator[Any]:
    first, copies, directions, X = (group[name] for name in ("first", "copies", "directions", "input_dim"))
    which = f"layers {first:,} to {first + copies - 1:,}" if copies > 1 else f"layer {first}"
    each = " and ".join(thing for thing, n in (("layer", copies), ("direction", directions)) if n > 1)
    sums = [sum(gate[part] for gate in group["gates"]) for part in ("kernel", "recurrent_kernel", "bias")]
    yield ""
    yield f"{which}{', each ' * bool(each)}{each}: X = {X:,} inputs, H = {H:,} units"
    yield _table(
        ("gate", "kernel X x H", "recurrent kernel H x H", "bias", "parameters"),
        [
            (
                f"{gate['letter']} {NAMES.get(gate['letter'], '')}",
                f"{X} x {H} = {gate['kernel']:,}",
                f"{H} x {H} = {gate['recurrent_kernel']:,}",
                f"{gate['bias_vectors']} x {H} = {gate['bias']:,}",
                gate["kernel"] + gate["recurrent_kernel"] + gate["bias"],
            )
            for gate in group["gates"]
        ]
        + [("all", *sums, sum(sums))],
        left=("gate",),
    )
    if each:
        times = "".join(f"{n:,} {things} x " for things, n in (("layers", copies), ("directions", directions)) if n > 1)
        yield f"{times}{sum(sums):,} = {group['parameters']:,}"


def _side_by_side(data: dict[str, Any]) -> Iterator[Any]:
    cells = {(row["convention"], row["cell"], row["reset_after"]): row for row in data["conventions"]}
    counts = [
        (name, *(cells[name, form.cell, form.reset_after]["parameters"] for form in FORMS.values()))
        for name in CONVENTIONS
    ]
    gates = sorted({(len(form.gates), form.cell) for form in FORMS.values()})
    yield ""
    yield f"Parameters of each cell in each convention, with {data['input_dim']:,} inputs and {data['units']:,} units:"
    yield _table(("convention", *FORMS), counts, left=("convention",))
    for why in dict.fromkeys(f"{row['convention']}: {row['why']}" for row in cells.values() if not row["parameters"]):
        yield f"-  {why}"
    ratio = " : ".join(f"{cell} {n}" for n, cell in gates)
    yield f"Without biases they stand {ratio}, by their gates: one kernel and one recurrent kernel each."


def _table(headings: tuple[str, ...], rows: list[tuple[Any, ...]], left: tuple[str, ...]) -> Any:
    """Numbers with separators, None as a dash; columns are aligned right but for those named in `left`."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in left else "right")
    for row in rows:
        table.add_row(*("-" if cell is None else f"{cell:,}" if isinstance(cell, int) else cell for cell in row))
    return table
