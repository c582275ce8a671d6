"""Every row of the table in docs/tf1.md: TF1 has the class, we have the counterpart, and both give the same numbers."""

from __future__ import annotations

import importlib
import importlib.util
import re
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "tf1.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", PAGE, re.MULTILINE))
B, X = 4, 3


class Doubles:
    """Of a class of cells to derive one's own from: what such a cell says."""

    state_size = output_size = X

    def call(self, inputs, state):
        return inputs + 2 * state, inputs - state


# A cell of each class, from a function that gives the class of a name.
CELLS = {
    "RNNCell": lambda get: type("Own", (Doubles, get("RNNCell")), {})(),
    "BasicRNNCell": lambda get: get("BasicRNNCell")(4),
    "GRUCell": lambda get: get("GRUCell")(4),
    "BasicLSTMCell": lambda get: get("BasicLSTMCell")(4),
    "LSTMCell": lambda get: get("LSTMCell")(4, use_peepholes=True, cell_clip=0.5, num_proj=2, proj_clip=0.1),
    "LSTMStateTuple": lambda get: get("BasicLSTMCell")(4, state_is_tuple=True),
    "MultiRNNCell": lambda get: get("MultiRNNCell")([get("BasicLSTMCell")(4), get("GRUCell")(3)]),
    "DropoutWrapper": lambda get: get("DropoutWrapper")(
        get("GRUCell")(4), output_keep_prob=0.5, variational_recurrent=True, dtype="float32", seed=1
    ),
    "ResidualWrapper": lambda get: get("ResidualWrapper")(get("GRUCell")(X)),
    "DeviceWrapper": lambda get: get("DeviceWrapper")(get("GRUCell")(4), "cpu:0"),
}


@pytest.fixture(scope="module")
def live():
    """tf.compat.v1.nn.rnn_cell, as it is in tf-keras."""
    if importlib.util.find_spec("tf_keras") is None:
        pytest.skip("tf_keras IS NOT INSTALLED: docs/tf1.md was NOT compared with TensorFlow 1's cells")
    from tf_keras.api._v1.keras.__internal__.legacy import rnn_cell

    return rnn_cell


def here(name):
    module, _, attribute = ROWS[name].rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def test_the_table_has_all_ten(live):
    assert sorted(ROWS) == sorted(name for name in dir(live) if not name.startswith("_"))
    assert sorted(ROWS) == sorted(CELLS)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_gives_tf1s_numbers(name, live):
    import tensorflow as tf

    tf.random.set_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TF1's cells call themselves deprecated
        theirs, ours = CELLS[name](lambda name: getattr(live, name)), CELLS[name](here)
    rng = np.random.default_rng(0)
    for cell in theirs, ours:  # builds it
        cell(tf.ones((B, X)), cell.zero_state(B, "float32"))
    for pair in zip(leaf_weights(theirs), leaf_weights(ours), strict=True):
        drawn = rng.standard_normal(pair[0].shape) / 3
        for weight in pair:
            weight.assign(drawn)
    if name == "DropoutWrapper":
        masks = importlib.import_module("cells.dropout_wrapper").DropoutMasks
        ours.masks = masks(output=np.floor(0.5 + theirs._recurrent_output_noise))
    states = [cell.zero_state(B, "float32") for cell in (theirs, ours)]
    for x in rng.standard_normal((3, B, X)).astype("float32"):
        training = {"training": True} if name == "DropoutWrapper" else {}
        results = theirs(tf.constant(x), states[0]), ours(x, states[1], **training)
        states = [state for _, state in results]
        for a, b in zip(tf.nest.flatten(results[0]), keras.tree.flatten(results[1]), strict=True):
            assert np.abs(a - b).max() <= 16 * 2.0**-24
            assert np.abs(a).max() > 0.01
    if name == "LSTMStateTuple":
        assert type(states[0]) is live.LSTMStateTuple
        assert type(states[1]) is here(name)
        assert states[1]._fields == states[0]._fields
        assert here(name)(np.zeros(2), np.zeros(2)).dtype == live.LSTMStateTuple(np.zeros(2), np.zeros(2)).dtype
    else:
        assert type(ours) is here(name) or name == "RNNCell"


def leaf_weights(cell):
    """In the order of the cells that run; TF1's wrappers list none of their own."""
    parts = getattr(cell, "_cells", None) or getattr(cell, "cells", None) or [getattr(cell, "cell", None)]
    return [w for part in parts for w in leaf_weights(part)] if parts != [None] else list(cell.weights)


def test_python_blocks_run_one_after_another():
    namespace = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/tf1.md", "exec"), namespace)
    assert namespace["c"].shape == (8, 3)
