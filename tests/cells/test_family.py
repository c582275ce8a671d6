"""The cells that Keras has not, as Keras layers: the reference's numbers, weights, configs, masks and dropout."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from keras.layers import RNN, Bidirectional, StackedRNNCells

import reference
from cells import (
    CIFGCell,
    FusedLayerNormLSTMCell,
    GreffLSTMCell,
    JordanCell,
    LayerNormLSTMCell,
    LSTM1997Cell,
    LSTMCell,
    MGUCell,
    MUT1Cell,
    MUT2Cell,
    MUT3Cell,
    PeepholeLSTMCell,
    SimpleRNNCell,
    UGRNNCell,
)
from cells.greff_lstm import VARIANTS
from reference.steps import module, shape, shapes
from reference.steps import options as options_of

X, H, T, B = 3, 4, 4, 3
# Keras' own tanh computes float64 in float32 on JAX.
EXACT = 2e-15 if keras.backend.backend() != "jax" else 2e-6

CASES = {
    "jordan": (JordanCell, {}),
    "jordan, all options": (
        JordanCell,
        {"output_units": 2, "output_activation": "sigmoid", "use_recurrent_bias": True},
    ),
    "simple_rnn, two biases": (SimpleRNNCell, {"use_recurrent_bias": True}),
    "lstm, two biases": (LSTMCell, {"use_recurrent_bias": True}),
    "lstm, blocks": (LSTMCell, {"cells_per_block": 2, "output_activation": "relu", "forget_bias": 1.0}),
    "lstm_1997": (LSTM1997Cell, {}),
    "lstm_1997, all options": (
        LSTM1997Cell,
        {"activation": "sigmoid_in_2", "output_activation": "sigmoid_in_1", "use_recurrent_bias": True},
    ),
    "peephole": (PeepholeLSTMCell, {}),
    "peephole, all options": (
        PeepholeLSTMCell,
        {
            "forget_bias": 1.0,
            "output_activation": "softsign",
            "cell_clip": 0.3,
            "num_proj": 2,
            "proj_clip": 0.1,
            "use_recurrent_bias": True,
        },
    ),
    "peephole, projection alone": (PeepholeLSTMCell, {"use_peepholes": False, "num_proj": 3}),
    "cifg": (CIFGCell, {}),
    "cifg, all options": (
        CIFGCell,
        {"coupled": "f", "forget_bias": 1.0, "output_activation": "relu", "use_peepholes": True, "use_bias": False},
    ),
    "layer norm": (LayerNormLSTMCell, {}),
    "layer norm, all options": (
        LayerNormLSTMCell,
        {"forget_bias": 1.0, "norm_epsilon": 0.5, "use_bias": True, "use_recurrent_bias": True},
    ),
    "fused layer norm": (FusedLayerNormLSTMCell, {}),
    "fused layer norm, all options": (FusedLayerNormLSTMCell, {"norm_epsilon": 0.5, "use_recurrent_bias": True}),
    **{f"greff {variant}": (GreffLSTMCell, {"variant": variant}) for variant in VARIANTS},
    "greff, all options": (
        GreffLSTMCell,
        {"variant": "CIFG", "recurrent_activation": "hard_sigmoid_keras2", "use_recurrent_bias": True},
    ),
    "mgu": (MGUCell, {}),
    "mgu, all options": (MGUCell, {"recurrent_activation": "hard_sigmoid_keras2", "use_recurrent_bias": True}),
    "ugrnn": (UGRNNCell, {}),
    "ugrnn, all options": (UGRNNCell, {"forget_bias": 1.0, "use_recurrent_bias": True}),
    "mut1": (MUT1Cell, {}),
    "mut1 without bias": (MUT1Cell, {"use_bias": False}),
    "mut2": (MUT2Cell, {}),
    "mut2 without bias": (MUT2Cell, {"use_bias": False}),
    "mut3": (MUT3Cell, {}),
    "mut3 without bias": (MUT3Cell, {"use_bias": False, "recurrent_activation": "hard_sigmoid"}),
}
PLAIN = {name: case for name, case in CASES.items() if name in ("layer norm", "fused layer norm") or " " not in name}
PLAIN |= {name: CASES[name] for name in ("lstm, blocks", "peephole, all options")}
PLAIN |= {f"greff {variant}": CASES[f"greff {variant}"] for variant in ("V", "NOG", "FGR")}


def normal(seed, *size):
    return np.random.default_rng(seed).normal(size=size)


def inputs_of(Cell):
    return H if Cell in (MUT1Cell, MUT2Cell) else X


def built(Cell, options, seed=1, **flags):
    """An RNN over the cell, with asymmetric weights over √(X + H)."""
    dtype = flags.setdefault("dtype", "float64")
    layer = RNN(Cell(H, dtype=dtype, **options), return_sequences=True, return_state=True, **flags)
    layer.build((None, T, inputs_of(Cell)))
    layer.set_weights([normal(seed + k, *w.shape) / np.sqrt(X + H) for k, w in enumerate(layer.weights)])
    return layer


def arrays(tensors):
    return [np.asarray(ops.convert_to_numpy(t)) for t in keras.tree.flatten(tensors)]


def tensors(values):
    return [ops.convert_to_tensor(v) for v in values]


def states_of(layer, batch=B):
    return [np.tanh(normal(20 + k, *s.shape)) for k, s in enumerate(layer.cell.get_initial_state(batch))]


def oracle(layer, x, states, mask=None):
    """What the reference makes of the layer's weights; the states that the layer has."""
    read = reference.read(layer).astype("float64")
    fields = module(read.cell).State._fields
    full = [*states, *(np.zeros((len(x), H)) for _ in fields[len(states) :])]
    run = read.run(x, full, mask)
    return [run.outputs, *run.state[: len(states)]]


