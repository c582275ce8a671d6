"""The report as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparisons.proof.measure import RULES, Distance
from comparisons.proof.run import Report, Row
from comparisons.render import document

TITLES = {
    "shadowed": "Every step from the implementation's own state, h and c, against the bound computed for that step",
    "end to end": "The whole run, outputs and last state, against 8 times the NumPy reference's own error",
}


def tables(report: Report) -> Iterator[Any]:
    """A table a rule, then what the columns are, then the summary."""
    for rule in RULES:
        yield _table(report, rule)
        if blind := document.unseen(report, rule):
            yield f"This rule alone does not see: {', '.join(blind)}."
        yield ""
    yield "; ".join(f"{name}: {title}" for name, title in report.titles.items()) + "."
    yield from sorted({f"{row.framework} has none: {row.reason}." for row in _absent(report)})
    yield f"Data: {report.data}. Weights: trained for a moment by Keras 3, or drawn."
    yield ""
    yield from document.summary(report)


def _absent(report: Report) -> Iterator[Row]:
    """The rows in which a framework that is there has no such cell."""
    rows = (row for result in report.results for row in result.rows)
    return (row for row in rows if row.reason and row.framework not in report.missing)


def _table(report: Report, rule: str) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = f"{TITLES[rule]} (distance/allowed, in u)"
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("case", min_width=11)
    for name in report.titles:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("planted mistake nearest to passing", min_width=14)
    table.add_column("/allowed", justify="right", no_wrap=True)
    for result in report.results:
        cells = [
            _cell(row.distances[rule])
            if rule in row.distances
            else f"[dim]{'missing' if row.framework in report.missing else 'has none'}[/]"
            for row in result.rows
        ]
        near = document.rejected(result, rule)
        mistake = (near.name, f"[green]{document.times(near.ratios[rule])}[/]") if near else ("none rejected", "")
        table.add_row(result.case.name, *cells, *mistake)
    return table


def _cell(d: Distance) -> str:
    colour = "green" if d.passed else "bold red"
    mark, digits = "" if d.passed else " ✗", 1 if d.allowed < 10 else 0
    return f"[{colour}]{d.distance:.2f}/{d.allowed:.{digits}f}{mark}[/]"
