"""Recurrent networks of our layers that learn a text: windows of it in, one-hot, the next character out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

import reference
from comparisons.studies.learning import LEARNERS
from comparisons.studies.next_character import signs
from comparisons.studies.next_character.text import MOST, Text, counted, read
from comparisons.studies.part import Array


@dataclass(frozen=True)
class Sizes:
    """The sizes of a full run."""

    networks: tuple[str, ...] = ("LSTM", "GRU", "Elman")
    seeds: int = 3
    characters: int = MOST
    units: int = 96
    window: int = 64
    batch: int = 32
    steps: int = 800
    every: int = 80
    learning_rate: float = 1e-2
    sample: int = 240  # characters that are generated
    shown: int = 480  # of the held-out part, that are drawn


QUICK = Sizes(("LSTM",), 1, 4000, 12, 12, 8, 30, 15, 2e-2, 60, 80)
TEMPERATURE = 0.7


def network(name: str, characters: int, sizes: Sizes, seed: int) -> Any:
    """The compiled model: numbers `(B, T)` -> logits of the next character `(B, T, V)`."""
    keras.utils.set_random_seed(seed)
    model: Any = keras.Sequential(
        [
            keras.Input((sizes.window,), dtype="int32"),
            layers.Embedding(characters, characters, embeddings_initializer="identity", trainable=False),  # one-hot
            LEARNERS[name](sizes.units, return_sequences=True),
            layers.Dense(characters),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(sizes.learning_rate, global_clipnorm=1.0), loss, jit_compile=False)
    return model


def measured(text: Text, window: int) -> tuple[Array, Array]:
    """Windows of the held-out part that overlap by half, `(N, window + 1)`, and the positions that are judged.

    Of each window the second half, which has half a window before it at least.
    """
    half = window // 2
    starts = np.arange(0, len(text.held_out) - window, half)
    rows = text.held_out[starts[:, None] + np.arange(window + 1)]
    return rows, (starts[:, None] + np.arange(window - half + 1, window + 1)).ravel()


def bits(model: Any, rows: Array) -> float:
    """Bits per character of the windows' second halves."""
    window = rows.shape[1] - 1
    numpy: Any = keras.ops.convert_to_numpy
    logits = numpy(model(rows[:, :-1], training=False)).astype("float64")
    logits, target = logits[:, window // 2 :], rows[:, 1 + window // 2 :]
    most = logits.max(axis=-1, keepdims=True)
    logs = logits - most - np.log(np.exp(logits - most).sum(axis=-1, keepdims=True))
    return float(-np.take_along_axis(logs, target[..., None], axis=-1).mean() / np.log(2))


def measure(name: str, path: str | None, digest: str, quick: bool, seed: int, n: int) -> dict[str, Any]:
    """Train one network; its curve on the held-out part, what it generates, and a unit that tells something.

    `digest` is that of the file, by which a piece that was kept is known to be of this text.
    """
    sizes = QUICK if quick else Sizes()
    text = read(path, sizes.characters)
    assert text.digest == digest, "the file has changed since the study began"
    rng = np.random.default_rng([seed, 11, n])
    model = network(name, len(text.characters), sizes, 1000 * n + seed)
    untrained = read_layer(model)
    rows, judged = measured(text, sizes.window)
    curve = [bits(model, rows)]
    for _ in range(sizes.steps // sizes.every):
        starts = rng.integers(0, len(text.train) - sizes.window, sizes.every * sizes.batch)
        windows = text.train[starts[:, None] + np.arange(sizes.window + 1)]
        model.fit(windows[:, :-1], windows[:, 1:], batch_size=sizes.batch, shuffle=False, verbose=0)
        curve.append(bits(model, rows))
    layer = read_layer(model)
    dense = [array.astype("float64") for array in model.layers[-1].get_weights()]
    sample = generate(layer, dense, text, sizes.sample, rng)
    return {
        "steps": list(range(0, sizes.steps + 1, sizes.every)),
        "bits": curve,
        "sample": "".join(text.characters[k] for k in sample),
        "unit": signs.telling(layer, untrained, text, sizes.shown, sample),
        "parameters": model.count_params() - len(text.characters) ** 2,
        "judged": len(judged),
    }


def read_layer(model: Any) -> reference.Layer:
    """The model's recurrent layer, in float64."""
    layer = reference.read(model.layers[1])
    assert isinstance(layer, reference.Layer)
    return layer.astype("float64")


def generate(
    layer: reference.Layer, dense: list[Array], text: Text, length: int, rng: np.random.Generator
) -> list[int]:
    """So many characters, drawn at TEMPERATURE, after the last of the training part."""
    one_hot = np.eye(len(text.characters))
    run = layer.run(one_hot[text.train[-64:]][None])
    said: list[int] = []
    for _ in range(length):
        logits = (run.outputs[0, -1] @ dense[0] + dense[1]) / TEMPERATURE
        logits[-1] = -np.inf  # never the sign for all others
        likely = np.exp(logits - logits.max())
        said.append(int(rng.choice(len(likely), p=likely / likely.sum())))
        run = layer.run(one_hot[said[-1]][None, None], run.state)
    return said


def by_counting(path: str | None, digest: str, quick: bool) -> dict[str, float]:
    """Bits per character of n-grams, by their order, at the same places."""
    sizes = QUICK if quick else Sizes()
    text = read(path, sizes.characters)
    assert text.digest == digest, "the file has changed since the study began"
    return {str(order): value for order, value in counted(text, measured(text, sizes.window)[1]).items()}
