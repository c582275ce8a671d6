"""The wrappers beside TensorFlow 1's own, whose dropout masks are replayed: outputs, c and h of every step."""

from __future__ import annotations

import importlib.util
import json
import warnings
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras.layers import RNN

import cells
from cells import tf1
from cells.dropout_wrapper import DropoutMasks, DropoutWrapper, dropped
from cells.wrappers import DeviceWrapper, MultiRNNCell, ResidualWrapper

X, T, B = 4, 5, 4
BACKEND = keras.backend.backend()
# 2e-15 in float64, but for Keras' tanh on JAX, which computes float64 in float32.
UNITS = {"float32": 16, "float64": 16 * 2**29 if BACKEND == "jax" else 2e-15 / 2**-53}
WRAPPERS = (DropoutWrapper, ResidualWrapper, DeviceWrapper, MultiRNNCell)
OURS = SimpleNamespace(**{c.__name__: c for c in WRAPPERS}, **{name: getattr(tf1, name) for name in tf1.__all__})
ALL = {"input_keep_prob": 0.8, "output_keep_prob": 0.7, "state_keep_prob": 0.6}


def residual(x, output):
    return 0.5 * x - output


def c_alone(state):
    """A visitor that drops c and keeps h."""
    return type(state)(c=True, h=False) if hasattr(state, "_fields") else True


# `make(lib, d)`: a wrapped cell of either library, `d` the arguments that its dropout takes.
PLAIN = {
    "residual": lambda lib, _: lib.ResidualWrapper(lib.LSTMCell(X, use_peepholes=True)),
    "residual_fn": lambda lib, _: lib.ResidualWrapper(lib.GRUCell(X), residual),
    "device": lambda lib, _: lib.DeviceWrapper(lib.BasicLSTMCell(3), "cpu:0"),
    "stack": lambda lib, _: lib.MultiRNNCell([lib.BasicRNNCell(3), lib.BasicLSTMCell(2), lib.GRUCell(3)]),
    "stack of one": lambda lib, _: lib.MultiRNNCell([lib.LSTMCell(3, num_proj=2)]),
    "stack, joined": lambda lib, _: lib.MultiRNNCell(
        [lib.GRUCell(3), lib.BasicLSTMCell(2, state_is_tuple=False)], state_is_tuple=False
    ),
}
DROPPED = {
    "inputs": lambda lib, d: lib.DropoutWrapper(lib.BasicLSTMCell(3), **d(input_keep_prob=0.5)),
    "outputs": lambda lib, d: lib.DropoutWrapper(lib.BasicLSTMCell(3), **d(output_keep_prob=0.5)),
    "states": lambda lib, d: lib.DropoutWrapper(lib.BasicLSTMCell(3), **d(state_keep_prob=0.5)),
    "lstm": lambda lib, d: lib.DropoutWrapper(lib.LSTMCell(3, use_peepholes=True, num_proj=2), **d(**ALL)),
    "joined": lambda lib, d: lib.DropoutWrapper(lib.LSTMCell(3, state_is_tuple=False), **d(**ALL)),
    "gru": lambda lib, d: lib.DropoutWrapper(lib.GRUCell(3), **d(**ALL)),
    "visitor": lambda lib, d: lib.DropoutWrapper(lib.LSTMCell(3), **d(**ALL, dropout_state_filter_visitor=c_alone)),
    "residual outside": lambda lib, d: lib.ResidualWrapper(lib.DropoutWrapper(lib.LSTMCell(X), **d(**ALL))),
    "residual inside": lambda lib, d: lib.DropoutWrapper(lib.ResidualWrapper(lib.LSTMCell(X)), **d(**ALL)),
    "around a stack": lambda lib, d: lib.DropoutWrapper(
        lib.MultiRNNCell([lib.GRUCell(3), lib.DeviceWrapper(lib.BasicLSTMCell(2), "cpu:0")]), **d(**ALL)
    ),
    "in a stack": lambda lib, d: lib.MultiRNNCell(
        [lib.DropoutWrapper(lib.BasicLSTMCell(X), **d(**ALL)), lib.DropoutWrapper(lib.GRUCell(3), **d(**ALL))]
    ),
}


@pytest.fixture(scope="module")
def live():
    """tf.compat.v1.nn.rnn_cell, as it is in tf-keras."""
    if importlib.util.find_spec("tf_keras") is None:
        pytest.skip("tf_keras IS NOT INSTALLED: the wrappers were NOT compared with TensorFlow 1's")
    from tf_keras.api._v1.keras.__internal__.legacy import rnn_cell

    return rnn_cell


