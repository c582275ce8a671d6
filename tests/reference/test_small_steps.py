"""The small cells of the literature: each comes down to another cell where it must, and the hand-worked vectors reject
every mistake planted in its source, in the reference's file and in the Keras cell's.

On fractions, with hard sigmoids and relu, both sides of a reduction are *equal*.
"""

import inspect
import sys
from fractions import Fraction
from importlib import import_module
from types import ModuleType

import mpmath
import numpy as np
import pytest
from vectors import VECTORS, gives, layer, live_gives

from reference import Layer, activations
from reference.gates import fuse, split
from reference.steps import edited, module, shapes, weights_type, widths

HARD = activations.get("hard_sigmoid", slope=Fraction(1, 5), offset=Fraction(1, 2))
EXACT = np.vectorize(Fraction, otypes=[object])
X, H, B, T = 2, 3, 2, 3
SURE = 100  # a pre-activation with which a hard gate is open


def draw(cell, *, inputs=X, exact=True, seed=0, **options):
    """A layer of random weights, multiples of 1/8, without a second bias unless there is one array for each matmul."""
    rng = np.random.default_rng(seed)
    specs, columns = shapes(cell), sum(widths(cell, H, options).values())
    lengths = {"X": inputs, "H": H, "R": H, "C": columns, "2H": 2 * H, "3H": 3 * H, "C-H": columns - H}
    absent = {"recurrent_bias"} | ({"peephole"} if options.get("variant") == "NP" else set())
    absent |= set() if options.get("variant") == "FGR" else {"gate_recurrent_kernel"}
    arrays = {
        name: rng.integers(-8, 9, [lengths[word] for word in specs[name].split()]) / 8
        for name in weights_type(cell)._fields
        if name not in absent
    }
    exactly = {"activation": "relu", "recurrent_activation": HARD} if exact else {}
    drawn = Layer(cell, weights_type(cell)(**arrays), {**exactly, **options})
    return drawn.edited(lambda _, a: EXACT(a)) if exact else drawn


def other(cell, like, options=None, **arrays):
    """A layer of another cell with the weights that both have, but for `arrays`."""
    kind, given = weights_type(cell), {**like.weights._asdict(), **arrays}
    kept = {name: value for name, value in like.options.items() if name in ("activation", "recurrent_activation")}
    kept |= options or {}
    if cell == "simple_rnn":
        kept.pop("recurrent_activation")
    return Layer(cell, kind(**{name: given.get(name) for name in kind._fields}), kept)


def assert_equal(one, two, *, limit=0, seed=1):
    """The same outputs and states, h and then c, from the same inputs and from the same state."""
    rng = np.random.default_rng(seed)
    exact = one.weights.kernel.dtype == object
    numbers = lambda *shape: (EXACT if exact else np.asarray)(rng.integers(-8, 9, shape) / 8)
    x, h, c, gates = numbers(B, T, one.input_dim), numbers(B, H), numbers(B, H), numbers(3, B, H)
    state = lambda of: (h, c, *gates)[: len(module(of.cell).State._fields)]
    runs = [of.run(x, state(of)) for of in (one, two)]
    for a, b in zip(*(run.states[:2] for run in runs), strict=True):
        assert np.all(np.abs(a - b) <= limit), np.abs(a - b).max()
    return runs


def differs(one, two, *, least=0.01):
    with pytest.raises(AssertionError):
        assert_equal(one, two, limit=least)


def biased(layer, letter, value):
    """The layer with that value for the whole bias of a gate."""
    parts = dict(zip(layer.gates, split(layer.weights.bias, layer.gates, layer.widths), strict=True))
    parts[letter] = parts[letter] * 0 + value
    return other(layer.cell, layer, layer.options, bias=fuse(list(parts.values())))


def without(layer, letter):
    """The arrays of a vanilla LSTM without the columns of one gate."""

    def cut(name, a):
        gates = {"peephole": "ifo"}.get(name, "ifgo")
        return fuse([part for gate, part in zip(gates, split(a, gates), strict=True) if gate != letter])

    return edited(layer.weights, cut)._asdict()


