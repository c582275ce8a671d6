"""`report.html` says what the report says, is well formed and safe, and its commands run what they say."""

import re
import shlex
import tomllib
from base64 import b64encode
from dataclasses import replace
from fnmatch import fnmatch
from hashlib import sha256
from itertools import pairwise
from math import inf, nan
from pathlib import Path

import pytest

from comparisons import cli
from comparisons.commands import convert
from comparisons.proof import measure
from comparisons.proof.run import Planted, Row
from comparisons.render import document
from comparisons.render.page import conversions, elements, page

ROOT = Path(__file__).parents[3]
HOSTILE = "<script>alert(1)</script>&quot;'\".csv"


@pytest.fixture(params=["passed_page", "failed_page"])
def source(request):
    return request.getfixturevalue(request.param)


def test_well_formed(read, source):
    """Every element is closed in order, ids are unique, and what points inside the page arrives."""
    attributes = [attributes for _, attributes in read(source).elements]
    ids = [a["id"] for a in attributes if "id" in a]
    assert len(ids) == len(set(ids)) > 10
    wanted = {a["href"][1:] for a in attributes if a.get("href", "").startswith("#")}
    wanted |= {a["aria-labelledby"] for a in attributes if "aria-labelledby" in a}
    assert len(wanted) > 10
    assert wanted <= set(ids)


