"""Whole models: what tf-keras predicts, and what we compute from the file that it saved."""

import numpy as np
import pytest

from reference.files import load, opened_model
from reference.stock.model import run_graph

BATCH = 4
MODELS = {}


def model(function):
    MODELS[function.__name__] = function
    return function


def words(K, length=6, name="words"):
    return K.Input((length,), name=name, dtype="int32")


def hard(K):
    """Keras 2's hard_sigmoid, which Keras 3 has not."""
    return "hard_sigmoid" if K.__name__.startswith("tf_keras") else lambda x: K.ops.clip(0.2 * x + 0.5, 0, 1)


@model
def masked_tags(K):
    L, x = K.layers, words(K)
    y = L.Embedding(9, 4, mask_zero=True)(x)
    y = L.SpatialDropout1D(0.3)(y)
    y = L.LSTM(3, return_sequences=True)(y)
    y = L.LayerNormalization()(L.ReLU(max_value=0.4)(L.BatchNormalization()(y)))
    y = L.TimeDistributed(L.Dense(5, activation=hard(K)))(y)
    return x, [L.GlobalAveragePooling1D()(y), L.GlobalMaxPooling1D()(y), L.RNN(L.GRUCell(2))(y)]


@model
def masks_meet(K):
    L, a, b = K.layers, words(K, name="a"), words(K, name="b")
    one, two = L.Embedding(9, 4, mask_zero=True)(a), L.Embedding(9, 4, mask_zero=True)(b)
    free = L.Embedding(9, 4)(a)
    run = lambda units, y: L.SimpleRNN(units)(y)
    return [a, b], [
        run(2, L.Add()([one, two])),
        run(3, L.Maximum()([one, two, free])),
        run(2, L.Concatenate()([one, two])),
        run(4, L.Concatenate()([free, two])),
        run(3, L.Concatenate(axis=1)([one, two])),
        run(2, L.Multiply()([free, one])),
        run(2, L.Subtract()([two, one])),
    ]


@model
def encoder_decoder(K):
    L, x, y = K.layers, K.Input((6, 4)), K.Input((5, 4))
    seen = L.Masking(mask_value=0.0)(x)
    outputs, fh, fc, bh, bc = L.Bidirectional(L.RNN(L.LSTMCell(3), return_sequences=True, return_state=True))(seen)
    h, c = L.Concatenate()([fh, bh]), L.Concatenate()([fc, bc])
    decoded, last, _ = L.RNN(L.LSTMCell(6), return_sequences=True, return_state=True)(
        L.Masking()(y), initial_state=[h, c]
    )
    context = L.Attention(use_scale=True)([decoded, outputs])
    added = L.AdditiveAttention()([decoded, outputs])
    both = L.Bidirectional(L.RNN(L.GRUCell(2), return_sequences=True))(
        context, initial_state=[L.Dense(2)(last), L.Dense(2)(c)]
    )
    return [x, y], [
        L.Softmax(axis=1)(L.Reshape((5, 4))(both)),
        added,
        L.RNN(L.GRUCell(4))(added),
        L.Dot(axes=1)([decoded, both]),
    ]


@model
def sentences(K):
    L, x = K.layers, K.Input((3, 6), dtype="int32")
    y = L.TimeDistributed(L.Embedding(9, 4, mask_zero=True))(x)
    y = L.TimeDistributed(L.RNN(L.LSTMCell(3)))(y)
    inner = K.Sequential([L.Dense(4, activation="tanh"), L.Dropout(0.5), L.Dense(2)], name="inner")
    z = L.TimeDistributed(inner)(y)
    return x, [L.RNN(L.LSTMCell(3))(y), L.RNN(L.GRUCell(2))(z), z]


@model
def characters(K):
    L, x = K.layers, words(K, 12)
    y = L.Embedding(9, 4, mask_zero=True)(x)  # its mask ends at the convolution
    y = L.Conv1D(6, 3, padding="same", strides=2, activation="relu")(y)
    y = L.MaxPooling1D(2)(L.ZeroPadding1D((1, 2))(y))
    y = L.SeparableConv1D(5, 2)(L.UpSampling1D(2)(y))
    sides = [L.RNN(L.LSTMCell(3), return_sequences=True, go_backwards=back)(y) for back in (False, True)]
    y = L.Permute((2, 1))(L.Average()(sides))
    return x, L.Dense(2, activation="softmax")(L.Flatten()(L.LeakyReLU()(L.Reshape((-1, 3))(y))))


@model
def shared_and_nested(K):
    L, a, b = K.layers, K.Input((5, 4)), K.Input((5, 4))
    start = K.Input((None, 4))
    deep = K.Model(start, L.RNN(L.GRUCell(3), return_sequences=True)(L.Dense(3)(start)), name="deep")
    start = K.Input((None, 4))
    outer = K.Model(start, [deep(start), L.PReLU(shared_axes=[1])(L.Dense(2)(start))], name="outer")
    dense = L.Dense(2, activation="elu")
    first, second = outer(a), outer(L.Masking()(b))
    ends = [dense(first[0]), dense(second[0]), L.SimpleRNN(2)(second[1]), L.RNN(L.LSTMCell(2))(dense(second[0]))]
    return [a, b], [*ends, L.RepeatVector(2)(ends[2])]


