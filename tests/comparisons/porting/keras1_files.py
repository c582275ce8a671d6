"""Files as Keras 1 and 2 wrote them, made by hand: no Keras that old runs here."""

import json

import h5py
import numpy as np

RNG = np.random.default_rng(11)


def drawn(*shape):
    return (RNG.normal(size=shape) / np.sqrt(2 + shape[0])).astype("float32")


def write(path, layers, version, backend="tensorflow", whole=True):
    """`layers`: (class, config, {array name: array}) in order, of a Sequential."""
    entries = [{"class_name": kind, "config": config} for kind, config, _ in layers]
    config = entries if version.startswith(("1", "2.0", "2.1")) else {"name": "sequential", "layers": entries}
    with h5py.File(path, "w") as file:
        if whole:
            file.attrs["keras_version"] = version.encode()
            file.attrs["backend"] = backend.encode()
            file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config}).encode()
        home = file.create_group("model_weights") if whole else file
        home.attrs["layer_names"] = [c["name"].encode() for _, c, _ in layers]
        home.attrs["keras_version"], home.attrs["backend"] = version.encode(), backend.encode()
        for _, own, arrays in layers:
            group = home.create_group(own["name"])
            group.attrs["weight_names"] = [name.encode() for name in arrays]
            for name, array in arrays.items():
                group.create_dataset(name, data=array)
    return json.dumps({"class_name": "Sequential", "config": config, "keras_version": version, "backend": backend})


def lstm1(X=4, H=3, name="lstm_1", **told):
    """A Keras 1 LSTM: twelve arrays, gate by gate."""
    arrays = {}
    for gate in "icfo":
        for kind, shape in (("W", (X, H)), ("U", (H, H)), ("b", (H,))):
            arrays[f"{name}_{kind}_{gate}"] = drawn(*shape)
    config = {
        "name": name,
        "trainable": True,
        "batch_input_shape": [None, 6, X],
        "input_dtype": "float32",
        "output_dim": H,
        "init": "glorot_uniform",
        "inner_init": "orthogonal",
        "forget_bias_init": "one",
        "activation": "tanh",
        "inner_activation": "hard_sigmoid",
        "return_sequences": False,
        "go_backwards": False,
        "stateful": False,
        "unroll": False,
        "consume_less": "cpu",
        "input_dim": X,
        "input_length": None,
        "W_regularizer": None,
        "U_regularizer": None,
        "b_regularizer": None,
        "dropout_W": 0.2,
        "dropout_U": 0.0,
        **told,
    }
    return "LSTM", config, arrays


def dense1(inputs, units, name="dense_1", activation="softmax"):
    config = {
        "name": name,
        "trainable": True,
        "output_dim": units,
        "init": "glorot_uniform",
        "activation": activation,
        "W_regularizer": None,
        "b_regularizer": None,
        "activity_regularizer": None,
        "W_constraint": None,
        "b_constraint": None,
        "bias": True,
        "input_dim": inputs,
    }
    return "Dense", config, {f"{name}_W": drawn(inputs, units), f"{name}_b": drawn(units)}


def conv2(X=4, filters=5, size=3, name="conv1d_1"):
    """A Conv1D of Keras 2, the first layer of its model."""
    config = {
        "name": name,
        "trainable": True,
        "batch_input_shape": [None, 9, X],
        "dtype": "float32",
        "filters": filters,
        "kernel_size": [size],
        "strides": [1],
        "padding": "valid",
        "dilation_rate": [1],
        "activation": "relu",
        "use_bias": True,
        "kernel_initializer": {"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_avg"}},
        "bias_initializer": {"class_name": "Zeros", "config": {}},
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
    }
    return "Conv1D", config, {f"{name}/kernel:0": drawn(size, X, filters), f"{name}/bias:0": drawn(filters)}


def recurrent2(kind, X, H, name, return_sequences=False, gates=4, bias=None, **told):
    """An LSTM or GRU of Keras 2.1, whose gates are hard sigmoids unless told otherwise."""
    config = {
        "name": name,
        "trainable": True,
        "return_sequences": return_sequences,
        "go_backwards": False,
        "stateful": False,
        "units": H,
        **({} if kind.startswith("CuDNN") else {"activation": "tanh", "recurrent_activation": "hard_sigmoid"}),
        **told,
    }
    arrays = {"kernel": drawn(X, gates * H), "recurrent_kernel": drawn(H, gates * H), "bias": drawn(bias or gates * H)}
    return kind, config, {f"{name}/{array}:0": value for array, value in arrays.items()}


def bidirectional2(inner, name="bidirectional_1", merge_mode="concat"):
    """A Bidirectional of Keras 2 around a layer made above, with other weights for its other side."""
    kind, config, arrays = inner
    both = {}
    for side in ("forward", "backward"):
        for array, value in arrays.items():
            both[f"{name}/{side}_{array}"] = value if side == "forward" else drawn(*value.shape)
    return (
        "Bidirectional",
        {"name": name, "layer": {"class_name": kind, "config": config}, "merge_mode": merge_mode},
        both,
    )
