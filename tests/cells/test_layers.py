"""`cells.LSTM`, `GRU` and `SimpleRNN` beside `keras.layers`' own: numbers, gradients, weights, configs, paths."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

import cells
from cells import autograd, derivatives, sequence

B, T, X, H = 3, 5, 3, 4
BACKEND = keras.backend.backend()
MASK = np.array([[False, True, False, True, True], [True, True, True, True, False], [False] * 5])
# Keras' own layers compute float64 in float32 on JAX and PyTorch, where they run in it at all.
CLOSE = {"float64": 1e-12, "float32": 2e-5} if BACKEND == "tensorflow" else {"float32": 2e-5}

KINDS = {
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {}),
    "gru reset before": ("GRU", {"reset_after": False}),
    "simple_rnn": ("SimpleRNN", {}),
}
OPTIONS = {
    "plain": {},
    "sequences": {"return_sequences": True},
    "masked": {"mask": True},
    "masked sequences": {"mask": True, "return_sequences": True},
    "zero output": {"mask": True, "return_sequences": True, "zero_output_for_mask": True},
    "zero last output": {"mask": True, "zero_output_for_mask": True},
    "backwards": {"go_backwards": True, "return_sequences": True},
    "backwards masked": {"go_backwards": True, "return_sequences": True, "mask": True},
    "no bias": {"use_bias": False, "return_sequences": True},
    "implementation 1": {"implementation": 1, "return_sequences": True},
    "unrolled": {"unroll": True, "return_sequences": True},
    "swish": {"activation": "swish"},
}
# Each takes JAX a second or two.
CHOSEN = OPTIONS if BACKEND == "tensorflow" else ("masked sequences", "backwards")
ACTIVATIONS = {"relu", "linear", "softsign", "hard_sigmoid", "sigmoid"}


pytestmark = pytest.mark.usefixtures("uncompiled")


def normal(seed, *size):
    return np.random.default_rng(seed).normal(size=size)


def twins(kind, dtype="float32", **options):
    """Ours and Keras', with the same asymmetric weights."""
    name, own = KINDS[kind]
    if name == "SimpleRNN":
        options.pop("implementation", None)
    layers = [getattr(home, name)(H, dtype=dtype, **own, **options) for home in (cells, keras.layers)]
    for layer in layers:
        layer.build((B, T, X))
        layer.set_weights([normal(9 + k, *w.shape) / np.sqrt(X + H) for k, w in enumerate(layer.weights)])
    return layers


def fast(layer, mask=None, training=False):
    return layer.fast_steps(mask, training) is not None


def call(layer, x, states, mask, training=True):
    return keras.tree.flatten(layer(x, initial_state=list(states), mask=mask, training=training))


def loss(outputs):
    """That which asks each element of each output for another gradient."""
    return sum(
        ops.sum(ops.cast(ops.convert_to_tensor(normal(50 + k, *y.shape)), y.dtype) * y) for k, y in enumerate(outputs)
    )


def tensorflow_gradients(layer, x, states, mask):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch([x, *states])
        outputs = call(layer, x, states, mask)
        total = loss(outputs)
    return outputs, tape.gradient(total, [x, *states, *[w.value for w in layer.weights]])


def jax_gradients(layer, x, states, mask):
    import jax

    def run(x, states, weights):
        with keras.StatelessScope(zip(layer.weights, weights, strict=True)):
            outputs = call(layer, x, states, mask)
            return loss(outputs), outputs

    (_, outputs), d = jax.value_and_grad(run, argnums=(0, 1, 2), has_aux=True)(
        x, states, [w.value for w in layer.weights]
    )
    return outputs, jax.tree.leaves(d)


def torch_gradients(layer, x, states, mask):
    import torch

    wanted = [x, *states]
    for one in wanted:
        one.requires_grad_(True)
    outputs = call(layer, x, states, mask)
    return outputs, torch.autograd.grad(loss(outputs), wanted + [w.value for w in layer.weights])


def outputs_and_gradients(layer, mask=None, seed=0):
    """Outputs and states, and the gradients of inputs, initial states and weights, as arrays."""
    dtype = layer.compute_dtype
    count = len(layer.get_initial_state(B))
    x = ops.convert_to_tensor(normal(seed, B, T, X).astype(dtype))
    states = [ops.convert_to_tensor(np.tanh(normal(seed + 1 + k, B, H)).astype(dtype)) for k in range(count)]
    mask = None if mask is None else ops.convert_to_tensor(mask)
    both = globals()[f"{BACKEND}_gradients"](layer, x, states, mask)
    return [np.asarray(ops.convert_to_numpy(t)) for t in keras.tree.flatten(both)]


def assert_close(ours, stock, limit):
    assert len(ours) == len(stock)
    for k, (a, b) in enumerate(zip(ours, stock, strict=True)):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        apart = np.abs(a - b).max() / max(np.abs(b).max(), 1e-3)
        assert apart <= limit, f"array {k}: {apart:.2g} apart, allowed {limit:.2g}"


