"""The page's beginning: the verdict, what was compared, and what failed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from comparisons.proof.measure import RULES, Divergence
from comparisons.proof.run import CaseResult, Report
from comparisons.render import document
from comparisons.render.page import numbers
from comparisons.render.page.elements import Html, cell, element, heading, number, row_heading, table


def verdict(report: Report) -> Html:
    """What one sees first: passed or failed, and by how much."""
    failed, of = sum(not result.passed for result in report.results), len(report.results)
    word, said = "Passed", f"{of} of {of} cases within their bounds, every planted mistake rejected"
    if failed:
        word, said = "Failed", f"{failed} of {of} cases past a bound, or with a mistake that no rule rejects"
    return element(
        "header",
        element("p", "gateproof compare", class_="brand"),
        element("h1", element("span", "✗ " if failed else "✓ ", aria_hidden="true"), f"{word}: {said}"),
        element("ul", _tiles(report), class_="tiles"),
        element("ul", (element("li", line) for line in _missing(report)), class_="missing") if report.missing else None,
        class_="verdict failed" if failed else "verdict passed",
    )


def _tiles(report: Report) -> Iterator[Html]:
    """The four numbers, each with its place or its verdict."""
    distances = [
        (d.ratio, f"{row.framework}, {result.case.name}, {rule}", d.passed)
        for result in report.results
        for row in result.rows
        for rule, d in row.distances.items()
    ]
    planted = [(p.ratio, f"{p.name}, in {result.case.name}") for result in report.results for p in result.planted]
    past = sum(not passed for *_, passed in distances)
    passing = sum(not ratio > 1 for ratio, _ in planted)
    share, where, _ = max(distances, default=(0.0, "nobody", True))
    nearest, mistake = min(planted, default=(0.0, "none planted"))
    yield _tile(
        f"{len(distances):,}",
        "distances",
        f"{past:,} past what is allowed" if past else "all within what is allowed",
        past,
    )
    yield _tile(numbers.share(share), "largest share of an allowance", where, past)
    yield _tile(
        f"{len(planted):,}", "planted mistakes", f"{passing:,} not rejected" if passing else "all rejected", passing
    )
    yield _tile(document.times(nearest), "nearest mistake, over what is allowed", mistake, passing)


def _tile(value: str, name: str, note: str, bad: int) -> Html:
    return element(
        "li",
        element("strong", value),
        element("span", name),
        element("em", note),
        class_="bad" if bad else None,
    )


def _missing(report: Report) -> list[str]:
    return [f"{report.titles[name]}: {reason}" for name, reason in report.missing.items()]


def failures(report: Report, source: str | None) -> Iterator[Html]:
    """Every failed case: where each framework first diverges, which mistakes pass, and how to run it again."""
    for k, result in enumerate(report.results):
        if not result.passed:
            yield element(
                "article",
                element("h3", element("a", result.case.name, href=f"#case-{k}")),
                _divergences(result),
                _unrejected(result),
                element("p", "Run this case again:"),
                element("pre", element("code", _words(again(report, result, source)))),
                class_="failure",
            )


def _divergences(result: CaseResult) -> Html | None:
    rows = [
        (row_heading(row.framework), cell(rule), *_place(d.first, result.shape[1]), *_far(d.first))
        for row in result.rows
        for rule, d in row.distances.items()
        if d.first
    ]
    if not rows:
        return None
    numeric = ("step", "unit", "sequence", "distance, u", "allowed, u", "times allowed")
    names = ("framework", "rule", "step", "field", "unit", "sequence", "distance, u", "allowed, u", "times allowed")
    return table(
        f"First divergence of each framework that is past its bound, of {result.shape[1]} steps from 0",
        [heading(name, class_="n" if name in numeric else None) for name in names],
        rows,
        label=f"First divergences of {result.case.name}",
    )


def _place(first: Divergence, steps: int) -> Sequence[Html]:
    at, ended = first.at, first.at.field.startswith("last ")
    step = steps - 1 if ended else at.step
    return number(step, step), cell(at.field), number(at.unit, at.unit), number(at.batch, at.batch)


def _far(first: Divergence) -> Sequence[Html]:
    ratio = first.distance / first.allowed if first.allowed else float("inf")
    return (
        number(first.distance, numbers.distance(first.distance)),
        number(first.allowed, numbers.distance(first.allowed)),
        number(ratio, element("strong", "✗ ", document.times(ratio)), class_="n past"),
    )


def _unrejected(result: CaseResult) -> Html | None:
    passing = [planted for planted in result.planted if not planted.ratio > 1]
    if not passing:
        return None
    said = (f"{planted.name} ({document.times(planted.ratio)} what is allowed)" for planted in passing)
    return element("p", element("strong", "✗ Planted mistakes that no rule rejects: ", class_="past"), "; ".join(said))


def again(report: Report, result: CaseResult, source: str | None) -> list[str]:
    """The command that runs one case again, on the frameworks that failed; beside this report, not over it."""
    failed = [row.framework for row in result.rows if not row.passed] or ["reference"]
    data = ["--data", source] if source is not None else []
    words = ["gateproof", "compare", "--case", result.case.name, "--frameworks", *failed, *data]
    return [*words, "--seed", str(report.seed), "--out", "again"]


def _words(command: Sequence[str]) -> list[Any]:
    """A command that breaks only between its words."""
    first, *others = (element("span", shlex.quote(word)) for word in command)
    return [first, *(part for other in others for part in (" ", other))]


def compared(report: Report) -> Iterator[Html]:
    """What was compared: cells, frameworks, data, machine, versions, and what is missing."""
    cells = list(dict.fromkeys(result.case.cell for result in report.results))
    dtypes = list(dict.fromkeys(result.case.dtype for result in report.results))
    facts = {
        "Cells": f"{', '.join(cells)} ({numbers.several(len(report.results), 'case')})",
        "Precision": ", ".join(dtypes),
        "Data": report.data,
        "Weights": "trained for a moment by Keras 3, or drawn",
        "Seed": report.seed,
        "Machine": ", ".join(f"{name} {value}" for name, value in report.machine.items()),
    }
    yield _list(facts.items(), "facts")
    yield element("h3", "Frameworks")
    yield _list(
        (
            (name, [title, element("strong", f" – {report.missing[name]}", class_="missing")])
            if name in report.missing
            else (name, title)
            for name, title in report.titles.items()
        ),
        "facts two",
    )
    yield element("h3", "Versions")
    yield element(
        "ul",
        (
            element("li", element("b", name), " ", version or "not installed")
            for name, version in report.versions.items()
        ),
        class_="chips",
    )


def rules() -> Iterator[Html]:
    """How it was measured."""
    yield _list(((rule, document.EXPLAINED[rule]) for rule in RULES), "facts")
    yield element(
        "p",
        "Distances are in u, half a unit in the last place at 1: 2⁻²⁴ in float32, 2⁻⁵³ in float64, 2⁻¹¹ in float16. A "
        "share is the largest part of its own allowance that any element takes: up to 1 is within the bound. Steps are "
        "counted from 0 in processing order; sequences and units from 0.",
    )


def _list(pairs: Iterable[tuple[str, Any]], class_: str) -> Html:
    return element(
        "dl", (element("div", element("dt", name), element("dd", value)) for name, value in pairs), class_=class_
    )
