"""ONNX' recurrent nodes, computed by the reference: ONNX' own node tests, and every attribute against ONNX Runtime."""

import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from comparisons.frameworks import onnx_nodes, onnx_reference, onnx_runtime

pytestmark = pytest.mark.skipif(
    not (find_spec("onnx") and find_spec("onnxruntime")),
    reason="onnx or onnxruntime IS NOT INSTALLED: ONNX' recurrent nodes were NOT compared",
)
U = 2.0**-24
X, H, B, T = 3, 4, 3, 5
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
DEFAULTS = {"RNN": ("Tanh",), "LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh")}
PARAMETERS = {  # of activations that take any, or must have them
    "Affine": ([0.6], [0.1]),
    "Elu": ([0.7], []),
    "HardSigmoid": ([0.3], [0.4]),
    "LeakyRelu": ([0.05], []),
    "ScaledTanh": ([0.8], [0.9]),
    "ThresholdedRelu": ([0.2], []),
}


@pytest.fixture(scope="module")
def own_tests():
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():  # of operators that are none of ours
        warnings.simplefilter("ignore")
        every = load_model_tests(kind="node")
    return [test for test in every if test.model and test.model.graph.node[0].op_type in GATES]


def test_every_node_test_of_onnx_passes(own_tests):
    assert len(own_tests) == 18
    for test in own_tests:
        node, (inputs, expected) = test.model.graph.node[0], test.data_sets[0]
        fed = dict(zip([value.name for value in test.model.graph.input], inputs, strict=True))
        found = onnx_nodes.compute(node, [fed.get(name) for name in node.input])
        named = dict(zip(node.output, found, strict=False))
        for output, wanted in zip(test.model.graph.output, expected, strict=True):
            assert named[output.name].shape == wanted.shape, test.name
            np.testing.assert_allclose(named[output.name], wanted, rtol=0, atol=4 * U, err_msg=test.name)


def test_onnx_runtime_runs_those_without_layout(own_tests):
    refused = {}
    for test in own_tests:
        try:
            onnx_runtime.load(test.model)
        except Exception as error:  # whatever ONNX Runtime raises
            refused[test.name] = str(error)
    assert len(refused) == 3
    for name, sentence in refused.items():
        assert name.endswith("batchwise"), name
        assert "layout == 1) are not supported" in sentence


def drawn(op, directions=1, extra=(), seed=0):
    """Inputs of a node, no two numbers equal: weights, biases, and what `extra` names."""
    draw, G = np.random.default_rng(seed), GATES[op]
    normal = lambda *shape: draw.normal(size=shape).astype("float32")
    every = {
        "X": normal(T, B, X),
        "W": normal(directions, G * H, X) * 0.7,
        "R": normal(directions, G * H, H) * 0.5,
        "B": normal(directions, 2 * G * H) * 0.6,
        "sequence_lens": np.array([3, T, 1], "int32"),
        "initial_h": normal(directions, B, H),
        "initial_c": normal(directions, B, H),
        "P": normal(directions, 3 * H),
    }
    chosen = {"X", "W", "R", "B", *extra}
    return {name: a for name, a in every.items() if name in chosen}


def attributes(op, names, directions=1, **given):
    """`names` as activations in every direction, with the alpha and beta that they take."""
    alpha = [value for name in names for value in PARAMETERS.get(name, ([], []))[0]] * directions
    beta = [value for name in names for value in PARAMETERS.get(name, ([], []))[1]] * directions
    said = {"activations": list(names) * directions, "activation_alpha": alpha, "activation_beta": beta}
    return {**{name: value for name, value in said.items() if value}, **given}