@pytest.mark.any_backend
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_gradients_are_keras(kind, name, dtype):
    options = dict(OPTIONS[name])
    mask = MASK if options.pop("mask", False) else None
    ours, stock = twins(kind, dtype, return_state=True, **options)
    assert fast(ours, mask) == (name not in ("unrolled", "swish"))
    assert_close(outputs_and_gradients(ours, mask), outputs_and_gradients(stock, mask), CLOSE[dtype])


@pytest.mark.parametrize("activation", [*sorted(ACTIVATIONS), cells.hard_sigmoid_keras2, cells.sigmoid_in_2])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_every_activation_are_keras(kind, activation):
    options = {"activation": activation}
    if kind != "simple_rnn":
        gate = activation if activation in ("hard_sigmoid", cells.hard_sigmoid_keras2) else "sigmoid"
        options["recurrent_activation"] = gate
    ours, stock = twins(kind, "float64", return_sequences=True, **options)
    assert fast(ours)
    assert_close(outputs_and_gradients(ours), outputs_and_gradients(stock), CLOSE["float64"])


def test_every_slope_is_the_difference_quotient():
    x = np.array([-3.1, -2.7, -1.2, -0.3, 0.4, 1.7, 2.6, 3.3])
    for function, slope in derivatives.SLOPES.items():
        value = lambda x, f=function: np.asarray(ops.convert_to_numpy(f(ops.convert_to_tensor(x)))).astype("float64")
        quotient = (value(x + 1e-5) - value(x - 1e-5)) / 2e-5
        got = ops.convert_to_numpy(slope(ops.convert_to_tensor(value(x))))
        assert np.abs(got - quotient).max() <= 1e-9, function


@pytest.mark.any_backend
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rates", [{"dropout": 0.4}, {"dropout": 0.4, "recurrent_dropout": 0.3}, {"dropout": 1.0}])
def test_dropout_draws_keras_masks(kind, rates):
    ours, stock = twins(kind, seed=5, return_sequences=True, **rates)
    assert fast(ours, training=True) == (rates == {"dropout": 0.4})
    x = normal(0, B, T, X).astype("float32")
    a, b = (ops.convert_to_numpy(layer(x, training=True)) for layer in (ours, stock))
    np.testing.assert_allclose(a, b, atol=2e-6)
    if rates == {"dropout": 0.4}:
        assert np.abs(a - ops.convert_to_numpy(ours(x))).max() > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_stateful_layers_carry_on_as_keras(kind):
    ours, stock = twins(kind, stateful=True)
    for seed in range(3):
        x = normal(seed, B, T, X).astype("float32")
        a, b = (ops.convert_to_numpy(layer(x)) for layer in (ours, stock))
        np.testing.assert_allclose(a, b, atol=2e-6)
        if seed == 1:
            ours.reset_state()
            stock.reset_state()


@pytest.mark.parametrize("kind", KINDS)
def test_config_and_names_are_keras(kind):
    name, own = KINDS[kind]
    stock_class, our_class = getattr(keras.layers, name), getattr(cells, name)
    stock = stock_class(H, name="it", dropout=0.2, return_state=True, kernel_regularizer="l2", **own)
    ours = our_class.from_config(stock.get_config())
    assert ours.get_config() == stock.get_config()
    assert our_class(2).name.rstrip("_0123456789") == stock_class(2).name.rstrip("_0123456789")
    for layer in (ours, stock):
        layer.build((None, T, X))
    assert [(w.path, w.shape) for w in ours.weights] == [(w.path, w.shape) for w in stock.weights]


