"""`cells.LSTM`, `GRU` and `SimpleRNN` put where Keras' own stand: in configs, files, wrappers, models and policies."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest
from keras import ops

import cells

B, T, X, H = 4, 5, 3, 4
BACKEND = keras.backend.backend()
NAMES = ("LSTM", "GRU", "SimpleRNN")


pytestmark = pytest.mark.usefixtures("uncompiled")


def normal(seed, *size):
    return np.random.default_rng(seed).normal(size=size).astype("float32")


def asymmetric(model):
    """The model, with weights of which no two gates are alike."""
    model.set_weights(
        [normal(9 + k, *w.shape) / np.sqrt(X + H) if w.ndim else w for k, w in enumerate(model.get_weights())]
    )
    return model


def wrapped(home):
    """The layers inside of one another's wrappers, with masks that begin and end anywhere."""
    inputs = keras.Input((T, X))
    y = keras.layers.Masking()(inputs)
    y = keras.layers.Bidirectional(home.LSTM(H, return_sequences=True), merge_mode="sum")(y)
    back = home.GRU(H, return_sequences=True, go_backwards=True, reset_after=False)
    y = keras.layers.Bidirectional(home.GRU(H, return_sequences=True), backward_layer=back)(y)
    y = home.SimpleRNN(H, return_sequences=True, zero_output_for_mask=True)(y)
    single = keras.layers.Reshape((1, T, X))(inputs)  # a series of one sequence
    return keras.Model(inputs, [y, keras.layers.TimeDistributed(home.GRU(H, reset_after=False))(single)])


def masked(seed, batch=B):
    x = normal(seed, batch, T, X)
    x[normal(seed + 1, batch, T) < -0.5] = 0
    x[-1] = 0  # a sequence that is masked from start to end
    return x


def swapped(config):
    """A config of Keras with our layers named where Keras' own are."""
    if isinstance(config, list):
        return [swapped(part) for part in config]
    if not isinstance(config, dict):
        return config
    config = {key: swapped(value) for key, value in config.items()}
    if config.get("module") == "keras.layers" and config["class_name"] in NAMES:
        config |= {"module": "cells", "registered_name": f"gateproof>{config['class_name']}"}
    return config


def ours_in(model):
    """How many of its layers are ours, those in wrappers included."""
    return sum(type(layer).__module__ == "cells.sequence" for layer in model._flatten_layers())


def predictions(*models):
    return [model.predict(masked(3), verbose=0) for model in models]


def assert_same(ours, stock, limit=1e-5):
    for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(stock), strict=True):
        a, b = (np.asarray(ops.convert_to_numpy(t)) for t in (a, b))
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        apart = np.abs(a.astype("float64") - b).max() / max(np.abs(b).max(), 1e-3)
        assert apart <= limit, f"{apart:.2g} apart, allowed {limit:.2g}"


@pytest.mark.parametrize("name", NAMES)
def test_signature_and_documented_arguments_are_keras(name):
    ours, stock = getattr(cells, name), getattr(keras.layers, name)
    assert inspect.signature(ours) == inspect.signature(stock)
    assert inspect.signature(ours.call) == inspect.signature(stock.call)
    assert issubclass(ours, stock)
    assert keras.saving.get_registered_name(ours) == f"gateproof>{name}"
    assert keras.saving.get_registered_object(f"gateproof>{name}") is ours


def test_a_model_of_keras_with_its_classes_swapped_in_its_config():
    stock = asymmetric(wrapped(keras.layers))
    ours = keras.Model.from_config(swapped(stock.get_config()))
    assert (ours_in(ours), ours_in(stock)) == (6, 0)
    again = keras.Model.from_config(stock.get_config())
    assert [w.path for w in ours.weights] == [w.path for w in again.weights]
    ours.set_weights(stock.get_weights())
    assert_same(*predictions(ours, stock))


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_files_of_a_whole_model_go_both_ways(suffix, tmp_path):
    make = stacked if suffix == ".h5" else wrapped  # a Masking of the functional API does not come back from .h5
    models = [asymmetric(make(home)) for home in (cells, keras.layers)]
    for k, (model, other) in enumerate((models, models[::-1])):
        path = tmp_path / f"{k}{suffix}"
        if suffix == ".weights.h5":
            model.save_weights(path)
            other.set_weights([w + 1 for w in other.get_weights()])
            other.load_weights(path)
            back = other
        else:
            model.save(path)
            back = keras.saving.load_model(path)
            assert ours_in(back) == ours_in(model)
        assert_same(*predictions(back, model))


