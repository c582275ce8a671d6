"""`comparisons.diagnosis`: every convention and every planted mistake, alone and several at once, is named; what cannot
be told apart is called ambiguous; what is in no space has no explanation, and its place is right."""

from dataclasses import replace

import diagnosis_rates as rates
import numpy as np
import pytest

from comparisons.diagnosis import mistakes, search
from comparisons.diagnosis.axes import CELLS
from comparisons.diagnosis.data import Given
from comparisons.diagnosis.space import Space
from comparisons.proof import draws, mutants
from comparisons.proof.cases import Case
from reference import Layer, steps

X, H, B, T = 3, 4, 2, 6  # inputs, units, batch, time


def case(cell, **given):
    return Case("diagnosis", cell, "drawn", "drawn", units=H, steps=T, features=X, **given)


PLAIN = {
    "simple_rnn": case("simple_rnn"),
    "lstm": case("lstm"),
    "gru": case("gru"),
    "peephole_lstm": case("peephole_lstm", without=("projection",)),
    "projected": case(
        "peephole_lstm", recurrent_dim=3, options={"cell_clip": 0.4, "proj_clip": 0.1, "forget_bias": 1.0}
    ),
}
IN = np.random.default_rng(7).normal(size=(B, T, X)).astype("float32")
# What the mistakes of the catalogue are on the axes; orders are written the other way round there.
NAMED = {
    "units reversed": {"units": "reversed"},
    "biases dropped": {"biases": "none"},
    "forget bias dropped": {"added": (("f", -1),)},
    "forget bias doubled": {"added": (("f", 1),)},
    "forget bias on the input gate": {"added": (("f", -1), ("i", 1))},
    "candidate's recurrent bias dropped": {"biases": "candidate's second dropped"},
    "candidate's recurrent bias outside r": {"biases": "outside r"},
    "two biases merged": {"biases": "outside r"},
    "candidate's tanh left out": {"activation": "linear"},
    "reset before for after, or after for before": {"reset": False},
    "update gate's polarity": {"polarity": "turned"},
    "h from the old c": {"output": "old c"},
    "tanh of c left out": {"squash": "linear"},
    "no forget gate": {"forget": "none"},
    "(c, h) for (h, c)": {"output": "exchanged"},
    "cell clip left out": {"clip": "left out"},
    "cell clipped after the output": {"clip": "after the output"},
    "clipped cell not stored": {"clip": "not stored"},
    "projection's clip left out": {"projection": "clip left out"},
    "projection before the output gate": {"projection": "before o"},
    "peepholes dropped": {"peepholes": "dropped"},
    "peepholes of two gates exchanged": {"peepholes": "fio"},
    "peepholes' units reversed": {"peepholes": "reversed"},
    "output gate's peephole at the old c": {"peeping": "o"},
    "peepholes of i and f at the new c": {"peeping": "if"},
    "state dropped half way": {"carried": "half way"},
    "direction ignored": {"time": (False, False)},
    "outputs reversed back": {"time": (True, True)},
}
# The same of a layer that adds its forget bias at run time.
ADDED = {
    "forget bias dropped": (),
    "forget bias doubled": (("f", 2),),
    "forget bias on the input gate": (("i", 1),),
}


@pytest.fixture
def few(monkeypatch):
    """A smaller search: combinations of three differences or so."""
    monkeypatch.setattr(search, "FIRST_STEP", 6_000)
    monkeypatch.setattr(search, "WHOLE_RUNS", 4e6)


def right(name, **given):
    layer = draws.weights(PLAIN[name], X, seed=3)
    return replace(layer, **given).astype("float32")


def named(mutant, layer):
    """The choices that a mistake of the catalogue is."""
    if mutant.startswith("gates in the order "):
        order = mutant.removeprefix("gates in the order ")
        return {"order": "".join(layer.gates[order.index(letter)] for letter in layer.gates)}
    if mutant.startswith("recurrent kernel of "):
        return {"transposed": mutant.split()[3]}
    if " for " in mutant and "sigmoid" in mutant:
        return {"gate": mutant.split(" for ")[0]}
    if layer.options.get("forget_bias") and mutant in ADDED:
        return {"added": ADDED[mutant]}
    return NAMED[mutant]