def test_the_vanilla_lstm_is_the_one_with_peepholes():
    vanilla = draw("greff_lstm")
    assert_equal(vanilla, other("peephole_lstm", vanilla))
    assert_equal(other("greff_lstm", vanilla, peephole=vanilla.weights.peephole * 0), other("lstm", vanilla))
    differs(vanilla, other("lstm", vanilla))


def test_without_peepholes_it_is_the_lstm():
    bare = draw("greff_lstm", variant="NP")
    assert_equal(bare, other("lstm", bare))


def test_coupled_gates_are_those_of_cifg_with_f_from_i():
    coupled = draw("greff_lstm", variant="CIFG")
    assert_equal(coupled, other("cifg", coupled, {"coupled": "f"}))
    differs(coupled, other("cifg", coupled, {"coupled": "i"}))


@pytest.mark.parametrize(("variant", "gate"), [("NIG", "i"), ("NFG", "f"), ("NOG", "o")])
def test_an_absent_gate_is_one_that_is_always_open(variant, gate):
    vanilla = draw("greff_lstm")
    absent = other("greff_lstm", vanilla, {"variant": variant}, **without(vanilla, gate))
    runs = assert_equal(absent, biased(vanilla, gate, SURE))
    assert np.all(runs[0].gates[gate] == 1)
    differs(absent, vanilla)


def test_without_forget_gate_it_is_the_lstm_of_1997():
    absent = draw("greff_lstm", variant="NFG")
    bare = other("greff_lstm", absent, absent.options, peephole=absent.weights.peephole * 0)
    assert_equal(bare, other("lstm_1997", bare))


@pytest.mark.parametrize(
    ("variant", "φ", "ψ"), [("V", "relu", "relu"), ("NIAF", "linear", "relu"), ("NOAF", "relu", "linear")]
)
def test_an_absent_activation_is_linear(variant, φ, ψ):
    cell = draw("greff_lstm", variant=variant)
    assert_equal(cell, other("peephole_lstm", cell, {"activation": φ, "output_activation": ψ}))


def test_full_gate_recurrence_adds_what_its_matrix_makes_of_the_gates_before():
    full = draw("greff_lstm", variant="FGR")
    vanilla = other("greff_lstm", full, gate_recurrent_kernel=None)
    R = full.weights.gate_recurrent_kernel
    assert_equal(other("greff_lstm", full, {"variant": "FGR"}, gate_recurrent_kernel=R * 0), vanilla)
    differs(full, vanilla)
    draws = np.random.default_rng(3)
    x, h, c, before = (EXACT(draws.integers(-8, 9, (1, n)) / 8) for n in (X, H, H, 3 * H))
    i, f, o = split((before @ R)[0], "ifo")
    moved = other("greff_lstm", vanilla, bias=vanilla.weights.bias + fuse([i, f, 0 * i, o]))
    state = [h, c, *split(before, "ifo")]
    got, want = (cell.run(x[:, None], state) for cell in (full, moved))
    assert [field.tolist() for field in got.state] == [field.tolist() for field in want.state]
    assert all(gate.min() > 0 and gate.max() < 1 for gate in (got.state.i, got.state.f, got.state.o))


def test_arrays_that_a_variant_does_not_have_are_refused():
    for given, variant in (("FGR", "V"), ("V", "FGR"), ("V", "NP"), ("NP", "V")):
        wrong = other("greff_lstm", draw("greff_lstm", variant=given), {"variant": variant})
        with pytest.raises(ValueError, match=f"must be (an array|None) for variant {variant}"):
            wrong.run(np.zeros((1, 1, X)))
    with pytest.raises(ValueError, match=r"variant must be one of V, NIG, .*, FGR, got 'v'"):
        draw("greff_lstm", variant="v")


def test_the_minimal_gated_unit_is_a_gru_with_one_gate_for_two():
    unit = draw("mgu")

    def tied(name, a):
        f, n = split(a, "fn")
        return fuse([-f, f, n])

    gru = other("gru", unit, {"reset_after": False}, **edited(unit.weights, tied)._asdict())
    assert_equal(unit, gru)
    differs(unit, other("gru", gru, {"reset_after": True}))


