"""The bench as data (JSON) and as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from comparisons.benching import growth
from comparisons.benching.rounds import Ratio
from comparisons.benching.rows import Row
from comparisons.benching.run import Report
from comparisons.benching.targets import Target, mean

SCHEMA_VERSION = 1
METHOD = (
    "Times are medians of alternating rounds on the processor, with the threads that each library takes by default,",
    "and each layer in a process of its own.",
    "First every answer is held to the reference in float64: at most 8 times NumPy's own error in float32.",
    "Forward and backward: outputs and all gradients in one call, inputs' included, without loss and update.",
    "A step of fit, or of predict: the function that Keras' fit, or predict, calls for a batch, without its callbacks;",
    "jit off is what Keras chooses by itself where there is no graphics card. Stock: keras.layers; ours: cells.",
    "Floor: the job's matmuls alone, in the same rounds, each by the fastest of NumPy, XLA and PyTorch (of the",
    "reference: NumPy); what these calls take, not a bound.",
    "Faster: the better of stock's two ways over ours; above 1, ours is faster. In brackets: the quartiles from round",
    "to round. Where a limit lies between them, this run cannot tell.",
    "Memory: the peak of a step over what the process held before the first one, each in a process of its own.",
)
TITLES = {
    ("training", "step"): "forward and backward, ms",
    ("training", "fit"): "a step of fit, ms",
    ("forward", "forward"): "a step of predict, ms",
    ("memory", "fit"): "peak of a step of fit, MB",
    ("growth", "step"): "forward and backward, ms",
    ("reference", "run"): "the NumPy reference, ms",
}
# What is derived from a part's rows, by heading.
FASTER: dict[str, Callable[[Row], Ratio | None]] = {
    "jit off, faster": lambda row: row.ratio("ours jit off"),
    "jit on, faster": lambda row: row.ratio("ours jit on"),
}
DERIVED: dict[str, dict[str, Callable[[Row], Ratio | None]]] = {
    "training": FASTER,
    "forward": FASTER,
    "memory": {
        "jit off, of stock's": lambda row: row.ratio("stock jit off", "ours jit off"),
        "jit on, of stock's": lambda row: row.ratio("stock jit on", "ours jit on"),
    },
    "growth": FASTER,
    "reference": {
        "run/floor": lambda row: row.over_floor("run"),
        "onnx/run": lambda row: row.ratio("run", "onnx"),
        "backprop/run": lambda row: row.ratio("run", "backprop"),
    },
}


def data(report: Report) -> dict[str, Any]:
    """Everything, for `bench.json`: seconds, or bytes in `memory`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "bench",
        "passed": report.passed,
        "method": " ".join(METHOD),
        "machine": report.machine,
        "versions": report.versions,
        "settings": {name: getattr(report.settings, name) for name in ("cells", "rounds", "seconds", "quick")},
        "missing": report.missing,
        "targets": [_target(target) for target in report.targets],
        "rows": [_row(row) for row in report.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        **asdict(row),
        "shape": row.shape._asdict(),
        "measured": {name: timing._asdict() for name, timing in row.measured.items()},
        "floor": {name: timing.median for name, timing in row.floor.items()},
        "least": row.least and row.least.median,
        "derived": {heading: _fields(of(row)) for heading, of in DERIVED[row.part].items()},
    }


def _target(target: Target) -> dict[str, Any]:
    return {**target._asdict(), "measured": _fields(target.measured), "met": target.met}


def _fields(ratio: Ratio | None) -> dict[str, float] | None:
    return ratio and ratio._asdict()


def tables(report: Report) -> Iterator[Any]:
    """A table a part, cell and job; then what was aimed for, what is missing or wrong, and how it was measured."""
    for rows in grouped(report.rows):
        first = rows[0]
        over = f" over {first.over}" if first.over else ""
        yield f"{first.part}{over}, {first.cell}: {TITLES[first.part, first.job]}"
        yield _measured(rows)
        yield ""
    if measured := [target for target in report.targets if target.measured]:
        yield _targets(measured)
        yield ""
    yield from METHOD
    yield "; ".join(f"{name}: {value}" for name, value in report.machine.items()) + "."
    yield ", ".join(f"{name} {value or 'not installed'}" for name, value in report.versions.items()) + "."
    yield from (f"{name}: {reason}." for name, reason in report.missing.items())
    for row in report.rows:
        place = f"{row.part}, {row.cell} {row.job} at ({row.shape})"
        yield from (f"[left out] {place}, {name}: {why}." for name, why in row.left_out.items())
        yield from (f"[NOT THE SAME FUNCTION] {place}, {name}: {why}." for name, why in row.wrong.items())


def grouped(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows that belong in one table."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault((row.part, row.cell, row.job, row.over), []).append(row)
    return list(groups.values())


def names(rows: Sequence[Row]) -> list[str]:
    """Everybody who is in some row, in the order of the competitors."""
    return list(dict.fromkeys(name for row in rows for name in row.names))


def _measured(rows: list[Row]) -> Any:
    part, everybody, derived = rows[0].part, names(rows), DERIVED[rows[0].part]
    table = _table("B, T, X, H", *everybody, *["floor"] * (part != "memory"), *derived)
    show = _megabytes if part == "memory" else _milliseconds
    for row in rows:
        values = [show(row.measured[name].median) if name in row.measured else _none(row, name) for name in everybody]
        least = [_milliseconds(row.least and row.least.median)] * (part != "memory")
        table.add_row(str(row.shape), *values, *least, *(_ratio(of(row)) for of in derived.values()))
    blank = [""] * (part != "memory")
    if rows[0].over:
        slopes = [_power(growth.exponent(rows, name)) for name in everybody]
        table.add_row(f"power of {rows[0].over}", *slopes, *blank, *[""] * len(derived), style="bold")
    elif len(rows) > 1 and part != "reference":
        means = [mean([ratio for row in rows if (ratio := of(row))]) for of in derived.values()]
        table.add_row("geometric mean", *[""] * len(everybody), *blank, *map(_ratio, means), style="bold")
    return table


def _targets(found: Sequence[Target]) -> Any:
    table = _table("aimed for", "measured", "limit", "reached")
    said = {True: "[green]yes[/]", False: "[red]no[/]", None: "cannot tell"}
    for target in found:
        limit = f"{'≤' if target.at_most else '≥'} {target.limit}"
        table.add_row(target.name, _ratio(target.measured), limit, said[target.met])
    return table


def _table(first: str, *others: str) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _none(row: Row, name: str) -> str:
    return "[bold red]wrong[/]" if name in row.wrong else "–"


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f}"


def _power(power: float | None) -> str:
    return "–" if power is None else f"{power:.2f}"


def _ratio(ratio: Ratio | None) -> str:
    """The ratio, and where it is spread its quartiles."""
    if ratio is None:
        return "–"
    spread = rf" \[{ratio.lower:.2f}, {ratio.upper:.2f}]" if ratio.lower < ratio.upper else ""  # rich's brackets
    return f"{ratio.value:.2f}{spread}"