def planted(name, **given):
    """Every mistake that is one of a layer; of those that are alike in many layers, most behind the mark `deep`."""
    for mutant, _ in mutants.planted(right(name, **given), False):
        order = mutant.removeprefix("gates in the order ")
        often = order != mutant and name != "gru" and not (name == "lstm" and order in ("figo", "igof", "ogfi"))
        again = name == "projected" and not any(word in mutant for word in ("clip", "projection", "forget bias"))
        again |= name == "peephole_lstm" and "peephole" not in mutant
        again |= bool(given) and not any(word in mutant for word in ("direction", "reversed back"))
        marks = [pytest.mark.deep] * (often or again)
        yield pytest.param(name, given, mutant, id="-".join([name, *given, mutant]), marks=marks)


CATALOGUE = [
    *(one for name in PLAIN for one in planted(name)),
    *planted("gru", go_backwards=True),
    *planted("lstm", go_backwards=True),
]


@pytest.mark.parametrize(("name", "given", "mutant"), CATALOGUE)
def test_every_planted_mistake_is_named(few, name, given, mutant):
    layer = right(name, **given)
    wrong = dict(mutants.planted(layer, False))[mutant]
    found = mistakes(layer, IN, wrong.run(IN).outputs)
    expected = named(mutant, layer)
    assert found.verdict == "unique", [[d.said for d in one.differences] for one in found.explanations]
    choices = {d.axis: d.choice for d in found.best.differences}
    assert {axis: set(c) if axis == "transposed" else c for axis, c in choices.items()} == {
        axis: set(c) if axis == "transposed" else c for axis, c in expected.items()
    }
    for difference in found.best.differences:
        assert difference.said
        assert difference.found
        assert any(word in difference.yours for word in ("you", "your"))
    assert found.departure is not None


@pytest.mark.parametrize("cell", CELLS)
def test_nothing_differs(few, cell):
    layer = right(cell)
    found = mistakes(layer, IN, layer.run(IN).outputs)
    assert (found.verdict, found.best.differences, found.departure, found.blind) == ("unique", (), None, ())
    assert found.best.distance <= found.best.tolerance < 1e-5


@pytest.mark.parametrize("seed", range(10))
def test_several_at_once(few, seed):
    drawn = rates.drawn(seed, most=2)
    found = mistakes(drawn.layer, drawn.x, drawn.outputs, initial_state=drawn.initial)
    assert rates.judged(drawn, found) != rates.WRONG


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1000, 1400))
def test_many_at_once(seed):
    drawn = rates.drawn(seed)
    found = mistakes(drawn.layer, drawn.x, drawn.outputs, initial_state=drawn.initial)
    assert rates.judged(drawn, found) != rates.WRONG


def test_the_judge_can_say_wrong(few):
    drawn = rates.drawn(0, "lstm")
    others = mistakes(drawn.layer, drawn.x, drawn.layer.run(drawn.x).outputs)
    swapped = replace(drawn, wrong=replace(drawn.wrong, options={**drawn.wrong.options, "activation": "softsign"}))
    assert rates.judged(swapped, others) == rates.WRONG


def test_the_departure_is_the_gate_and_the_place_at_which_two_runs_part(few):
    layer = right("lstm")
    wrong = dict(mutants.planted(layer, False))["recurrent kernel of o transposed"]
    found = mistakes(layer, IN, wrong.run(IN).outputs)
    assert (found.departure.step, found.departure.field) == (1, "o")  # at the first step h is zeros
    ours, theirs = layer.run(IN).gates["o"], wrong.run(IN).gates["o"]
    at = found.departure.batch, found.departure.step, found.departure.unit
    assert np.isclose(found.departure.expected, ours[at])
    assert np.isclose(found.departure.got, theirs[at])


def test_the_reset_of_the_state_is_seen_where_it_is(few):
    layer = right("gru")
    wrong = dict(mutants.planted(layer, False))["state dropped half way"]
    assert mistakes(layer, IN, wrong.run(IN).outputs).departure.step == T // 2


@pytest.mark.parametrize("cell", CELLS)
def test_a_mistake_in_no_space_has_no_explanation_and_the_right_place(few, cell):
    layer = right(cell)
    outputs = layer.run(IN).outputs.copy()
    outputs[1, 3, 2] += 0.01
    found = mistakes(layer, IN, outputs)
    assert (found.verdict, found.best.differences) == ("none", ())
    for departure in (found.departure, found.best.departure):
        assert (departure.batch, departure.step, departure.field, departure.unit) == (1, 3, "h", 2)
        assert np.isclose(departure.got - departure.expected, 0.01, atol=1e-5)


