"""Laws that every recurrent cell obeys: they need no oracle, so they hold the oracle itself, and our cells.

The reference runs on fractions, with hard sigmoids and linear candidates: there both sides of a law are *equal*.
Our cells run inside keras.layers.RNN in float64, with sigmoid and tanh: there they are within 1e-13.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import Bidirectional, Layer, Weights, activations
from reference.gates import affine, fuse, split
from reference.steps import edited, module

HARD2 = activations.get("hard_sigmoid", slope=Fraction(1, 5), offset=Fraction(1, 2))
HARD3 = activations.get("hard_sigmoid", slope=Fraction(1, 6), offset=Fraction(1, 2))
KERAS = {"simple_rnn": "SimpleRNNCell", "lstm": "LSTMCell", "gru": "GRUCell"}
EXACT = np.vectorize(Fraction, otypes=[object])


@dataclass(frozen=True)
class Case:
    """A cell with weights and something to run it on; every number is a multiple of 1/8, so exact in both."""

    cell: str
    weights: Weights
    x: np.ndarray  # (B, T, X)
    state: tuple
    options: dict

    @property
    def gates(self):
        return module(self.cell).gates

    @property
    def units(self):
        return len(self.weights.recurrent_kernel)


@st.composite
def cases(draw, only=tuple(KERAS), reset_after=(False, True)):
    cell = draw(st.sampled_from(only))
    options = {"reset_after": draw(st.sampled_from(reset_after))} if cell == "gru" else {}
    batch, time, inputs, units = (draw(st.integers(1, most)) for most in (3, 3, 3, 3))
    rng, columns = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), units * len(module(cell).gates)

    def numbers(*shape):
        return rng.integers(-8, 9, shape) / 8

    two = options.get("reset_after")  # the one cell of Keras' with a second bias
    weights = [numbers(inputs, columns), numbers(units, columns), numbers(columns), numbers(columns) if two else None]
    state = tuple(numbers(batch, units) for _ in module(cell).State._fields)
    return Case(cell, Weights(*weights), numbers(batch, time, inputs), state, options)


def exact_layer(case, gate=HARD2, **flags):
    options = {name: Fraction(value) if name == "forget_bias" else value for name, value in case.options.items()}
    gate = {} if case.cell == "simple_rnn" else {"recurrent_activation": gate}
    options = {**options, **gate, "activation": "linear"}
    return Layer(case.cell, edited(case.weights, lambda _, a: EXACT(a)), options, **flags)


def by_reference(case, mask=None, **flags):
    """Outputs, and the last state, in exact fractions."""
    run = exact_layer(case, **flags).run(EXACT(case.x), [EXACT(field) for field in case.state], mask)
    return [run.outputs, *run.state]


def keras_layer(case, **flags):
    keras, cells = pytest.importorskip("keras"), pytest.importorskip("cells")
    cell = getattr(cells, KERAS[case.cell])(case.units, dtype="float64", **case.options)
    layer = keras.layers.RNN(cell, return_sequences=True, return_state=True, dtype="float64", **flags)
    layer.build(case.x.shape)
    *arrays, bias, second = case.weights
    layer.set_weights([*arrays, bias if second is None else np.stack([bias, second])])
    return layer


def by_cells(case, mask=None, **flags):
    """The same in float64, with sigmoid and tanh."""
    mask = mask if mask is None else pytest.importorskip("keras").ops.convert_to_tensor(mask)
    return [np.asarray(a) for a in keras_layer(case, **flags)(case.x, mask=mask, initial_state=list(case.state))]


def same(got, want):
    """Equal, if the numbers are fractions; else within 1e-13."""
    for a, b in zip(got, want, strict=True):
        assert a.shape == b.shape
        assert np.array_equal(a, b) if a.dtype == object else np.abs(a - b).max(initial=0) <= 1e-13


def law(**strategies):
    """A property of both runs, with 15 examples of each."""
    both = pytest.mark.parametrize("run", [by_reference, by_cells])
    return lambda test: both(settings(max_examples=15)(given(**strategies)(test)))


def columns(case, letters, edit):
    """The case with `edit` over the columns of those gates, in every array."""

    def of(_, a):
        parts = zip(case.gates, split(a, case.gates), strict=True)
        return fuse([edit(part) if letter in letters else part for letter, part in parts])

    return replace(case, weights=edited(case.weights, of))


def weights(case, **arrays):
    return replace(case, weights=case.weights._replace(**arrays))


def gate_bias(case, **values):
    """The case with those values for the whole bias of a gate."""
    bias = zip(case.gates, split(case.weights.bias, case.gates), strict=True)
    return weights(case, bias=fuse([part * 0 + values[letter] if letter in values else part for letter, part in bias]))


@law(case=cases(), data=st.data())
def test_permuting_units_permutes_outputs(run, case, data):
    order = data.draw(st.permutations(range(case.units)))
    permuted = columns(case, case.gates, lambda part: part[..., order])
    permuted = weights(permuted, recurrent_kernel=permuted.weights.recurrent_kernel[order])
    permuted = replace(permuted, state=tuple(field[:, order] for field in case.state))
    same(run(permuted), [array[..., order] for array in run(case)])


@law(case=cases(), data=st.data())
def test_rows_of_a_batch_are_independent(run, case, data):
    rows = data.draw(st.permutations(range(len(case.x))))[: data.draw(st.integers(1, len(case.x)))]
    some = replace(case, x=case.x[rows], state=tuple(field[rows] for field in case.state))
    same(run(some), [array[rows] for array in run(case)])


@law(case=cases(), data=st.data())
def test_a_masked_step_is_the_identity(run, case, data):
    batch, time, _ = case.x.shape
    t = data.draw(st.integers(0, time))
    longer = replace(case, x=np.insert(case.x, t, 9.0, axis=1))
    outputs, *state = run(longer, mask=np.arange(time + 1) != np.full((batch, 1), t))
    same([np.delete(outputs, t, axis=1), *state], run(case))
    assert np.array_equal(outputs[:, t], outputs[:, t - 1] if t else 0 * outputs[:, 0])


@law(case=cases(), data=st.data())
def test_a_sequence_cut_in_two_with_the_state_handed_over_is_one_run(run, case, data):
    case = replace(case, x=np.concatenate([case.x, -case.x], axis=1))
    t = data.draw(st.integers(1, case.x.shape[1] - 1))
    first, *state = run(replace(case, x=case.x[:, :t]))
    second, *last = run(replace(case, x=case.x[:, t:], state=tuple(state)))
    same([np.concatenate([first, second], axis=1), *last], run(case))


@law(case=cases())
def test_one_step_from_zeros_is_a_feed_forward_layer(run, case):
    case = replace(case, x=case.x[:, :1], state=tuple(0 * field for field in case.state))
    by_cell = np.asarray, lambda a: 1 / (1 + np.exp(-a)), np.tanh
    numbers, σ, φ = (EXACT, HARD2, lambda a: a) if run is by_reference else by_cell
    xw = affine(numbers(case.x), numbers(case.weights.kernel), numbers(case.weights.bias))
    d = numbers(np.zeros(xw.shape[-1]) if case.weights.recurrent_bias is None else case.weights.recurrent_bias)
    if case.cell == "simple_rnn":
        h = φ(xw)
    elif case.cell == "lstm":
        i, _, g, o = split(xw, "ifgo")
        h = σ(o) * φ(σ(i) * φ(g))
    else:
        (z, r, n), (d_z, d_r, d_n) = split(xw, "zrn"), split(d, "zrn")
        h = (1 - σ(z + d_z)) * φ(n + σ(r + d_r) * d_n)
    same(run(case)[:2], [h, h[:, 0]])


@law(case=cases(["lstm"]), bias=st.integers(-8, 8))
def test_a_forget_bias_is_a_bias_added_to_the_stored_one(run, case, bias):
    stored = gate_bias(case, f=split(case.weights.bias, "ifgo")[1] + bias / 8)
    same(run(replace(case, options={"forget_bias": bias / 8})), run(stored))


@law(case=cases(["lstm"]), seed=st.integers(0, 2**32 - 1))
def test_hard_gates_carry_c_bit_for_bit_or_replace_it(run, case, seed):
    h, c = np.random.default_rng(seed).normal(size=(2, *case.state[0].shape))
    case = replace(case, state=(h, c))
    if run is by_cells:
        case = replace(case, options={"recurrent_activation": "hard_sigmoid_keras2"})
    _, _, carried = run(gate_bias(case, f=100.0, i=-100.0))
    assert np.array_equal(carried, c)
    one = replace(case, x=case.x[:, :1])
    _, _, replaced = run(gate_bias(one, f=-100.0, i=100.0))
    numbers, φ = (EXACT, lambda a: a) if run is by_reference else (np.asarray, np.tanh)
    W, U, b = (split(numbers(a), "ifgo")[2] for a in case.weights[:3])
    same([replaced], [φ(numbers(one.x[:, 0]) @ W + numbers(h) @ U + b)])


@law(case=cases())
def test_going_backwards_is_flipping_the_input(run, case):
    mask = np.random.default_rng(0).random(case.x.shape[:2]) < 0.7
    same(run(case, mask, go_backwards=True), run(replace(case, x=case.x[:, ::-1]), mask[:, ::-1]))


@law(case=cases())
def test_bidirectional_is_two_runs(run, case):
    other = columns(case, case.gates, np.negative)
    forward, back = run(case), run(replace(other, x=case.x[:, ::-1]))
    states = [*case.state, *case.state]
    if run is by_reference:
        pair = Bidirectional(exact_layer(case), exact_layer(other, go_backwards=True))
        ran = pair.run(EXACT(case.x), [EXACT(field) for field in states])
        got = [ran.outputs, *ran.state.forward, *ran.state.backward]
    else:
        pair = keras_layer(case), keras_layer(other, go_backwards=True)
        wrapped = pytest.importorskip("keras").layers.Bidirectional(pair[0], backward_layer=pair[1], dtype="float64")
        wrapped.build(case.x.shape)
        wrapped.set_weights([*pair[0].get_weights(), *pair[1].get_weights()])
        got = [np.asarray(a) for a in wrapped(case.x, initial_state=states)]
    same(got, [np.concatenate([forward[0], back[0][:, ::-1]], -1), *forward[1:], *back[1:]])


@law(case=cases(["gru"], reset_after=[True]))
def test_a_reset_of_one_comes_to_the_same_before_and_after(run, case):
    after = gate_bias(case, r=100.0)
    after = weights(after, recurrent_bias=0 * case.weights.recurrent_bias)
    same(run(after), run(replace(weights(after, recurrent_bias=None), options={"reset_after": False})))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(case=cases(), power=st.integers(-20, 20), seed=st.integers(0, 2**32 - 1))
def test_scaling_the_kernel_up_and_the_inputs_down_by_a_power_of_two_changes_no_bit(dtype, case, power, seed):
    x = np.random.default_rng(seed).normal(size=case.x.shape).astype(dtype)
    layer = Layer(case.cell, case.weights, case.options).astype(dtype)
    scaled = replace(layer, weights=layer.weights._replace(kernel=np.ldexp(layer.weights.kernel, power)))
    assert np.array_equal(scaled.run(np.ldexp(x, -power)).states, layer.run(x).states)
    if dtype == "float64" and case.cell == "lstm":  # the cells too
        scaled = weights(replace(case, x=np.ldexp(x, -power)), kernel=np.ldexp(case.weights.kernel, power))
        assert all(map(np.array_equal, by_cells(scaled), by_cells(replace(case, x=x))))


@given(case=cases())
def test_two_biases_are_their_sum_outside_the_candidate_of_the_gru(case):
    second = gate_bias(case, n=0.0).weights.bias
    merged = weights(case, bias=case.weights.bias + second, recurrent_bias=None)
    same(by_reference(weights(case, recurrent_bias=second)), by_reference(merged))


@given(case=cases())
def test_the_hard_sigmoid_of_keras_2_is_that_of_keras_3_on_gates_scaled_by_six_fifths(case):
    gates = {"lstm": "ifo", "gru": "zr"}.get(case.cell, "")
    same(by_reference(columns(case, gates, lambda part: EXACT(part) * Fraction(6, 5)), gate=HARD3), by_reference(case))
