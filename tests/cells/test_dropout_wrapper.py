"""`DropoutWrapper` in Keras: what it drops, when it draws, and the masks that it takes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras.layers import RNN

import cells
from cells import tf1
from cells.dropout_wrapper import DropoutMasks, DropoutWrapper
from cells.wrappers import DeviceWrapper, MultiRNNCell, ResidualWrapper, inside

pytestmark = pytest.mark.any_backend

X, T, B = 4, 5, 4
BACKEND = keras.backend.backend()
ALL = {"input_keep_prob": 0.8, "output_keep_prob": 0.7, "state_keep_prob": 0.6}


def on_the_cpu(cell):
    return DeviceWrapper(cell, "cpu:0")


# --- around other cells


@pytest.mark.parametrize("make", [cells.LSTMCell, keras.layers.LSTMCell], ids=["ours", "keras"])
def test_c_is_kept_wherever_a_cell_has_it(make, same_weights, inputs, arrays):
    """[h, c], the other way round than in TF1; in a stack, and within another wrapper."""
    for wrap in (
        lambda cell: cell,
        on_the_cpu,
        lambda cell: MultiRNNCell([keras.layers.GRUCell(X), cell]),
    ):
        dropped = DropoutWrapper(wrap(make(3)), state_keep_prob=0.5)
        dropped.build((None, X))
        same_weights(dropped.cell)
        *gru, h, c = arrays(dropped.cell(inputs(B, X), dropped.zero_state(B))[1])
        *gru_, h_, c_ = arrays(dropped(inputs(B, X), dropped.zero_state(B), training=True)[1])
        np.testing.assert_array_equal(c_, c)
        for a, a_ in [(h, h_), *zip(gru, gru_, strict=True)]:
            assert set(np.unique((a_ / a).round(4))) == {0, 2}


def test_a_visitor_sees_an_lstms_state_by_name(inputs):
    seen = []

    def visitor(state):
        seen.append(state)
        return len(seen) > 1 or [True, False]

    stack = MultiRNNCell([cells.LSTMCell(3), cells.GRUCell(2)])
    dropped = DropoutWrapper(stack, state_keep_prob=0.5, dropout_state_filter_visitor=visitor)
    dropped(inputs(B, X), dropped.zero_state(B), training=True)
    whole, lstm, c, h = seen  # the GRU, which the first answer leaves alone, is not asked about
    assert isinstance(lstm, tf1.LSTMStateTuple)
    assert whole[0] is lstm
    assert (lstm.c is c, lstm.h is h) == (True, True)


# --- drawn masks


@pytest.fixture
def ones():
    """`ones(**dropout)`: a layer whose outputs show their mask alone: 0, or tanh(1) over the probability."""

    def make(units=16, wrap=lambda cell: cell, **dropout):
        cell = tf1.BasicRNNCell(units)
        unroll = BACKEND == "jax" and not dropout.get("variational_recurrent")
        layer = RNN(wrap(DropoutWrapper(cell, **dropout)), return_sequences=True, unroll=unroll)
        layer.build((None, T, X))
        cell.set_weights([np.zeros((X + units, units)), np.ones(units)])
        return layer

    return make


def test_masks_keep_their_probability_anew_each_time(ones, inputs, arrays):
    layer = ones(units=100, output_keep_prob=0.7, seed=1)
    first, second = (arrays(layer(inputs(B, T, X), training=True))[0] for _ in range(2))
    kept = first != 0
    np.testing.assert_allclose(first[kept], np.tanh(1) / 0.7, rtol=1e-6)
    assert abs(kept.mean() - 0.7) < 0.05  # 2000 draws: five standard deviations
    assert all((kept[0, 0] != other).any() for other in (kept[1, 0], kept[0, 1], second[0, 0] != 0))


@pytest.mark.parametrize("wrap", [lambda c: c, lambda c: MultiRNNCell([on_the_cpu(c)])], ids=["", "inside"])
def test_variational_masks_are_one_a_sequence(wrap, ones, inputs, arrays):
    layer = ones(output_keep_prob=0.5, variational_recurrent=True, wrap=wrap)
    first, second = (arrays(layer(inputs(B, T, X), training=True))[0] for _ in range(2))
    assert set(np.unique(first[0, 0] != 0)) == {False, True}
    np.testing.assert_array_equal(first, np.broadcast_to(first[0, 0], first.shape))
    assert (first != second).any()


@pytest.mark.parametrize("variational", [True, False])
def test_fit_draws_masks(variational, ones, inputs):
    """The loss is how much outputs differ over time and batch, and shows how a batch's masks were drawn."""
    model = keras.Sequential([keras.Input((T, X)), ones(output_keep_prob=0.5, variational_recurrent=variational)])
    model.compile(
        keras.optimizers.SGD(0.0), loss=lambda _, y: keras.ops.mean(keras.ops.abs(y - y[:1, :1])) + y[0, 0, 0]
    )
    losses = model.fit(inputs(B, T, X), inputs(B, T, 16), batch_size=B, epochs=12, verbose=0).history["loss"]
    one = np.float32(np.tanh(1) / 0.5)
    if variational:
        assert {float(np.round(loss / one, 5)) for loss in losses} == {0.0, 1.0}, "all equal, and drawn for every batch"
    else:
        assert len(set(losses)) > 6


