"""Activation functions, by Keras' name; by era where one name means two functions.

Each is elementwise (softmax: over the last axis), keeps the dtype of its argument, and is written from the formula.
Sources: keras/src/activations/activations.py (3.15), tf_keras/src/activations.py (2.21).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def linear(x: Array) -> Array:
    """x"""
    return x


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(−x)), without overflow in either tail.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def hard_sigmoid(x: Array, slope: float, offset: float) -> Array:
    """clip(slope·x + offset, 0, 1)"""
    return np.clip(slope * x + offset, 0, 1)


def sigmoid_in_1(x: Array) -> Array:
    """2·sigmoid(x) − 1, in (−1, 1): h of Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997"""
    return 2 * sigmoid(x) - 1


def sigmoid_in_2(x: Array) -> Array:
    """4·sigmoid(x) − 2, in (−2, 2): g of the same paper"""
    return 4 * sigmoid(x) - 2


def relu(x: Array) -> Array:
    """max(x, 0)"""
    return np.maximum(x, 0)


def leaky_relu(x: Array, negative_slope: float) -> Array:
    """x where x > 0, else negative_slope·x"""
    return np.where(x > 0, x, negative_slope * x)


def exponential(x: Array) -> Array:
    """exp(x), infinity where that is too large"""
    with np.errstate(over="ignore"):
        return np.exp(x)


def softsign(x: Array) -> Array:
    """x / (1 + |x|)"""
    return x / (1 + np.abs(x))


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow"""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softmax(x: Array) -> Array:
    """exp(x) / Σ exp(x) over the last axis"""
    e = np.exp(x - np.max(x, axis=-1, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis=-1, keepdims=True)


def elu(x: Array) -> Array:
    """x where x > 0, else exp(x) − 1"""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def selu(x: Array) -> Array:
    """1.0507·elu(x), with 1.6733 before the negative side (Klambauer et al., arXiv 1706.02515 v5)"""
    return 1.0507009873554804934193349852946 * np.where(x > 0, x, 1.6732632423543772848170429916717 * elu(x))


def gelu(x: Array) -> Array:
    """x·Φ(x), Φ the normal distribution (exact, Keras' default)"""
    erf = np.frompyfunc(math.erf, 1, 1)(x * math.sqrt(0.5))
    return 0.5 * x * (1 + np.asarray(erf, x.dtype))


def gelu_tanh(x: Array) -> Array:
    """gelu's tanh approximation (the default of keras.ops.gelu and of JAX)"""
    with np.errstate(over="ignore"):  # float16's cube; tanh is ±1 there
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def silu(x: Array) -> Array:
    """x·sigmoid(x)"""
    return x * sigmoid(x)


def hard_tanh(x: Array) -> Array:
    """clip(x, −1, 1)"""
    return np.clip(x, -1, 1)


@dataclass(frozen=True)
class Activation:
    """A named function of one array, with its parameters fixed."""

    name: str
    function: Callable[..., Any] = field(repr=False)
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, x: Array) -> Array:
        # A quantity that is more than its value, such as one with an error bound, knows what becomes of it.
        return x.activated(self) if hasattr(x, "activated") else self.function(x, **self.parameters)

    def __str__(self) -> str:
        values = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name}({values})" if values and self.name in AMBIGUOUS else self.name


# Keras 2: clip(0.2·x + 0.5, 0, 1). Keras 3: relu6(x + 3)/6. The same name in both.
HARD_SIGMOIDS = {
    "hard_sigmoid_keras2": {"slope": 0.2, "offset": 0.5},
    "hard_sigmoid_keras3": {"slope": 1 / 6, "offset": 0.5},
}
# keras.activations and tf.nn; the LeakyReLU layer of Keras 2 and 3; ONNX and PyTorch.
LEAKY_SLOPES = {"leaky_relu_keras": 0.2, "leaky_relu_layer": 0.3, "leaky_relu_onnx": 0.01}

PLAIN: dict[str, Callable[..., Any]] = {
    "elu": elu,
    "exponential": exponential,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "hard_tanh": hard_tanh,
    "linear": linear,
    "relu": relu,
    "selu": selu,
    "sigmoid": sigmoid,
    "sigmoid_in_1": sigmoid_in_1,
    "sigmoid_in_2": sigmoid_in_2,
    "silu": silu,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "tanh": np.tanh,
}
AMBIGUOUS = {
    "hard_sigmoid": "hard_sigmoid_keras2, clip(0.2·x + 0.5, 0, 1), or hard_sigmoid_keras3, clip(x/6 + 0.5, 0, 1)",
    "leaky_relu": "leaky_relu_keras (slope 0.2), leaky_relu_layer (0.3) or leaky_relu_onnx (0.01)",
}


@cache
def _named() -> dict[str, Activation]:
    plain = {name: Activation(name, function) for name, function in PLAIN.items()}
    hard = {name: Activation(name, hard_sigmoid, p) for name, p in HARD_SIGMOIDS.items()}
    leaky = {name: Activation(name, leaky_relu, {"negative_slope": slope}) for name, slope in LEAKY_SLOPES.items()}
    return {**plain, **hard, **leaky, "swish": plain["silu"]}


def names() -> list[str]:
    """Every name that `get` takes."""
    return sorted(_named())


def get(identifier: str | Activation | None, **parameters: float) -> Activation:
    """The activation of that name; None is linear.

    `parameters` belong to `hard_sigmoid` (slope, offset) and `leaky_relu` (negative_slope), whose values differ by
    source: without them those two names are refused.

    Raises ValueError for an unknown name, or one that means two functions.

    >>> get("hard_sigmoid_keras2")(np.array([-1.0, 1.0]))
    array([0.3, 0.7])
    """
    if isinstance(identifier, Activation):
        return identifier
    name = "linear" if identifier is None else identifier
    if name in AMBIGUOUS:
        function, takes = {
            "hard_sigmoid": (hard_sigmoid, {"slope", "offset"}),
            "leaky_relu": (leaky_relu, {"negative_slope"}),
        }[name]
        if set(parameters) != takes:
            raise ValueError(f"{name} names more than one function: say {AMBIGUOUS[name]}, or give {sorted(takes)}")
        return Activation(name, function, parameters)
    if parameters:
        raise ValueError(f"{name} takes no parameters, got {sorted(parameters)}")
    if name not in _named():
        raise ValueError(f"activation must be one of {', '.join(names())}, got {name!r}")
    return _named()[name]


LINEAR, SIGMOID, TANH = get("linear"), get("sigmoid"), get("tanh")
