"""Each activation against 50-digit arithmetic, and against the live framework of the same era."""

import mpmath
import numpy as np
import pytest

from reference import activations

U = {"float32": 2.0**-24, "float64": 2.0**-53}
NAMES = activations.names()
TAIL = np.geomspace(1e-30, 700, 100)
WIDE = np.concatenate([-TAIL[::-1], [0.0], TAIL])
DIGITS = mpmath.MPContext()
DIGITS.dps = 50
NUMBER, EXP, EXPM1, TANH = DIGITS.mpf, DIGITS.exp, DIGITS.expm1, DIGITS.tanh

# Written a second time, for 50 digits.
EXACT = {
    "elu": lambda x: x if x > 0 else EXPM1(x),
    "exponential": EXP,
    "gelu": lambda x: x * DIGITS.ncdf(x),
    "gelu_tanh": lambda x: x / 2 * (1 + TANH(DIGITS.sqrt(2 / DIGITS.pi) * (x + NUMBER("0.044715") * x**3))),
    "hard_sigmoid_keras2": lambda x: min(max(x / 5 + NUMBER("0.5"), 0), 1),
    "hard_sigmoid_keras3": lambda x: min(max(x + 3, 0), 6) / 6,
    "hard_tanh": lambda x: min(max(x, -1), 1),
    "leaky_relu_keras": lambda x: max(x, x / 5),
    "leaky_relu_layer": lambda x: max(x, 3 * x / 10),
    "leaky_relu_onnx": lambda x: max(x, x / 100),
    "linear": lambda x: x,
    "relu": lambda x: max(x, 0),
    "selu": lambda x: NUMBER("1.0507009873554804934") * (x if x > 0 else NUMBER("1.6732632423543772848") * EXPM1(x)),
    "sigmoid": lambda x: 1 / (1 + EXP(-x)),
    "sigmoid_in_1": lambda x: 2 / (1 + EXP(-x)) - 1,
    "sigmoid_in_2": lambda x: 4 / (1 + EXP(-x)) - 2,
    "silu": lambda x: x / (1 + EXP(-x)),
    "softplus": lambda x: DIGITS.log1p(EXP(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "swish": lambda x: x / (1 + EXP(-x)),
    "tanh": TANH,
}
# These cancel, in the negative tail or around 0, and have no relative bound there.
CANCELLING = {"gelu", "gelu_tanh", "hard_sigmoid_keras2", "hard_sigmoid_keras3", "sigmoid_in_1", "sigmoid_in_2"}
# By the names that Keras has for them.
KERAS_NAMES = sorted(
    {*NAMES, *activations.AMBIGUOUS}
    - {*activations.HARD_SIGMOIDS, *activations.LEAKY_SLOPES, "gelu_tanh", "sigmoid_in_1", "sigmoid_in_2"}
)
# TensorFlow keeps constants of these two in float32, whatever the argument's dtype (nn_ops.py, gelu and leaky_relu).
FLOAT32_CONSTANTS = {"gelu", "leaky_relu"}


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"softmax"}))
def test_within_four_units_of_50_digits_in_both_tails(name):
    for x, got in zip(WIDE, activations.get(name)(WIDE), strict=True):
        want = EXACT[name](NUMBER(float(x)))
        scale = max(1, abs(want)) if name in CANCELLING else abs(want)
        assert abs(NUMBER(float(got)) - want) <= 4 * U["float64"] * scale, f"{name}({x}) = {got}"


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_sigmoid_s_tails_are_no_zeros(dtype):
    """Below, down to the smallest number there is, where exp(−x) is none."""
    x = np.linspace(-104, 30, 20001).astype(dtype)
    want = np.exp(x, dtype="float64") / (1 + np.exp(x, dtype="float64"))
    smallest = np.finfo(dtype).smallest_subnormal.astype("float64")
    assert np.all(np.abs(activations.sigmoid(x) - want) <= 2.5 * np.finfo(dtype).eps * want + 2 * smallest)


def test_softmax_within_four_units_and_one_for_each_unit_of_distance_from_the_largest():
    rows = np.random.default_rng(0).normal(size=(20, 5)) * np.geomspace(0.01, 100, 20)[:, None]
    for row, got in zip(rows, activations.get("softmax")(rows), strict=True):
        powers = [EXP(NUMBER(float(x))) for x in row]
        for x, g, power in zip(row, got, powers, strict=True):
            want = power / sum(powers)
            assert abs(NUMBER(float(g)) - want) <= (4 + row.max() - x) * U["float64"] * want


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_keeps_the_dtype_warns_of_nothing_and_lets_nan_through(name, dtype):
    function = activations.get(name)
    x = np.array([[-1e4, -30, -1, 0, 1, 30, 1e4]], dtype)
    y = function(x)
    assert y.dtype == dtype
    assert y.shape == x.shape
    assert np.all(np.isfinite(y) | ((name == "exponential") & (x > 10)))
    assert np.isnan(function(np.array([[np.nan]], dtype))).all()
    assert function(np.zeros((0, 3), dtype)).shape == (0, 3)