def test_the_nearest_is_what_fits_the_longest(few):
    layer = right("lstm")
    outputs = dict(mutants.planted(layer, False))["gates in the order figo"].run(IN).outputs.copy()
    outputs[:, 4:] += 0.1
    found = mistakes(layer, IN, outputs)
    assert found.verdict == "none"
    assert [(d.axis, d.choice) for d in found.best.differences] == [("order", "figo")]
    assert found.best.departure.step == 4


def test_states_that_are_given_must_fit_too(few):
    layer = right("lstm")
    run = layer.run(IN)
    assert mistakes(layer, IN, run.outputs, states=(None, run.states.c)).verdict == "unique"
    c = run.states.c.copy()
    c[0, 2, 1] += 0.01
    found = mistakes(layer, IN, run.outputs, states=(None, c))
    assert (found.verdict, found.departure.field, found.departure.step) == ("none", "c", 2)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (lambda y: np.round(y.astype("float64"), 4), "printed with 4 decimals"),
        (lambda y: np.round(y, 3), "printed with 3 decimals"),
        (lambda y: np.array([float(f"{v:.4e}") for v in y.ravel()]).reshape(y.shape), "printed with 5 digits"),
        (lambda y: y.astype("float16"), "float16"),
        (lambda y: y, "float32"),
        (lambda y: y.astype("float64"), "float32"),
    ],
    ids=["4 decimals", "3 decimals", "5 digits", "float16", "float32", "float32 in float64"],
)
def test_the_precision_of_the_outputs_is_seen(few, outputs, said):
    layer = right("gru")
    wrong = dict(mutants.planted(layer, False))["gates in the order rzn"]
    x = np.random.default_rng(1).normal(size=(3, 9, X)).astype("float32")
    found = mistakes(layer, x, outputs(wrong.run(x).outputs))
    assert (found.verdict, found.precision) == ("unique", said)
    assert [d.choice for d in found.best.differences] == ["rzn"]


def test_float64_is_held_to_float64(few):
    layer = right("gru").astype("float64")
    found = mistakes(layer, IN.astype("float64"), layer.run(IN.astype("float64")).outputs)
    assert (found.verdict, found.precision) == ("unique", "float64")
    assert found.best.tolerance < 1e-14


def constant(cell, **options):
    shapes = {"kernel": (X, 4 * H), "recurrent_kernel": (H, 4 * H), "bias": (4 * H,)}
    weights = steps.Weights(**{name: np.full(shape, 0.1, "float32") for name, shape in shapes.items()})
    return Layer(cell, weights, options)


def test_constant_weights_make_all_orders_one(few):
    found = mistakes(constant("lstm"), IN, constant("lstm").run(IN).outputs)
    assert found.verdict == "unique"
    assert len(found.best.alike["order"]) == 23
    assert found.blind == ("constant weights show nothing of the order of gates and units",)


def test_zero_biases_cannot_matter(few):
    layer = right("gru")
    none = np.zeros(3 * H, "float32")
    layer = replace(layer, weights=layer.weights._replace(bias=none, recurrent_bias=none))
    found = mistakes(layer, IN, layer.run(IN).outputs)
    assert (found.verdict, found.best.differences) == ("unique", ())
    assert "none" in found.best.alike["biases"]


@pytest.mark.parametrize(
    ("x", "why"),
    [
        (IN[:, :1], "one step from zeros shows nothing that multiplies h or the old c"),
        (IN * 0, "inputs of zeros show nothing of the kernel"),
    ],
)
def test_what_data_cannot_tell_is_ambiguous_and_the_inputs_that_would_tell_it_are_given(few, x, why):
    layer = right("gru")
    found = mistakes(layer, x, layer.run(x).outputs)
    assert found.verdict == "ambiguous", why
    assert found.best.differences == ()
    assert found.blind == (why,)
    assert found.apart > 0
    first, second = (one.layer.run(found.telling).outputs for one in found.explanations[:2])
    chosen = [one.chosen for one in found.explanations[:2]]
    if chosen[0]["time"] == chosen[1]["time"]:
        assert np.abs(first - second).max() >= found.apart


