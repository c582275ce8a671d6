"""Activation functions, by Keras' name; by era where one name means two functions.

Each is elementwise (softmax: over the last axis), keeps the dtype of its argument, and is written from the formula.
Sources: keras/src/activations/activations.py (3.15), tf_keras/src/activations.py (2.21).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def linear(x: Array) -> Array:
    """x"""
    return x


def sigmoid(x: Array) -> Array:
    """exp(x) / (1 + exp(x)), exact in both tails.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    # Above as many as the bits of a fraction it rounds to 1, and exp(x) is finite below, in float16 too.
    e = np.exp(np.minimum(x, np.finfo(x.dtype).nmant))
    return e / (1 + e)


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


def elu(x: Array, alpha: float = 1.0) -> Array:
    """x where x > 0, else alpha·(exp(x) − 1)"""
    below = np.expm1(np.minimum(x, 0))
    return np.where(x > 0, x, below if alpha == 1 else alpha * below)


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


def affine(x: Array, slope: float, offset: float) -> Array:
    """slope·x + offset"""
    return slope * x + offset


def scaled_tanh(x: Array, scale: float, slope: float) -> Array:
    """scale·tanh(slope·x)"""
    return scale * np.tanh(slope * x)


def thresholded_relu(x: Array, threshold: float) -> Array:
    """x where x > threshold, else 0"""
    return np.where((x > threshold) | np.isnan(x), x, 0)


@dataclass(frozen=True)
class Activation:
    """A named function of one array, with its parameters fixed, and of that array within ±clip where that is given."""

    name: str
    function: Callable[..., Any] = field(repr=False)
    parameters: Mapping[str, float] = field(default_factory=dict)
    clip: float | None = None

    def __call__(self, x: Array) -> Array:
        # A quantity that is more than its value, such as one with an error bound, knows what becomes of it.
        activated = getattr(x, "activated", None)
        if activated is not None:
            return activated(self)
        return self.function(x if self.clip is None else np.clip(x, -self.clip, self.clip), **self.parameters)

    def back(self, d: Array, x: Array | Callable[[], Array], y: Array) -> Array:
        """∂L/∂x from `d` = ∂L/∂y, where y = self(x): `reference.slopes.back`."""
        from reference.slopes import back

        return back(self, d, x, y)

    def __str__(self) -> str:
        values = dict(self.parameters) if self.name in PARAMETRISED else {}
        values |= {} if self.clip is None else {"clip": self.clip}
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in values.items())})" if values else self.name


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
# Those of ONNX' recurrent operators (onnx/defs/rnn/defs.cc) among them.
PARAMETRISED: dict[str, tuple[Callable[..., Any], frozenset[str]]] = {
    "affine": (affine, frozenset({"slope", "offset"})),
    "elu": (elu, frozenset({"alpha"})),
    "hard_sigmoid": (hard_sigmoid, frozenset({"slope", "offset"})),
    "leaky_relu": (leaky_relu, frozenset({"negative_slope"})),
    "scaled_tanh": (scaled_tanh, frozenset({"scale", "slope"})),
    "thresholded_relu": (thresholded_relu, frozenset({"threshold"})),
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


def get(identifier: str | Activation | None, clip: float | None = None, **parameters: float) -> Activation:
    """The activation of that name; None is linear.

    `parameters` are those of a function in `PARAMETRISED`; all must be given, but that elu is elu(alpha=1) without.
    `clip` bounds the argument.

    Raises ValueError for an unknown name, one that means two functions, or parameters that are not the function's.

    >>> get("hard_sigmoid_keras2")(np.array([-1.0, 1.0]))
    array([0.3, 0.7])
    >>> print(get("elu", clip=3.0, alpha=0.5))
    elu(alpha=0.5, clip=3.0)
    """
    if isinstance(identifier, Activation):
        return identifier
    name = "linear" if identifier is None else identifier
    if name in AMBIGUOUS or (name in PARAMETRISED and (parameters or name not in PLAIN)):
        function, takes = PARAMETRISED[name]
        if set(parameters) != takes:
            if name in AMBIGUOUS:
                raise ValueError(f"{name} names more than one function: say {AMBIGUOUS[name]}, or give {sorted(takes)}")
            raise ValueError(f"{name} takes the parameters {sorted(takes)}, got {sorted(parameters)}")
        return Activation(name, function, parameters, clip)
    if parameters:
        raise ValueError(f"{name} takes no parameters, got {sorted(parameters)}")
    if name not in _named():
        raise ValueError(f"activation must be one of {', '.join(names())}, got {name!r}")
    return _named()[name] if clip is None else replace(_named()[name], clip=clip)


LINEAR, SIGMOID, TANH = get("linear"), get("sigmoid"), get("tanh")
