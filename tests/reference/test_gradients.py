"""Every cell's derivative, with every option, against central differences in float64.

The tests walk the catalogue: a cell without a derivative fails, and so does an option without a value here.
"""

import inspect

import numpy as np
import pytest
from differences import close, drawn, farthest, layer

from reference import activations
from reference.activations import get
from reference.slopes import OF_ARGUMENT, OF_VALUE
from reference.steps import CELLS, module, options

VALUES = {
    "activation": ["softsign", get("leaky_relu", negative_slope=-0.5), get("tanh", clip=0.9)],
    "output_activation": ["softplus", "hard_tanh", "gelu"],
    "recurrent_activation": ["hard_sigmoid_keras2", "hard_sigmoid_keras3", "softsign", "softmax"],
    "forget_bias": [1.0, -0.7],
    "cells_per_block": [3],
    "coupled": ["i", "f"],
    "reset_after": [True, False],
    "cell_clip": [0.15],
    "proj_clip": [0.05],
    "norm_epsilon": [0.1],
    "variant": ["NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR"],
}
PARAMETRISED = [
    get("affine", slope=0.7, offset=0.2),
    get("elu", alpha=0.6),
    get("elu", clip=0.5, alpha=0.6),
    get("hard_sigmoid", slope=0.4, offset=0.3),
    get("leaky_relu", negative_slope=0.3),
    get("scaled_tanh", scale=1.3, slope=0.6),
    get("sigmoid", clip=0.8),
    get("softmax", clip=0.5),
    get("thresholded_relu", threshold=0.3),
]


CASES = [
    *((cell, {}) for cell in CELLS),
    *((cell, {name: value}) for cell in CELLS for name in options(cell) for value in VALUES.get(name, ())),
]


@pytest.mark.parametrize("cell", CELLS)
def test_every_option_is_tried(cell):
    assert options(cell).keys() <= VALUES.keys(), "an option needs values here"
    for name, default in options(cell).items():
        assert any(value != default for value in VALUES[name])
    keywords = inspect.signature(module(cell).backstep).parameters.values()
    assert {p.name for p in keywords if p.kind is p.KEYWORD_ONLY} == {*options(cell), "message_clip"}


@pytest.mark.parametrize(("cell", "given"), CASES, ids=lambda value: str(value))
def test_gradients_are_central_differences(cell, given):
    one = layer(cell, **given)
    close(farthest(one, *drawn(one)))


@pytest.mark.parametrize(
    ("cell", "without"),
    [
        ("peephole_lstm", ("projection",)),
        ("peephole_lstm", ("peephole", "recurrent_bias")),
        ("cifg", ("peephole",)),
        ("jordan", ("output_kernel", "output_bias")),
        ("layer_norm_lstm", ("gamma", "state_beta", "bias")),
        ("fused_layer_norm_lstm", ("kernel_gamma", "recurrent_beta", "state_gamma", "bias")),
        ("gru", ("bias", "recurrent_bias")),
        ("mut1", ("bias", "recurrent_bias")),
    ],
)
def test_an_array_may_be_absent(cell, without):
    one = layer(cell, without)
    close(farthest(one, *drawn(one)))


@pytest.mark.parametrize("activation", [*activations.names(), *PARAMETRISED], ids=str)
def test_activations(activation):
    one = layer("simple_rnn", activation=activation)
    close(farthest(one, *drawn(one)))


def test_every_activation_has_a_slope_and_both_sides_of_every_kink_are_tried():
    functions = {get(name).function for name in activations.names()}
    functions |= {function for function, _ in activations.PARAMETRISED.values()}
    assert functions - {activations.softmax} == OF_VALUE.keys() | OF_ARGUMENT.keys()
    assert {a.function for a in PARAMETRISED} >= {function for function, _ in activations.PARAMETRISED.values()}


@pytest.mark.parametrize("activation", [*activations.names(), *PARAMETRISED], ids=str)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_slopes_on_a_grid(activation, dtype):
    activation = get(activation)
    x = np.linspace(-8, 8, 402).reshape(-1, 3).astype(dtype)
    d = np.random.default_rng(0).normal(size=x.shape).astype(dtype)
    got = activation.back(d, x, activation(x))
    assert got.dtype == dtype
    wide, e = x.astype("float64"), 1e-6
    far = np.zeros_like(wide)
    for k in range(3):  # softmax sees all three
        shift = np.where(np.arange(3) == k, e, 0)
        change = (activation(wide + shift) - activation(wide - shift)) / (2 * e)
        far[:, k] = np.sum(change * d, axis=-1)
    scale = 1 + np.abs(far)
    assert np.max(np.abs(got - far) / scale) <= {"float16": 2e-2, "float32": 1e-5, "float64": 1e-8}[dtype]


@pytest.mark.parametrize("activation", ["sigmoid", "silu", "softplus", "gelu", "gelu_tanh", "softsign", "tanh", "elu"])
def test_slopes_far_out_are_finite(activation):
    x = np.array([-1e4, -800.0, 800.0, 1e4])
    slope = get(activation).back(np.ones(4), x, get(activation)(x))
    assert np.all(np.abs(slope) <= 1 + 1e-12)


def test_an_activation_without_a_known_derivative_is_refused():
    one = layer("simple_rnn", activation=activations.Activation("cubed", lambda x: x**3))
    x, state = drawn(one)
    run = one.run(x, state)
    with pytest.raises(ValueError, match=r"activation must have a known derivative .*, got cubed"):
        one.backprop(run, run.outputs)
