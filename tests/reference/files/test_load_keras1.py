"""Keras 1's files, made by hand as its save functions (keras/models.py, keras/engine/topology.py, 1.2.2) write them."""

import json

import h5py
import numpy as np
import pytest
from keras_models import all_same

import reference
from reference.files import opened_model

X, H = 4, 3
GATES = {"LSTM": "icfo", "GRU": "zrh"}
FUSED = {"LSTM": "ifco", "GRU": "zrh"}
BASE = {"activation": "tanh", "inner_activation": "hard_sigmoid", "return_sequences": False, "go_backwards": False}
COMMON = {
    "init": "glorot_uniform",
    "inner_init": "orthogonal",
    "W_regularizer": None,
    "dropout_W": 0.1,
    "unroll": False,
}


def cell(kind, seed=0, inputs=X):
    """Arrays a gate, in the order of `trainable_weights`, and the same fused as Keras 2 has them."""
    rng = np.random.default_rng(seed)
    gates = GATES.get(kind, "")
    draw = lambda *shape: rng.normal(size=shape).astype("float32")
    if not gates:
        own = {"W": draw(inputs, H), "U": draw(H, H), "b": draw(H)}
        return own, {"kernel": own["W"], "recurrent_kernel": own["U"], "bias": own["b"]}
    own = {f"{a}_{g}": draw(*shape) for g in gates for a, shape in (("W", (inputs, H)), ("U", (H, H)), ("b", (H,)))}
    side = lambda a: np.concatenate([own[f"{a}_{g}"] for g in FUSED[kind]], axis=-1)
    return own, {"kernel": side("W"), "recurrent_kernel": side("U"), "bias": side("b")}


def config(kind, name, **more):
    inner = {} if kind == "SimpleRNN" else {"consume_less": "cpu"}
    own = {k: v for k, v in BASE.items() if k != "inner_activation" or kind != "SimpleRNN"}
    whole = {
        "name": name,
        "trainable": True,
        "output_dim": H,
        "input_dim": X,
        **own,
        **inner,
        **COMMON,
        "stateful": False,
    }
    return {"class_name": kind, "config": {**whole, **more}}


def fill(group, layers, suffix=""):
    group.attrs["layer_names"] = [name.encode() for name in layers]
    for name, arrays in layers.items():
        home = group.create_group(name)
        home.attrs["weight_names"] = [f"{n}{suffix}".encode() for n in arrays]
        for own, array in arrays.items():
            home.create_dataset(f"{own}{suffix}", data=array)


def save(path, model, layers, version="1.2.2", **more):
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version.encode()
        file.attrs["model_config"] = json.dumps(model).encode()
        fill(file.create_group("model_weights"), layers, **more)


def expected(kind, fused, **options):
    name = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "simple_rnn"}[kind]
    given = {} if kind == "SimpleRNN" else {"recurrent_activation": "hard_sigmoid"}
    if kind == "GRU":
        given["reset_after"] = False
    return reference.unpack("keras2", name, fused, **{**given, **options})


