"""A parameter count as text: gate by gate, and convention by convention."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from reference.conventions.counted import FORMS, WITHOUT_BIAS, reset_of
from reference.conventions.frameworks import FRAMEWORKS

STOCK = ("simple_rnn", "lstm", "gru")  # what every framework might have
NAMES = {"i": "input", "f": "forget", "g": "candidate", "o": "output", "z": "update", "r": "reset", "n": "candidate"}


def text(data: dict[str, Any], explain: bool, everything: bool) -> Iterator[Any]:
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
    bias = "" if data["use_bias"] or data["cell"] in WITHOUT_BIAS else ", without bias"
    own = {"projection": ", projected to {}", "cells_per_block": ", {} cells a block", "variant": ", {}"}
    bias += "".join(text.format(data[name]) for name, text in own.items() if name in data)
    bias += {True: ", peepholes", False: ", no peepholes", None: ""}[data.get("peepholes")]
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
    yield table(("parameters", "biases", "convention", "why"), _reasons(data), left=("convention", "why"))
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
    R = group["recurrent_dim"]
    which = f"layers {first:,} to {first + copies - 1:,}" if copies > 1 else f"layer {first}"
    each = " and ".join(thing for thing, n in (("layer", copies), ("direction", directions)) if n > 1)
    parts = ["kernel", "recurrent_kernel", "bias", *["peephole"] * any(gate["peephole"] for gate in group["gates"])]
    sums = [sum(gate[part] for gate in group["gates"]) for part in parts]
    products = {
        "kernel": lambda gate: f"{X} x {gate['width']} = " if gate["kernel"] else "",
        "recurrent_kernel": lambda gate: f"{R} x {gate['width']} = " if gate["recurrent_kernel"] else "",
        "bias": lambda gate: f"{gate['bias_vectors']} x {gate['width']} = ",
        "peephole": lambda gate: "",
    }
    carried = "H" if R == H else "R"
    headings = ["kernel X x H", f"recurrent kernel {carried} x H", "bias", "peephole"][: len(parts)]
    projected = "" if R == H else f", R = {R:,} carried on"
    yield ""
    yield f"{which}{', each ' * bool(each)}{each}: X = {X:,} inputs, H = {H:,} units{projected}"
    yield table(
        ("gate", *headings, "parameters"),
        [
            (
                f"{gate['letter']} {NAMES.get(gate['letter'], 'never read' if gate['letter'] == '-' else '')}",
                *(f"{products[part](gate)}{gate[part]:,}" for part in parts),
                sum(gate[part] for part in parts),
            )
            for gate in group["gates"]
        ]
        + [("all", *sums, sum(sums))],
        left=("gate",),
    )
    for name, dims in group["others"].items():
        yield f"{name}: {' x '.join(f'{n:,}' for n in dims)} = {prod(dims):,}"
    total = sum(sums) + sum(map(prod, group["others"].values()))
    if each:
        times = "".join(f"{n:,} {things} x " for n, things in ((copies, "layers"), (directions, "directions")) if n > 1)
        yield f"{times}{total:,} = {group['parameters']:,}"


def _side_by_side(data: dict[str, Any]) -> Iterator[Any]:
    cells = {(row["convention"], row["cell"], row["reset_after"]): row for row in data["conventions"]}
    found = lambda key, name: cells[name, key.split()[0], reset_of(key)]["parameters"]
    counts = [(key, *(found(key, name) for name in FRAMEWORKS)) for key in FORMS]
    yield ""
    yield f"Parameters of each cell in each convention, with {data['input_dim']:,} inputs and {data['units']:,} units:"
    yield table(("cell", *FRAMEWORKS), counts, left=("cell",))
    stock = [row for row in cells.values() if row["cell"] in STOCK and row["parameters"] is None]
    for why in dict.fromkeys(f"{row['convention']}: {row['why']}" for row in stock):
        yield f"-  {why}"
    yield "Without biases they stand simple_rnn 1 : gru 3 : lstm 4, by their gates: two kernels each."


def table(headings: tuple[str, ...], rows: list[tuple[Any, ...]], left: tuple[str, ...]) -> Any:
    """Numbers with separators, None as a dash; columns are aligned right but for those named in `left`."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in left else "right")
    for row in rows:
        table.add_row(*("-" if cell is None else f"{cell:,}" if isinstance(cell, int) else cell for cell in row))
    return table