@model
def stacked_cells(K):
    L, x, h = K.layers, K.Input((5, 4)), K.Input((3,))
    cells = [L.GRUCell(3), L.LSTMCell(2)]
    made = L.RNN(cells, return_sequences=True, return_state=True)(L.Masking()(x))
    flat = [made[0], made[1], *made[2]] if len(made) == 3 else made
    pair = L.Bidirectional(L.SimpleRNN(3, return_sequences=True), merge_mode=None)(made[0], initial_state=[h, h])
    return [x, h], [
        *flat,
        L.RNN(L.GRUCell(2))(pair[0]),
        L.Bidirectional(L.RNN(L.LSTMCell(2)), merge_mode="mul")(pair[1]),
    ]


@model
def given_masks(K):
    L, x, m = K.layers, K.Input((5, 4)), K.Input((5,), dtype="bool")
    seen = L.Masking()(x)
    return [x, m], [
        L.RNN(L.LSTMCell(2))(seen, mask=m),
        L.RNN(L.LSTMCell(3))(seen),
        L.GlobalAveragePooling1D()(seen, mask=m),
    ]


@model
def fixed_batch(K):
    L = K.layers
    x = K.Input(batch_shape=(BATCH, 5, 4))
    y = L.TimeDistributed(L.Dense(3))(L.RNN(L.LSTMCell(2), stateful=True, return_sequences=True)(L.Masking()(x)))
    return x, [y, L.RNN(L.GRUCell(2), stateful=True)(y)]


def drawn(model, seed=3):
    """The model's weights, no two equal, and its inputs, with 0 among the words and whole steps of zeros."""
    random = np.random.default_rng(seed)
    model.set_weights([
        random.uniform(0.2, 1.5, v.shape) if "variance" in v.name else random.normal(0, 0.7, v.shape)
        for v in model.weights
    ])  # fmt: skip
    inputs = []
    for tensor in model.inputs:
        shape, kind = (BATCH, *tensor.shape[1:]), getattr(tensor.dtype, "name", tensor.dtype)
        if kind == "float32":
            x = random.normal(size=shape).astype(kind)
            if x.ndim > 2:
                x[0, -2:] = x[1, :2] = x[2, 2] = 0
                x[3, 1, 0] = 0  # of a step that counts
        elif kind == "bool":
            x = random.random(shape) < 0.6
        else:
            x = random.integers(0, 4, shape).astype(kind)
            x[..., 2] = 1  # no sentence without a word
        inputs.append(x)
    return inputs


def compare(live, inputs, path, tolerance=3e-5, **options):
    """The file's numbers and the live model's, on the same inputs."""
    layers = load(path)
    with opened_model(path) as file:
        assert file.graph is not None
        ours = run_graph(file.graph, layers, inputs, file.era, file.version, backend=file.backend, **options)
    expected = live(inputs if len(inputs) > 1 else inputs[0], training=False)
    expected = [np.asarray(y) for y in (expected if isinstance(expected, list) else [expected])]
    for place, (got, want) in enumerate(zip(ours, expected, strict=True)):
        assert got.shape == want.shape, f"output {place} must have shape {want.shape}, got {got.shape}"
        distance = np.abs(got - want).max() / max(1, np.abs(want).max())
        assert distance <= tolerance, f"output {place} must be within {tolerance}, got {distance:.1e}"
    return ours


def made(model):
    """The layers in the order in which they were made, class by class, as their names have it."""
    number = lambda name: int(name.rpartition("_")[2]) if name.rpartition("_")[2].isdigit() else 0
    return sorted(model.layers, key=lambda layer: (type(layer).__name__, number(layer.name), layer.name))


@pytest.mark.filterwarnings(
    "ignore:You are saving your model as an HDF5 file", "ignore:Layer .* was passed an input with"
)
@pytest.mark.parametrize("name", MODELS)
def test_model(name, tmp_path):
    """Our numbers are tf-keras' for the file that it saved; under Keras 3's rules for masks, the new model's."""
    K2, K3 = pytest.importorskip("tf_keras"), pytest.importorskip("keras")
    old, new = K2.Model(*MODELS[name](K2)), K3.Model(*MODELS[name](K3))
    inputs = drawn(old)
    for ours, theirs in zip(made(new), made(old), strict=True):
        ours.set_weights(theirs.get_weights())
    path = tmp_path / f"{name}.h5"
    old.save(path)
    outputs = compare(old, inputs, path)
    assert all(np.abs(output).max() > 1e-3 for output in outputs)
    compare(new, inputs, path, masks="keras")
