"""Weights that an ONNX graph cuts, joins and turns before a recurrent node gets them, against ONNX Runtime."""

import io

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import comparisons
from comparisons import loading
from reference.files.guard import Limits

T, B, X, H = 5, 2, 3, 4
ORDER = (0, 3, 1, 2)  # PyTorch's gates i f g o as ONNX' i o f c
rng = np.random.default_rng(11)


def draw(*shape):
    return (rng.normal(size=shape) * 0.6 + 0.1).astype("float32")


def whole(*numbers):
    return np.array(numbers, np.int64)


def value(name, kind=TensorProto.FLOAT, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, held, outputs=("y",), opset=14, inputs=("x",), kinds=(TensorProto.FLOAT,)):
    tensors = [numpy_helper.from_array(array, name) for name, array in held.items()]
    named = [value(name, kind) for name, kind in zip(outputs, kinds * len(outputs), strict=False)]
    graph = helper.make_graph(nodes, "graph", [value(name, shape=[T, B, X]) for name in inputs], named, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def ran(made, **given):
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, given)


def saved(path, made):
    path.write_bytes(made.SerializeToString())
    return path


def lstm(weights=("W", "R", "B"), name="n", x="x", y="y"):
    return helper.make_node("LSTM", [x, *weights], [y], name=name, hidden_size=H)