FUNCTIONS = (*PARAMETERS, "Relu", "Sigmoid", "Softplus", "Softsign", "Tanh")
LONELY, BOTH = {"direction": "reverse"}, {"direction": "bidirectional"}
EVERYTHING = {  # op: the inputs that it can have besides, and its own attributes
    "RNN": (("sequence_lens", "initial_h"), {}),
    "GRU": (("sequence_lens", "initial_h"), {"linear_before_reset": 1}),
    "LSTM": (("sequence_lens", "initial_h", "initial_c", "P"), {}),
}
NODES = [
    *((op, (), {}, given) for op in GATES for given in ({}, LONELY, BOTH, {"clip": 0.3}, {"clip": 0.3} | BOTH)),
    *((op, (extra,), {}, BOTH) for op, (extras, _) in EVERYTHING.items() for extra in extras),
    *((op, extras, {}, own | way) for op, (extras, own) in EVERYTHING.items() for way in ({}, LONELY, BOTH)),
    *(("RNN", (), (name,), {}) for name in FUNCTIONS),
    *(("GRU", (), names, {}) for name in FUNCTIONS for names in ((name, "Tanh"), ("Sigmoid", name))),
    *(
        ("LSTM", ("P",), names, {})
        for name in FUNCTIONS
        for names in ((name, "Tanh", "Tanh"), ("Sigmoid", name, "Tanh"), ("Sigmoid", "Tanh", name))
    ),
    ("LSTM", (), ("HardSigmoid", "ScaledTanh", "Affine"), {"clip": 0.4} | BOTH),
    ("GRU", (), ("HardSigmoid", "LeakyRelu"), {"clip": 0.4, "linear_before_reset": 1} | BOTH),
    ("GRU", (), (), {"linear_before_reset": 1}),
    ("GRU", (), (), {"linear_before_reset": 1, "clip": 0.3}),
    ("LSTM", (), (), {"input_forget": 1}),
    ("LSTM", ("P",), (), {"input_forget": 1, "clip": 0.3} | BOTH),
]


def ours(op, inputs, given, dtype=None):
    node = onnx_nodes.model(op, inputs, given).graph.node[0]
    names = [name or None for name in node.input]
    return onnx_nodes.compute(node, [inputs.get(name) for name in names], dtype)


@pytest.mark.parametrize(("op", "extra", "names", "given"), NODES)
def test_every_attribute_against_onnx_runtime(op, extra, names, given):
    """Within 8 times the error of the reference in float32, or 8 u; and far off if what was said is left out."""
    directions = 2 if given.get("direction") == "bidirectional" else 1
    inputs, said = drawn(op, directions, extra), attributes(op, names, directions, hidden_size=H, **given)
    live = onnx_runtime.session(op, inputs, said)(inputs)
    exact, rounded = ours(op, inputs, said, "float64"), ours(op, inputs, said)
    allowed = 8 * max(U, *(np.abs(a - b).max() for a, b in zip(rounded, exact, strict=True)))
    for name, there, here in zip(onnx_nodes.OUTPUTS, live, exact, strict=False):
        assert there.shape == here.shape, name
        distance = np.abs(there - here).max()
        assert distance <= allowed, f"{name}: {distance / U:.1f} u, allowed {allowed / U:.1f} u"
    own = {"activations"} if names and names != DEFAULTS[op] else set()
    for left_out in {*extra, *given, *own} - {"direction"}:
        gone = {left_out, *(("activation_alpha", "activation_beta") if left_out == "activations" else ())}
        kept = {name: value for name, value in said.items() if name not in gone}
        without = ours(op, {name: a for name, a in inputs.items() if name != left_out}, kept, "float64")
        seen = max(np.abs(a - b).max() for a, b in zip(without, exact, strict=True))
        assert seen > 1000 * allowed, f"{left_out} left out: {seen / allowed:.0f} times what is allowed"


@pytest.mark.parametrize("op", GATES)
def test_layout_1_is_layout_0_transposed(op):
    """ONNX Runtime has no layout 1; ONNX' own node tests of it give no initial state."""
    extras, own = EVERYTHING[op]
    inputs, said = drawn(op, 2, extras), {"hidden_size": H, **own, **BOTH}
    turned = {n: a.swapaxes(0, 1) if n in ("X", "initial_h", "initial_c") else a for n, a in inputs.items()}
    Y, *last = ours(op, inputs, said)
    Y_1, *last_1 = ours(op, turned, {**said, "layout": 1})
    assert np.array_equal(Y_1, Y.transpose(2, 0, 1, 3))
    for state_1, state in zip(last_1, last, strict=True):
        assert np.array_equal(state_1, state.swapaxes(0, 1))


def test_what_is_no_recurrent_node_is_refused():
    node = onnx_nodes.model("RNN", drawn("RNN"), {"hidden_size": H}).graph.node[0]
    node.op_type = "Conv"
    with pytest.raises(ValueError, match="must be one of RNN, LSTM, GRU, got Conv"):
        onnx_nodes.compute(node, [])


