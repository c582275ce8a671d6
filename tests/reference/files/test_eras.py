"""Old configs -> Keras 3's, by hand: Keras 1.2.2's and multi-backend Keras 2's, which cannot be run here."""

import json
from contextlib import suppress

import numpy as np
import pytest

from reference.files.eras import HARD, STOCK, Unsupported, changes, modern
from reference.files.stock_weights import doubt, flip_theano, from_keras1, stock_weights, weights_of
from reference.stock import evaluate

NO = dict.fromkeys(("W_regularizer", "b_regularizer", "activity_regularizer", "W_constraint", "b_constraint"))
L2 = {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.5}
DENSE1 = {"name": "d", "trainable": True, "output_dim": 3, "init": "glorot_uniform", "activation": "linear",
          "bias": True, "input_dim": 4, **NO}  # fmt: skip
CONV1 = {"name": "c", "nb_filter": 3, "filter_length": 5, "init": "he_normal", "activation": "relu",
         "border_mode": "same", "subsample_length": 2, "bias": False, "input_length": 9, **NO}  # fmt: skip
GLOROT = {"class_name": "GlorotUniform", "config": {}}
DENSE3 = {"units": 3, "kernel_initializer": GLOROT, "activation": "linear", "use_bias": True}

# era, class, its config in the file, Keras 3's class and what is in its config; read in the source of each version.
ROWS = [
    ("keras1", "Dense", DENSE1, "Dense",
     {"name": "d", "trainable": True, **DENSE3}),
    ("keras1", "Dense", {**DENSE1, "W_regularizer": L2, "activation": "hard_sigmoid",
                         "b_constraint": {"name": "MaxNorm", "m": 2, "axis": 0}}, "Dense",
     {"kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}}, "activation": HARD,
      "bias_constraint": {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}}}),
    ("keras1", "TimeDistributedDense", {**DENSE1, "input_length": 7}, "Dense", {"units": 3, "use_bias": True}),
    ("keras1", "TimeDistributed", {"name": "t", "layer": {"class_name": "Dense", "config": DENSE1}}, "TimeDistributed",
     {"layer": {"class_name": "Dense", "config": {"name": "d", "trainable": True, **DENSE3}}}),
    ("keras1", "Convolution1D", CONV1, "Conv1D",
     {"filters": 3, "kernel_size": 5, "padding": "same", "strides": 2, "use_bias": False, "activation": "relu",
      "kernel_initializer": {"class_name": "HeNormal", "config": {}}}),
    ("keras1", "AtrousConvolution1D", {**CONV1, "atrous_rate": 3, "subsample_length": 1}, "Conv1D",
     {"dilation_rate": 3, "strides": 1}),
    ("keras1", "Convolution2D", {"nb_filter": 3, "nb_row": 2, "nb_col": 5, "subsample": [1, 2], "dim_ordering": "th",
                                 "border_mode": "valid", "init": "uniform", "activation": "linear", "bias": True, **NO},
     "Conv2D", {"kernel_size": [2, 5], "strides": [1, 2], "data_format": "channels_first", "padding": "valid"}),
    ("keras1", "MaxPooling1D", {"stride": 2, "pool_length": 3, "border_mode": "same"}, "MaxPooling1D",
     {"strides": 2, "pool_size": 3, "padding": "same"}),
    ("keras1", "MaxPooling2D", {"strides": [2, 1], "pool_size": [3, 2], "border_mode": "same", "dim_ordering": "tf"},
     "MaxPooling2D", {"strides": [2, 1], "pool_size": [3, 2], "padding": "same", "data_format": "channels_last"}),
    ("keras1", "Embedding", {"input_dim": 9, "output_dim": 4, "init": "uniform", "input_length": 5, "mask_zero": True,
                             "activity_regularizer": None, "W_regularizer": L2, "W_constraint": {"name": "NonNeg"},
                             "dropout": 0.2, "batch_input_shape": [None, 5], "input_dtype": "int32"}, "Embedding",
     {"input_dim": 9, "output_dim": 4, "mask_zero": True,
      "embeddings_initializer": {"class_name": "RandomUniform", "config": {}},
      "embeddings_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}},
      "embeddings_constraint": {"class_name": "NonNeg", "config": {}}}),
    ("keras1", "Dropout", {"p": 0.4}, "Dropout", {"rate": 0.4}),
    ("keras1", "SpatialDropout1D", {"p": 0.4, "name": "s", "trainable": True}, "SpatialDropout1D", {"rate": 0.4}),
    ("keras1", "GaussianNoise", {"sigma": 0.4}, "GaussianNoise", {"stddev": 0.4}),
    ("keras1", "GaussianDropout", {"p": 0.4}, "GaussianDropout", {"rate": 0.4}),
    ("keras1", "UpSampling1D", {"length": 3}, "UpSampling1D", {"size": 3}),
    ("keras1", "ZeroPadding1D", {"padding": 2}, "ZeroPadding1D", {"padding": 2}),
    ("keras1", "BatchNormalization", {"epsilon": 1e-5, "mode": 0, "axis": -1, "gamma_regularizer": None,
                                      "beta_regularizer": None, "momentum": 0.9}, "BatchNormalization",
     {"epsilon": 1e-5, "axis": -1, "momentum": 0.9}),
    ("keras1", "InputLayer", {"batch_input_shape": [None, 7], "input_dtype": "int32", "sparse": False, "name": "i"},
     "InputLayer", {"batch_shape": [None, 7], "dtype": "int32", "sparse": False, "name": "i"}),
    ("keras1", "LeakyReLU", {"alpha": 0.3}, "LeakyReLU", {"negative_slope": 0.3}),
    ("keras1", "PReLU", {"init": "zero"}, "PReLU", {"alpha_initializer": {"class_name": "Zeros", "config": {}}}),
    ("keras1", "ThresholdedReLU", {"theta": 0.7}, "ReLU", {"threshold": 0.7}),
    *(("keras1", "Merge", {"name": "m", "mode": mode, "mode_type": "raw", "concat_axis": 1, "dot_axes": [2, 1],
                           "output_shape": None, "output_shape_type": "raw", "output_mask": None,
                           "output_mask_type": "raw", "arguments": {}}, kind, {"name": "m", **own})
      for mode, kind, own in (("sum", "Add", {}), ("mul", "Multiply", {}), ("ave", "Average", {}),
                              ("max", "Maximum", {}), ("concat", "Concatenate", {"axis": 1}),
                              ("dot", "Dot", {"axes": [2, 1]}))),
    ("keras2", "LeakyReLU", {"name": "l"}, "LeakyReLU", {"name": "l", "negative_slope": 0.3}),
    ("keras2", "LeakyReLU", {"alpha": {"type": "ndarray", "value": 0.25}}, "LeakyReLU", {"negative_slope": 0.25}),
    ("keras2", "ReLU", {"max_value": {"class_name": "__numpy__", "config": {"value": 6.0, "dtype": "float32"}}}, "ReLU",
     {"max_value": 6.0}),
    ("keras2", "ThresholdedReLU", {}, "ReLU", {"threshold": 1.0}),
    ("keras2", "BatchNormalization", {"axis": [3], "renorm": False, "virtual_batch_size": None, "fused": True},
     "BatchNormalization", {"axis": 3}),
    ("keras2", "AveragePooling1D", {"strides": None, "padding": "valid"}, "AveragePooling1D",
     {"pool_size": 2, "strides": None, "padding": "valid"}),
    # Keras up to 2.2 wrote the dtype of the inputs there.
    ("keras2", "Embedding", {"input_dim": 9, "output_dim": 4, "dtype": "int32", "input_length": [5]}, "Embedding",
     {"input_dim": 9, "output_dim": 4}),
    ("keras2", "Dense", {"units": 3, "dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}},
                         "kernel_initializer": {"class_name": "VarianceScaling", "config": {
                             "scale": 1.0, "mode": "fan_avg", "distribution": "normal", "seed": None}},
                         "bias_initializer": {"class_name": "Zeros", "config": {"dtype": "float32"}}}, "Dense",
     {"units": 3, "dtype": "mixed_float16",
      "kernel_initializer": {"class_name": "VarianceScaling", "config": {
          "scale": 1.0, "mode": "fan_avg", "distribution": "truncated_normal"}},
      "bias_initializer": {"class_name": "Zeros", "config": {}}}),
    ("keras2", "Dense", {"units": 3, "activation": "swish", "kernel_initializer": {"class_name": "Mine", "config": {}}},
     "Dense", {"units": 3, "activation": "silu"}),
    ("keras2", "Bidirectional", {"layer": {"class_name": "LSTM", "config": {"units": 2}}, "merge_mode": "ave"},
     "Bidirectional", {"layer": {"class_name": "LSTM", "config": {"units": 2}}, "merge_mode": "ave"}),
    ("keras2", "TimeDistributed", {"layer": {"class_name": "LSTM", "config": {"units": 2, "implementation": 1}}},
     "TimeDistributed", {"layer": {"class_name": "LSTM", "config": {"units": 2, "implementation": 1}}}),
    ("keras", "Dense", {"units": 3, "activation": "hard_sigmoid", "quantization_config": None}, "Dense",
     {"units": 3, "activation": "hard_sigmoid"}),
]  # fmt: skip
OPEN = {"Bidirectional", "TimeDistributed"}  # whose layer is still the file's


