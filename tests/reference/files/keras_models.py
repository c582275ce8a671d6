"""Models that the loading tests save, and what it means that two layers are the same."""

import itertools
from functools import cache

import numpy as np
import pytest

from reference import Bidirectional, Layer, Stack


def same(found, live, where=""):
    """Array for array, option for option; `source` alone may differ."""
    assert type(found) is type(live), where
    if isinstance(live, Bidirectional):
        assert found.merge_mode == live.merge_mode, where
        same(found.forward, live.forward, f"{where} forward")
        same(found.backward, live.backward, f"{where} backward")
        return
    assert (found.go_backwards, found.return_sequences) == (live.go_backwards, live.return_sequences), where
    if isinstance(live, Stack):
        assert len(found.layers) == len(live.layers), where
        for k, (one, other) in enumerate(zip(found.layers, live.layers, strict=True)):
            same(one, other, f"{where} {k}")
        return
    assert isinstance(live, Layer)
    for name in ("cell", "options", "direction", "zero_output_for_mask", "stateful"):
        assert getattr(found, name) == getattr(live, name), f"{where}: {name}"
    for name in live.weights._fields:
        one, other = getattr(found.weights, name), getattr(live.weights, name)
        assert (one is None) == (other is None), f"{where}: {name}"
        if other is not None:
            assert one.dtype == other.dtype, f"{where}: {name}"
            np.testing.assert_array_equal(one, other, f"{where}: {name}")


def all_same(found, live):
    """Two results of `load` or `read_model`, in the same order."""
    assert list(found) == list(live)
    for path in live:
        same(found[path], live[path], path)


