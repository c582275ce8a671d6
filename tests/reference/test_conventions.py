"""`pack` and `unpack`: ways there and back, refusals, and mistakes in the tables that must show."""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from reference import Bidirectional, Layer, NotRepresentable, Stack, pack, steps, unpack
from reference.activations import get
from reference.conventions import assembling
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import Sizes, parse, shape

U = 2.0**-24
X, H = 3, 4


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape) / 2


def drawn(cell, X=X, H=H, seed=0, two=False, use_bias=True, **options):
    gates = sum(steps.widths(cell, H, options).values())
    bias = normal(seed + 2, gates) if use_bias else None
    weights = steps.weights_type(cell)(normal(seed, X, gates), normal(seed + 1, H, gates), bias)
    if cell == "layer_norm_lstm":
        gains = {"gamma": gates, "beta": gates, "state_gamma": H, "state_beta": H}
        weights = weights._replace(
            bias=None, **{name: normal(seed + k, n) for k, (name, n) in enumerate(gains.items())}
        )
    if two:
        weights = weights._replace(recurrent_bias=normal(seed + 3, gates))
    return Layer(cell, weights, options)


def outputs(layer, T=5):
    one = layer.layers[0] if isinstance(layer, reference.Stack) else getattr(layer, "forward", layer)
    return layer.run(normal(9, 2, T, one.input_dim)).outputs


def packed_or_none(layer, framework):
    try:
        return pack(layer, framework)
    except NotRepresentable:
        return None


LAYERS = {
    "simple_rnn": drawn("simple_rnn"),
    "lstm": drawn("lstm"),
    "lstm, forget_bias": drawn("lstm", forget_bias=1.0),
    "lstm, two biases": drawn("lstm", two=True),
    "lstm, no bias": drawn("lstm", use_bias=False),
    "lstm, hard": drawn("lstm", recurrent_activation="hard_sigmoid_keras2"),
    "cifg": drawn("cifg", coupled="i", forget_bias=0.5),
    "gru before": drawn("gru", reset_after=False),
    "gru before, two biases": drawn("gru", two=True, reset_after=False),
    "gru after": drawn("gru", two=True, reset_after=True),
    "gru after, one bias": drawn("gru", reset_after=True),
}


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", LAYERS)
def test_what_is_packed_unpacks_to_the_same_function(name, framework):
    layer = LAYERS[name]
    packed = packed_or_none(layer, framework)
    if packed is None:
        return
    again = unpack(packed.framework, packed.cell, packed.arrays, **packed.options)
    assert np.abs(outputs(again) - outputs(layer)).max() < 1e-14
    twice = pack(again, framework)
    assert twice.options == packed.options
    assert {k: a.tobytes() for k, a in twice.arrays.items()} == {k: a.tobytes() for k, a in packed.arrays.items()}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["simple_rnn", "lstm", "gru"]),
    st.sampled_from(list(FRAMEWORKS)),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 99),
    st.booleans(),
)
def test_every_shape(cell, framework, X, H, seed, use_bias):
    layer = drawn(cell, X, H, seed, use_bias=use_bias)
    try:
        packed = pack(layer, framework)
    except NotRepresentable:
        return
    assert (
        np.abs(outputs(unpack(framework, packed.cell, packed.arrays, **packed.options)) - outputs(layer)).max() < 1e-13
    )


def stored(home):
    """The forms that are packed; those of `consume_less="gpu"` are only unpacked."""
    return [(key, form) for key, form in home.forms.items() if not key.endswith("fused")]


def permuted():
    """Every stored array of several gates, with two of them exchanged in the table."""
    for framework, home in FRAMEWORKS.items():
        for key, form in stored(home):
            for name, text in form.arrays.items():
                gates = parse(text).gates
                for a, b in itertools.combinations([g for g in gates if g != "-"], 2):
                    if (framework, key, {a, b}) == ("keras", "cifg", {"i", "f"}):
                        continue  # one of them has no columns, whichever is coupled
                    swapped = gates.translate(str.maketrans(a + b, b + a))
                    yield pytest.param(
                        framework,
                        key,
                        name,
                        text.replace(f" {gates}", f" {swapped}"),
                        id=f"{framework} {key} {name} {swapped}",
                    )


