"""Stored arrays, known by their names and shapes alone, count what they hold."""

from math import prod

import pytest

from reference.conventions.counted import FORMS, held, reset_of, widths
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import Sizes, parse, shape
from reference.count_shapes import recognise

X, H, P = 4, 6, 5
CASES = [(convention, key) for convention in FRAMEWORKS for key in held(convention)]


def stored(convention, key, sizes):
    return {name: shape(parse(text), sizes) for name, text in held(convention)[key].arrays.items()}


def sizes_of(convention, key):
    form, cell = held(convention)[key], key.split()[0]
    projected = any(text.startswith("V") or "H R" in text for text in form.arrays.values())
    coupled = form.fixed.get("coupled", "i") if cell == "cifg" else ""
    X_of = H if cell in ("mut1", "mut2") else X
    return Sizes(X_of, H, P if projected else H, widths(cell, H, coupled=coupled))


@pytest.mark.parametrize(("convention", "key"), CASES, ids=map(" ".join, CASES))
def test_every_form_is_known_by_its_shapes(convention, key):
    sizes = sizes_of(convention, key)
    shapes = stored(convention, key, sizes)
    key = key.removesuffix(" fused")
    found = recognise(convention, [key.split()[0]], shapes, reset_after=reset_of(key))
    assert found.form == key
    assert found.form in FORMS
    assert found.layer.parameters == sum(map(prod, shapes.values()))
    assert eval(found.layer.formula.replace("x", "*")) == found.layer.parameters
    assert (found.layer.input_dim, found.units, found.layer.recurrent_dim) == sizes[:3]


@pytest.mark.parametrize(("convention", "key"), CASES, ids=map(" ".join, CASES))
def test_an_array_of_another_shape_is_no_form(convention, key):
    shapes = stored(convention, key, sizes_of(convention, key))
    first = next(iter(shapes))
    assert recognise(convention, [key.split()[0]], {**shapes, first: (*shapes[first], 2)}) is None
    assert recognise(convention, [key.split()[0]], {**shapes, "another": (3,)}) is None


def test_blocks_of_cells_share_their_gates():
    shapes = {"kernel": (4, 12), "recurrent_kernel": (6, 12), "bias": (12,)}
    assert recognise("keras", ["lstm"], shapes, cells_per_block=3).units == 6
    assert recognise("keras", ["lstm"], shapes) is None  # 3 units would have a recurrent kernel of 3 rows