def drawn(model, seed=0):
    """The model with weights that no permutation leaves as they are."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.7, w.shape).astype(str(w.dtype)) for w in model.get_weights()])
    return model


def every_option(keras):
    """One model with a layer for every value of every option, and for the pairs that matter together."""
    L = keras.layers
    leaky = "negative_slope" if keras.__name__ == "keras" else "alpha"
    functions = ["relu", "sigmoid", "linear", "hard_sigmoid", "softsign", "elu", None]
    layers = []
    for flags in itertools.product((False, True), repeat=3):
        options = dict(zip(("go_backwards", "return_sequences", "use_bias"), flags, strict=True))
        layers += [kind(3, **options) for kind in (L.LSTM, L.GRU, L.SimpleRNN)]
    for k, activation in enumerate(functions):
        for gate in ("sigmoid", "hard_sigmoid"):
            layers.append((L.LSTM, L.GRU)[k % 2](2, activation=activation, recurrent_activation=gate))
    for gate, after, bias in itertools.product(("sigmoid", "hard_sigmoid"), (False, True), (False, True)):
        layers.append(L.GRU(3, recurrent_activation=gate, reset_after=after, use_bias=bias))
    layers += [
        L.SimpleRNN(2, activation="hard_sigmoid"),
        L.LSTM(3, activation=L.LeakyReLU(**{leaky: 0.25})),
        L.LSTM(3, activation=keras.activations.tanh, recurrent_activation=keras.activations.hard_sigmoid),
        L.LSTM(3, unit_forget_bias=False, dropout=0.1, recurrent_dropout=0.2, implementation=1),
        L.LSTM(3, kernel_regularizer="l2", recurrent_constraint="max_norm", bias_initializer="ones"),
        L.GRU(3, unroll=True, return_state=True),
        L.LSTM(3, trainable=False),
        L.RNN(L.LSTMCell(3), zero_output_for_mask=True),
        L.RNN(L.GRUCell(3, reset_after=False, recurrent_activation="hard_sigmoid"), go_backwards=True),
        L.RNN(L.SimpleRNNCell(3, activation="relu"), return_sequences=True),
        L.RNN([L.LSTMCell(3), L.GRUCell(3), L.LSTMCell(3), L.SimpleRNNCell(2)], return_sequences=True),
        L.RNN(L.StackedRNNCells([L.GRUCell(3, use_bias=False), L.GRUCell(4)]), go_backwards=True),
        L.LSTM(1),
        L.LSTM(13),
    ]
    for mode in ("concat", "sum", "ave", "mul", None):
        layers.append(L.Bidirectional(L.LSTM(2, return_sequences=True), merge_mode=mode))
    layers += [
        L.Bidirectional(L.GRU(2, recurrent_activation="hard_sigmoid")),
        L.Bidirectional(L.LSTM(2), backward_layer=L.GRU(2, go_backwards=True, reset_after=False)),
        L.Bidirectional(L.RNN([L.LSTMCell(2), L.GRUCell(3)], return_sequences=True)),
        L.Bidirectional(L.RNN(L.GRUCell(2))),
    ]
    inputs = keras.Input((2, 5))
    flat = lambda out: out if isinstance(out, list | tuple) else [out]
    return drawn(keras.Model(inputs, [out for layer in layers for out in flat(layer(inputs))]))


def nested(keras):
    """Models in models, wrappers, a shared layer, and layers without weights."""
    L = keras.layers
    words = keras.Input((7,), dtype="int32", name="words")
    within = keras.Input((7, 6), name="within")
    deep = keras.Sequential(
        [keras.Input((7, 4)), L.GRU(4, return_sequences=True, name="gru_deep"), L.BatchNormalization()]
    )
    fixed = L.Dense(4, name="fixed")
    fixed.trainable = False
    part = L.GRU(4, return_sequences=True, name="gru")(L.BatchNormalization()(within))
    inner = keras.Model(within, deep(fixed(part)), name="inner")
    shared = L.LSTM(4, return_sequences=True, name="shared")
    outer = L.Embedding(9, 5)(words)
    outer = L.Bidirectional(L.LSTM(3, return_sequences=True), name="both")(outer)
    outer = inner(L.Dropout(0.3)(outer))
    outer = shared(shared(outer))
    tall = L.Reshape((7, 2, 2))(outer)
    timed = L.TimeDistributed(L.LSTM(4, name="within_time"), name="timed")(tall)
    per_step = keras.Sequential([keras.Input((2, 2)), L.GRU(3, name="gru"), L.Dense(2)], name="per_step")
    other = L.TimeDistributed(per_step, name="timed_model")(tall)
    h, *state = L.LSTM(3, return_state=True, name="encoder")(timed)
    last = L.LSTM(3, name="decoder")(other, initial_state=state)
    return drawn(keras.Model(words, [L.Dense(2)(L.concatenate([h, last])), L.Dense(1)(outer)], name="whole"))


def frozen(keras):
    """A nested model whose layers are partly not trained, so that its arrays stand in another order."""
    L = keras.layers
    layers = [keras.Input((None, 4)), L.LSTM(4, return_sequences=True, name="a"), L.BatchNormalization(name="norm")]
    layers += [L.LSTM(4, return_sequences=True, name="b"), L.GRU(4, name="c"), L.Dense(4, name="d")]
    inner = keras.Sequential(layers, name="inner")
    inner.get_layer("a").trainable = False
    inputs = keras.Input((None, 4))
    return drawn(keras.Model(inputs, L.Dense(1)(inner(inputs))))


def sequential(keras):
    """One layer after another, their names in no alphabetical order."""
    L = keras.layers
    layers = [keras.Input((6, 4)), L.Masking(), *(L.LSTM(4, return_sequences=True, name=name) for name in ("b", "a"))]
    return drawn(keras.Sequential([*layers, L.Bidirectional(L.GRU(4), name="both"), L.Dense(2)]))


MODELS = {"every_option": every_option, "nested": nested, "frozen": frozen, "sequential": sequential}


@cache
def model(framework, name):
    """One of MODELS, of one framework, made once."""
    return MODELS[name](pytest.importorskip(framework))


class Saved:
    """Models saved in one folder, each once a form."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, framework, name, file):
        path, live = self.folder / f"{framework}_{name}_{file}", model(framework, name)
        if not path.exists():
            (live.save_weights if "weights" in file else live.save)(path)
        return path, live
