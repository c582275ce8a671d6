"""One cell inside another: where a cell's extra parts are neutral it is the simpler cell, on rationals without any
tolerance; and where they are not, it is another."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from comparisons.proof import draws
from comparisons.proof.cases import Case
from reference import Layer, Weights
from reference.gates import fuse, split
from reference.steps import jordan, peephole_lstm, weights_type

X, H = 3, 4
HARD = {"activation": "linear", "recurrent_activation": "hard_sigmoid_keras2"}  # exact on rationals, with slope 1/5
EXACT = {"activation": "linear"}
rational = np.vectorize(lambda value: Fraction(round(value * 8), 8), otypes=[object])


def drawn(cell, **given):
    """A layer of rationals; its sigmoid is a hard one with an exact slope."""
    layer = draws.weights(Case(cell, cell, units=H, **{"options": {}} | given), X, 0)
    layer = layer.edited(lambda _, a: rational(a))
    options = HARD if "recurrent_activation" in layer.options else EXACT
    layer = replace(layer, options={**layer.options, **options})
    if "recurrent_activation" in layer.options:
        fifth = replace(
            layer.options["recurrent_activation"], parameters={"slope": Fraction(1, 5), "offset": Fraction(1, 2)}
        )
        layer = replace(layer, options={**layer.options, "recurrent_activation": fifth})
    return layer


def run(layer):
    return layer.run(rational(np.random.default_rng(1).normal(size=(2, 6, X))))


def assert_same(one, other, *, equal=True):
    """Equal outputs and shared states of all steps, with no tolerance; or not."""
    a, b = run(one), run(other)
    assert isinstance(a.outputs[0, 0, 0], Fraction)
    fields = [f for f in a.states._fields if f in b.states._fields] or [0]
    pairs = [(a.outputs, b.outputs), *((getattr(a.states, f), getattr(b.states, f)) for f in fields if f)]
    assert all(np.array_equal(p, q) for p, q in pairs) is equal


def lstm_of(layer, arrays=None):
    """The lstm with a layer's activations, and its first four arrays or others."""
    kept = {name: value for name, value in layer.options.items() if name in ("activation", "recurrent_activation")}
    return Layer("lstm", Weights(*(arrays or layer.weights[:4])), kept)


def test_peepholes_of_zero_are_the_lstm():
    peeping = drawn("peephole_lstm", without=("projection",))
    still = replace(peeping, weights=peeping.weights._replace(peephole=0 * peeping.weights.peephole))
    assert_same(still, lstm_of(peeping))
    assert_same(replace(still, weights=still.weights._replace(peephole=None)), lstm_of(peeping))
    assert_same(peeping, lstm_of(peeping), equal=False)


def test_a_projection_by_the_identity_is_none():
    plain = drawn("peephole_lstm", without=("projection",))
    identity = rational(np.eye(H))
    assert_same(replace(plain, weights=plain.weights._replace(projection=identity)), plain)
    assert_same(replace(plain, weights=plain.weights._replace(projection=identity[::-1])), plain, equal=False)


@pytest.mark.parametrize("clip", ["cell_clip", "proj_clip"])
def test_a_clip_at_infinity_is_none(clip):
    layer = drawn("peephole_lstm", recurrent_dim=2)
    clipped = lambda limit: replace(layer, options={**layer.options, clip: limit})
    assert_same(clipped(float("inf")), layer)
    assert_same(clipped(Fraction(1, 100)), layer, equal=False)


def test_a_forget_gate_of_one_is_the_lstm_of_1997():
    old = drawn("lstm_1997")
    i, g, o = zip(*(split(a, "igo") for a in old.weights[:3]), strict=True)
    open_gate = [0 * i[0], 0 * i[1], 0 * i[2] + 100]  # hard: one, exactly
    arrays = [fuse(parts) for parts in zip(i, open_gate, g, o, strict=True)]
    assert_same(lstm_of(old, arrays), old)
    ajar = [*arrays[:2], arrays[2] - fuse([0 * i[2], open_gate[2], 0 * g[2], 0 * o[2]])]
    assert_same(lstm_of(old, ajar), old, equal=False)


