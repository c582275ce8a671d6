"""`gateproof study hard-sigmoid`: who has the weights, and how far each is from the oracle."""

import numpy as np
import pytest

from comparisons import frameworks
from comparisons.render.studies.hard_sigmoid import PICTURES
from comparisons.studies.hard_sigmoid.forecasts import over_forecasts
from comparisons.studies.hard_sigmoid.months import over_months
from comparisons.studies.hard_sigmoid.runs import FOLDED, KERAS2, KERAS3, TRAINED, Sizes, last_months, others
from comparisons.studies.restart import restart
from reference import Layer, Weights, activations

U = 2.0**-24


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3)])
def test_keras_3_is_off_and_the_fold_repairs_it(cell, gates):
    draw, units = np.random.default_rng(3), 5
    arrays = [draw.normal(size=shape).astype("float32") for shape in ((1, gates * units), (units, gates * units))]
    bias = draw.normal(size=gates * units).astype("float32")
    options = {"recurrent_activation": activations.get("hard_sigmoid_keras2")}
    if cell == "gru":
        options["reset_after"] = True
    weights = Weights(arrays[0], arrays[1] / 2, bias, bias[::-1].copy() if cell == "gru" else None)
    layer = Layer(cell, weights, options)
    x, _ = last_months(8)
    truth = layer.astype("float64").run(x).outputs
    missing = frameworks.load("keras2").missing()
    found = others(layer, x, with_keras2=missing is None)
    off = {who: float(np.abs(outputs - truth).max()) for who, outputs in found.items()}
    assert off[FOLDED] < 50 * U
    assert off[KERAS3] > 1e5 * U, "a fold that is left out"
    assert (KERAS2 in off) == (missing is None)
    assert off.get(KERAS2, 0) < 50 * U


def test_what_it_should_forecast_is_a_year_ahead():
    x, target = last_months(30)
    assert x.shape == (1, 30, 1)
    assert np.array_equal(x[0, 12:, 0], target[:-12])


def test_a_restarted_model_is_a_new_one():
    """The same weights as one that was built with that seed, and an optimizer without a memory."""
    import keras

    from comparisons.studies.learning import LEARNERS, network

    def built(seed):
        keras.utils.set_random_seed(seed)
        return network(LEARNERS["peephole LSTM"](3), 2, 1, None, "mse", learning_rate=0.25)

    new, model = built(5), built(1)
    model.optimizer.build(model.trainable_variables)
    for variable in (*model.weights, *model.optimizer.variables):
        if variable is not model.optimizer.learning_rate:
            variable.assign(keras.ops.ones_like(variable))
    for mine, wanted in zip(restart(model, 5).get_weights(), new.get_weights(), strict=True):
        assert np.array_equal(mine, wanted)
        assert wanted.std() > 0 or wanted.size == 1 or not wanted.any() or set(wanted) == {0.0, 1.0}
    assert float(model.optimizer.learning_rate) == 0.25
    assert all(not np.any(v) for v in model.optimizer.variables if v is not model.optimizer.learning_rate)


def test_without_keras_2_the_part_says_so():
    drawn = np.random.default_rng(0)
    there = {TRAINED: 1e-8, KERAS3: 0.1, FOLDED: 1e-8}
    one = {
        "missing": "not installed: pip install tf-keras",
        "apart": {who: (size * drawn.uniform(1, 2, 24)).tolist() for who, size in there.items()},
        "forecasts": {who: drawn.uniform(0, 99, 24).tolist() for who in there},
    }
    runs, sizes = {("LSTM", 0): one}, Sizes(seeds=1, units=3, windows=1, months=24)
    parts = [over_months(runs, sizes, 0), over_forecasts(runs, sizes)]
    assert "Keras 2 itself was not asked: not installed: pip install tf-keras." in parts[0].says
    for part in parts:
        assert KERAS2 not in {cell for row in part.rows for cell in row}
        assert PICTURES[part.name](part)
