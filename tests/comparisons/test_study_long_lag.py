"""The study of long lags: how each learner begins, and how its trials are read."""

import keras
import numpy as np
import pytest

import reference
from comparisons.studies.learning import LEARNERS
from comparisons.studies.long_lag.learners import BUDGET, CELLS, KERAS, LAG, STARTS, begin, units_of
from comparisons.studies.long_lag.reading import COLUMNS, better, median, reach, read
from comparisons.studies.long_lag.trial import Asked, Trial
from comparisons.studies.problems import ADDING, ORDER

UNITS, LAG_STEPS = 4, 20


def built(start, cell):
    """A layer of a few units as it starts, in the reference."""
    keras.utils.set_random_seed(7)
    layer = STARTS[start, cell].layer(UNITS)
    layer.build((None, 5, 2))
    begin(layer, STARTS[start, cell], LAG_STEPS, [0])
    return reference.read(layer)


def gates(layer, x):
    return layer.run(x).gates


def test_everyone_learns_as_keras_initialises_it_and_all_but_one_otherwise():
    assert list(CELLS) == list(LEARNERS)
    assert {cell for start, cell in STARTS if start == KERAS} == set(LEARNERS)
    assert {cell for start, cell in STARTS if start == LAG} == set(LEARNERS) - {"Jordan"}


@pytest.mark.parametrize("inputs", [2, 8])
def test_layers_have_about_as_many_parameters(inputs):
    for (_, cell), start in STARTS.items():
        layer = start.layer(units_of(cell, inputs))
        layer.build((None, 5, inputs))
        assert 0.85 * BUDGET < layer.count_params() <= BUDGET, cell


def test_gates_begin_with_the_lag():
    """At zero inputs and states a gate is σ(log lag): what it keeps over the lag is 1/e or so."""
    nothing = np.zeros((1, 1, 2))
    keeps = 1 - 1 / (LAG_STEPS + 1)
    for cell, gate in (("LSTM", "f"), ("peephole LSTM", "f"), ("GRU", "z")):
        np.testing.assert_allclose(gates(built(LAG, cell), nothing)[gate], keeps, atol=1e-6)
        others = gates(built(LAG, cell), nothing)
        if cell != "GRU":  # whose 1 − z it is
            np.testing.assert_allclose(others["i"], 1 - keeps, atol=1e-6)
        assert all(np.all(others[name] <= 0.5) for name in set(others) - {gate})
    assert 0.3 < keeps**LAG_STEPS < 0.4
    usual = built(KERAS, "LSTM")
    np.testing.assert_allclose(gates(usual, nothing)["f"], 1 / (1 + np.exp(-1)), atol=1e-6)
    np.testing.assert_array_equal(usual.weights.kernel, built(LAG, "LSTM").weights.kernel)


def test_the_lstm_of_1997_begins_as_its_paper_has_it():
    weights = built(LAG, "LSTM 1997").weights
    assert all(0.05 < np.abs(a).max() <= 0.1 for a in (weights.kernel, weights.recurrent_kernel))
    of_i, rest = weights.bias[:UNITS], weights.bias[UNITS:]
    np.testing.assert_allclose(of_i, [-2, -2 - 4 / 3, -2 - 8 / 3, -6], atol=0.1)
    assert np.abs(rest).max() <= 0.1
    assert len(set(np.round(of_i - np.linspace(-2, -6, UNITS), 6))) == UNITS, "drawn, too"


def test_elman_begins_by_keeping_what_it_has():
    layer = built(LAG, "Elman")
    state = np.array([[0.5, 0.0, 2.0, 0.1]])
    kept = layer.run(np.zeros((1, LAG_STEPS, 2)), [state]).state.h
    np.testing.assert_allclose(kept, state, rtol=1e-6)


def trial(lag, seed, storing=None, sequences=None, wrong=0):
    """One network, given up after 100 sequences."""
    return {
        "lag": lag,
        "seed": seed,
        "stored": storing is not None,
        "storing": storing or 100,
        "solved": sequences is not None,
        "sequences": sequences or 100,
        "rate": 0.01,
        "wrong": wrong,
        "parameters": 9,
        "units": 2,
    }


LAGS, ASKED = Asked((10, 50, 100), (0.01,)), Trial(seeds=3, most=100, budget=10)
TRIALS = [
    *(trial(10, n, 10 + n, 20 + n) for n in range(3)),
    trial(50, 0, 40, 60, wrong=2),
    trial(50, 1),
    trial(50, 2, 30, None, wrong=999),
    trial(100, 0, 90),
    trial(100, 1),
    trial(100, 2),
]


def test_medians_count_those_that_were_given_up():
    stored, solved = ("stored", "storing"), ("solved", "sequences")
    assert [median(TRIALS, lag, stored) for lag in (10, 50, 100, 200)] == [11, 40, np.inf, np.inf]
    assert [median(TRIALS, lag, solved) for lag in (10, 50)] == [21, np.inf]
    assert reach(TRIALS) == 50
    assert reach(TRIALS[3:]) == 50
    assert reach(TRIALS[6:]) == 0
    assert reach([trial(10, 0), trial(50, 0, 40)]) == 0, "not over a shorter lag that it did not learn"


def test_the_better_rate():
    none, two = [trial(10, n) for n in range(3)], [trial(10, 0), trial(10, 1, 30), trial(10, 2, 30)]
    soon, late = ([trial(10, n, storing) for n in range(3)] for storing in (20, 50))
    assert better(None, none) is none
    assert better(none, two) is better(two, none) is two
    assert better(two, late) is late
    assert better(late, soon) is better(soon, late) is soon


def test_a_reading():
    nothing = [trial(10, n) for n in range(3)]
    found = {(KERAS, "Elman"): nothing, (KERAS, "GRU"): nothing, (LAG, "GRU"): TRIALS}
    part = read(ADDING.name, LAGS, ASKED, found)
    assert part.columns == COLUMNS
    assert len(part.rows) == 15
    keras_gru, ours, paper = part.table[1:]
    assert keras_gru[3:] == ("0 of 3", "not tried", "not tried", "not tried", "–")
    assert ours[3:] == ("11 [10, 12]", "2 of 3", "1 of 3", "1 of 3", "2")
    assert paper[-2:] == ("74,000", "1 (mean)")
    assert "Elman and GRU learn no lag." in part.says
    assert "GRU bridges 50 steps." in part.says
    assert "1 of these 1 cells reaches further: GRU. How a network begins decides" in part.says
    assert "at most 2 wrong" in part.says
    assert "initial weights, took" not in part.says, "no LSTM of 1997 solved the paper's"


def test_a_reading_of_the_papers_own_lstm():
    solved = [trial(lag, n, 40, 60 + lag) for lag in (10, 30) for n in range(3)]
    part = read(ORDER.name, Asked((10, 30), (0.01,)), ASKED, {(LAG, "LSTM 1997"): solved})
    assert "took 31,390 sequences at lag 30" in part.says
    assert "with its initial weights, took 90, in 4 updates" in part.says
