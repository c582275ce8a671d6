"""The report of a port, in words and tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SAME_OUTPUTS = "Same outputs; training differs; optimizer state is not carried."
NOT_CARRIED = "Not carried: what compile() was told, optimizer state, initializers (the weights are the file's)."


def report(data: Mapping[str, Any]) -> Iterator[Any]:
    """One file: what it was, what became of each layer, what is proved."""
    old, new = data["old"], data["new"]
    yield f"{old['file']} ({old['format']}, Keras {old['keras'] or 'of an unknown version'}) -> {new['file']}"
    yield ""
    yield _layers(data["layers"])
    yield from changes(data["layers"])
    yield ""
    if data["whole"] is not None:
        yield _whole(data)
    if not data["passed"]:
        yield f"Nothing is written: {data['error']}"
        return
    yield f"Proved: {data['proved']}." + (f" {data['not_proved_because']}" if data["not_proved_because"] else "")
    if not data["same_training"]:
        yield SAME_OUTPUTS
    yield NOT_CARRIED
    if new["stock"]:
        yield "Needs keras alone: a fresh process opened it without this project."
    else:
        yield (
            "Needs this project: `import cells` before it is opened."
            if data["own"]
            else "Needs the classes that you named."
        )
    if "snippet" in data:
        yield ""
        yield f"The other layers' arrays are in {new['rest']}; to put the model together again:"
        yield ""
        yield from data["snippet"].splitlines()
        yield ""
    yield f"sha256 of OLD: {old['sha256']}"
    yield f"sha256 of NEW: {new['sha256']}"
    yield "Versions: " + ", ".join(f"{name} {number}" for name, number in data["versions"].items())


def _layers(rows: Sequence[Mapping[str, Any]]) -> Any:
    table = _table("layer", "was", "is", "distance", "allowed")
    for row in rows:
        worst = max(row["proof"], key=_ratio, default=None)
        table.add_row(row["layer"], row["was"], row["is"], *_measured(worst))
    return table


def _ratio(measured: Mapping[str, Any]) -> float:
    return math.inf if measured["ratio"] is None else measured["ratio"]


def _measured(found: Mapping[str, Any] | None) -> tuple[str, str]:
    """A distance and what is allowed."""
    if found is None:
        return "", ""
    shown = lambda value: "far" if value is None else f"{value:.2f} u"
    return shown(found["distance"]), shown(found["allowed"])


def changes(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was done, in plain words, each with the layers that it was done to."""
    layers: dict[str, list[str]] = {}
    for row in rows:
        for change in (*row["changes"], *([row["own"]] if row["own"] else [])):
            layers.setdefault(change, []).append(row["layer"])
    for change, names in layers.items():
        yield f"{', '.join(names)}: {change}"


def _whole(data: Mapping[str, Any]) -> str:
    distance, allowed = _measured(data["whole"])
    return f"The whole model: {distance} of its largest output in {data['whole']['dtype']}, allowed {allowed}."


def folder(rows: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """A row a file."""
    table = _table("file", "Keras", "outcome", "proved", "distance", "allowed", "why")
    for row in rows:
        outcome = "ported" if row["passed"] else ("proof failed" if row["exit_code"] == 1 else "refused")
        written = row.get("old", {}).get("keras", "")
        proved = row.get("proved", "") if row["passed"] else ""
        table.add_row(row["file"], written, outcome, proved, *_measured(row.get("whole")), row.get("error", ""))
    yield table
    ported = sum(row["passed"] for row in rows)
    yield f"Ported: {ported} of {len(rows)}."


def _table(*columns: str) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table