@pytest.mark.parametrize(("framework", "key", "name", "text"), list(permuted()))
def test_two_gates_exchanged_in_a_table_show(framework, key, name, text, monkeypatch):
    cell = key.split()[0]
    layer = drawn(cell, **({"reset_after": key == "gru reset after"} if cell == "gru" else {}))
    if cell in ("peephole_lstm", "cifg"):
        n = sum(steps.widths(cell, H, layer.options).values()) - H
        layer = replace(layer, weights=layer.weights._replace(peephole=normal(7, n)))
    if "V" in FRAMEWORKS[framework].forms[key].stored("V") and cell == "peephole_lstm":
        w = layer.weights
        layer = replace(layer, weights=w._replace(projection=normal(8, H, 2), recurrent_kernel=w.recurrent_kernel[:2]))
    if cell == "peephole_lstm" and not FRAMEWORKS[framework].forms[key].stored("p"):
        layer = replace(layer, weights=layer.weights._replace(peephole=None))
    if framework == "haiku" and cell == "simple_rnn":
        layer = replace(layer, options={"activation": "relu"})
    packed = pack(layer, framework)
    rng = np.random.default_rng(5)
    arrays = {k: rng.normal(size=a.shape) / 2 if "init" not in k else a for k, a in packed.arrays.items()}
    right = outputs(unpack(framework, packed.cell, arrays, **packed.options))
    home = FRAMEWORKS[framework]
    wrong_form = replace(home.forms[key], arrays={**home.forms[key].arrays, name: text})
    wrong = replace(home, forms={**home.forms, key: wrong_form})
    monkeypatch.setattr(assembling, "FRAMEWORKS", {**FRAMEWORKS, framework: wrong})
    assert np.abs(outputs(unpack(framework, packed.cell, arrays, **packed.options)) - right).max() > 1000 * U


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_shapes_in_the_tables_are_those_of_what_is_packed(framework):
    home = FRAMEWORKS[framework]
    for key, form in stored(home):
        cell = key.split()[0]
        if cell not in ("simple_rnn", "lstm", "gru"):
            continue
        options = {"reset_after": key == "gru reset after"} if cell == "gru" else dict(form.fixed)
        layer = drawn(cell, **options)
        sizes = Sizes(X, H, H, layer.widths)
        packed = pack(layer, framework)
        for name, text in form.arrays.items():
            found = next(a.shape for k, a in packed.arrays.items() if k.startswith(name))
            assert (found[1:] if framework == "onnx" else found) == shape(parse(text), sizes), name


def arrays_of(framework, cell="lstm"):
    return pack(drawn(cell), framework).arrays


def pytorch(**changed):
    return {name: a for name, a in {**arrays_of("pytorch"), **changed}.items() if a is not None}


