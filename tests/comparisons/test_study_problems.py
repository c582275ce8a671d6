"""The problems that networks learn in studies: each sequence worked out again, symbol by symbol, in plain Python."""

from itertools import pairwise

import numpy as np
import pytest

from comparisons.studies.judging import measures, wrong
from comparisons.studies.problems import ADDING, ORDER, SYMBOLS, order, order_length

MANY = 400


def steps(x):
    """A sequence without the zeros before it."""
    return x[np.flatnonzero(np.abs(x).sum(-1))[0] :]


@pytest.mark.parametrize("lag", [10, 50])
def test_adding(lag):
    """Hochreiter & Schmidhuber's words, sequence by sequence."""
    x, y = ADDING.draw(np.random.default_rng(lag), MANY, lag)
    assert x.shape == (MANY, ADDING.length(lag), 2)
    assert y.shape == (MANY, 1)
    T, lengths, firsts, lasts, begun = 2 * lag, set(), set(), set(), 0
    for sequence, target in zip(x, y[:, 0], strict=True):
        numbers, markers = map(list, steps(sequence).T)
        lengths.add(len(numbers))
        marked = [t for t, marker in enumerate(markers) if marker == 1]
        assert len(marked) == 2
        assert markers[-1] == -1
        assert markers[0] == (1 if marked[0] == 0 else -1)
        assert all(marker == 0 for t, marker in enumerate(markers) if t not in (*marked, 0, len(markers) - 1))
        if marked[0] == 0:
            begun += 1
            assert numbers[0] == 0
        assert target == pytest.approx(0.5 + (numbers[marked[0]] + numbers[marked[1]]) / 4, abs=1e-7)
        assert len(numbers) - 1 - marked[1] >= lag
        firsts.add(marked[0])
        lasts.add(marked[1])
    assert (min(lengths), max(lengths)) == (T, T + T // 10)
    assert begun > 0
    assert min(firsts) == 0
    assert max(firsts) <= 9
    assert T // 2 - 3 <= max(lasts) <= T // 2 - 1, "as far as it may be"
    assert x[..., 0].min() < -0.99 < 0.99 < x[..., 0].max()


@pytest.mark.parametrize(("lag", "relevant"), [(30, 2), (10, 2), (12, 3)])
def test_order(lag, relevant):
    x, y = order(np.random.default_rng(lag), MANY, lag, relevant=relevant)
    assert x.shape == (MANY, order_length(relevant, lag), 8)
    lengths, places, classes = set(), [set() for _ in range(relevant)], set()
    for sequence, target in zip(x, y, strict=True):
        assert set(sequence.sum(-1)) <= {0, 1}
        word = "".join(SYMBOLS[k] for k in steps(sequence).argmax(-1))
        assert (word[0], word[-1]) == ("E", "B")
        where = [t for t, symbol in enumerate(word, start=1) if symbol in "XY"]
        assert len(where) == relevant
        assert set(word[1:-1]) <= set("abcdXY")
        number = int("".join("01"[word[t - 1] == "Y"] for t in where), 2)
        assert list(target) == [float(k == number) for k in range(2**relevant)]
        assert all(after - before >= lag for before, after in pairwise(where))
        assert len(word) - where[-1] >= lag + 10
        lengths.add(len(word))
        classes.add(number)
        for places_of, t in zip(places, where, strict=True):
            places_of.add(t)
    assert classes == set(range(2**relevant))
    if (lag, relevant) == (30, 2):
        assert [(min(p), max(p)) for p in places] == [(10, 20), (50, 60)], "the paper's"
        assert (min(lengths), max(lengths)) == (100, 110)


def test_the_criteria():
    assert ORDER.solved({"wrong": 0.0, "error": 0.09})
    assert not ORDER.solved({"wrong": 0.0, "error": 0.11})
    assert not ORDER.solved({"wrong": 0.0005, "error": 0.01})
    assert ADDING.stored({"wrong": 139 / 2000})
    assert not ADDING.stored({"wrong": 140 / 2000})


class Answers:
    """In place of a layer: its last outputs are what it was given first."""

    def run(self, x):
        return type("Run", (), {"outputs": x[:, ::-1]})


def test_a_sequence_is_wrong_where_any_output_is():
    """By the metrics and by the test alike."""
    targets = np.array([[0.5, 0.1], [0.5, 0.1], [0.5, 0.1]], "float32")
    answers = targets + np.array([[0.039, 0], [0, -0.041], [0.05, 0.05]], "float32")
    of_each, error = measures(ADDING)
    np.testing.assert_array_equal(np.array(of_each(targets, answers)), [0, 1, 1])
    np.testing.assert_allclose(np.array(error(targets, answers)), [0.0195, 0.0205, 0.05], rtol=1e-5)
    x = np.stack([answers, answers * 0], axis=1)
    assert wrong(ADDING, Answers(), np.eye(2), np.zeros(2), x, targets) == 2
    assert wrong(ADDING, Answers(), np.eye(2), np.ones(2), x, targets) == 3


def test_what_is_no_number_is_wrong():
    """A network that has diverged has solved nothing."""
    targets, answers = np.zeros((2, 1), "float32"), np.array([[np.nan], [0]], "float32")
    np.testing.assert_array_equal(np.array(measures(ADDING)[0](targets, answers)), [1, 0])
    x = np.stack([answers, answers], axis=1)
    assert wrong(ADDING, Answers(), np.eye(1), np.zeros(1), x, targets) == 1
