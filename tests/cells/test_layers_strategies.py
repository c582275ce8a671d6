"""`cells.LSTM`, `GRU` and `SimpleRNN` on two replicas: their gradients add up to those of one device.

Each strategy runs in processes of its own: logical devices and clusters are made before TensorFlow starts. XLA is off,
as `cells.autograd.compiled` leaves it there: it does not tell the replicas of one host apart.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap

# Each replica has two rows of four; Keras' own layers on one device have all four.
GRADIENTS = """
    import keras, numpy as np, tensorflow as tf
    import cells

    def normal(seed, *size):
        return np.random.default_rng(seed).normal(size=size)

    STRATEGY
    B, T, X, H = 4, 5, 3, 4
    x, d = tf.constant(normal(0, B, T, X)), tf.constant(normal(1, B, T, H))
    mask = tf.constant(normal(2, B, T) < 0.5)
    kinds = [("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False}), ("SimpleRNN", {})]

    def make(home):
        layers = [getattr(home, name)(H, dtype="float64", return_sequences=True, **own) for name, own in kinds]
        for layer in layers:
            layer.build((None, T, X))
            layer.set_weights([normal(9 + k, *w.shape) / np.sqrt(X + H) for k, w in enumerate(layer.weights)])
        return layers

    def gradients(layers, x, d, mask):
        with tf.GradientTape() as tape:
            total = sum(tf.reduce_sum(layer(x, mask=mask, training=True) * d) for layer in layers)
        return tape.gradient(total, [w.value for layer in layers for w in layer.weights])

    with strategy.scope():
        ours = make(cells)
        assert all(layer.fast_steps(mask, True) is not None for layer in ours)

    def share(array):
        half = lambda context: array[2 * context.replica_id_in_sync_group :][:2]
        return strategy.experimental_distribute_values_from_function(half)

    @tf.function
    def on_two(*shares):
        each = strategy.run(lambda *of_one: gradients(ours, *of_one), shares)
        return [strategy.reduce("SUM", gradient, axis=None) for gradient in each]

    assert strategy.num_replicas_in_sync == 2
    got = on_two(*map(share, (x, d, mask)))
    want = gradients(make(keras.layers), x, d, mask)
    for a, b in zip(got, want, strict=True):
        print(np.abs(a - b).max() / np.abs(b).max())
"""

MIRRORED = """
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
"""

FIT = """
    with strategy.scope():
        inputs = keras.Input((T, X))
        pairs = [[getattr(home, name)(H, **own) for home in (cells, keras.layers)] for name, own in kinds]
        model = keras.Model(inputs, [layer(inputs) for pair in pairs for layer in pair])
        for ours, stock in pairs:
            stock.set_weights(ours.get_weights())
        model.compile("sgd", loss="mse", jit_compile=False)
    before = model.get_weights()
    model.fit(x, [d[:, 0]] * 8, batch_size=B, verbose=0)
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    for ours, stock in pairs:
        for a, b in zip(ours.get_weights(), stock.get_weights(), strict=True):
            print(np.abs(a - b).max() * 2**-29)  # 16 u of float32, as far as 1e-15 here
"""


def program(strategy, then=""):
    return textwrap.dedent(GRADIENTS.replace("\n    STRATEGY\n", strategy) + then)


def run(*processes):
    """Their standard outputs, once all are done."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", source], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for source, env in processes
    ]
    try:
        done = [process.communicate(timeout=150) for process in started]
    finally:
        for process in started:
            process.kill()
    for process, (_, stderr) in zip(started, done, strict=True):
        assert process.returncode == 0, stderr[-3_000:]
    return [stdout for stdout, _ in done]


def assert_near(output, lines, limit=1e-13):
    distances = [float(line) for line in output.split()]
    assert len(distances) == lines, output
    assert max(distances) <= limit, distances


def test_mirrored_on_two_logical_devices():
    (output,) = run((program(MIRRORED, FIT), os.environ))
    assert_near(output, 12 + 12)


def test_two_workers_of_a_cluster():
    """Through `strategy.run`: Keras 3's `fit` fails under this strategy, for any model."""
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("localhost", 0))
    workers = [f"localhost:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    source = program("\n    strategy = tf.distribute.MultiWorkerMirroredStrategy()\n")
    cluster = [{"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}} for index in range(2)]
    for output in run(*[(source, os.environ | {"TF_CONFIG": json.dumps(one)}) for one in cluster]):
        assert_near(output, 12)
