"""What a framework means by None, by bytes and by integers, and slopes that are no other era's."""

import inspect
import warnings
from fractions import Fraction

import numpy as np
import pytest

from reference import Layer, pack, steps, unpack
from reference.activations import get
from reference.conventions import folds, verdicts
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import REQUIRED

X, H = 3, 5


def layer(cell="lstm", **options):
    rng = np.random.default_rng(0)
    gates = sum(steps.widths(cell, H, options).values())
    weights = steps.weights_type(cell)(*(rng.normal(size=shape) / 2 for shape in ((X, gates), (H, gates), (gates,))))
    return Layer(cell, weights, options)


def stored(framework, cell="lstm"):
    given = {"reset_after": False} if cell == "gru" and framework in ("keras1", "tf1") else {}
    return pack(layer(cell, **given), framework)


CLASSES = [("BasicRNNCell", "simple_rnn"), ("GRUCell", "gru"), ("BasicLSTMCell", "lstm"), ("LSTMCell", "lstm")]


@pytest.mark.parametrize(("cls", "cell"), CLASSES)
def test_every_default_of_tf1_written_out_is_what_tf1_does(cls, cell):
    rnn_cell = pytest.importorskip("tf_keras.api._v1.keras.__internal__.legacy.rnn_cell")
    parameters = inspect.signature(getattr(rnn_cell, cls).__init__).parameters
    left = ("self", "num_units")
    defaults = {k: p.default for k, p in parameters.items() if k not in left and p.kind is not p.VAR_KEYWORD}
    assert defaults["activation"] is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        live = getattr(rnn_cell, cls)(H, **defaults)
    live.build((None, X))
    rng = np.random.default_rng(1)
    live.set_weights([(rng.normal(size=w.shape) / 2).astype("float32") for w in live.get_weights()])
    arrays = {v.name.split("/", 1)[1].split(":")[0]: v.numpy() for v in live.weights}
    x = rng.normal(size=(2, 6, X)).astype("float32")
    state, outputs = live.zero_state(2, "float32"), []
    for t in range(6):
        output, state = live(x[:, t], state)
        outputs.append(output.numpy())
    got = unpack("tf1", cell, arrays, num_units=H, **defaults)
    assert np.abs(got.astype("float64").run(x.astype("float64")).outputs - np.stack(outputs, 1)).max() < 1e-6


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_a_default_written_out_is_a_default_left_out(framework, cell):
    try:
        packed = stored(framework, cell)
    except ValueError:
        return
    takes = FRAMEWORKS[framework].takes(cell)
    required = {name: packed.options[name] for name, option in takes.items() if option.default is REQUIRED}
    written = {name: o.default for name, o in takes.items() if o.means and not o.own} | required
    options = [unpack(framework, cell, packed.arrays, **given).options for given in (required, written)]
    assert options[0] == options[1]


@pytest.mark.parametrize("framework", ["keras", "keras2", "keras1", "lasagne"])
def test_no_activation_is_linear_there(framework):
    packed = stored(framework, "simple_rnn")
    name = "nonlinearity" if framework == "lasagne" else "activation"
    assert unpack(framework, "simple_rnn", packed.arrays, **{name: None}).options["activation"] == get("linear")


@pytest.mark.parametrize(
    ("framework", "name"), [("pytorch", "nonlinearity"), ("flax", "activation_fn"), ("mxnet", "activation")]
)
def test_no_activation_is_refused_where_the_framework_refuses_it(framework, name):
    with pytest.raises(ValueError, match=f"{name} of {framework} must be one of .*, got None"):
        unpack(framework, "simple_rnn", stored(framework, "simple_rnn").arrays, **{name: None})


@pytest.mark.parametrize("alpha", [0.1667, 0.16, 0.2003, 0.123456789, float(np.float32(0.2)), 0.2, 1 / 6])
def test_a_slope_is_what_it_is(alpha):
    odd = unpack(
        "onnx",
        "lstm",
        stored("onnx").arrays,
        activations=["HardSigmoid", "Tanh", "Tanh"],
        activation_alpha=[alpha],
        activation_beta=[0.5],
    )
    packed = pack(odd, "keras")
    assert packed.changes == (() if alpha == 1 / 6 else (folds.RESCALED,))
    assert verdicts.apart(odd, verdicts.back(packed)) < 1e-14 if alpha != float(np.float32(0.2)) else True
    known = {float(np.float32(0.2)): Fraction(1, 5), 0.2: Fraction(1, 5), 1 / 6: Fraction(1, 6)}
    assert folds.slope(odd.options["recurrent_activation"]) == known.get(alpha, Fraction(alpha))


