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


OWN: dict[str, Callable[[Any], Any]] = {"hard_sigmoid_keras2": hard_sigmoid_keras2}


def get(identifier: Any) -> Callable[[Any], Any]:
    """`keras.activations.get`, which knows our names too. None is linear; raises ValueError for an unknown name."""
    return OWN[identifier] if isinstance(identifier, str) and identifier in OWN else keras.activations.get(identifier)