def test_the_update_gate_rnn_lies_between_the_simple_network_and_standing_still():
    unit = draw("ugrnn")
    candidate = edited(unit.weights, lambda _, a: split(a, "zn")[1])._asdict()
    assert_equal(biased(unit, "z", -SURE), other("simple_rnn", unit, **candidate))
    still, _ = assert_equal(biased(unit, "z", SURE), biased(unit, "z", SURE))
    assert np.all(still.states.h == still.states.h[:, :1])
    assert_equal(other("ugrnn", unit, {"forget_bias": 1}), biased_by(unit, 1))

    def reset_open(name, a):
        z, n = split(a, "zn")
        return fuse([z, z * 0 + (SURE if name == "bias" else 0), n])

    assert_equal(unit, other("gru", unit, {"reset_after": True}, **edited(unit.weights, reset_open)._asdict()))


def biased_by(layer, value):
    z, n = split(layer.weights.bias, "zn")
    return other(layer.cell, layer, bias=fuse([z + value, n]))


def flipped(a, letters="zrn"):
    """The columns of z with the other sign, which is 1 − z for z."""
    return fuse([-part if gate == "z" else part for gate, part in zip(letters, split(a, letters), strict=True)])


def test_mut2_is_a_gru_whose_reset_gate_gets_the_inputs_themselves():
    unit = draw("mut2", inputs=H)
    W_z, W_n = split(unit.weights.kernel, "zn")
    kernel = fuse([-W_z, EXACT(np.eye(H)), W_n])
    rest = {name: flipped(getattr(unit.weights, name)) for name in ("recurrent_kernel", "bias")}
    assert_equal(unit, other("gru", unit, {"reset_after": False}, kernel=kernel, **rest))


def test_mut1_is_a_gru_over_inputs_and_their_tanh_whose_update_gate_does_not_see_the_state():
    unit = draw("mut1", inputs=H, exact=False)
    W_z, W_r = split(unit.weights.kernel, "zr")
    none, one = np.zeros((H, H)), np.eye(H)
    kernel = np.vstack([fuse([-W_z, W_r, none]), fuse([none, none, one])])
    recurrent_kernel = fuse([none, *split(unit.weights.recurrent_kernel, "rn")])
    bias = flipped(unit.weights.bias)
    gru = other("gru", unit, {"reset_after": False}, kernel=kernel, recurrent_kernel=recurrent_kernel, bias=bias)
    x, h = np.random.default_rng(1).normal(size=(B, T, H)), np.random.default_rng(2).normal(size=(B, H))
    got, want = unit.run(x, (h,)).states.h, gru.run(np.concatenate([x, np.tanh(x)], -1), (h,)).states.h
    assert np.abs(got - want).max() <= 1e-15


def test_mut3_is_mut2_where_the_update_gate_is_blind_to_h_and_the_reset_gate_gets_x():
    unit = draw("mut3", inputs=H, exact=False)
    W_z, _, W_n = split(unit.weights.kernel, "zrn")
    U_z, U_r, U_n = split(unit.weights.recurrent_kernel, "zrn")
    blind = fuse([U_z * 0, U_r, U_n])
    third = other("mut3", unit, kernel=fuse([W_z, np.eye(H), W_n]), recurrent_kernel=blind)
    second = other("mut2", unit, kernel=fuse([W_z, W_n]), recurrent_kernel=blind)
    assert_equal(third, second, limit=1e-15)
    seeing = unit.weights.recurrent_kernel
    differs(other("mut3", third, recurrent_kernel=seeing), other("mut2", second, recurrent_kernel=seeing))


@pytest.mark.parametrize("cell", ["mut1", "mut2"])
def test_a_mut_that_takes_the_inputs_as_they_are_needs_as_many_as_units(cell):
    unit = draw(cell)
    with pytest.raises(ValueError, match=rf"kernel of a {cell} of 3 units must have shape \(3, 6\), got \(2, 6\)"):
        other(cell, unit, kernel=unit.weights.kernel[:2])


NORMS = ["layer_norm_lstm", "fused_layer_norm_lstm"]
DIGITS = mpmath.MPContext()
DIGITS.dps = 50


def digits(a):
    return [DIGITS.mpf(float(value)) for value in a]


