"""Clipping of gradients, by name, and what each framework's argument of that name does.

Each mode takes the arrays of one model's gradients, in any order and shape, and gives as many. The fifth mode, which
holds the messages of every step inside the backward pass, is `message_clip` of `Layer.backprop`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def by_value(gradients: Sequence[Array], limit: float) -> list[Array]:
    """Every entry within ±limit. The direction changes, but stays one of descent: ⟨g, clip(g)⟩ ≥ 0."""
    return [np.clip(g, -limit, limit) for g in gradients]


def by_norm(gradients: Sequence[Array], limit: float, *, epsilon: float = 0.0) -> list[Array]:
    """Each array scaled to a norm of at most the limit: g · min(1, limit / (‖g‖ + ε)). What the longer arrays lose
    the others keep, so the direction of the whole changes."""
    return [_scaled(g, _norm([g]) + epsilon, limit) for g in gradients]


def by_average_norm(gradients: Sequence[Array], limit: float) -> list[Array]:
    """Each array scaled as ‖g‖ over its number of entries says: the limit of ‖g‖ grows with the array."""
    return [_scaled(g, _norm([g]) / max(1, g.size), limit) for g in gradients]


def by_global_norm(gradients: Sequence[Array], limit: float, *, epsilon: float = 0.0) -> list[Array]:
    """All arrays by one factor, min(1, limit / (‖all of them‖ + ε)): the direction is kept."""
    norm = _norm(gradients) + epsilon
    return [_scaled(g, norm, limit) for g in gradients]


MODES: dict[str, Callable[..., list[Array]]] = {
    "value": by_value,
    "norm": by_norm,
    "average norm": by_average_norm,
    "global norm": by_global_norm,
}


def clip(gradients: Sequence[Array], mode: str, limit: float, **options: float) -> list[Array]:
    """The gradients clipped by the mode of that name.

    Raises ValueError for an unknown mode, a limit that is not positive, or gradients that are not finite.

    >>> clip([np.array([3.0, 4.0]), np.array([12.0])], "norm", 1.0)
    [array([0.6, 0.8]), array([1.])]
    >>> clip([np.array([3.0, 4.0]), np.array([12.0])], "global norm", 6.5)
    [array([1.5, 2. ]), array([6.])]
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    if not limit > 0:
        raise ValueError(f"limit must be above 0, got {limit!r}")
    arrays = [np.asarray(g) for g in gradients]
    if not all(np.isfinite(g).all() for g in arrays):
        raise ValueError("gradients must be finite to be clipped, got one that is not")
    return MODES[mode](arrays, limit, **options)


def _norm(gradients: Sequence[Array]) -> float:
    """The Euclidean norm of all entries, which overflows only where the result does."""
    return math.hypot(*(float(np.linalg.norm(g.ravel().astype("float64"))) for g in gradients))


def _scaled(g: Array, norm: float, limit: float) -> Array:
    return g if norm <= limit else (g * (limit / norm)).astype(g.dtype)


class Argument(NamedTuple):
    """What a framework's argument does."""

    framework: str
    argument: str
    mode: str
    epsilon: float
    source: str  # where this was read; "live" where a test asks the framework itself


ARGUMENTS = (
    Argument("Keras 0.1–2.3", "clipnorm", "global norm", 0.0, "keras/optimizers.py, Optimizer.get_gradients"),
    Argument("Keras 1.0–2.3", "clipvalue", "value", 0.0, "keras/optimizers.py, Optimizer.get_gradients"),
    Argument("tf.keras 2, tf-keras", "clipnorm", "norm", 0.0, "live"),
    Argument("tf.keras 2, tf-keras", "clipvalue", "value", 0.0, "live"),
    Argument("tf.keras 2, tf-keras", "global_clipnorm", "global norm", 0.0, "live"),
    Argument("Keras 3", "clipnorm", "norm", 0.0, "live"),
    Argument("Keras 3", "clipvalue", "value", 0.0, "live"),
    Argument("Keras 3", "global_clipnorm", "global norm", 0.0, "live"),
    Argument("TensorFlow", "tf.clip_by_value", "value", 0.0, "live"),
    Argument("TensorFlow", "tf.clip_by_norm", "norm", 0.0, "live"),
    Argument("TensorFlow", "tf.clip_by_global_norm", "global norm", 0.0, "live"),
    Argument("TensorFlow 1", "tf.clip_by_average_norm", "average norm", 0.0, "live"),
    Argument("PyTorch", "clip_grad_value_", "value", 0.0, "live"),
    Argument("PyTorch", "clip_grad_norm_", "global norm", 1e-6, "live"),
)