def test_headings_in_order(read, source):
    levels = [int(name[1]) for name, _ in read(source).elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_self_contained(read, source):
    """Nothing is fetched, and nothing runs but the page's own script and style, known by their digests."""
    found = read(source)
    names = [name for name, _ in found.elements]
    assert names.count("script") == names.count("style") == 1
    assert not {"img", "iframe", "object", "embed", "base", "form", "foreignobject", "use", "image"} & set(names)
    for name, attributes in found.elements:
        assert not [a for a in attributes if a.startswith("on") or a in ("src", "style", "srcset", "xlink:href")], name
        assert attributes.get("href", "#").startswith(("#", "data:image/svg+xml,")), attributes
    assert "url(" not in source
    assert "@import" not in source
    (policy,) = [a["content"] for _, a in found.elements if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    assert rules.pop("img-src") == "data:"
    digest = lambda tag: b64encode(sha256("".join(found.under(tag)).encode()).digest()).decode()
    assert rules == {f"{tag}-src": f"'sha256-{digest(tag)}'" for tag in ("script", "style")}


def test_small_enough(source):
    assert len(source.encode()) < 500_000


def test_what_a_user_names_is_text(read, failed, verdicts):
    """Wherever a text of somebody else can stand: the data's name and path, titles, reasons, versions, cases."""
    result = failed.results[1]
    rows = (Row(HOSTILE, result.rows[1].distances), Row("absent", reason=HOSTILE))
    planted = (Planted(HOSTILE, {"end to end": 0.5}),)
    result = replace(result, case=replace(result.case, name=HOSTILE), rows=rows, planted=planted)
    hostile = replace(
        failed,
        results=(result,),
        titles={HOSTILE: HOSTILE, "absent": HOSTILE},
        missing={"absent": HOSTILE},
        versions={HOSTILE: HOSTILE},
        machine={HOSTILE: HOSTILE},
    )
    found = read(page(hostile, verdicts, HOSTILE))
    assert [name for name, _ in found.elements].count("script") == 1
    assert sum(HOSTILE in text for _, text in found.texts) > 20
    assert any(HOSTILE in a.get("title", "") for _, a in found.elements)


def test_passed_says_so_and_what_was_compared(read, passed, passed_page):
    found = read(passed_page)
    assert "Passed" in "".join(found.under("h1"))
    assert found.under("title") == ["gateproof compare: passed"]
    assert "Failed cases" not in found.under("h2")
    facts = "".join(found.under("dl"))
    for said in ("simple_rnn, lstm, gru (5 cases)", "float32, float64", "a draw", "Some framework 1.2"):
        assert said in facts
    assert "Absent – not installed: pip install absent" in facts
    assert f"numpy {passed.versions['numpy']}" in "".join(found.under("ul"))


def test_matrix_is_the_report(read, passed, failed, passed_page, failed_page):
    for report, source in ((passed, passed_page), (failed, failed_page)):
        rows = {row["case"]: row for row in read(source).table("case", "reference")}
        for result in report.results:
            for row in result.rows:
                name = {"absent": "absentmissing"}.get(row.framework, row.framework)
                shown = rows[result.case.name][name]
                if not row.distances:
                    assert shown == "–"
                    continue
                ratio = max(d.ratio for d in row.distances.values())
                assert shown == (f"{ratio:.2f}" if ratio <= 1 else f"✗ {document.times(ratio)}")
        cells = {row["cell"]: row for row in read(source).table("cell")}
        assert {cell: row["cases"] for cell, row in cells.items()} == {"simple_rnn": "1", "lstm": "2", "gru": "2"}
    assert rows["lstm, mask"]["some"] == "✗ ∞ ×"
    assert cells["lstm"]["some"] == "✗ ∞ ×"


def test_every_distance_is_in_its_case(read, passed, passed_page):
    tables = [t for t in read(passed_page).tables if t[0][:3] == ["framework", "rule", "distance, u"]]
    assert len(tables) == len(passed.results)
    for table, result in zip(tables, passed.results, strict=True):
        found = [(row.framework, rule, d) for row in result.rows for rule, d in row.distances.items()]
        for shown, (framework, rule, d) in zip(table[1:], found, strict=True):
            step = "" if d.at.field.startswith("last ") else str(d.at.step)
            place = [step, d.at.field, str(d.at.unit), str(d.at.batch)]
            assert [*shown[:2], *shown[3:7]] == [framework, rule, *place]
            assert float(shown[2].replace(",", "")) == pytest.approx(d.distance, abs=0.006)
            assert float(shown[7].replace(",", "")) == pytest.approx(d.allowed, rel=0.01)
            assert float(shown[8]) == pytest.approx(d.ratio, abs=0.006)


def test_every_mistake_with_its_evidence(read, failed, failed_page):
    planted = [(result.case, p) for result in failed.results for p in result.planted]
    shown = read(failed_page).table("case", "mistake")
    assert [(row["case"], row["mistake"]) for row in shown] == [(case.name, p.name) for case, p in planted]
    for row, (_, p) in zip(shown, planted, strict=True):
        by = [rule for rule in measure.RULES if p.ratios.get(rule, 0) > 1]
        assert row["rejected by"] == (" and ".join(by) or "✗ none")
        for rule in measure.RULES:
            said = "–" if rule not in p.ratios else document.times(p.ratios[rule])
            assert row[rule] == (said if p.ratios.get(rule, 2) > 1 else f"not seen, {said}")
    (table,) = [table for table in read(failed_page).tables if table[0][0] == "mistake"]
    for row in table[1:]:
        for k, rule in enumerate(measure.RULES):
            found = [(p.ratios[rule], case.name) for case, p in planted if p.name == row[0] and rule in p.ratios]
            ratio, case = min(found, default=(None, ""))
            assert row[3 + 2 * k] == case
            assert row[2 + 2 * k].endswith("–" if ratio is None else document.times(ratio))
    smallest = {row["mistake"]: row for row in read(failed_page).table("mistake")}
    assert smallest.keys() == {p.name for _, p in planted}
    of = lambda name, dtype: min(p.ratio for case, p in planted if p.name == name and case.dtype == dtype)
    assert smallest["tanh of c left out"]["float32"] == document.times(of("tanh of c left out", "float32"))
    assert smallest["tanh of c left out"]["float64"] == "–"
    assert smallest["no mistake"]["float64"] == "✗ 0.25×"
    assert smallest["far off"]["float32"] == "∞ ×"


def test_what_a_rule_does_not_see_is_named(read, passed, passed_page):
    blind = document.unseen(passed, "shadowed")
    assert blind == ["masked outputs zeroed"]
    assert any(f"in some case it does not see: {blind[0]}." in text for text in read(passed_page).under("li"))


def test_conversions_are_the_matrix(read, verdicts, passed_page):
    found = read(passed_page)
    each = found.table("form", "from", "to")
    assert len(each) == len(verdicts) > 40
    for row, v in zip(each, verdicts, strict=True):
        assert (row["form"], row["from"], row["to"]) == (v.form, v.source, v.target)
        assert row["promise"].split(" ", 1)[1] == ("nothing of the kind" if v.absent else v.kind)
    assert any(v.absent for v in verdicts)
    (lstm,) = [table for table in found.tables if table[0][0] == "from" and len(table) > 9]
    for row in lstm[1:]:
        for target, shown in zip(lstm[0][1:], row[1:], strict=True):
            (v,) = [v for v in verdicts if (v.form, v.source, v.target) == ("lstm", row[0], target)]
            assert shown == f"{conversions.SIGNS[v.kind][0]} {v.kind}"


def test_signs_are_those_of_convert():
    signs = {kind: sign for kind, (sign, _) in conversions.SIGNS.items()}
    renamed = {conversions.ABSENT: convert.ABSENT}
    assert {renamed.get(kind, kind): sign for kind, sign in signs.items()} == convert.MARKS


def test_failed_cases_say_where_and_how_to_run_them_again(read, failed, failed_page):
    found = read(failed_page)
    assert "Failed" in "".join(found.under("h1"))
    assert found.under("article")[0] == "lstm, small"
    tables = [table for table in found.tables if table[0][:3] == ["framework", "rule", "step"]]
    first = [dict(zip(tables[0][0], row, strict=True)) for row in tables[0][1:]]
    d = failed.results[1].rows[1].distances
    assert [(row["framework"], row["rule"], row["step"], row["field"]) for row in first] == [
        ("some", "shadowed", "1", "c"),  # without a forget gate the first step, from c = 0, is right
        ("some", "end to end", "1", "output"),
    ]
    for row, rule in zip(first, measure.RULES, strict=True):
        assert (row["unit"], row["sequence"]) == (str(d[rule].first.at.unit), str(d[rule].first.at.batch))
        assert float(row["allowed, u"]) == pytest.approx(d[rule].first.allowed, rel=0.01)
        assert row["times allowed"] == f"✗ {document.times(d[rule].first.distance / d[rule].first.allowed)}"
    second = [dict(zip(tables[1][0], row, strict=True)) for row in tables[1][1:]]
    assert {(row["step"], row["unit"], row["sequence"], row["distance, u"]) for row in second} == {
        ("11", "2", "1", "∞")
    }
    assert "no mistake (0.25× what is allowed)" in found.under("article")

    commands = found.each("pre")
    asked = [cli.parser().parse(shlex.split(command)[1:]) for command in commands]
    assert [args.case for args in asked] == [["lstm, small"], ["lstm, mask"], ["gru, float64"]]
    assert [args.frameworks for args in asked] == [["some"], ["some"], ["reference"]]
    assert {(args.command, args.seed, args.data, args.out) for args in asked} == {
        ("compare", 7, f"../{HOSTILE}", "again")
    }


def test_the_project_s_own_data_need_no_name(read, failed, verdicts):
    commands = read(page(failed, verdicts)).each("pre")
    assert [cli.parser().parse(shlex.split(command)[1:]).data for command in commands] == [None] * 3


def test_pictures_say_what_they_show(read, failed_page, failed):
    said = [a["aria-label"] for name, a in read(failed_page).elements if name == "svg" and "aria-label" in a]
    panels = [text for text in said if "at each of 12 steps" in text]
    assert [text.split(": ")[0] for text in panels] == [
        "simple_rnn, small",
        "lstm, small",
        "lstm, mask",
        "gru, float64",
    ]
    assert panels[0].endswith("nobody is past a bound.")
    assert panels[1].endswith("past a bound: some.")
    strips = [text for text in said if "planted mistakes from" in text]
    assert len(strips) == len(failed.results)
    assert "frameworks from" in strips[0]


def test_a_report_in_which_one_case_compares_nobody(read, passed, verdicts):
    absent = tuple(Row(row.framework, reason="not installed") for row in passed.results[0].rows)
    report = replace(passed, results=(replace(passed.results[0], rows=absent),))
    found = read(page(report, verdicts))
    assert "simple_rnn, small ✓ passed nobody has it, nearest" in "".join(found.under("summary"))


@pytest.mark.parametrize(("value", "sorted_as"), [(2.5e14, "2.5e+14"), (inf, "inf"), (nan, ""), (None, "")])
def test_numbers_carry_what_they_are_sorted_by(value, sorted_as):
    assert elements.number(value, "x") == f'<td data-v="{sorted_as}" class="n">x</td>'


def test_elements_escape_once():
    made = elements.element(
        "p", "<&", elements.Html("<b>"), None, 0, ["a", elements.element("br")], title='"<', hidden=True
    )
    assert made == '<p title="&quot;&lt;" hidden>&lt;&amp;<b>0a<br></p>'


def test_a_wheel_has_what_the_page_reads():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["comparisons"]
    folder = ROOT / "comparisons"
    read = [path for path in (folder / "render").rglob("*.*") if path.suffix not in (".py", ".pyc")]
    assert len(read) == 2
    for path in read:
        assert any(fnmatch(str(path.relative_to(folder)), pattern) for pattern in patterns), path
