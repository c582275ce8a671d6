"""`cells.LSTM`, `GRU` and `SimpleRNN` under TensorFlow: compiled or not, twice in one graph, differentiated again."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cells
from cells import autograd, sequence

B, T, X, H = 2, 4, 3, 4
KINDS = {
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {}),
    "gru reset before": ("GRU", {"reset_after": False}),
    "simple_rnn": ("SimpleRNN", {}),
}
MASK = np.array([[True, False, True, True], [False, True, True, False]])


def normal(seed, *size):
    return np.random.default_rng(seed).normal(size=size)


def twins(kind, dtype="float64", **options):
    name, own = KINDS[kind]
    layers = [
        getattr(home, name)(H, dtype=dtype, return_sequences=True, **own, **options) for home in (cells, keras.layers)
    ]
    for layer in layers:
        layer.build((B, T, X))
        layer.set_weights([normal(9 + k, *w.shape) / np.sqrt(X + H) for k, w in enumerate(layer.weights)])
    return layers


def assert_close(ours, stock, limit=1e-11):
    for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(stock), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= limit * max(np.abs(b).max(), 1e-3)


def inputs(dtype="float64"):
    import tensorflow as tf

    return tf.constant(normal(0, B, T, X), dtype), tf.constant(normal(1, B, T, H), dtype)


def gradients(layer, x, d, mask=None, training=True):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, mask=mask, training=training)
        total = tf.reduce_sum(y * d)
    return [y, *tape.gradient(total, [x, *[w.value for w in layer.weights]])]


@pytest.mark.parametrize("mask", [None, MASK], ids=["", "masked"])
@pytest.mark.parametrize("jit", [None, False, True], ids=["eager", "graph", "jit"])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_keras(kind, jit, mask):
    import tensorflow as tf

    ours, stock = twins(kind)
    x, d = inputs()
    run = lambda x, d: gradients(ours, x, d, mask)
    got = run(x, d) if jit is None else tf.function(run, jit_compile=jit)(x, d)
    assert_close(got, gradients(stock, x, d, mask))


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "jit"])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_batch_in_compiled_parts_is_keras(kind, jit, monkeypatch):
    """Of sizes not known before the run: eight rows and three, and three, which leave a second part empty."""
    import tensorflow as tf

    monkeypatch.setattr(autograd, "_cores", lambda: 2)
    sequence.recurrence.cache_clear()
    ours, stock = twins(kind)
    spec = [tf.TensorSpec((None, T, n), "float64") for n in (X, H)] + [tf.TensorSpec((None, T), "bool")]
    run = tf.function(lambda *given: gradients(ours, *given), input_signature=None if jit else spec, jit_compile=jit)
    for rows in (11, 3):
        x, d = tf.constant(normal(0, rows, T, X)), tf.constant(normal(1, rows, T, H))
        mask = tf.constant(normal(2, rows, T) > -0.5)
        assert_close(run(x, d, mask), gradients(stock, x, d, mask))
    sequence.recurrence.cache_clear()


def test_gradients_outside_training_are_keras():
    ours, stock = twins("lstm")
    x, d = inputs()
    assert_close(*(gradients(layer, x, d, MASK, training=False) for layer in (ours, stock)))


def test_lengths_not_known_before_the_run_and_a_second_use_in_one_graph():
    import tensorflow as tf

    ours, stock = twins("gru")
    x, d = inputs()

    def twice(layer):
        @tf.function(
            input_signature=[tf.TensorSpec((None, None, X), "float64"), tf.TensorSpec((None, None, H), "float64")]
        )
        def run(x, d):
            with tf.GradientTape() as tape:
                total = tf.reduce_sum((layer(x) + 2 * layer(x[:, ::-1])) * d)
            return tape.gradient(total, [w.value for w in layer.weights])

        return run

    ours, stock = twice(ours), twice(stock)
    assert_close(ours(x, d), stock(x, d))
    assert_close(ours(x[:1, :2], d[:1, :2]), stock(x[:1, :2], d[:1, :2]))


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_second_derivatives_are_keras(kind, graph):
    import tensorflow as tf

    def second(layer, x, d):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(layer(x) * d)
            (first,) = tape.gradient(total, [x])
            penalty = tf.reduce_sum(first**2)
        return outer.gradient(penalty, [x, *[w.value for w in layer.weights[:2]]])

    ours, stock = twins(kind)
    x, d = inputs()
    make = tf.function if graph else (lambda f: f)
    assert_close(make(lambda x, d: second(ours, x, d))(x, d), second(stock, x, d))


def test_forward_mode_is_keras():
    import tensorflow as tf

    found = []
    for layer in twins("lstm"):
        x, _ = inputs()
        with tf.autodiff.ForwardAccumulator(x, tf.constant(normal(4, B, T, X))) as forward:
            y = layer(x)
        found.append(forward.jvp(y))
    assert_close(*found)


def test_vectorized_map_is_keras():
    import tensorflow as tf

    ours, stock = twins("lstm")
    x = tf.constant(normal(3, 3, B, T, X))
    assert_close(tf.vectorized_map(ours, x), tf.map_fn(stock, x))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_half_precision_gradients_are_as_near_as_keras(kind):
    import tensorflow as tf

    _, exact = twins(kind)
    half = twins(kind, "mixed_float16")
    x, d = inputs()
    want = gradients(exact, x, d, MASK)
    errors = []
    for layer in half:
        got = gradients(layer, tf.cast(x, "float16"), tf.cast(d, "float16"), MASK)
        errors.append(max(np.abs(np.asarray(a, "float64") - b).max() for a, b in zip(got, want, strict=True)))
    assert errors[0] <= 4 * max(errors[1], 2.0**-10)


def test_a_default_fit_is_keras():
    x, y = normal(0, 5, T, X), normal(1, 5, T, H)
    ends = []
    for layer in twins("lstm", "float32"):
        model = keras.Sequential([keras.Input((None, X)), keras.layers.Masking(), layer])
        model.compile("sgd", "mse")  # on a CPU alone, Keras does not compile it
        model.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0)
        ends.append([*model.get_weights(), model.predict(x, verbose=0)])
    assert_close(*ends, limit=1e-5)


def test_an_exported_model_gives_the_same(tmp_path):
    import tensorflow as tf

    ours, stock = twins("lstm", "float32")
    model = keras.Sequential([keras.Input((T, X)), ours])
    model.export(tmp_path, verbose=False)
    x = tf.cast(inputs()[0], "float32")
    loaded = tf.saved_model.load(tmp_path)
    assert_close(loaded.serve(x), stock(x), 1e-5)
