"""Whether a network solves a problem: in training, and tested by the NumPy reference, which compiles nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

import reference
from comparisons.studies.part import Array
from comparisons.studies.problems import Problem

TEST = 2560  # sequences, as Hochreiter & Schmidhuber, 1997, test with
AT_ONCE = 320


def measures(problem: Problem) -> list[Any]:
    """Keras metrics: the part of the sequences that is wrong, and the mean absolute error."""

    def wrong(y: Any, predicted: Any) -> Any:
        furthest: Any = ops.max(ops.abs(y - predicted), axis=-1)
        return ops.cast(ops.logical_not(furthest < problem.limit), "float32")  # what is no number is wrong

    def error(y: Any, predicted: Any) -> Any:
        return ops.mean(ops.abs(y - predicted), axis=-1)

    return [wrong, error]


def last_judged(model: Any) -> dict[str, float]:
    """What the metrics said of the sequences of the last `fit`, each before the network was trained on it."""
    return {name: values[-1] for name, values in model.history.history.items()}


def oracle(model: Any) -> tuple[Any, Array, Array]:
    """The recurrent layer of a `network` in the reference, with the kernel and the bias of the dense one."""
    recurrent, dense = model.layers
    kernel, bias = map(np.array, dense.weights)
    return reference.read(recurrent), kernel, bias


def answers(problem: Problem, layer: Any, kernel: Array, bias: Array, x: Array) -> Array:
    """What a network of the reference says of the sequences `x (N, T, X)`: `(N, outputs)`."""
    last = []
    for k in range(0, len(x), AT_ONCE):  # the reference keeps every gate of every step
        a = layer.run(x[k : k + AT_ONCE]).outputs[:, -1] @ kernel + bias
        if problem.activation == "softmax":
            a = np.exp(a - a.max(-1, keepdims=True))
            a /= a.sum(-1, keepdims=True)
        last.append(a)
    return np.concatenate(last)


def wrong(problem: Problem, layer: Any, kernel: Array, bias: Array, x: Array, y: Array) -> int:
    """How many of the sequences it gets wrong, whose targets are `y (N, outputs)`."""
    return int((~(np.abs(answers(problem, layer, kernel, bias, x) - y).max(-1) < problem.limit)).sum())