@pytest.mark.parametrize("kind", KINDS)
def test_files_go_both_ways(kind, tmp_path):
    ours, stock = ([keras.Input((T, X)), layer] for layer in twins(kind, return_sequences=True))
    ours, stock = keras.Sequential(ours), keras.Sequential(stock)
    x = normal(0, B, T, X).astype("float32")
    ours.save(tmp_path / "ours.keras")
    back = keras.saving.load_model(tmp_path / "ours.keras")
    assert type(back.layers[-1]) is type(ours.layers[-1])
    np.testing.assert_array_equal(back.predict(x, verbose=0), ours.predict(x, verbose=0))
    stock.layers[-1].set_weights([w + 0.5 for w in stock.layers[-1].get_weights()])
    stock.save_weights(tmp_path / "stock.weights.h5")
    ours.load_weights(tmp_path / "stock.weights.h5")
    np.testing.assert_allclose(ours.predict(x, verbose=0), stock.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_bidirectional_and_half_precision_are_near_keras(kind):
    ours, stock = twins(kind, "mixed_float16", return_sequences=True)
    x = normal(0, B, T, X).astype("float32")
    for a, b in ((ours, stock), (keras.layers.Bidirectional(ours), keras.layers.Bidirectional(stock))):
        a.build((B, T, X))
        b.build((B, T, X))
        b.set_weights(a.get_weights())
        y = [ops.convert_to_numpy(layer(x)) for layer in (a, b)]
        assert y[0].dtype == y[1].dtype
        assert np.abs(y[0].astype("float32") - y[1]).max() <= 4e-3


def test_use_cudnn_is_refused_as_keras_refuses_it():
    layer = cells.LSTM(H, use_cudnn=True)
    with pytest.raises(ValueError, match="use_cudnn=True was specified"):
        layer(np.zeros((B, T, X), "float32"))


@pytest.mark.any_backend
@pytest.mark.skipif(BACKEND == "tensorflow", reason="test_layers_tensorflow.py has it")
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_second_derivatives_are_keras(kind):
    def twice(layer):
        if BACKEND == "jax":
            import jax

            first = jax.grad(lambda x: (layer(x, training=True) ** 2).sum())
            return jax.grad(lambda x: (first(x) ** 2).sum())(x)
        import torch

        x.requires_grad_(True)
        (first,) = torch.autograd.grad((layer(x, training=True) ** 2).sum(), x, create_graph=True)
        return torch.autograd.grad((first**2).sum(), x)[0]

    x = ops.convert_to_tensor(normal(0, B, T, X).astype("float32"))
    ours, stock = (ops.convert_to_numpy(twice(layer)) for layer in twins(kind, return_sequences=True))
    assert_close([ours], [stock], 1e-4)


# Planted mistakes: each must be seen by the comparison with Keras' gradients.


def test_a_slope_without_its_second_factor_is_seen(monkeypatch):
    monkeypatch.setitem(derivatives.SLOPES, keras.activations.sigmoid, lambda y: y)
    makers = derivatives.lstm_steps, derivatives.gru_steps
    for maker in makers:
        maker.cache_clear()
    try:
        for kind in ("lstm", "gru", "gru reset before"):
            assert_mistake(kind)
    finally:
        for maker in makers:
            maker.cache_clear()


def assert_mistake(kind, mask=None):
    ours, stock = twins(kind, "float64", return_sequences=True)
    with pytest.raises(AssertionError, match="apart"):
        assert_close(outputs_and_gradients(ours, mask), outputs_and_gradients(stock, mask), 1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lost", ["mask", "initial state"])
def test_a_lost_mask_or_initial_state_is_seen(kind, lost, monkeypatch):
    true = sequence.exact

    def planted(plain, forward, backward, *inputs):  # x, W, U, b, d, mask, and the states
        def wrong(inputs, kept, d_outputs):
            found = backward((*inputs[:5], None, *inputs[6:]) if lost == "mask" else inputs, kept, d_outputs)
            return (*found[:6], *(s * 0 for s in found[6:])) if lost == "initial state" else found

        return true(plain, forward, wrong, *inputs)

    monkeypatch.setattr(sequence, "exact", planted)
    assert_mistake(kind, MASK)


@pytest.fixture
def in_parts(monkeypatch):
    """Two rows of the three in one part, and one in another, whatever the machine's cores are."""
    monkeypatch.setattr(autograd, "ROWS", 1)
    monkeypatch.setattr(autograd, "_cores", lambda: 2)
    assert autograd.parts(B) == [2, 1]


@pytest.mark.any_backend
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", ["masked sequences", "masked", "sequences"])
def test_a_batch_in_parts_is_keras(kind, options, in_parts):
    given = dict(OPTIONS[options])
    mask = MASK if given.pop("mask", False) else None
    ours, stock = twins(kind, **given)
    assert_close(outputs_and_gradients(ours, mask), outputs_and_gradients(stock, mask), CLOSE["float32"])


@pytest.mark.parametrize("kind", KINDS)
def test_parts_put_together_in_another_order_are_seen(kind, in_parts, monkeypatch):
    true = sequence.join
    monkeypatch.setattr(sequence, "join", lambda parts, axis: true(list(parts)[::-1], axis))
    assert_mistake(kind, None)


def of_one_row(layer, mask):
    """The same call as `call`, of a batch of one that is not trained on."""
    states = [
        ops.convert_to_tensor(np.tanh(normal(1 + k, 1, H)).astype("float32"))
        for k, _ in enumerate(layer.get_initial_state(1))
    ]
    x = ops.convert_to_tensor(normal(0, 1, T, X).astype("float32"))
    mask = None if mask is None else ops.convert_to_tensor(mask[:1])
    return [np.asarray(ops.convert_to_numpy(t)) for t in call(layer, x, states, mask, training=False)]


@pytest.mark.any_backend
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", ["masked sequences", "plain", *(["no bias"] if BACKEND != "jax" else [])])
@pytest.mark.parametrize("small", [0, 2**16])
def test_a_single_row_is_keras(kind, options, small, monkeypatch):
    """Whose inputs meet a small kernel in the loop, and a large one before it."""
    sequence.recurrence.cache_clear()
    monkeypatch.setattr(sequence, "SMALL", small)
    monkeypatch.setattr(autograd, "_cores", lambda: 2)
    projected = []
    monkeypatch.setattr(sequence, "project", lambda *given: projected.append(0) or derivatives.project(*given))
    given = dict(OPTIONS[options])
    mask = MASK if given.pop("mask", False) else None
    ours, stock = twins(kind, **given)
    assert_close(of_one_row(ours, mask), of_one_row(stock, mask), CLOSE["float32"])
    assert (not projected) == (small > 0)
    sequence.recurrence.cache_clear()
