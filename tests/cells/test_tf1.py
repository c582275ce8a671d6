"""TensorFlow 1's cells beside tf.compat.v1's own, which still run in tf-keras: every option, outputs, c and h."""

from __future__ import annotations

import importlib.util
import itertools
import warnings

import keras
import numpy as np
import pytest
from keras.layers import RNN, Bidirectional

from cells import tf1
from cells.tf1 import rnn_cell

X, H, T, B = 3, 4, 5, 4
BACKEND = keras.backend.backend()
# 2e-15 in float64, but for Keras' tanh on JAX, which computes float64 in float32.
UNITS = {"float32": 16, "float64": 16 * 2**29 if BACKEND == "jax" else 2e-15 / 2**-53}
EVERYTHING = {"return_sequences": True, "return_state": True}

PROJECTIONS = {"": {}, " num_proj": {"num_proj": 2}, " proj_clip": {"num_proj": 2, "proj_clip": 0.05}}
CELLS = {
    "BasicRNNCell": ("BasicRNNCell", {}),
    "GRUCell": ("GRUCell", {}),
    "BasicLSTMCell": ("BasicLSTMCell", {}),
    "BasicLSTMCell joined": ("BasicLSTMCell", {"state_is_tuple": False}),
} | {
    f"LSTMCell{' peepholes' * peepholes}{' cell_clip' * bool(clip)}{projection}{' joined' * joined}": (
        "LSTMCell",
        {"use_peepholes": peepholes, "cell_clip": clip, "state_is_tuple": not joined, **PROJECTIONS[projection]},
    )
    for peepholes, clip, projection, joined in itertools.product((False, True), (None, 0.5), PROJECTIONS, (False, True))
}
FULL = "LSTMCell peepholes cell_clip proj_clip"  # every option of the cell that has most
SOME = ["BasicRNNCell", "GRUCell", "BasicLSTMCell", "BasicLSTMCell joined", FULL]
some = pytest.mark.parametrize("name", SOME)


@pytest.fixture(scope="module")
def live():
    """tf.compat.v1.nn.rnn_cell, as it is in tf-keras."""
    if importlib.util.find_spec("tf_keras") is None:
        pytest.skip("tf_keras IS NOT INSTALLED: the cells were NOT compared with TensorFlow 1's")
    from tf_keras.api._v1.keras.__internal__.legacy import rnn_cell

    return rnn_cell


@pytest.fixture
def pair(live, same_weights):
    """`pair(name, dtype, **options)`: TF1's cell and ours, built, with the same weights."""

    def make(name, dtype="float32", ours=tf1, **options):
        kind, given = CELLS[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TF1's cells call themselves deprecated
            theirs = getattr(live, kind)(H, dtype=dtype, **given | options)
        ours = getattr(ours, kind)(H, dtype=dtype, **given | options)
        for cell in theirs, ours:
            cell.build((None, X))
        same_weights(theirs, ours)
        return theirs, ours

    return make


@pytest.fixture
def steps(inputs):
    """`steps(cell)`: outputs and states of every step, from a state that is not zero, in one list of arrays."""

    def run(cell, dtype="float32"):
        x = inputs(T, B, X).astype(dtype)
        state = cell.zero_state(B, dtype)
        flat = [np.tanh(inputs(*s.shape, seed=9 + k)).astype(dtype) for k, s in enumerate(keras.tree.flatten(state))]
        state = keras.tree.pack_sequence_as(state, flat)
        results = []
        for t in range(T):
            output, state = cell(x[t], state)
            results += [output, *keras.tree.flatten(state)]
        return [keras.ops.convert_to_numpy(a) for a in results]

    return run


@pytest.mark.any_backend
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CELLS)
def test_every_step_equals_tf1(name, dtype, pair, steps, assert_close):
    lstm = "LSTM" in name
    more = [{}, {"activation": "softsign", **({"forget_bias": -0.5} if lstm else {})}]
    for options in [*more, {"forget_bias": 0.0}] if lstm and BACKEND == "tensorflow" else more:
        theirs, ours = pair(name, dtype, **options)
        assert_close(steps(ours, dtype), steps(theirs, dtype), units=UNITS[dtype])