@pytest.mark.parametrize(("era", "kind", "config", "name", "holds"), ROWS, ids=lambda value: str(value)[:30] + "")
def test_row(era, kind, config, name, holds, request):
    given = json.dumps(config)
    got, made = modern(kind, config, era)
    assert got == name, f"class must be {name}, got {got}"
    for key, value in holds.items():
        assert made.get(key) == value, f"{key} must be {value}, got {made.get(key)}"
    assert set(made) - set(holds) <= {"name", "trainable", "activation", "use_bias", "kernel_initializer", "padding",
                                      "strides", "filters", "units", "kernel_size"}  # fmt: skip
    assert json.dumps(config) == given, "the file's config must stay as it was"
    if kind not in OPEN and made.get("activation") != HARD:
        keras = pytest.importorskip("keras")
        live = getattr(keras.layers, name)(**{key: value for key, value in made.items() if key != "sparse"})
        assert live.get_config() is not None


REFUSED = [
    ("keras2", "Lambda", {"function": "abc"}, "runs code"),
    ("keras2", "AttentionDecoder", {}, "is not one of the stock layers"),
    ("keras1", "Highway", {}, "no equal in Keras 3"),
    ("keras1", "MaxoutDense", {}, "no equal in Keras 3"),
    ("keras1", "BatchNormalization", {"mode": 1}, "must have mode = 0, got 1"),
    ("keras1", "UpSampling2D", {"size": [2, 2]}, "must say its dim_ordering"),
    ("keras1", "Merge", {"mode": "cos"}, "one of the modes"),
    ("keras1", "Merge", {"mode": "f", "mode_type": "lambda"}, "one of the modes"),
    ("keras1", "SeparableConvolution2D", {"dim_ordering": "th"}, "dim_ordering = 'tf'"),
    ("keras2", "Dense", {"units": 3, "activation": "mine"}, "one of the activations"),
    (
        "keras2",
        "Dense",
        {"units": 3, "activation": {"class_name": "LeakyReLU", "config": {"alpha": 0.1}}},
        "activations",
    ),
    ("keras2", "Dense", {"units": 3, "kernel_scale": 2}, "no argument 'kernel_scale'"),
    ("keras2", "Dense", {"units": "3"}, "a whole number above 0 as its units"),
    ("keras2", "Dense", {"units": True}, "a whole number above 0 as its units"),
    ("keras2", "Dense", {}, "must have units"),
    ("keras2", "Dense", {"units": 3, "dtype": "complex64"}, "must have a dtype among"),
    ("keras2", "SeparableConv1D", {"filters": 2, "kernel_size": 3, "padding": "causal"}, "valid or same"),
    ("keras2", "BatchNormalization", {"renorm": True}, "renorm = False, got True"),
    ("keras2", "BatchNormalization", {"axis": [1, 2]}, "one axis"),
    ("keras2", "Attention", {"causal": True}, "causal = False"),
    ("keras2", "InputLayer", {"batch_input_shape": [None, 3], "ragged": True}, "ragged = False"),
    ("keras2", "TimeDistributed", {"layer": {"class_name": "Lambda", "config": {}}}, "Lambda runs code"),
    ("keras2", "TimeDistributed", {"layer": 3}, "a layer's class and config"),
    ("keras2", "Conv1D", None, "a config of names and values"),
]


