"""`gateproof check`: somebody's own implementation, graded against the oracle; or a folder of them."""

from __future__ import annotations

import math
from argparse import Namespace
from typing import Any

from comparisons.cli import FAILED, Answer, Stop

SCHEMA_VERSION = 1
LONGEST = 10**6  # seconds: more than any program is waited for


def answer(args: Namespace) -> Answer:
    """Grade what the arguments name. Raises Stop for a cell, an option or an implementation that is none."""
    from comparisons.commands import reports, sources
    from comparisons.grading import cases, catches, grade, implementations

    try:
        cell = cases.cell(args.cell, **sources.options(args.option))
        found, others = implementations.given(args.implementations, args.exec, "sequence" if args.sequence else "step")
    except ValueError as error:
        raise Stop(str(error)) from None
    graded = cases.cases(cell)
    with reports.progress() as progress:
        grades = list(grade.grade_all(found, graded, seconds=min(args.seconds, LONGEST), progress=progress))
    planted, unseen = catches.planted(graded)
    data: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "command": "check",
        "cell": cell.name,
        "options": dict(cell.given),
        "cases": len(graded),
        "cases_version": cases.VERSION,
        "planted": planted,
        "unseen": unseen,
        "implementations": [_implementation(one) for one in grades],
        "passed_over": others,
        "passed": all(one.passed for one in grades),
    }
    from comparisons.render import grading

    return Answer(data, lambda: grading.report(data), 0 if data["passed"] else FAILED)


def _implementation(grade: Any) -> dict[str, Any]:
    from comparisons.grading import protocol

    rows = [
        {
            "name": a.case.name,
            **protocol.sizes(a.case),
            "passed": grade.case_passed(a),
            **_judged(grade.judged(a), grade.departure(a)),
            "error": a.error or None,
        }
        for a in grade.answered
    ]
    return {
        "name": grade.implementation.name,
        "passed": grade.passed,
        "precision": grade.precision if grade.answered else None,
        "problem": grade.problem or None,
        "notes": list(grade.notes),
        "cases": rows,
        "diagnosis": _diagnosis(grade.diagnosis),
    }


def _judged(judged: Any, d: Any) -> dict[str, Any]:
    if judged is None:
        return {"distance_u": None, "allowed_u": None, "share": None, "departure": None}
    departure = d and {
        "step": d.step,
        "field": d.field,
        "row": d.row,
        "unit": d.unit,
        "got": _number(d.got),
        "expected": _number(d.expected),
        "distance_u": _number(d.distance),
        "allowed_u": _number(d.allowed),
    }
    numbers = {"distance_u": judged.distance, "allowed_u": judged.allowed, "share": judged.ratio}
    return {**{name: _number(value) for name, value in numbers.items()}, "departure": departure}


def _diagnosis(found: Any) -> dict[str, Any] | None:
    if found is None:
        return None
    explained = found.verdict != "none"
    explanations = [
        {"said": [d.said for d in e.differences], "yours": [d.yours for d in e.differences]}
        for e in found.explanations
        if explained and e.differences
    ]
    return {"verdict": found.verdict, "explanations": explanations}


def _number(value: float) -> float | None:
    """What JSON has a number for."""
    return value if math.isfinite(value) else None
