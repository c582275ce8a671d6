"""What the tests of the oracle share: weights, live layers of every source, and one comparison."""

import numpy as np
import pytest

import reference

BATCH, TIME, INPUTS, UNITS = 2, 5, 3, 4
ROUNDOFF = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
CELLS = {  # name: Keras' class, its options
    "SimpleRNN": ("SimpleRNN", {}),
    "LSTM": ("LSTM", {}),
    "GRU after": ("GRU", {"reset_after": True}),
    "GRU before": ("GRU", {"reset_after": False}),
}


@pytest.fixture(params=["keras", "tf_keras"])
def framework(request):
    """Keras 3, then Keras 2; skipped, with a line that says so, where it is not installed."""
    return pytest.importorskip(request.param)


@pytest.fixture(params=["keras", "tf_keras", "keras RNN", "tf_keras RNN", "cells RNN"])
def make(request):
    """A recurrent layer of one source: the whole layer, or RNN over that source's cell."""
    source, *rnn = request.param.split()
    framework = pytest.importorskip("tf_keras" if source == "tf_keras" else "keras")
    cells = __import__("cells") if source == "cells" else framework.layers

    def build(cell, cell_options=(), *, units=UNITS, dtype="float64", **flags):
        name, options = CELLS[cell]
        options = {**options, **dict(cell_options)}
        if "mixed" in dtype:
            dtype = framework.mixed_precision.Policy(dtype) if source == "tf_keras" else dtype
        flags = {"return_sequences": True, "return_state": True, **flags}
        if not rnn:
            return getattr(framework.layers, name)(units, **options, **flags, dtype=dtype)
        return framework.layers.RNN(getattr(cells, f"{name}Cell")(units, dtype=dtype, **options), **flags, dtype=dtype)

    return build


@pytest.fixture(params=list(CELLS))
def cell(request):
    """The name of a cell, as `make` takes it."""
    return request.param


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def flatten(values):
    """What a layer returns, or the state of a Run, as a flat list of arrays."""
    if isinstance(values, list | tuple):
        return [array for value in values for array in flatten(value)]
    return [np.asarray(values).astype("float64")]


def compare(got, want, limit, what):
    """Assert equal shapes, and distances of at most `limit` times 1, or times the value where that is larger."""
    assert len(got) == len(want), f"{what}: {len(got)} arrays, expected {len(want)}"
    for k, (a, b) in enumerate(zip(got, want, strict=True)):
        assert a.shape == b.shape, f"{what}, array {k}: shape {a.shape}, expected {b.shape}"
        distance = np.abs(a - b) / np.maximum(1, np.abs(b))
        assert np.all(distance <= limit), f"{what}, array {k}: {distance.max():.3g} apart, allowed {limit:.3g}"


@pytest.fixture
def randomise():
    """Give a built layer, cell or model asymmetric weights, scaled by 1/√(X + H)."""

    def fill(layer, seed=1):
        rng = np.random.default_rng(seed)
        shapes = [weight.shape for weight in layer.get_weights()]
        rows = sum(shape[0] for shape in shapes[:2])
        layer.set_weights([rng.normal(size=shape) / np.sqrt(rows) for shape in shapes])
        return layer

    return fill


@pytest.fixture
def agree(randomise):
    """Run a live layer and what `read` makes of it, assert that outputs and states agree, and return the oracle's run.

    Allowed in float64: 2e-15. In lower precision: 8 × the larger of one u and NumPy's error in that precision, against
    float64; the 8 is empirical.
    """

    def check(layer, x=None, mask=None, initial_state=None, *, precision="float64", limit=2e-15):
        import tensorflow as tf

        x = normal(0, BATCH, TIME, INPUTS) if x is None else x
        if not layer.built:
            layer.build(x.shape)
            randomise(layer)
        options = {} if mask is None else {"mask": tf.constant(mask)}
        if initial_state is not None:
            options["initial_state"] = tf.nest.map_structure(tf.constant, initial_state)
        narrow = "float32" if precision == "bfloat16" else precision  # NumPy has no bfloat16
        x, read = x.astype(narrow), reference.read(layer)
        oracle = read.astype("float64").run(x.astype("float64"), initial_state, mask)
        want = flatten([oracle.result, oracle.state])
        if precision != "float64":
            run = read.astype(narrow).run(x, initial_state, mask)
            errors = [np.abs(a - b).max() for a, b in zip(flatten([run.result, run.state]), want, strict=True)]
            limit = 8 * max(*errors, ROUNDOFF[precision])
        name = f"{type(layer).__module__.split('.')[0]} {type(layer).__name__}"
        compare(flatten(layer(tf.constant(x), **options)), want, limit, name)
        return oracle

    return check


@pytest.fixture
def layers_of():
    """The `layers` module of the framework that a live object came from."""
    return lambda thing: __import__(type(thing).__module__.split(".")[0]).layers
