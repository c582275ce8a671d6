"""Every distance against its bound: by cell, by case, and each case in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from comparisons.proof.measure import Distance
from comparisons.proof.run import CaseResult, Report, Row
from comparisons.render import document
from comparisons.render.page import numbers, pictures
from comparisons.render.page.elements import Html, cell, element, heading, number, row_heading, table
from comparisons.render.page.numbers import several, shade, share


def distances(report: Report) -> list[Html]:
    """Cells and frameworks, then cases and frameworks."""
    return [legend(), by_cell(report), element("h3", "Case by case"), by_case(report)]


def by_cell(report: Report) -> Html:
    """A row a cell: the largest share that each framework takes in any of its cases."""
    groups: dict[str, list[Row]] = {}
    cases: dict[str, int] = {}
    for result in report.results:
        groups.setdefault(result.case.cell, []).extend(result.rows)
        cases[result.case.cell] = cases.get(result.case.cell, 0) + 1
    rows = (
        [row_heading(name), number(cases[name], cases[name]), *_shares(report, rows)] for name, rows in groups.items()
    )
    return table(
        "The largest share of its allowance that each framework takes in a case of each cell",
        [heading("cell"), heading("cases", class_="n"), *_frameworks(report)],
        rows,
        label="Cells and frameworks",
        class_="matrix",
    )


def by_case(report: Report) -> Html:
    """A row a case."""
    rows = ([row_heading(_link(k, result)), *_shares(report, result.rows)] for k, result in enumerate(report.results))
    return table(
        "The largest share of its allowance that each framework takes in each case",
        [heading("case"), *_frameworks(report)],
        rows,
        filtered="Cases that contain",
        class_="matrix",
    )


def _frameworks(report: Report) -> list[Html]:
    return [
        heading(_breakable(name), element("small", "missing") if name in report.missing else None, class_="n")
        for name in report.titles
    ]


def _breakable(name: str) -> list[Any]:
    """A name that may go on in a new line behind its underscores."""
    first, *others = name.split("_")
    return [first, *(part for other in others for part in ("_", element("wbr"), other))]


def _shares(report: Report, rows: Sequence[Row]) -> Iterator[Html]:
    for name in report.titles:
        found = [(d, rule) for row in rows if row.framework == name for rule, d in row.distances.items()]
        if found:
            distance, rule = max(found, key=lambda pair: pair[0].ratio)
            places = f"{numbers.distance(distance.distance)} u, allowed there {numbers.distance(distance.allowed)} u"
            said = f"{rule}: largest distance {places}; largest share {share(distance.ratio)}"
            yield number(distance.ratio, _marked(distance), class_=f"n {shade(distance.ratio)}", title=said)
        else:
            reasons = sorted({row.reason for row in rows if row.framework == name and row.reason})
            yield number(None, "–", class_="n none", title="; ".join(reasons[:3]) or None)


def _marked(distance: Distance) -> Any:
    return share(distance.ratio) if distance.passed else element("strong", "✗ ", share(distance.ratio))


def legend() -> Html:
    """What the colours of the shares mean."""
    said = {"w1": "up to 0.1", "w2": "0.3", "w3": "0.6", "w4": "1, the bound", "past": "✗ past it"}
    return element(
        "p",
        "Share of the allowance: ",
        [element("span", text, class_=f"shade {name}") for name, text in said.items()],
        element("span", "– no such cell, or missing", class_="shade none"),
        class_="shades",
    )


def strips(report: Report) -> Html:
    """A row a case: who takes the largest share, the mistake nearest to passing, and everything in between."""
    rows = ([row_heading(_link(k, result)), *_strip(result)] for k, result in enumerate(report.results))
    return table(
        "Every distance of every framework, and of every planted mistake, over what is allowed",
        [
            heading("case"),
            heading(
                pictures.scale(), element("span", "distances over what is allowed", class_="unseen"), class_="still"
            ),
            heading("largest share", class_="n"),
            heading("of"),
            heading("nearest mistake", class_="n"),
            heading("which"),
            heading("planted", class_="n"),
        ],
        rows,
        filtered="Cases that contain",
        class_="strips",
    )


def _strip(result: CaseResult) -> Iterator[Html]:
    yield cell(pictures.strip(result), class_="drawn")
    found = [(d, row.framework) for row in result.rows for d in row.distances.values()]
    if found:
        distance, framework = max(found, key=lambda pair: pair[0].ratio)
        yield number(distance.ratio, _marked(distance), class_=f"n {shade(distance.ratio)}")
        yield cell(framework)
    else:
        yield number(None, "–")
        yield cell("")
    near = document.nearest(result)
    rejected = near.ratio > 1
    said = element("strong", "" if rejected else "✗ ", document.times(near.ratio))
    yield number(near.ratio, said, class_="n" if rejected else "n past")
    yield cell(near.name)
    yield number(len(result.planted), len(result.planted))


def _link(k: int, result: CaseResult) -> Html:
    return element("a", result.case.name, href=f"#case-{k}")


def cases(report: Report) -> Iterator[Html]:
    """Every case in full, folded; those that failed open."""
    for k, result in enumerate(report.results):
        near = document.nearest(result)
        shares = [d.ratio for row in result.rows for d in row.distances.values()]
        passed = result.passed
        said = f"largest share {share(max(shares))}" if shares else "nobody has it"
        yield element(
            "details",
            element(
                "summary",
                element("strong", result.case.name),
                " ",
                element("span", "✓ passed" if passed else "✗ failed", class_="badge" if passed else "badge failed"),
                " ",
                element("span", f"{said}, nearest mistake {document.times(near.ratio)}", class_="aside"),
            ),
            element("div", _case(result), id=f"case-{k}"),
            open=not passed,
        )


def _case(result: CaseResult) -> Iterator[Html]:
    case, (B, T, X) = result.case, result.shape
    options = {name: getattr(value, "name", value) for name, value in case.options.items()}
    settings = {
        **options,
        **{name: True for name in ("mask", "go_backwards", "stateful", "bidirectional") if getattr(case, name)},
        **({"layers": case.layers} if case.layers > 1 else {}),
        **case.wrapper,
    }
    given = "".join(f", {name} = {value}" for name, value in settings.items())
    inputs = {"series": "the data", "sentence": "a sentence, one-hot", "drawn": "a draw"}[case.inputs]
    near = document.nearest(result)
    yield element(
        "p",
        f"{case.cell}, {case.units} units, {case.dtype}, {case.weights} weights{given}. ",
        f"Input: {inputs}, {several(B, 'sequence')} of {several(T, 'step')} with {several(X, 'input')}. ",
        f"{several(len(result.planted), 'planted mistake')}; the nearest to passing, {near.name}, lies at ",
        f"{document.times(near.ratio)} what is allowed.",
    )
    numeric = ("distance, u", "step", "unit", "sequence", "allowed, u", "share")
    names = ("framework", "rule", "distance, u", "step", "field", "unit", "sequence", "allowed, u", "share")
    yield table(
        "The largest distance under each rule, where it is, and what is allowed there",
        [heading(name, class_="n" if name in numeric else None) for name in names],
        (_distance(row.framework, rule, d) for row in result.rows for rule, d in row.distances.items()),
        label=f"Distances of {case.name}",
    )
    reasons: dict[str, list[str]] = {}
    for row in result.rows:
        if row.reason:
            reasons.setdefault(row.reason, []).append(row.framework)
    if reasons:
        yield element("p", "Not compared:")
        said = (f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
        yield element("ul", (element("li", line) for line in said), class_="reasons")


def _distance(framework: str, rule: str, d: Distance) -> list[Html]:
    at = d.at
    return [
        row_heading(framework),
        cell(rule),
        number(d.distance, numbers.distance(d.distance)),
        number(at.step, "" if at.field.startswith("last ") else at.step),
        cell(at.field),
        number(at.unit, at.unit),
        number(at.batch, at.batch),
        number(d.allowed, numbers.distance(d.allowed)),
        number(d.ratio, _marked(d), class_=f"n {shade(d.ratio)}"),
    ]
