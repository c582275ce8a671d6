"""`read` against live layers of Keras 3, tf-keras, and Keras 3 over our cells: outputs and states at inference."""

import numpy as np
import pytest

import reference
from reference import Bidirectional, Layer, Stack

B, T, X, H = 2, 5, 3, 4
MASK = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 0, 1]], bool)  # row 1 begins with a masked step


def normal(*shape, seed=5):
    return np.random.default_rng(seed).normal(size=shape)


def states_of(cell, units=H):
    return [normal(B, units, seed=6), normal(B, units, seed=7)][: 1 + (cell == "LSTM")]


VARIANTS = {
    "plain": ({}, {}),
    "no bias": ({"use_bias": False}, {}),
    "last output only": ({}, {"return_sequences": False}),
    "backwards": ({}, {"go_backwards": True}),
    "stateful": ({}, {"stateful": True}),
    "unrolled": ({}, {"unroll": True}),
    "zero output for mask": ({}, {"zero_output_for_mask": True}),
    "dropout, ignored": ({"dropout": 0.5, "recurrent_dropout": 0.5}, {}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_layer(make, agree, cell, variant):
    cell_options, flags = VARIANTS[variant]
    agree(make(cell, cell_options, **flags))
    agree(make(cell, cell_options, **flags), mask=MASK, initial_state=states_of(cell))


def test_a_stateful_layer_starts_from_zeros_unless_told(make, randomise, cell):
    layer, x = make(cell, stateful=True), normal(B, T, X)
    layer(x)
    randomise(layer)
    layer.reset_states() if hasattr(layer, "reset_states") else layer.reset_state()
    first, second = (np.asarray(layer(x)[0]) for _ in range(2))
    read = reference.read(layer)
    assert read.run(x).outputs == pytest.approx(first, abs=2e-15)
    assert read.run(x, read.run(x).state).outputs == pytest.approx(second, abs=2e-15)
    assert np.abs(first - second).max() > 0.01
    assert read.stateful
    packed = reference.pack(read, "keras")
    assert packed.options["stateful"]
    assert reference.unpack("keras", packed.cell, packed.arrays, **packed.options).stateful


@pytest.mark.parametrize("dtype", ["float16", "float32", "mixed_float16", "mixed_bfloat16"])
def test_lower_precision(make, agree, cell, dtype):
    layer = make(cell, dtype=dtype)
    oracle = agree(layer, mask=MASK, precision=dtype.removeprefix("mixed_"))
    read = reference.read(layer)
    assert read.weights.kernel.dtype == ("float32" if "mixed" in dtype else dtype)
    assert oracle.outputs.dtype == "float64"


@pytest.mark.parametrize("framework", ["keras"], indirect=True)
@pytest.mark.parametrize(
    ("name", "reset"), [("LSTM", {}), ("GRU", {"reset_after": True}), ("GRU", {"reset_after": False})]
)
def test_256_units_over_200_steps(framework, agree, name, reset):
    x = normal(2, 200, 128)
    agree(getattr(framework.layers, name)(256, **reset, return_sequences=True, return_state=True, dtype="float64"), x)


@pytest.fixture(params=["keras", "tf_keras", "cells"])
def source(request):
    """A framework's layers, and the module of the cells to use in them."""
    framework = pytest.importorskip("tf_keras" if request.param == "tf_keras" else "keras")
    return framework.layers, pytest.importorskip("cells") if request.param == "cells" else framework.layers


def stack(source, *names, dtype="float64"):
    layers, cells = source
    return layers.StackedRNNCells(
        [getattr(cells, f"{n}Cell")(H + k, dtype=dtype) for k, n in enumerate(names)], dtype=dtype
    )


@pytest.mark.parametrize("names", [("LSTM", "GRU"), ("LSTM", "LSTM", "SimpleRNN"), ("GRU",)], ids=", ".join)
@pytest.mark.parametrize(
    "flags", [{}, {"go_backwards": True}, {"return_sequences": False}, {"zero_output_for_mask": True}], ids=str
)
def test_cells_in_a_stack(source, agree, names, flags):
    layer = source[0].RNN(
        stack(source, *names), dtype="float64", return_state=True, **{"return_sequences": True, **flags}
    )
    states = [states_of(name, H + k) for k, name in enumerate(names)]
    states = [fields if len(fields) > 1 else fields[0] for fields in states]
    run = agree(layer)
    if len(names) > 1:  # Keras 3 itself fails on a mask over a stack of one cell with one state
        agree(layer, mask=MASK, initial_state=states)
    assert isinstance(reference.read(layer), Stack)
    assert [tuple(state._fields) for state in run.state] == [("h", "c") if name == "LSTM" else ("h",) for name in names]


def test_a_list_of_cells_is_a_stack(source, agree):
    # Given float64 cells, Keras' own StackedRNNCells around them still casts the inputs to float32.
    layers, cells = source
    layer = layers.RNN([cells.LSTMCell(H), cells.GRUCell(H + 1)], return_sequences=True, return_state=True)
    agree(layer, mask=MASK, precision="float32")


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_a_bare_cell_is_a_layer_of_one_step(source, randomise, name):
    tf = pytest.importorskip("tensorflow")
    cell, x, states = getattr(source[1], f"{name}Cell")(H, dtype="float64"), normal(B, X), states_of(name)
    cell.build((None, X))
    randomise(cell)
    output, after = cell(tf.constant(x), [tf.constant(state) for state in states])
    run = reference.read(cell).run(x[:, None], states)
    assert isinstance(reference.read(cell), Layer)
    assert run.outputs[:, 0] == pytest.approx(np.asarray(output), abs=2e-15)
    for got, want in zip(run.state, after, strict=True):
        assert got == pytest.approx(np.asarray(want), abs=2e-15)


def test_a_bare_stack_of_cells(source, randomise):
    tf = pytest.importorskip("tensorflow")
    stacked, x = stack(source, "LSTM", "GRU"), normal(B, X)
    states = [states_of("LSTM", H), states_of("GRU", H + 1)]
    stacked.build((None, X))
    randomise(stacked)
    output, after = stacked(tf.constant(x), [[tf.constant(field) for field in state] for state in states])
    run = reference.read(stacked).run(x[:, None], states)
    assert run.outputs[:, 0] == pytest.approx(np.asarray(output), abs=2e-15)
    assert run.state[0].c == pytest.approx(np.asarray(after[0][1]), abs=2e-15)
    assert run.state[1].h == pytest.approx(np.asarray(after[1]).reshape(B, H + 1), abs=2e-15)


@pytest.mark.parametrize("make", ["keras", "tf_keras", "cells RNN"], indirect=True)
@pytest.mark.parametrize("return_sequences", [True, False], ids=["sequences", "last"])
@pytest.mark.parametrize(
    ("cell", "merge_mode"),
    [(name, mode) for name in ("LSTM", "GRU after") for mode in ("concat", "sum", "ave", "mul", None)]
    + [("SimpleRNN", "concat"), ("GRU before", "concat")],
)
def test_bidirectional(make, agree, layers_of, cell, merge_mode, return_sequences):
    inner = make(cell, return_sequences=return_sequences)
    layer = layers_of(inner).Bidirectional(inner, merge_mode=merge_mode, dtype="float64")
    states = [*states_of(cell), *(-state for state in states_of(cell))]
    agree(layer, initial_state=states)
    run = agree(layer, mask=MASK)
    assert isinstance(reference.read(layer), Bidirectional)
    assert run.state._fields == ("forward", "backward")


@pytest.mark.parametrize("make", ["keras", "tf_keras"], indirect=True)
def test_bidirectional_of_other_layers(make, agree, layers_of):
    forwards, backwards = make("LSTM"), make("GRU before", go_backwards=True)
    layers = layers_of(forwards)
    agree(layers.Bidirectional(forwards, backward_layer=backwards, dtype="float64"), mask=MASK)
    forwards, backwards = make("LSTM"), make("GRU before", go_backwards=True)
    agree(layers.Bidirectional(backwards, backward_layer=forwards, dtype="float64"), mask=MASK)
    cells = stack((layers, layers), "LSTM", "GRU")
    stacked = layers.RNN(cells, return_sequences=True, return_state=True, dtype="float64")
    agree(layers.Bidirectional(stacked, dtype="float64"), mask=MASK)
