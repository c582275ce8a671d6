"""Keras 2's own layers (tf-keras), for weights of ours alone: never for a user's file."""

from __future__ import annotations

from typing import Any

from comparisons.frameworks import absent, keras_family, versions
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference.layer import AnyLayer


def title() -> str:
    return f"Keras 2 (tf-keras {versions('keras2')['tf-keras'] or ''})".replace(" )", ")")


def missing() -> str | None:
    return absent("keras2")


def unable(case: Case, layer: AnyLayer) -> str | None:
    return keras_family.unable(layer, "keras2")


def run(case: Case, layer: AnyLayer, x: Any, mask: Any) -> Trace:
    """`tf_keras.layers.LSTM` and its like; forget_bias, which Keras has not, folded into the stored bias."""
    import tensorflow as tf
    import tf_keras

    stock = keras_family.stock(tf_keras.layers, tf.concat, "keras2", case.dtype)
    return keras_family.run(stock, case, layer, x, mask if mask is None else tf.constant(mask))