def test_a_file_of_keras_opens_with_our_layers(tmp_path):
    stock = asymmetric(wrapped(keras.layers))
    stock.save(tmp_path / "stock.keras")
    ours = keras.Model.from_config(swapped(keras.saving.load_model(tmp_path / "stock.keras").get_config()))
    ours.load_weights(tmp_path / "stock.keras")
    assert ours_in(ours) == 6
    assert_same(*predictions(ours, stock))


def test_a_clone_by_name():
    stock = asymmetric(
        keras.Sequential([keras.Input((T, X)), *(getattr(keras.layers, n)(H, return_sequences=True) for n in NAMES)])
    )
    ours = keras.models.clone_model(
        stock, clone_function=lambda layer: getattr(cells, type(layer).__name__).from_config(layer.get_config())
    )
    ours.set_weights(stock.get_weights())
    assert ours_in(ours) == ours_in(keras.models.clone_model(ours)) == 3
    assert_same(*predictions(ours, stock))


def fitted(model, x, y, **compiled):
    """Losses, weights and predictions after two epochs, whose last batch is a smaller one."""
    model.compile(keras.optimizers.Adam(0.01), "mse", **compiled)
    history = model.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0)
    return [np.array(history.history["loss"]), model.get_weights(), model.predict(x, verbose=0)]


def stacked(home, **options):
    return keras.Sequential(
        [keras.Input((None, X)), *(getattr(home, n)(H, return_sequences=True, **options) for n in NAMES)]
    )


CHECKED = {
    "kernel_regularizer": "l2",
    "recurrent_regularizer": "l1",
    "activity_regularizer": "l2",
    "kernel_constraint": "max_norm",
    "recurrent_constraint": "unit_norm",
    "bias_constraint": "non_neg",
}
deep = pytest.mark.deep
FITS = {
    "wrapped and masked": (wrapped, {}, {}),
    "regularized and constrained": (stacked, CHECKED, {}),
    "dropout of the global seed": (stacked, {"dropout": 0.3}, {}),
    "step by step": (stacked, {}, {"run_eagerly": True}),
    "two steps at a time": (stacked, {}, {"steps_per_execution": 2}),
    "an activation of its own": (stacked, {"activation": lambda x: ops.tanh(x) * 0.9}, {}),
    "compiled": (stacked, {}, {"jit_compile": True}),
    "not compiled": (stacked, {}, {"jit_compile": False}),
}
LONG = (
    "wrapped and masked",
    "step by step",
    "dropout of the global seed",
    "two steps at a time",
    "an activation of its own",
    "compiled",
    "not compiled",
)


@pytest.mark.parametrize("fit", [pytest.param(name, marks=[deep] if name in LONG else []) for name in FITS])
def test_fits_are_keras(fit):
    make, options, compiled = FITS[fit]
    found = []
    for home in (cells, keras.layers):
        keras.utils.set_random_seed(4)
        y = normal(1, 5, T, H)
        model = asymmetric(make(home, **options))
        found.append(fitted(model, masked(0, 5), [y, y[:, :1]] if make is wrapped else y, **compiled))
    assert_same(*found)


def test_one_model_takes_sequences_of_any_length():
    ours, stock = (asymmetric(stacked(home)) for home in (cells, keras.layers))
    for batch, length in ((B, T), (B, 1), (1, 2 * T)):
        x = normal(length, batch, length, X)
        assert_same(ours.predict(x, verbose=0), stock.predict(x, verbose=0))


