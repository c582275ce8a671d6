"""Arrays by name, without a word on what they are: .npz and .safetensors."""

import numpy as np
import pytest
from keras_models import all_same

import reference
from reference.files import opened_model

CELLS = ("lstm", "gru", "simple_rnn")


def layer(cell, seed=0):
    """A layer that every framework can hold: of the framework's own form of the cell."""
    gates = {"lstm": 4, "gru": 3, "simple_rnn": 1}[cell]
    draw = lambda *shape: np.random.default_rng([seed, *shape]).normal(size=shape).astype("f4")
    arrays = {"kernel": draw(3, 5 * gates), "recurrent_kernel": draw(5, 5 * gates)}
    arrays["bias"] = draw(2, 15) if cell == "gru" else draw(5 * gates)
    options = {"reset_after": True} if cell == "gru" else {}
    gate = {} if cell == "simple_rnn" else {"recurrent_activation": "sigmoid"}
    return reference.unpack("keras2", cell, arrays, **options, **gate, return_sequences=True)


def written(path, arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        pytest.importorskip("safetensors.numpy").save_file(
            {k: np.ascontiguousarray(v) for k, v in arrays.items()}, path
        )
    return path


@pytest.mark.parametrize("file", ["w.npz", "w.safetensors"])
def test_a_state_dict_of_pytorch(tmp_path, file):
    torch = pytest.importorskip("torch")
    model = torch.nn.ModuleDict(
        {
            "encoder": torch.nn.LSTM(3, 5, num_layers=2, bidirectional=True),
            "fc": torch.nn.Linear(3, 2),
            "top": torch.nn.ModuleDict({"rnn": torch.nn.GRU(3, 5), "cell": torch.nn.LSTMCell(3, 4)}),
        }
    )
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}
    path = written(tmp_path / file, arrays)
    found = reference.load(path)
    assert set(found) == {"encoder", "top.rnn", "top.cell"}
    for name, cell in (("encoder", "lstm"), ("top.rnn", "gru"), ("top.cell", "lstm")):
        own = {full[len(name) + 1 :]: array for full, array in arrays.items() if full.startswith(f"{name}.")}
        all_same({name: found[name]}, {name: reference.unpack("pytorch", cell, own)})
    assert found["top.rnn"].source == f"{path}: top.rnn (PyTorch)"
    with opened_model(path) as stored:
        assert stored.era == "pytorch"
        assert {layer.path for layer in stored.layers} == {*found, "fc"}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "framework", ["keras", "keras2", "cudnn", "pytorch", "tf1", "onnx", "flax", "mxnet", "lasagne"]
)
def test_every_framework_by_its_names(tmp_path, framework, cell):
    try:
        packed = reference.pack(layer(cell), framework)
    except reference.NotRepresentable:
        pytest.skip(f"{framework} has no such {cell}")
    arrays = {f"model/{name}": array for name, array in packed.arrays.items()}
    path = written(tmp_path / "w.npz", {**arrays, "head/alpha": np.ones(3)})
    keras = framework in ("keras", "keras2", "cudnn")
    told = {k: v for k, v in packed.options.items() if not keras or k.endswith("activation") or k == "go_backwards"}
    told |= {"framework": framework, "cell": packed.cell} if not keras else {}
    told |= {"go_backwards": False, "activation": "tanh"} if keras and framework != "cudnn" else {}
    told |= {"go_backwards": False} if framework == "cudnn" else {}
    if framework in ("mxnet", "flax", "lasagne"):
        del told["framework"]
    if framework == "onnx":
        told["activations"] = {"lstm": ["Sigmoid", "Tanh", "Tanh"], "gru": ["Sigmoid", "Tanh"]}.get(cell, ["Tanh"])
    found = reference.load(path, **told)
    want = reference.unpack(packed.framework, packed.cell, packed.arrays, **packed.options)
    assert list(found) == ["model"]
    x = np.random.default_rng(2).normal(size=(2, 4, 3)).astype("f4")
    np.testing.assert_array_equal(found["model"].run(x).outputs, want.run(x).outputs)


def test_what_names_do_not_show_is_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    both = {"a.weight_ih_l0": rng.normal(size=(6, 2)), "a.weight_hh_l0": rng.normal(size=(6, 6))}
    bias = {"a.bias_ih_l0": np.ones(6), "a.bias_hh_l0": np.ones(6)}
    path = written(tmp_path / "w.npz", both | bias)
    with pytest.raises(reference.FileRefused, match="nonlinearity") as refused:
        reference.load(path)
    assert refused.value.code == "not-said"
    assert reference.load(path, nonlinearity="relu")["a"].options["activation"].name == "relu"
    path = written(tmp_path / "x.npz", {"x/kernel": np.ones((5, 8)), "x/bias": np.ones(8)})
    with pytest.raises(reference.FileRefused, match="framework, cell"):
        reference.load(path)
    told = {"framework": "tf1", "cell": "lstm", "activation": "tanh"}
    with pytest.raises(reference.FileRefused, match="forget_bias"):
        reference.load(path, **told)
    assert reference.load(path, **told, forget_bias=1.0)["x"].options["forget_bias"] == 1.0


def test_names_of_keras_variables(tmp_path):
    forward, backward = (reference.pack(layer("lstm", k), "keras2").arrays for k in (0, 1))
    arrays = {f"both/forward_lstm/lstm_cell/{k}:0": v for k, v in forward.items()}
    arrays |= {f"both/backward_lstm/lstm_cell/{k}:0": v for k, v in backward.items()}
    arrays |= {f"lstm/lstm_cell_1/{k}:0": v for k, v in reference.pack(layer("lstm", 2), "keras2").arrays.items()}
    path = written(tmp_path / "w.npz", arrays)
    told = {"activation": "tanh", "recurrent_activation": "sigmoid", "merge_mode": "sum", "go_backwards": False}
    found = reference.load(path, **told)
    assert list(found) == ["both", "lstm"]
    assert found["both"].merge_mode == "sum"
    np.testing.assert_array_equal(found["both"].backward.weights.kernel, backward["kernel"])
    with pytest.raises(reference.FileRefused, match="framework"):
        reference.load(path, **{**told, "recurrent_activation": "hard_sigmoid"})
