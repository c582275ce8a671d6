"""The pictures of the page, as SVG whose colours are the page's: sharp at any size, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import ceil, floor, isfinite, log10
from typing import Any

from comparisons.proof.run import CaseResult, Report
from comparisons.render import document
from comparisons.render.page import numbers
from comparisons.render.page.elements import Html, element

WIDTH, HEIGHT = 340, 210
LEFT, RIGHT, TOP, BOTTOM = 34, 6, 6, 30  # around a panel's curves
SMALLEST = 1e-2  # of a distance that a logarithmic scale shows, in u
SHARES = (-3, 16)  # powers of ten between which a strip shows distances over what is allowed
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def panels(report: Report) -> Html:
    """A panel for the first case of every cell, and for each that failed: the distance of h at every step, and what is
    allowed there."""
    shadowed = [result for result in report.results if any("shadowed" in row.distances for row in result.rows)]
    cells: set[str] = set()
    chosen: list[CaseResult] = []
    for result in shadowed:
        if result.case.cell not in cells or not all(row.passed for row in result.rows):
            chosen.append(result)
        cells.add(result.case.cell)
    if not chosen:
        return element("p", "No case here shows its states over time.")
    shown = {row.framework for result in chosen for row in result.rows if "shadowed" in row.distances}
    colours = {name: f"s{k % 13}" for k, name in enumerate(report.titles)}
    keys = [
        element("li", element("span", class_=f"key {colours[name]}"), name, data_series=name)
        for name in report.titles
        if name in shown
    ]
    bound = element("li", element("span", class_="key bound"), "allowed (computed bound)")
    return Html(
        element("ul", keys, bound, class_="legend")
        + element("div", [_panel(result, colours) for result in chosen], class_="panels")
    )


def _panel(result: CaseResult, colours: Mapping[str, str]) -> Html:
    shadowed = {row.framework: row.distances["shadowed"] for row in result.rows if "shadowed" in row.distances}
    curves = {name: d.over_time for name, d in shadowed.items() if d.over_time is not None}
    right = [
        row.framework for row in result.rows if row.framework in curves and row.passed
    ]  # its states are as they should
    allowed = curves[[*right, *curves][0]][1]
    values = [v for distance, bound in curves.values() for part in (distance, bound) for v in part if isfinite(v)]
    low, high = floor(log10(SMALLEST)), max(1, ceil(log10(max([*values, 1]) * 1.2)))
    steps = max(2, len(allowed))
    across = lambda step: LEFT + step / (steps - 1) * (WIDTH - LEFT - RIGHT)
    power = lambda value: min(high, log10(max(value, SMALLEST))) if value == value else high
    up = lambda value: TOP + (high - power(value)) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def curve(values: Iterable[float]) -> str:
        """Whole numbers of tenths, each relative to the one before: short."""
        places = [(round(10 * across(k)), round(10 * up(value))) for k, value in enumerate(values)]
        moves = [f"l{x2 - x1} {y2 - y1}" for (x1, y1), (x2, y2) in pairwise(places)]
        return f"M{places[0][0]} {places[0][1]}{''.join(moves)}"

    every = max(1, ceil((high - low) / 6))
    axis: list[Html] = []
    for exponent in range(low, high + 1, every):
        y = f"{up(10.0**exponent):.1f}"
        axis += [
            element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"),
            element("text", _power(exponent), x=LEFT - 5, y=y, class_="y"),
        ]
    for step in _ticks(steps):
        axis.append(element("text", step, x=f"{across(step):.1f}", y=HEIGHT - BOTTOM + 14, class_="x"))
    axis.append(element("text", "step", x=WIDTH - RIGHT, y=HEIGHT - 3, class_="end"))
    lines = [
        element("path", d=curve(distance), class_=f"curve {colours[name]}", data_series=name)
        for name, (distance, _) in curves.items()
    ]
    past = element(
        "path",
        d=f"{curve(allowed)}V{10 * TOP}H{10 * LEFT}Z",
        class_="past-region",
    )
    bound = element("path", d=curve(allowed), class_="bound")
    drawn = element("g", past, lines, bound, transform="scale(.1)")
    svg = element("svg", axis, drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=_said(result, curves))
    title = element("figcaption", element("strong", result.case.name), f", {result.case.dtype}: distance of h, in u")
    return element("figure", svg, title)


def _said(result: CaseResult, curves: Mapping[str, Any]) -> str:
    """What a panel shows, in a sentence."""
    largest, framework, step, bound = max(
        (float(d), name, step, float(allowed[step]))
        for name, (distance, allowed) in curves.items()
        for step, d in enumerate(distance)
    )
    past = [row.framework for row in result.rows if row.framework in curves and not row.distances["shadowed"].passed]
    verdict = f"past a bound: {', '.join(past)}" if past else "nobody is past a bound"
    count = len(next(iter(curves.values()))[0])
    return (
        f"{result.case.name}: the distance of h from the oracle at each of {count} steps, {len(curves)} frameworks; "
        f"the largest is {numbers.distance(largest)} u, of {framework} at step {step}, where "
        f"{numbers.distance(bound)} u are allowed; {verdict}."
    )


def strip(result: CaseResult) -> Html:
    """One line of marks: every framework's distances, and every planted mistake's, over what is allowed."""
    shares = [d.ratio for row in result.rows for d in row.distances.values()]
    mistakes = [planted.ratio for planted in result.planted]
    marks = [
        element("line", x1=_at(1), x2=_at(1), y1=0, y2="100%", class_="bound"),
        element("g", _marks(mistakes), class_="mistakes"),
        element("g", _marks(share for share in shares if share <= 1), class_="within"),
        element("g", _marks(share for share in shares if not share <= 1), class_="past"),
    ]
    said = f"frameworks {_span(shares)} what is allowed" if shares else "nobody"
    if mistakes:
        marks.append(element("circle", cx=_at(min(mistakes)), cy="50%", r=4, class_="nearest"))
        said += f"; {len(mistakes)} planted mistakes {_span(mistakes)}"
    return element("svg", marks, class_="strip", role="img", aria_label=f"{result.case.name}: {said}.")


def _span(ratios: Sequence[float]) -> str:
    return f"from {document.times(min(ratios))} to {document.times(max(ratios))}"


def scale() -> Html:
    """The scale of the strips, for the head of their column."""
    ticks = [(e, "allowed" if e == 0 else _power(e)) for e in range(SHARES[0], SHARES[1] + 1, 3)]
    texts = [element("text", text, x=_at(10.0**e), y=12, class_="bound" if e == 0 else None) for e, text in ticks]
    return element("svg", texts, class_="strip scale", aria_hidden="true")


def _marks(values: Iterable[float]) -> list[Html]:
    places = sorted({_at(value) for value in values})  # equal places are one mark
    return [element("line", x1=x, x2=x, y1=4, y2=20) for x in places]


def _at(ratio: float) -> str:
    low, high = SHARES
    power = high if not ratio < 10.0**high else max(low, log10(max(ratio, 10.0**low)))
    return f"{4 + 92 * (power - low) / (high - low):.1f}%"


def _power(exponent: int) -> str:
    return "1" if exponent == 0 else f"10{str(exponent).translate(SUPERSCRIPT)}" if exponent != 1 else "10"


def _ticks(steps: int) -> Sequence[int]:
    """Round steps from 0, five or so."""
    for every in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**4, 10**5, 10**6):
        if steps / every <= 7:
            return range(0, steps, every)
    return (0,)
