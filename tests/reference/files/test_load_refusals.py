"""What `load` refuses of a file that is Keras', and what it reads in spite of what stands beside it."""

import json

import h5py
import numpy as np
import pytest
from keras_models import drawn, same

import reference
from reference.files import opened_model

LSTM = {"name": "one", "units": 3, "activation": "tanh", "recurrent_activation": "sigmoid", "return_sequences": True}


def entry(kind="LSTM", package=None, **more):
    whole = {"class_name": kind, "config": {**LSTM, **more}}
    return {**whole, "registered_name": f"{package}>{kind}"} if package else whole


def layer(kind, **config):
    return {"class_name": kind, "config": config}


def arrays(gates=4, units=3, inputs=2, seed=0):
    draw = np.random.default_rng(seed).normal
    return {
        "kernel": draw(size=(inputs, gates * units)),
        "recurrent_kernel": draw(size=(units, gates * units)),
        "bias": draw(size=gates * units),
    }


def saved(path, layers, version="2.15.0", names=None):
    """A Sequential in a .h5: pairs of an entry and its arrays."""
    with h5py.File(path, "w") as file:
        config = {"class_name": "Sequential", "config": {"name": "m", "layers": [own for own, _ in layers]}}
        file.attrs["model_config"] = json.dumps(config)
        if version:
            file.attrs["keras_version"] = version
        home = file.create_group("model_weights")
        home.attrs["layer_names"] = names or [own["config"]["name"] for own, _ in layers]
        for own, held in layers:
            group = home.create_group(own["config"]["name"])
            group.attrs["weight_names"] = [f"{name}:0" for name in held]
            for name, array in held.items():
                group.create_dataset(f"{name}:0", data=array)
    return path