@pytest.mark.parametrize("coupled", ["i", "f"])
def test_coupled_gates_are_a_tied_lstm(coupled):
    """1 − σ(a) = σ(−a): the coupled gate's columns are the other's, negated."""
    layer = drawn("cifg", options={"coupled": coupled}, without=("peephole",))
    arrays = []
    for array in layer.weights[:3]:
        own, g, o = split(array, "agz")
        arrays.append(fuse([-own, own, g, o] if coupled == "i" else [own, -own, g, o]))
    tied = lstm_of(layer, arrays)
    assert_same(tied, layer)
    other = replace(layer, options={**layer.options, "coupled": "f" if coupled == "i" else "i"})
    assert_same(tied, other, equal=False)


def test_the_forget_bias_of_either_coupling_is_the_lstms():
    for coupled in "if":
        layer = drawn("cifg", options={"coupled": coupled}, without=("peephole",))
        raised = replace(layer, options={**layer.options, "forget_bias": Fraction(3, 4)})
        at = slice(0, H)  # the columns of f, or of i
        sign = 1 if coupled == "i" else -1
        bias = layer.weights.bias.copy()
        bias[at] += sign * Fraction(3, 4)
        assert_same(raised, replace(layer, weights=layer.weights._replace(bias=bias)))


def test_memory_blocks_are_tied_columns():
    layer = drawn("lstm", options={"cells_per_block": 2})

    def tied(repeat):
        arrays = []
        for array in layer.weights[:3]:
            i, f, g, o = split(array, "ifgo", layer.widths)
            arrays.append(fuse([repeat(i), repeat(f), g, repeat(o)]))
        return lstm_of(layer, arrays)

    assert_same(tied(lambda a: np.repeat(a, 2, axis=-1)), layer)
    assert_same(tied(lambda a: np.concatenate([a, a], axis=-1)), layer, equal=False)  # interleaved


def elman_of(layer):
    return Layer("simple_rnn", Weights(*layer.weights[:3]), {"activation": layer.options["activation"]})


def test_jordan_with_an_identity_output_is_elman():
    layer = drawn("jordan")
    square = layer.weights._replace(output_kernel=rational(np.eye(H)), output_bias=None)
    assert_same(replace(layer, weights=square), elman_of(layer))
    assert_same(replace(layer, weights=square._replace(output_kernel=None)), elman_of(layer))


def test_jordan_and_elman_differ():
    """What the recurrence carries: the output of the output layer, not the hidden layer, even where Elman's network has
    the same output layer behind it."""
    layer = drawn("jordan")
    elman = run(elman_of(layer)).outputs
    behind = elman @ layer.weights.output_kernel + layer.weights.output_bias
    ours = run(layer).outputs
    assert np.array_equal(ours[:, 0], behind[:, 0])  # the first step has nothing to remember
    assert not np.array_equal(ours[:, 1], behind[:, 1])


def test_reset_after_with_an_open_gate_is_reset_before():
    layer = drawn("gru")
    w, opened = layer.weights, rational(np.zeros(3 * H))
    opened[H : 2 * H] = 100  # r is one, exactly
    d = w.recurrent_bias.copy()
    d[2 * H :] = 0
    weights = w._replace(bias=w.bias + opened, recurrent_bias=d)
    before = lambda weights: replace(layer, weights=weights, options={**layer.options, "reset_after": False})
    assert_same(replace(layer, weights=weights), before(weights))
    assert_same(layer, before(w), equal=False)


def test_every_array_of_a_cell_matters():
    """The reductions above would hold for a cell that ignored the array that they make neutral."""
    for module, cell, arrays in (
        (peephole_lstm, "peephole_lstm", ("peephole", "projection")),
        (jordan, "jordan", ("output_kernel", "output_bias")),
    ):
        assert set(arrays) == set(module.shapes)
        layer = drawn(cell, recurrent_dim=2)
        for name in weights_type(cell)._fields:
            if getattr(layer.weights, name) is not None:
                assert_same(layer.edited(lambda other, a, name=name: a / 2 if other == name else a), layer, equal=False)
