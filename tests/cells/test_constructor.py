"""Arguments, defaults, weights, config and errors of the cells, held against those of the installed Keras."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

import cells

pytestmark = pytest.mark.any_backend

NAMES = ["SimpleRNNCell", "LSTMCell", "GRUCell"]
# What a cell takes beyond Keras' own.
ADDED = {
    "SimpleRNNCell": {"use_recurrent_bias": False},
    "LSTMCell": {"forget_bias": 0.0, "output_activation": None, "cells_per_block": 1, "use_recurrent_bias": False},
}

# A value other than the default for every argument.
CHANGED = {
    "activation": "relu",
    "recurrent_activation": "hard_sigmoid",
    "use_bias": False,
    "kernel_initializer": "he_normal",
    "recurrent_initializer": "glorot_normal",
    "bias_initializer": "ones",
    "unit_forget_bias": False,
    "kernel_regularizer": "l2",
    "recurrent_regularizer": "l1",
    "bias_regularizer": "L1L2",
    "kernel_constraint": "max_norm",
    "recurrent_constraint": "non_neg",
    "bias_constraint": "unit_norm",
    "dropout": 0.25,
    "recurrent_dropout": 0.5,
    "reset_after": False,
    "seed": 7,
}


def parameters(kind):
    return {name: p.default for name, p in inspect.signature(kind).parameters.items()}


def changed(kind):
    """The non-default arguments that a class takes."""
    return {name: value for name, value in CHANGED.items() if name in parameters(kind)}


@pytest.fixture(params=NAMES)
def kinds(request):
    """Our class and Keras' own."""
    return getattr(cells, request.param), getattr(keras.layers, request.param)


def test_arguments_come_in_keras_order_with_keras_defaults(kinds):
    ours, stock = kinds
    own = ADDED.get(ours.__name__, {})
    expected = parameters(stock)
    rest = expected.pop("kwargs")
    assert list(parameters(ours).items()) == [*expected.items(), *own.items(), ("kwargs", rest)]
    assert inspect.signature(ours.__init__).parameters.keys() == {"self", *parameters(ours)}
    assert set(changed(ours)) == set(parameters(ours)) - {"units", "kwargs", *own}, "CHANGED must name every argument"


def test_arguments_may_be_given_by_position(kinds):
    ours, stock = kinds
    values = changed(stock).values()
    own = ADDED.get(ours.__name__, {})
    assert ours(5, *values, name="cell").get_config() == stock(5, *values, name="cell").get_config() | own


@pytest.mark.parametrize("which", ["defaults", "changed"])
def test_config_is_keras_own(kinds, which):
    ours, stock = kinds
    values = changed(stock) if which == "changed" else {}
    values |= {"units": 5, "name": "cell", "dtype": "float64", "trainable": False}
    own = ADDED.get(ours.__name__, {})
    config = ours(**values).get_config()
    assert config == stock(**values).get_config() | own
    assert ours.from_config(config).get_config() == config
    assert ours.from_config(stock(**values).get_config()).get_config() == config


def test_what_is_added_is_in_the_config():
    cell = cells.LSTMCell(4, forget_bias=1.5)
    assert cell.get_config()["forget_bias"] == 1.5
    assert cells.LSTMCell.from_config(cell.get_config()).forget_bias == 1.5


def test_rates_are_clipped_as_keras_clips_them(case):
    ours, stock = (make(dropout=1.5, recurrent_dropout=-0.5) for make in (case.ours, case.stock))
    assert (ours.dropout, ours.recurrent_dropout) == (stock.dropout, stock.recurrent_dropout) == (1.0, 0.0)


@pytest.mark.parametrize("use_bias", [True, False])
def test_weights_have_keras_names_shapes_and_sizes(case, use_bias):
    described = []
    for cell in case.ours(use_bias=use_bias, name="cell"), case.stock(use_bias=use_bias, name="cell"):
        assert not cell.weights
        cell.build((None, 3))
        described.append([(w.name, w.path, w.shape, w.dtype, w.trainable) for w in cell.weights])
        assert cell.built
        described.append((cell.state_size, cell.output_size, cell.count_params()))
        described.append([state.shape for state in cell.get_initial_state(2)])
    assert described[:3] == described[3:]