REFUSED = {
    "time_major": ("unsupported-option", entry(time_major=True), "time_major"),
    "unknown argument": ("unsupported-option", entry(peephole_style="graves"), "peephole_style='graves'"),
    "use_bias a text": ("unsupported-option", entry(use_bias="yes"), "use_bias"),
    "go_backwards a number": ("unsupported-option", entry(go_backwards=3), "go_backwards"),
    "custom function": ("unsupported-function", entry(activation="my_tanh"), "my_tanh"),
    "a function of another package": (
        "unsupported-function",
        entry(activation={"class_name": "function", "config": "tanh", "registered_name": "evil>tanh"}),
        "evil>tanh",
    ),
    "our name of another package": ("unsupported-function", entry(activation="evil>hard_sigmoid_keras2"), "evil"),
    "a layer as function": ("unsupported-function", entry(activation=layer("PReLU")), "activation"),
    "code as function": ("unsupported-function", entry(activation=layer("__lambda__", code="e30=")), "e30="),
    "a list as function": ("unsupported-function", entry(activation=["tanh"]), "tanh"),
    "units that disagree": ("shape", entry(units=4), "units"),
    "no units": ("shape", entry(units=0), "got 0"),
    "units a text": ("shape", entry(units="3"), "got 3"),
    "no bias, and one there": ("missing-weight", entry(use_bias=False), "kernel, recurrent_kernel"),
    "GRU, and four gates": ("shape", entry("GRU"), "recurrent_kernel"),
    "GRU with two rows of bias": ("shape", entry("GRU", reset_after=True), "bias"),
    "a class of another package": ("unsupported-class", entry(package="evil"), "evil>LSTM"),
    "a class of its own": ("unsupported-class", entry("AttentionDecoder"), "AttentionDecoder"),
    "a cell of its own": ("unsupported-class", layer("RNN", name="one", cell=entry("MyCell")), "MyCell"),
    "a cell without a class": ("config", layer("RNN", name="one", cell=3), "int"),
    "cells that are none": ("config", layer("RNN", name="one", cell=layer("StackedRNNCells", cells=3)), "cell"),
    "states in another order": (
        "unsupported-option",
        layer("RNN", name="one", cell=layer("StackedRNNCells", cells=[entry("LSTMCell")], reverse_state_order=True)),
        "reverse_state_order",
    ),
    "a wrapper of its own": (
        "unsupported-class",
        layer("MyWrapper", name="outer", layer=entry()),
        "LSTM in MyWrapper",
    ),
    "a merge_mode that is a list": (
        "unsupported-option",
        layer("Bidirectional", name="one", layer=entry(), merge_mode=["sum"]),
        "merge_mode",
    ),
    "a convolution": ("unsupported-class", entry("ConvLSTM2D"), "ConvLSTM2D"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path, case):
    code, own, words = REFUSED[case]
    held = arrays(3 if own["config"].get("reset_after") else 4)
    if own["class_name"] == "Bidirectional":
        held = {f"{way}_one/{name}": a for way in ("forward", "backward") for name, a in held.items()}
    path = saved(tmp_path / "m.h5", [(own, held)])
    with pytest.raises(reference.FileRefused) as refused:
        reference.load(path)
    assert refused.value.code == code, str(refused.value)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_stands_beside_an_lstm_is_no_matter(tmp_path):
    """A Lambda, a custom layer with weights, and one that is recurrent but left out."""
    held = arrays()
    others = [
        ({"class_name": "Lambda", "config": {"name": "code", "function": ["4wEAAAA=", None, None]}}, {}),
        (entry(), held),
        (layer("AttentionWeightedAverage", name="attention", layers=[3, 2], layer=1), {"attention_W": np.ones((3, 1))}),
    ]
    path = saved(tmp_path / "m.h5", others)
    found = reference.load(path)
    assert list(found) == ["one"]
    np.testing.assert_array_equal(found["one"].weights.kernel, held["kernel"])
    with opened_model(path) as stored:
        assert {one.path: list(one.arrays) for one in stored.layers}["attention"] == ["attention_W"]
    path = saved(tmp_path / "n.h5", [*others, (entry("ConvLSTM2D", name="film"), arrays())])
    with pytest.raises(reference.FileRefused, match=r"only=\["):
        reference.load(path)
    assert list(reference.load(path, only=["one"])) == ["one"]


@pytest.mark.parametrize("kind", ["Lambda", "Dense"])
def test_a_file_without_a_recurrent_layer(tmp_path, kind):
    path = saved(tmp_path / "m.h5", [({"class_name": kind, "config": {"name": "x", "use_bias": False}}, {})])
    if kind == "Dense":
        path = saved(
            tmp_path / "m.h5", [({"class_name": kind, "config": {"name": "x"}}, {"kernel": [[1.0]], "bias": [1.0]})]
        )
    with pytest.raises(reference.FileRefused) as refused:
        reference.load(path)
    assert refused.value.code == ("unsupported-class" if kind == "Lambda" else "no-recurrent")


def test_names_that_contradict_the_order(tmp_path):
    held = arrays(units=3, inputs=3)
    turned = {name: held[name] for name in ("recurrent_kernel", "kernel", "bias")}
    with pytest.raises(reference.FileRefused, match="in the order kernel, recurrent_kernel, bias") as refused:
        reference.load(saved(tmp_path / "m.h5", [(entry(), turned)]))
    assert refused.value.code == "name"


@pytest.mark.parametrize(
    ("version", "gate", "after"),
    [
        ("2.0.8", "hard_sigmoid_keras2", False),
        ("2.2.4", "hard_sigmoid_keras2", False),
        ("2.3.1", "sigmoid", False),
        ("2.1.6-tf", "hard_sigmoid_keras2", False),
        ("2.2.4-tf", None, None),
        ("2.6.0", "sigmoid", True),
        ("3.3.3", "sigmoid", True),
        ("", None, None),
    ],
)
def test_defaults_are_those_of_the_version(tmp_path, version, gate, after):
    bare = {k: v for k, v in LSTM.items() if k != "recurrent_activation"}
    held = {k: v for k, v in arrays(3).items() if k != "bias"}
    path = saved(tmp_path / "m.h5", [({"class_name": "GRU", "config": {**bare, "use_bias": False}}, held)], version)
    if gate is None:
        with pytest.raises(reference.FileRefused, match="recurrent_activation"):
            reference.load(path)
        found = reference.load(path, recurrent_activation="hard_sigmoid", reset_after=True)["one"]
        gate, after = "hard_sigmoid_keras2", True
    else:
        found = reference.load(path)["one"]
    assert found.options["recurrent_activation"].name == gate and found.options["reset_after"] is after  # noqa: PT018


def test_a_nested_sequential_without_a_name(tmp_path):
    """Keras 2 before 2.2.3 wrote a Sequential as its bare list of layers, and its name in layer_names alone."""
    inner = {"class_name": "Sequential", "config": [entry(name="within")]}
    held, other = arrays(inputs=2), arrays(inputs=3, seed=1)
    path = saved(tmp_path / "m.h5", [(entry(), other)], "2.0.8")
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [inner, entry()]})
        home = file["model_weights"]
        home.attrs["layer_names"] = ["sequential_7", "one"]
        group = home.create_group("sequential_7")
        group.attrs["weight_names"] = [f"within/{name}:0" for name in held]
        for name, array in held.items():
            group.create_dataset(f"within/{name}:0", data=array)
    found = reference.load(path)
    assert list(found) == ["sequential_7/within", "one"]
    np.testing.assert_array_equal(found["sequential_7/within"].weights.kernel, held["kernel"])


