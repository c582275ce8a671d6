"""TensorFlow 1's wrappers in the proof: ours, TensorFlow 1's and the reference, with the same masks of dropout."""

import json
import logging

import numpy as np
import pytest

import cells.dropout_wrapper
import cells.wrappers
from comparisons import frameworks
from comparisons.proof import draws
from comparisons.proof import run as proof
from comparisons.proof.cases import CASES, Case
from comparisons.proof.measure import Judge, Place
from comparisons.proof.mutants import wrapped as wrapped_mutants
from comparisons.render import document
from reference import Stack, Wrapped

WRAPPED = {case.name: case for case in CASES if case.wrapper}
ABLE = ("cells", "cells_tf1", "tf1", "reference")
B = 4


@pytest.fixture(scope="module")
def report():
    names = {case.cell for case in WRAPPED.values()}
    return proof.run(
        cells=sorted(names),
        names=list(frameworks.FRAMEWORKS),
        series=np.sin(np.arange(60.0))[:, None],
        data="",
        cases=tuple(WRAPPED.values()),
    )


def found(report, name):
    return next(result for result in report.results if result.case.name == name)


def drawn(case):
    layer = draws.layer(case, case.features, seed=1, batch=B).astype(case.dtype)
    return layer, draws.inputs(case, B, seed=1).astype(case.dtype)


def ratio(name, case):
    """The largest share of its allowance that a witness takes."""
    if reason := frameworks.load(name).missing():
        pytest.skip(f"{name} IS NOT INSTALLED: its wrappers were NOT compared ({reason})")
    layer, x = drawn(case)
    assert frameworks.load(name).unable(case, layer) is None
    trace = frameworks.load(name).run(case, layer, x, None)
    return max(distance.ratio for distance in Judge(layer, x, None, case.dtype).distances(trace).values())


@pytest.mark.parametrize("name", WRAPPED)
def test_every_witness_is_within(report, name):
    rows = {row.framework: row for row in found(report, name).rows}
    for framework in ABLE:
        if framework in report.missing:
            continue
        assert rows[framework].reason is None
        rules = {"end to end"} if WRAPPED[name].above else {"shadowed", "end to end"}
        assert rows[framework].distances.keys() == rules
        assert rows[framework].passed, rows[framework]
    for framework in rows.keys() - set(ABLE) - report.missing.keys():
        reason = rows[framework].reason
        assert "no wrappers of TensorFlow 1" in reason or "float32, not in float64" in reason


@pytest.mark.parametrize("name", WRAPPED)
def test_every_mistake_is_a_hundred_times_what_is_allowed(report, name):
    result = found(report, name)
    assert result.nearest.ratio > 100, result.nearest
    assert len({planted.name for planted in result.planted}) == len(result.planted)


def test_every_mistake_is_planted_somewhere(report):
    names = {planted.name for result in report.results for planted in result.planted}
    assert {*wrapped_mutants.MISTAKES, "layers exchanged"} <= names


def test_the_report_can_be_written(report):
    data = json.loads(json.dumps(document.data(report), allow_nan=False))
    assert data["passed"] is True
    stack = next(case for case in data["cases"] if case["above"])
    assert stack["wrapper"] == {"output_keep_prob": 0.7}
    assert stack["above"]["cell"] == "gru"


def test_few_cases_run_without_all():
    few = [case for case in WRAPPED.values() if not case.more]
    assert len(few) <= 3
    assert any(case.above for case in few)
    assert {"residual", "state_keep_prob"} <= {key for case in few for key in case.wrapper}


@pytest.mark.parametrize("name", WRAPPED)
def test_masks_keep_something_and_drop_something(name):
    layer, _ = drawn(WRAPPED[name])
    for part in layer.layers if isinstance(layer, Stack) else [layer]:
        for dropout in (part.input, part.state, part.output):
            assert dropout is None or set(dropout.kept.ravel()) == {True, False}
            if dropout is not None and not WRAPPED[name].wrapper.get("variational_recurrent"):
                assert (dropout.kept[:, 1:] != dropout.kept[:, :-1]).any(axis=(0, 2)).all()
                assert (dropout.kept != dropout.kept[::-1]).any()