def norm_of_50_digits(a, gamma, beta, epsilon):
    mean = sum(a) / len(a)
    spread = DIGITS.sqrt(sum((v - mean) ** 2 for v in a) / len(a) + DIGITS.mpf(epsilon))
    return [(v - mean) / spread * g + b for v, g, b in zip(a, digits(gamma), digits(beta), strict=True)]


@pytest.mark.parametrize("cell", NORMS)
def test_a_normalised_step_is_within_4e_15_of_50_digits(cell):
    one, rng = draw(cell, exact=False), np.random.default_rng(3)
    w, ε = one.weights, one.options["norm_epsilon"]
    x, h, c = (rng.normal(size=n) for n in (X, H, H))
    product = lambda v, matrix: [
        sum(DIGITS.mpf(float(p)) * DIGITS.mpf(float(q)) for p, q in zip(v, column, strict=True)) for column in matrix.T
    ]
    xw, hu, b = product(x, w.kernel), product(h, w.recurrent_kernel), digits(w.bias)
    if cell == "layer_norm_lstm":
        a = [p + q + r for p, q, r in zip(xw, hu, b, strict=True)]
        parts = [slice(k * H, (k + 1) * H) for k in range(4)]
        a = [v for s in parts for v in norm_of_50_digits(a[s], w.gamma[s], w.beta[s], ε)]
    else:
        normed = norm_of_50_digits(xw, w.kernel_gamma, w.kernel_beta, ε)
        recurrent = norm_of_50_digits(hu, w.recurrent_gamma, w.recurrent_beta, ε)
        a = [p + q + r for p, q, r in zip(normed, recurrent, b, strict=True)]
    sigma, tanh = (lambda v: 1 / (1 + DIGITS.exp(-v))), DIGITS.tanh
    i, f, g, o = (a[k * H : (k + 1) * H] for k in range(4))
    raw = [sigma(f[k]) * digits(c)[k] + sigma(i[k]) * tanh(g[k]) for k in range(H)]
    new = norm_of_50_digits(raw, w.state_gamma, w.state_beta, ε)
    run = one.run(x[None, None], (h[None], c[None]))
    want = [[sigma(o[k]) * tanh(new[k]) for k in range(H)], new]
    for got, exact in zip(run.state, want, strict=True):
        assert all(abs(DIGITS.mpf(float(v)) - e) <= 4e-15 for v, e in zip(got[0], exact, strict=True))


def test_the_two_layer_norms_are_two_functions():
    one = draw("layer_norm_lstm", exact=False)
    w = one.weights
    fused = {"kernel_gamma": w.gamma, "kernel_beta": w.beta, "recurrent_gamma": w.gamma, "recurrent_beta": w.beta * 0}
    for options in ({}, {"norm_epsilon": 1e-12}):
        differs(one, other("fused_layer_norm_lstm", one, options, **fused))


@pytest.mark.parametrize("cell", NORMS)
def test_the_state_is_c_normalised(cell):
    one = draw(cell, exact=False)
    plain = other(cell, one, {"norm_epsilon": 1e-12}, state_gamma=None, state_beta=None)
    c = plain.run(np.random.default_rng(1).normal(size=(B, T, X))).states.c
    assert np.abs(c.mean(-1)).max() < 1e-14
    assert np.abs(c.var(-1) - 1).max() < 1e-9


def test_a_constant_over_a_gate_is_lost_where_each_gate_is_normalised_and_kept_where_all_are():
    one = draw("layer_norm_lstm", exact=False)
    assert_equal(biased(one, "f", 0), biased(one, "f", 3), limit=1e-13)
    f = split(one.weights.beta, "ifgo")[1]
    beta = fuse([*split(one.weights.beta, "ifgo")[:1], f + 3, *split(one.weights.beta, "ifgo")[2:]])
    assert_equal(
        other("layer_norm_lstm", one, {"forget_bias": 3}), other("layer_norm_lstm", one, beta=beta), limit=1e-14
    )
    fused = draw("fused_layer_norm_lstm", exact=False)
    differs(biased(fused, "f", 0), biased(fused, "f", 3))


