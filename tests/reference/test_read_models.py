"""`read_model` on every kind of model, and what `read` refuses."""

import numpy as np
import pytest

from reference import Bidirectional, Layer, NotReadable, Stack, read, read_model

B, T, X, H = 2, 5, 3, 4


def recurrent(k):
    """Three layers, in order, with names."""
    return [
        k.layers.LSTM(H, return_sequences=True, name="first"),
        k.layers.Bidirectional(k.layers.GRU(H, return_sequences=True), name="both"),
        k.layers.RNN([k.layers.SimpleRNNCell(H), k.layers.LSTMCell(H)], name="stack"),
    ]


def sequential(k):
    first, both, stack = recurrent(k)
    return k.Sequential([k.Input((T, X)), first, k.layers.Dense(3), both, k.layers.Dropout(0.5), stack])


def functional(k, name=None):
    x = inputs = k.Input((T, X))
    for layer in recurrent(k):
        x = layer(x)
    return k.Model(inputs, k.layers.Dense(1)(x), name=name)


def nested(k):
    outer = k.layers.SimpleRNN(X, return_sequences=True, name="outer")
    return k.Sequential([k.Input((T, X)), outer, functional(k, "inner")])


def subclassed(k):
    class Model(k.Model):
        def __init__(self):
            super().__init__()
            self.parts = recurrent(k)
            self.head = k.layers.Dense(1)

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return self.head(x)

    model = Model()
    model(np.zeros((B, T, X), "float32"))
    return model


@pytest.mark.parametrize("build", [sequential, functional, subclassed])
def test_a_model_is_its_recurrent_layers_by_name_in_order(framework, build):
    model = build(framework)
    layers = read_model(model)
    assert list(layers) == ["first", "both", "stack"]
    assert list(map(type, layers.values())) == [Layer, Bidirectional, Stack]
    for path, layer in layers.items():
        live = next(part for part in model._flatten_layers() if part.name == path)
        x = np.random.default_rng(1).normal(size=(B, T, layer_inputs(layer))).astype("float32")
        assert layer.run(x).result == pytest.approx(np.asarray(live(x)), abs=2.0**-20)


def layer_inputs(layer):
    if isinstance(layer, Stack):
        return layer.layers[0].input_dim
    return layer.forward.input_dim if isinstance(layer, Bidirectional) else layer.input_dim


def test_a_nested_model_gives_paths(framework):
    assert list(read_model(nested(framework))) == ["outer", "inner/first", "inner/both", "inner/stack"]


def test_time_distributed_is_looked_into(framework):
    k = framework
    wrapped = k.layers.TimeDistributed(k.layers.LSTM(H, name="lstm"), name="each")
    model = k.Sequential([k.Input((6, T, X)), wrapped, k.layers.GRU(2, name="gru")])
    layers = read_model(model)
    assert list(layers) == ["each/lstm", "gru"]
    x = np.random.default_rng(1).normal(size=(B, 6, T, X)).astype("float32")
    rows = np.stack([layers["each/lstm"].run(x[:, step]).result for step in range(6)], axis=1)
    assert layers["gru"].run(rows).result == pytest.approx(np.asarray(model(x)), abs=2.0**-20)


def test_weights_are_copied_with_their_dtype(framework):
    layer = framework.layers.GRU(H, dtype="float64")
    layer.build((B, T, X))
    before = read(layer)
    kernel = before.weights.kernel.copy()
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    assert np.array_equal(before.weights.kernel, kernel)
    assert before.weights.kernel.dtype == "float64"
    assert not read(layer).weights.kernel.any()


def test_a_model_of_one_layer_of_a_name_twice_is_refused(framework):
    k = framework

    class Twice(k.Model):
        def __init__(self):
            super().__init__()
            self.parts = [k.layers.GRU(X, return_sequences=True, name="same") for _ in range(2)]

        def call(self, x):
            return self.parts[1](self.parts[0](x))

    model = Twice()
    model(np.zeros((B, T, X), "float32"))
    with pytest.raises(NotReadable, match="two layers of the model have the path 'same': give them names of their own"):
        read_model(model)