@pytest.mark.parametrize("lengths", [[1, 2], [1, 2, T + 1], [-1, 2, 3]])
def test_wrong_lengths_are_refused(lengths):
    inputs = drawn("GRU", extra=("sequence_lens",)) | {"sequence_lens": np.array(lengths, "int32")}
    with pytest.raises(ValueError, match=f"sequence_lens must be {B} lengths from 0 to {T}, got"):
        ours("GRU", inputs, {"hidden_size": H})


def test_a_sequence_of_no_steps_keeps_its_initial_state():
    """ONNX does not say; ONNX Runtime gives zeros."""
    inputs = drawn("LSTM", extra=("sequence_lens", "initial_h", "initial_c"))
    inputs["sequence_lens"][0] = 0
    Y, Y_h, Y_c = ours("LSTM", inputs, {"hidden_size": H})
    assert not Y[:, 0, 0].any()
    assert np.array_equal(Y_h[:, 0], inputs["initial_h"][:, 0])
    assert np.array_equal(Y_c[:, 0], inputs["initial_c"][:, 0])
    live = onnx_runtime.session("LSTM", inputs, {"hidden_size": H})(inputs)
    assert not any(a[:, 0].any() for a in live[1:])
    for there, here in zip(live[1:], (Y_h, Y_c), strict=True):
        assert np.abs(there[:, 1:] - here[:, 1:]).max() < 16 * U


def test_biases_may_be_missing():
    inputs = drawn("LSTM")
    del inputs["B"]
    live = onnx_runtime.session("LSTM", inputs, {"hidden_size": H})(inputs)
    for there, here in zip(live, ours("LSTM", inputs, {"hidden_size": H}, "float64"), strict=True):
        assert np.abs(there - here).max() < 16 * U


@pytest.mark.parametrize(
    ("op", "extra", "given"),
    [
        *((op, ("sequence_lens",), {}) for op in GATES),
        *((op, (), {"clip": 0.1}) for op in GATES),
        ("LSTM", (), {"input_forget": 1}),
        ("LSTM", (), {"activations": ["Sigmoid", "Relu", "Tanh"]}),
        ("GRU", (), {"activations": ["Sigmoid", "Relu"]}),
    ],
)
def test_what_the_reference_evaluator_ignores(op, extra, given):
    """Its outputs are the same bits with and without; ONNX Runtime's move. If this fails, it has learnt something."""
    inputs, plain = drawn(op, extra=extra), {"hidden_size": H}
    without = {name: a for name, a in inputs.items() if name not in extra}

    def moved(module):
        changed, before = module.session(op, inputs, plain | given)(inputs), module.session(op, without, plain)(without)
        return max(np.abs(a - b).max() for a, b in zip(changed, before, strict=True))

    assert moved(onnx_reference) == 0
    assert moved(onnx_runtime) > 0.01


def tanh_of(op, xs):
    """What an operator of ONNX Runtime makes of the candidate's pre-activations `xs (N,)`, its gates open or shut."""
    zeros, open_gate = np.zeros(1, "float32"), np.full(1, 40, "float32")
    biases = {"RNN": [zeros], "LSTM": [open_gate, zeros, -open_gate, zeros], "GRU": [-open_gate, zeros, zeros]}[op]
    inputs = {
        "X": xs.reshape(1, -1, 1),
        "W": np.concatenate([*([zeros] * (len(biases) - 1)), zeros + 1]).reshape(1, -1, 1),
        "R": np.zeros((1, len(biases), 1), "float32"),
        "B": np.concatenate([*biases, *([zeros] * len(biases))])[None],
    }
    return onnx_runtime.session(op, inputs, {"hidden_size": 1})(inputs)[2 if op == "LSTM" else 1].ravel()


@pytest.mark.parametrize(
    ("op", "relative", "absolute"),
    [
        ("LSTM", 8, 0),
        ("GRU", 11, 0),  # 10.1 where it saturates
        ("RNN", 0, 4),  # none near 0, where it gives 0 or steps of 2 u
    ],
)
def test_each_operator_of_onnx_runtime_has_its_own_tanh(op, relative, absolute):
    xs = np.concatenate([np.linspace(-12, 12, 400_001), np.logspace(-30, 0, 10_001)]).astype("float32")
    exact = np.tanh(xs.astype("float64"))
    distance = np.abs(tanh_of(op, xs) - exact) / U
    assert (distance <= relative * np.abs(exact) + absolute).all()
    assert (distance > (relative * np.abs(exact) + absolute) * 0.3).any(), "the bound says nothing"
    if op == "RNN":
        assert (distance > 1000 * np.abs(exact)).any()