@pytest.mark.any_backend
def test_clips_and_projections_act(steps, pair):
    """Without what they do, the options above would prove nothing."""
    plain = {"use_peepholes": False, "cell_clip": None, "proj_clip": None}
    full = steps(pair(FULL)[1])
    for option, off in plain.items():
        assert any(
            (np.abs(a - b) > 0.01).any() for a, b in zip(full, steps(pair(FULL, **{option: off})[1]), strict=True)
        )


@pytest.mark.any_backend
@pytest.mark.parametrize("name", CELLS)
def test_storage_is_tf1s(name, pair, assert_equal):
    theirs, ours = pair(name)
    named = [(w.name.removesuffix(":0").split("/", 1)[1].replace("/", "_"), tuple(w.shape)) for w in theirs.weights]
    assert [(w.name, tuple(w.shape)) for w in ours.weights] == named
    assert ours.output_size == theirs.output_size
    assert ours.state_size == theirs.state_size
    theirs, ours = theirs.zero_state(B, "float64"), ours.zero_state(B, "float64")
    assert type(ours).__name__ == type(theirs).__name__ or not keras.tree.is_nested(ours)
    assert_equal(ours, [np.asarray(a) for a in keras.tree.flatten(theirs)])


@pytest.mark.any_backend
@some
def test_a_state_comes_back_in_the_form_in_which_it_was_given(name, pair, inputs, assert_equal):
    """In a list, as Keras' RNN and its stacks give it, or in TF1's own form."""
    _, ours = pair(name)
    given = ours.zero_state(B), ours.get_initial_state(B)
    results = [ours(inputs(B, X), state)[1] for state in given]
    assert_equal(*results)
    for state, result in zip(given, results, strict=True):
        keras.tree.assert_same_structure(state, result)
        assert isinstance(result, list) == isinstance(state, list)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("name", "option", "given"),
    [
        ("GRUCell", "kernel_initializer", ("ones", "zeros")),
        ("GRUCell", "bias_initializer", ("ones", "zeros")),
        (FULL, "initializer", ("ones", "zeros")),
        ("BasicRNNCell", None, ()),
        ("BasicLSTMCell", None, ()),
    ],
)
def test_weights_start_as_tf1s(name, option, given, live, assert_equal):
    kind, options = CELLS[name]
    for value in [None, *given]:
        more = {option: value} if option else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = getattr(live, kind)(64, dtype="float32", **options | more)
        ours = getattr(tf1, kind)(64, **options | more)
        for cell in theirs, ours:
            cell.build((None, X))
        for a, b in zip(ours.weights, theirs.weights, strict=True):
            a, b = keras.ops.convert_to_numpy(a), b.numpy()
            if len(np.unique(b)) == 1:  # ones or zeros
                assert_equal(a, b)
            else:  # drawn, between the same bounds
                fans = a.shape if a.ndim == 2 else (a.shape[0], a.shape[0])
                bound = np.sqrt(6 / sum(fans))
                assert max(abs(a).max(), abs(b).max()) <= bound
                assert min(abs(a).max(), abs(b).max()) > bound / 2


@pytest.mark.any_backend
def test_hard_sigmoid_is_keras_2s_in_tf1(live, same_weights, steps, assert_close):
    with pytest.raises(ValueError, match="hard_sigmoid_keras2"):
        tf1.GRUCell(H, "hard_sigmoid")
    ours = tf1.BasicLSTMCell(H, activation="hard_sigmoid_keras2")
    ours.build((None, X))
    same_weights(ours)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = live.BasicLSTMCell(H, activation="hard_sigmoid", dtype="float32")
    theirs.build((None, X))
    theirs.set_weights(ours.get_weights())
    assert_close(steps(ours), steps(theirs))


# --- mistakes that must be seen