def within(cell, kind):
    """Every cell of a class within a cell, itself included, in the order in which they start to run."""
    parts = getattr(cell, "_cells", None) or getattr(cell, "cells", None) or [getattr(cell, "cell", None)]
    return [cell] * any(c.__name__ in kind for c in type(cell).mro()) + [
        c for part in parts if part is not None for c in within(part, kind)
    ]


LEAVES = ("BasicRNNCell", "BasicLSTMCell", "LSTMCell", "GRUCell")


@pytest.fixture
def pair(live, same_weights):
    """`pair(make, dtype, variational)`: TF1's cell and ours, with the same weights."""

    def build(make, dtype="float32", variational=False, lib=OURS):
        import tensorflow as tf

        required = {"variational_recurrent": True, "input_size": X, "dtype": dtype} if variational else {}
        # In TF1 a cell takes its dtype from its first inputs; its variational noise does not.
        tf.random.set_seed(1)
        with warnings.catch_warnings(), keras_dtype(dtype):
            warnings.simplefilter("ignore")  # TF1's cells call themselves deprecated
            theirs, ours = make(live, lambda **d: d | required), make(lib, lambda **d: d | required)
            theirs(tf.ones((B, X), dtype), theirs.zero_state(B, dtype))
            ours.build((B, X))
        for leaves in zip(within(theirs, LEAVES), within(ours, LEAVES), strict=True):
            same_weights(*leaves)
        return theirs, ours

    return build


class keras_dtype:
    """Keras' default dtype policy for a while."""

    def __init__(self, dtype):
        self.dtype = dtype

    def __enter__(self):
        self.before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.dtype)

    def __exit__(self, *_):
        keras.config.set_dtype_policy(self.before)


@pytest.fixture
def recorded(live, monkeypatch):
    """What tf.nn.dropout kept, call for call, as TF1's wrappers call it."""
    import tensorflow.compat.v2 as tf

    kept, dropout = [], tf.nn.dropout

    def record(x, *args, **kwargs):
        result = dropout(x, *args, **kwargs)
        kept.append((np.asarray(result) != 0) | (np.asarray(x) == 0))  # where x is 0, either gives 0
        return result

    monkeypatch.setattr(tf.nn, "dropout", record)
    return kept


def masks_of_a_step(wrapper, theirs, kept):
    """The masks of one wrapper, from those that TF1 drew in its order: inputs, states that are dropped, outputs."""
    parts = DropoutMasks(theirs._input_keep_prob, theirs._state_keep_prob, theirs._output_keep_prob)
    state = None
    before = kept.pop(0) if parts.input < 1 else None
    if parts.state < 1:
        drop = DropoutWrapper._filter(wrapper, wrapper.zero_state(B))
        state = tuple(kept.pop(0) if one else np.ones((1, 1)) for one in drop)
    return DropoutMasks(before, state, kept.pop(0) if parts.output < 1 else None)


def noise_of_a_sequence(theirs):
    """The masks of a variational wrapper of TF1, from the uniform noise that it keeps."""
    import tensorflow as tf

    floor = lambda noise, keep: np.floor(keep + noise.numpy())
    state = [floor(noise, theirs._state_keep_prob) for noise in tf.nest.flatten(theirs._recurrent_state_noise)]
    return DropoutMasks(
        floor(theirs._recurrent_input_noise, theirs._input_keep_prob) if theirs._input_keep_prob < 1 else None,
        tuple(state) if theirs._state_keep_prob < 1 else None,
        floor(theirs._recurrent_output_noise, theirs._output_keep_prob) if theirs._output_keep_prob < 1 else None,
    )


@pytest.fixture
def both(inputs, recorded):
    """Outputs and states of every step of TF1's cell, and of ours with TF1's masks, in two lists of arrays.

    Ours starts every step from TF1's state: a state that is dropped, and what was rounded in it, grows by
    1 / probability a step.
    """

    def run(theirs, ours, dtype="float32", variational=False):
        import tensorflow as tf

        wrappers = list(zip(*(within(cell, ("DropoutWrapper",)) for cell in (ours, theirs)), strict=True))
        state, results = theirs.zero_state(B, dtype), ([], [])
        for x in inputs(T, B, X).astype(dtype):
            given = [np.asarray(a) for a in tf.nest.flatten(state)]
            given = keras.tree.pack_sequence_as(ours.zero_state(B, dtype), given)
            recorded.clear()
            output, state = theirs(tf.constant(x), state)
            for wrapper, theirs_ in wrappers:
                if variational:
                    wrapper.masks = noise_of_a_sequence(theirs_)
                else:
                    wrapper.masks = masks_of_a_step(wrapper, theirs_, recorded)
            assert not recorded
            step = ours(x, given, training=True)
            assert [type(a).__name__ for a in nodes(step[1])] == [type(a).__name__ for a in nodes(state)]
            for result, arrays in zip(
                results, (tf.nest.flatten((output, state)), keras.tree.flatten(step)), strict=True
            ):
                result.extend(keras.ops.convert_to_numpy(a) for a in arrays)
        return results

    return run