# What is planted: (cell, file where it is not in both, the line, what becomes of it).
BOTH, STEP, CELL = ("reference.steps", "cells"), ("reference.steps",), ("cells",)
FILES = {"mut1": "mut", "mut2": "mut", "mut3": "mut"}
CLASSES = {
    "layer_norm_lstm": "LayerNormLSTMCell",
    "fused_layer_norm_lstm": "FusedLayerNormLSTMCell",
    "greff_lstm": "GreffLSTMCell",
    "mgu": "MGUCell",
    "ugrnn": "UGRNNCell",
    "mut1": "MUT1Cell",
    "mut2": "MUT2Cell",
    "mut3": "MUT3Cell",
}
RAW = ("c = norm(f * c + i * g,", "c = norm(raw := f * c + i * g,")
OLD = ("c = f * c + i * g\n", "old, c = c, f * c + i * g\n")
MUTANTS = [
    ("layer_norm_lstm", BOTH, [RAW, ("h = o * φ(c)\n    ", "h = o * φ(raw)\n    ")]),
    ("layer_norm_lstm", STEP, [RAW, ("return State(h, c)", "return State(h, raw)")]),
    ("layer_norm_lstm", CELL, [RAW, ("return h, [h, c]", "return h, [h, raw]")]),
    ("layer_norm_lstm", STEP, [("σ(a_f + forget_bias)\n    g", "σ(a_f)\n    g")]),
    ("layer_norm_lstm", CELL, [("σ(a_f + self.forget_bias)", "σ(a_f)")]),
    ("layer_norm_lstm", STEP, [("keepdims=True) + epsilon)", "keepdims=True)) + epsilon")]),
    ("layer_norm_lstm", CELL, [("_mean(d * d) + epsilon)", "_mean(d * d)) + epsilon")]),
    (
        "layer_norm_lstm",
        STEP,
        [
            (
                "split(xw + affine(h, w.recurrent_kernel, w.recurrent_bias), gates)",
                "split(norm(xw + affine(h, w.recurrent_kernel, w.recurrent_bias), None, None, norm_epsilon), gates)",
            ),
            ("norm(*of_gate, norm_epsilon)", "of_gate[0] * of_gate[1] + of_gate[2]"),
        ],
    ),
    ("fused_layer_norm_lstm", BOTH, [RAW, ("h = o * φ(c)\n    ", "h = o * φ(raw)\n    ")]),
    ("fused_layer_norm_lstm", STEP, [RAW, ("return State(h, c)", "return State(h, raw)")]),
    ("fused_layer_norm_lstm", CELL, [RAW, ("return h, [h, c]", "return h, [h, raw]")]),
    ("fused_layer_norm_lstm", STEP, [("affine(x, w.kernel, None)", "affine(x, w.kernel, w.bias)")]),
    (
        "fused_layer_norm_lstm",
        CELL,
        [("self.project(inputs, training, None)", "self.project(inputs, training, self.bias)")],
    ),
    ("fused_layer_norm_lstm", STEP, [("w.recurrent_gamma, w.recurrent_beta,", "w.kernel_gamma, w.kernel_beta,")]),
    (
        "fused_layer_norm_lstm",
        CELL,
        [("self.recurrent_gamma, self.recurrent_beta,", "self.kernel_gamma, self.kernel_beta,")],
    ),
    ("greff_lstm", BOTH, [OLD, ("peep(a_o, p_o, c)", "peep(a_o, p_o, old)")]),
    ("greff_lstm", BOTH, [OLD, ("h = o * ψ(c)", "h = o * ψ(old)")]),
    ("greff_lstm", BOTH, [("peep(a_f, p_f, c)", "peep(a_f, p_i, c)")]),
    ("greff_lstm", BOTH, [("peep(a_i, p_i, c)", "a_i")]),
    ("greff_lstm", BOTH, [("1 - i if variant", "i if variant")]),
    ("greff_lstm", BOTH, [("a_i + r_i, a_f + r_f, a_o + r_o", "a_f + r_f, a_i + r_i, a_o + r_o")]),
    ("greff_lstm", BOTH, [("a_f + r_f, a_o + r_o", "a_f + r_f, a_o")]),
    ("greff_lstm", STEP, [("fuse([i, f, o])", "fuse([f, i, o])")]),
    ("greff_lstm", CELL, [("ops.concatenate(ifo,", "ops.concatenate(ifo[::-1],")]),
    ("mgu", BOTH, [("h = (1 - f) * h + f * n\n", "h = f * h + (1 - f) * n\n")]),
    ("mgu", STEP, [("affine(f * h, U_n, d_n)", "f * affine(h, U_n, d_n)")]),
    ("mgu", CELL, [('self.recur(f * h, training, "n", d_n)', 'f * self.recur(h, training, "n", d_n)')]),
    ("ugrnn", BOTH, [("h = z * h + (1 - z) * n\n", "h = z * n + (1 - z) * h\n")]),
    ("ugrnn", STEP, [("σ(a_z + forget_bias)\n    n", "σ(a_z)\n    n")]),
    ("ugrnn", CELL, [("σ(a_z + self.forget_bias)", "σ(a_z)")]),
    ("mut1", STEP, [("h = z * n + (1 - z) * h\n", "h = z * h + (1 - z) * n\n")]),
    ("mut1", STEP, [("affine(r * h, U_n, d_n)", "r * affine(h, U_n, d_n)")]),
    ("mut1", STEP, [("None), TANH(x)])", "None), x])")]),
    ("mut1", CELL, [("ops.tanh(x_n)", "x_n")]),
    ("mut1", CELL, [("ops.tanh(x_n) + (m_n * r * h)", "ops.tanh(x_n) + (m_n * h)")]),
    ("mut2", STEP, [("affine(r * h, U_n, d_n)", "r * affine(h, U_n, d_n)")]),
    ("mut2", STEP, [("fuse([x_z, x, x_n])", "fuse([x_z, 0 * x, x_n])")]),
    ("mut2", STEP, [("fuse([x_z, x, x_n])", "fuse([x, x_z, x_n])")]),
    ("mut2", CELL, [("r = σ(x_r + (m_r", "r = σ((m_r")]),
    ("mut3", STEP, [("affine(TANH(h), U_z", "affine(h, U_z")]),
    ("mut3", STEP, [("affine(h, U_r", "affine(TANH(h), U_r")]),
    ("mut3", CELL, [("ops.tanh(h)", "h")]),
]