def rejected(pair, steps, assert_close, name, edit=None, ours=tf1):
    """Whether the comparison rejects our cell after `edit(weights)`, or that of another module."""
    theirs, cell = pair(name, ours=ours)
    if edit:
        cell.set_weights(edit(cell.get_weights()))
    with pytest.raises(AssertionError, match="u apart"):
        assert_close(steps(cell), steps(theirs), units=1000 * UNITS["float32"])


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("name", "gates"),
    [("BasicLSTMCell", 4), ("LSTMCell", 4), (FULL, 4), ("GRUCell", 2)],
    ids=["basic", "", "full", "gru"],
)
def test_exchanged_gates_are_seen(name, gates, pair, steps, assert_close):
    for order in list(itertools.permutations(range(gates)))[1:]:

        def exchange(weights, order=order):
            return [
                *(np.concatenate([np.split(w, gates, -1)[k] for k in order], -1) for w in weights[:2]),
                *weights[2:],
            ]

        rejected(pair, steps, assert_close, name, exchange)


def first(module, name, **patches):
    """A module in which the class of that name has other methods."""
    kind, _ = CELLS[name]
    return type("Module", (), {kind: type(kind, (getattr(module, kind),), patches)})


def old_c_for_o(self, name, c):
    """w_o_diag sees the c that w_i_diag saw."""
    self.seen = c if name == "w_i_diag" else self.seen
    return self.seen * getattr(self, name)


MISTAKES = {
    "kernel rows h, then x": ("BasicRNNCell", {}, lambda w: [np.roll(w[0], H, 0), *w[1:]]),
    "bias dropped": ("GRUCell", {}, lambda w: [w[0], 0 * w[1], *w[2:]]),
    "peepholes i and f exchanged": (FULL, {}, lambda w: [*w[:2], w[3], w[2], *w[4:]]),
    "peepholes i and o exchanged": (FULL, {}, lambda w: [*w[:3], w[4], w[3], *w[5:]]),
    "peephole of o sees the old c": (FULL, {"peephole": old_c_for_o}, None),
    "projection before o": (FULL, {"projected": lambda self, h: h[:, :2]}, None),
    "forget bias stored as well": ("BasicLSTMCell", {}, lambda w: [w[0], w[1] + np.repeat([0, 0, 1, 0], H)]),
    "state h, c": ("BasicLSTMCell", {"opened": lambda self, state: state[::-1]}, None),
    "returned state h, c": ("BasicLSTMCell", {"closed": lambda self, given, c, h: rnn_cell.LSTMStateTuple(h, c)}, None),
    "c held": ("BasicLSTMCell", {"closed": lambda self, given, c, h: rnn_cell.LSTMStateTuple(given[0], h)}, None),
    "linear for tanh": ("BasicRNNCell", {"activation": staticmethod(lambda x: x)}, None),
}


@pytest.mark.any_backend
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_seen(mistake, pair, steps, assert_close):
    name, patches, edit = MISTAKES[mistake]
    if "activation" in patches:
        patches = {"call": lambda self, x, h: (self.affine(x, h, self.kernel, self.bias),) * 2}
    rejected(pair, steps, assert_close, name, edit, first(tf1, name, **patches))


# --- TF1's own idioms


@some
def test_a_tf1_program_has_our_loss_and_gradients(name, pair, inputs):
    """Zero state, a Python loop over the steps, summed losses, a session; ours is Keras' RNN over our cell."""
    import tensorflow as tf

    _, options = CELLS[name]
    x, y = inputs(B, T, X).astype("float64"), inputs(B, T, 1, seed=5).astype("float64")
    theirs, ours = pair(name, "float64")
    weights = theirs.get_weights()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cell = type(theirs)(H, dtype="float64", **options)
        state = cell.zero_state(B, tf.float64)
        loss = 0.0
        for t in range(T):
            output, state = cell(tf.constant(x[:, t]), state)
            loss += tf.reduce_mean((output - y[:, t]) ** 2)
        variables = tf.compat.v1.trainable_variables()
        for variable, value in zip(variables, weights, strict=True):
            variable.load(value, session)
        expected = session.run([loss, *tf.compat.v1.gradients(loss, variables)])

    layer = RNN(ours, return_sequences=True, dtype="float64")
    with tf.GradientTape() as tape:
        loss = T * tf.reduce_mean((layer(x) - y) ** 2)
    found = [loss, *tape.gradient(loss, [w.value for w in layer.trainable_weights])]
    assert len(found) == len(weights) + 1
    for a, e in zip(found, expected, strict=True):
        assert np.abs(e).max() > 1e-4
        np.testing.assert_allclose(a, e, rtol=0, atol=1e-14 * max(1, np.abs(e).max()))


