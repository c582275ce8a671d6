"""The cases of `gateproof check`: they see every mistake, are exact, and stay what they are."""

import hashlib
import json
import re

import numpy as np
import pytest

from comparisons.grading import catches, protocol
from comparisons.grading.cases import GRID, VERSION, cases, cell
from comparisons.grading.judging import PRECISIONS, departure, judge
from comparisons.grading.vectors import SETS
from reference import steps

# Beside the standard sets, the options of a step that they leave as they are.
MORE = [
    ("lstm", {"use_bias": False}),
    ("lstm", {"output_activation": "relu"}),
    ("lstm", {"cells_per_block": 2}),
    ("lstm", {"recurrent_activation": "hard_sigmoid", "activation": "softsign"}),
    ("lstm_1997", {"activation": "sigmoid_in_2", "output_activation": "sigmoid_in_1"}),
    ("peephole_lstm", {"use_peepholes": False, "num_proj": 2}),
    ("peephole_lstm", {"cell_clip": 2, "num_proj": 9, "proj_clip": 1000.0}),
    ("cifg", {"use_peepholes": True}),
    ("jordan", {}),
    ("gru", {"use_bias": False}),
    ("gru", {"recurrent_activation": "hard_sigmoid_keras2"}),
    ("gru", {"reset_after": False, "use_recurrent_bias": True}),
    ("mut3", {"use_recurrent_bias": True}),
]
OPTIONS = pytest.mark.parametrize(
    ("name", "options"), [*SETS, *MORE], ids=lambda v: v if isinstance(v, str) else ",".join(map(str, v.items()))
)


def test_every_cell_and_option_is_among_them():
    told = {(name, option) for name, options in [*SETS, *MORE] for option in options}
    assert {name for name, _ in SETS} == set(steps.CELLS)
    assert {option for name in steps.CELLS for option in steps.options(name)} - {option for _, option in told} == {
        "norm_epsilon"  # a number like any other
    }


@OPTIONS
def test_every_mistake_fails_a_case(name, options):
    planted, unseen = catches.planted(cases(cell(name, **options)))
    assert len(planted) >= 5
    assert unseen == []


def test_what_no_case_shows_is_said():
    """One step from zeros shows no recurrent kernel."""
    first = cases(cell("lstm"))[:1]
    planted, unseen = catches.planted(first)
    assert len(planted) > len(unseen)
    assert "recurrent kernel of f transposed" in unseen
    assert "gates in the order figo" not in unseen
    # tanh of 50 and of more is 1 in every precision.
    assert catches.planted(cases(cell("peephole_lstm", cell_clip=50)))[1] == ["cell clipped after the output"]
    assert set(catches.caught(catches.catches(first[0]))) == set(planted) - set(unseen)


@OPTIONS
def test_the_reference_is_within_its_bounds(name, options):
    for case in cases(cell(name, **options)):
        for dtype in PRECISIONS:
            layer = case.layer.astype(dtype)
            run = layer.run(case.x.astype(dtype), tuple(s.astype(dtype) for s in case.whole_state))
            states = {field: getattr(run.states, field) for field in case.state}
            found = judge(case, states, dtype)
            assert found.passed, (case.name, dtype, found)
            assert departure(case, states, dtype) is None


@OPTIONS
def test_every_number_is_exact_in_few_digits(name, options):
    for case in cases(cell(name, **options)):
        for array in protocol.arrays(case).values():
            assert (array * GRID == np.round(array * GRID)).all()
            assert (array == array.astype("float32")).all()
            assert not np.signbit(array[array == 0]).any()


@OPTIONS
def test_a_line_can_be_read_number_by_number(name, options):
    """As the C example does: sizes, x, the state, the weights, in the order of the keys."""
    for case in cases(cell(name, **options)):
        line = protocol.line(case)
        told = json.loads(line)
        numbers = line.split('"cell":')[0]
        found = [float(text) for text in re.findall(r"[-0-9][^,\]}]*", numbers)]
        sizes = [1, *protocol.sizes(case).values()]
        values = [v for a in protocol.arrays(case).values() for v in a.ravel().tolist()]
        assert found == [*sizes, *values]
        assert "\n" not in line
        assert told["states"] == list(case.state)
        assert list(told)[-4:] == ["cell", "states", "options", "case"]


def test_the_cases_are_those_of_their_version():
    """Whoever changes a case changes VERSION: somebody has the vectors."""
    lines = "".join(protocol.line(case) for name, options in SETS for case in cases(cell(name, **options)))
    assert (VERSION, hashlib.sha256(lines.encode()).hexdigest()[:16]) == (1, "23d15683543406d5")


def test_a_departure_is_where_it_was_made():
    case = cases(cell("lstm"))[3]
    run = case.layer.run(case.x, case.whole_state)
    shown = {**run.states._asdict(), **run.gates}
    states = {name: a.copy() for name, a in shown.items()}
    states["h"][2, 4, 1] += 1e-3
    states["h"][1, 5, 0] += 1.0
    found = departure(case, {"h": states["h"], "c": states["c"]}, "float64")
    assert found is not None
    assert (found.step, found.field, found.row, found.unit) == (4, "h", 2, 1)
    assert found.got - found.expected == pytest.approx(1e-3)
    states["f"][2, 4, 3] += 1e-3  # a gate that is shown comes before the state that it makes
    found = departure(case, states, "float64")
    assert found is not None
    assert (found.step, found.field, found.row, found.unit) == (4, "f", 2, 3)
    shown["f"] = shown["f"] + 1  # and alone, where the states are right, it is no departure
    assert departure(case, shown, "float64") is None


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("lstn", {}, "cell must be one of simple_rnn, jordan, lstm"),
        ("lstm", {"reset_after": True}, "option of lstm must be one of activation, cells_per_block, forget_bias"),
        ("lstm", {"units": 3}, "use_bias, use_recurrent_bias, got 'units'"),
        ("lstm", {"name": "../../x"}, "got 'name'"),
        ("lstm", {"forget_bias": float("inf")}, "forget_bias must be a finite number, got inf"),
        ("lstm", {"forget_bias": -1e5}, "forget_bias must be at most 10000 to be graded, got -100000.0"),
        ("lstm", {"cells_per_block": 10**9}, "cells_per_block must be at most 16 to be graded, got 1000000000"),
        ("greff_lstm", {"variant": "Z"}, "variant must be one of V, NIG"),
        ("cifg", {"coupled": 5}, "coupled must be 'i' (i = 1 − f) or 'f' (f = 1 − i), got 5"),
        ("lstm", {"forget_bias": "much"}, "forget_bias must be a finite number, got 'much'"),
        ("lstm", {"activation": "selu"}, "activation must have a known error bound"),
        ("peephole_lstm", {"proj_clip": 1.0}, "proj_clip must go with num_proj"),
    ],
)
def test_what_is_no_cell_is_refused(name, options, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        cell(name, **options)
