"""Activations, and the layers that are nothing else."""

from __future__ import annotations

import numpy as np

from reference import activations
from reference.files.era_values import HARD
from reference.stock.uses import Array, Use


def activate(name: str | None, x: Array, era: str = "keras2") -> Array:
    """An activation by Keras' name: `HARD`, and in era "keras" also hard_sigmoid, which there is Keras 3's.

    Raises ValueError for a name that is not known.
    """
    if name == "mish":
        return x * np.tanh(activations.softplus(x))
    if name == "log_softmax":
        shifted = x - x.max(-1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    if name == "leaky_relu":
        name = "leaky_relu_keras"
    if name == "hard_sigmoid":
        name = "hard_sigmoid_keras3" if era == "keras" else HARD
    return activations.get(name)(x)


def activation(use: Use) -> Array:
    """activation(x)"""
    return activate(use.config["activation"], use.x, use.era)


def leaky_relu(use: Use) -> Array:
    """x where x > 0, else negative_slope·x"""
    return activations.leaky_relu(use.x, use.get("negative_slope", 0.3))


def elu(use: Use) -> Array:
    """x where x > 0, else alpha·(exp(x) − 1)"""
    return activations.elu(use.x, use.get("alpha", 1.0))


def relu(use: Use) -> Array:
    """x from the threshold to max_value, max_value above, negative_slope·(x − threshold) below the threshold.

    At the threshold itself: 0, as x·(x > threshold) is.
    """
    threshold, slope, most = use.get("threshold", 0), use.get("negative_slope", 0), use.config.get("max_value")
    y = np.where(use.x > threshold, use.x, slope * (use.x - threshold))
    return y if most is None else np.where(use.x > threshold, np.minimum(y, most), y)


def prelu(use: Use) -> Array:
    """x where x > 0, else alpha·x, alpha one number an element and 1 on shared axes"""
    return np.where(use.x > 0, use.x, use.weights["alpha"] * use.x)


def softmax(use: Use) -> Array:
    """exp(x) / Σ exp(x) over the axis or axes; where the mask is False, x − 10⁹"""
    axis = use.get("axis", -1)
    x = use.x if use.mask is None else use.x + (1 - use.mask.astype(use.x.dtype)) * -1e9
    axes = tuple(axis) if isinstance(axis, list | tuple) else axis
    e = np.exp(x - x.max(axes, keepdims=True))
    return e / e.sum(axes, keepdims=True)