def test_a_cell_inside_keeps_its_own_masks_for_a_sequence(inputs):
    """On JAX Keras' RNN must draw them before its loop; it does so for the outermost cell alone."""
    for cell in (
        ResidualWrapper(keras.layers.GRUCell(X, dropout=0.5, recurrent_dropout=0.5)),
        ResidualWrapper(keras.layers.StackedRNNCells([keras.layers.LSTMCell(3), cells.LSTMCell(X, dropout=0.5)])),
        MultiRNNCell([cells.GRUCell(3, dropout=0.5), keras.layers.LSTMCell(2, recurrent_dropout=0.5)]),
    ):
        model = keras.Sequential([keras.Input((T, X)), RNN(cell)])
        model.compile("sgd", "mse")
        model.fit(inputs(B, T, X), inputs(B, cell.output_size), verbose=0)
        for part in inside(cell):
            assert getattr(part, "_dropout_mask", None) is None


def test_dropout_acts_in_training_alone(inputs, arrays, assert_equal):
    cell = tf1.LSTMCell(3)
    dropped = DropoutWrapper(cell, **ALL)
    state = dropped.zero_state(B)
    assert_equal(dropped(inputs(B, X), state), cell(inputs(B, X), state))
    assert (arrays(dropped(inputs(B, X), state, training=True))[0] != arrays(cell(inputs(B, X), state))[0]).any()


def test_drawn_masks_can_be_given_again(inputs, arrays, assert_equal):
    dropped = DropoutWrapper(tf1.LSTMCell(3), **ALL)
    state = dropped.zero_state(B)
    step = lambda: arrays(dropped(inputs(B, X), state, training=True))
    dropped.masks = dropped.draw(inputs(B, X))
    first = step()
    assert_equal(step(), first)
    dropped.masks = None
    assert (step()[0] != first[0]).any()


def test_the_same_seed_draws_the_same_masks(inputs, assert_equal):
    draws = [DropoutWrapper(tf1.LSTMCell(3), **ALL, seed=seed).draw(inputs(B, X)) for seed in (1, 1, 2)]
    assert_equal(draws[0], draws[1])
    assert (keras.ops.convert_to_numpy(draws[0].input) != keras.ops.convert_to_numpy(draws[2].input)).any()


def test_a_loop_on_jax_must_not_draw(inputs):
    if BACKEND != "jax":
        pytest.skip("the other backends draw in their loops")
    with pytest.raises(ValueError, match="unroll=True, or DropoutWrapper variational_recurrent=True"):
        RNN(ResidualWrapper(DropoutWrapper(tf1.GRUCell(X), 0.5)))(inputs(B, T, X), training=True)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_compiled_masked_models_fit(policy, inputs):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        stack = MultiRNNCell(
            [
                DropoutWrapper(tf1.LSTMCell(X, num_proj=3), **ALL, variational_recurrent=True),
                DropoutWrapper(ResidualWrapper(tf1.BasicLSTMCell(3)), 0.8, variational_recurrent=True),
            ]
        )
        layers = [keras.layers.Masking(), keras.layers.Bidirectional(RNN(stack, zero_output_for_mask=True))]
        model = keras.Sequential([keras.Input((T, X)), *layers])
        model.compile("sgd", "mse", jit_compile=BACKEND != "torch")
        x = inputs(B, T, X)
        x[0, 3:] = 0
        weights = model.get_weights()
        history = model.fit(x, inputs(B, 6), batch_size=2, verbose=0).history
        assert np.isfinite(history["loss"]).all()
        after = model.get_weights()
        assert all((a != b).any() for a, b in zip(weights, after, strict=True)), "a weight did not learn"
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (DropoutMasks(), "input masks must be given if and only if input_keep_prob is below 1"),
        (
            DropoutMasks(np.ones((1, X)), (np.ones((1, 3)),), np.ones((1, 3))),
            "output masks must be given if and only if",
        ),
        (DropoutMasks(np.full((1, X), 2.0), (np.ones((1, 3)),)), "must be of 0 and 1, not scaled"),
        (DropoutMasks(np.ones((1, X)), (np.ones((1, 3)),) * 2), "must be one a state, 1, got 2"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks, message):
    dropped = DropoutWrapper(tf1.GRUCell(3), 0.5, state_keep_prob=0.5)
    with pytest.raises(ValueError, match=message):
        dropped.masks = masks


def test_a_mask_missing_for_a_state_is_refused(inputs):
    dropped = DropoutWrapper(tf1.GRUCell(3), state_keep_prob=0.5)
    dropped.masks = DropoutMasks(state=(None,))
    with pytest.raises(ValueError, match="got None for one of the states"):
        dropped(inputs(B, X), dropped.zero_state(B), training=True)
