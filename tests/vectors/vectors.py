"""The hand-worked vectors, and how the reference runs them."""

import json
from pathlib import Path

import numpy as np

from reference import Layer
from reference.steps import weights_type

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))


def layer(vector, dtype="float64"):
    Weights = weights_type(vector["cell"])
    arrays = [None if vector.get(name) is None else np.array(vector[name], dtype) for name in Weights._fields]
    return Layer(vector["cell"], Weights(*arrays), vector["options"], go_backwards=vector.get("go_backwards", False))


def inputs(vector, dtype="float64"):
    states = tuple(np.array(s, dtype) for s in vector["initial_state"])
    return np.array(vector["inputs"], dtype), states, vector.get("mask") and np.array(vector["mask"])


def gives(vector, of):
    """Whether a layer of the reference gives the vector's numbers, exactly."""
    run = of.run(*inputs(vector))
    equal = all(np.array_equal(got, np.array(want)) for got, want in zip(run.state, vector["state"], strict=True))
    return equal and ("outputs" not in vector or np.array_equal(run.outputs, np.array(vector["outputs"])))


def live(vector, Cell):
    """Outputs and last state, in float32, of a live Keras cell of any family inside its RNN, under TensorFlow."""
    import keras
    import tensorflow as tf
    import tf_keras

    w = layer(vector, "float32").weights
    family = tf_keras if Cell.__module__.startswith("tf_keras") else keras
    cell = Cell(len(vector["recurrent_kernel"]), **vector["options"])
    flags = {"return_sequences": True, "return_state": True, "go_backwards": vector.get("go_backwards", False)}
    rnn = family.layers.RNN(cell, **flags)
    x, initial, mask = inputs(vector, "float32")
    rnn.build(x.shape)
    bias = w.bias if w.recurrent_bias is None else np.stack([w.bias, w.recurrent_bias])
    arrays = {**w._asdict(), "bias": bias}
    rnn.set_weights([arrays[variable.name.split("/")[-1].split(":")[0]] for variable in rnn.weights])
    given = {} if mask is None else {"mask": tf.constant(mask)}
    carried = len(tf.nest.flatten(cell.state_size))  # the reference may carry more than this variant of a cell does
    outputs, *state = rnn(x, initial_state=[tf.constant(s) for s in initial[:carried]], **given)
    return np.array(outputs), [np.array(s) for s in state]


def live_gives(vector, Cell):
    """Whether a live cell gives the vector's numbers, exactly."""
    outputs, state = live(vector, Cell)
    equal = all(np.array_equal(got, np.array(want)) for got, want in zip(state, vector["state"], strict=False))
    return equal and np.array_equal(outputs, np.array(vector["outputs"]) if "outputs" in vector else state[0][:, None])