def test_contribs_ugrnn_and_layer_norm_as_they_are_written():
    """UGRNNCell and LayerNormBasicLSTMCell of contrib, line by line."""
    rng = np.random.default_rng(3)
    draw = lambda *shape: rng.normal(size=shape) / 2
    σ = lambda a: 1 / (1 + np.exp(-a))
    x, h = draw(2, 4, X), np.zeros((2, H))
    arrays = {"kernel": draw(X + H, 2 * H), "bias": draw(2 * H)}
    for t in range(4):
        g, c = np.split(np.concatenate([x[:, t], h], 1) @ arrays["kernel"] + arrays["bias"], 2, axis=1)
        h = σ(g + 1.0) * h + (1 - σ(g + 1.0)) * np.tanh(c)
    assert np.abs(unpack("tf1", "ugrnn", arrays).run(x).outputs[:, -1] - h).max() < 1e-14

    names = ("input", "transform", "forget", "output", "state")
    arrays = {f"{name}/{array}": draw(H) for name in names for array in ("gamma", "beta")}
    arrays["kernel"] = draw(X + H, 4 * H)

    def norm(a, scope):
        mean, variance = a.mean(1, keepdims=True), a.var(1, keepdims=True)
        return (a - mean) / np.sqrt(variance + 1e-12) * arrays[f"{scope}/gamma"] + arrays[f"{scope}/beta"]

    h, c = np.zeros((2, H)), np.zeros((2, H))
    for t in range(4):
        parts = np.split(np.concatenate([x[:, t], h], 1) @ arrays["kernel"], 4, axis=1)
        i, j, f, o = (norm(a, scope) for a, scope in zip(parts, names, strict=False))
        c = norm(c * σ(f + 1.0) + σ(i) * np.tanh(j), "state")
        h = np.tanh(c) * σ(o)
    assert np.abs(unpack("tf1", "layer_norm_lstm", arrays).run(x).outputs[:, -1] - h).max() < 1e-12


def integers(framework="tf1"):
    return {name: np.round(a * 4).astype("int32") for name, a in stored(framework).arrays.items()}


@pytest.mark.parametrize(
    ("framework", "options"),
    [("tf1", {"forget_bias": 0.5}), ("keras2", {"recurrent_activation": "hard_sigmoid"})],
)
def test_integers_are_not_truncated_by_a_fold(framework, options):
    whole = unpack(framework, "lstm", integers(framework), **options)
    floats = unpack(framework, "lstm", {k: a.astype("float64") for k, a in integers(framework).items()}, **options)
    packed, right = pack(whole, "keras"), pack(floats, "keras")
    assert packed.changes
    assert all(np.array_equal(packed.arrays[name], right.arrays[name]) for name in right.arrays)


def test_integers_of_a_layer_are_not_truncated_by_a_fold():
    whole = layer(forget_bias=0.5).edited(lambda _, a: np.round(a * 4).astype("int64"))
    assert pack(whole, "pytorch").arrays["bias_ih_l0"][H] == whole.weights.bias[H] + 0.5


def test_attributes_of_an_onnx_node_may_be_bytes():
    arrays = stored("onnx").arrays
    as_bytes = unpack("onnx", "lstm", arrays, direction=b"reverse", activations=[b"Sigmoid", b"Tanh", b"Relu"])
    as_text = unpack("onnx", "lstm", arrays, direction="reverse", activations=["Sigmoid", "Tanh", "Relu"])
    assert as_bytes.direction == "reverse"
    assert as_bytes.options == as_text.options


def test_an_array_that_is_none_is_absent():
    arrays = stored("onnx").arrays
    got = unpack("onnx", "lstm", {**arrays, "B": None, "P": None})
    assert got.weights.bias is None


def test_parameters_of_a_live_torch_module_are_taken():
    torch = pytest.importorskip("torch")
    live = torch.nn.LSTM(X, H)
    got = unpack("pytorch", "lstm", dict(live.named_parameters()))
    assert np.array_equal(got.weights.kernel[:, 0], live.weight_ih_l0[0].detach().numpy())