@pytest.mark.parametrize(("dtype", "limit"), [("mixed_bfloat16", 0.1), ("float64", 1e-12), ("float16", 0.02)])
def test_policies_are_keras(dtype, limit):
    found = []
    for home in (cells, keras.layers):
        layers = [
            getattr(home, n)(H, return_sequences=True, recurrent_initializer="glorot_uniform", dtype=dtype)
            for n in NAMES
        ]
        model = asymmetric(keras.Sequential([keras.Input((None, X)), *layers]))
        found.append([model.predict(masked(3), verbose=0), *model.get_weights()])
    assert_same(*found, limit=limit)


def test_frozen_layers_and_cells_stay():
    found = []
    for home in (cells, keras.layers):
        model = asymmetric(stacked(home))
        model.layers[0].trainable = False
        model.layers[1].cell.trainable = False
        before = model.get_weights()
        found.append(fitted(model, masked(0, 5), normal(1, 5, T, H)))
        assert all((a == b).all() for a, b in zip(before[:6], found[-1][1][:6], strict=True))
        assert all((a != b).any() for a, b in zip(before[6:], found[-1][1][6:], strict=True))
    assert_same(*found)


def test_a_stateful_model_trains_and_is_reset_as_keras():
    x, y = normal(0, 2 * B, T, X), normal(1, 2 * B, H)
    found = []
    for home in (cells, keras.layers):
        layers = [home.LSTM(H, stateful=True, return_sequences=True), home.GRU(H, stateful=True, return_sequences=True)]
        model = asymmetric(
            keras.Sequential([keras.Input(batch_shape=(B, T, X)), *layers, home.SimpleRNN(H, stateful=True)])
        )
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=B, shuffle=False, verbose=0)
        carried = model.predict(x, batch_size=B, verbose=0)
        for layer in model.layers:
            layer.reset_state()
        fresh = model.predict(x, batch_size=B, verbose=0)
        assert np.abs(carried - fresh).max() > 1e-3
        found.append([carried, fresh, model.get_weights()])
    assert_same(*found)


@deep
def test_states_go_from_an_encoder_to_a_decoder():
    x, start, y = normal(0, 5, 7, X), normal(1, 5, T, X), normal(2, 5, T, H)
    found = []
    for home in (cells, keras.layers):
        encoded, decoded = keras.Input((None, X)), keras.Input((None, X))
        _, h, c = home.LSTM(H, return_state=True)(encoded)
        outputs, h, _ = home.LSTM(H, return_sequences=True, return_state=True)(decoded, initial_state=[h, c])
        outputs = home.GRU(H, return_sequences=True)(outputs, initial_state=h)
        found.append(fitted(asymmetric(keras.Model([encoded, decoded], outputs)), [x, start], y))
    assert_same(*found)


class Repeated(keras.Model):
    """One layer used twice in a row."""

    def __init__(self, home, **options):
        super().__init__(**options)
        self.layer = home.GRU(X, return_sequences=True)

    def call(self, x, training=False):
        return self.layer(self.layer(x, training=training), training=training)


def test_a_layer_used_twice_in_a_subclassed_model():
    found = []
    for home in (cells, keras.layers):
        model = Repeated(home)
        model(normal(0, 1, T, X))
        found.append(fitted(asymmetric(model), normal(0, 5, T, X), normal(1, 5, T, X)))
    assert_same(*found)


@pytest.mark.parametrize("name", NAMES)
def test_calls_without_state_give_outputs_seeds_and_states(name):
    found = []
    for home in (cells, keras.layers):
        layer = getattr(home, name)(H, stateful=True, dropout=0.4, seed=3)
        layer.build((B, T, X))
        asymmetric(layer)
        values = [
            [v.value for v in variables] for variables in (layer.trainable_variables, layer.non_trainable_variables)
        ]
        found.append(layer.stateless_call(*values, ops.convert_to_tensor(normal(0, B, T, X)), training=True))
    assert_same(*found)


@deep
def test_a_loaded_savedmodel_still_has_gradients(tmp_path):
    import tensorflow as tf

    x = tf.constant(normal(0, B, T, X))
    found = []
    for home in (cells, keras.layers):
        model = asymmetric(stacked(home))
        model.export(tmp_path / home.__name__, verbose=False)
        layer = keras.layers.TFSMLayer(tmp_path / home.__name__, call_endpoint="serve")
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        found.append([y, tape.gradient(y, x)])
    assert_same(*found)
