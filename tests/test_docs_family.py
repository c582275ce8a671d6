"""docs/family.md names every cell, its class and its witnesses as they are."""

import re
from pathlib import Path

import pytest

import cells
from comparisons.commands import frameworks as command
from comparisons.frameworks import FRAMEWORKS
from reference import steps

PAGE = (Path(__file__).parents[1] / "docs" / "family.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
OURS = {"cells", "cells_tf1", "reference"}


@pytest.fixture(scope="module")
def able():
    """{cell: the frameworks that can run one of its cases}."""
    drawn = list(command._cases())
    by_name = {name: command._cells(name, drawn) for name in FRAMEWORKS if name not in OURS}
    return {cell: [n for n, found in by_name.items() if found[cell]["able"]] for cell in steps.CELLS}


def test_every_cell_has_a_row():
    assert sorted(cell for cell, *_ in ROWS) == sorted(steps.CELLS)


@pytest.mark.parametrize(("cell", "kind", "source", "witnesses"), ROWS)
def test_a_row_says_what_is(able, cell, kind, source, witnesses):
    assert hasattr(cells, kind)
    assert set(getattr(cells, kind).gates) == set(steps.module(cell).gates)
    named = [] if witnesses.startswith("none") else witnesses.split()
    assert named == able[cell]


@pytest.mark.parametrize("name", re.findall(r"`(\w+(?:Cell|RNN))\(", PAGE))
def test_what_the_page_names_exists(name):
    assert hasattr(cells, name) or name == "RNN"