@some
def test_masked_layers_equal_dynamic_rnn(name, pair, inputs):
    """TF1 puts out zeros past the end of a sequence, and holds the state."""
    import tensorflow as tf

    x, lengths = inputs(B, T, X).astype("float64"), np.array([5, 3, 1, 4])
    _, options = CELLS[name]
    theirs, ours = pair(name, "float64")
    weights = theirs.get_weights()
    initial = [np.tanh(inputs(B, s.shape[-1], seed=9)) for s in keras.tree.flatten(ours.zero_state(B))]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cell = type(theirs)(H, dtype="float64", **options)
        state = keras.tree.pack_sequence_as(cell.state_size, [tf.constant(s, "float64") for s in initial])
        run = tf.compat.v1.nn.dynamic_rnn(cell, tf.constant(x), lengths, state)
        for variable, value in zip(tf.compat.v1.trainable_variables(), weights, strict=True):
            variable.load(value, session)
        expected = session.run(tf.nest.flatten(run))
    layer = RNN(ours, zero_output_for_mask=True, dtype="float64", **EVERYTHING)
    found = layer(x, mask=np.arange(T) < lengths[:, None], initial_state=initial)
    for a, e in zip(keras.tree.flatten(found), expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=0, atol=2e-15)


# --- inside Keras


@pytest.fixture
def layer(pair):
    def make(name, dtype="float32", **options):
        _, ours = pair(name)
        layer = RNN(type(ours).from_config({**ours.get_config(), "dtype": dtype}), dtype=dtype, **EVERYTHING | options)
        layer.build((None, T, X))
        layer.set_weights(ours.get_weights())
        return layer

    return make


@pytest.mark.any_backend
@some
@pytest.mark.parametrize("options", [{}, {"unroll": True}, {"go_backwards": True}], ids=str)
def test_layers_are_their_steps(name, options, layer, pair, inputs, assert_close):
    theirs, _ = pair(name)
    x = inputs(B, T, X)
    state = theirs.zero_state(B, "float32")
    for t in reversed(range(T)) if "go_backwards" in options else range(T):
        output, state = theirs(x[:, t], state)
    outputs, *states = layer(name, **options)(x)
    assert_close([outputs[:, -1], *states], [output, *keras.tree.flatten(state)])


@pytest.mark.any_backend
@some
@pytest.mark.parametrize("options", [{"unroll": True}, {"zero_output_for_mask": True}, {}], ids=str)
def test_masked_steps_hold_the_states(name, options, layer, inputs, arrays, assert_close):
    """Right of the middle, two steps of the first sequence are not seen."""
    if BACKEND == "jax" and not options and "LSTM" in name:
        pytest.skip("Keras' loop on JAX repeats c as the output: its first state (keras/src/backend/jax/rnn.py)")
    x = inputs(B, T, X)
    mask = np.ones((B, T), bool)
    mask[0, 3:] = False
    outputs, *states = arrays(layer(name, **options)(x, mask=mask))
    shorter, *held = arrays(layer(name)(x[:1, :3]))
    assert_close([s[:1] for s in states], held)
    assert_close(outputs[0, 3], shorter[0, 2] * ("zero_output_for_mask" not in options))


@pytest.mark.any_backend
def test_states_are_c_then_h_in_layers_too(layer, inputs, arrays):
    """A step masked everywhere returns the states that it was given."""
    c, h = inputs(B, H), np.tanh(inputs(B, 2, seed=1))
    given = layer(FULL, unroll=True)
    _, *held = arrays(given(inputs(), mask=np.zeros((B, T), bool), initial_state=[c, h]))
    np.testing.assert_array_equal(held[0], c)
    np.testing.assert_array_equal(held[1], h)


