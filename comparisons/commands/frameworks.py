"""`gateproof frameworks`: every witness, what it needs, and which of the cases it can run."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from comparisons.cli import Answer
from comparisons.frameworks import FRAMEWORKS, absent, load, versions

SCHEMA_VERSION = 1


def answer(args: Namespace) -> Answer:
    """Ask every framework about every case of the proof; none of them is imported."""
    drawn = list(_cases())
    frameworks = []
    for name, framework in FRAMEWORKS.items():
        row = {"name": name, "runs": framework.runs, "packages": versions(name), "missing": absent(name)}
        frameworks.append({**row, "cells": _cells(name, drawn)})
    return Answer(
        {"schema_version": SCHEMA_VERSION, "command": "frameworks", "frameworks": frameworks}, lambda: _text(frameworks)
    )


def _cases() -> Iterator[tuple[Any, Any]]:
    """Every case, with a layer such as it compares."""
    from comparisons.proof.cases import CASES
    from comparisons.proof.draws import layer

    for case in CASES:
        yield case, layer(case, case.features, seed=0).astype(case.dtype)


def _cells(name: str, drawn: list[tuple[Any, Any]]) -> dict[str, dict[str, Any]]:
    """By cell: how many of its cases the framework can run, of how many, and why not the others."""
    cells: dict[str, dict[str, Any]] = {}
    for case, layer in drawn:
        row = cells.setdefault(case.cell, {"able": 0, "of": 0, "unable": {}})
        row["of"] += 1
        if reason := load(name).unable(case, layer):
            row["unable"][case.name] = reason
        else:
            row["able"] += 1
    return cells


def _text(frameworks: list[dict[str, Any]]) -> Iterator[Any]:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("framework", "runs", "installed", "cases"):
        table.add_column(heading)
    for row in frameworks:
        found = ", ".join(f"{package} {version}" for package, version in row["packages"].items())
        table.add_row(row["name"], row["runs"], row["missing"] or found, _able(row["cells"]))
    yield table
    yield "Cases: those of the proof that it can run. --json says why not the others."


def _able(cells: dict[str, dict[str, Any]]) -> str:
    able = {cell: row for cell, row in cells.items() if row["able"]}
    share = lambda row: "" if row["able"] == row["of"] else f" {row['able']} of {row['of']}"
    if len(able) == len(cells) and not any(map(share, able.values())):
        return "all"
    return ", ".join(cell + share(row) for cell, row in able.items()) or "none"
