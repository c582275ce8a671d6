"""The study of gradients: its Jacobians, its batch normalisation and its sums against differences and `backprop`."""

import numpy as np
import pytest

from comparisons.studies.gradients import clipping, depth, lag, models, truncation
from comparisons.studies.gradients.problems import cosine, flat, problem
from comparisons.studies.part import spread, spread_rows
from reference.steps import module

UNITS, STEPS, STEP = 3, 5, 1e-6
EVERY = [(model, activation) for model in models.MODELS for activation in models.ACTIVATIONS]
NAMES = [f"{model.name}, {activation}" for model, activation in EVERY]


def drawn(model, activation, seed=0, scale=3.0):
    """A layer with weights large enough that what goes through h counts, and a run of one sequence."""
    draw = np.random.default_rng(seed)
    one = models.layer(model, activation, 2, UNITS, draw, scale)
    state = [draw.normal(size=(1, UNITS)) for _ in module(model.cell).State._fields]  # not 0, which is relu's kink
    return one, one.run(draw.normal(size=(1, STEPS, 2)), state)


def differences(function, at):
    """The central differences of a function of one array, `(at.size, …)`."""
    rows = []
    for k in range(at.size):
        step = np.zeros(at.size)
        step[k] = STEP
        step = step.reshape(at.shape)
        rows.append((function(at + step) - function(at - step)) / (2 * STEP))
    return np.array(rows)


@pytest.mark.parametrize(("model", "activation"), EVERY, ids=NAMES)
def test_jacobians_are_those_of_differences(model, activation):
    one, run = drawn(model, activation)
    for steps, found in enumerate(models.jacobians(one, run), start=1):
        start = STEPS - steps
        state = run.given.initial_state if start == 0 else type(run.state)(*(a[:, start - 1] for a in run.states))
        for field, jacobian in found.items():

            def last(value, field=field, start=start, state=state):
                return getattr(one.run(run.given.x[:, start:], state._replace(**{field: value})).state, field)[0]

            np.testing.assert_allclose(jacobian.T, differences(last, getattr(state, field)), rtol=1e-6, atol=2e-9)
    assert steps == STEPS


@pytest.mark.parametrize("model", models.MODELS[1:], ids=lambda model: model.name)
def test_the_split_adds_up_and_the_gates_are_what_is_left_without_h(model):
    one, run = drawn(model, "tanh")
    norms = lag._norms(model, one, run)
    assert norms[lag.WHOLE] == norms[run.state._fields[-1]]
    for whole, gates, rest in zip(norms[lag.WHOLE], norms[lag.GATES], norms[lag.REST], strict=True):
        assert abs(gates - rest) <= whole * (1 + 1e-12) <= (gates + rest) * (1 + 2e-12)
    assert norms[lag.REST][-1] > norms[lag.GATES][-1] / 100, "no test of anything"
    if "c" in run.state._fields:  # with all recurrent weights cut, what is left is the product of the gates
        rows = np.eye(UNITS)
        alone = models.steps_back(one, run, (0 * rows, rows), cut=True)
        np.testing.assert_allclose([models.stretch(d.c) for _, d, _ in alone], norms[lag.GATES], rtol=1e-13)
    if model is models.LSTM_1997:
        assert norms[lag.GATES] == [1.0] * STEPS


def test_initial_weights_are_keras_own():
    keras = pytest.importorskip("keras")
    for model in (models.ELMAN, models.LSTM_1, models.GRU):
        one = models.layer(model, "tanh", 7, 40, np.random.default_rng(0))
        kernel = one.weights.kernel
        stock = keras.initializers.GlorotUniform(seed=0)(kernel.shape)
        assert abs(np.abs(kernel).max() / np.abs(np.asarray(stock)).max() - 1) < 0.01
        recurrent = one.weights.recurrent_kernel
        np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(40), atol=1e-12)
        stock = np.asarray(keras.initializers.Orthogonal(seed=0)(recurrent.shape))
        np.testing.assert_allclose(stock @ stock.T, np.eye(40), atol=1e-5)


