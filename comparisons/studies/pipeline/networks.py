"""Networks that tell praise from blame: Embedding, a recurrent layer, Dense; trained with the padding seen or masked.

They begin with Keras' own initial weights and are trained in float64 with the gradients of `reference`: for networks as
small as these, compiling would take longer than training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import reference
from comparisons.studies.part import Array
from comparisons.studies.pipeline.sentences import CLASSES, VOCABULARY, arrays, split
from reference.gradient_clipping import clip

CELLS = {"Elman": "SimpleRNN", "LSTM": "LSTM", "GRU": "GRU"}  # Keras' names
MASKED = "mask"  # the layer is told which steps are padding; it may stand anywhere
TRAININGS = (MASKED, "pre", "post")


@dataclass
class Network:
    """The arrays of the three layers; `tokens` are numbers `(B, T)`, `mask` is True where a step counts."""

    embedding: Array  # (vocabulary, X)
    layer: Any  # reference.Layer of X inputs and H units
    kernel: Array  # (H, classes)
    bias: Array  # (classes,)

    def states(self, tokens: Array, mask: Array | None = None) -> Array:
        """The states `(B, T, H)`."""
        return self.layer.run(self.embedding[tokens], mask=mask).states.h

    def right(self, states: Array, classes: Array) -> float:
        """The share of states `(B, H)` from which the class is read that it is."""
        return float(((states @ self.kernel + self.bias).argmax(axis=-1) == classes).mean())

    def gradients(self, tokens: Array, classes: Array, mask: Array | None) -> list[Array]:
        """Those of the mean cross entropy, with respect to `weights()`."""
        run = self.layer.run(self.embedding[tokens], mask=mask)
        last = run.states.h[:, -1]
        d = softmax(last @ self.kernel + self.bias)
        d[np.arange(len(d)), classes] -= 1
        d /= len(d)
        d_outputs = np.zeros_like(run.outputs)
        d_outputs[:, -1] = d @ self.kernel.T
        back = self.layer.backprop(run, d_outputs)
        chosen = np.eye(len(self.embedding))[tokens.ravel()]  # (B T, vocabulary)
        d_embedding = chosen.T @ back.inputs.reshape(len(chosen), -1)
        return [d_embedding, last.T @ d, d.sum(axis=0), *(a for a in back.weights if a is not None)]

    def weights(self) -> list[Array]:
        """The arrays that are trained, the layer's last."""
        return [self.embedding, self.kernel, self.bias, *(a for a in self.layer.weights if a is not None)]


def softmax(logits: Array) -> Array:
    """Probabilities, over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def fresh(cell: str, units: int, seed: int) -> Network:
    """With Keras' initial weights, as many units as the embedding is wide."""
    import keras

    keras.utils.set_random_seed(seed)
    embedding, dense = keras.layers.Embedding(len(VOCABULARY), units), keras.layers.Dense(len(CLASSES))
    recurrent = getattr(keras.layers, CELLS[cell])(units, return_sequences=True)
    for layer, shape in ((embedding, (None, None)), (recurrent, (None, None, units)), (dense, (None, units))):
        layer.build(shape)
    wide = lambda layer: [np.asarray(a, "float64") for a in layer.get_weights()]
    kernel, bias = wide(dense)
    return Network(wide(embedding)[0], reference.read(recurrent).astype("float64"), kernel, bias)


def trained(
    cell: str, units: int, training: str, length: int, epochs: int, seed: int, batch: int = 32, rate: float = 0.01
) -> Network:
    """A network after training on half of the corpus, padded to `length`: Adam, the global norm clipped at 1."""
    network = fresh(cell, units, seed)
    tokens, classes = arrays(split(seed)[0], length, "post" if training == MASKED else training)
    draw = np.random.default_rng([seed, 1])
    moments = [(np.zeros_like(a), np.zeros_like(a)) for a in network.weights()]
    step = 0
    for _ in range(epochs):
        order = draw.permutation(len(tokens))
        for begin in range(0, len(tokens), batch):
            step += 1
            rows = order[begin : begin + batch]
            seen = tokens[rows] > 0 if training == MASKED else None
            gradients = clip(network.gradients(tokens[rows], classes[rows], seen), "global norm", 1.0)
            _adam(network.weights(), gradients, moments, step, rate)
    return network


def _adam(weights: Sequence[Array], gradients: Sequence[Array], moments: Any, step: int, rate: float) -> None:
    """One step of Kingma and Ba's Adam (arXiv 1412.6980 v9) in place, with Keras' defaults."""
    for w, g, (m, v) in zip(weights, gradients, moments, strict=True):
        m += 0.1 * (g - m)
        v += 0.001 * (g**2 - v)
        w -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-7)