def nodes(state):
    """A state's structures, outermost first."""
    return [state, *(node for part in state for node in nodes(part))] if isinstance(state, tuple) else []


def at_most(dtype, expected):
    """Units of half a last place at 1, for values that dropout has made larger than 1."""
    return UNITS[dtype] * max(1, *(np.abs(a).max() for a in expected))


@pytest.mark.any_backend
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("variational", [False, True], ids=["every step", "variational"])
@pytest.mark.parametrize("name", PLAIN | DROPPED)
def test_every_step_equals_tf1(name, variational, dtype, pair, both, assert_close):
    theirs, ours = both(*pair((PLAIN | DROPPED)[name], dtype, variational), dtype, variational)
    assert_close(ours, theirs, units=at_most(dtype, theirs))


@pytest.mark.any_backend
@pytest.mark.parametrize("name", DROPPED)
def test_variational_layers_equal_tf1(name, pair, both, inputs, arrays, assert_close):
    """Keras' RNN with TF1's masks: one for all steps and for the whole batch."""
    theirs, ours = pair(DROPPED[name], variational=True)
    steps, _ = both(theirs, ours, variational=True)
    layer = RNN(ours, return_state=True)
    states = len(keras.tree.flatten(ours.zero_state(B)))
    expected = steps[-1 - states :]
    units = at_most("float32", expected) / 0.5**T  # each step enlarges what was rounded before by 1 / probability
    assert_close(arrays(layer(np.swapaxes(inputs(T, B, X), 0, 1), training=True)), expected, units=units)


# --- mistakes that must be seen


class DropsC(DropoutWrapper):
    def _filter(self, state):
        return [True] * len(keras.tree.flatten(state))


class OldState(DropoutWrapper):
    """State dropout on the way in."""

    def call(self, inputs, state, training=False):
        masks, (c, h) = self.masks, state
        state = tf1.LSTMStateTuple(c, dropped(h, masks.state[1], 0.6))
        output, state = self.cell(dropped(inputs, masks.input, 0.8), state)
        return dropped(output, masks.output, 0.7), state


class OutputOfDroppedState(DropoutWrapper):
    def call(self, inputs, state, training=False):
        _, state = super().call(inputs, state, training)
        return dropped(state[1], self.masks.output, 0.7), state


class Unscaled(DropoutWrapper):
    def call(self, inputs, state, training=False):
        output, state = super().call(inputs, state, training)
        return output * 0.7, state


class OneMask(DropoutWrapper):
    """One mask for the whole batch, where TF1 draws one a row."""

    def call(self, inputs, state, training=False):
        self._given = keras.tree.map_structure(lambda mask: mask[:1], self.masks)
        return super().call(inputs, state, training)


class AddsToState(ResidualWrapper):
    def call(self, inputs, state, training=False):
        output, (c, _) = super().call(inputs, state)
        return output, tf1.LSTMStateTuple(c, output)


class Forgets(ResidualWrapper):
    def call(self, inputs, state, training=False):
        return self.cell(inputs, state)


class Backwards(MultiRNNCell):
    def call(self, inputs, state, training=False):
        return super().call(inputs, state[::-1])


MISTAKES = {
    "c dropped": ({"DropoutWrapper": DropsC}, lambda lib, d: lib.DropoutWrapper(lib.BasicLSTMCell(3), **d(**ALL))),
    "state dropout on the old state": ({"DropoutWrapper": OldState}, DROPPED["residual inside"]),
    "output dropout sees the dropped h": ({"DropoutWrapper": OutputOfDroppedState}, DROPPED["residual outside"]),
    "not scaled": ({"DropoutWrapper": Unscaled}, DROPPED["residual outside"]),
    "residual in the state": ({"ResidualWrapper": AddsToState}, PLAIN["residual"]),
    "residual forgotten": ({"ResidualWrapper": Forgets}, PLAIN["residual"]),
    "residual before dropout": (
        {
            "ResidualWrapper": lambda cell: cell,
            "DropoutWrapper": lambda cell, **d: DropoutWrapper(ResidualWrapper(cell), **d),
        },
        DROPPED["residual outside"],
    ),
    "one mask for the batch": ({"DropoutWrapper": OneMask}, DROPPED["gru"]),
    "states of the stack exchanged": (
        {"MultiRNNCell": Backwards},
        lambda lib, _: lib.MultiRNNCell([lib.GRUCell(3), lib.GRUCell(3)]),
    ),
}


