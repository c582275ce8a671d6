"""The matrix of conversions: each verdict is found by running, and the check behind it can fail."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import reference
from reference import steps
from reference.conventions import folds, reductions, verdicts
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.packing import pack
from reference.conventions.storage import parse
from reference.conventions.verdicts import BIT_EXACT, FORMS, IMPOSSIBLE, ONE_WAY, REAL, verdict


@pytest.fixture(scope="module")
def found():
    return {(v.source, v.target, v.form): v for v in verdicts.matrix()}


def test_every_possible_conversion_is_proved_on_rationals(found):
    assert {key for key, v in found.items() if not v.proved and v.kind != IMPOSSIBLE} == set()


def test_every_form_has_a_source_and_a_way_to_itself(found):
    for form in FORMS:
        sources = {a for a, _, f in found if f == form}
        assert sources, form
        assert {found[a, a, form].kind for a in sources} == {BIT_EXACT}, form


def test_in_floats_what_is_possible_is_near_and_what_is_not_is_far(found):
    for key, v in found.items():
        if v.kind == IMPOSSIBLE:
            assert v.reason, key
            assert v.distance is None or v.distance > 1e-3, key
        else:
            assert v.distance is not None, key
            assert v.distance < 1e-14, key


@pytest.mark.parametrize(
    ("source", "target", "form", "kind"),
    [
        ("keras", "pytorch", "lstm", BIT_EXACT),
        ("pytorch", "keras", "lstm", REAL),
        ("pytorch", "onnx", "gru, reset after", BIT_EXACT),
        ("tf1", "keras", "lstm, forget_bias 1", REAL),
        ("tf1", "haiku", "lstm, forget_bias 1", BIT_EXACT),
        ("haiku", "keras", "gru, reset before", BIT_EXACT),
        ("keras2", "keras", "lstm, hard sigmoid of Keras 2", REAL),
        ("keras2", "onnx", "lstm, hard sigmoid of Keras 2", BIT_EXACT),
        ("keras2", "pytorch", "lstm, hard sigmoid of Keras 2", IMPOSSIBLE),
        ("tf1", "pytorch", "gru, reset before", IMPOSSIBLE),
        ("pytorch", "tf1", "gru, reset after", IMPOSSIBLE),
        ("pytorch", "flax_nnx", "gru, reset after", IMPOSSIBLE),
        ("pytorch", "flax", "gru, reset after", REAL),
        ("flax_nnx", "keras", "gru, reset after, one bias", ONE_WAY),
        ("lasagne", "flax_nnx", "gru, reset after, one bias", BIT_EXACT),
        ("tf1", "onnx", "lstm, i = 1 − f", BIT_EXACT),
        ("tf1", "keras2", "lstm, i = 1 − f", ONE_WAY),
        ("tf1", "onnx", "lstm, projection", IMPOSSIBLE),
        ("keras1", "cudnn", "simple_rnn", IMPOSSIBLE),
        ("keras", "tf1", "lstm, no bias", ONE_WAY),
        ("keras", "pytorch", "greff_lstm NP", BIT_EXACT),
        ("keras", "tf1", "greff_lstm V", BIT_EXACT),
        ("keras", "tf1", "greff_lstm CIFG", BIT_EXACT),
        ("keras", "onnx", "greff_lstm CIFG", BIT_EXACT),
        ("keras", "onnx", "greff_lstm NIAF", BIT_EXACT),
        ("keras", "lasagne", "greff_lstm NOAF", BIT_EXACT),
        ("keras", "tf1", "greff_lstm NOAF", IMPOSSIBLE),
        ("keras", "onnx", "greff_lstm FGR", IMPOSSIBLE),
        ("keras", "onnx", "greff_lstm NIG", IMPOSSIBLE),
        ("keras", "tf1", "mgu", ONE_WAY),
        ("keras", "haiku", "mgu", ONE_WAY),
        ("keras", "pytorch", "mgu", IMPOSSIBLE),
        ("keras", "keras2", "mut2", ONE_WAY),
        ("keras", "keras2", "mut1", IMPOSSIBLE),
        ("keras", "keras2", "mut3", IMPOSSIBLE),
        ("keras", "flax", "ugrnn, hard sigmoid", ONE_WAY),
        ("keras", "flax", "ugrnn", IMPOSSIBLE),
        ("keras", "keras2", "lstm_1997, hard sigmoid", ONE_WAY),
        ("keras", "keras2", "lstm_1997", IMPOSSIBLE),
        ("keras", "pytorch", "jordan, output as it is", BIT_EXACT),
        ("keras", "pytorch", "jordan", IMPOSSIBLE),
    ],
)
def test_known_verdicts(found, source, target, form, kind):
    assert found[source, target, form].kind == kind


def test_what_is_bit_exact_both_ways_is_so_in_both(found):
    for (a, b, form), v in found.items():
        other = found.get((b, a, form))
        if v.kind == REAL and other is not None:
            assert other.kind != IMPOSSIBLE, (a, b, form)


def test_what_has_no_counterexample_is_absent_from_the_target(found):
    stored = {name: {key.split()[0] for key in home.forms} for name, home in FRAMEWORKS.items()}
    alike = {"jordan": "simple_rnn", **dict.fromkeys(("mgu", "ugrnn", "mut1", "mut2", "mut3"), "gru")}
    for (_, target, form), v in found.items():
        cell = FORMS[form].cell
        lacks = alike.get(cell, cell) not in stored[target] and cell in (*alike, "simple_rnn", "gru")
        assert v.absent == (v.kind == IMPOSSIBLE and (lacks or form == "lstm, projection")), (target, form)


def test_every_cell_has_a_verdict_on_every_framework(found):
    judged = {(FORMS[form].cell, target) for _, target, form in found}
    assert judged == {(cell, target) for cell in steps.CELLS for target in FRAMEWORKS}


def test_the_nearest_is_one_that_the_target_holds():
    layer = verdicts.sample("keras", "greff_lstm NIG")[1]
    with pytest.raises(folds.NotRepresentable) as impossible:
        pack(layer, "pytorch")
    assert impossible.value.nearest.cell == "peephole_lstm"
    assert verdicts.nearest(impossible.value, "pytorch").cell == "lstm"


def test_zeros_that_are_added_are_named():
    kernels = verdicts.sample("keras", "lstm, no bias")[0].arrays
    layer = reference.unpack("keras", "lstm", kernels, use_bias=False)
    for target in FRAMEWORKS:
        packed = pack(layer, target)
        biased = any(
            "b" in parse(spec).kinds
            for name, spec in FRAMEWORKS[target].forms["lstm"].arrays.items()
            if any(key.startswith(name) for key in packed.arrays)
        )
        assert bool({folds.ZEROS, folds.FORGET_BIAS} & {*packed.changes}) == biased, target


def test_a_form_that_the_source_lacks_has_no_verdict():
    assert verdict("pytorch", "keras", "lstm, forget_bias 1") is None
    with pytest.raises(ValueError, match=r"form must be one of .*, got 'lstm, 3 gates'"):
        verdict("pytorch", "keras", "lstm, 3 gates")


def test_a_verdict_says_that_a_fold_keeps_outputs_and_not_training():
    folded = verdict("keras2", "keras", "lstm, hard sigmoid of Keras 2")
    assert "equal outputs, not equal training" in str(folded)
    assert not folded.keeps_training
    assert verdict("keras", "tf1", "gru, reset before").keeps_training


SABOTAGE = {
    "forget_bias": ("move_forget_bias", "tf1", "keras", "lstm, forget_bias 1"),
    "rescale": ("rescale", "keras2", "keras", "lstm, hard sigmoid of Keras 2"),
    "exchange": ("exchange", "tf1", "onnx", "lstm, i = 1 − f"),
    "write out": ("write_out", "tf1", "keras2", "lstm, i = 1 − f"),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_fold_that_is_off_by_a_millionth_is_not_equal_on_rationals(name, monkeypatch):
    function, source, target, form = SABOTAGE[name]
    right = getattr(folds, function)

    def wrong(*args):
        layer = right(*args)
        nearly = lambda a: a * (1 + Fraction(1, 10**6)) if a.dtype.kind == "O" else a
        return layer.edited(lambda field, a: nearly(a) if field == "bias" else a)

    assert verdict(source, target, form).proved
    monkeypatch.setattr(folds, function, wrong)
    assert not verdict(source, target, form).proved


def test_a_polarity_that_is_forgotten_is_not_equal_on_rationals(monkeypatch):
    home = FRAMEWORKS["haiku"]
    layer = verdicts.sample("tf1", "gru, reset before")[1]
    assert verdicts.equal_on_rationals(layer, "haiku")
    packed = pack(layer, "haiku")
    arrays = {"kernel": packed.arrays["w_i"], "recurrent_kernel": packed.arrays["w_h"], "bias": packed.arrays["b"]}
    as_keras = reference.unpack("keras", "gru", arrays, reset_after=False)
    assert home.forms["gru reset before"].takes_new
    assert verdicts.apart(layer, as_keras) > 1e-3


def test_a_merge_of_the_candidates_bias_would_be_wrong():
    layer = verdicts.sample("pytorch", "gru, reset after")[1]
    w = layer.weights
    merged = replace(layer, weights=w._replace(bias=w.bias + w.recurrent_bias, recurrent_bias=np.zeros_like(w.bias)))
    assert verdicts.apart(layer, merged) > 0.01


@pytest.mark.parametrize(
    ("form", "target"),
    [
        ("mgu", "tf1"),
        ("mut2", "keras2"),
        ("ugrnn, hard sigmoid", "keras2"),
        ("lstm_1997, hard sigmoid", "keras2"),
        ("greff_lstm V", "tf1"),
        ("greff_lstm CIFG", "onnx"),
        ("jordan, output as it is", "pytorch"),
    ],
)
def test_a_reduction_that_is_off_by_a_millionth_is_not_equal_on_rationals(form, target, monkeypatch):
    cell = FORMS[form].cell
    right = reductions.REDUCTIONS[cell]

    def wrong(layer):
        other, changes = right(layer)
        nearly = lambda a: a * (1 + Fraction(1, 10**6)) if a.dtype.kind == "O" else a
        return other.edited(lambda field, a: nearly(a) if field == "recurrent_kernel" else a), changes

    assert verdict("keras", target, form).proved
    monkeypatch.setitem(reductions.REDUCTIONS, cell, wrong)
    assert not verdict("keras", target, form).proved
