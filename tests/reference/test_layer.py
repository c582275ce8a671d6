"""Layer, Stack and Bidirectional: shapes, states, masks, directions, dtypes, and what they refuse."""

import numpy as np
import pytest

from reference import Bidirectional, Layer, Stack, Weights
from reference.gates import affine
from reference.layer import Directions
from reference.steps import module

CELLS = ["simple_rnn", "lstm", "gru"]
B, T, X, H = 2, 5, 3, 4
MASK = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 0, 1]], bool)  # row 1 begins with a masked step


def draw(cell, seed=0, inputs=X, units=H, **options):
    """A layer with asymmetric weights."""
    rng, columns = np.random.default_rng(seed), units * len(module(cell).gates)
    shapes = (inputs, columns), (units, columns), (columns,), (columns,)
    scale = 1 / np.sqrt(inputs + units)
    return Layer(cell, Weights(*(scale * rng.normal(size=shape) for shape in shapes)), **options)


def inputs(*shape):
    return np.random.default_rng(9).normal(size=shape or (B, T, X))


def step_by_step(layer, x, state, mask):
    """The run again, a row and a step at a time: outputs, and the state after every step."""
    step, State = module(layer.cell).step, module(layer.cell).State
    outputs, states = np.zeros((B, T, H)), [np.zeros((B, T, H)) for _ in State._fields]
    for row in range(B):
        held, output = State(*(field[row : row + 1] for field in state)), np.zeros((1, H))
        for t in range(T):
            if mask[row, t]:
                xw = affine(x[row : row + 1, t], layer.weights.kernel, layer.weights.bias)
                held, _ = step(xw, held, layer.weights, **layer.options)
                output = held.h
            elif layer.zero_output_for_mask:
                output = np.zeros((1, H))
            outputs[row, t] = output[0]
            for over, field in zip(states, held, strict=True):
                over[row, t] = field[0]
    return outputs, states


