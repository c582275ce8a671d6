"""What a conversion of weights from each framework to each promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from comparisons.render.page.elements import Html, cell, element, heading, number, row_heading, table
from reference.conventions.verdicts import BIT_EXACT, IMPOSSIBLE, ONE_WAY, REAL, Verdict

ABSENT = "nothing of the kind"
SIGNS = {  # `gateproof convert --matrix` prints the same
    BIT_EXACT: ("=", "w1"),
    REAL: ("~", "w2"),
    ONE_WAY: (">", "w4"),
    IMPOSSIBLE: ("x", "past"),
    ABSENT: ("-", "none"),
}


def conversions(verdicts: Sequence[Verdict]) -> Iterator[Html]:
    """How many of each kind, a table from × to for every form, and each with its reason."""
    yield element(
        "p",
        "From the framework of the row to that of the column, found by running each: ",
        [element("span", f"{sign} {kind}", class_=f"shade {class_}") for kind, (sign, class_) in SIGNS.items()],
        class_="shades",
    )
    yield element(
        "p",
        f"Proved on rationals, with no tolerance: {sum(v.proved for v in verdicts):,} of {len(verdicts):,}. ",
        "What is exact in real arithmetic keeps outputs, not training. Forms of the cells compared here; all of them: ",
        element("code", "gateproof convert --matrix"),
        ".",
    )
    forms: dict[str, list[Verdict]] = {}
    for v in verdicts:
        forms.setdefault(v.form, []).append(v)
    yield table(
        "Conversions of each kind, by form",
        [heading("form"), heading("sources", class_="n"), *(heading(kind, class_="n") for kind in SIGNS)],
        (_counts(form, found) for form, found in forms.items()),
        label="Conversions by form",
    )
    alone: dict[str, list[Verdict]] = {}  # forms that one framework has
    for form, found in forms.items():
        sources = {v.source for v in found}
        if len(sources) == 1:
            alone.setdefault(sources.pop(), []).extend(found)
        else:
            yield _folded(form, _matrix(form, "from", [(v.source, v) for v in found]))
    for source, found in alone.items():
        yield _folded(f"from {source} alone", _matrix(f"forms of {source} alone", "form", [(v.form, v) for v in found]))
    each = table(
        "Every conversion, what it changes, or why there is none",
        [
            *(heading(name) for name in ("form", "from", "to", "promise", "what changes, or why not")),
            heading("distance", class_="n"),
        ],
        map(_each, verdicts),
        filtered="Conversions that contain",
    )
    yield element("details", element("summary", f"Every one of the {len(verdicts):,}, with its reason"), each)


def kind(v: Verdict) -> str:
    """The verdict's kind, and whether there is anything to convert to."""
    return ABSENT if v.absent else v.kind


def _folded(summary: str, content: Html) -> Html:
    return element("details", element("summary", summary), content)


def _counts(form: str, found: list[Verdict]) -> list[Html]:
    counts = {name: sum(kind(v) == name for v in found) for name in SIGNS}
    sources = len({v.source for v in found})
    return [row_heading(form), number(sources, sources), *(number(n, n or "·") for n in counts.values())]


def _matrix(title: str, corner: str, found: list[tuple[str, Verdict]]) -> Html:
    targets = list(dict.fromkeys(v.target for _, v in found))
    rows: dict[str, dict[str, Verdict]] = {}
    for name, v in found:
        rows.setdefault(name, {})[v.target] = v
    return table(
        f"{title}: from the framework of the row to that of the column",
        [heading(corner), *(heading(target) for target in targets)],
        ([row_heading(name), *(_sign(row[target]) for target in targets)] for name, row in rows.items()),
        label=f"Conversions: {title}",
        class_="matrix",
    )


def _sign(v: Verdict) -> Html:
    sign, class_ = SIGNS[kind(v)]
    said = element("span", f" {kind(v)}", class_="unseen")
    return cell(
        element("span", sign, aria_hidden="true"), said, class_=f"sign {class_}", title=f"{v.source} to {v.target}: {v}"
    )


def _each(v: Verdict) -> list[Html]:
    sign, class_ = SIGNS[kind(v)]
    why = "; ".join(f"{change.name}: {change.why}" for change in v.changes) or v.reason
    return [
        row_heading(v.form),
        cell(v.source),
        cell(v.target),
        cell(f"{sign} {kind(v)}", class_=class_),
        cell(why),
        number(v.distance, "–" if v.distance is None else f"{v.distance:.2g}"),
    ]