make = helper.make_node
HELD = {
    "a": draw(6, 4),
    "b": draw(6, 2),
    "seven": draw(7, 2),
    "half": draw(3, 4).astype("float16"),
    "zero": whole(0),
    "one": whole(1),
    "two": whole(2),
    "five": whole(5),
    "far": whole(2**62),
    "back": whole(-1),
    "backs": whole(-1, -2),
    "ends": whole(-(2**40), 1),
    "shape": whole(0, 2, -1),
    "sizes": whole(1, 3, 2),
    "small": np.array([1, 2], np.int32),
    "places": whole(0, -1),
}
# What makes y, and the opset that has it so.
CASES = {
    "slice": ([make("Slice", ["a", "one", "five"], ["y"])], 14),
    "slice by attributes": ([make("Slice", ["a"], ["y"], starts=[1, 0], ends=[-1, 900], axes=[1, 0])], 9),
    "slice, axes left out": ([make("Slice", ["a"], ["y"], starts=[1, 2], ends=[5, 4])], 9),
    "slice to the end": ([make("Slice", ["a", "two", "far", "one"], ["y"])], 13),
    "slice by steps": ([make("Slice", ["a", "zero", "far", "zero", "two"], ["y"])], 13),
    "slice backwards": ([make("Slice", ["a", "backs", "ends", "places", "backs"], ["y"])], 13),
    "slice of 32 bits": (
        [make("Slice", ["a", "small", "c", "d"], ["y"])],
        13,
        {"c": np.array([4, 4], np.int32), "d": np.array([1, 0], np.int32)},
    ),
    "concat": ([make("Concat", ["a", "b", "a"], ["y"], axis=-1)], 13),
    "unsqueeze": ([make("Unsqueeze", ["a", "places"], ["y"])], 13),
    "unsqueeze by attributes": ([make("Unsqueeze", ["a"], ["y"], axes=[0, 2])], 11),
    "squeeze": ([make("Unsqueeze", ["a", "zero"], ["u"]), make("Squeeze", ["u", "zero"], ["y"])], 13),
    "squeeze all": ([make("Unsqueeze", ["a", "places"], ["u"]), make("Squeeze", ["u"], ["y"])], 13),
    "squeeze by attributes": (
        [make("Unsqueeze", ["a"], ["u"], axes=[0, 1]), make("Squeeze", ["u"], ["y"], axes=[1])],
        9,
    ),
    "transpose": ([make("Transpose", ["a"], ["y"])], 13),
    "permute": ([make("Unsqueeze", ["a"], ["u"], axes=[0]), make("Transpose", ["u"], ["y"], perm=[2, 0, 1])], 9),
    "reshape": ([make("Reshape", ["a", "shape"], ["y"])], 13),
    "reshape what is turned": ([make("Transpose", ["a"], ["t"]), make("Reshape", ["t", "shape"], ["y"])], 13),
    "reshape, zeros allowed": ([make("Reshape", ["a", "c"], ["y"], allowzero=1)], 14, {"c": whole(4, 6)}),
    "cast": ([make("Cast", ["half"], ["y"], to=TensorProto.FLOAT)], 13),
    "cast up": ([make("Cast", ["half"], ["y"], to=TensorProto.DOUBLE)], 13),
    "split": ([make("Split", ["a", "sizes"], ["p", "y", "q"])], 13),
    "split by attributes": ([make("Split", ["a"], ["p", "y"], axis=1, split=[1, 3])], 11),
    "split in equal parts": ([make("Split", ["a"], ["p", "y"], axis=-1)], 13),
    "split with what is left": ([make("Split", ["seven"], ["p", "q", "r", "y"], num_outputs=4)], 18),
    "constants": (
        [
            make("Constant", [], ["c"], value_ints=[1, 0]),
            make("Constant", [], ["d"], value=numpy_helper.from_array(whole(3, 2))),
            make("Slice", ["a", "c", "d"], ["e"]),
            make("Identity", ["e"], ["f"]),
            make("Constant", [], ["g"], value_floats=[0.5, 0.25]),
            make("Constant", [], ["h"], value_int=0),
            make("Cast", ["h"], ["h0"], to=TensorProto.INT64),
            make("Unsqueeze", ["h0", "zero"], ["h1"]),
            make("Unsqueeze", ["g", "h1"], ["i"]),
            make("Concat", ["f", "i"], ["y"], axis=0),
        ],
        13,
    ),
    "numbers not raw": (
        [
            make("Constant", [], ["c"], value=helper.make_tensor("", TensorProto.INT64, [1], [-5])),
            make("Constant", [], ["d"], value=helper.make_tensor("", TensorProto.INT64, [1], [-2])),
            make("Slice", ["a", "c", "d"], ["y"]),
        ],
        13,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_operator_makes_what_onnx_runtime_makes(tmp_path, case):
    nodes, opset, *more = CASES[case]
    held = {**HELD, **(more[0] if more else {})}
    used = {name: array for name, array in held.items() if any(name in node.input for node in nodes)}
    kind = TensorProto.DOUBLE if case == "cast up" else TensorProto.FLOAT
    (expected,) = ran(model(nodes, used, opset=opset, inputs=(), kinds=(kind,)))
    path = saved(tmp_path / "m.onnx", model([*nodes, lstm(("y", "y", ""), y="z")], used, ("z",), opset))
    with loading.opened_model(path) as stored:
        (layer,) = (layer for layer in stored.layers if layer.kind == "LSTM")
        array = layer.arrays["W"]
        assert (array.shape, array.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_array_equal(array.read(), expected)
        assert array.read().flags.owndata


def cut(prefix, *, starts=ORDER, rows=4):
    """PyTorch's four arrays as W, R and B, as its exporter leaves them, and their initializers."""
    nodes, made = [], {"W": "weight_ih", "R": "weight_hh", "B": "bias"}
    for ours, theirs in made.items():
        arrays = [theirs] if ours != "B" else ["bias_ih", "bias_hh"]
        halves = []
        for array in arrays:
            parts = []
            for gate in range(rows):
                name = f"{prefix}{array}.{gate}"
                nodes.append(make("Slice", [array, f"at{starts[gate]}", f"at{starts[gate] + 1}", "at0"], [name]))
                parts.append(name)
            halves.append(f"{prefix}{array}.all")
            nodes.append(make("Concat", parts, [halves[-1]], axis=0))
        joined = halves[0]
        if len(halves) == 2:
            joined = f"{prefix}{theirs}.both"
            nodes.append(make("Concat", halves, [joined], axis=0))
        nodes.append(make("Unsqueeze", [joined, "at0"], [f"{prefix}{ours}"]))
    return nodes


@pytest.fixture
def torch_arrays():
    held = {"weight_ih": draw(4 * H, X), "weight_hh": draw(4 * H, H), "bias_ih": draw(4 * H), "bias_hh": draw(4 * H)}
    return held | {f"at{gate}": whole(gate * H) for gate in range(5)}


def outputs(layer, x):
    return layer.astype("float64").run(x.transpose(1, 0, 2)).outputs.transpose(1, 0, 2)[:, None]


def test_gates_that_the_graph_reorders(tmp_path, torch_arrays):
    x = draw(T, B, X)
    swapped = (3, 0, 1, 2)
    layers = {}
    for starts in (ORDER, swapped):
        made = model([*cut("", starts=starts), lstm()], torch_arrays)
        (layers[starts],) = comparisons.load(saved(tmp_path / "m.onnx", made)).values()
        np.testing.assert_allclose(outputs(layers[starts], x), ran(made, x=x)[0], rtol=1e-5, atol=1e-6)
    assert np.abs(outputs(layers[ORDER], x) - outputs(layers[swapped], x)).max() > 0.01
    # i f g o is the reference's own order.
    np.testing.assert_array_equal(layers[ORDER].weights.kernel, torch_arrays["weight_ih"].T)


def branch(nodes):
    return helper.make_graph(nodes, "branch", [], [value("out")])


@pytest.mark.parametrize("names", ["/part/rnn/{}", "n", ""])
def test_branches_with_the_same_weights_or_others(tmp_path, torch_arrays, names):
    """Both are read, under paths of their own, whichever names the exporter gave; what is the same is one array."""
    x = draw(T, B, X)
    same, other = cut("s."), cut("o.", starts=(2, 0, 1, 3))
    inner = lambda side, prefix: lstm([f"{prefix}.{w}" for w in "WRB"], names.format(side), y="out")
    for second, nodes in (("s", same), ("o", other)):
        branches = {
            "then_branch": branch([*same, inner("LSTM", "s")]),
            "else_branch": branch([*nodes, inner("LSTM_1", second)]),
        }
        chosen = make("If", ["yes"], ["y"], name="/part/If" if "/" in names else "if", **branches)
        found = {}
        for yes in (True, False):
            made = model([chosen], {**torch_arrays, "yes": np.array(yes)})
            found = comparisons.load(saved(tmp_path / "m.onnx", made))
            layer = list(found.values())[yes]  # else comes first, as helper sorts them
            np.testing.assert_allclose(outputs(layer, x), ran(made, x=x)[0], rtol=1e-5, atol=1e-6)
        assert (
            list(found)
            == {
                "/part/rnn/{}": ["/part/rnn/LSTM_1", "/part/rnn/LSTM"],
                "n": ["if/n", "if.then_branch/n"],
                "": ["if/out", "if.then_branch/out"],
            }[names]
        )
        with loading.opened_model(tmp_path / "m.onnx") as stored:
            first, last = (layer.arrays for layer in stored.layers if layer.kind == "LSTM")
            assert all((first[name] is last[name]) == (second == "s") for name in first)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("folding", [False, True])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_what_pytorch_exports(tmp_path, kind, folding):
    torch.manual_seed(3)
    layer = getattr(torch.nn, kind)(X, H, num_layers=2, bidirectional=True)
    x = torch.randn(T, B, X)
    content = io.BytesIO()
    torch.onnx.export(layer, (x,), content, dynamo=False, do_constant_folding=folding, opset_version=14)
    (tmp_path / "m.onnx").write_bytes(content.getvalue())
    counted = {node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node}
    assert ("Slice" in counted and "Concat" in counted) or folding
    found = comparisons.load(tmp_path / "m.onnx")
    assert list(found) == [f"/{kind}", f"/{kind}_1"]
    given = x.numpy().transpose(1, 0, 2)
    for below in found.values():
        given = below.astype("float64").run(given).outputs
    expected = layer(x)[0].detach().numpy().transpose(1, 0, 2)
    np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-6)


def test_an_array_of_the_file_is_counted_once(tmp_path, torch_arrays):
    """Before a dense layer that turns it, or behind; and what a recurrent node has is nobody else's."""
    nodes = [
        *cut(""),
        lstm(),
        make("Transpose", ["dense"], ["turned"]),
        make("MatMul", ["y", "turned"], ["m"], name="m"),
        make("MatMul", ["m", "dense"], ["z"], name="z"),
        make("MatMul", ["x", "weight_ih"], ["odd"], name="odd"),
    ]
    path = saved(tmp_path / "m.onnx", model(nodes, {**torch_arrays, "dense": draw(7, H)}))
    with loading.opened_model(path) as stored:
        found = {layer.path: {name: array.shape for name, array in layer.arrays.items()} for layer in stored.layers}
    assert found == {"n": {"W": (1, 16, X), "R": (1, 16, H), "B": (1, 32)}, "m": {"dense": (7, H)}}


WRONG = {
    "the output of MatMul": ([make("MatMul", ["a", "b"], ["W"])], "export it with constant folding"),
    "an input of its graph": ([make("Identity", ["x"], ["W"])], ""),
    "W, which no node before it makes": (
        [make("Concat", ["V", "a"], ["U"], axis=0), make("Identity", ["U"], ["V"])],
        "",
    ),
    "the output of Slice": ([make("Slice", ["a", "x", "x"], ["W"])], "folding"),
    "the output of Slice (options that are not few whole numbers: float32 (1,))": (
        [make("Slice", ["a", "f", "f"], ["W"])],
        "",
    ),
    "the output of Slice (options that are not few whole numbers: int64 (65,))": (
        [make("Slice", ["a", "many", "many"], ["W"])],
        "",
    ),
    "the output of Concat (arrays of sizes that do not fit)": ([make("Concat", ["a", "b"], ["W"], axis=0)], ""),
    "the output of Slice (axis 1 twice)": ([make("Slice", ["a"], ["W"], starts=[0, 0], ends=[1, 1], axes=[1, 1])], ""),
    "the output of Cast (float32 to int64, which rounds)": ([make("Cast", ["a"], ["W"], to=TensorProto.INT64)], ""),
    "the output of Split (2 parts [9, 9] of 6)": ([make("Split", ["a"], ["W", "V"], split=[9, 9])], ""),
    "the output of Slice (slice step cannot be zero)": ([make("Slice", ["a", "o", "o", "o", "o"], ["W"])], ""),
    "the output of Split (5 outputs, and 1 named)": ([make("Split", ["a"], ["W"], num_outputs=5)], ""),
    "the output of Reshape": ([make("Reshape", ["a", "big"], ["W"])], ""),
    "the output of Unsqueeze": ([make("Unsqueeze", ["a"], ["W"], axes=[9])], ""),
    "the output of Transpose": ([make("Transpose", ["a"], ["W"], perm=[0])], ""),
}


@pytest.mark.parametrize("got", WRONG)
def test_weights_that_are_computed_otherwise(tmp_path, refused, got):
    nodes, way = WRONG[got]
    held = {"a": draw(6, 4), "b": draw(4, 3), "o": whole(0), "big": whole(2**40, 2**40), "R": draw(1, 16, 4)}
    held |= {"f": draw(1), "many": np.arange(65)}
    other = {f"G{name}": draw(*shape) for name, shape in (("W", (1, 16, X)), ("R", (1, 16, H)))}
    path = saved(tmp_path / "m.onnx", model([*nodes, lstm(("W", "R")), lstm(("GW", "GR"), "good")], {**held, **other}))
    said = refused("missing-weight", path)
    assert f"must have a W that is an initializer, or cut and joined from some, got {got}" in said
    assert way in said
    assert list(comparisons.load(path, only=["good"])) == ["good"]
    with loading.opened_model(path) as stored:  # what is stored is counted all the same
        assert {"n", "good"} <= {layer.path for layer in stored.layers}


def test_a_loops_inputs_hide_what_has_their_names(tmp_path, refused):
    held = {"W": draw(1, 16, X), "R": draw(1, 16, H), "yes": np.array(True), "times": np.array(2, np.int64)}
    inputs = [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("W")]
    nodes = [lstm(("W", "R"), y="h"), make("Identity", ["go"], ["on"]), make("Identity", ["W"], ["W2"])]
    body = helper.make_graph(nodes, "body", inputs, [value("on", TensorProto.BOOL, []), value("W2")])
    path = saved(tmp_path / "m.onnx", model([make("Loop", ["times", "yes", "W"], ["y"], body=body, name="l")], held))
    assert "l/n of" in (said := refused("missing-weight", path))
    assert "got an input of its graph" in said
    body.node[0].input[1:3] = ["V", "R"]
    held["V"] = held["W"]
    path = saved(tmp_path / "m.onnx", model([make("Loop", ["times", "yes", "W"], ["y"], body=body, name="l")], held))
    assert list(comparisons.load(path)) == ["l/n"]
    del body.node[0]
    path = saved(tmp_path / "m.onnx", model([make("Loop", ["times", "yes", "W"], ["y"], body=body, name="l")], held))
    assert "Loop" in refused("no-recurrent", path)
    nodes = [make("MatMul", ["x", "V"], ["z"]), make("Loop", ["times", "yes", "x"], ["y"], body=body, name="l")]
    path = saved(tmp_path / "m.onnx", model(nodes, held))
    assert refused("no-recurrent", path).endswith("got MatMul, Loop")


def test_quantized_operators_are_refused_by_name(tmp_path, refused):
    held = {"W": draw(1, 16, X), "R": draw(1, 16, H)}
    odd = make("DynamicQuantizeLSTM", ["x", "q"], ["z"], name="odd", domain="com.microsoft", hidden_size=H)
    path = saved(tmp_path / "m.onnx", model([lstm(("W", "R")), odd], held))
    assert "got com.microsoft.DynamicQuantizeLSTM" in refused("unsupported-class", path)
    assert list(comparisons.load(path, only=["n"])) == ["n"]


def test_what_would_take_too_much(tmp_path, refused):
    """Arrays that double at each step, operators without end, and one array in a thousand layers."""
    seed = {"a0": draw(1, 16, X), "R": draw(1, 16, H), "zero": whole(0), "one": whole(1)}
    path = tmp_path / "m.onnx"
    double = [make("Concat", [f"a{k}"] * 2, [f"a{k + 1}"], axis=0) for k in range(40)]
    refused("too-large", saved(path, model([*double, lstm(("a40", "R"))], seed)))
    turned = [make("Transpose", [f"a{k}"], [f"a{k + 1}"], perm=[2, 1, 0]) for k in range(70)]
    assert "at most 64 operators" in refused("too-deep", saved(path, model([*turned, lstm(("a70", "R"))], seed)))
    assert list(comparisons.load(path, limits=Limits(depth=70))) == ["n"]
    # Of the same size always, but made of two of the one before: run once each, not 2⁶⁰ times.
    tree = []
    for k in range(30):
        tree += [
            make("Concat", [f"a{k}"] * 2, [f"b{k}"], axis=0),
            make("Slice", [f"b{k}", "one", "two", "zero"], [f"a{k + 1}"]),
        ]
    made = model([*tree, lstm(("a30", "R"))], {**seed, "two": whole(2)})
    layer = comparisons.load(saved(path, made))["n"]
    np.testing.assert_array_equal(layer.weights.kernel[:, :H], seed["a0"][0, :H].T)
    refused("too-large", path, limits=Limits(bytes=10_000))
    many = [lstm(("a0", "R"), f"n{k}", y=f"y{k}") for k in range(1000)]
    refused("too-large", saved(path, model(many, seed, ("y0",))), limits=Limits(bytes=200_000))
    nodes = [make("Cast", ["great"], ["W"], to=TensorProto.FLOAT16), lstm(("W", "R"))]
    refused("non-finite", saved(path, model(nodes, {**seed, "great": np.full((1, 16, X), 1e30, "float32")})))
    # A Constant of one number that is a million.
    long = TensorProto(dims=[1], data_type=TensorProto.INT64, int64_data=[0] * 1_000_000)
    nodes = [make("Constant", [], ["c"], value=long), make("Slice", ["a0", "c", "c"], ["W"]), lstm(("W", "R"))]
    assert "1 to 10 bytes" in refused("corrupt", saved(path, model(nodes, seed)))
