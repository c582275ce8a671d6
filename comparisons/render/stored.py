"""What a file's layers count, as text."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from comparisons.render.parameters import NAMES, table


def text(data: dict[str, Any], explain: bool) -> Iterator[Any]:
    written = f", written by Keras {data['keras_version']}" if data["keras_version"] else ""
    yield f"{data['file']}: {data['format']}{written}"
    rows = [
        (
            layer["path"] or "-",
            layer["class"] or "-",
            {True: "yes", False: "no", None: "-"}[layer["trainable"]],
            layer["dtype"],
            layer["parameters"],
            layer["bytes"],
            _how(layer),
        )
        for layer in data["layers"]
    ]
    rows.append(("all", "", "", "", data["parameters"], data["bytes"], ""))
    headings = ("layer", "class", "trainable", "dtype", "parameters", "bytes", "of which")
    yield table(headings, rows, left=("layer", "class", "trainable", "dtype", "of which"))
    if sum(layer["parameters"] for layer in data["layers"]) > data["parameters"]:
        yield "Arrays that layers share count once in the sum."
    if data["trainable_parameters"] is not None:
        yield f"{data['trainable_parameters']:,} trainable, {data['parameters'] - data['trainable_parameters']:,} not"
    yield from _gates(data) if explain else []


def _how(layer: dict[str, Any]) -> str:
    """The sum: by gates in a recurrent layer, by arrays in another."""
    if layer["parts"]:
        return " + ".join(f"{part['part']}: " * bool(part["part"]) + part["formula"] for part in layer["parts"])
    return " + ".join(" x ".join(map(str, array["shape"])) or "1" for array in layer["arrays"])


def _gates(data: dict[str, Any]) -> Iterator[Any]:
    """Every recurrent layer gate by gate."""
    for layer in data["layers"]:
        for part in layer["parts"]:
            where = "/".join(filter(None, (layer["path"], part["part"])))
            yield ""
            yield f"{where}: {part['form']}, X = {part['input_dim']:,} inputs, H = {part['units']:,} units"
            columns = ["kernel", "recurrent_kernel", "bias", *["peephole"] * any(g["peephole"] for g in part["gates"])]
            rows = [
                (
                    f"{gate['letter']} {NAMES.get(gate['letter'], 'never read' if gate['letter'] == '-' else '')}",
                    *(gate[name] for name in columns),
                    sum(gate[name] for name in columns),
                )
                for gate in part["gates"]
            ]
            sums = [sum(gate[name] for gate in part["gates"]) for name in columns]
            yield table(("gate", *columns, "parameters"), [*rows, ("all", *sums, sum(sums))], left=("gate",))
            for name, dims in part["others"].items():
                yield f"{name}: {' x '.join(f'{n:,}' for n in dims)} = {prod(dims):,}"