def mutated(home, edits):
    """The module with its source changed."""
    source = inspect.getsource(import_module(home))
    for old, new in edits:
        assert old in source, f"{home} has no {old!r}"
        source = source.replace(old, new)
    changed = ModuleType(home)
    # Registered, a changed class would take the place of the right one.
    exec(source.replace("@keras.saving.register_keras_serializable", "#"), vars(changed))
    return changed


@pytest.mark.parametrize(
    ("cell", "root", "edits"),
    [
        pytest.param(cell, root, edits, id=f"{root} {cell}: {edits[-1][1]}".replace("\n", ""))
        for cell, roots, edits in MUTANTS
        for root in roots
    ],
)
def test_the_vectors_reject(cell, root, edits, monkeypatch):
    vectors = [vector for vector in VECTORS if vector["cell"] == cell]
    if root == "cells":
        changed = mutated(f"cells.{FILES.get(cell, cell)}", edits)
        assert not all(live_gives(vector, getattr(changed, CLASSES[cell])) for vector in vectors)
    else:
        home = f"reference.steps.{cell}"
        monkeypatch.setitem(sys.modules, home, mutated(home, edits))
        assert not all(gives(vector, layer(vector)) for vector in vectors)


@pytest.mark.parametrize("cell", CLASSES)
@pytest.mark.parametrize("root", BOTH)
def test_the_vectors_accept_the_unchanged_source(cell, root, monkeypatch):
    vectors = [vector for vector in VECTORS if vector["cell"] == cell]
    if root == "cells":
        same = mutated(f"cells.{FILES.get(cell, cell)}", [])
        assert all(live_gives(vector, getattr(same, CLASSES[cell])) for vector in vectors)
    else:
        home = f"reference.steps.{cell}"
        monkeypatch.setitem(sys.modules, home, mutated(home, []))
        assert all(gives(vector, layer(vector)) for vector in vectors)