TALL = {"kernel": np.ones((3, 30)), "recurrent_kernel": np.ones((4, 30)), "bias": np.ones(30)}
THREE = ["Affine", "Tanh", "Tanh"]
REFUSED = {
    "framework must be one of keras, keras2, .*, got 'torch'": ("torch", "lstm", {}, {}),
    "cell of pytorch must be one of simple_rnn, lstm, peephole_lstm, gru, got 'lstn'": ("pytorch", "lstn", {}, {}),
    "cell of pytorch must be one of .*, got 'cifg'": ("pytorch", "cifg", {}, {}),
    "option of pytorch lstm must be one of .*bias.*, got 'forget_bias'": (
        *("pytorch", "lstm", pytorch(), {"forget_bias": 1.0}),
    ),
    "hidden_size of pytorch lstm must be 4, as its arrays have it, got 5": (
        *("pytorch", "lstm", pytorch(), {"hidden_size": 5}),
    ),
    "pytorch lstm must have 2 as its layers, got arrays of 1": ("pytorch", "lstm", pytorch(), {"num_layers": 2}),
    "must have True as its directions, got arrays of 1": ("pytorch", "lstm", pytorch(), {"bidirectional": True}),
    "array of this pytorch lstm must be one of weight_ih_l0, weight_hh_l0, got bias_ih_l0": (
        *("pytorch", "lstm", pytorch(), {"bias": False}),
    ),
    "pytorch lstm must have an array bias_hh_l0, or bias=False, got": (
        *("pytorch", "lstm", pytorch(bias_hh_l0=None), {}),
    ),
    "array of this pytorch lstm must be one of .*, got weight$": ("pytorch", "lstm", pytorch(weight=np.ones(3)), {}),
    r"weight_ih_l0 of a pytorch lstm of 4 units and 16 inputs must have shape \(16, 16\), got \(3, 16\)": (
        *("pytorch", "lstm", pytorch(weight_ih_l0=np.ones((3, 16))), {}),
    ),
    r"bias_hh_l0 of a pytorch lstm of 4 units and 3 inputs must have shape \(16,\), got \(1,\)": (
        *("pytorch", "lstm", pytorch(bias_hh_l0=np.ones(1)), {}),
    ),
    "gate axis of weight_hh_l0 must be a multiple of 3 .gates 'rzn'., got 16": ("pytorch", "gru", pytorch(), {}),
    "bias_hh_l0 of pytorch must hold real numbers, got <U1": (
        *("pytorch", "lstm", pytorch(bias_hh_l0=np.array(["a"] * 16)), {}),
    ),
    "must hold real numbers, got complex128": ("pytorch", "lstm", pytorch(bias_hh_l0=np.ones(16) * 1j), {}),
    "pytorch lstm must have arrays of every layer and direction, got": (
        *("pytorch", "lstm", {name.replace("_l0", "_l1"): a for name, a in pytorch().items()}, {}),
    ),
    "recurrent_activation of keras2 lstm must be given": ("keras2", "lstm", arrays_of("keras2"), {}),
    "gate axis of recurrent_kernel must be a multiple of 4 .gates 'ifgo'., got 30": ("keras", "lstm", TALL, {}),
    "activation of keras must be one of .*, got 'tahn'": ("keras", "lstm", arrays_of("keras"), {"activation": "tahn"}),
    "tf1 lstm must have an array w_f_diag, got": ("tf1", "lstm", arrays_of("tf1"), {"use_peepholes": True}),
    "W of onnx must have 2 directions": ("onnx", "lstm", arrays_of("onnx"), {"direction": "bidirectional"}),
    "activations of an onnx lstm must be 3": ("onnx", "lstm", arrays_of("onnx"), {"activations": ["Sigmoid"]}),
    "Affine of onnx must have an activation_alpha": ("onnx", "lstm", arrays_of("onnx"), {"activations": THREE}),
    "must be as many as .* take, got more": ("onnx", "lstm", arrays_of("onnx"), {"activation_alpha": [0.3]}),
    "input_forget of onnx must be 1 for a cifg, got 0": ("onnx", "cifg", arrays_of("onnx"), {"input_forget": 0}),
    "residual of flax simple_rnn must be False, got True": (
        *("flax", "simple_rnn", arrays_of("flax", "simple_rnn"), {"residual": True}),
    ),
    "hid_init of lasagne must be zeros": (
        *("lasagne", "gru", {**arrays_of("lasagne", "gru"), "hid_init": np.ones((1, H))}, {}),
    ),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refusals(sentence):
    framework, cell, arrays, options = REFUSED[sentence]
    with pytest.raises(ValueError, match=sentence) as refused:
        unpack(framework, cell, arrays, **options)
    assert "\n" not in str(refused.value)


HARD = drawn("lstm", recurrent_activation="hard_sigmoid_keras2")
SUM = reference.Bidirectional(drawn("lstm"), replace(drawn("lstm"), go_backwards=True), "sum")
NO_FORM = {
    "pytorch has no gru reset before: torch.nn.GRU resets after the matmul": drawn("gru", reset_after=False),
    "flax_nnx has one bias in the candidate, outside r": drawn("gru", two=True),
    "pytorch lstm has recurrent_activation sigmoid always, got hard_sigmoid_keras2": HARD,
    "pytorch lstm has activation tanh always, got relu": drawn("lstm", activation="relu"),
    "haiku has the gate the other way round": drawn("gru", recurrent_activation="tanh", reset_after=False),
    "onnx has no activation gelu": drawn("lstm", activation="gelu"),
    "pytorch has no go_backwards": replace(drawn("lstm"), go_backwards=True),
    "keras has no reverse": replace(drawn("lstm"), direction="reverse"),
    "tf1 has no zero_output_for_mask": replace(drawn("lstm"), zero_output_for_mask=True),
    "onnx has one node a layer": reference.Stack((drawn("lstm"), drawn("lstm", X=H))),
    "pytorch has one hidden_size for all layers": reference.Stack((drawn("lstm"), drawn("lstm", X=H, H=2))),
    "pytorch puts the directions side by side": SUM,
    "pytorch has no mgu: as a gru, pytorch has no gru reset before": drawn("mgu"),
}


@pytest.mark.parametrize("sentence", NO_FORM)
def test_what_has_no_form_is_refused_with_the_reason(sentence):
    with pytest.raises(NotRepresentable, match=sentence):
        pack(NO_FORM[sentence], sentence.split()[0])


@pytest.mark.parametrize("cell", [cell for cell in steps.CELLS if cell != "gru"])
def test_keras_holds_every_cell_of_this_project(cell):
    wide = H if cell in ("mut1", "mut2") else X
    letters = {"X": wide, "H": H, "R": H, "C": sum(steps.widths(cell, H, {}).values())}
    shapes = {name: steps.shape(spec, **letters) for name, spec in steps.shapes(cell).items()}
    fields = {name: normal(k, *shapes[name]) for k, name in enumerate(shapes) if name != "recurrent_bias"}
    layer = Layer(cell, steps.weights_type(cell)(**fields))
    if cell == "greff_lstm":
        layer = replace(layer, weights=layer.weights._replace(gate_recurrent_kernel=None))
    packed = pack(layer, "keras")
    again = unpack("keras", packed.cell, packed.arrays, **packed.options)
    assert np.array_equal(outputs(again), outputs(layer))


@pytest.mark.parametrize(("cell", "gates"), [("lstm", "icfo"), ("gru", "zrh")])
def test_keras_1_with_fused_arrays(cell, gates):
    layer = drawn(cell, reset_after=False) if cell == "gru" else drawn(cell)
    each = pack(replace(layer, options={**layer.options, "recurrent_activation": "sigmoid"}), "keras1")
    order = "ifco" if cell == "lstm" else gates
    fused = {k: np.concatenate([each.arrays[f"{k}_{g}"] for g in order], axis=-1) for k in "WUb"}
    options = {**each.options, "consume_less": "gpu"}
    assert np.array_equal(outputs(unpack("keras1", cell, fused, **options)), outputs(layer))


def test_layers_and_directions_by_their_names():
    both = reference.Bidirectional(drawn("gru"), replace(drawn("gru", seed=5), go_backwards=True))
    for framework, names in (
        ("keras", {"forward_layer/kernel", "backward_layer/kernel"}),
        ("pytorch", {"weight_ih_l0", "weight_ih_l0_reverse"}),
        ("onnx", {"W"}),
    ):
        packed = pack(both, framework)
        assert names <= packed.arrays.keys()
        again = unpack(framework, packed.cell, packed.arrays, **packed.options)
        assert isinstance(again, reference.Bidirectional)
        assert np.array_equal(outputs(again), outputs(both))
    stack = reference.Stack((drawn("lstm"), drawn("lstm", X=H, seed=3)), go_backwards=True)
    packed = pack(stack, "keras")
    assert {"cells/0/kernel", "cells/1/kernel"} <= packed.arrays.keys()
    again = unpack("keras", packed.cell, packed.arrays, **packed.options)
    assert np.array_equal(outputs(again), outputs(stack))
    packed = pack(replace(stack, go_backwards=False), "tf1")
    assert {"cell_0/kernel", "cell_1/bias"} <= packed.arrays.keys()
    assert np.array_equal(
        outputs(unpack("tf1", packed.cell, packed.arrays, **packed.options)),
        outputs(replace(stack, go_backwards=False)),
    )


def test_a_fold_in_float32_stays_within_its_rounding():
    layer = drawn("lstm", recurrent_activation="hard_sigmoid_keras2").astype("float32")
    packed = pack(layer, "keras")
    assert packed.options["recurrent_activation"] == "hard_sigmoid"
    folded = unpack("keras", "lstm", packed.arrays, **packed.options)
    right = outputs(layer.astype("float64"))
    assert 0 < np.abs(outputs(folded.astype("float64")) - right).max() < 16 * U
    unfolded = replace(layer, options={"recurrent_activation": "hard_sigmoid_keras3"})
    assert np.abs(outputs(unfolded.astype("float64")) - right).max() > 10_000 * U


def test_rationals_stay_rational():
    exact = np.vectorize(Fraction, otypes=[object])
    layer = drawn("lstm", forget_bias=1, activation="linear", recurrent_activation="hard_sigmoid_keras2").edited(
        lambda _, a: exact(np.round(a * 8) / 8)
    )
    packed = pack(layer, "keras")
    assert all(isinstance(n, Fraction | int) for a in packed.arrays.values() for n in a.flat)
    assert packed.arrays["kernel"][0, 0] == layer.weights.kernel[0, 0] * Fraction(6, 5)
    assert packed.arrays["bias"][H] == (layer.weights.bias[H] + 1) * Fraction(6, 5)


def test_the_canonical_layer_is_in_canonical_order():
    arrays = {f"{k}_{g}": np.full({"W": (X, H), "U": (H, H), "b": (H,)}[k], ord(g)) for g in "icfo" for k in "WUb"}
    kernel = unpack("keras1", "lstm", arrays).weights.kernel
    assert [chr(int(v)) for v in kernel[0, ::H]] == list("ifco")
    update = unpack("haiku", "gru", pack(drawn("gru", reset_after=False), "haiku").arrays)
    assert np.array_equal(update.weights.kernel, drawn("gru").weights.kernel)
    assert str(unpack("keras1", "lstm", arrays).options["recurrent_activation"]) == "hard_sigmoid_keras2"
    assert unpack("tf1", "lstm", arrays_of("tf1")).options["forget_bias"] == 1.0
    clipped = unpack("onnx", "lstm", arrays_of("onnx"), clip=0.5).options
    assert clipped["activation"] == get("tanh", clip=0.5)
    assert clipped["output_activation"] == get("tanh")


@pytest.mark.parametrize("framework", ["keras", "keras2"])
def test_directions_on_directions_are_layers_of_their_own(framework):
    """PyTorch's deep bidirectional layer is several layers in Keras."""
    both = lambda width, seed: Bidirectional(
        drawn("lstm", width, seed=seed), replace(drawn("lstm", width, seed=seed + 5), go_backwards=True)
    )
    deep = Stack((both(X, 0), both(2 * H, 20)))
    packed = pack(deep, framework)
    assert {name.split("/")[0] for name in packed.arrays} == {"layer_0", "layer_1"}
    back = unpack(framework, packed.cell, packed.arrays, **packed.options)
    x = normal(9, 2, 5, X)
    assert np.array_equal(back.run(x).outputs, deep.run(x).outputs)
    exchanged = {
        name.replace("layer_1/forward", "layer_1/x").replace("layer_1/backward", "layer_1/forward"): a
        for name, a in packed.arrays.items()
    }
    exchanged = {name.replace("layer_1/x", "layer_1/backward"): a for name, a in exchanged.items()}
    assert not np.array_equal(
        unpack(framework, "lstm", exchanged, **packed.options).run(x).outputs, back.run(x).outputs
    )
    with pytest.raises(NotRepresentable, match="must return sequences"):
        pack(replace(deep, return_sequences=False), framework)