def assert_close(got, want, limit):
    assert len(got) == len(want)
    for k, (a, b) in enumerate(zip(arrays(got), want, strict=True)):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= limit, f"array {k}: {np.abs(a - b).max():.3g} apart, allowed {limit:.3g}"


@pytest.mark.any_backend
@pytest.mark.parametrize("name", CASES)
def test_float64_equals_the_reference(name):
    Cell, options = CASES[name]
    layer = built(Cell, options, unroll=True)
    x, states = normal(0, B, T, inputs_of(Cell)), states_of(layer)
    got = layer(ops.convert_to_tensor(x), initial_state=tensors(states))
    one_step = layer.cell(ops.convert_to_tensor(x[:, 0]), tensors(states))  # whose dtypes RNN does not mend
    assert {a.dtype.name for a in arrays([got, one_step])} == {"float64"}
    assert_close(got, oracle(layer, x, states), EXACT)


@pytest.mark.any_backend
@pytest.mark.parametrize("name", PLAIN)
def test_masked_steps_in_keras_loop_equal_the_reference(name):
    Cell, options = PLAIN[name]
    layer = built(Cell, options)
    mask = np.array([[True, False, True, True], [True, True, True, False], [True, True, False, False]])
    x, states = normal(0, B, T, inputs_of(Cell)), states_of(layer)
    got = layer(ops.convert_to_tensor(x), initial_state=tensors(states), mask=ops.convert_to_tensor(mask))
    assert_close(got, oracle(layer, x, states, mask), EXACT)


@pytest.mark.any_backend
@pytest.mark.parametrize("name", PLAIN)
def test_half_precision_is_as_near_as_numpys(name):
    Cell, options = PLAIN[name]
    layer = built(Cell, options, dtype="mixed_float16", unroll=True)
    assert {w.dtype for w in layer.weights} == {"float32"}
    x, states = (normal(0, B, T, inputs_of(Cell)).astype("float16"), [s.astype("float16") for s in states_of(layer)])
    got = layer(ops.convert_to_tensor(x), initial_state=tensors(states))
    assert {a.dtype.name for a in arrays(got)} == {"float16"}
    half = reference.read(layer).astype("float16")
    fields = module(half.cell).State._fields
    full = [*states, *(np.zeros((B, H)) for _ in fields[len(states) :])]
    want, rounded = ([run.outputs, *run.state] for run in (half.astype("float64").run(x, full), half.run(x, full)))
    error = max(np.abs(a - b).max() for a, b in zip(want, rounded, strict=True))
    assert_close([a.astype("float64") for a in arrays(got)], want[: len(got)], 8 * max(error, 2.0**-11))


