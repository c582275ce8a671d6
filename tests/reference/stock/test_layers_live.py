"""Every stock layer: tf-keras' own numbers, ours, and Keras 3's for the config that we give it, on equal weights."""

import json

import numpy as np
import pytest

import reference.stock as stock
from reference.files import eras
from reference.files.era_values import HARD
from reference.files.eras import STOCK, modern
from reference.files.stock_weights import NON_TRAINABLE, stock_weights, weights_of
from reference.stock import LAYERS, convolutions, evaluate

BATCH = 3
U = 2.0**-24  # float32's unit roundoff

# class: [(arguments, the inputs' shapes without the batch)], each as tf-keras takes it.
SERIES, IMAGE = [(7, 4)], [(6, 7, 4)]
ACTIVATIONS = "elu exponential gelu hard_sigmoid linear mish relu selu sigmoid softmax softplus softsign swish tanh"
CASES = {
    "Activation": [({"activation": name}, SERIES) for name in ACTIVATIONS.split()],
    "ActivityRegularization": [({"l2": 0.1}, SERIES)],
    "Add": [({}, [(4,), (4,), (4,)]), ({}, [(5, 4), (4,)])],
    "AdditiveAttention": [({}, [(5, 4), (6, 4)]), ({"use_scale": False}, [(5, 4), (6, 4), (6, 4)])],
    "AlphaDropout": [({"rate": 0.3}, SERIES)],
    "Attention": [({}, [(5, 4), (6, 4)]), ({"use_scale": True}, [(5, 4), (6, 3), (6, 4)]),
                  ({"score_mode": "concat", "use_scale": True}, [(5, 4), (6, 4)])],
    "Average": [({}, [(4,), (4,), (4,)])],
    "AveragePooling1D": [({}, SERIES), ({"pool_size": 3, "strides": 2, "padding": "same"}, [(6, 4)])],
    "AveragePooling2D": [({"pool_size": (2, 3), "padding": "same"}, IMAGE)],
    "BatchNormalization": [({}, SERIES), ({"scale": False}, IMAGE),
                           ({"center": False, "axis": 1, "epsilon": 0.1}, SERIES)],
    "Concatenate": [({}, [(5, 4), (5, 2)]), ({"axis": 1}, [(5, 4), (2, 4)])],
    "Conv1D": [({"filters": 5, "kernel_size": 3, **own}, SERIES) for own in (
        {}, {"padding": "same", "strides": 2}, {"kernel_size": 4, "padding": "same", "activation": "tanh"},
        {"padding": "causal", "dilation_rate": 2, "use_bias": False}, {"filters": 6, "groups": 2},
        {"activation": "hard_sigmoid"}, {"strides": 3})] + [(
        {"filters": 5, "kernel_size": 4, "padding": "same", "strides": 3}, [(11, 4)])],
    "Conv1DTranspose": [({"filters": 5, "kernel_size": 3, **own}, SERIES) for own in (
        {}, {"kernel_size": 5, "padding": "same", "strides": 2},
        {"kernel_size": 2, "strides": 3}, {"strides": 2, "output_padding": 1},
        {"padding": "same", "strides": 3, "output_padding": 1})],
    "Conv2D": [({"filters": 5, "kernel_size": (2, 3), "activation": "relu", **own}, IMAGE) for own in (
        {}, {"padding": "same", "strides": 2}, {"dilation_rate": (2, 1)})],
    "Conv2DTranspose": [({"filters": 5, "kernel_size": (2, 3), **own}, IMAGE) for own in (
        {}, {"padding": "same", "strides": 2}, {"activation": "hard_sigmoid", "strides": (1, 2)})],
    "Cropping1D": [({"cropping": (1, 2)}, SERIES), ({}, SERIES)],
    "Cropping2D": [({"cropping": ((1, 0), (2, 1))}, IMAGE)],
    "Dense": [({"units": 5}, SERIES), ({"units": 5, "activation": "hard_sigmoid"}, [(4,)]),
              ({"units": 2, "activation": "softmax", "use_bias": False, "kernel_regularizer": "l2"}, [(4,)])],
    "DepthwiseConv1D": [({"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, SERIES)],
    "DepthwiseConv2D": [({"kernel_size": (2, 3), "depth_multiplier": 2, "activation": "hard_sigmoid"}, IMAGE)],
    "Dot": [({"axes": 1}, [(4,), (4,)]), ({"axes": (2, 1), "normalize": True}, [(5, 4), (4, 3)]),
            ({"axes": [1, 1]}, [(5, 4), (5, 3)])],
    "Dropout": [({"rate": 0.3}, SERIES)],
    "ELU": [({"alpha": 0.7}, SERIES)],
    "Embedding": [({"input_dim": 9, "output_dim": 4}, [(5,)]),
                  ({"input_dim": 9, "output_dim": 4, "input_length": 5}, [(5,)])],
    "Flatten": [({}, IMAGE), ({"data_format": "channels_first"}, IMAGE)],
    "GaussianDropout": [({"rate": 0.3}, SERIES)],
    "GaussianNoise": [({"stddev": 0.3}, SERIES)],
    "GlobalAveragePooling1D": [({}, SERIES), ({"data_format": "channels_first", "keepdims": True}, SERIES)],
    "GlobalAveragePooling2D": [({}, IMAGE)],
    "GlobalMaxPooling1D": [({}, SERIES), ({"data_format": "channels_first", "keepdims": True}, SERIES)],
    "GlobalMaxPooling2D": [({"data_format": "channels_first"}, IMAGE)],
    "LayerNormalization": [({}, SERIES), ({"axis": (1, 2), "scale": False}, SERIES),
                           ({"axis": 1, "center": False}, SERIES)],
    "LeakyReLU": [({}, SERIES), ({"alpha": 0.1}, SERIES)],
    "Masking": [({}, SERIES), ({"mask_value": 0.5}, SERIES)],
    "MaxPooling1D": [({}, SERIES), ({"pool_size": 3, "strides": 2, "padding": "same"}, [(6, 4)]),
                     ({"data_format": "channels_last", "pool_size": 2, "strides": 1}, SERIES)],
    "MaxPooling2D": [({"pool_size": (2, 3), "padding": "same"}, IMAGE)],
    "Maximum": [({}, [(4,), (4,), (4,)])],
    "Minimum": [({}, [(4,), (4,), (4,)])],
    "Multiply": [({}, [(4,), (4,), (4,)])],
    "PReLU": [({}, SERIES), ({"shared_axes": [1]}, SERIES)],
    "Permute": [({"dims": (3, 1, 2)}, IMAGE)],
    "ReLU": [({"max_value": 0.5, "negative_slope": 0.1, "threshold": 0.2}, SERIES), ({}, SERIES)],
    "RepeatVector": [({"n": 3}, [(4,)])],
    "Rescaling": [({"scale": 1.2, "offset": 0.3}, SERIES)],
    "Reshape": [({"target_shape": (2, -1, 2)}, SERIES)],
    "SeparableConv1D": [({"filters": 5, "kernel_size": 3, "depth_multiplier": 2, **own}, SERIES) for own in (
        {}, {"padding": "same", "strides": 2}, {"activation": "hard_sigmoid"})],
    "SeparableConv2D": [({"filters": 5, "kernel_size": (2, 3), "padding": "same"}, IMAGE)],
    "Softmax": [({}, SERIES), ({"axis": 1}, SERIES), ({"axis": (1, 2)}, SERIES)],
    "SpatialDropout1D": [({"rate": 0.3}, SERIES)],
    "SpatialDropout2D": [({"rate": 0.3}, IMAGE)],
    "Subtract": [({}, [(4,), (4,)])],
    "ThresholdedReLU": [({"theta": 0.4}, SERIES), ({}, SERIES)],
    "UpSampling1D": [({"size": 3}, SERIES)],
    "UpSampling2D": [({"size": (2, 3)}, IMAGE)],
    "ZeroPadding1D": [({"padding": (1, 2)}, SERIES), ({}, SERIES)],
    "ZeroPadding2D": [({"padding": ((1, 0), (2, 1))}, IMAGE), ({"padding": (1, 2)}, IMAGE)],
}  # fmt: skip
GIVEN = [pytest.param(kind, *case, id=f"{kind} {case[0]} {case[1]}") for kind, cases in CASES.items() for case in cases]
ELSEWHERE = {"Bidirectional", "InputLayer", "TimeDistributed"}  # test_models


def drawn(layer, kind, shapes, seed=5):
    """Inputs of those shapes, and the layer, built, with weights of which no two are equal."""
    random = np.random.default_rng(seed)
    if kind == "Embedding":
        inputs = [random.integers(0, 9, (BATCH, *shape)).astype("int32") for shape in shapes]
    else:
        inputs = [random.normal(size=(BATCH, *shape)).astype("float32") for shape in shapes]
    if kind == "Masking":
        inputs[0][0, 2:4] = inputs[0][1, 6] = inputs[0][2, 1, 0] = layer.get_config()["mask_value"]
    if kind == "ThresholdedReLU":
        inputs[0][0, 0, :2] = layer.get_config()["theta"]
    layer(inputs if len(inputs) > 1 else inputs[0])
    layer.set_weights([random.uniform(0.1, 1.2, w.shape) if "variance" in v.name else random.normal(size=w.shape)
                       for v, w in zip(layer.weights, layer.get_weights(), strict=True)])  # fmt: skip
    return inputs


def folded(kind, config, weights):
    """Keras 3's hard_sigmoid is Keras 2's of 1.2 times the argument."""
    if config.get("activation") != HARD:
        return config, weights
    last = [name for name in weights if name in ("bias", "pointwise_kernel", "kernel")]
    return {**config, "activation": "hard_sigmoid"}, {n: w * 1.2 if n in last else w for n, w in weights.items()}


def close(got, expected, terms):
    """Within the roundoff of a float32 sum of so many terms, each at most about 4 in size, and of what follows it."""
    assert got.shape == expected.shape, f"shape must be {expected.shape}, got {got.shape}"
    bound = 4 * (terms + 8) * U * max(1, np.abs(expected).max())
    distance = np.abs(np.asarray(got, "float64") - expected).max(initial=0)
    assert distance <= bound, f"distance must be at most {bound:.1e}, got {distance:.1e}"


def test_every_layer_is_here():
    assert set(CASES) | ELSEWHERE == set(STOCK)
    assert set(LAYERS) | {"ThresholdedReLU", "Bidirectional", "TimeDistributed"} == set(STOCK)


@pytest.mark.parametrize(("kind", "arguments", "shapes"), GIVEN)
def test_layer_is_tf_keras(kind, arguments, shapes):
    check(kind, arguments, shapes)


def check(kind, arguments, shapes):
    tf_keras, keras = pytest.importorskip("tf_keras"), pytest.importorskip("keras")
    old = getattr(tf_keras.layers, kind)(**arguments)
    inputs = drawn(old, kind, shapes)
    live = np.asarray(old(inputs if len(inputs) > 1 else inputs[0]))
    encoder = pytest.importorskip("tf_keras.src.saving.legacy.saved_model.json_utils").Encoder
    name, config = modern(kind, json.loads(json.dumps(old.get_config(), cls=encoder)), "keras2")
    arrays = {v.name.rpartition("/")[2].split(":")[0]: w for v, w in zip(old.weights, old.get_weights(), strict=True)}
    weights = stock_weights(name, config, arrays, "keras2")
    exact = [x if x.dtype.kind == "i" else x.astype("float64") for x in inputs]
    ours, _ = evaluate(name, config, {n: w.astype("float64") for n, w in weights.items()}, exact)
    terms = max((w.size for w in weights.values()), default=8)
    close(live, ours, terms)
    assert [v.name.rpartition("/")[2].split(":")[0] in NON_TRAINABLE for v in old.weights] == [
        id(v) not in map(id, old.trainable_weights) for v in old.weights
    ]

    if kind == "Activation" and config["activation"] == HARD:
        exact, inputs = [1.2 * x for x in exact], [np.float32(1.2) * x for x in inputs]
    config, weights = folded(name, config, weights)
    new = getattr(keras.layers, name)(**config)
    new(inputs if len(inputs) > 1 else inputs[0])
    assert tuple(v.path.rpartition("/")[2] for v in new.weights) == weights_of(name, config) or kind == "PReLU"
    new.set_weights(list(weights.values()))
    close(np.asarray(new(inputs if len(inputs) > 1 else inputs[0])), ours, terms)


def swapped(kind, one, other):
    """The layer with two of its weights, or of its arguments, taken for one another."""

    def mistaken(use):
        other_way = {one: other, other: one}
        exchange = lambda given: {other_way.get(name, name): value for name, value in given.items()}
        return right(use._replace(weights=exchange(use.weights), config=exchange(use.config)))

    right = LAYERS[kind]
    return mistaken


def with_argument(kind, **wrong):
    right = LAYERS[kind]
    return lambda use: right(use._replace(config={**use.config, **wrong}))


def with_weights(kind, edit):
    right = LAYERS[kind]
    return lambda use: right(use._replace(weights={name: edit(w) for name, w in use.weights.items()}))


SAME = {"filters": 5, "kernel_size": 3, "padding": "same", "strides": 2}, [(6, 4)]
MISTAKES = {  # a mistake: the layer, the function that has it, a case that sees it
    "gamma for beta": ("BatchNormalization", swapped("BatchNormalization", "gamma", "beta"), {}, SERIES),
    "mean for beta": ("BatchNormalization", swapped("BatchNormalization", "moving_mean", "beta"), {}, SERIES),
    "gamma for beta of a layer": ("LayerNormalization", swapped("LayerNormalization", "gamma", "beta"), {}, SERIES),
    "epsilon of another era": ("BatchNormalization", with_argument("BatchNormalization", epsilon=1e-5), {}, SERIES),
    "flipped kernel": ("Conv1D", with_weights("Conv1D", lambda w: w[::-1] if w.ndim == 3 else w), *SAME),
    "flipped transposed kernel": (
        "Conv2DTranspose", with_weights("Conv2DTranspose", lambda w: w[:, ::-1] if w.ndim == 4 else w),
        {"filters": 5, "kernel_size": (2, 3)}, IMAGE,
    ),
    "no bias": ("Conv1D", with_weights("Conv1D", lambda w: w * 0 if w.ndim == 1 else w), *SAME),
    "valid for same": ("MaxPooling1D", with_argument("MaxPooling1D", padding="valid"), {"padding": "same"}, SERIES),
    "slope of tf.nn": ("LeakyReLU", with_argument("LeakyReLU", negative_slope=0.2), {}, SERIES),
    "hard_sigmoid of Keras 3": (
        "Dense", with_argument("Dense", activation="hard_sigmoid"), {"units": 5, "activation": "hard_sigmoid"}, [(4,)]
    ),
    "query for value": (
        "Attention", lambda use: stock.attention.attention(use._replace(inputs=use.inputs[::-1])), {}, [(5, 4), (5, 4)]
    ),
    "first minus second": (
        "Subtract", lambda use: stock.merging.subtract(use._replace(inputs=use.inputs[::-1])), {}, [(4,), (4,)]
    ),
    "depth before channel": (
        "DepthwiseConv1D", with_weights("DepthwiseConv1D", lambda w: w[..., ::-1] if w.ndim == 3 else w),
        {"kernel_size": 3, "depth_multiplier": 2}, SERIES,
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_seen(mistake, monkeypatch):
    kind, wrong, arguments, shapes = MISTAKES[mistake]
    check(kind, arguments, shapes)
    if mistake == "hard_sigmoid of Keras 3":
        right = LAYERS[kind]
        wrong = lambda use: right(use._replace(config={**use.config, "activation": "hard_sigmoid"}, era="keras"))
    monkeypatch.setitem(LAYERS, kind, wrong)
    with pytest.raises(AssertionError, match="must be"):
        check(kind, arguments, shapes)


def test_the_side_of_padding_is_seen(monkeypatch):
    """Of an odd number of zeros, Keras has one more after than before."""
    right = convolutions.padded
    turn = lambda x: x[:, ::-1]
    monkeypatch.setattr(convolutions, "padded", lambda use, x, *rest: turn(right(use, turn(x), *rest)))
    with pytest.raises(AssertionError, match="distance must be"):
        check("Conv1D", *SAME)


def test_a_default_of_the_wrong_era_is_seen(monkeypatch):
    """A config that leaves out what Keras 3 has otherwise gives another layer."""
    monkeypatch.setitem(eras.STOCK, "ThresholdedReLU", eras.Stock("threshold", "ReLU", {"theta": "x"}, {}, {"x": None}))
    with pytest.raises(AssertionError, match="distance must be"):
        check("ThresholdedReLU", {}, SERIES)


@pytest.mark.parametrize(
    "kind", ["Conv1D", "Conv2D", "MaxPooling2D", "AveragePooling1D", "ZeroPadding2D", "UpSampling2D", "Conv1DTranspose"]
)
def test_channels_first(kind):
    """TensorFlow has no such convolutions on a CPU: they are those of channels last, with the axes moved."""
    axes = 2 if "2D" in kind else 1
    config = {"kernel_size": 3, "filters": 5, "pool_size": 3, "padding": "same", "strides": 2}
    config = {"padding": [[1, 2], [0, 3]], "size": 3} if kind[:2] in ("Ze", "Up") else config
    random = np.random.default_rng(2)
    x = random.normal(size=(2, *(7, 6)[:axes], 4))
    kernel = random.normal(size=(3,) * axes + ((5, 4) if "Tr" in kind else (4, 5)))
    weights = {"kernel": kernel, "bias": random.normal(size=5)} if "Conv" in kind else {}
    last, _ = evaluate(kind, config, weights, [x])
    first, _ = evaluate(kind, {**config, "data_format": "channels_first"}, weights, [np.moveaxis(x, -1, 1)])
    assert np.array_equal(np.moveaxis(first, 1, -1), last)
    assert last.shape != x.shape