def test_a_model_says_which_layer_it_cannot_read(framework):
    k = framework
    model = k.Sequential([k.Input((T, X)), k.layers.LSTM(H, activation=lambda x: x, name="odd")])
    with pytest.raises(NotReadable, match=r"at odd: activation .*<lambda> is not known"):
        read_model(model)
    model = k.Sequential([k.Input((T, 8, X)), k.layers.ConvLSTM1D(2, 3, name="conv")])
    with pytest.raises(NotReadable, match=r"at conv: \w+ ConvLSTM1D 'conv' is no recurrent layer that can be read"):
        read_model(model)


def custom_cell(k):
    class Cell(k.layers.Layer):
        state_size = H

        def call(self, inputs, states):
            return inputs, states

    return k.layers.RNN(Cell())


def changed_call(k):
    class LSTMCell(k.layers.LSTMCell):
        def call(self, inputs, states, training=None):
            return super().call(2 * inputs, states, training=training)

    return k.layers.RNN(LSTMCell(H))


def changed_carry(k):
    class Peephole(k.layers.LSTMCell):
        def _compute_carry_and_output(self, x, h_tm1, c_tm1):
            return super()._compute_carry_and_output(x, h_tm1, 2 * c_tm1)

    return k.layers.RNN(Peephole(H))


def changed_property(k):
    class GRUCell(k.layers.GRUCell):
        @property
        def variables(self):
            return []

    return k.layers.RNN(GRUCell(H))


def changed_layer(k):
    class GRU(k.layers.GRU):
        def call(self, sequence, *args, **kwargs):
            return super().call(2 * sequence, *args, **kwargs)

    return GRU(H)


def dropout(k):
    return k.layers.LSTM(H, dropout=0.5)


NO_LAYER, NO_CELL = (
    "is no recurrent layer that can be read: give a LSTM, GRU",
    "is no cell that can be read: it must be one",
)
REFUSED = {
    "dense": (lambda k: k.layers.Dense(2), NO_LAYER),
    "convolutional": (lambda k: k.layers.ConvLSTM1D(2, 3), NO_LAYER),
    "custom cell": (custom_cell, NO_CELL),
    "changed call": (changed_call, NO_CELL),
    "changed carry": (changed_carry, NO_CELL),
    "changed property": (changed_property, NO_CELL),
    "changed layer": (changed_layer, NO_LAYER),
    "lambda": (lambda k: k.layers.GRU(H, recurrent_activation=lambda x: x), "<lambda> is not known"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(framework, case):
    make, sentence = REFUSED[case]
    layer = make(framework)
    layer.build((B, T, 8, X) if case == "convolutional" else (B, T, X))
    with pytest.raises(NotReadable, match=sentence) as error:
        read(layer)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("thing", [None, 3, "lstm", [1.0]])
def test_what_is_no_layer_is_refused(thing):
    with pytest.raises(NotReadable, match=NO_LAYER):
        read(thing)


def test_unbuilt_is_refused(framework):
    k = framework
    for layer in (k.layers.LSTM(H), k.layers.RNN([k.layers.GRUCell(H)]), k.layers.SimpleRNNCell(H)):
        with pytest.raises(NotReadable, match="has no weights yet: build it, or call it once"):
            read(layer)


def test_dropout_is_refused_in_training_alone(framework):
    for options in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}):
        layer = framework.layers.LSTM(H, **options)
        layer.build((B, T, X))
        assert read(layer).units == H
        with pytest.raises(NotReadable, match=r"has dropout=0\.\d.* whose masks are random in training: read it with"):
            read(layer, training=True)
    layer = framework.layers.LSTM(H)
    layer.build((B, T, X))
    assert read(layer, training=True).units == H


def test_other_orders_of_axes_and_states_are_refused():
    k = pytest.importorskip("tf_keras")
    layer = k.layers.LSTM(H, time_major=True)
    layer.build((T, B, X))
    with pytest.raises(NotReadable, match="has time_major=True"):
        read(layer)
    cells = k.layers.StackedRNNCells([k.layers.LSTMCell(H), k.layers.GRUCell(H)], reverse_state_order=True)
    cells.build((B, X))
    with pytest.raises(NotReadable, match="has reverse_state_order=True"):
        read(cells)


def test_a_subclass_that_changes_no_computation_is_read(framework, agree):
    class Renamed(framework.layers.LSTM):
        def __init__(self, units, note, **options):
            super().__init__(units, **options)
            self.note = note

        def get_config(self):
            return {**super().get_config(), "note": self.note}

        def describe(self):
            return self.note

    agree(Renamed(H, "mine", return_sequences=True, return_state=True, dtype="float64"))
