"""The derivative of every activation function, from its value, or where that does not tell from its argument too.

At a kink it is the derivative of the flat side where there is one, as TensorFlow and PyTorch have it for relu.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from reference import activations as of
from reference.activations import Activation, Array


def _normal(x: Array) -> Array:
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _gelu(x: Array, y: Array) -> Array:
    """Φ(x) + x·Φ'(x)"""
    erf = np.frompyfunc(math.erf, 1, 1)(x * math.sqrt(0.5))
    return (1 + np.asarray(erf, x.dtype)) / 2 + x * _normal(x)


def _gelu_tanh(x: Array, y: Array) -> Array:
    a = math.sqrt(2 / math.pi)
    tanh = np.tanh(a * (x + 0.044715 * x * x * x))
    return (1 + tanh + x * (1 - tanh * tanh) * a * (1 + 3 * 0.044715 * x * x)) / 2


def _silu(x: Array, y: Array) -> Array:
    s = of.sigmoid(x)
    return s + y * (1 - s)


def _scaled_tanh(x: Array, y: Array, scale: float, slope: float) -> Array:
    tanh = np.tanh(slope * x)
    return scale * slope * (1 - tanh * tanh)


_SELU = 1.0507009873554804934193349852946
_SELU_BELOW = _SELU * 1.6732632423543772848170429916717

OF_VALUE: dict[Callable[..., Any], Callable[..., Any]] = {
    np.tanh: lambda y: 1 - y * y,
    of.affine: lambda y, slope, offset: slope,
    of.exponential: lambda y: y,
    of.hard_sigmoid: lambda y, slope, offset: np.where((y > 0) & (y < 1), slope, 0),
    of.linear: lambda y: 1,
    of.sigmoid: lambda y: y * (1 - y),
    of.sigmoid_in_1: lambda y: (1 + y) * (1 - y) / 2,
    of.sigmoid_in_2: lambda y: (2 + y) * (2 - y) / 4,
}
OF_ARGUMENT: dict[Callable[..., Any], Callable[..., Any]] = {
    of.elu: lambda x, y, alpha=1.0: np.where(x > 0, 1, y + alpha),
    of.gelu: _gelu,
    of.gelu_tanh: _gelu_tanh,
    of.hard_tanh: lambda x, y: np.abs(x) < 1,
    of.leaky_relu: lambda x, y, negative_slope: np.where(x > 0, 1, negative_slope),
    of.relu: lambda x, y: x > 0,
    of.scaled_tanh: _scaled_tanh,
    of.selu: lambda x, y: np.where(x > 0, _SELU, y + _SELU_BELOW),
    of.silu: _silu,
    of.softplus: lambda x, y: of.sigmoid(x),
    of.softsign: lambda x, y: 1 / (1 + np.abs(x)) ** 2,
    of.thresholded_relu: lambda x, y, threshold: x > threshold,
}


def back(activation: Activation, d: Array, x: Array | Callable[[], Array], y: Array) -> Array:
    """The gradient with respect to the argument x, from the gradient `d` with respect to `y = activation(x)`.

    `x` may be a function that gives it, called only where the value does not tell the slope.

    Raises ValueError for a function whose derivative is not known.
    """
    function, parameters = activation.function, activation.parameters
    if activation.clip is None and function in OF_VALUE:
        return d * np.asarray(OF_VALUE[function](y, **parameters), y.dtype)
    if activation.clip is None and function is of.softmax:  # the one that is not elementwise
        return y * (d - np.sum(d * y, axis=-1, keepdims=True))
    x = x() if callable(x) else x
    if activation.clip is not None:
        outside = np.abs(x) > activation.clip
        return np.where(outside, 0, back(replace(activation, clip=None), d, np.where(outside, 0, x), y))
    if function not in OF_ARGUMENT:
        raise ValueError(f"activation must have a known derivative to be gone back through, got {activation}")
    return d * np.asarray(OF_ARGUMENT[function](x, y, **parameters), y.dtype)
