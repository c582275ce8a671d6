"""`comparisons.trace`: what it keeps of a run, of which layers, and what it makes of that."""

import sys

import keras
import numpy as np
import pytest
from keras import layers as L

import comparisons
import reference
from comparisons.porting.proof import shown
from comparisons.proof import draws
from comparisons.proof.cases import CASES
from comparisons.proof.measure import SLACK
from comparisons.tracing import memory
from reference import Bidirectional, Layer, Stack, Wrapped
from reference.steps import module

U = 2.0**-24


def given(case, batch=2, steps=7):
    """A case's layer in its precision, and inputs and a mask for it."""
    layer = draws.layer(case, case.features, 0, batch).astype(case.dtype)
    x = np.random.default_rng(3).normal(size=(batch, steps, case.features)).astype(case.dtype)
    return layer, x, draws.mask(batch, steps, 0) if case.mask else None


def runs(layer, run, path=""):
    """Every layer's run by its place, written without the module under test."""
    if isinstance(layer, Stack):
        for k, one in enumerate(layer.layers):
            yield from runs(one, run.given[k], f"{path}{k}/")
    elif isinstance(layer, Bidirectional):
        yield from runs(layer.forward, run.given.forward, f"{path}forward/")
        yield from runs(layer.backward, run.given.backward, f"{path}backward/")
    else:
        yield path, layer, run


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.steps > 6 or not case.wrapper], ids=lambda case: case.name
)
def test_a_trace_is_the_layer_s_own_run(case):
    steps = case.steps if case.wrapper else 7
    layer, x, mask = given(case, steps=steps)
    trace, run = comparisons.trace(layer, x, mask=mask), layer.run(x, mask=mask)
    np.testing.assert_equal(trace.outputs, run.outputs)
    seen = {"x", "outputs"} if isinstance(layer, Stack | Bidirectional) else set()
    for path, inner, own in runs(layer, run):
        states = own.states._asdict()
        for name, array in {**own.gates, **states}.items():
            np.testing.assert_array_equal(trace[f"{path}{name}"], array)
        np.testing.assert_array_equal(trace[f"{path}outputs"], own.outputs)
        assert set(trace.states) >= {f"{path}{name}" for name in states if name not in own.gates}
        turned = getattr(inner, "go_backwards", False)
        np.testing.assert_array_equal(trace[f"{path}x"], own.given.x[:, ::-1] if turned else own.given.x)
        seen |= {f"{path}{name}" for name in ("x", "outputs", *own.gates, *states)} | (
            {f"{path}mask"} if mask is not None else set()
        )
    assert seen - set(trace) == {name for name in seen if name.endswith("/outputs") and case.merge_mode is None}
    assert set(trace) - seen <= {"outputs_forward", "outputs_backward"}
    assert all(gate.min() >= 0 for name, gate in trace.gates.items() if name.rpartition("/")[2] in "ifozr")


def lstm(units=4, **options):
    draw = np.random.default_rng(1)
    shapes = {"kernel": (3, 4 * units), "recurrent_kernel": (units, 4 * units), "bias": (4 * units,)}
    weights = {name: draw.normal(size=shape) for name, shape in shapes.items()}
    return Layer("lstm", reference.Weights(**weights), **options)


X = np.random.default_rng(2).normal(size=(2, 6, 3))


def test_what_a_trace_offers():
    trace = comparisons.trace(lstm(), X)
    assert list(trace) == ["x", "i", "f", "g", "o", "h", "c", "outputs"]
    assert list(trace.gates) == ["i", "f", "o", "g"]
    assert list(trace.states) == ["h", "c"]
    assert trace["f"].shape == trace.gates["f"].shape == (2, 6, 4)
    assert trace.half_life["f"].shape == trace.half_left["f"].shape == trace.saturation["o"].open.shape == (4,)
    assert len(dict(trace)) == len(trace) == 8
    with pytest.raises(KeyError, match="must be one of x, i, f, g, o, h, c, outputs, got 'z'"):
        trace["z"]


