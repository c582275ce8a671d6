"""A loss for the study of gradients, its exact gradient, and how far two gradients point the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from comparisons.studies.gradients.models import Model, layer
from comparisons.studies.part import Array
from reference import Layer


class Problem(NamedTuple):
    """A layer, what it ran on, and the gradient of its loss with respect to its outputs."""

    layer: Layer
    run: Any
    d_outputs: Array  # (B, T, H)

    def gradient(self, **options: Any) -> list[Array]:
        """The gradient with respect to each array of weights; `options` are those of `Layer.backprop`."""
        found = self.layer.backprop(self.run, self.d_outputs, **options)
        return [a for a in found.weights if a is not None]


def problem(
    model: Model, activation: str, shape: tuple[int, int, int], draw: np.random.Generator, scale: float = 1.0
) -> Problem:
    """Half the sum of squares between outputs and drawn targets over units and steps, the mean over the batch.

    `shape` is (batch, time, units); there are half as many inputs as units.
    """
    batch, steps, units = shape
    one = layer(model, activation, units // 2, units, draw, scale)
    run = one.run(draw.normal(size=(batch, steps, units // 2)))
    return Problem(one, run, (run.outputs - draw.normal(size=run.outputs.shape)) / batch)


def flat(arrays: Sequence[Array]) -> Array:
    """All of a gradient as one vector."""
    return np.concatenate([a.ravel() for a in arrays])


def cosine(a: Array, b: Array) -> float:
    """⟨a, b⟩ / (‖a‖ ‖b‖) of two vectors, however long; 0 where one of them is 0.

    >>> round(cosine(np.array([3e200, 0.0]), np.array([1e-200, 1e-200])), 4)
    0.7071
    """
    a, b = (v / max(np.abs(v).max(), np.finfo(float).tiny) for v in (a, b))
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), np.finfo(float).tiny))