@pytest.mark.parametrize("suffix", ["", ":0"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_a_sequential_of_keras_1(tmp_path, kind, suffix):
    own, fused = cell(kind)
    dense = {
        "class_name": "Dense",
        "config": {"name": "dense_1", "output_dim": 2, "bias": True, "activation": "linear"},
    }
    model = {"class_name": "Sequential", "config": [config(kind, "rnn_1", go_backwards=True), dense]}
    layers = {"rnn_1": {f"rnn_1_{n}": a for n, a in own.items()}}
    layers["dense_1"] = {"dense_1_W": np.ones((H, 2)), "dense_1_b": np.ones(2)}
    save(tmp_path / "m.h5", model, layers, suffix=suffix)
    all_same(reference.load(tmp_path / "m.h5"), {"rnn_1": expected(kind, fused, go_backwards=True)})
    with opened_model(tmp_path / "m.h5") as stored:
        assert (stored.era, stored.version, stored.format) == ("keras1", "1.2.2", "Keras 1 .h5")
        assert [list(layer.arrays)[-2:] for layer in stored.layers][1] == ["W", "b"]
        assert stored.graph is not None
        assert [*stored.graph.nodes] == ["rnn_1_input", "rnn_1", "dense_1"]


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_arrays_fused_for_a_gpu(tmp_path, kind):
    _, fused = cell(kind)
    model = {"class_name": "Sequential", "config": [config(kind, "r", consume_less="gpu", activation="relu")]}
    save(tmp_path / "m.h5", model, {"r": dict(zip(("r_W", "r_U", "r_b"), fused.values(), strict=True))})
    all_same(reference.load(tmp_path / "m.h5"), {"r": expected(kind, fused, activation="relu")})


@pytest.mark.parametrize("alone", [True, False])
def test_weights_with_the_json_or_alone(tmp_path, alone):
    own, fused = cell("LSTM")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        fill(file, {"lstm_1": {f"lstm_1_{n}": a for n, a in own.items()}})
    want = {"lstm_1": expected("LSTM", fused, activation="relu")}
    if alone:
        with pytest.raises(reference.FileRefused, match="activation, recurrent_activation, go_backwards"):
            reference.load(tmp_path / "w.h5")
        told = {"activation": "relu", "recurrent_activation": "hard_sigmoid", "go_backwards": False}
        return all_same(reference.load(tmp_path / "w.h5", **told), want)
    model = {
        "class_name": "Sequential",
        "config": [config("LSTM", "lstm_1", activation="relu")],
        "keras_version": "1.2.0",
    }
    (tmp_path / "m.json").write_text(json.dumps(model))
    all_same(reference.load(tmp_path / "w.h5", config=tmp_path / "m.json"), want)
    return None


def test_bidirectional_and_functional(tmp_path):
    own, fused = cell("GRU")
    back, fused_back = cell("GRU", 1)
    both = {
        "class_name": "Bidirectional",
        "config": {"name": "both", "merge_mode": "sum", "layer": config("GRU", "gru_1")},
    }
    nodes = [[["in", 0, 0, {}]]]
    inputs = {"class_name": "InputLayer", "name": "in", "inbound_nodes": []}
    inputs["config"] = {"name": "in", "batch_input_shape": [None, None, X], "input_dtype": "float32"}
    whole = {"name": "model_1", "layers": [inputs, {**both, "name": "both", "inbound_nodes": nodes}]}
    whole |= {"input_layers": [["in", 0, 0]], "output_layers": [["both", 0, 0]]}
    arrays = {f"forward_gru_1_{n}": a for n, a in own.items()} | {f"backward_gru_1_{n}": a for n, a in back.items()}
    save(tmp_path / "m.h5", {"class_name": "Model", "config": whole}, {"in": {}, "both": arrays})
    want = reference.Bidirectional(expected("GRU", fused), expected("GRU", fused_back, go_backwards=True), "sum")
    all_same(reference.load(tmp_path / "m.h5"), {"both": want})


def test_branches_merged_in_a_sequential_stand_side_by_side(tmp_path):
    drawn = {name: cell("LSTM", k) for k, name in enumerate("ab")}
    branches = [{"class_name": "Sequential", "config": [config("LSTM", name)]} for name in drawn]
    merge = {"class_name": "Merge", "config": {"name": "merge_1", "mode": "concat", "layers": branches}}
    dense = {"class_name": "Dense", "config": {"name": "d", "output_dim": 1, "bias": True}}
    layers = {name: {f"{name}_{n}": array for n, array in own.items()} for name, (own, _) in drawn.items()}
    layers["d"] = {"d_W": np.ones((2 * H, 1)), "d_b": np.ones(1)}
    save(tmp_path / "m.h5", {"class_name": "Sequential", "config": [merge, dense]}, layers)
    found = reference.load(tmp_path / "m.h5")
    assert [path.split("/")[-1] for path in found] == ["a", "b"]
    want = {path: expected("LSTM", fused) for path, (_, fused) in zip(found, drawn.values(), strict=True)}
    all_same(found, want)
    with opened_model(tmp_path / "m.h5") as stored:
        graph = stored.graph
    assert graph is not None
    assert len(graph.inputs) == 2
    assert [ref.layer for ref in graph.nodes["merge_1"].calls[0].inputs] == [path.split("/")[1] for path in found]


def test_keras_before_1(tmp_path):
    own, fused = cell("LSTM")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["nb_layers"] = 2
        for k, arrays in enumerate([list(own.values()), [np.ones((H, 2)), np.ones(2)]]):
            group = file.create_group(f"layer_{k}")
            group.attrs["nb_params"] = len(arrays)
            for n, array in enumerate(arrays):
                group.create_dataset(f"param_{n}", data=array)
    layer = {"name": "LSTM", **config("LSTM", "")["config"], "truncate_gradient": -1, "input_shape": [None, X]} | {
        "name": "LSTM"
    }
    del layer["consume_less"]
    (tmp_path / "m.json").write_text(
        json.dumps({"name": "Sequential", "layers": [layer, {"name": "Dense", "output_dim": 2}]})
    )
    all_same(reference.load(tmp_path / "w.h5", config=tmp_path / "m.json"), {"lstm_1": expected("LSTM", fused)})
