"""The planted mistakes: which evidence rejects which, where, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from comparisons.proof.cases import Case
from comparisons.proof.measure import RULES
from comparisons.proof.run import Planted, Report
from comparisons.render import document
from comparisons.render.page.elements import Html, cell, element, heading, joined, number, row_heading, table


def mistakes(report: Report) -> Iterator[Html]:
    """What each rule rejects, what it does not see, a table of all mistakes, and one of each in every case."""
    planted = [(p, result.case) for result in report.results for p in result.planted]
    yield element("ul", (element("li", _rule(report, rule)) for rule in RULES))
    if not planted:
        return
    dtypes = list(dict.fromkeys(case.dtype for _, case in planted))
    yield table(
        "How many times the allowance each mistake measures where it is nearest to passing: by each rule alone, and by "
        "the better of the two in each precision",
        [
            heading("mistake"),
            heading("cases", class_="n"),
            *(part for rule in RULES for part in (heading(rule, class_="n"), heading("in"))),
            *(heading(dtype, class_="n") for dtype in dtypes),
        ],
        _by_mistake(planted, dtypes),
        filtered="Mistakes or cases that contain",
    )
    each = table(
        "Every mistake in every case",
        [
            heading("case"),
            heading("mistake"),
            *(heading(rule, class_="n") for rule in RULES),
            heading("rejected by"),
        ],
        ([row_heading(case.name), cell(p.name), *_ratios(p)] for p, case in planted),
        filtered="Mistakes or cases that contain",
    )
    yield element("details", element("summary", f"Every one of the {len(planted):,}, in its case"), each)


def _rule(report: Report, rule: str) -> list[Html]:
    judged = [p for result in report.results for p in result.planted if rule in p.ratios]
    seen = sum(p.ratios[rule] > 1 for p in judged)
    blind = document.unseen(report, rule)
    said = f" alone rejects {seen:,} of the {len(judged):,} that it judges"
    more = f"; in some case it does not see: {', '.join(blind)}." if blind else "."
    return [element("strong", rule), joined(said + more)]


def _by_mistake(planted: list[tuple[Planted, Case]], dtypes: Sequence[str]) -> Iterator[list[Html]]:
    groups: dict[str, list[tuple[Planted, Case]]] = {}
    for p, case in planted:
        groups.setdefault(p.name, []).append((p, case))
    least = {
        name: {d: min((p.ratio for p, case in group if case.dtype == d), default=None) for d in dtypes}
        for name, group in groups.items()
    }
    smallest = {name: min(ratio for ratio in found.values() if ratio is not None) for name, found in least.items()}
    nearest = min(smallest.values())
    for name in sorted(groups, key=lambda name: smallest[name]):
        row = [row_heading(name), number(len(groups[name]), len(groups[name]))]
        for rule in RULES:
            row += _alone([(p.ratios[rule], case.name) for p, case in groups[name] if rule in p.ratios])
        yield [*row, *(_together(ratio, ratio == nearest) for ratio in least[name].values())]


def _alone(found: list[tuple[float, str]]) -> list[Html]:
    """The smallest factor of one rule, and its case."""
    if not found:
        return [number(None, "–"), cell("")]
    ratio, case = min(found)
    return [_factor(ratio), cell(case, class_="aside")]


def _factor(ratio: float) -> Html:
    """What one rule measures; where it does not see the mistake the other one must."""
    seen = ratio > 1
    return number(
        ratio,
        document.times(ratio) if seen else f"not seen, {document.times(ratio)}",
        class_="n" if seen else "n blind",
    )


def _together(ratio: float | None, nearest: bool) -> Html:
    """What the better rule measures."""
    if ratio is None:
        return number(None, "–")
    rejected = ratio > 1
    said = element("strong", "" if rejected else "✗ ", document.times(ratio))
    return number(ratio, said, class_=f"n{' nearest' * nearest}{' past' * (not rejected)}")


def _ratios(p: Planted) -> Iterator[Html]:
    for rule in RULES:
        if rule not in p.ratios:
            yield number(None, "–")
        else:
            yield _factor(p.ratios[rule])
    by = [rule for rule in RULES if p.ratios.get(rule, 0) > 1]
    yield cell(" and ".join(by)) if by else cell(element("strong", "✗ none"), class_="past")
