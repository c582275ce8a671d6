"""Small reports, made without a framework, and what an HTML parser reads in their pages."""

from dataclasses import replace
from html.parser import HTMLParser
from math import inf

import numpy as np
import pytest

from comparisons.frameworks.numpy_reference import trace
from comparisons.proof import draws, mutants, run
from comparisons.proof.cases import Case
from comparisons.proof.measure import Judge
from comparisons.proof.run import Planted, Report, Row
from comparisons.render.page import page
from reference.conventions.verdicts import matrix
from reference.steps import CELLS

CASES = (
    Case("simple_rnn, small", "simple_rnn", "drawn", "drawn", units=4, steps=12),
    Case("lstm, small", "lstm", "drawn", "drawn", units=4, steps=12),
    Case("lstm, mask", "lstm", "drawn", "drawn", units=4, steps=12, mask=True),
    Case("gru, float64", "gru", "drawn", "drawn", units=4, steps=12, dtype="float64"),
    Case("gru, two layers", "gru", "drawn", "drawn", units=4, steps=12, layers=2),
)
FORMS = ("lstm", "gru, reset after", "mut1")
WHY = "absent has no such cell"
HOSTILE = "<script>alert(1)</script>&quot;'\".csv"


@pytest.fixture(scope="session")
def passed():
    """Five cases of the reference; a framework that has its numbers, one that lacks a cell, and one that is missing."""
    series = np.zeros((200, 1))
    found = run.run(cells=list(CELLS), names=["reference"], series=series, data="a draw", seed=7, cases=CASES)
    results = []
    for result in found.results:
        (own,) = result.rows
        some = Row("some", reason="some has no gru") if result.case.cell == "gru" else replace(own, framework="some")
        results.append(replace(result, rows=(own, some, Row("absent", reason="not installed: pip install absent"))))
    results[0] = replace(results[0], planted=(*results[0].planted, Planted("far off", {"end to end": inf})))
    titles = {"reference": "this project's", "some": "Some framework 1.2", "absent": "Absent"}
    missing = {"absent": "not installed: pip install absent"}
    return replace(found, results=tuple(results), titles=titles, missing=missing)


@pytest.fixture(scope="session")
def failed(passed) -> Report:
    """In it "some" has no forget gate in "lstm, small" and gives no number in "lstm, mask", a mistake of "gru, float64"
    passes, and the data has a name that is a script."""
    results = list(passed.results)
    results[1] = _instead(results[1], judged(CASES[1], "no forget gate"))
    results[2] = _instead(results[2], judged(CASES[2], None))
    results[3] = replace(results[3], planted=(Planted("no mistake", {"shadowed": 0.0, "end to end": 0.25}),))
    return replace(passed, results=tuple(results), data=HOSTILE)


def _instead(result, distances):
    return replace(result, rows=(result.rows[0], Row("some", distances), result.rows[2]))


def judged(case, mistake, seed=7):
    """The distances of a planted mistake; None: the last output is not a number."""
    layer = draws.layer(case, case.features, seed, run.BATCH).astype(case.dtype)
    x = draws.inputs(case, run.BATCH, seed).astype(case.dtype)
    mask = draws.mask(len(x), case.steps, seed) if case.mask else None
    wrong = layer if mistake is None else dict(mutants.planted(layer, case.mask))[mistake]
    found = trace(wrong.run(x, mask=mask))
    if mistake is None:
        found.outputs[1, -1, 2] = found.states[0][1, -1, 2] = np.nan
    return Judge(layer, x, mask, case.dtype).distances(found)


@pytest.fixture(scope="session")
def verdicts():
    return matrix(keys=FORMS)


@pytest.fixture(scope="session")
def passed_page(passed, verdicts):
    return page(passed, verdicts)


@pytest.fixture(scope="session")
def failed_page(failed, verdicts):
    return page(failed, verdicts, f"../{HOSTILE}")


@pytest.fixture(scope="session")
def read():
    """Reads a page strictly."""
    return Read


class Read(HTMLParser):
    """A page as a strict reader sees it: every element is closed, in order; tables as texts."""

    VOID = ("meta", "link", "wbr", "br", "input")

    def __init__(self, source):
        super().__init__()
        self.open, self.elements, self.texts, self.tables = [], [], [], []
        self.feed(source)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> where {self.open[-1]} is open, at {self.getpos()}"
        self.open.pop()

    def handle_data(self, data):
        self.texts.append((tuple(self.open), data))
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data

    def under(self, tag):
        """The texts in elements of this name."""
        return [text for path, text in self.texts if tag in path]

    def each(self, tag):
        """The text of each element of this name, for those that do not stand in one another."""
        texts, before = [], ()
        for path, text in self.texts:
            if tag in path:
                texts.append("") if tag not in before else None
                texts[-1] += text
            before = path
        return texts

    def table(self, *headings):
        """The rows, by heading, of the table with these first headings."""
        (found,) = [table for table in self.tables if table[0][: len(headings)] == list(headings)]
        return [dict(zip(found[0], row, strict=True)) for row in found[1:]]