@pytest.mark.any_backend
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_seen(mistake, pair, both, assert_close):
    wrong, make = MISTAKES[mistake]
    theirs, ours = both(*pair(make, lib=SimpleNamespace(**{**vars(OURS), **wrong})))
    with pytest.raises(AssertionError, match="u apart"):
        assert_close(ours, theirs, units=1000 * UNITS["float32"])


# --- inside Keras


@pytest.mark.any_backend
def test_models_with_every_wrapper_come_back(tmp_path, inputs, assert_equal):
    with keras.saving.custom_object_scope({"residual": residual, "c_alone": c_alone}):
        stack = MultiRNNCell(
            [
                DropoutWrapper(tf1.LSTMCell(X), **ALL, seed=3, input_size=X, dropout_state_filter_visitor=c_alone),
                ResidualWrapper(DeviceWrapper(cells.LSTMCell(X), "cpu:0"), residual),
                DropoutWrapper(keras.layers.GRUCell(3), 0.5, variational_recurrent=True),
            ]
        )
        model = keras.Sequential([keras.Input((T, X)), RNN(stack, unroll=True)])
        model.save(tmp_path / "model.keras")
        restored = keras.saving.load_model(tmp_path / "model.keras")
    back = restored.layers[0].cell
    assert json.dumps(back.get_config()) == json.dumps(stack.get_config())  # lists for tuples
    assert back.cells[0].dropout_state_filter_visitor is c_alone
    assert_equal(restored(inputs(B, T, X)), model(inputs(B, T, X)))


@pytest.mark.any_backend
def test_joined_states_run_in_a_layer_and_come_back(inputs, assert_equal):
    stack = MultiRNNCell([tf1.GRUCell(3), tf1.BasicLSTMCell(2, state_is_tuple=False)], state_is_tuple=False)
    layer = RNN(stack, return_state=True)
    output, state = layer(inputs(B, T, X))
    assert tuple(state.shape) == (B, 7)
    assert_equal(output, state[:, -2:])
    restored = RNN.from_config(layer.get_config())
    restored.build((B, T, X))
    restored.set_weights(layer.get_weights())
    assert_equal(restored(inputs(B, T, X)), [output, state])


def test_devices_are_those_of_tf1s_graph(live):
    """Where a step's product, and the zeros to start from, are placed."""
    import tensorflow as tf

    def places(cell):
        zeros = cell.zero_state(B, tf.float32)
        cell(tf.ones((B, X)), zeros)
        products = [op for op in tf.compat.v1.get_default_graph().get_operations() if op.type == "MatMul"]
        return zeros.op.device, {op.device for op in products}

    with tf.Graph().as_default(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = places(live.DeviceWrapper(live.GRUCell(3), "cpu:0"))
    ours, found = DeviceWrapper(tf1.GRUCell(3), "cpu:0"), []
    ours.build((None, X))
    tf.function(lambda: found.append(places(ours)))()
    assert found == [theirs] == [("/device:CPU:0", {"/device:CPU:0"})]


# --- refusals


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: DropoutWrapper(3), TypeError, "cell must have call and state_size and get_initial_state"),
        (
            lambda: DropoutWrapper(tf1.GRUCell(3), 1.5),
            ValueError,
            "input_keep_prob must be above 0 and at most 1, got 1.5",
        ),
        (lambda: DropoutWrapper(tf1.GRUCell(3), 1, 0.0), ValueError, "output_keep_prob must be above 0"),
        (lambda: DropoutWrapper(tf1.GRUCell(3), dropout_state_filter_visitor=3), TypeError, "must be a function"),
        (lambda: DropoutWrapper(tf1.GRUCell(3), input_size=5).build((None, X)), ValueError, "the inputs, 4, got 5"),
        (lambda: ResidualWrapper(tf1.GRUCell(3))(np.ones((B, X)), np.ones((B, 3))), ValueError, "got 4 and 3"),
        (lambda: ResidualWrapper(tf1.GRUCell(3))(np.ones((B, 1)), np.ones((B, 3))), ValueError, "got 1 and 3"),
        (lambda: DeviceWrapper(tf1.GRUCell(3), None), TypeError, "device must be a string"),
        (lambda: MultiRNNCell(tf1.GRUCell(3)), TypeError, "cells must be a list or tuple"),
        (lambda: MultiRNNCell([]), ValueError, "one or more"),
        (lambda: MultiRNNCell([tf1.GRUCell(3)] * 2), ValueError, "none of them twice"),
        (lambda: MultiRNNCell([tf1.LSTMCell(3)], state_is_tuple=False), ValueError, "give state_is_tuple=True"),
        (lambda: MultiRNNCell([tf1.GRUCell(3)])(np.ones((B, X)), ()), ValueError, "one a cell, 1, got 0"),
    ],
)
def test_what_is_not_supported_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