BIASES = {
    "default": {},
    "random": {"bias_initializer": keras.initializers.RandomNormal(seed=3)},
    "random, no unit_forget_bias": {
        "bias_initializer": keras.initializers.RandomNormal(seed=3),
        "unit_forget_bias": False,
    },
}


@pytest.mark.parametrize("bias", BIASES)
def test_seeded_initialisers_give_keras_weights(case, bias, assert_equal):
    def weights(make):
        own = {name: value for name, value in BIASES[bias].items() if name in parameters(type(make()))}
        cell = make(
            kernel_initializer=keras.initializers.GlorotUniform(seed=1),
            recurrent_initializer=keras.initializers.Orthogonal(seed=2),
            **own,
        )
        cell.build((None, 3))
        return cell.weights

    assert_equal(weights(case.ours), weights(case.stock))


@pytest.mark.parametrize("implementation", [1, 2])
def test_implementation_is_taken_and_not_written(case, implementation):
    assert "implementation" not in case.ours(implementation=implementation).get_config()


BAD = {
    "units 0": ({"units": 0}, ValueError, "units must be a positive integer, got 0"),
    "units -3": ({"units": -3}, ValueError, "units must be a positive integer, got -3"),
    "units 2.5": ({"units": 2.5}, ValueError, "units must be a positive integer, got 2.5"),
    "units True": ({"units": True}, ValueError, "units must be a positive integer, got True"),
    "units text": ({"units": "4"}, ValueError, "units must be a positive integer, got '4'"),
    "no units": ({}, TypeError, "missing a required argument: 'units'"),
    "implementation": ({"units": 4, "implementation": 3}, ValueError, "implementation must be 1 .* or 2 .*, got 3"),
    "unknown argument": ({"units": 4, "unit": 3}, ValueError, "Unrecognized keyword arguments .*'unit': 3"),
    "unknown activation": ({"units": 4, "activation": "tanhh"}, ValueError, "activation .*: tanhh"),
    "unknown initializer": ({"units": 4, "bias_initializer": "zeross"}, ValueError, "initializer .*: zeross"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_wrong_argument_is_one_clear_sentence(kinds, what):
    arguments, error, message = BAD[what]
    with pytest.raises(error, match=message) as raised:
        kinds[0](**arguments)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("SimpleRNNCell", "recurrent_activation"),
        ("LSTMCell", "reset_after"),
        ("GRUCell", "unit_forget_bias"),
        ("GRUCell", "forget_bias"),
    ],
)
def test_an_argument_of_another_cell_is_refused(name, argument):
    with pytest.raises(ValueError, match=f"Unrecognized keyword arguments.*{argument}"):
        getattr(cells, name)(4, **{argument: "sigmoid"})


def test_numpy_integers_are_units(case):
    cell = case.ours(np.int64(4))
    assert keras.layers.RNN(cell)(np.zeros((1, 2, 3), "float32")).shape == (1, 4)
    assert type(cell.get_config()["units"]) is int


def test_a_second_bias_needs_the_first():
    with pytest.raises(ValueError, match="use_recurrent_bias must come with use_bias"):
        cells.LSTMCell(4, use_bias=False, use_recurrent_bias=True)


@pytest.mark.parametrize("blocks", [0, 3, 2.0])
def test_blocks_divide_the_units(blocks):
    with pytest.raises(ValueError, match=r"cells_per_block must be a positive integer that divides units \(4\)"):
        cells.LSTMCell(4, cells_per_block=blocks).build((None, 3))


def test_a_forget_bias_is_a_number():
    with pytest.raises(ValueError, match="forget_bias must be a number, got 'a'"):
        cells.LSTMCell(4, forget_bias="a")
