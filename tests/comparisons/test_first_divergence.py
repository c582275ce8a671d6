"""The first divergence: the first step past its allowance, there what is computed first, there the farthest past."""

from dataclasses import replace

import numpy as np
import pytest

from comparisons.frameworks.numpy_reference import trace
from comparisons.proof import draws, mutants
from comparisons.proof.cases import Case
from comparisons.proof.measure import Judge, Place

UNITS, STEPS = 5, 9


def judge(cell, **given):
    case = Case("first divergence", cell, "drawn", "drawn", units=UNITS, steps=STEPS, **given)
    layer = draws.layer(case, case.features, 0).astype("float32")
    x = draws.inputs(case, 3, 0).astype("float32")
    mask = draws.mask(3, STEPS, 0) if case.mask else None
    return Judge(layer, x, mask, "float32")


def run(judge, layer=None):
    return trace((layer or judge.layer).run(judge.x, mask=judge.mask))


def planted(judge, mistake):
    return judge.distances(run(judge, dict(mutants.planted(judge.layer, judge.mask is not None))[mistake]))


def places(distances):
    return {rule: (d.first.at.step, d.first.at.field) for rule, d in distances.items()}


def test_nothing_diverges_in_what_is_right():
    one = judge("lstm")
    assert [d.first for d in one.distances(run(one)).values()] == [None, None]


@pytest.mark.parametrize(
    ("cell", "mistake", "shadowed", "end_to_end"),
    [
        ("lstm", "no forget gate", (1, "c"), (1, "output")),  # from c = 0 the first step is right
        ("lstm", "h from the old c", (0, "h"), (0, "output")),
        ("lstm", "tanh of c left out", (0, "h"), (0, "output")),
        ("lstm", "recurrent kernel of f transposed", (1, "f"), (1, "output")),  # from h = 0 too
        ("lstm", "recurrent kernel of o transposed", (1, "o"), (1, "output")),
        ("lstm", "candidate's tanh left out", (0, "g"), (0, "output")),
        ("lstm", "state dropped half way", (STEPS // 2, "i"), (STEPS // 2, "output")),
        ("gru", "recurrent kernel of n transposed", (1, "n"), (1, "output")),
        ("gru", "update gate's polarity", (0, "h"), (0, "output")),
    ],
)
def test_a_mistake_shows_where_it_is_made(cell, mistake, shadowed, end_to_end):
    found = places(planted(judge(cell), mistake))
    assert found["shadowed"] == shadowed
    assert found["end to end"] == end_to_end


def test_one_wrong_number_is_found_where_it_is():
    """In c at one step: the step is wrong there, and no other, since the next begins from it."""
    one = judge("lstm")
    right = run(one)
    right.states[1][2, 4, 3] += 0.5
    first = one.distances(right)["shadowed"].first
    assert first.at == Place(2, 4, "c", 3)
    assert first.distance * 2.0**-24 == pytest.approx(0.5, rel=1e-3)
    assert 0 < first.allowed < 100


def test_of_one_step_the_element_farthest_past_its_own_allowance():
    one = judge("lstm")
    right = run(one)
    right.outputs[0, 6, 1] += 0.25
    right.outputs[1, 6, 2] -= 0.5
    right.outputs[2, 7, 0] += 10  # larger, and later
    found = one.distances(replace(right, states=None))["end to end"]
    assert found.first.at == Place(1, 6, "output", 2)
    assert found.at == Place(2, 7, "output", 0)


def test_not_a_number_is_past_every_bound():
    one = judge("gru")
    right = run(one)
    right.outputs[1, 5, 4] = right.states[0][1, 5, 4] = np.nan
    for d in one.distances(right).values():
        assert (d.first.at.batch, d.first.at.step, d.first.distance) == (1, 5, np.inf)


def test_a_wrong_last_state_comes_after_the_outputs():
    one = judge("lstm")
    right = run(one)
    right.state[1][0, 3] += 1
    assert one.distances(right)["end to end"].first.at == Place(0, 0, "last c", 3)
    right.outputs[1, 8, 2] += 1
    assert one.distances(right)["end to end"].first.at == Place(1, 8, "output", 2)
