"""The study of forget biases: what each begins with, and how far two ways of the same one come apart."""

import keras
import numpy as np
import pytest

import reference
from comparisons.studies.forget_bias.curves import (
    ADDED,
    BIASES,
    CLOSED,
    LAG,
    NONE,
    TWO,
    UNIT,
    Training,
    filled,
    lstm,
    store,
)
from comparisons.studies.forget_bias.reading import read_curves, read_same
from comparisons.studies.forget_bias.same import DECAY, DECAYED, DIGIT, DOUBLE, SINGLE, Pair, apart

UNITS = 3


def built(bias, lag, seed=5):
    keras.utils.set_random_seed(seed)
    layer = lstm(UNITS, bias.added)
    layer.build((None, 4, 2))
    store(layer, bias.starts(lag) - bias.added, -bias.starts(lag) if bias.closed else 0.0)
    return reference.read(layer)


@pytest.mark.parametrize("bias", BIASES.values(), ids=list(BIASES))
def test_a_forget_gate_begins_with_its_bias(bias):
    lag = 100
    gates = built(bias, lag).run(np.zeros((1, 1, 2))).gates
    starts = {NONE: 0, UNIT: 1, ADDED: 1, TWO: 2, LAG: np.log(100), CLOSED: np.log(100)}[bias]
    np.testing.assert_allclose(gates["f"], 1 / (1 + np.exp(-starts)), rtol=1e-6)
    np.testing.assert_array_equal(gates["o"], 0.5)
    np.testing.assert_allclose(gates["i"], 1 / 101 if bias is CLOSED else 0.5, rtol=1e-6)


def test_one_is_stored_and_the_other_is_not():
    stored, added = built(UNIT, 10), built(ADDED, 10)
    np.testing.assert_array_equal(stored.weights.bias[UNITS : 2 * UNITS], 1)
    np.testing.assert_array_equal(added.weights.bias, 0)
    x = np.random.default_rng(0).normal(size=(2, 6, 2))
    np.testing.assert_allclose(stored.run(x).outputs, added.run(x).outputs, rtol=1e-12)


def test_they_are_one_network_but_for_weight_decay():
    """In float64: the same outputs at first, and after one update the decay of a 1 between them."""
    (found,) = apart(DECAYED, list(Pair(lag=10, units=2, seeds=1, updates=(0, 1))), seed=3)
    assert found["outputs"][0] < 1e-15
    assert found["weights"][0] == 0
    assert found["weights"][1] == pytest.approx(0.003 * DECAY, rel=1e-6)
    assert (found["stored"][0], found["added"][0]) == (1, 1)
    assert found["added"][1] - found["stored"][1] == pytest.approx(0.003 * DECAY, rel=1e-6)


def test_a_curve_that_ended_is_held():
    np.testing.assert_array_equal(filled([0.4, 0.1], 4), [0.4, 0.1, 0.1, 0.1])
    np.testing.assert_array_equal(filled([0.4, 0.1], 2), [0.4, 0.1])


def networks(solved, stored_alone=0):
    """Three, of which so many solve it."""
    return [
        {
            "seed": n,
            "solved": n < solved,
            "sequences": 40 + n,
            "errors": [0.3, 0.2 + n],
            "wrong": n,
            "stored_alone": stored_alone,
        }
        for n in range(3)
    ]


def test_curves_are_read():
    asked = Training(units=4, seeds=3, most=120, window=40)
    solving = {NONE: 0, UNIT: 0, ADDED: 0, LAG: 3}
    found = {(100, bias.name): networks(solved) for bias, solved in solving.items()}
    part = read_curves(asked, found)
    assert "none 0 of 3 (7.9e-31 is left)" in part.says
    assert "log lag 3 of 3 (0.37 is left)" in part.says
    assert "A bias of 1 is no better there than none, and the logarithm of the lag is." in part.says
    assert [row[3] for row in part.table] == ["7.9e-31", "2.5e-14", "2.5e-14", "0.37"]
    assert [row[5:] for row in part.table] == [("0 of 3", "–", "–")] * 3 + [("3 of 3", "41", "2")]
    assert list(part.column("median", bias=NONE.name)) == [0.3, 1.2, 1.2]
    assert "in no file" not in part.says, "nothing was learned with it"
    helped = read_curves(asked, found | {(100, ADDED.name): networks(1, 77)}).says
    assert "A bias of 1 helps there, and the logarithm of the lag helps more." in helped
    assert "get 77 [77, 77] of 2560 wrong instead of 1 [0.5, 1.5]" in helped
    assert "A bias of 1 is enough there." in read_curves(asked, found | {(100, UNIT.name): networks(3)}).says
    nobody = found | {(100, LAG.name): networks(0)}
    assert "Nobody learns it by a forget bias." in read_curves(asked, nobody).says
    assert "nearly closed it is learned" in read_curves(asked, nobody | {(100, CLOSED.name): networks(2)}).says
    assert "nearly closed it is learned" not in read_curves(asked, found | {(100, CLOSED.name): networks(3)}).says


def test_the_two_ways_are_read():
    pair = Pair(lag=10, units=4, seeds=1, updates=(0, 1, 10, 100))
    each = {"weights": [0, 1e-16, 2e-15, 0.5], "outputs": [0] * 4, "stored": [1, 1, 1, 0.8], "added": [1, 1, 1, 0.9]}
    found = {DOUBLE: [each], SINGLE: [each], DECAYED: [each], DIGIT: [each]}
    says = read_same(pair, found).says
    assert "after one update in float64 their weights are 1.0e-16 apart, after 10, 2.0e-15, after 100, 0.5;" in says
    assert "one with another last digit in one weight, are 0.5 apart after 100" in says
    assert "they are at 0.80 and 0.90" in says
    same = each | {"weights": [0, 1e-16, 1e-16, 1e-16]}
    says = read_same(pair, {DOUBLE: [same], DIGIT: [same]}).says
    assert "after one update in float64 their weights are 1.0e-16 apart, after 100, 1.0e-16;" in says
    assert "last digit" not in says
