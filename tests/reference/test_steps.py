"""One step of each cell: against numbers that a person can check, and against 50-digit arithmetic."""

from fractions import Fraction
from itertools import permutations

import mpmath
import numpy as np
import pytest

from reference import activations
from reference.gates import affine, fuse, split
from reference.steps import Weights, gru, lstm, module, options, simple_rnn

LINEAR, RELU = activations.get("linear"), activations.get("relu")
HALF, FIFTH = Fraction(1, 2), Fraction(1, 5)
HARD = activations.get("hard_sigmoid", slope=FIFTH, offset=HALF)  # clip(x/5 + 1/2, 0, 1), of rationals
DIGITS = mpmath.MPContext()
DIGITS.dps = 50


def rational(*rows):
    """A matrix of exact fractions."""
    return np.array([[Fraction(value) for value in row] for row in rows], dtype=object)


def test_simple_rnn_by_hand():
    # h = relu(x + h U) with x = (1, 2), h = (3, 5): (1 + 3·1 + 5·(−2), 2 + 3·(−1) + 5·4) = (−6, 19)
    w = Weights(None, rational([1, -1], [-2, 4]))
    state, gates = simple_rnn.step(rational([1, 2]), simple_rnn.State(rational([3, 5])), w, activation=RELU)
    assert state.h.tolist() == [[0, 19]]
    assert gates["h"].tolist() == [[0, 19]]


# Relu gates, linear candidate. a = xw + h U with h = 2 and U = (1, 1, −2, 2): i = 0 + 2, f = 1 + 2, g = 3 − 4 = −1,
# o = 1 + 4 = 5. From c = 7: c = 3·7 + 2·(−1) = 19, h = 5·19 = 95.
LSTM_INPUTS, LSTM_KERNEL = rational([0, 1, 3, 1]), rational([1, 1, -2, 2])


def lstm_by_hand(order):
    """The state after that step when the gates are stored in another order."""
    columns = ["ifgo".index(letter) for letter in order]
    state = lstm.State(rational([2]), rational([7]))
    w = Weights(None, LSTM_KERNEL[:, columns])
    return lstm.step(LSTM_INPUTS[:, columns], state, w, activation=LINEAR, recurrent_activation=RELU)


def test_lstm_by_hand():
    state, gates = lstm_by_hand("ifgo")
    assert {letter: int(value[0, 0]) for letter, value in gates.items()} == {"i": 2, "f": 3, "g": -1, "o": 5}
    assert (state.c.item(), state.h.item()) == (19, 95)


def test_only_one_of_the_24_gate_orders_passes_the_lstm_by_hand():
    passing = [order for order in map("".join, permutations("ifgo")) if lstm_by_hand(order)[0] == (95, 19)]
    assert passing == ["ifgo"]


def test_forget_bias_is_added_to_the_forget_gate_alone():
    # As above with f = 3 + 10 = 13: c = 13·7 − 2 = 89, h = 5·89 = 445.
    state, gates = lstm.step(
        LSTM_INPUTS,
        lstm.State(rational([2]), rational([7])),
        Weights(None, LSTM_KERNEL),
        activation=LINEAR,
        recurrent_activation=RELU,
        forget_bias=10,
    )
    assert gates["f"].item() == 13
    assert state == (445, 89)


# Two units, so that (r · h) U and r · (h U) differ. Hard gates, linear candidate; h = (4, −2).
# z: a = xw_z + h U_z = (−1, 1) + (4·0 − 2·(−½), 4·¼ − 2·½) = (0, 1)     -> (1/2, 7/10)
# r: a = xw_r + h U_r = (½, 0) + (4·½ − 2·0, 4·0 − 2·½)     = (5/2, −1)   -> (1, 3/10)
GRU_KERNEL = rational(["0", "1/4", "1/2", "0", "1", "3"], ["-1/2", "1/2", "0", "1/2", "-2", "5"])
GRU_INPUTS = rational(["-1", "1", "1/2", "0", "1", "-1"])


@pytest.mark.parametrize(
    ("reset_after", "n", "h"),
    [
        # h U_n = (4 + 4, 12 − 10) = (8, 2); n = (1, −1) + (1·8, 3/10·2) = (9, −2/5)
        # h = z h + (1 − z) n = (2 + 9/2, −7/5 − 3/10·2/5) = (13/2, −38/25)
        (True, ["9", "-2/5"], ["13/2", "-38/25"]),
        # r · h = (4, −3/5); (r · h) U_n = (4 + 6/5, 12 − 3) = (26/5, 9); n = (31/5, 8)
        # h = (2 + 31/10, −7/5 + 3/10·8) = (51/10, 1)
        (False, ["31/5", "8"], ["51/10", "1"]),
    ],
)
def test_gru_by_hand(reset_after, n, h):
    state, gates = gru.step(
        GRU_INPUTS,
        gru.State(rational([4, -2])),
        Weights(None, GRU_KERNEL),
        activation=LINEAR,
        recurrent_activation=HARD,
        reset_after=reset_after,
    )
    assert gates["z"].tolist() == rational(["1/2", "7/10"]).tolist()
    assert gates["r"].tolist() == rational(["1", "3/10"]).tolist()
    assert gates["n"].tolist() == rational(n).tolist()
    assert state.h.tolist() == rational(h).tolist()