def test_what_a_trace_is_begun_with_is_kept():
    layer, start = lstm(), (np.full((2, 4), 0.25), np.zeros((2, 4)))
    trace = comparisons.trace(layer, X, initial_state=start)
    np.testing.assert_array_equal(trace["h"], layer.run(X, start).states.h)
    np.testing.assert_array_equal(trace["initial_h"], start[0])
    assert "initial_c" not in trace  # zeros


def test_a_dtype_is_computed_in():
    layer = lstm().astype("float32")
    x = X.astype("float32")
    assert comparisons.trace(layer, x)["c"].dtype == "float32"
    oracle = comparisons.trace(layer, x, dtype="float64")
    np.testing.assert_array_equal(oracle["c"], layer.astype("float64").run(x).states.c)


@pytest.mark.parametrize("options", [{"go_backwards": True}, {"direction": "reverse"}])
def test_a_layer_that_reads_from_the_end(options):
    layer, mask = lstm(**options), np.array([[1, 1, 1, 1, 0, 0], [1] * 6], bool)
    (part,) = comparisons.trace(layer, X, mask=mask, tokens=["abcdef", "ghijkl"]).parts
    assert part.backwards
    assert part.positions.tolist() == [5, 4, 3, 2, 1, 0]
    np.testing.assert_array_equal(part.x, X)
    np.testing.assert_array_equal(part.mask, mask)
    np.testing.assert_array_equal(part.counted, mask[:, ::-1])
    np.testing.assert_array_equal(part.output, part.states["h"] * [[[0]] * 2 + [[1]] * 4, [[1]] * 6])
    assert part.tokens == (tuple("abcdef"), tuple("ghijkl"))


@pytest.mark.parametrize("cell", ["greff_lstm", "simple_rnn"])
def test_a_letter_of_both_a_gate_and_the_state_is_that_of_the_state(cell):
    """At a masked step the two differ: the state is held, and what the gate would be is computed."""
    case = next(case for case in CASES if case.cell == cell)
    one, mask = draws.weights(case, 3, 0), np.array([[1, 1, 0, 1, 0, 1]] * 2, bool)
    trace, run = comparisons.trace(one, X, mask=mask), one.run(X, mask=mask)
    letters = set(run.gates) & set(run.states._fields)
    assert letters == ({"i", "f", "o"} if cell == "greff_lstm" else {"h"})
    for letter in letters:
        assert not np.array_equal(getattr(run.states, letter), run.gates[letter])
        np.testing.assert_array_equal(trace[letter], getattr(run.states, letter))


def test_a_stack_in_a_direction():
    """What is turned round twice is in the input's order again."""
    stack = Stack((lstm(3), lstm(3, go_backwards=True)), go_backwards=True)
    first, second = comparisons.trace(Bidirectional(lstm(3), stack), X).parts[1:]
    assert (first.path, second.path) == ("backward/0", "backward/1")
    assert (first.backwards, second.backwards) == (True, False)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"row": 2}, "row must be from 0 to 1, the inputs' rows, got 2"),
        ({"row": -1}, "row must be from 0 to 1, the inputs' rows, got -1"),
        ({"unit": 4}, "unit must be from 0 to 3, got 4"),
        ({"sort": "name"}, "sort must be unit or half-life, got 'name'"),
        ({"steps": (3, 7)}, "steps must be within 0 and 6, got 3 to 7"),
        ({"steps": (3, 3)}, "steps must be within 0 and 6, got 3 to 3"),
        ({"tokens": "abcdef"}, "tokens must be 2 rows of 6 texts, as the inputs are, got 1 of 6"),
        ({"tokens": ["abcdef", "abc"]}, "tokens must be 2 rows of 6 texts, as the inputs are, got 2 of 6, 3"),
        ({"mask": np.ones((2, 5))}, "mask must have shape (batch, time) = (2, 6), got (2, 5)"),
    ],
)
def test_what_does_not_fit_is_refused(told, sentence):
    with pytest.raises(ValueError, match=sentence[:4]) as refused:
        comparisons.trace(lstm(), X, **told)
    assert str(refused.value) == sentence