@pytest.mark.parametrize("zeros", [False, True], ids=["repeat", "zero"])
@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("mask", [None, MASK], ids=["unmasked", "masked"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_run_is_its_steps(cell, mask, backwards, zeros):
    layer, x = draw(cell, go_backwards=backwards, zero_output_for_mask=zeros), inputs()
    state = tuple(inputs(B, H) for _ in module(cell).State._fields)
    run = layer.run(x, state, mask)
    seen = np.ones((B, T), bool) if mask is None else mask
    order = slice(None, None, -1 if backwards else 1)
    outputs, states = step_by_step(layer, x[:, order], state, seen[:, order])
    assert run.outputs == pytest.approx(outputs, abs=1e-15)
    assert run.result is run.outputs
    for got, over_time, want in zip(run.state, run.states, states, strict=True):
        assert over_time == pytest.approx(want, abs=1e-15)
        assert np.array_equal(got, over_time[:, -1])


@pytest.mark.parametrize("cell", CELLS)
def test_shapes_and_fields(cell):
    layer = draw(cell, return_sequences=False)
    run = layer.run(inputs(), mask=MASK)
    assert run.outputs.shape == (B, T, H)
    assert np.array_equal(run.result, run.outputs[:, -1])
    assert type(run.state) is type(run.states) is module(cell).State
    assert {field.shape for field in run.state} == {(B, H)}
    assert {field.shape for field in run.states} == {(B, T, H)}
    assert "".join(run.gates) == layer.gates == module(cell).gates
    assert {gate.shape for gate in run.gates.values()} == {(B, T, H)}
    assert (layer.input_dim, layer.units) == (X, H)


@pytest.mark.parametrize("zeros", [False, True], ids=["repeat", "zero"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_masked_step_holds_the_state_and_repeats_or_zeroes_the_output(cell, zeros):
    state = tuple(np.ones((B, H)) for _ in module(cell).State._fields)
    run = draw(cell, zero_output_for_mask=zeros).run(inputs(), state, MASK)
    for row, t in np.argwhere(~MASK):
        for given, over_time in zip(state, run.states, strict=True):
            assert np.array_equal(over_time[row, t], over_time[row, t - 1] if t else given[row])
        expected = run.outputs[row, t - 1] if t and not zeros else np.zeros(H)  # zeros first, though h0 is 1
        assert np.array_equal(run.outputs[row, t], expected)


@pytest.mark.parametrize("cell", CELLS)
def test_gates_are_activated_and_computed_at_masked_steps_too(cell):
    layer, x = draw(cell), inputs()
    masked = layer.run(x, mask=np.zeros((B, T), bool))
    for t in range(T):  # every step starts from zeros, since all are masked
        alone = layer.run(x[:, t : t + 1])
        for letter, gate in masked.gates.items():
            assert gate[:, t] == pytest.approx(alone.gates[letter][:, 0], abs=1e-15)
    assert all(np.ptp(gate, axis=1).min() > 0 for gate in masked.gates.values())


def test_outputs_stay_in_processing_order_when_going_backwards():
    x = inputs()
    forwards, backwards = draw("lstm"), draw("lstm", go_backwards=True)
    assert np.array_equal(backwards.run(x).outputs[:, :1], forwards.run(x[:, -1:]).outputs)
    assert not np.allclose(backwards.run(x).outputs, forwards.run(x).outputs)


@pytest.mark.parametrize("form", ["array", "tuple", "list", "state"])
def test_forms_of_the_initial_state(form):
    gru, h = draw("gru"), inputs(B, H)
    state = {"array": h, "tuple": (h,), "list": [h.tolist()], "state": module("gru").State(h)}[form]
    want = gru.run(inputs(), (h,)).outputs
    assert np.array_equal(gru.run(inputs(), state).outputs, want)
    assert not np.allclose(gru.run(inputs()).outputs, want)


def test_a_state_is_handed_over_in_the_order_h_c():
    lstm, x = draw("lstm"), inputs()
    once, first = lstm.run(x), lstm.run(x[:, :2])
    second = lstm.run(x[:, 2:], list(first.state))
    assert second.outputs == pytest.approx(once.outputs[:, 2:], abs=1e-15)
    assert np.abs(lstm.run(x[:, 2:], first.state[::-1]).outputs - once.outputs[:, 2:]).max() > 0.01


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("x_dtype", ["float16", "float32", "float64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_wider_of_weights_and_inputs_decides_the_precision(cell, x_dtype, dtype):
    layer, x = draw(cell).astype(dtype), (10 * inputs()).astype(x_dtype)
    run = layer.run(x, [inputs(B, H)] * len(module(cell).State._fields), MASK)
    want = np.result_type(dtype, x_dtype) if "float" in x_dtype else np.dtype(dtype)
    everything = [run.outputs, *run.state, *run.states, *run.gates.values()]
    assert {array.dtype for array in everything} == {want}
    narrow = np.float64(np.finfo(dtype).eps) + np.finfo(want).eps
    oracle = draw(cell).run(x.astype("float64"), [inputs(B, H)] * len(run.state), MASK)
    assert run.outputs == pytest.approx(oracle.outputs, abs=30 * narrow)


@pytest.mark.parametrize("shape", [(0, T, X), (B, 0, X), (0, 0, X)])
@pytest.mark.parametrize("cell", CELLS)
def test_no_rows_or_no_steps(cell, shape):
    state = [np.full((shape[0], H), 0.5)] * len(module(cell).State._fields)
    for layer in (draw(cell), draw(cell, go_backwards=True)):
        run = layer.run(np.zeros(shape), state, np.ones(shape[:2], bool))
        assert run.outputs.shape == (*shape[:2], H)
        assert {gate.shape for gate in run.gates.values()} == {(*shape[:2], H)}
        if shape[1] == 0:
            assert all(np.array_equal(got, given) for got, given in zip(run.state, state, strict=True))


def test_a_stack_feeds_each_layer_the_outputs_below():
    lower, upper = draw("gru", 1, units=3), draw("lstm", 2, inputs=3)
    x, states = inputs(), ((inputs(B, 3),), (inputs(B, H), inputs(B, H)))
    below = lower.run(x, states[0], MASK)
    above = upper.run(below.outputs, states[1], MASK)
    run = Stack((lower, upper), return_sequences=False).run(x, states, MASK)
    assert np.array_equal(run.outputs, above.outputs)
    assert np.array_equal(run.result, above.result[:, -1])
    for k, part in enumerate((below, above)):
        for name in ("state", "states"):
            assert all(map(np.array_equal, getattr(run, name)[k], getattr(part, name)))
        assert run.gates[k].keys() == part.gates.keys()
    backwards = Stack((lower, upper), go_backwards=True).run(x, states, MASK)
    assert np.array_equal(backwards.outputs, Stack((lower, upper)).run(x[:, ::-1], states, MASK[:, ::-1]).outputs)
    assert Stack((lower, upper)).astype("float32").run(x.astype("float32")).outputs.dtype == np.float32


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "ave", "mul", None])
@pytest.mark.parametrize("return_sequences", [True, False])
def test_bidirectional_merges_two_runs(merge_mode, return_sequences):
    forward = draw("lstm", 1, return_sequences=return_sequences)
    backward = draw("lstm", 2, return_sequences=return_sequences, go_backwards=True)
    x, (h, c) = inputs(), (inputs(B, H), -inputs(B, H))
    ahead, back = forward.run(x, (h, c), MASK), backward.run(x, (c, h), MASK)
    merge = {
        "concat": lambda a, b: np.concatenate([a, b], -1),
        "sum": lambda a, b: a + b,
        "ave": lambda a, b: (a + b) / 2,
        "mul": lambda a, b: a * b,
        None: lambda a, b: (a, b),
    }[merge_mode]
    both = Bidirectional(forward, backward, merge_mode)
    for states in (((h, c), (c, h)), [h, c, c, h]):
        run = both.run(x, states, MASK)
        assert np.array_equal(run.outputs, merge(ahead.outputs, back.outputs[:, ::-1]))
        last = merge(ahead.outputs[:, -1], back.outputs[:, -1])
        assert np.array_equal(run.result, run.outputs if return_sequences else last)
        assert isinstance(run.state, Directions)
        assert np.array_equal(run.state.forward.c, ahead.state.c)
        assert np.array_equal(run.state.backward.c, back.state.c)
        assert np.array_equal(run.gates.backward["f"], back.gates["f"])
    assert np.asarray(both.astype("float32").run(x.astype("float32")).outputs).dtype == np.float32
    assert both.return_sequences is return_sequences


STACK = Stack((draw("gru", 1), draw("lstm", 2, inputs=H)))
REFUSED = {
    "unknown cell": (
        lambda: draw("lstm").__class__("lstn", draw("lstm").weights),
        "cell must be one of .*, got 'lstn'",
    ),
    "unknown option": (
        lambda: draw("lstm", options={"reset_after": True}),
        "option of lstm must be one of activation, .*, forget_bias, cells_per_block, got 'reset_after'",
    ),
    "gates that do not divide": (
        lambda: Layer("lstm", Weights(np.zeros((X, 4 * H)), np.zeros((H, 4 * H - 1)))),
        r"recurrent_kernel of a lstm of 4 units must have shape \(4, 16\), got \(4, 15\)",
    ),
    "bias of two rows": (
        lambda: Layer("gru", draw("gru").weights._replace(bias=np.zeros((2, 12)))),
        r"bias of a gru of 4 units must have shape \(12,\), got \(2, 12\)",
    ),
    "inputs of two axes": (
        lambda: draw("gru").run(inputs(B, X)),
        r"inputs must have shape \(batch, time, 3\), got \(2, 3\)",
    ),
    "mask of another length": (
        lambda: draw("gru").run(inputs(), mask=MASK[:, 1:]),
        r"mask must have shape \(batch, time\) = \(2, 5\), got \(2, 4\)",
    ),
    "h without c": (
        lambda: draw("lstm").run(inputs(), (inputs(B, H),)),
        r"initial_state of a lstm must be \(h, c\) of shapes \[\(2, 4\), \(2, 4\)\], got \[\(2, 4\)\]",
    ),
    "state of another batch": (
        lambda: draw("gru").run(inputs(), inputs(1, H)),
        r"initial_state of a gru must be \(h\) of shapes \[\(2, 4\)\], got \[\(1, 4\)\]",
    ),
    "stack without time": (
        lambda: STACK.run(inputs(B, X)),
        r"inputs must have shape \(batch, time, features\), got \(2, 3\)",
    ),
    "states of a stack": (lambda: STACK.run(inputs(), [None]), r"one entry a layer \(2\), got 1"),
    "the last of no outputs": (
        lambda: draw("gru", return_sequences=False).run(np.zeros((B, 0, X))),
        "a sequence of no steps has no last output: give at least one step, or return_sequences=True",
    ),
    "merge mode": (
        lambda: Bidirectional(draw("gru"), draw("gru", go_backwards=True), "max"),
        "merge_mode must be one of concat, sum, ave, mul, None, got 'max'",
    ),
    "two forwards": (lambda: Bidirectional(draw("gru"), draw("gru")), "one of the two layers must go backwards"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_in_one_sentence(case):
    attempt, sentence = REFUSED[case]
    with pytest.raises(ValueError, match=sentence) as error:
        attempt()
    assert "\n" not in str(error.value)