def test_draws_are_repeatable_and_follow_the_seed():
    case = WRAPPED["lstm, dropout"]
    masks = [draws.layer(case, case.features, seed, B).state.kept for seed in (1, 1, 2)]
    assert (masks[0] == masks[1]).all()
    assert (masks[0] != masks[2]).any()


# --- the check can fail


class DropsC(cells.dropout_wrapper.DropoutWrapper):
    def _filter(self, state):
        return [True] * len(super()._filter(state))


class Unscaled(cells.dropout_wrapper.DropoutWrapper):
    def call(self, inputs, state, training=False):
        output, state = super().call(inputs, state, training)
        return output * self.output_keep_prob, state


class Late(cells.dropout_wrapper.DropoutWrapper):
    """Every step with the masks of the first."""

    @property
    def masks(self):
        return self._given

    @masks.setter
    def masks(self, masks):
        self._given = self._given or masks


class Forgets(cells.wrappers.ResidualWrapper):
    def call(self, inputs, state, training=False):
        return self.cell(inputs, state)


class Backwards(cells.wrappers.MultiRNNCell):
    """The second cell first."""

    def call(self, inputs, state, training=False):
        for k in (1, 0):
            inputs, state[k] = self.cells[k](inputs, state[k])
        return inputs, state


OURS = [
    ("dropout_wrapper", "DropoutWrapper", DropsC, "lstm, dropout of the state"),
    ("dropout_wrapper", "DropoutWrapper", Unscaled, "lstm, dropout of the output"),
    ("dropout_wrapper", "DropoutWrapper", Late, "gru, dropout"),
    ("wrappers", "ResidualWrapper", Forgets, "lstm, residual"),
    ("wrappers", "MultiRNNCell", Backwards, "lstm under gru, dropout between"),
]


@pytest.mark.parametrize(("module", "kind", "wrong", "name"), OURS, ids=[wrong.__name__ for *_, wrong, _ in OURS])
def test_a_mistake_in_our_wrappers_is_rejected(monkeypatch, module, kind, wrong, name):
    assert ratio("cells_tf1", WRAPPED[name]) < 1
    monkeypatch.setattr(getattr(cells, module), kind, wrong)
    assert ratio("cells_tf1", WRAPPED[name]) > 100


@pytest.mark.parametrize("name", ["lstm, dropout", "lstm, variational dropout"])
def test_tensorflow_1_decides_what_is_dropped(monkeypatch, name):
    """Masks are replayed through its own code: where that says to drop c as well, c is dropped."""
    assert ratio("tf1", WRAPPED[name]) < 1
    from tf_keras.src.layers.rnn import legacy_cell_wrappers

    monkeypatch.setattr(legacy_cell_wrappers, "_default_dropout_state_filter_visitor", lambda state: True)
    assert ratio("tf1", WRAPPED[name]) > 100


def test_tensorflow_1_is_left_as_it_was():
    import tensorflow as tf

    before = tf.nn.dropout
    assert ratio("tf1", WRAPPED["gru, dropout"]) < 1
    assert tf.nn.dropout is before


def test_tensorflow_1_is_not_heard():
    heard = []
    handler = logging.Handler()
    handler.emit = heard.append
    logging.getLogger("tensorflow").addHandler(handler)
    try:
        ratio("tf1", WRAPPED["lstm under gru, dropout between"])
    finally:
        logging.getLogger("tensorflow").removeHandler(handler)
    assert not heard


def test_layers_without_wrappers_can_be_one_multirnncell():
    case = Case("a stack", "lstm", "drawn", "drawn", units=5, steps=6, features=3, layers=2)
    assert all(ratio(name, case) < 1 for name in ("cells_tf1", "tf1"))


def test_the_output_of_a_wrapped_layer_is_held_to_its_own_bound():
    """It is not the h of the state: an error in it alone is seen by the shadowed rule too."""
    case = WRAPPED["lstm, dropout of the output"]
    layer, x = drawn(case)
    assert isinstance(layer, Wrapped)
    trace = frameworks.load("reference").run(case, layer, x, None)
    judge = Judge(layer, x, None, case.dtype)
    assert judge.shadowed(trace).passed
    trace.outputs[1, 3, 2] += 1e-3
    assert not judge.shadowed(trace).passed
    assert judge.shadowed(trace).at == Place(1, 3, "output", 2)
