"""A layer of `keras.layers`, or of ours in its place, at work on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from comparisons.benching.calls import Call
from comparisons.benching.work import Answer, Work, arrays
from reference import pack, unpack

CLASSES = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}


def call(job: str, work: Work, *, own: bool, jit: bool) -> Call:
    """The job as a call; `own`: this project's layer."""
    import keras

    import cells

    layer = getattr(cells if own else keras.layers, CLASSES[work.cell])(work.shape.H, return_sequences=True)
    layer.build(work.x.shape)
    layer.set_weights(list(pack(work.layer, "keras").arrays.values()))
    return JOBS[job](work, layer, jit)


def _step(work: Work, layer: Any, jit: bool) -> Call:
    """Forward and backward alone, as one function: no loss, no update."""
    import tensorflow as tf

    x, d_outputs = tf.constant(work.x), tf.constant(work.d_outputs)
    variables = [variable.value for variable in layer.trainable_variables]

    @tf.function(jit_compile=jit, autograph=False)
    def step(x: Any, d_outputs: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, training=True)
        return outputs, tape.gradient(outputs, [x, *variables], output_gradients=d_outputs)

    def run() -> Any:
        outputs, gradients = step(x, d_outputs)
        gradients[-1].numpy()
        return outputs, gradients

    def answer() -> Answer:
        outputs, (d_x, *gradients) = run()
        return {"outputs": outputs.numpy(), "inputs": d_x.numpy(), **_named(work, [d.numpy() for d in gradients])}

    return Call(run, answer)


def _fit(work: Work, layer: Any, jit: bool) -> Call:
    """What `fit` calls a batch: the model's own training function on a `tf.data` iterator, without the callbacks."""
    import keras
    import tensorflow as tf

    model: Any = keras.Sequential([keras.Input(work.x.shape[1:]), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=jit)  # the same weights at every step
    model.make_train_function()
    batches = iter(tf.data.Dataset.from_tensors((work.x, work.targets)).repeat())

    def run() -> float:
        return float(model.train_function(batches)["loss"])

    def answer() -> Answer:
        before = layer.get_weights()
        model.optimizer.learning_rate.assign(work.targets.size / 2)  # makes the mean of squares half their sum
        run()
        after = layer.get_weights()
        model.optimizer.learning_rate.assign(0.0)
        layer.set_weights(before)
        return _named(work, after)

    return Call(run, answer)


def _forward(work: Work, layer: Any, jit: bool) -> Call:
    """What `predict` calls a batch: the model's own predict function, without the callbacks."""
    import keras
    import tensorflow as tf

    model: Any = keras.Sequential([keras.Input(work.x.shape[1:]), layer])
    model.compile(jit_compile=jit)
    model.make_predict_function()
    x = tf.constant(work.x)

    def run() -> Any:
        return model.predict_function([(x,)]).numpy()

    return Call(run, lambda: {"outputs": np.asarray(run())})


JOBS: dict[str, Callable[[Work, Any, bool], Call]] = {"step": _step, "fit": _fit, "forward": _forward}


def _named(work: Work, given: list[Any]) -> Answer:
    """Arrays in the order of a layer's variables, under the names and in the order of gates of the reference."""
    packed = pack(work.layer, "keras")
    found: Any = unpack("keras", work.cell, dict(zip(packed.arrays, given, strict=True)), **packed.options)
    return arrays(found.weights)
