"""Training: with ours as with Keras' own cells, from the same weights to the same weights."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
from keras.layers import RNN

BATCH = {"batch_size": 2, "shuffle": False, "verbose": 0}
# JAX without jit runs operation by operation, for minutes.
NO_JIT = "auto" if keras.backend.backend() == "jax" else False
DROPOUT = {"dropout": 0.3, "recurrent_dropout": 0.3, "seed": 7}


@pytest.fixture
def twins(every_case, same_weights):
    """`twins(cases, **options)`: a model in which each cell runs beside Keras' own, from the same weights.

    All in one, since compiling is what takes the time. Its outputs are by turns ours and Keras'; nothing is shared
    between them, so that each is trained as if it were alone.
    """

    def build(cases=every_case, **options):
        x = keras.Input((None, 3))
        masked = keras.layers.Masking()(x)
        pairs = [[RNN(make(**options), return_sequences=True) for make in (case.ours, case.stock)] for case in cases]
        model = keras.Model(x, [layer(masked) for pair in pairs for layer in pair])
        for seed, pair in enumerate(pairs):
            same_weights(*pair, seed=seed)
        return model

    return build


@pytest.fixture
def data(inputs):
    """Inputs with masked steps, and as many targets as a model has outputs."""
    x = inputs()
    x[0, 1] = x[2, 0] = 0
    return lambda model: (x, [inputs(4, 5, 4, seed=5)] * len(model.outputs))


@pytest.fixture
def assert_twins(assert_close):
    """That ours and Keras' have the same weights, and none of them is as it was."""

    def check(model, before):
        assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True)), "a weight did not learn"
        layers = [layer for layer in model.layers if isinstance(layer, RNN)]
        assert_close([layer.weights for layer in layers[::2]], [layer.weights for layer in layers[1::2]])

    return check


@pytest.mark.parametrize(
    ("jit", "options"),
    [
        pytest.param(True, {}, id="jit"),
        pytest.param(NO_JIT, DROPOUT, id="no jit, dropout", marks=pytest.mark.any_backend),
    ],
)
def test_compiled_predict_and_fit_equal_keras(jit, options, twins, data, assert_close, assert_twins):
    model = twins(**options)
    model.compile("sgd", loss="mse", jit_compile=jit)
    x, targets = data(model)
    outputs = model.predict(x, verbose=0)
    assert_close(outputs[::2], outputs[1::2])
    before = model.get_weights()
    model.fit(x, targets, epochs=2, **BATCH)
    assert_twins(model, before)


def test_fit_takes_tf_data(case, twins, data, assert_twins):
    import tensorflow as tf

    model = twins([case])
    model.compile("sgd", loss="mse", jit_compile=False)
    x, targets = data(model)
    before = model.get_weights()
    model.fit(tf.data.Dataset.from_tensor_slices((x, tuple(targets))).batch(2).prefetch(1), shuffle=False, verbose=0)
    assert_twins(model, before)


@pytest.mark.any_backend
def test_regularizers_add_keras_losses(case, same_weights, arrays, assert_close):
    both = keras.regularizers.L1L2(0.1, 0.2)
    options = {"kernel_regularizer": "l2", "recurrent_regularizer": "l1", "bias_regularizer": both}
    layers = [RNN(make(**options)) for make in (case.ours, case.stock)]
    for layer in layers:
        layer.build((None, 5, 3))
    same_weights(*layers)
    ours, stock = layers
    assert len(ours.losses) == 3
    assert_close(ours.losses, stock.losses)
    assert min(arrays(ours.losses)) > 0


@pytest.mark.any_backend
def test_regularizers_and_constraints_act_in_fit(twins, data, assert_twins):
    model = twins(
        kernel_regularizer="l2",
        recurrent_regularizer="l1",
        bias_regularizer="l2",
        kernel_constraint="non_neg",
        recurrent_constraint=keras.constraints.MaxNorm(0.5),
        bias_constraint="unit_norm",
    )
    model.compile("sgd", loss="mse", jit_compile=NO_JIT)
    before = model.get_weights()
    model.fit(*data(model), **BATCH)
    assert_twins(model, before)
    for weight in model.weights:
        value = keras.ops.convert_to_numpy(weight)
        if weight.name == "kernel":
            assert value.min() == 0
        else:
            norms = np.sqrt((value**2).sum(axis=0))
            assert norms.max() <= 0.5 + 1e-6 if weight.name == "recurrent_kernel" else np.allclose(norms, 1, atol=1e-6)


def test_mirrored_on_two_devices():
    """In a process of its own: logical devices are made before TensorFlow starts."""
    program = """
        import keras, numpy as np, tensorflow as tf
        import cells

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        assert strategy.num_replicas_in_sync == 2
        rng = np.random.default_rng(0)
        with strategy.scope():
            x = keras.Input((5, 3))
            pairs = [
                [keras.layers.RNN(getattr(home, name)(4)) for home in (cells, keras.layers)]
                for name in ("SimpleRNNCell", "LSTMCell", "GRUCell")
            ]
            model = keras.Model(x, [layer(x) for pair in pairs for layer in pair])
            for pair in pairs:
                drawn = [rng.standard_normal(w.shape) / np.sqrt(7) for w in pair[0].weights]
                for layer in pair:
                    layer.set_weights(drawn)
            model.compile("sgd", loss="mse", jit_compile=False)
        before = model.get_weights()
        x, y = rng.standard_normal((4, 5, 3)), rng.standard_normal((4, 4))
        model.fit(x, [y] * 6, batch_size=4, verbose=0)
        assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
        for ours, stock in pairs:
            for a, b in zip(ours.get_weights(), stock.get_weights(), strict=True):
                print(np.abs(a - b).max() * 2**24)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    distances = [float(line) for line in done.stdout.split()]
    assert len(distances) == 9
    assert max(distances) <= 16
