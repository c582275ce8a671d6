"""Keras 2's hard sigmoid, which Keras 3 replaced by another function of the same name."""

from __future__ import annotations

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
    return 2 * ops.sigmoid(x) - 1


@keras.saving.register_keras_serializable(package="gateproof")
def sigmoid_in_2(x: Any) -> Any:
    """4 / (1 + exp(−x)) − 2, in (−2, 2): g of the same paper"""
    return 4 * ops.sigmoid(x) - 2


OWN: dict[str, Callable[[Any], Any]] = {f.__name__: f for f in (hard_sigmoid_keras2, sigmoid_in_1, sigmoid_in_2)}


def get(identifier: Any) -> Callable[[Any], Any]:
    """`keras.activations.get`, which knows our names too. None is linear; raises ValueError for an unknown name."""
    return OWN[identifier] if isinstance(identifier, str) and identifier in OWN else keras.activations.get(identifier)