@pytest.mark.parametrize(("era", "kind", "config", "says"), REFUSED, ids=str)
def test_refused_by_name(era, kind, config, says):
    with pytest.raises(Unsupported, match=says) as caught:
        modern(kind, config, era)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_what_bears_on_training_only_is_told():
    mine = {"class_name": "Mine", "config": {}}
    config = {"units": 3, "kernel_regularizer": mine, "kernel_initializer": mine, "bias_constraint": "non_neg"}
    assert changes("Dense", config, "keras2") == [f"kernel_regularizer {mine!r} is left out: Keras 3 has none like it"]
    assert modern("Dense", config, "keras2")[1] == {
        "units": 3, "bias_constraint": {"class_name": "NonNeg", "config": {}}
    }  # fmt: skip


JUNK = [
    None,
    True,
    -1,
    0,
    10**30,
    2**31 - 1,
    1.5,
    float("nan"),
    "",
    "x",
    [],
    [[]],
    [1, 2, 3],
    [None],
    {},
    {"class_name": 3},
]
SHAPES = {  # of a kernel over so many axes
    "kernel": lambda axes: (2,) * axes + (3, 3),
    "depthwise_kernel": lambda axes: (2,) * axes + (3, 1),
    "pointwise_kernel": lambda axes: (1,) * axes + (3, 3),
    "embeddings": lambda axes: (3, 2),
}