def test_batch_normalisation_is_keras_own_and_its_derivative_that_of_differences():
    keras = pytest.importorskip("keras")
    draw = np.random.default_rng(0)
    x, d = draw.normal(1.0, [0.02, 0.5, 3.0], (4, 3, 3)), draw.normal(size=(4, 3, 3))
    normalised = depth.normalise(x)
    stock = np.asarray(keras.layers.BatchNormalization(dtype="float64")(x, training=True))
    np.testing.assert_allclose(normalised.y, stock, rtol=1e-6, atol=1e-6)
    found = depth.normalise_back(d, normalised)
    wanted = differences(lambda x: np.sum(d * depth.normalise(x).y), x).reshape(x.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("arrangement", depth.ARRANGEMENTS, ids=lambda arrangement: arrangement.name)
def test_gradients_of_a_tower_are_those_of_differences(arrangement):
    draw = np.random.default_rng(1)
    layers = tuple(models.layer(models.LSTM_1, "tanh", 3, 3, draw, 2.0) for _ in range(3))
    tower = depth.Tower(layers, arrangement)
    x, d = draw.normal(size=(2, 4, 3)), draw.normal(size=(2, 4, 3))
    _, passed = tower.run(x)
    outputs, weights = tower.gradients(d, passed)
    assert (len(outputs), len(weights)) == (4, 3)
    assert outputs[-1] is d
    wanted = differences(lambda x: np.sum(d * tower.run(x)[0]), x).reshape(x.shape)
    np.testing.assert_allclose(outputs[0], wanted, rtol=1e-6, atol=1e-8)

    def with_kernel(kernel):
        first = layers[0].edited(lambda name, a: kernel if name == "kernel" else a)
        return np.sum(d * depth.Tower((first, *layers[1:]), arrangement).run(x)[0])

    kernel = layers[0].weights.kernel
    wanted = differences(with_kernel, kernel).reshape(kernel.shape)
    np.testing.assert_allclose(weights[0].kernel, wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("model", [models.ELMAN, models.LSTM_1, models.LSTM_1997, models.GRU], ids=lambda m: m.name)
def test_lags_add_up_to_backprop(model):
    p = problem(model, "tanh", (3, 8, 4), np.random.default_rng(2), 2.0)
    p.d_outputs[:, :-1] = 0
    added = list(truncation.by_lag(p))
    assert len(added) == 8
    np.testing.assert_allclose(np.sum(added, axis=0), flat(p.gradient()), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(np.sum(added[:3], axis=0), flat(p.gradient(truncation=(1, 3))), rtol=1e-11, atol=1e-13)
    if "LSTM" in model.name:
        cut = np.sum(list(truncation.by_lag(p, cut=True)), axis=0)
        np.testing.assert_allclose(cut, flat(p.gradient(truncation="1997")), rtol=1e-11, atol=1e-13)
        assert cosine(cut, flat(p.gradient())) < 0.999


def test_what_each_mode_keeps():
    p = problem(models.ELMAN, "tanh", (2, 40, 16), np.random.default_rng(3), 4.0)
    arrays = p.gradient()
    exact = flat(arrays)
    assert np.linalg.norm(exact) > 1e3 * clipping.LIMIT
    got = {mode: flat(clipped(p, arrays)) for mode, clipped in clipping.MODES.items()}
    lengths = {mode: np.linalg.norm(a) for mode, a in got.items()}
    assert lengths[clipping.GLOBAL] == pytest.approx(clipping.LIMIT)
    assert lengths[clipping.NORM] == pytest.approx(clipping.LIMIT * 3**0.5)
    assert cosine(got[clipping.GLOBAL], exact) == pytest.approx(1)
    assert 0 < cosine(got[clipping.VALUE], exact) < 0.99
    assert np.abs(got[clipping.VALUE]).max() == clipping.LIMIT
    assert cosine(got[clipping.MESSAGE], exact) < 0.9
    assert np.linalg.norm(got[clipping.MESSAGE][-16:]) <= clipping.LIMIT * 2 * 40 * 16**0.5, "the sum of held messages"


def test_growth_of_one_above_one_is_where_it_explodes():
    assert lag._crossing((1, 2, 4, 8), np.array([0.25, 0.5, 2.0, 3.0])) == pytest.approx(8**0.5)
    assert lag._crossing((1, 2), np.array([0.2, 0.9])) is None
    assert lag._crossing((1, 2), np.array([1.1, 1.2])) == 1
    assert lag._crossing((1, 2, 4), np.array([0.0, 1.5, 3.0])) > 1.9


def test_claims_that_are_often_heard():
    """What the paragraphs say of them is computed; here that it comes out, with seeds that the study does not have."""
    sizes = models.QUICK
    _, split = lag.over_the_lag(sizes, 12345, lambda doing, of: None)
    assert split.found["claims"] == {"a forget gate is 0 or 1": False, "the rest is small": False}
    assert split.found["gate of LSTM, forget bias 1"]["median"] == pytest.approx(1 / (1 + np.exp(-1)), abs=0.03)
    scale = lag.over_the_scale(sizes, 12345, lambda doing, of: None)
    assert scale.found["claims"] == {"relu ends exploding gradients": False}
    assert scale.says.startswith("relu does not end exploding gradients")


def test_seeds_and_spread():
    one, two, again = (models.generator(seed, 1, 0).normal() for seed in (0, 1, 0))
    assert one == again != two
    assert models.generator(0, 1, 0).normal() != models.generator(0, 2, 0).normal()
    low, middle, high = spread([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0]])
    assert (low[0], middle[0], high[0], middle[1]) == (1.5, 2, 2.5, 20)
    assert spread_rows(("a",), [7], [[1.0], [2.0], [3.0]]) == [("a", 7, 1.5, 2.0, 2.5)]


def test_cosine_of_vectors_of_any_length():
    assert cosine(np.array([1e300, 1e300]), np.array([1e-300, 0.0])) == pytest.approx(0.5**0.5)
    assert cosine(np.zeros(2), np.ones(2)) == 0