def test_the_recurrent_bias_of_the_gru_is_inside_the_reset():
    # As above, reset after, with d = (0, 0, 0, 0, 1, 10): n = (1, −1) + (1·9, 3/10·12) = (10, 13/5)
    _, gates = gru.step(
        GRU_INPUTS,
        gru.State(rational([4, -2])),
        Weights(None, GRU_KERNEL, None, rational([0, 0, 0, 0, 1, 10])[0]),
        activation=LINEAR,
        recurrent_activation=HARD,
    )
    assert gates["n"].tolist() == rational(["10", "13/5"]).tolist()


def number(value):
    return DIGITS.mpf(float(value))


def dot(row, column):
    return sum((number(a) * number(b) for a, b in zip(row, column, strict=True)), DIGITS.mpf(0))


def sigma(a):
    return 1 / (1 + DIGITS.exp(-a))


def lstm_of_50_digits(xw, h, c, U, d, units):
    """(h, c) of one row, unit by unit."""
    new = []
    for k in range(units):
        i, f, g, o = (
            number(xw[q * units + k]) + dot(h, U[:, q * units + k]) + number(d[q * units + k]) for q in range(4)
        )
        cell = sigma(f) * number(c[k]) + sigma(i) * DIGITS.tanh(g)
        new.append((sigma(o) * DIGITS.tanh(cell), cell))
    return zip(*new, strict=True)


def gru_of_50_digits(xw, h, U, d, units, reset_after):
    def gate(q, k):
        column = q * units + k
        return sigma(number(xw[column]) + dot(h, U[:, column]) + number(d[column]))

    z, r = ([gate(q, k) for k in range(units)] for q in (0, 1))
    new = []
    for k in range(units):
        column = 2 * units + k
        if reset_after:
            recurrent = r[k] * (dot(h, U[:, column]) + number(d[column]))
        else:
            recurrent = sum(r[j] * number(h[j]) * number(U[j, column]) for j in range(units)) + number(d[column])
        n = DIGITS.tanh(number(xw[column]) + recurrent)
        new.append(z[k] * number(h[k]) + (1 - z[k]) * n)
    return [new]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("cell", "reset"), [("lstm", {}), ("gru", {"reset_after": True}), ("gru", {"reset_after": False})]
)
def test_within_4e_16_of_50_digits(cell, reset, seed):
    rng, units, batch = np.random.default_rng(seed), 4, 3
    columns = units * len(module(cell).gates)
    xw, d = rng.normal(size=(batch, columns)), rng.normal(size=columns) / 3
    U = rng.normal(size=(units, columns)) / np.sqrt(units)
    state = module(cell).State(*(rng.uniform(-1, 1, (batch, units)) for _ in module(cell).State._fields))
    new, _ = module(cell).step(xw, state, Weights(None, U, None, d), **reset)
    exact = {"lstm": lstm_of_50_digits, "gru": gru_of_50_digits}[cell]
    for row in range(batch):
        want = exact(xw[row], *(field[row] for field in state), U, d, units, **reset)
        for got_field, want_field in zip(new, want, strict=True):
            for got, value in zip(got_field[row], want_field, strict=True):
                assert abs(number(got) - value) <= 4e-16


def test_gates_are_split_and_fused_by_letter():
    a = np.arange(24).reshape(2, 12)
    z, r, n = split(a, "zrn")
    assert [part.tolist() for part in (z, n)] == [[[0, 1, 2, 3], [12, 13, 14, 15]], [[8, 9, 10, 11], [20, 21, 22, 23]]]
    assert np.array_equal(fuse([z, r, n]), a)
    with pytest.raises(ValueError, match=r"gate axis must be a multiple of 4 \(gates 'ifgo'\), got 30"):
        split(np.zeros((2, 30)), "ifgo")


def test_affine_over_any_leading_axes():
    x, kernel, bias = np.arange(24.0).reshape(2, 4, 3), np.arange(6.0).reshape(3, 2), np.array([10.0, -10.0])
    want = np.einsum("btx,xh->bth", x, kernel)
    assert np.array_equal(affine(x, kernel, None), want)
    assert np.array_equal(affine(x, kernel, bias), want + bias)
    assert affine(np.zeros((2, 0, 3)), kernel, bias).shape == (2, 0, 2)


def test_the_options_of_a_cell_are_those_of_its_step():
    lstm = ["activation", "output_activation", "recurrent_activation", "forget_bias", "cells_per_block"]
    assert list(options("lstm")) == lstm
    assert list(options("gru")) == ["activation", "recurrent_activation", "reset_after"]
    assert list(options("simple_rnn")) == ["activation"]
    with pytest.raises(ValueError, match=r"cell must be one of simple_rnn, .*, gru, .*got 'lstn'"):
        options("lstn")
