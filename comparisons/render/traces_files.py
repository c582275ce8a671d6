"""A trace as files of numbers: .npz, a table for spreadsheets, JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from comparisons.tracing.parts import Part

Array = NDArray[Any]
Writer = Callable[[IO[bytes]], Any]
CSV_ROWS = 2**20 - 1  # what a spreadsheet takes, beside the line of names
JSON_NUMBERS = 250_000  # some 5 MB
FIXED = ("layer", "row", "step", "position", "token", "counted", "unit")


def npz(arrays: Mapping[str, Array]) -> Writer:
    """Every array under its name."""
    return lambda stream: np.savez(stream, allow_pickle=False, **arrays)  # type: ignore[arg-type]


def rows(parts: Sequence[Part]) -> int:
    """How many a table of the parts has."""
    return sum(part.batch * part.steps * part.units for part in parts)


def table(parts: Sequence[Part]) -> Writer:
    """A row for each unit at each step of each row of the batch, a column for each gate and state."""
    names = list(dict.fromkeys(name for part in parts for name in [*part.values, "output"]))

    def write(stream: IO[bytes]) -> None:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        lines = csv.writer(text)
        lines.writerow([*FIXED, *names])
        for part in parts:
            for row in range(part.batch):
                lines.writerows(_lines(part, row, names))
        text.detach()

    return write


def _lines(part: Part, row: int, names: Sequence[str]) -> Iterator[list[Any]]:
    values = {**part.values, "output": part.output}
    positions, counted = part.positions.tolist(), part.counted[row].tolist()
    tokens = part.tokens[row] if part.tokens else ("",) * part.steps
    for step in range(part.steps):
        position = positions[step]
        columns = [
            _texts(values[name][row, step], part.units) if name in values else [""] * part.units for name in names
        ]
        begun = [part.path, row, step, position, tokens[position], int(counted[step])]
        for unit, cells in enumerate(zip(*columns, strict=True)):
            yield [*begun, unit, *cells]


def _texts(values: Array, units: int) -> list[str]:
    """The shortest of two formats that gives the number back; nothing for units that the array has not."""
    form = "%.17g" if values.dtype.itemsize > 4 else "%.9g"
    return [form % value for value in values.tolist()] + [""] * (units - len(values))


def numbers(arrays: Mapping[str, Array]) -> int:
    """How many all arrays have."""
    return sum(array.size for array in arrays.values())


def values(arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Every array as nested lists; None for what is no finite number."""
    return {name: _lists(array) for name, array in arrays.items()}


def _lists(array: Array) -> Any:
    if array.dtype.kind in "biu":
        return array.astype(int).tolist()
    if array.dtype.itemsize > 4 and np.isfinite(array).all():
        return array.tolist()
    digits = 17 if array.dtype.itemsize > 4 else 9
    flat = [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in array.ravel().tolist()]
    return np.array(flat, dtype=object).reshape(array.shape).tolist()


def document(data: Mapping[str, Any]) -> bytes:
    """JSON, as it is written to a file."""
    return (json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n").encode()
