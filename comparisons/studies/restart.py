"""A compiled model that learns again from other initial weights: compiling takes longer than a small network learns."""

from __future__ import annotations

from typing import Any

import keras


def restart(model: Any, seed: int) -> Any:
    """The model as if it had just been built after `keras.utils.set_random_seed(seed)`, and compiled.

    Its layers get weights from their own initializers, in their order, and its optimizer forgets what it has seen.
    """
    keras.utils.set_random_seed(seed)
    for layer in model.layers:
        twin = type(layer).from_config(layer.get_config())
        twin.build(layer.input.shape)
        layer.set_weights(twin.get_weights())
    rate = model.optimizer.learning_rate
    for variable in model.optimizer.variables:
        if variable is not rate:
            variable.assign(keras.ops.zeros_like(variable))
    return model