def test_long_lists_of_names_are_split(tmp_path):
    layers = [(entry(name=f"layer{k}"), arrays(inputs=2 if not k else 3, seed=k)) for k in range(7)]
    path = saved(tmp_path / "m.h5", layers)
    with h5py.File(path, "r+") as file:
        home = file["model_weights"]
        names = list(home.attrs["layer_names"])
        del home.attrs["layer_names"]
        home.attrs["layer_names0"], home.attrs["layer_names1"] = names[:4], names[4:]
    assert list(reference.load(path)) == [f"layer{k}" for k in range(7)]


@pytest.mark.parametrize("framework", ["keras", "tf_keras"])
@pytest.mark.parametrize("file", ["m.h5", "m.keras"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning")
def test_every_stock_layer_is_counted(tmp_path, framework, file):
    keras = pytest.importorskip(framework)
    L = keras.layers
    x = inputs = keras.Input((8, 6))
    wide = {"padding": "same"}
    chain = [L.Conv1D(6, 3, **wide), L.SeparableConv1D(6, 3, **wide), L.Conv1DTranspose(6, 3, **wide)]
    chain += [L.DepthwiseConv1D(3, **wide), L.BatchNormalization(scale=False), L.LayerNormalization(), L.PReLU()]
    chain += [L.Dropout(0.1), L.GaussianNoise(0.1), L.Dense(6, use_bias=False), L.GroupNormalization(3)]
    chain += [L.EinsumDense("abc,cd->abd", (None, 6)), L.EinsumDense("abc,cd->abd", (None, 6), bias_axes="d")]
    chain += [L.TimeDistributed(L.Dense(6)), L.Bidirectional(L.LSTM(3, return_sequences=True)), L.UnitNormalization()]
    for each in chain:
        x = each(x)
    x = L.Add()([L.MultiHeadAttention(2, 3)(x, x), L.Attention(use_scale=True)([x, x]), L.AdditiveAttention()([x, x])])
    image = L.Reshape((8, 6, 1))(x)
    for each in (L.Conv2D(2, 3), L.DepthwiseConv2D(2), L.SeparableConv2D(3, 2), L.Conv2DTranspose(2, 2)):
        image = each(image)
    model = drawn(keras.Model(inputs, [L.GlobalMaxPooling2D()(image), L.GRU(3)(x)]))
    model.save(tmp_path / file)
    with opened_model(tmp_path / file) as stored:
        assert sum(int(np.prod(array.shape)) for array in stored.arrays()) == model.count_params()
        held = {one.kind: list(one.arrays) for one in stored.layers}
        assert held["SeparableConv2D"] == ["depthwise_kernel", "pointwise_kernel", "bias"]
        assert held["BatchNormalization"] == ["beta", "moving_mean", "moving_variance"]
    found, live = reference.load(tmp_path / file), reference.read_model(model)
    assert list(found) == list(live)
    for path in live:
        same(found[path], live[path], path)