@pytest.mark.any_backend
@some
def test_models_fit_and_come_back(name, tmp_path, inputs, layer, assert_equal):
    x = keras.Input((T, X))
    model = keras.Model(x, Bidirectional(RNN(layer(name).cell, return_sequences=True))(x))
    model.compile("sgd", "mse", jit_compile=BACKEND != "torch")
    before = model.get_weights()
    model.fit(inputs(B, T, X), inputs(B, T, model.output_shape[-1], seed=5), batch_size=2, verbose=0)
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True)), "a weight did not learn"
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    cells = [m.layers[-1].forward_layer.cell for m in (model, restored)]
    assert type(cells[0]) is type(cells[1])
    assert cells[0].get_config() == cells[1].get_config()
    assert_equal(restored(inputs(B, T, X)), model(inputs(B, T, X)))


@pytest.mark.any_backend
@some
@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_rounds_float32(name, dtype, layer, inputs, arrays):
    """16 units of the narrow type, at 1."""
    narrow, wide = (arrays(layer(name, d)(inputs(B, T, X))) for d in (dtype, "float32"))
    assert {a.dtype.name for a in narrow} == {dtype.removeprefix("mixed_")}
    unit = {"mixed_float16": 2.0**-11, "mixed_bfloat16": 2.0**-8}[dtype]
    assert max(np.abs(a.astype("float32") - b).max() for a, b in zip(narrow, wide, strict=True)) <= 16 * unit


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tf1.GRUCell(0), "num_units must be a positive integer, got 0"),
        (lambda: tf1.LSTMCell(H, num_proj=0), "num_proj must be a positive integer, got 0"),
        (lambda: tf1.LSTMCell(H, cell_clip=-1.0), "cell_clip must be a positive number"),
        (lambda: tf1.LSTMCell(H, proj_clip=0.1), "proj_clip must come with num_proj"),
        (lambda: tf1.BasicLSTMCell(H, reuse=True), "reuse must be left out"),
        (lambda: tf1.LSTMCell(H, num_unit_shards=2), "num_unit_shards must be left out"),
        (lambda: tf1.LSTMCell(H, num_proj_shards=2), "num_proj_shards must be left out"),
    ],
)
def test_what_is_not_supported_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.any_backend
def test_arguments_keep_tf1s_places():
    """What TF1 takes by place beyond those that are here is refused, not taken for another argument."""
    cell = tf1.BasicLSTMCell(H, 0.5, False, "relu")
    assert (cell.forget_bias, cell.state_is_tuple) == (0.5, False)
    cell = tf1.LSTMCell(H, True, 3.0, "zeros", 2, 1.0)
    assert (cell.use_peepholes, cell.cell_clip, cell.num_proj, cell.proj_clip) == (True, 3.0, 2, 1.0)
    for make in (lambda: tf1.LSTMCell(H, False, None, None, None, None, None), lambda: tf1.GRUCell(H, None, None)):
        with pytest.raises(TypeError, match="positional"):
            make()


@pytest.mark.any_backend
def test_a_state_has_one_dtype():
    state = tf1.LSTMStateTuple(np.zeros(2, "float32"), np.zeros(2, "float64"))
    assert state._replace(h=state.c).dtype == "float32"
    with pytest.raises(TypeError, match="float32 and float64"):
        assert state.dtype


@pytest.mark.any_backend
def test_a_cell_of_ones_own(inputs):
    class Sum(tf1.RNNCell):
        state_size = (2, 3)
        output_size = 3

        def call(self, inputs, state):
            return inputs + state[1], [state[0], inputs + state[1]]

    cell = Sum()
    assert [tuple(s.shape) for s in cell.zero_state(B)] == [(B, 2), (B, 3)]
    outputs = keras.ops.convert_to_numpy(RNN(cell)(inputs(B, T, X)))
    np.testing.assert_allclose(outputs, inputs(B, T, X).sum(1), atol=1e-5)