@pytest.mark.parametrize("dtype", list(U))
@pytest.mark.parametrize("name", KERAS_NAMES)
def test_equals_the_function_of_that_name_in_the_framework(framework, name, dtype):
    tf = pytest.importorskip("tensorflow")
    if (framework.__name__, name) == ("tf_keras", "hard_tanh"):
        pytest.skip("tf_keras has no hard_tanh")
    theirs = framework.activations.get(name)
    era = "keras2" if framework.__name__ == "tf_keras" else "keras3"
    ours = activations.get({"hard_sigmoid": f"hard_sigmoid_{era}", "leaky_relu": "leaky_relu_keras"}.get(name, name))
    x = np.linspace(-20, 20, 401, dtype=dtype)[None]
    want = ours(x)
    units = 8 * U["float32" if name in FLOAT32_CONSTANTS else dtype]
    assert np.all(np.abs(np.asarray(theirs(tf.constant(x))) - want) <= units * np.maximum(1, np.abs(want)))


def test_the_hard_sigmoids_differ_by_a_twelfth_at_two_and_a_half():
    two, three = activations.get("hard_sigmoid_keras2"), activations.get("hard_sigmoid_keras3")
    x = np.array([-2.5, 2.5])
    assert two(x) - three(x) == pytest.approx([-1 / 12, 1 / 12], abs=1e-16)
    assert three(1.2 * WIDE) == pytest.approx(two(WIDE), abs=1e-15)


@pytest.mark.parametrize(("source", "slope"), [("keras", 0.2), ("layer", 0.3), ("onnx", 0.01)])
def test_leaky_relu_has_the_slope_of_its_source(source, slope):
    named = activations.get(f"leaky_relu_{source}")
    assert named(np.array([-1.0, 2.0])).tolist() == [-slope, 2.0]
    assert activations.get("leaky_relu", negative_slope=slope) == activations.Activation(
        "leaky_relu", named.function, {"negative_slope": slope}
    )


PARAMETRISED = {  # name: parameters, and the function a second time
    "affine": ({"slope": 5.0, "offset": 0.5}, lambda x: 5 * x + 0.5),
    "elu": ({"alpha": 0.5}, lambda x: x if x > 0 else EXPM1(x) / 2),
    "hard_sigmoid": ({"slope": 0.25, "offset": 0.375}, lambda x: min(max(x / 4 + NUMBER("0.375"), 0), 1)),
    "leaky_relu": ({"negative_slope": 0.25}, lambda x: max(x, x / 4)),
    "scaled_tanh": ({"scale": 1.5, "slope": 0.75}, lambda x: 1.5 * TANH(0.75 * x)),
    "thresholded_relu": ({"threshold": 0.125}, lambda x: x if x > 0.125 else 0),
}


def test_every_function_with_parameters_is_tested():
    assert set(PARAMETRISED) == set(activations.PARAMETRISED)


@pytest.mark.parametrize("name", PARAMETRISED)
def test_a_function_with_parameters_within_four_units_of_50_digits(name):
    parameters, exact = PARAMETRISED[name]
    function = activations.get(name, **parameters)
    for x, got in zip(WIDE, function(WIDE), strict=True):
        want = exact(NUMBER(float(x)))
        assert abs(NUMBER(float(got)) - want) <= 4 * U["float64"] * max(1, abs(want)), f"{name}({x}) = {got}"
    values = ", ".join(f"{key}={value}" for key, value in parameters.items())
    assert str(function) == f"{name}({values})"
    assert function(WIDE.astype("float32")).dtype == "float32"


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "hard_sigmoid_keras2", "linear"])
def test_clip_bounds_the_argument(name):
    plain, clipped = activations.get(name), activations.get(name, clip=0.75)
    assert np.array_equal(clipped(WIDE), plain(np.minimum(np.maximum(WIDE, -0.75), 0.75)))
    assert str(clipped) == f"{name}(clip=0.75)"
    assert clipped != plain
    assert np.abs(clipped(WIDE) - plain(WIDE)).max() > 0.1


def test_none_is_linear_and_an_activation_is_itself():
    assert activations.get(None) is activations.get("linear")
    assert activations.get(activations.get("tanh")) is activations.get("tanh")


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        ("hard_sigmoid", {}, r"hard_sigmoid names more than one function: say hard_sigmoid_keras2, clip\(0\.2·x"),
        ("hard_sigmoid", {"slope": 0.2}, r"or give \['offset', 'slope'\]"),
        ("leaky_relu", {}, r"leaky_relu names more than one function: say leaky_relu_keras \(slope 0\.2\)"),
        ("tanh", {"slope": 1.0}, r"tanh takes no parameters, got \['slope'\]"),
        ("affine", {"slope": 1.0}, r"affine takes the parameters \['offset', 'slope'\], got \['slope'\]"),
        ("scaled_tanh", {}, r"scaled_tanh takes the parameters \['scale', 'slope'\], got \[\]"),
        ("tahn", {}, r"activation must be one of elu, .*, tanh, got 'tahn'"),
        (np.tanh, {}, r"activation must be one of .* got <ufunc 'tanh'>"),
    ],
)
def test_a_name_that_means_two_functions_or_none_is_refused(name, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        activations.get(name, **parameters)
