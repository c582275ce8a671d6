"""The report as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparisons.proof.measure import RULES, Distance
from comparisons.proof.run import CaseResult, Report
from comparisons.render import document

COLUMNS = {
    "shadowed": "farthest from a step's bound",
    "end to end": "farthest over the whole run",
}


def tables(report: Report) -> Iterator[Any]:
    """A row a case; then what the columns are, and the summary."""
    yield _table(report)
    yield "Distance/allowed in u, of the witness that takes the largest share of its allowance: every step from the"
    yield "witness' own state, against the bound computed for that step; the whole run, against 8 times the NumPy"
    yield "reference's own error. Every distance, and why a witness has no such cell, is in report.md."
    for rule in RULES:
        if blind := document.unseen(report, rule):
            yield f"What one rule alone does not see in some case ({rule}): {', '.join(blind)}."
    yield ""
    yield "; ".join(f"{name}: {title}" for name, title in report.titles.items()) + "."
    yield f"Data: {report.data}. Weights: trained for a moment by Keras 3, or drawn."
    yield ""
    yield from document.summary(report)


def _table(report: Report) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("case", min_width=14)
    table.add_column("witnesses", min_width=12)
    for title in COLUMNS.values():
        table.add_column(title, min_width=13)
    table.add_column("planted mistake nearest to passing", min_width=14)
    table.add_column("/allowed", justify="right", no_wrap=True)
    for result in report.results:
        near = document.nearest(result)
        table.add_row(
            result.case.name,
            " ".join(_witness(row) for row in result.rows if row.distances),
            *(_farthest(result, rule) for rule in COLUMNS),
            near.name,
            f"[{'green' if near.ratio > 1 else 'bold red'}]{document.times(near.ratio)}[/]",
        )
    return table


def _witness(row: Any) -> str:
    return row.framework if row.passed else f"[bold red]{row.framework} ✗[/]"


def _farthest(result: CaseResult, rule: str) -> str:
    measured = [(row.distances[rule], row.framework) for row in result.rows if rule in row.distances]
    if not measured:
        return "[dim]–[/]"
    distance, framework = max(measured, key=lambda pair: pair[0].ratio)
    return f"{_cell(distance)} {framework}"


def _cell(d: Distance) -> str:
    colour = "green" if d.passed else "bold red"
    mark, digits = "" if d.passed else " ✗", 1 if d.allowed < 10 else 0
    return f"[{colour}]{d.distance:.2f}/{d.allowed:.{digits}f}{mark}[/]"
