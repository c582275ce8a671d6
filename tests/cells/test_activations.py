"""Keras 2's hard sigmoid beside Keras 3's, which bears the same name there."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cells

POINTS = np.float32([-4, -3, -2.75, -2.5, -1.3, -0.0, 0.1, 1, 2.4, 2.5, 2.6, 3, 4, np.inf, -np.inf])


@pytest.mark.any_backend
def test_hard_sigmoid_keras2_is_its_formula(assert_close):
    expected = np.clip(np.float64(0.2) * POINTS + 0.5, 0, 1).astype("float32")
    assert_close(cells.hard_sigmoid_keras2(keras.ops.convert_to_tensor(POINTS)), expected, units=2)


def test_hard_sigmoid_keras2_is_keras_2s(assert_equal):
    tf_keras = pytest.importorskip("tf_keras")
    assert_equal(
        cells.hard_sigmoid_keras2(keras.ops.convert_to_tensor(POINTS)),
        tf_keras.activations.hard_sigmoid(keras.ops.convert_to_tensor(POINTS)),
    )


@pytest.mark.any_backend
def test_it_is_registered():
    assert keras.saving.get_registered_object("gateproof>hard_sigmoid_keras2") is cells.hard_sigmoid_keras2


@pytest.mark.any_backend
@pytest.mark.parametrize("given", ["hard_sigmoid_keras2", cells.hard_sigmoid_keras2], ids=["name", "function"])
@pytest.mark.parametrize("argument", ["activation", "recurrent_activation"])
def test_it_may_be_named_or_given_and_survives_the_config(given, argument):
    cell = cells.LSTMCell(4, **{argument: given})
    assert getattr(cell, argument) is cells.hard_sigmoid_keras2
    assert getattr(cells.LSTMCell.from_config(cell.get_config()), argument) is cells.hard_sigmoid_keras2


@pytest.mark.any_backend
def test_the_plain_name_is_keras_3s(arrays):
    assert cells.GRUCell(4, recurrent_activation="hard_sigmoid").recurrent_activation is keras.activations.hard_sigmoid
    old, new = (
        arrays(f(keras.ops.convert_to_tensor(POINTS)))[0]
        for f in (cells.hard_sigmoid_keras2, keras.activations.hard_sigmoid)
    )
    assert abs(old - new).max() == pytest.approx(1 / 12)


@pytest.mark.any_backend
def test_none_is_linear_as_in_keras(case):
    assert case.ours(activation=None).activation is case.stock(activation=None).activation