@pytest.mark.parametrize("cell", CELLS)
def test_the_last_outputs_alone(few, cell):
    layer = right(cell)
    wrong = dict(mutants.planted(layer, False))["biases dropped"]
    found = mistakes(layer, IN, wrong.run(IN).outputs[:, -1])
    assert [d.choice for d in found.best.differences] == ["none"]
    assert "at most" in found.searched or cell in ("simple_rnn", "gru")


def test_a_given_state_may_be_exchanged(few):
    layer = right("lstm")
    draw = np.random.default_rng(5)
    h, c = draw.normal(size=(2, B, H)).astype("float32")
    found = mistakes(layer, IN, layer.run(IN, (c, h)).outputs, initial_state=(h, c))
    assert [(d.axis, d.choice) for d in found.best.differences] == [("initial", "exchanged")]


def test_batch_and_time_exchanged(few):
    layer = right("gru")
    outputs = layer.run(IN.swapaxes(0, 1)).outputs.swapaxes(0, 1)
    found = mistakes(layer, IN, outputs)
    assert [(d.axis, d.choice) for d in found.best.differences] == [("laid out", (True, True))]


@pytest.mark.parametrize("cell", ["mgu", "cifg", "lstm_1997", "jordan", "ugrnn"])
def test_other_cells_are_held_to_the_planted_mistakes(cell):
    given = {"recurrent_dim": H} if cell == "jordan" else {}
    layer = draws.weights(case(cell, **given), X, seed=3).astype("float32")
    for name, wrong in mutants.planted(layer, False):
        found = mistakes(layer, IN, wrong.run(IN).outputs)
        everything = [one.differences for one in found.explanations] + [
            e for o in found.explanations for e in o.equivalent
        ]
        assert any(name in (d.said for d in differences) for differences in everything), name
    assert mistakes(layer, IN, layer.run(IN).outputs).best.differences == ()


def test_many_hypotheses_are_the_reference_run_many_times():
    """The evaluation of many at once, against an ordinary run of each."""
    from comparisons.diagnosis.evaluate import Evaluator, Window

    draw = np.random.default_rng(0)
    for name in PLAIN:
        layer = right(name)
        given = Given.of(layer, IN, layer.run(IN).outputs)
        space = Space.around(layer, given.sizes)
        evaluator = Evaluator(space, given)
        rows = np.array([[draw.integers(len(choices)) for choices in space.choices] for _ in range(40)])
        for group in evaluator.grouped(rows):
            chosen = space.chosen(group[0])
            many = np.concatenate(list(evaluator.run(group, chosen, Window(T))))
            for row, outputs in zip(group, many, strict=True):
                one = given.run(space.realised(row), space.chosen(row)).outputs
                np.testing.assert_allclose(outputs, one, rtol=0, atol=1e-12)
            # What is kept is what lies within the tolerance in every number.
            far = np.abs(many - given.expected(chosen)).reshape(len(many), -1)
            near = evaluator.near(group, Window(T), float(np.median(far.max(axis=1))))
            np.testing.assert_array_equal(near, far.max(axis=1) <= np.median(far.max(axis=1)))
            assert near.any()


@pytest.mark.parametrize(
    ("given", "must"),
    [
        ({"x": IN[:, :, :2]}, "inputs must have shape"),
        ({"outputs": np.zeros((B, T, H + 1))}, "outputs must have shape"),
        ({"outputs": np.zeros((B, T + 1, H))}, "outputs must be those of inputs"),
        ({"outputs": np.full((B, T, H), "a")}, "real numbers"),
        ({"x": np.full((B, T, X), np.nan)}, "finite"),
        ({"initial_state": (np.zeros((B, H)),)}, "must be (h, c), got 1 arrays"),
        ({"states": (None, np.zeros((B, T, 1)))}, "c of the states must have shape"),
        ({"states": (None, np.zeros((B, T + 1, H)))}, "c of the states must have shape"),
    ],
)
def test_what_does_not_fit_is_refused(given, must):
    layer = right("lstm")
    arguments = {"x": IN, "outputs": np.zeros((B, T, H)), **given}
    with pytest.raises(ValueError, match=must.replace("(", r"\(").replace(")", r"\)")):
        mistakes(layer, arguments.pop("x"), arguments.pop("outputs"), **arguments)
