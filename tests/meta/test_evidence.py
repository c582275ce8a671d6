"""The checks can fail: every planted mistake is rejected by every evidence that claims to see it."""

from pathlib import Path

import evidence
import numpy as np
import pytest

from comparisons.frameworks.numpy_reference import trace
from comparisons.proof import measure, mutants
from reference import Bidirectional

NAMES = [mutant.name for mutant in mutants.MUTANTS]


def test_names_are_unique():
    assert len(set(NAMES)) == len(NAMES)


def test_every_mutant_is_planted_somewhere():
    assert set(NAMES) <= evidence.matrix().keys()


@pytest.mark.parametrize("mutant", [*NAMES, "gates in the order"])
def test_mutant_is_killed_by_each_evidence_that_claims_to(mutant):
    rows = [cells for name, cells in evidence.matrix().items() if name == mutant or name.startswith(f"{mutant} ")]
    for cell, verdicts in ((cell, verdicts) for cells in rows for cell, verdicts in cells.items()):
        for name, killed in verdicts.items():
            if mutant not in evidence.NO_CLAIM[name]:
                assert all(killed), f"{name} passes {mutant!r} in a {cell}"
        ours = [all(killed) for name, killed in verdicts.items() if name != "Keras' goldens"]
        assert any(ours), f"nothing rejects {mutant!r} in a {cell}"


@pytest.mark.parametrize("name", evidence.EVIDENCE)
def test_evidence_rejects_something(name):
    assert any(verdicts.get(name) for cells in evidence.matrix().values() for verdicts in cells.values())


@pytest.mark.parametrize("rule", [measure.Judge.shadowed, measure.Judge.end_to_end], ids=measure.RULES)
@pytest.mark.parametrize(("layer", "masked"), evidence.LAYERS)
def test_right_layer_passes(rule, layer, masked):
    for dtype in ("float32", "float64"):
        assert evidence.ratio(rule, dtype, layer, layer, masked) <= 1


def test_smallest_mistake_is_a_hundred_times_what_is_allowed():
    assert evidence.power() > 100


def test_keras_goldens_pass_on_the_right_layers():
    unchanged = [
        evidence.keras_goldens.passes(cell, lambda layer, masked: layer) for cell in ("simple_rnn", "lstm", "gru")
    ]
    assert unchanged == [True, True, True]


def test_keras_goldens_see_the_order_of_gates_in_18_of_23_and_0_of_5():
    """Constant weights cannot see a swapped gate: 6 of 24 orders pass Keras' LSTM goldens, all 6 the GRU's."""
    verdicts = {(name, cell): row for name, cell, row in evidence.rows()}
    last = list(evidence.EVIDENCE).index("Keras' goldens")
    assert verdicts["gates in another order", "lstm"][last] == "18 of 23"
    assert verdicts["gates in another order", "gru"][last] == "0 of 5"


def test_published_matrix_is_what_is_computed():
    published = Path(__file__).with_name("EVIDENCE.md").read_text(encoding="utf-8")
    assert published == evidence.document(), "run `python tests/meta/evidence.py > tests/meta/EVIDENCE.md`"


def test_backward_outputs_not_reversed_back_are_rejected():
    """Bidirectional gives its backward outputs in input order; a port that forgets to reverse them is caught."""
    (forward, _), (backward, _) = evidence._case("lstm"), evidence._case("lstm", go_backwards=True)
    x, _ = evidence.inputs(False, evidence.STEPS)
    right = Bidirectional(forward, backward).run(x).outputs
    forgotten = np.concatenate([forward.run(x).outputs, backward.run(x).outputs], axis=-1)
    rounded = Bidirectional(forward, backward).astype("float32").run(x.astype("float32")).outputs
    allowed = measure.SLACK * max(np.abs(rounded - right).max(), 2.0**-24)
    assert np.abs(rounded - right).max() <= allowed < np.abs(forgotten - right).max() / 100


def test_not_a_number_is_no_pass():
    layer, masked = evidence.LAYERS[2]
    x, _ = evidence.inputs(masked, evidence.STEPS)
    run = layer.run(x)
    for field in (run.outputs, run.states.c):
        field[0, 3, 1] = np.nan
    judge = measure.Judge(layer, x, None, "float64")
    assert not judge.end_to_end(trace(run)).passed
    assert not judge.shadowed(trace(run)).passed