def test_tokens_of_one_row():
    x = X[:1]
    for tokens in ("abcdef", list("abcdef"), ["abcdef"], [list("abcdef")]):
        assert comparisons.trace(lstm(), x, tokens=tokens).parts[0].tokens == (tuple("abcdef"),)
    words = ["a", "bc", "d", "e", "f", "g"]
    assert comparisons.trace(lstm(), x, tokens=words).parts[0].tokens == (tuple(words),)


def gate(*values):
    """(1, T, 1)."""
    return np.array(values, float)[None, :, None]


ALL = np.ones((1, 3), bool)


@pytest.mark.parametrize(
    ("share", "steps"),
    [
        (gate(0.5, 0.5, 0.5), 1),
        (gate(0.25, 0.25, 0.25), 0.5),
        (gate(0.25, 0.5, 1), 1),
        (gate(1, 1, 1), np.inf),
        (gate(1, 0, 1), 0),
        (gate(2**-0.1, 2**-0.1, 2**-0.1), 10),
    ],
)
def test_half_life(share, steps):
    np.testing.assert_allclose(memory.half_life(share, ALL), [steps], rtol=1e-12)


def test_steps_that_do_not_count_are_left_out():
    counted = np.array([[True, False, True]])
    np.testing.assert_allclose(memory.half_life(gate(0.5, 0, 0.5), counted), [1])
    assert memory.saturation(gate(0.95, 0.01, 0.05), counted) == (0.5, 0.5)
    np.testing.assert_allclose(memory.left(gate(0.5, 0, 0.25), counted, 9)[1][:, 0], [1, 0.375, 0.125])
    nothing = np.zeros((1, 3), bool)
    assert np.isnan(memory.half_life(gate(0.5, 0.5, 0.5), nothing))
    assert np.isnan(memory.saturation(gate(0.5, 0.5, 0.5), nothing)).all()


def test_saturation_is_below_and_above():
    shut, opened = memory.saturation(gate(0.1, 0.9, 0.05, 0.91, 0.99), np.ones((1, 5), bool))
    assert (shut, opened) == (0.2, 0.4)


def test_what_is_left_is_the_mean_of_the_products():
    draw = np.random.default_rng(5)
    share, counted = draw.random((3, 40, 2)) ** 0.1, draw.random((3, 40)) > 0.3
    lags, left = memory.left(share, counted, 100)
    assert lags[0] == 0
    assert lags[-1] == counted.sum(axis=1).max()
    for lag, found in zip(lags, left, strict=True):
        each = [
            np.prod(row[k : k + lag], axis=0)
            for row in (share[b][counted[b]] for b in range(3))
            for k in range(len(row) - lag + 1)
        ]
        np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-12)
    assert (np.diff(lags) > 0).all()
    assert len(memory.left(np.full((1, 5000, 1), 0.9), np.ones((1, 5000), bool), 5000)[0]) < 70


def test_the_step_at_which_half_is_left():
    constant = lambda f, steps=50: memory.half_left(np.full((1, steps, 1), f), np.ones((1, steps), bool))
    np.testing.assert_allclose(constant(0.5), [1])
    np.testing.assert_allclose(constant(0.25), [2 / 3])  # on the line from 1 to 0.25
    assert abs(constant(0.9)[0] - np.log(0.5) / np.log(0.9)) < 0.05
    assert constant(0.999) == np.inf  # 50 steps are too few to see it
    assert constant(1.0) == np.inf
    assert constant(0.0)[0] == 0.5


