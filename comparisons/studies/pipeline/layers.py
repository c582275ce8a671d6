"""A sentence through Keras' own layers, given in five ways: alone, and padded behind or before, masked or not."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import reference
from comparisons.studies.part import Array
from comparisons.studies.pipeline.networks import Network, softmax
from comparisons.studies.pipeline.sentences import CLASSES, VOCABULARY, index, pad, tokenise

UNITS = 4  # of the layer, and numbers of a word: as many as a slide can show
LENGTH = 8  # what both sentences are padded to
ALONE = "alone"
WAYS = {  # of giving a sentence to the layer: where the padding stands, and whether it is masked
    ALONE: ("", False),
    "post, mask": ("post", True),
    "pre, mask": ("pre", True),
    "post, no mask": ("post", False),
    "pre, no mask": ("pre", False),
}
PADDED = [way for way in WAYS if way != ALONE]


class Sentence(NamedTuple):
    """What a sentence becomes, the later arrays by the way of giving it."""

    text: str
    words: list[str]
    numbers: list[int]
    padded: dict[str, Array]  # (T,)
    embedded: dict[str, Array]  # (T, X)
    states: dict[str, Array]  # (T, H), float32
    last: dict[str, Array]  # (H,)
    logits: dict[str, Array]  # (classes,)

    def heads(self, way: str) -> list[str]:
        """The words at the steps of a way."""
        names = list(VOCABULARY)
        return [names[number] for number in self.padded[way]]

    def far(self, way: str) -> float:
        """How far the last state is from that of the sentence alone, over its length."""
        return float(np.linalg.norm(self.last[way] - self.last[ALONE]) / np.linalg.norm(self.last[ALONE]))

    def chance(self, way: str) -> float:
        """The probability of praise."""
        return float(softmax(self.logits[way].astype("float64"))[1])

    def decision(self, way: str) -> str:
        return CLASSES[int(self.logits[way].argmax())]


def in_keras(network: Network) -> tuple[Any, Any, Any]:
    """Embedding, LSTM and Dense of Keras, in float32; without mask_zero, which would hand on a mask unasked."""
    import keras

    vocabulary, width = network.embedding.shape
    embedding, dense = keras.layers.Embedding(vocabulary, width), keras.layers.Dense(len(CLASSES))
    recurrent = keras.layers.LSTM(network.layer.units, return_sequences=True)
    arrays = list(reference.pack(network.layer, "keras").arrays.values())
    for layer, weights in (
        (embedding, [network.embedding]),
        (recurrent, arrays),
        (dense, [network.kernel, network.bias]),
    ):
        layer.build((None, None, weights[0].shape[0]) if layer is not embedding else (None, None))
        layer.set_weights(weights)
    return embedding, recurrent, dense


def through(text: str, layers: tuple[Any, Any, Any]) -> Sentence:
    """Every array of a sentence, by Embedding, LSTM and Dense."""
    embedding, recurrent, dense = layers
    words = tokenise(text)
    numbers = index(words)
    one = Sentence(text, words, numbers, {}, {}, {}, {}, {})
    for way, (where, masked) in WAYS.items():
        tokens = pad([numbers], LENGTH if where else len(numbers), where)
        vectors = embedding(tokens)
        states = recurrent(vectors, mask=tokens > 0 if masked else None)
        one.padded[way] = tokens[0]
        one.embedded[way], one.states[way] = np.array(vectors)[0], np.array(states)[0]
        one.last[way] = one.states[way][-1]
        one.logits[way] = np.array(dense(states[:, -1]))[0]
    return one
