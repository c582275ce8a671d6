"""`gateproof study counting`: what is counted as right, on a network that counts by construction."""

import numpy as np
import pytest

from comparisons.studies.counting.reach import further
from comparisons.studies.counting.states import kept, left_over
from comparisons.studies.counting.strings import IGNORED, Counter, strings
from reference import Layer, Weights

FULL, SHUT = 40.0, -40.0  # of a gate or a candidate: its function is 1 or 0 there to all digits of float64


def counter(down=0.5):
    """An LSTM of 1997 with weights by hand: unit 0 goes up by 1/2 with every a and down by `down` with every b, unit 1
    says whether the last symbol was a b."""
    of_s, of_a, of_b = np.zeros((3, 6))  # i i g g o o
    of_a[2], of_b[2] = np.arctanh(0.5), -np.arctanh(down)
    of_b[5] = FULL - SHUT
    bias = np.array([FULL, FULL, 0, FULL, FULL, SHUT])
    layer = Layer("lstm_1997", Weights(np.array([of_s, of_a, of_b]), np.zeros((2, 6)), bias), {})
    may_be = np.array([[0.0, 1.0, -50.0], [-20.0, 0.0, 10.0]])  # a: no b yet; b: something is left; T: nothing is
    return Counter(layer, may_be, np.array([5.0, -0.2, -5.0]))


def test_a_counter_is_right_for_every_n():
    assert counter().right(60).all()
    assert counter().reach(60) == 60
    assert counter().reach(150) == 150, "the longer strings too, which are run only where the shorter are right"


@pytest.mark.parametrize("down", [0.5, 0.49, 0.497, 0.52, 0.3])
def test_what_is_right_is_so_symbol_by_symbol(down):
    """The shared run of all n says what a run of each string says."""
    network = counter(down)
    x, y = strings(range(1, 61), 60)
    said = network.legal(network.layer.run(x).outputs)
    one_by_one = ((said == y) | (y == IGNORED)).all((1, 2))
    assert network.right(60).tolist() == one_by_one.tolist()
    assert one_by_one.all() == (down == 0.5), "a counter that comes down too slowly or too fast is found out"
    assert network.reach(60) == (60 if one_by_one.all() else int(np.argmin(one_by_one)))


def test_a_network_that_is_wrong_among_the_as_is_right_for_no_longer_string():
    """This one allows no third a: unit 0, 1/2 times the a's, pushes it out."""
    layer, kernel, bias = counter()
    few = Counter(layer, kernel - [[50, 0, 0], [60, 0, 0]], np.array([50 * np.tanh(1.25), *bias[1:]]))
    assert few.right(6).tolist() == [True, True, False, False, False, False]


def test_the_state_that_counts_and_what_it_leaks():
    state, ends = counter().states(4)
    assert np.allclose(state[:, 0], [0, 0.5, 1, 1.5, 2, 1.5, 1, 0.5, 0])
    assert np.flatnonzero(ends).tolist() == [8]
    exact = {"state": {"4": state[:, 0].tolist(), "8": counter().states(8)[0][:, 0].tolist()}}
    assert kept(exact, 4, 8) == pytest.approx(1)
    assert left_over(exact, 8) == pytest.approx(0)
    slow = {"state": {"8": counter(0.25).states(8)[0][:, 0].tolist()}}
    assert left_over(slow, 8) == pytest.approx(4), "half of eight steps"


def test_further():
    assert further([5, 6], [1, 2]) == 1
    assert further([1], [1]) == 0.5