@pytest.mark.parametrize("kind", sorted(STOCK))
def test_a_strangers_config_is_refused_or_runs(kind):
    """Whatever an argument is, the end is a result or a ValueError, and nothing grows without bound."""
    needed = {"units": 2, "filters": 2, "kernel_size": 2, "input_dim": 3, "output_dim": 2, "n": 2, "dims": [2, 1],
              "axes": 1, "rate": 0.1, "stddev": 0.1, "scale": 2, "target_shape": [12], "activation": "relu",
              "theta": 0.5, "batch_input_shape": [None, 4, 3]}  # fmt: skip
    names = {name.lstrip("!") for name in STOCK[kind].takes.split()} | {"name", "dtype"} | set(STOCK[kind].dropped)
    sound = {name: value for name, value in needed.items() if name in names}
    if kind == "Dense":
        assert modern(kind, sound, "keras2")[1]["units"] == 2
    rank = 4 if "2D" in kind else 2 if kind in ("RepeatVector", "Embedding") else 3
    axes = rank - 2 if "Conv" in kind else 0
    x = np.ones((2, 4, 3, 3)[:rank])
    for name in sorted(names):
        for junk in JUNK:
            with suppress(Unsupported, ValueError):
                new, config = modern(kind, {**sound, name: junk}, "keras2")
                weights = {
                    weight: np.ones(SHAPES.get(weight, lambda axes: 3)(axes)) for weight in weights_of(new, config)
                }
                evaluate(new, config, weights, [x, x])