@pytest.mark.parametrize("cell", reference.steps.CELLS)
def test_what_a_cell_keeps_is_what_its_equation_keeps(cell):
    """Without recurrent weights no gate sees the old state: what of a change of it is left, is what is kept."""
    case = next(case for case in CASES if case.cell == cell)
    layer = draws.weights(case, case.units if cell.startswith("mut") else 3, 0)
    layer = layer.edited(lambda name, array: array * ("recurrent_kernel" not in name and name != "peephole"))
    fields = module(cell).State._fields
    widths = [layer.recurrent_dim, *[layer.units] * (len(fields) - 1)]
    x = np.random.default_rng(1).normal(size=(1, 1, layer.input_dim))
    old = [[np.full((1, width), value) for width in widths] for value in (0.0, 0.125)]
    name = "c" if "c" in fields else fields[0]
    first, second = (getattr(layer.run(x, start).states, name) for start in old)
    left = (second - first) / 0.125
    kept = memory.kept(cell, layer.run(x, old[0]).gates)
    if cell in ("simple_rnn", "jordan", "lstm_1997"):
        assert kept is None
        np.testing.assert_allclose(left, cell == "lstm_1997", atol=1e-12)
    elif cell in ("layer_norm_lstm", "fused_layer_norm_lstm"):  # c is normalised after that
        assert kept.gate == "f"
    else:
        np.testing.assert_allclose(left, kept.share, rtol=1e-9)


def test_repr_and_html():
    trace = comparisons.trace(lstm(), X)
    words = repr(trace).split()
    assert words[:2] == ["layer", "mean"]
    assert words.count("lstm") == 1
    assert {"i", "f", "g", "o", "h", "c"} <= set(words)
    page = trace._repr_html_()
    assert page.count("<tr>") == 7
    assert "<th>half-life</th>" in page


def test_figures_are_drawn_when_asked_for():
    trace = comparisons.trace(lstm(), X)
    assert list(trace.figures) == ["gates", "states", "saturation", "half_life", "unit"]
    assert trace.figures._kept == {}
    gates = trace.figures["gates"]
    assert trace.figures["gates"] is gates
    assert list(trace.figures._kept) == ["gates"]
    with pytest.raises(KeyError, match="must be one of gates, states, saturation, half_life, unit, got 'text'"):
        trace.figures["text"]


def test_importing_the_package_loads_no_numpy():
    import subprocess

    code = "import sys, comparisons; assert 'numpy' not in sys.modules; comparisons.trace; "
    code += "assert not {'matplotlib', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def allowed(layer, x, name, mask=None):
    """8 times the error of NumPy in float32, or 8 u: the rule of `comparisons.proof` for whole runs, of any state."""
    exact, rounded = (getattr(layer.astype(d).run(x.astype(d), mask=mask).states, name) for d in ("float64", "float32"))
    return exact, SLACK * max(np.abs(exact - rounded).max(), U)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("masked", [False, True])
def test_a_live_layer_of_keras_step_by_step(kind, masked):
    keras.utils.set_random_seed(0)
    live = getattr(L, kind)(5, return_sequences=True, bias_initializer="random_normal", name="mine")
    x = X.astype("float32")
    live.build(x.shape)
    mask = draws.mask(*x.shape[:2], 0) if masked else None
    trace = comparisons.trace(live, keras.ops.convert_to_tensor(x), mask=mask)
    own = shown(live, x, mask)
    layer = reference.read(live)
    for name, states in zip(layer.run(x).states._fields, own.states, strict=True):
        exact, bound = allowed(layer, x, name, mask)
        assert np.abs(states - exact).max() <= bound
        assert np.abs(trace[name] - exact).max() <= bound
    assert trace.parts[0].path == "mine"


