"""Clipping by name: laws, and what each live framework does under the argument of that name."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reference.gradient_clipping import ARGUMENTS, MODES, clip

SHAPES = (3, 8), (2, 8), (8,)
LIMITS = {"value": 0.4, "norm": 1.5, "average norm": 0.3, "global norm": 2.0}
ROUNDINGS = 3  # of the norm, of the factor and of the product
DRAW = np.random.default_rng(4)
GRADIENTS = [DRAW.normal(size=shape) * scale for shape, scale in zip(SHAPES, (2.0, 0.7, 0.05), strict=True)]

arrays = hnp.arrays("float64", hnp.array_shapes(max_dims=2, max_side=4), elements=st.floats(-1e150, 1e150))
lists = st.lists(arrays, min_size=1, max_size=3)
limits = st.floats(1e-6, 1e6)


def dot(a, b):
    return math.fsum(
        float(p) * float(q) for x, y in zip(a, b, strict=True) for p, q in zip(x.flat, y.flat, strict=True)
    )


@pytest.mark.parametrize("mode", MODES)
@given(gradients=lists, limit=limits)
def test_a_clipped_gradient_is_a_descent_direction(mode, gradients, limit):
    clipped = clip(gradients, mode, limit)
    assert dot(gradients, clipped) >= 0
    assert all(a.shape == b.shape and np.all(np.abs(b) <= np.abs(a)) for a, b in zip(gradients, clipped, strict=True))


@given(gradients=lists, limit=limits)
def test_what_each_mode_bounds(gradients, limit):
    norms = lambda arrays: [math.hypot(*a.flat) for a in arrays]
    just = 1 + 1e-12
    assert all(np.abs(g).max(initial=0) <= limit for g in clip(gradients, "value", limit))
    assert all(norm <= limit * just for norm in norms(clip(gradients, "norm", limit)))
    assert math.hypot(*norms(clip(gradients, "global norm", limit))) <= limit * just
    within = clip(gradients, "average norm", limit)
    assert all(norm <= limit * g.size * just for norm, g in zip(norms(within), gradients, strict=True))


@given(gradients=lists, limit=limits)
def test_only_the_global_norm_keeps_the_direction_of_the_whole(gradients, limit):
    clipped = clip(gradients, "global norm", limit)
    norm = math.hypot(*(entry for g in gradients for entry in g.flat))
    factor = min(1, limit / norm) if norm else 1
    assert all(np.allclose(b, a * factor, rtol=1e-12, atol=0) for a, b in zip(gradients, clipped, strict=True))


def test_the_modes_differ_where_they_are_compared():
    results = [np.concatenate([g.ravel() for g in clip(GRADIENTS, mode, LIMITS[mode])]) for mode in MODES]
    flat = np.concatenate([g.ravel() for g in GRADIENTS])
    for k, one in enumerate(results):
        assert not np.allclose(one, flat)
        assert not any(np.allclose(one, other) for other in results[:k])


def by_keras(framework, argument, limit):
    keras = pytest.importorskip("keras" if framework == "Keras 3" else "tf_keras")
    if framework == "Keras 3":
        variables = [keras.Variable(np.zeros(shape), dtype="float64") for shape in SHAPES]
        keras.optimizers.SGD(1.0, **{argument: limit}).apply(
            [keras.ops.convert_to_tensor(g) for g in GRADIENTS], variables
        )
        return [[-np.asarray(v.value) for v in variables]]
    tf = pytest.importorskip("tensorflow")
    found = []
    for optimizers in (keras.optimizers, keras.optimizers.legacy):
        variables = [tf.Variable(np.zeros(shape)) for shape in SHAPES]
        pairs = zip(map(tf.constant, GRADIENTS), variables, strict=True)
        optimizers.SGD(1.0, **{argument: limit}).apply_gradients(pairs)
        found.append([-v.numpy() for v in variables])
    return found


def by_tensorflow(framework, argument, limit):
    tf = pytest.importorskip("tensorflow")
    # The number of entries, in clip_by_average_norm, is a float32 that multiplies nothing else.
    dtype = "float32" if argument == "tf.clip_by_average_norm" else "float64"
    tensors = [tf.constant(g, dtype) for g in GRADIENTS]
    function = getattr(tf.compat.v1, argument.removeprefix("tf."))
    if argument == "tf.clip_by_global_norm":
        return [[a.numpy() for a in function(tensors, limit)[0]]]
    bounds = (-limit, limit) if argument == "tf.clip_by_value" else (limit,)
    return [[function(a, *bounds).numpy() for a in tensors]]


def by_pytorch(framework, argument, limit):
    torch = pytest.importorskip("torch")
    parameters = [torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for shape in SHAPES]
    for parameter, gradient in zip(parameters, GRADIENTS, strict=True):
        parameter.grad = torch.tensor(gradient)
    getattr(torch.nn.utils, argument)(parameters, limit)
    return [[parameter.grad.numpy() for parameter in parameters]]


LIVE = {
    "Keras 3": by_keras,
    "tf.keras 2, tf-keras": by_keras,
    "TensorFlow": by_tensorflow,
    "TensorFlow 1": by_tensorflow,
}
LIVE["PyTorch"] = by_pytorch


@pytest.mark.parametrize("row", [row for row in ARGUMENTS if row.source == "live"], ids=lambda row: " ".join(row[:2]))
def test_arguments_do_what_the_table_says(row):
    limit = LIMITS[row.mode]
    options = {"epsilon": row.epsilon} if row.epsilon else {}
    want = clip(GRADIENTS, row.mode, limit, **options)
    for got in LIVE[row.framework](row.framework, row.argument, limit):
        for a, b in zip(got, want, strict=True):
            assert np.abs(a - b).max() <= ROUNDINGS * np.finfo(a.dtype).eps * np.abs(b).max()
    if row.epsilon:
        assert any(np.abs(a - b).max() > 1e-8 for a, b in zip(want, clip(GRADIENTS, row.mode, limit), strict=True))


@pytest.mark.parametrize("row", [row for row in ARGUMENTS if row.source == "live"], ids=lambda row: " ".join(row[:2]))
def test_gradients_below_the_limit_are_left(row):
    for got in LIVE[row.framework](row.framework, row.argument, 1e3):
        for a, b in zip(got, clip(GRADIENTS, row.mode, 1e3), strict=True):
            assert np.abs(a - b).max() <= ROUNDINGS * np.finfo(a.dtype).eps * np.abs(b).max()


def test_a_gru_of_keras_has_one_norm_for_its_two_biases():
    keras = pytest.importorskip("keras")
    layer = keras.layers.GRU(2, dtype="float64")
    layer.build((None, 5, 3))
    *kernels, biases = (DRAW.normal(size=w.shape) for w in layer.trainable_variables)
    before = layer.get_weights()
    optimizer = keras.optimizers.SGD(1.0, clipnorm=1.5)
    gradients = [keras.ops.convert_to_tensor(g) for g in (*kernels, biases)]
    optimizer.apply(gradients, layer.trainable_variables)
    changes = [a - b for a, b in zip(before, layer.get_weights(), strict=True)]
    together, apart = clip([biases], "norm", 1.5)[0], np.stack(clip(list(biases), "norm", 1.5))
    assert np.allclose(changes[-1], together, rtol=1e-13)
    assert not np.allclose(changes[-1], apart, rtol=1e-2)


def test_the_precision_of_the_gradients_is_kept():
    for mode in MODES:
        (clipped,) = clip([np.array([3e30, 4e30], "float32")], mode, 1.0)
        assert clipped.dtype == "float32"
        assert np.isfinite(clipped).all()


def test_refusals():
    with pytest.raises(ValueError, match=r"mode must be one of value, norm, average norm, global norm, got 'nom'"):
        clip(GRADIENTS, "nom", 1.0)
    with pytest.raises(ValueError, match=r"limit must be above 0, got -1"):
        clip(GRADIENTS, "norm", -1)
    with pytest.raises(ValueError, match=r"gradients must be finite"):
        clip([np.array([np.nan])], "value", 1.0)
