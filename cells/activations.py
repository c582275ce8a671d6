"""Activations that Keras 3 has not: Keras 2's hard sigmoid, the squashings of 1997, those with numbers of their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="gateproof")
def hard_sigmoid_keras2(x: Any) -> Any:
    """clip(0.2·x + 0.5, 0, 1): `hard_sigmoid` of Keras 1 and 2 (tf_keras/src/backend.py, 2.21).

    Keras 3's `hard_sigmoid` is clip(x/6 + 0.5, 0, 1); the two differ by up to 1/12, at |x| = 2.5.
    """
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable(package="gateproof")
def sigmoid_in_1(x: Any) -> Any:
    """2 / (1 + exp(−x)) − 1, in (−1, 1): h of Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997"""
    return ops.sigmoid(x) * 2.0 - 1.0  # pyright: ignore[reportOptionalOperand, reportOperatorIssue]


@keras.saving.register_keras_serializable(package="gateproof")
def sigmoid_in_2(x: Any) -> Any:
    """4 / (1 + exp(−x)) − 2, in (−2, 2): g of the same paper"""
    return ops.sigmoid(x) * 4.0 - 2.0  # pyright: ignore[reportOptionalOperand, reportOperatorIssue]


def clip(x: Any, limit: float | None) -> Any:
    """x within ±limit; None: as it is."""
    if limit is None:
        return x
    most: Any = ops.convert_to_tensor(limit, x.dtype)  # PyTorch would take a plain number as float32
    return ops.clip(x, -most, most)


# Those that ONNX' recurrent operators take with numbers of their own (onnx/defs/rnn/defs.cc).
PARAMETRISED: dict[str, Callable[..., Any]] = {
    "affine": lambda x, slope, offset: slope * x + offset,
    "elu": lambda x, alpha: ops.elu(x, alpha),
    "hard_sigmoid": lambda x, slope, offset: ops.clip(slope * x + offset, 0.0, 1.0),
    "leaky_relu": lambda x, negative_slope: ops.leaky_relu(x, negative_slope),
    "scaled_tanh": lambda x, scale, slope: scale * ops.tanh(slope * x),
    "thresholded_relu": lambda x, threshold: ops.where(x > threshold, x, ops.zeros_like(x)),
}


@keras.saving.register_keras_serializable(package="gateproof")
class Parametric:
    """An activation with its numbers fixed, of an argument that is first held within ±clip where that is given.

    `function` is a key of `PARAMETRISED`, with its parameters, or, without parameters, any activation that `get` takes.
    ONNX' `clip` bounds the arguments of a cell's activations.

    Raises ValueError for an unknown name, or parameters that are not the function's.
    """

    def __init__(self, function: str, clip: float | None = None, **parameters: float) -> None:
        if function not in PARAMETRISED and parameters:
            raise ValueError(f"{function} takes no parameters, got {sorted(parameters)}")
        if parameters:
            takes = list(inspect.signature(PARAMETRISED[function]).parameters)[1:]
            if set(takes) != set(parameters):
                raise ValueError(f"{function} takes the parameters {takes}, got {sorted(parameters)}")
        self.function, self.clip, self.parameters = function, clip, parameters
        self._apply = PARAMETRISED[function] if parameters else get(function)

    def __call__(self, x: Any) -> Any:
        return self._apply(clip(x, self.clip), **self.parameters)

    def get_config(self) -> dict[str, Any]:
        return {"function": self.function, "clip": self.clip, **self.parameters}


OWN: dict[str, Callable[[Any], Any]] = {f.__name__: f for f in (hard_sigmoid_keras2, sigmoid_in_1, sigmoid_in_2)}


def get(identifier: Any) -> Callable[[Any], Any]:
    """`keras.activations.get`, which knows our names too. None is linear; raises ValueError for an unknown name."""
    return OWN[identifier] if isinstance(identifier, str) and identifier in OWN else keras.activations.get(identifier)