def model():
    """Masks, two directions, a layer backwards, one that is stateful: trained by nobody."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            L.Input((6, 3), batch_size=2),
            L.Masking(name="masking"),
            L.LSTM(4, return_sequences=True, name="first", bias_initializer="random_normal"),
            L.Bidirectional(L.GRU(3, return_sequences=True), name="both"),
            L.Dense(4, activation="tanh", name="between"),
            L.LSTM(4, go_backwards=True, return_sequences=True, stateful=True, name="back"),
            L.SimpleRNN(2, name="last"),
            L.Dense(1),
        ]
    )


def padded():
    x = X.astype("float32").copy()
    x[1, 4:] = 0
    return x


def test_a_live_model_of_keras():
    live, x = model(), padded()
    live(x), live(x)  # the states after two calls are not those after one
    before = [keras.ops.convert_to_numpy(state) for state in live.get_layer("back").states]
    assert all(np.any(state) for state in before)
    trace = comparisons.trace(live, x)
    for state, old in zip(live.get_layer("back").states, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(state), old)
    paths = ["first", "both/forward", "both/backward", "back", "last"]
    assert [part.path for part in trace.parts] == paths
    assert set(trace.outputs) == {"first", "both", "back", "last"}
    live.get_layer("back").reset_state()
    for name in trace.outputs:
        upto = keras.Model(live.inputs[0], live.get_layer(name).output)
        live.get_layer("back").reset_state()
        theirs = keras.ops.convert_to_numpy(upto(x))
        ours = trace[f"{name}/outputs"]
        ours = ours if theirs.ndim == 3 else ours[:, -1]
        assert np.abs(ours - theirs).max() <= 64 * U, name
    np.testing.assert_array_equal(trace["first/mask"], (x != 0).any(-1))
    np.testing.assert_array_equal(trace["last/mask"], (x != 0).any(-1))
    assert "call" not in vars(live.get_layer("first"))  # what listened is gone


def test_a_live_model_of_keras_2():
    import tf_keras

    K = tf_keras.layers
    tf_keras.utils.set_random_seed(2)
    inputs = K.Input((6, 3))
    encoded, h, c = K.LSTM(4, return_sequences=True, return_state=True, name="encoder")(inputs)
    outputs = K.LSTM(4, return_sequences=True, name="decoder", recurrent_activation="hard_sigmoid")(
        encoded, initial_state=[h, c]
    )
    live, x = tf_keras.Model(inputs, outputs), X.astype("float32")
    trace = comparisons.trace(live, x)
    np.testing.assert_allclose(trace["decoder/outputs"], live(x), atol=64 * U)
    two = K.Bidirectional(K.GRU(3, stateful=True), name="two", input_shape=(6, 3), batch_size=2)
    stateful = tf_keras.Sequential([two])
    states = lambda: [state.numpy() for side in (two.forward_layer, two.backward_layer) for state in side.states]
    first, _ = stateful(x), stateful(x)
    kept = states()
    traced = comparisons.trace(stateful, x)
    np.testing.assert_allclose(traced.wholes[0].run.result, first, atol=8 * U)  # begun with zeros, as the first call
    np.testing.assert_array_equal(states(), kept)


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        (lambda: keras.Sequential([L.Input((3,)), L.Dense(2, name="only")]), "must have a recurrent layer, got only"),
        (lambda: object(), "layer must be a recurrent layer or a model, got object"),
        (lambda: L.LSTM(3), "has no weights yet"),
    ],
)
def test_what_is_no_layer_or_model_is_refused(thing, sentence):
    with pytest.raises(ValueError, match=sentence):
        comparisons.trace(thing(), X)


def test_a_model_makes_its_own_masks():
    with pytest.raises(ValueError, match="initial_state and mask must be given with a layer"):
        comparisons.trace(model(), padded(), mask=np.ones((2, 6)))


def test_wrapped_layers_are_traced():
    case = next(case for case in CASES if case.wrapper)
    layer, x, _ = given(case, steps=case.steps)
    assert isinstance(layer, Wrapped)
    trace, run = comparisons.trace(layer, x), layer.run(x)
    np.testing.assert_array_equal(trace["outputs"], run.outputs)
    np.testing.assert_array_equal(trace["h"], run.states.h)
