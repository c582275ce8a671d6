"""The grades of implementations, in words and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MANY = 3  # explanations that are told, at most


def report(data: Mapping[str, Any]) -> Iterator[Any]:
    """One implementation in full, or a row for each of them; then what the cases would have caught."""
    rows, cell = data["implementations"], _cell(data)
    if len(rows) == 1 and not data["passed_over"]:
        yield from _one(rows[0], cell, data["cases"])
    else:
        yield _table(rows, data["cases"])
        yield f"As {cell}: {sum(row['passed'] for row in rows)} of {len(rows)} passed."
        if data["passed_over"]:
            yield f"Passed over, for they are no .py, .js or executable files: {', '.join(data['passed_over'])}."
    planted, unseen = len(data["planted"]), data["unseen"]
    if unseen:
        yield f"Of {planted} planted mistakes these cases do not see {', '.join(unseen)}."
    else:
        yield f"Each of {planted} planted mistakes fails one of these cases."


def _cell(data: Mapping[str, Any]) -> str:
    return data["cell"] + "".join(f", {name}={value}" for name, value in data["options"].items())


def _one(row: Mapping[str, Any], cell: str, of: int) -> Iterator[Any]:
    cases, failed = row["cases"], [case for case in row["cases"] if not case["passed"]]
    if row["passed"]:
        yield f"{row['name']}, {cell}: passed {of} cases in {row['precision']}, {_within(cases)}."
    else:
        problem = f": {row['problem']}" if row["problem"] else ""
        yield f"{row['name']}, {cell}: failed, with {len(cases) - len(failed)} of {of} cases passed{problem}."
    for words in said(row["diagnosis"]):
        yield _sentence(words)
    if failed:
        yield f"First departure: {_departure(failed[0])}."
        yield ""
        yield _cases(cases)
        yield ""
    for note in row["notes"]:
        yield f"Note: {note}."


def said(diagnosis: Mapping[str, Any] | None) -> list[str]:
    """The diagnosis to whoever wrote the implementation, a sentence an entry, without full stops."""
    if diagnosis is None:
        return []
    ways = [" and ".join(explanation["yours"]) for explanation in diagnosis["explanations"][:MANY]]
    if not ways:
        return ["no mistake or other convention that is known explains all of it"]
    if len(ways) == 1:
        return ways
    return ["one of these, which these numbers do not tell apart: " + "; or ".join(ways)]


def why(row: Mapping[str, Any]) -> str:
    """Why an implementation failed, in a few words; what is to be noted of one that passed."""
    if row["passed"]:
        return "; ".join(row["notes"])
    failed = [case for case in row["cases"] if not case["passed"]]
    words = said(row["diagnosis"]) + ([row["problem"]] if row["problem"] else [])
    return "; ".join([*(words or map(_departure, failed[:1])), *row["notes"]])


def _departure(case: Mapping[str, Any]) -> str:
    """Where a failed case departs."""
    if case["error"]:
        return f'"{case["name"]}": {case["error"]}'
    d = case["departure"]
    place = f'"{case["name"]}", step {d["step"]}, row {d["row"]}, unit {d["unit"]} (counted from 0): {d["field"]}'
    if d["got"] is None or d["distance_u"] is None or d["allowed_u"] is None:
        return f"{place} is no finite number"
    numbers = f"{d['got']:.6g} and should be {d['expected']:.6g}"
    return f"{place} is {numbers}, {d['distance_u']:.3g} u away (bound {d['allowed_u']:.3g} u)"


def _within(cases: Sequence[Mapping[str, Any]]) -> str:
    worst = max(cases, key=lambda case: case["share"])
    return f"within {worst['distance_u']:.2f} u (bound {worst['allowed_u']:.1f} u)"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _cases(cases: Sequence[Mapping[str, Any]]) -> Any:
    table = columns("case", "batch", "time", "inputs", "units", "distance", "bound", "")
    for case in cases:
        sizes = (str(case[name]) for name in ("batch", "time", "inputs", "units"))
        table.add_row(case["name"], *sizes, *_measured(case), "passed" if case["passed"] else "failed")
    return table


def _table(rows: Sequence[Mapping[str, Any]], of: int) -> Any:
    from rich.text import Text

    table = columns("implementation", "", "cases", "precision", "distance", "bound", "why")
    for row in rows:
        cases = row["cases"]
        passed = sum(case["passed"] for case in cases)
        worst = max(cases, key=lambda case: float("inf") if case["share"] is None else case["share"], default=None)
        verdict = Text("passed", "green") if row["passed"] else Text("failed", "bold red")
        count = f"{passed} of {of}" if cases else ""
        precision = row["precision"] if row["passed"] else ""
        table.add_row(Text(row["name"]), verdict, count, precision, *_measured(worst), Text(why(row)))
    return table


def _measured(case: Mapping[str, Any] | None) -> tuple[str, str]:
    if case is None or case["error"]:
        return "", ""
    shown = lambda value: "far" if value is None else f"{value:.2f} u" if value < 1000 else f"{value:.1e} u"
    return shown(case["distance_u"]), shown(case["allowed_u"])


def columns(*names: str) -> Any:
    """A table of these columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in names:
        table.add_column(name)
    return table
