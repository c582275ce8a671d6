"""ONNX models: what their recurrent nodes give in ONNX Runtime, and files that are none."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import comparisons
from comparisons import loading
from reference import Bidirectional
from reference.files.guard import Limits

T, B, X, H = 5, 2, 3, 4
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
rng = np.random.default_rng(5)


def draw(*shape):
    return (rng.normal(size=shape) * 0.6 + 0.1).astype("float32")


def arrays(kind, directions=1, *, peepholes=False, inputs=X):
    rows = GATES[kind] * H
    found = {"W": draw(directions, rows, inputs), "R": draw(directions, rows, H), "B": draw(directions, 2 * rows)}
    return found | ({"P": draw(directions, 3 * H)} if peepholes else {})


def node(kind, own, name, x="x", y="y", prefix="", **attributes):
    inputs = [x, *(f"{prefix}{array}" if array in own else "" for array in ("W", "R", "B"))]
    places = {"initial_h": 5, "initial_c": 6, "P": 7}
    for array, place in places.items():
        if array in own:
            inputs += [""] * (place - len(inputs)) + [f"{prefix}{array}"]
    return helper.make_node(kind, inputs, [y], name=name, hidden_size=H, **attributes)


def model(nodes, initializers, outputs=("y",)):
    of = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [T, B, X])
    held = [numpy_helper.from_array(array, name) for name, array in initializers.items()]
    graph = helper.make_graph(nodes, "graph", [x], [of(name) for name in outputs], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8, producer_name="test")


def ran(made, x):
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["y"], {"x": x})[0]


def outputs(layer, x, state=None):
    """As ONNX has them: (T, directions, B, H)."""
    run = layer.astype("float64").run(x.transpose(1, 0, 2), state)
    halves = np.split(run.outputs, 2, axis=-1) if isinstance(layer, Bidirectional) else [run.outputs]
    return np.stack(halves).transpose(2, 0, 1, 3)


HARD = {"activations": ["HardSigmoid", "Tanh"], "activation_alpha": [0.3], "activation_beta": [0.4]}
CASES = {
    "lstm": ("LSTM", 1, {}, {}),
    "both ways, with peepholes": ("LSTM", 2, {"direction": "bidirectional"}, {"peepholes": True}),
    "backwards": ("LSTM", 1, {"direction": "reverse"}, {}),
    "clipped": ("LSTM", 1, {"clip": 0.4}, {}),
    "coupled": ("LSTM", 1, {"input_forget": 1}, {}),
    "gru": ("GRU", 1, {"linear_before_reset": 0}, {}),
    "gru, reset after": ("GRU", 1, {"linear_before_reset": 1}, {}),
    "gru, hard sigmoid": ("GRU", 1, {"linear_before_reset": 1, **HARD}, {}),
    "rnn": ("RNN", 2, {"direction": "bidirectional", "activations": ["Relu", "Tanh"]}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_node_gives_what_it_gives_in_onnx_runtime(tmp_path, case):
    kind, directions, attributes, what = CASES[case]
    own = arrays(kind, directions, **what)
    made = model([node(kind, own, "the node", **attributes)], own)
    onnx.save(made, tmp_path / "model.onnx")
    layers = comparisons.load(tmp_path / "model.onnx")
    assert list(layers) == ["the node"]
    x = draw(T, B, X)
    np.testing.assert_allclose(outputs(layers["the node"], x), ran(made, x), rtol=1e-5, atol=1e-6)


def test_weights_in_constants_identities_and_inner_graphs(tmp_path):
    own, inner = arrays("LSTM"), arrays("GRU", inputs=H)
    constants = [
        helper.make_node("Constant", [], [f"c{name}"], value=numpy_helper.from_array(array))
        for name, array in own.items()
    ]
    same = [helper.make_node("Identity", [f"c{name}"], [name]) for name in own]
    squeezed = helper.make_node("Squeeze", ["y0", "axes"], ["y1"])
    branch = lambda gru: helper.make_graph(
        [gru], "branch", [], [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)]
    )
    gru = node("GRU", inner, "inner", x="y1", y="out", prefix="g", linear_before_reset=1)
    other = node("GRU", inner, "", x="y1", y="out", prefix="g")
    branches = {"then_branch": branch(gru), "else_branch": branch(other)}
    chosen = helper.make_node("If", ["yes"], ["y"], name="if", **branches)
    held = {f"g{name}": array for name, array in inner.items()}
    held |= {"axes": np.array([1]), "yes": np.array(True)}
    made = model([*constants, *same, node("LSTM", own, "", y="y0"), squeezed, chosen], held)
    onnx.save(made, tmp_path / "model.onnx")
    layers = comparisons.load(tmp_path / "model.onnx")
    assert sorted(layers) == ["if/inner", "if/out", "y0"]
    x = draw(T, B, X)
    y0 = outputs(layers["y0"], x)[:, 0]
    np.testing.assert_allclose(outputs(layers["if/inner"], y0), ran(made, x), rtol=1e-5, atol=1e-6)
    assert layers["if/out"].options["reset_after"] is False


def test_an_initial_state_is_carried_and_said(tmp_path):
    own = arrays("LSTM") | {"initial_h": draw(1, B, H), "initial_c": draw(1, B, H)}
    made = model([node("LSTM", own, "n")], own)
    onnx.save(made, tmp_path / "model.onnx")
    layer = comparisons.load(tmp_path / "model.onnx")["n"]
    assert "initial_h and initial_c" in layer.source
    with loading.opened_model(tmp_path / "model.onnx") as stored:
        state = [stored.layers[0].arrays[name].read()[0] for name in ("initial_h", "initial_c")]
    x = draw(T, B, X)
    np.testing.assert_allclose(outputs(layer, x, state), ran(made, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["float16", "float64", "bfloat16", "float32 as numbers", "float16 as numbers"])
def test_every_way_of_storing_numbers(tmp_path, kind):
    own = {name: array.astype("float16").astype("float32") for name, array in arrays("GRU").items()}
    own = {name: np.round(array * 4) / 4 for name, array in own.items()}
    types = {"float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE, "bfloat16": TensorProto.BFLOAT16}
    held = []
    for name, array in own.items():
        if kind == "bfloat16":
            content = (array.view("uint32") >> 16).astype("<u2").tobytes()
            held.append(helper.make_tensor(name, types[kind], array.shape, content, raw=True))
        elif kind.endswith("numbers"):
            type_ = types.get(kind.split()[0], TensorProto.FLOAT)
            held.append(helper.make_tensor(name, type_, array.shape, array.ravel().tolist()))
        else:
            held.append(numpy_helper.from_array(array.astype(kind), name))
    made = model([node("GRU", own, "n"), helper.make_node("MatMul", ["y", "dense"], ["z"], name="mm")], {})
    held.append(numpy_helper.from_array(draw(H, 2), "dense"))
    made.graph.initializer.extend(held)
    onnx.save(made, tmp_path / "model.onnx")
    layer = comparisons.load(tmp_path / "model.onnx")["n"]
    np.testing.assert_array_equal(layer.weights.recurrent_kernel[:, :H], own["R"][0, :H].T)
    with loading.opened_model(tmp_path / "model.onnx") as stored:
        shapes = {layer.path: {name: a.shape for name, a in layer.arrays.items()} for layer in stored.layers}
        assert stored.format == "ONNX model of test"
    assert shapes == {"n": {name: array.shape for name, array in own.items()}, "mm": {"dense": (H, 2)}}


@pytest.fixture
def plain():
    own = arrays("LSTM")
    return model([node("LSTM", own, "n")], own)


def test_external_data_is_refused(tmp_path, plain, refused):
    path = tmp_path / "model.onnx"
    onnx.save(plain, path, save_as_external_data=True, location="data.bin", size_threshold=0)
    refused("external-storage", path)


def test_what_is_wrong_with_a_file(tmp_path, plain, refused):
    path = tmp_path / "model.onnx"

    def written(made):
        path.write_bytes(made.SerializeToString() if not isinstance(made, bytes) else made)
        return path

    def changed(change):
        made = onnx.ModelProto()
        made.CopyFrom(plain)
        change(made.graph)
        return written(made)

    whole = plain.SerializeToString()
    refused("truncated", written(whole[:-30]))
    refused("not-onnx", written(b""))
    refused("too-large", written(whole), limits=Limits(bytes=100))
    refused("too-large", written(whole), limits=Limits(tensors=2))
    refused("missing-weight", changed(lambda graph: graph.initializer.pop(1)))
    refused("corrupt", changed(lambda graph: graph.initializer[0].dims.append(7)))
    refused("too-large", changed(lambda graph: graph.initializer[0].dims.append(2**40)))
    refused("corrupt", changed(lambda graph: graph.initializer[0].dims.append(-1)))
    refused(
        "shape", changed(lambda graph: graph.node[0].attribute[0].CopyFrom(helper.make_attribute("hidden_size", 9)))
    )
    odd = helper.make_attribute("odd", numpy_helper.from_array(draw(1)))
    refused("unsupported-option", changed(lambda graph: graph.node[0].attribute.append(odd)))
    refused("duplicate", changed(lambda graph: graph.node.extend([graph.node[0]] * 2)))
    nan = numpy_helper.from_array(np.full((1, 16, 3), np.nan, "float32"), "W")
    refused("non-finite", changed(lambda graph: graph.initializer[0].CopyFrom(nan)))
    assert np.isnan(comparisons.load(path, non_finite=True)["n"].weights.kernel).all()
    refused("no-weights", changed(lambda graph: (graph.node.pop(), graph.ClearField("initializer"))))
    sparse = TensorProto(dims=[1], data_type=1, name="s", float_data=[1.0])
    indices = TensorProto(dims=[1], data_type=7, int64_data=[0])
    refused(
        "sparse",
        changed(lambda graph: graph.sparse_initializer.append(helper.make_sparse_tensor(sparse, indices, [3]))),
    )
