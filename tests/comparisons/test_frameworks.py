"""Every live witness against the float64 oracle, over its options; what a witness has not is refused in a sentence."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from comparisons import frameworks
from comparisons.proof import draws
from comparisons.proof.cases import Case
from comparisons.proof.measure import Judge
from reference import Bidirectional, Stack
from reference.gates import fuse, split

TF1, BLOCKS, V2, TORCH = "tf1", "raw_ops", "raw_ops_v2", "pytorch"
OWN_TF1 = "cells_tf1"  # which can run what TF1 can
ORT, EVALUATOR, LINEN, NNX = "onnx", "onnx_reference", "flax", "flax_nnx"
EVERY = {OWN_TF1, TF1, BLOCKS, V2, TORCH, ORT, EVALUATOR, LINEN, NNX}
NO_DOUBLE, NO_HALF = {BLOCKS, V2, ORT}, {ORT}
F64, F16 = {"dtype": "float64"}, {"dtype": "float16"}
BEFORE = {"options": {"reset_after": False}}
PEEPING, PROJECTED = {"without": ("projection",)}, {"without": ("peephole",), "recurrent_dim": 2}


def case(cell, **given):
    name = ", ".join([cell, *(f"{key}={value}" for key, value in given.items())])
    return Case(name, cell, "drawn", "drawn", **{"units": 5, "steps": 7, "features": 3} | given)


def with_options(**options):
    return {"options": options}


# Each case, and the witnesses that must be able to run it; no other may.
RNNS = EVERY - {BLOCKS, V2}
LSTMS = EVERY
CASES = [
    (case("simple_rnn"), RNNS),
    (case("simple_rnn", two_biases=True), RNNS),
    (case("simple_rnn", use_bias=False), RNNS),
    (case("simple_rnn", **with_options(activation="relu")), RNNS - {EVALUATOR}),
    (case("simple_rnn", **F64), RNNS - NO_DOUBLE),
    (case("simple_rnn", **F16), RNNS - NO_HALF),
    (case("simple_rnn", go_backwards=True), {ORT, EVALUATOR}),
    (case("simple_rnn", layers=3), {TF1, TORCH}),
    (case("peephole_lstm", layers=2, recurrent_dim=2, **F64), {TF1}),
    (case("simple_rnn", bidirectional=True), {TORCH, ORT, EVALUATOR}),
    (case("lstm"), LSTMS),
    (case("lstm", two_biases=True), LSTMS),
    (case("lstm", use_bias=False), LSTMS),
    (case("lstm", stateful=True), LSTMS),
    (case("lstm", **F64), LSTMS - NO_DOUBLE),
    (case("lstm", **F16), LSTMS - NO_HALF),
    (case("lstm", **with_options(forget_bias=1.0)), LSTMS - {V2}),
    (case("lstm", **with_options(activation="relu")), {TF1, ORT, LINEN, NNX}),
    (case("lstm", **with_options(output_activation="relu")), {ORT}),
    (case("lstm", **with_options(recurrent_activation="hard_sigmoid_keras2")), {ORT, LINEN, NNX}),
    (case("lstm", **with_options(recurrent_activation="hard_sigmoid_keras3")), {ORT, LINEN, NNX}),
    (case("lstm", go_backwards=True), {ORT, EVALUATOR}),
    (case("lstm", mask=True), set()),
    (case("lstm", layers=2, bidirectional=True, two_biases=True), {TORCH}),
    (case("lstm", layers=2, bidirectional=True, **F64), {TORCH}),
    (case("lstm", bidirectional=True), {TORCH, ORT, EVALUATOR}),
    (case("lstm", bidirectional=True, merge_mode="sum"), set()),
    (case("lstm", **with_options(cells_per_block=5)), LSTMS),
    (case("peephole_lstm", **PEEPING), {TF1, BLOCKS, V2, ORT, EVALUATOR}),
    (case("peephole_lstm", **PEEPING, **F64), {TF1, EVALUATOR}),
    (case("peephole_lstm", **PEEPING, **with_options(cell_clip=0.3)), {TF1, BLOCKS, V2}),
    (case("peephole_lstm", **PEEPING, **with_options(cell_clip=0.3, forget_bias=1.5)), {TF1, BLOCKS}),
    (case("peephole_lstm", bidirectional=True, **PEEPING), {ORT, EVALUATOR}),
    (case("peephole_lstm", **PROJECTED), {TF1, TORCH}),
    (case("peephole_lstm", two_biases=True, **PROJECTED, **F64), {TF1, TORCH}),
    (case("peephole_lstm", layers=2, bidirectional=True, **PROJECTED), {TORCH}),
    (case("peephole_lstm", recurrent_dim=2, **with_options(cell_clip=0.4, proj_clip=0.1, forget_bias=0.5)), {TF1}),
    (case("peephole_lstm", recurrent_dim=2, **with_options(cell_clip=0.4, proj_clip=0.1), **F64), {TF1}),
    (case("cifg", **with_options(coupled="f")), {ORT}),
    (case("cifg", **with_options(coupled="i")), {ORT}),
    (case("cifg", without=("peephole",), **with_options(coupled="f")), {TORCH, ORT, LINEN, NNX}),
    (case("cifg", without=("peephole",), **with_options(coupled="i")), {TORCH, ORT, LINEN, NNX}),
    (case("gru"), {TORCH, ORT, EVALUATOR, LINEN}),
    (case("gru", use_bias=False), {TORCH, ORT, EVALUATOR, LINEN, NNX}),
    (case("gru", **F64), {TORCH, EVALUATOR, LINEN}),
    (case("gru", use_bias=False, **F64), {TORCH, EVALUATOR, LINEN, NNX}),
    (case("gru", **F16), {TORCH, EVALUATOR, LINEN}),
    (case("gru", **BEFORE, **F16), {TF1, EVALUATOR}),
    (case("gru", **BEFORE), {TF1, BLOCKS, ORT, EVALUATOR}),
    (case("gru", two_biases=True, **BEFORE), {TF1, BLOCKS, ORT, EVALUATOR}),
    (case("gru", **BEFORE, **F64), {TF1, EVALUATOR}),
    (case("gru", layers=2, bidirectional=True), {TORCH}),
    (case("gru", bidirectional=True), {TORCH, ORT, EVALUATOR}),
]
PAIRS = [
    pytest.param(name, of, (TF1 if name == OWN_TF1 else name) in able, id=f"{name}-{of.name}")
    for of, able in CASES
    for name in sorted(EVERY)
]


def test_no_witness_is_left_out():
    assert EVERY | {"cells", "keras", "keras2", "reference"} == set(frameworks.FRAMEWORKS)


def present(name):
    """Skips, and says so, where a framework is not installed."""
    if reason := frameworks.load(name).missing():
        pytest.skip(f"{name} IS NOT INSTALLED: {frameworks.FRAMEWORKS[name].runs} was NOT compared ({reason})")


def exchanged(layer):
    """The layer, the first one of a stack, or the backward one of two directions, with two of its gates exchanged."""
    if isinstance(layer, Stack):
        return replace(layer, layers=(exchanged(layer.layers[0]), *layer.layers[1:]))
    if isinstance(layer, Bidirectional):
        return replace(layer, backward=exchanged(layer.backward))
    wide = [letter for letter, width in layer.widths.items() if width]
    if len(wide) == 1:  # a SimpleRNN's recurrent kernel, transposed
        return layer.edited(lambda name, a: a.T if name == "recurrent_kernel" else a)
    a, b = [pair for pair in combinations(wide, 2) if len({layer.widths[gate] for gate in pair}) == 1][-1]
    order = {a: b, b: a}

    def moved(_, a):
        if a.shape[-1] != sum(layer.widths.values()):
            return a
        parts = dict(zip(layer.gates, split(a, layer.gates, layer.widths), strict=True))
        return fuse([parts[order.get(letter, letter)] for letter in layer.gates])

    return layer.edited(moved)


@pytest.mark.parametrize(("name", "of", "able"), PAIRS)
def test_every_witness_is_within(name, of, able):
    """A witness runs what it must, within both rules; and the oracle with two gates exchanged rejects what it did."""
    present(name)
    module, layer = frameworks.load(name), draws.layer(of, of.features, seed=1).astype(of.dtype)
    reason = module.unable(of, layer)
    assert (reason is None) == able, reason or "able"
    if reason is not None:
        assert len(reason) > 10
        return
    x = draws.inputs(of, 2, seed=2).astype(of.dtype)
    trace = module.run(of, layer, x, None)
    for rule, distance in Judge(layer, x, None, of.dtype).distances(trace).items():
        assert distance.passed, f"{rule}: {distance.distance:.1f} u at {distance.at}, ratio {distance.ratio:.2f}"
        assert distance.ratio > 0, "a framework that computes what the oracle computes, to the bit, is the oracle"
    mistaken = Judge(exchanged(layer), x, None, of.dtype).distances(trace).values()
    assert max(distance.ratio for distance in mistaken) > (20 if of.dtype == "float16" else 1000)


@pytest.mark.parametrize("name", [TF1, BLOCKS, V2])
def test_no_cell_clip_is_none(name):
    """The raw ops clip c at 3 unless they are told otherwise, and small weights would not show it."""
    present(name)
    of = case("lstm", steps=20)
    layer = draws.layer(of, of.features, seed=1).astype(of.dtype)
    open_gates = np.repeat(np.array([4, 4, 0, 0], of.dtype), of.units)  # i, f: c adds up
    layer = layer.edited(lambda field, a: a + open_gates if field == "bias" else a * 3)
    x = draws.inputs(of, 2, seed=2).astype(of.dtype)
    trace = frameworks.load(name).run(of, layer, x, None)
    assert np.abs(trace.states[1]).max() > 6
    for rule, distance in Judge(layer, x, None, of.dtype).distances(trace).items():
        assert distance.passed, f"{rule}: {distance.distance:.1f} u at {distance.at}"


def test_a_cell_clip_of_0_is_not_taken_for_none():
    of = case("peephole_lstm", **PEEPING, **with_options(cell_clip=0.0))
    layer = draws.layer(of, of.features, seed=1).astype(of.dtype)
    for name in (BLOCKS, V2):
        assert "takes a cell_clip of 0 for none" in frameworks.load(name).unable(of, layer)


def test_the_third_family_of_gru():
    """nnx.GRUCell resets after the matmul and has one bias, outside r: a candidate's recurrent bias must be zero."""
    present(NNX)
    of = case("gru")
    module, drawn = frameworks.load(NNX), draws.layer(of, of.features, seed=1).astype(of.dtype)
    assert "outside r" in module.unable(of, drawn)
    assert set(drawn.gates[:2]) == {"z", "r"}
    layer = drawn.edited(lambda name, a: np.where(np.arange(15) < 10, a, 0) if name == "recurrent_bias" else a)
    assert module.unable(of, layer) is None
    x = draws.inputs(of, 2, seed=2).astype(of.dtype)
    trace = module.run(of, layer, x, None)
    for rule, distance in Judge(layer, x, None, of.dtype).distances(trace).items():
        assert distance.passed, f"{rule}: {distance.distance:.1f} u at {distance.at}"
    assert max(d.ratio for d in Judge(drawn, x, None, of.dtype).distances(trace).values()) > 1000


@pytest.mark.parametrize("name", [ORT, EVALUATOR])
def test_onnx_takes_masks_on_the_right(name):
    present(name)
    of = case("lstm", mask=True)
    right = np.array([[True] * 4 + [False] * 3, [True] * 7])
    module = frameworks.load(name)
    layer = replace(draws.layer(of, of.features, seed=1).astype("float32"), zero_output_for_mask=True)
    if name == EVALUATOR:
        assert "sequence_lens" in module.unable(of, layer)
        return
    assert module.unable(of, layer) is None
    x = draws.inputs(of, 2, seed=2).astype("float32")
    for each in (layer, replace(layer, direction="reverse"), replace(layer, go_backwards=True)):
        trace = module.run(of, each, x, right)
        for rule, distance in Judge(each, x, right, "float32").distances(trace).items():
            assert distance.passed, f"{rule}: {distance.distance:.1f} u at {distance.at}"
    with pytest.raises(ValueError, match="got a mask with steps after it"):
        module.run(of, layer, x, right[:, ::-1])
