"""Two sentences of five characters, learned by small networks: one-hot in, the next character out.

The first, 公主很漂亮 (the princess is very pretty), has each character once: what comes next is known from the one that
was read. With the second, 王子很高大 (the prince is tall and big), it is not: both have 很, and what comes after it
depends on what was read before. Trained in float64 by the gradients of `reference`, which needs no compiling.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from comparisons.studies.gradients.models import ELMAN, GRU, LSTM_1, generator, layer
from comparisons.studies.part import Array
from reference import Layer

SENTENCES = ("公主很漂亮", "王子很高大")
SHARED = 2  # the step that reads 很 in both
TASKS = {"one sentence": SENTENCES[:1], "two sentences": SENTENCES}
MODELS = {"LSTM": LSTM_1, "GRU": GRU, "Elman": ELMAN}
MEMORYLESS = "no memory"  # the dense layer alone: a table of what follows each character
UNITS, RATE = 8, 0.03


class Network:
    """A recurrent layer, or none, under a dense one with softmax; Adam (Kingma & Ba, arXiv 1412.6980 v9)."""

    def __init__(self, name: str, characters: int, draw: np.random.Generator) -> None:
        self.layer: Layer | None = None
        width = characters
        if name != MEMORYLESS:
            self.layer, width = layer(MODELS[name], "tanh", characters, UNITS, draw), UNITS
        limit = np.sqrt(6 / (width + characters))
        self.kernel, self.bias = draw.uniform(-limit, limit, (width, characters)), np.zeros(characters)
        self._moments: list[tuple[Array, Array]] = []
        self._step = 0

    def says(self, x: Array, state: Any = None) -> tuple[Array, Any]:
        """One-hot `(B, T, V)` -> probabilities of the next character `(B, T, V)`, and the run of the layer."""
        run = None if self.layer is None else self.layer.run(x, state)
        logits = (x if run is None else run.outputs) @ self.kernel + self.bias
        likely = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return likely / likely.sum(axis=-1, keepdims=True), run

    def train(self, x: Array, target: Array) -> Array:
        """One step on all sequences; the probabilities before it."""
        likely, run = self.says(x)
        d = (likely - target) / target.sum()  # of the mean cross-entropy, in nats
        below = x if run is None else run.outputs
        gradients = [np.einsum("bth,btv->hv", below, d), d.sum(axis=(0, 1))]
        arrays = [self.kernel, self.bias]
        if self.layer is not None and run is not None:
            weights = self.layer.weights
            back = self.layer.backprop(run, d @ self.kernel.T).weights
            names = [name for name in weights._fields if getattr(weights, name) is not None]
            arrays += [getattr(weights, name) for name in names]
            gradients += [getattr(back, name) for name in names]
            moved = self._adam(arrays, gradients)
            self.layer = replace(self.layer, weights=weights._replace(**dict(zip(names, moved[2:], strict=True))))
        else:
            moved = self._adam(arrays, gradients)
        self.kernel, self.bias = moved[:2]
        return likely

    def _adam(self, arrays: list[Array], gradients: list[Array]) -> list[Array]:
        self._step += 1
        before = self._moments or [(np.zeros_like(a), np.zeros_like(a)) for a in arrays]
        self._moments = [
            (0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g) for (m, v), g in zip(before, gradients, strict=True)
        ]
        scale = np.sqrt(1 - 0.999**self._step) / (1 - 0.9**self._step)
        return [a - RATE * scale * m / (np.sqrt(v) + 1e-8) for a, (m, v) in zip(arrays, self._moments, strict=True)]


def measure(task: str, network: str, steps: int, seed: int, seeds: int) -> list[dict[str, Any]]:
    """Train one network with so many seeds: what `learned` finds of each."""
    return [learned(task, network, steps, seed, n) for n in range(seeds)]


def learned(task: str, network: str, steps: int, seed: int, n: int) -> dict[str, Any]:
    """Train one network: its curve in bits per character, when all was right, what it says, holds and generates."""
    sentences = TASKS[task]
    characters = "".join(dict.fromkeys("".join(sentences)))
    one_hot = np.eye(len(characters))
    given = np.array([[characters.index(c) for c in sentence] for sentence in sentences])
    x, target = one_hot[given[:, :-1]], one_hot[given[:, 1:]]
    model = Network(network, len(characters), generator(seed, 10, n))
    bits, right = [], []
    for _ in range(steps):
        likely = model.train(x, target)
        bits.append(float(-np.log2((likely * target).sum(axis=-1)).mean()))
        right.append(bool((likely.argmax(axis=-1) == given[:, 1:]).all()))
    likely, run = model.says(x)
    wrong = [k for k, ok in enumerate(right) if not ok]
    since = wrong[-1] + 1 if wrong else 0
    found: dict[str, Any] = {
        "characters": characters,
        "bits": bits,
        "learned": since if since < steps else None,  # all right after so many steps, and from then on
        "probabilities": likely.tolist(),
        "generated": [_greedy(model, characters, sentence) for sentence in sentences],
    }
    if run is not None:
        states = run.states._asdict()
        found["states"] = {name: array.tolist() for name, array in states.items()}
        found["exchanged"] = _exchanged(model, x, given)
    return found


def _greedy(model: Network, characters: str, sentence: str) -> str:
    """From the sentence's first character on, always the likeliest next one."""
    said = sentence[0]
    while len(said) < len(sentence):
        x = np.eye(len(characters))[[[characters.index(c) for c in said]]]
        said += characters[int(model.says(x)[0][0, -1].argmax())]
    return said


def _exchanged(model: Network, x: Array, given: Array) -> list[float]:
    """What is said after 很, of the other sentence's next character, where its state before 很 is put in: `(B,)`."""
    if len(x) < 2 or model.layer is None:
        return []
    before = model.layer.run(x[:, :SHARED]).state
    other = type(before)(*(field[::-1] for field in before))
    likely, _ = model.says(x[:, SHARED : SHARED + 1], other)
    return [float(likely[row, 0, given[1 - row, SHARED + 1]]) for row in range(len(x))]
