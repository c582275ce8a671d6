"""The report as data (JSON) and as text (Markdown)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from comparisons.proof.measure import RULES, Distance
from comparisons.proof.run import CaseResult, Planted, Report, Row

SCHEMA_VERSION = 2
JSON = str | int | float | bool | None

EXPLAINED = {
    "shadowed": "the oracle restarts at every step from the implementation's own state, h and c; every element, of a "
    "wrapped cell the output as well, is held to the computed bound of that step (mode: layer, inside the framework's "
    "own time loop, in the Keras family; elsewhere step-wise, the state handed on)",
    "end to end": "the largest error of the outputs and of the last state over the whole run, at most 8 times that of "
    "the NumPy reference in the same precision, or of 1 u; the 8 is empirical; layers on one another and in two "
    "directions are held to this rule alone",
}


def data(report: Report) -> dict[str, Any]:
    """Everything, for `report.json`; an infinite number is null."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "compare",
        "passed": report.passed,
        "seed": report.seed,
        "data": report.data,
        "versions": report.versions,
        "machine": report.machine,
        "frameworks": [{"name": name, "title": title} for name, title in report.titles.items()],
        "missing": report.missing,
        "rules": EXPLAINED,
        "cases": [_case(result) for result in report.results],
    }


def _case(result: CaseResult) -> dict[str, Any]:
    case = asdict(result.case)
    return {
        **case,
        "options": {name: value if isinstance(value, JSON) else str(value) for name, value in case["options"].items()},
        "shape": result.shape,
        "passed": result.passed,
        "rows": [_row(row) for row in result.rows],
        "planted": [
            {"mistake": planted.name, "ratios": {rule: finite(r) for rule, r in planted.ratios.items()}}
            for planted in sorted(result.planted, key=lambda planted: planted.ratio)
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    checks = {rule: _distance(distance) for rule, distance in row.distances.items()}
    return {"framework": row.framework, "passed": row.passed, "reason": row.reason, "checks": checks}


def _distance(d: Distance) -> dict[str, Any]:
    numbers = {"distance_u": d.distance, "allowed_u": d.allowed, "ratio": d.ratio}
    first = d.first and {
        "at": asdict(d.first.at),
        "distance_u": finite(d.first.distance),
        "allowed_u": finite(d.first.allowed),
    }
    found = {name: finite(value) for name, value in numbers.items()}
    return {**found, "at": asdict(d.at), "passed": d.passed, "first_past": first}


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def nearest(result: CaseResult) -> Planted:
    """The mistake nearest to passing, or a line that says that none was planted."""
    return result.nearest if result.planted else Planted("none planted", {"": 0.0})


def unseen(report: Report, rule: str) -> list[str]:
    """The mistakes that this rule passes in some case where the other rejects them."""
    of = (p for result in report.results for p in result.planted if rule in p.ratios and len(p.ratios) > 1)
    return sorted({p.name for p in of if not p.ratios[rule] > 1})


def summary(report: Report) -> list[str]:
    """The result in a few sentences."""
    measured = [
        (distance.ratio, row.framework, result.case.name, rule)
        for result in report.results
        for row in result.rows
        for rule, distance in row.distances.items()
    ]
    lines = []
    if measured:
        ratio, framework, case, rule = max(measured)
        past = sum(not share <= 1 for share, *_ in measured)
        verdict = f"{past} of them PAST what is allowed" if past else "every one within what is allowed"
        lines.append(
            f"{len(measured)} distances, {verdict}; the largest share of its allowance is {ratio:.2g} "
            f"({framework}, {case}, {rule})."
        )
    planted = [(result.nearest, result.case) for result in report.results]
    nearest, case = min(planted, key=lambda pair: pair[0].ratio)
    count = sum(len(result.planted) for result in report.results)
    passed = sum(not planted.ratio > 1 for result in report.results for planted in result.planted)
    verdict = f"{passed} of them NOT REJECTED" if passed else "every one rejected"
    lines.append(
        f'{count} planted mistakes, {verdict}; the nearest to passing, "{nearest.name}" in "{case.name}", lies at '
        f"{times(nearest.ratio)} what is allowed."
    )
    by_dtype: dict[str, float] = {}
    for found, of in planted:
        by_dtype[of.dtype] = min(by_dtype.get(of.dtype, math.inf), found.ratio)
    lines.append("Smallest mistake over allowed: " + ", ".join(f"{d} {times(r)}" for d, r in by_dtype.items()) + ".")
    lines += [f"{report.titles[name]}: {reason}." for name, reason in report.missing.items()]
    return lines


def times(ratio: float) -> str:
    """A factor for reading: 2.5×, 21,600×, 2e+14×."""
    if not math.isfinite(ratio):
        return "∞ ×"
    return f"{ratio:.2g}×" if ratio < 100 or ratio >= 1e7 else f"{ratio:,.0f}×"


def markdown(report: Report, pictures: list[str]) -> str:
    """`report.md`: the summary, the pictures, every distance with its place, every case's mistakes."""
    return "\n".join(_markdown(report, pictures)) + "\n"


def _markdown(report: Report, pictures: list[str]) -> Iterator[str]:
    yield "# gateproof compare"
    yield ""
    yield from summary(report)
    yield ""
    yield f"Data: {report.data}. Seed {report.seed}. " + ", ".join(f"{k} {v}" for k, v in report.machine.items()) + "."
    yield (
        "Versions: " + ", ".join(f"{name} {value or 'not installed'}" for name, value in report.versions.items()) + "."
    )
    yield ""
    yield from (f"![{name}]({name}.png)" for name in pictures)
    yield ""
    yield "## Distances"
    yield ""
    yield "In u, half a unit in the last place at 1 (2⁻²⁴ in float32, 2⁻⁵³ in float64, 2⁻¹¹ in float16)."
    yield from (f"- *{rule}*: {text}." for rule, text in EXPLAINED.items())
    yield ""
    yield "A place is (sequence, step in processing order, field, unit); share is the largest part of its own allowance"
    yield "that any element takes."
    yield ""
    yield "| case | framework | rule | distance | at | allowed | share | |"
    yield "|---|---|---|---:|---|---:|---:|---|"
    for result in report.results:
        for row in result.rows:
            name = f"| {result.case.name} | {row.framework} |"
            if row.reason:
                yield f"{name} | | | | | {row.reason} |"
            for rule, d in row.distances.items():
                at = f"({d.at.batch}, {d.at.step}, {d.at.field}, {d.at.unit})"
                verdict = "within" if d.passed else "**past**"
                yield f"{name} {rule} | {d.distance:.2f} u | {at} | {d.allowed:.1f} u | {d.ratio:.2f} | {verdict} |"
    yield ""
    yield "## Planted mistakes"
    yield ""
    yield "How many times the allowance each rule measures; a mistake is rejected above 1 by either rule."
    yield ""
    yield "| case | mistakes | nearest to passing | " + " | ".join(RULES) + " |"
    yield "|---|---:|---|" + "---:|" * len(RULES)
    for result in report.results:
        near, count = result.nearest, len(result.planted)
        ratios = " | ".join(times(near.ratios[rule]) if rule in near.ratios else "" for rule in RULES)
        yield f"| {result.case.name} | {count} | {near.name} | {ratios} |"
    for rule in RULES:
        if blind := unseen(report, rule):
            yield ""
            yield f"*{rule}* alone cannot see, in some case: {', '.join(blind)}."
