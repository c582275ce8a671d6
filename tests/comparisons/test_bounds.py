"""The computed bound holds for every kind of weight, is not vacuous, and covers the libraries' functions."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from comparisons.proof import bounds
from comparisons.proof.cases import Case
from comparisons.proof.draws import weights
from reference import Layer, activations
from reference.gates import affine
from reference.steps import edited, module

KINDS = {
    "ordinary": 1.0,
    "saturating": 40.0,
    "tiny": 1e-30,
    "denormal": 1e-41,
    "negative zero": -0.0,
}
CELLS = [
    ("simple_rnn", {}),
    ("simple_rnn", {"activation": "relu"}),
    ("lstm", {}),
    ("lstm", {"forget_bias": 1.0}),
    ("lstm", {"recurrent_activation": "hard_sigmoid_keras2", "activation": "softsign"}),
    ("gru", {}),
    ("gru", {"reset_after": False}),
    ("gru", {"recurrent_activation": "hard_sigmoid_keras3", "activation": "hard_tanh"}),
]


def drawn(cell, options, scale, units, features, seed, dtype):
    layer = weights(Case(str(seed), cell, units=units, options=options), features, seed)
    layer = Layer(cell, edited(layer.weights, lambda _, a: a * scale), options).astype(dtype)
    draw = np.random.default_rng(seed)
    state = module(cell).State(*(draw.normal(size=(5, units)).astype(dtype) for _ in module(cell).State._fields))
    return layer, draw.normal(size=(5, features)).astype(dtype), state


def step(layer, x, state):
    after, gates = module(layer.cell).step(
        affine(x, layer.weights.kernel, layer.weights.bias), state, layer.weights, **layer.options
    )
    return {**gates, **after._asdict()}


def wide(layer, x, state):
    return layer.astype("float64"), x.astype("float64"), type(state)(*(s.astype("float64") for s in state))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("cell", "options"), CELLS)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@given(units=st.integers(1, 40), features=st.integers(1, 20), seed=st.integers(0, 2**16))
def test_one_rounded_step_stays_within(cell, options, kind, dtype, units, features, seed):
    scale = KINDS[kind] if dtype == "float32" else np.clip(KINDS[kind], 1e-6, 40.0)
    layer, x, state = drawn(cell, options, scale, units, features, seed, dtype)
    rounded = step(layer, x, state)
    exact = step(*wide(layer, x, state))
    allowed = bounds.step_bound(*wide(layer, x, state), dtype)
    for name, value in rounded.items():
        distance = np.abs(value.astype("float64") - exact[name])
        assert (distance <= allowed[name].error).all(), (
            f"{name}: {(distance / allowed[name].error).max():.2f} of allowed"
        )


@pytest.mark.parametrize(("cell", "options"), CELLS)
def test_values_are_those_of_the_reference(cell, options):
    layer, x, state = drawn(cell, options, 1.0, 7, 3, 0, "float64")
    exact = step(layer, x, state)
    for name, found in bounds.step_bound(layer, x, state, "float32").items():
        np.testing.assert_allclose(found.value, exact[name], rtol=0, atol=1e-15)


@pytest.mark.parametrize(("cell", "options"), CELLS)
def test_bound_is_no_blank_cheque(cell, options):
    """At 4 units what is allowed is a few u, far from the 168 u of a tolerance of 1e-5."""
    layer, x, state = drawn(cell, options, 1.0, 4, 3, 1, "float64")
    for name, found in bounds.step_bound(layer, x, state, "float32").items():
        size = np.maximum(1, np.abs(found.value))
        assert (found.error / size).max() / 2.0**-24 < 60, name


XS = np.concatenate([np.linspace(-12, 12, 400_001), np.random.default_rng(0).normal(size=400_000)]).astype("float32")
LIBRARIES = {
    "NumPy": {"tanh": np.tanh, "sigmoid": activations.sigmoid},
    "TensorFlow": {"tanh": tf.tanh, "sigmoid": tf.sigmoid},
    "XLA": {
        "tanh": tf.function(tf.tanh, jit_compile=True),
        "sigmoid": tf.function(tf.sigmoid, jit_compile=True),
    },
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_library_functions_keep_to_the_rounding_allowed(library, name):
    exact = activations.get(name)(XS.astype("float64"))
    error = np.abs(np.asarray(LIBRARIES[library][name](XS), "float64") - exact) / 2.0**-24
    allowed = bounds.RULES[name][1](np.abs(exact))
    nonzero = exact != 0
    share = (error[nonzero] / np.broadcast_to(allowed, exact.shape)[nonzero]).max()
    assert 0.1 < share <= 1


@pytest.mark.parametrize("name", bounds.RULES)
@given(a=st.floats(-20, 20), e=st.floats(0, 1))
def test_slopes_cover_every_perturbation(name, a, e):
    numbers = dict.fromkeys(activations.PARAMETRISED[name][1], 0.75) if name in activations.PARAMETRISED else {}
    function, slope = activations.get(name, **numbers), partial(bounds.RULES[name][0], **numbers)
    y = function(np.array([a]))
    moved = function(np.array([a - e, a + e]))
    assert (np.abs(moved - y) <= slope(y, e) * e + 1e-14).all()


def test_unknown_rounding_is_refused():
    layer, x, state = drawn("simple_rnn", {"activation": "gelu"}, 1.0, 3, 2, 0, "float64")
    with pytest.raises(bounds.NoBound, match="no bound is known for gelu: one of linear, relu"):
        bounds.step_bound(layer, x, state, "float32")