@pytest.mark.parametrize("Cell", [LayerNormLSTMCell, FusedLayerNormLSTMCell])
@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_survives_a_gate_without_variance(Cell, dtype):
    """In float16 1e-12 is 0, so that a norm computed there would divide by 0."""
    layer = built(Cell, {}, dtype=dtype)
    (outputs, *_) = arrays(layer(np.zeros((B, T, X), "float32")))
    assert np.isfinite(outputs.astype("float32")).all()


@pytest.mark.parametrize("name", PLAIN)
def test_compiled_equals_eager(name):
    import tensorflow as tf

    Cell, options = PLAIN[name]
    layer = built(Cell, options)
    x = tf.constant(normal(0, B, T, inputs_of(Cell)))
    assert_close(tf.function(layer, jit_compile=True)(x), arrays(layer(x)), EXACT)


@pytest.mark.parametrize("name", PLAIN)
def test_saved_models_come_back_bit_for_bit(name, tmp_path):
    Cell, options = PLAIN[name]
    given = keras.Input((T, inputs_of(Cell)))
    cells = [Cell(H, seed=k, dropout=0.25, recurrent_dropout=0.5, kernel_regularizer="l2", **options) for k in (1, 2)]
    wrapped = Bidirectional(
        RNN(cells[0], return_sequences=True), backward_layer=RNN(cells[1], return_sequences=True, go_backwards=True)
    )
    model = keras.Model(given, wrapped(given))
    model.set_weights([normal(k, *w.shape) for k, w in enumerate(model.weights)])
    model.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    ours, theirs = (m.layers[-1].forward_layer.cell for m in (model, back))
    assert type(theirs) is Cell
    assert theirs.get_config() == ours.get_config()
    assert options.items() <= ours.get_config().items()
    x = normal(0, B, T, inputs_of(Cell)).astype("float32")
    for a, b in zip(arrays(model(x)), arrays(back(x)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", CASES)
def test_weights_have_the_names_and_shapes_of_the_reference(name):
    Cell, options = CASES[name]
    layer = built(Cell, options)
    read = reference.read(layer)
    letters = {"X": read.input_dim, "H": H, "R": read.recurrent_dim, "C": sum(read.widths.values())}
    specs = {k: shape(spec, **letters) for k, spec in shapes(read.cell).items() if getattr(read.weights, k) is not None}
    if "recurrent_bias" in specs:
        specs["bias"] = (2, *specs["bias"])
    assert {w.name: tuple(w.shape) for w in layer.weights} == {k: v for k, v in specs.items() if k != "recurrent_bias"}


@pytest.mark.parametrize("name", [name for name, (_, options) in CASES.items() if not options])
def test_options_have_the_defaults_of_the_reference(name):
    Cell, _ = CASES[name]
    theirs = options_of(reference.read(built(Cell, {})).cell)
    assert all(Cell.arguments[option] == default for option, default in theirs.items() if "activation" not in option)


def test_gains_begin_as_ones_shifts_as_zeros_and_the_forget_bias_as_keras_does():
    for Cell in LayerNormLSTMCell, FusedLayerNormLSTMCell:
        cell = Cell(H)
        cell.build((None, X))
        values = {w.name: np.asarray(w) for w in cell.weights}
        assert {name: set(v.tolist()) for name, v in values.items() if "gamma" in name or "beta" in name} == {
            name: {1.0 if "gamma" in name else 0.0} for name in values if "gamma" in name or "beta" in name
        }
    assert values["bias"].tolist() == [0] * H + [1] * H + [0] * 2 * H
    assert LayerNormLSTMCell(H).use_bias is False


def test_what_cannot_be_is_refused():
    for Cell in MUT1Cell, MUT2Cell:
        with pytest.raises(
            ValueError, match=rf"{Cell.__name__} must have as many inputs as units, .* got 3 inputs and 4"
        ):
            Cell(H).build((None, X))
    with pytest.raises(ValueError, match=r"variant must be one of V, NIG, .*, FGR, got 'v'"):
        GreffLSTMCell(H, variant="v")


def through_stock(z, c):
    """c before its norm, and o: what Keras' own LSTMCell makes of gates i f g o that are given to it as they are."""
    stock = keras.layers.LSTMCell(H, use_bias=False, dtype="float64")
    stock.build((None, 4 * H))
    stock.set_weights([np.eye(4 * H), np.zeros((H, 4 * H))])
    _, (_, raw) = stock(z, [0 * c, c])
    return raw, ops.sigmoid(z[:, 3 * H :])


def test_keras_own_layers_and_tensorflows_normalisation_give_the_same_step():
    """Addons' norm is keras.layers.LayerNormalization, contrib's tf.nn.batch_normalization over the last axis."""
    import tensorflow as tf

    x, h, c = (tf.constant(normal(k, B, n)) for k, n in enumerate((X, H, H)))

    def addons(a, gamma, beta):
        layer = keras.layers.LayerNormalization(epsilon=1e-3, dtype="float64")
        layer.build(a.shape)
        layer.set_weights([gamma, beta])
        return layer(a)

    def contrib(a, gamma, beta):
        mean, variance = tf.nn.moments(a, [-1], keepdims=True)
        return tf.nn.batch_normalization(a, mean, variance, beta, gamma, 1e-12)

    w = built(FusedLayerNormLSTMCell, {}).cell
    z = addons(x @ w.kernel, w.kernel_gamma, w.kernel_beta) + w.bias
    raw, o = through_stock(z + addons(h @ w.recurrent_kernel, w.recurrent_gamma, w.recurrent_beta), c)
    new = addons(raw, w.state_gamma, w.state_beta)
    assert_close(w(x, [h, c])[1], arrays([o * ops.tanh(new), new]), 2e-14)  # Keras' variance is E(a²) − E(a)²

    w = built(LayerNormLSTMCell, {"forget_bias": 1.0}).cell
    gates = zip(*(tf.split(a, 4, -1) for a in (x @ w.kernel + h @ w.recurrent_kernel, w.gamma, w.beta)), strict=True)
    i, f, g, o = (contrib(*of_gate) for of_gate in gates)
    raw, o = through_stock(tf.concat([i, f + 1, g, o], -1), c)
    new = contrib(raw, w.state_gamma, w.state_beta)
    assert_close(w(x, [h, c])[1], arrays([o * ops.tanh(new), new]), 2e-14)


def test_without_peepholes_greffs_is_the_lstm():
    bare, lstm = built(GreffLSTMCell, {"variant": "NP"}), built(LSTMCell, {})
    x = ops.convert_to_tensor(normal(0, B, T, X))
    assert_close(bare(x), arrays(lstm(x)), 2e-15)


@pytest.mark.any_backend
@pytest.mark.parametrize("name", PLAIN)
def test_the_inputs_mask_multiplies_the_inputs_in_training_alone(name):
    Cell, options = PLAIN[name]
    dropped, plain = built(Cell, {**options, "dropout": 0.5, "seed": 7}), built(Cell, options)
    x, states = ops.convert_to_tensor(normal(0, B, inputs_of(Cell))), tensors(states_of(plain))
    mask = dropped.cell.get_dropout_mask(x)
    assert 0 < np.count_nonzero(arrays(mask)[0]) < mask.shape[0] * mask.shape[1]
    assert_close(dropped.cell(x, states, training=True)[1], arrays(plain.cell(x * mask, states)[1]), EXACT)
    assert_close(dropped.cell(x, states)[1], arrays(plain.cell(x, states)[1]), EXACT)


@pytest.mark.any_backend
@pytest.mark.parametrize("name", PLAIN)
def test_the_states_masks_are_those_of_their_gates_rows(name):
    """For a batch of one, what a gate's mask drops of the state, it drops of the rows of that gate's matrix."""
    Cell, options = PLAIN[name]
    dropped, plain = built(Cell, {**options, "recurrent_dropout": 0.5, "seed": 7}), built(Cell, options)
    x, states = ops.convert_to_tensor(normal(0, 1, inputs_of(Cell))), tensors(states_of(plain, 1))
    drawn = dropped.cell.get_recurrent_dropout_mask(states[0])
    masks = [arrays(mask)[0][0] for mask in (drawn if isinstance(drawn, list) else [drawn])]
    assert len(masks) == len(Cell.gates)
    assert len({mask.tobytes() for mask in masks}) > (len(masks) > 1)
    letters, widths = getattr(Cell, "recurring", Cell.gates), list(getattr(plain.cell, "widths", [H] * len(Cell.gates)))
    rows = [
        np.tile(masks[Cell.gates.index(letter)][:, None], (1, widths[Cell.gates.index(letter)])) for letter in letters
    ]
    kernel = np.concatenate(rows, axis=-1) * arrays(plain.cell.recurrent_kernel)[0]
    plain.cell.recurrent_kernel.assign(kernel)
    assert_close(dropped.cell(x, states, training=True)[1], arrays(plain.cell(x, states)[1]), EXACT)


def filled(layer, width):
    layer.build((None, T, width))
    layer.set_weights([normal(k, *w.shape) / np.sqrt(X + H) for k, w in enumerate(layer.weights)])
    return layer


@pytest.mark.parametrize("name", PLAIN)
def test_two_directions_in_every_merge_mode_with_states_in_and_out(name):
    Cell, options = PLAIN[name]
    x = normal(0, B, T, inputs_of(Cell))
    for mode in ("concat", "sum", "mul", "ave", None):
        flags = {"return_sequences": True, "return_state": True, "dtype": "float64", "unroll": True}
        layer = Bidirectional(RNN(Cell(H, dtype="float64", **options), **flags), merge_mode=mode, dtype="float64")
        filled(layer, inputs_of(Cell))
        states = states_of(layer.forward_layer)
        given = [*states, *(s[::-1] for s in states)]
        got = arrays(layer(ops.convert_to_tensor(x), initial_state=tensors(given)))
        read = reference.read(layer)
        missing = [np.zeros((B, H))] * (len(module(read.forward.cell).State._fields) - len(states))
        run = read.run(x, ([*given[: len(states)], *missing], [*given[len(states) :], *missing]))
        outputs = list(run.outputs) if mode is None else [run.outputs]
        last = [a for part in run.state for a in part[: len(states)]]
        assert_close(got, [*outputs, *last], EXACT)


@pytest.mark.parametrize("name", PLAIN)
def test_cells_on_one_another_with_states_in_and_out(name):
    Cell, options = PLAIN[name]
    same = H if Cell in (MUT1Cell, MUT2Cell) else X
    lower = Cell(H, dtype="float64", **options)
    both = StackedRNNCells([lower, LSTMCell(3, dtype="float64")], dtype="float64")  # a list would be one of float32
    layer = RNN(both, return_sequences=True, return_state=True, dtype="float64")
    filled(layer, same)
    x = normal(0, B, T, same)
    below = [np.tanh(normal(20 + k, *s.shape)) for k, s in enumerate(lower.get_initial_state(B))]
    above = [np.tanh(normal(30 + k, B, 3)) for k in (0, 1)]
    got = arrays(layer(ops.convert_to_tensor(x), initial_state=[tensors(below), tensors(above)]))
    read = reference.read(layer)
    missing = len(module(read.layers[0].cell).State._fields) - len(below)
    run = read.run(x, [[*below, *(np.zeros((B, H)) for _ in range(missing))], above])
    assert_close(got, [run.outputs, *run.state[0][: len(below)], *run.state[1]], EXACT)