def test_kernels_of_theano_are_turned_round():
    """Theano computed the true convolution Σ x[t − k] w[k]; TensorFlow, from the turned kernel, gives the same."""
    random = np.random.default_rng(1)
    signal, kernel = random.normal(size=(1, 9, 1)), random.normal(size=(4, 1, 1))
    stored = {"W": kernel[:, None]}
    config = {"kernel_size": 4, "filters": 1, "use_bias": False}
    weights = stock_weights("Conv1D", config, stored, "keras1", backend="theano")
    ours, _ = evaluate("Conv1D", config, weights, [signal])
    expected = np.convolve(signal[0, :, 0], kernel[:, 0, 0], mode="valid")
    assert np.allclose(ours[0, :, 0], expected, rtol=1e-12, atol=1e-12)
    plain, _ = evaluate(
        "Conv1D", config, stock_weights("Conv1D", config, stored, "keras1", backend="tensorflow"), [signal]
    )
    assert np.abs(plain[0, :, 0] - expected).max() > 0.1
    assert np.array_equal(flip_theano("Conv2D", np.arange(12).reshape(2, 3, 2, 1))[0, 0, :, 0], [10, 11])
    assert np.array_equal(flip_theano("SeparableConv1D", kernel), kernel)


def test_kernels_of_keras1():
    kernel = np.random.default_rng(1).normal(size=(5, 2, 3))  # (length, inputs, filters)
    config = {"kernel_size": [5], "filters": 3}
    assert np.array_equal(from_keras1("Conv1D", config, kernel[:, None]), kernel)
    assert np.array_equal(from_keras1("Conv1D", config, kernel.transpose(2, 1, 0)[..., None]), kernel)
    with pytest.raises(ValueError, match=r"must have shape \(4, 1, inputs, 3\)"):
        from_keras1("Conv1D", {"kernel_size": [4], "filters": 3}, kernel[:, None])
    kernel = np.random.default_rng(1).normal(size=(2, 5, 4, 3))  # (rows, columns, inputs, filters)
    first = {"data_format": "channels_first"}
    assert np.array_equal(from_keras1("Conv2D", first, kernel.transpose(3, 2, 0, 1)), kernel)
    assert np.array_equal(from_keras1("Conv2D", {"data_format": "channels_last"}, kernel), kernel)


def test_arrays_by_name_and_by_order():
    a, b, c, d = (np.full(2, k) for k in range(4))
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    assert weights_of("BatchNormalization", {}) == names
    old = {"running_std": d, "gamma": a, "running_mean": c, "beta": b}
    numbered = {f"param_{k}": array for k, array in enumerate((a, b, c, d))}
    for arrays in (old, numbered):
        found = stock_weights("BatchNormalization", {}, arrays, "keras1")
        assert [found[name][0] for name in names] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="must be gamma, beta, moving_mean, moving_variance, got gamma, beta, x, y"):
        stock_weights("BatchNormalization", {}, {"gamma": a, "beta": b, "x": c, "y": d}, "keras2")
    with pytest.raises(ValueError, match="must be none, got kernel"):
        stock_weights("Dropout", {}, {"kernel": a}, "keras2")


def test_what_the_file_leaves_in_doubt():
    odd, even = {"padding": "same", "kernel_size": [3]}, {"padding": "same", "kernel_size": 4}
    assert "does not say" in doubt("Conv1D", odd, "keras1", "")
    assert not doubt("Conv1D", odd, "keras1", "theano")
    assert not doubt("Conv1D", even, "keras2", "tensorflow")
    assert "even kernels" in doubt("Conv1D", even, "keras2", "theano")
    assert "strides" in doubt("Conv1D", {**odd, "strides": [2]}, "keras2", "theano")
    assert "pooling" in doubt("MaxPooling1D", {"padding": "same"}, "keras2", "theano")
    assert not doubt("Dense", {}, "keras1", "")
