"""The same network of stock layers and of ours, trained in turns from the same weights on the same batches.

And a bag of words, which knows no order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

import cells
from comparisons.studies.part import Array
from comparisons.studies.sentiment.texts import Texts, read

# What is recurrent in each network; `home` is keras.layers, or cells.
NETWORKS: dict[str, Callable[[Any, int], list[Any]]] = {
    "bidirectional LSTM": lambda home, units: [layers.Bidirectional(home.LSTM(units))],
    "deep LSTM": lambda home, units: [home.LSTM(units, return_sequences=True), home.LSTM(units)],
    "GRU": lambda home, units: [home.GRU(units)],
}
STOCK, OURS, NUDGED = "stock", "ours", "stock, one weight nudged"
PADDING, UNKNOWN = 0, 1
AT_ONCE = 2048  # texts that are judged together


@dataclass(frozen=True)
class Sizes:
    """The sizes of a full run."""

    networks: tuple[str, ...] = tuple(NETWORKS)
    seeds: int = 3
    texts: int = 12_000  # that are used, or a study would take an hour
    vocabulary: int = 6000
    length: int = 64  # words of a text at most
    embedding: int = 32
    units: int = 32
    batch: int = 64
    epochs: int = 6
    bag_epochs: int = 10
    learning_rate: float = 3e-3


QUICK = Sizes(("GRU",), 1, 100, 200, 12, 8, 8, 8, 6, 6, 2e-2)


class Split(NamedTuple):
    """Texts as indices `(N, T)` and as bags `(N, V)`: those held out, those for validation, the rest."""

    indices: Array
    bag: Array
    positive: Array  # (N, 1), float32
    held_out: slice
    validation: slice
    train: Array  # rows


def split(texts: Texts, sizes: Sizes, seed: int, n: int) -> Split:
    """One half held out, a tenth of the other for validation, the rest for training; drawn anew for each of the seeds.

    The vocabulary is that of the training part alone. A text has its last words, as many as 95 % of the training texts
    have or `length`, and padding after them, which is masked.
    """
    order = np.random.default_rng([seed, 0, n]).permutation(len(texts.words))[: sizes.texts]
    half = len(order) // 2
    seen = half + half // 10
    counts = Counter(word for k in order[seen:] for word in texts.words[k])
    kept = sorted(counts, key=lambda word: (-counts[word], word))[: sizes.vocabulary - 2]
    index = {word: k for k, word in enumerate(kept, UNKNOWN + 1)}
    length = int(min(sizes.length, np.quantile([len(texts.words[k]) for k in order[seen:]], 0.95)))
    indices = np.full((len(order), length), PADDING, "int32")
    bag = np.zeros((len(order), len(kept) + 2), "float32")
    for row, known, k in zip(indices, bag, order, strict=True):
        numbers = [index.get(word, UNKNOWN) for word in texts.words[k]]
        last = numbers[-length:]
        row[: len(last)] = last
        known[numbers] = 1
    bag[:, UNKNOWN] = 0
    positive = texts.positive[order].astype("float32")[:, None]
    return Split(indices, bag, positive, slice(0, half), slice(half, seen), np.arange(seen, len(order)))


def network(name: str, home: Any, sizes: Sizes, words: int, length: int, seed: int) -> Any:
    """The compiled model, `(B, length)` indices -> `(B, 1)`: how likely a text is positive."""
    keras.utils.set_random_seed(seed)
    inside = NETWORKS[name](home, sizes.units)
    ends = layers.Embedding(words, sizes.embedding, mask_zero=True), layers.Dense(1, activation="sigmoid")
    model: Any = keras.Sequential([keras.Input((length,), dtype="int32"), ends[0], *inside, ends[1]])
    # Without XLA, which would take longer to compile than there is to train.
    model.compile(keras.optimizers.Adam(sizes.learning_rate), "binary_crossentropy", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


class Moment(NamedTuple):
    """After a stretch of steps."""

    loss: float
    seconds: float
    weights: Array  # all of them, in one row
    said: Array | None  # (N,) of what is not trained on, where an epoch ends


def trained(model: Any, data: Split, order: Array, points: Sequence[int], epoch: int, batch: int) -> Iterator[Moment]:
    """Train on the texts in this order, and stop at each of these steps."""
    done = 0
    for point in points:
        rows = order[done * batch : point * batch]
        begun = perf_counter()
        # One stretch is one call, the batches in their order.
        history = model.fit(data.indices[rows], data.positive[rows], batch_size=batch, shuffle=False, verbose=0).history
        seconds = perf_counter() - begun
        said = judged(model, data.indices[: data.train[0]]) if point % epoch == 0 else None
        yield Moment(history["loss"][0], seconds, flat(model.get_weights()), said)
        done = point


def judged(model: Any, x: Array) -> Array:
    """What the model says of each text, `(N,)`; without a graph of its own, which would have to be compiled."""
    numpy: Any = keras.ops.convert_to_numpy
    said = [numpy(model(x[k : k + AT_ONCE], training=False)) for k in range(0, len(x), AT_ONCE)]
    return np.concatenate(said)[:, 0].astype("float64")


def flat(arrays: Sequence[Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays]).astype("float64")


def measure(network_name: str, data: str | None, digest: str, quick: bool, seed: int, n: int) -> dict[str, Any]:
    """Stock and ours in turns, then stock once more with one weight the next float32: curves, distances, times.

    `digest` is that of the file, by which a piece that was kept is known to be of these texts.
    """
    sizes = QUICK if quick else Sizes()
    texts = read(data, quick)
    assert texts.digest == digest, "the file has changed since the study began"
    own = split(texts, sizes, seed, n)
    words, length = own.bag.shape[1], own.indices.shape[1]
    models = {
        name: network(network_name, home, sizes, words, length, 1000 * n + seed)
        for name, home in ((STOCK, layers), (OURS, cells))
    }
    stock = models[STOCK]
    begun = flat(stock.get_weights())
    drawn_apart = float(np.abs(flat(models[OURS].get_weights()) - begun).max())
    state = [keras.ops.convert_to_numpy(variable) for variable in stock.optimizer.variables]
    weights = stock.get_weights()

    batch = min(sizes.batch, len(own.train))
    epoch = len(own.train) // batch  # steps; of a batch that is not full nothing is seen
    rng = np.random.default_rng([seed, 1, n])
    order = np.concatenate([rng.permutation(own.train)[: epoch * batch] for _ in range(sizes.epochs)])
    early = [2**k for k in range(20) if 2**k < epoch]
    points = [*early, *(epoch * k for k in range(1, sizes.epochs + 1))]

    def going(name: str) -> Iterator[Moment]:
        return trained(models[name], own, order, points, epoch, batch)

    runs: dict[str, list[Moment]] = {STOCK: [], OURS: []}
    for one, other in zip(going(STOCK), going(OURS), strict=True):  # in turns: a busy machine slows both down
        runs[STOCK].append(one)
        runs[OURS].append(other)
    weights[-2] = weights[-2].copy()
    weights[-2].flat[0] = np.nextafter(weights[-2].flat[0], np.float32(np.inf))  # of the last layer's kernel
    stock.set_weights(weights)
    for variable, value in zip(stock.optimizer.variables, state, strict=True):
        variable.assign(value)
    runs[NUDGED] = list(going(STOCK))

    found = {name: _curves(run, points, epoch, own) for name, run in runs.items()}
    kept = int(np.argmin(found[STOCK]["validation loss"]))
    for name, other in ((OURS, runs[OURS]), (NUDGED, runs[NUDGED])):
        found[name]["apart"] = [
            float(np.linalg.norm(a.weights - b.weights) / np.linalg.norm(a.weights - begun))
            for a, b in zip(runs[STOCK], other, strict=True)
        ]
        ends = [(a.said[own.held_out], b.said[own.held_out]) for a, b in zip(runs[STOCK], other, strict=True)
                if a.said is not None and b.said is not None]  # fmt: skip
        found[name]["said apart"] = [float(np.abs(a - b).max()) for a, b in ends]
        found[name]["other class"] = [int(((a > 0.5) != (b > 0.5)).sum()) for a, b in ends]
    later = range(len(early) + 1, len(points))  # whole epochs, after the first, which compiles
    return {
        "sizes": {"train": len(own.train), "held out": own.held_out.stop, "words": words, "length": length},
        "drawn apart": drawn_apart,
        "points": points,
        "epoch": epoch,
        "kept": kept,
        "ratio": float(np.median([runs[STOCK][k].seconds / runs[OURS][k].seconds for k in later])),
        "seconds": {name: float(np.median([runs[name][k].seconds for k in later])) for name in (STOCK, OURS)},
        "runs": found,
    }


def _curves(run: Sequence[Moment], points: Sequence[int], epoch: int, own: Split) -> dict[str, Any]:
    """Of each epoch: the training loss, over its stretches, and what was right."""
    steps = np.diff([0, *points])
    of = (np.asarray(points) - 1) // epoch
    losses = np.array([moment.loss for moment in run])
    ends = [moment.said for moment in run if moment.said is not None]
    right = own.positive[:, 0]
    return {
        "training loss": [float(np.average(losses[of == k], weights=steps[of == k])) for k in range(of[-1] + 1)],
        "validation loss": [_entropy(said[own.validation], right[own.validation]) for said in ends],
        "accuracy": [accuracy(said[own.held_out], right[own.held_out]) for said in ends],
        "F1": [f1(said[own.held_out], right[own.held_out]) for said in ends],
    }


def bag_of_words(data: str | None, digest: str, quick: bool, seed: int, n: int) -> dict[str, Any]:
    """Logistic regression on which words a text has, and the larger class alone: accuracy and F1."""
    sizes = QUICK if quick else Sizes()
    texts = read(data, quick)
    assert texts.digest == digest, "the file has changed since the study began"
    own = split(texts, sizes, seed, n)
    keras.utils.set_random_seed(1000 * n + seed)
    model: Any = keras.Sequential([keras.Input(own.bag.shape[1:]), layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(5e-3), "binary_crossentropy", jit_compile=False)
    rng = np.random.default_rng([seed, 1, n])
    right, found = own.positive[:, 0], []
    for _ in range(sizes.bag_epochs):
        rows = rng.permutation(own.train)
        model.fit(own.bag[rows], own.positive[rows], batch_size=min(sizes.batch, len(rows)), shuffle=False, verbose=0)
        found.append(judged(model, own.bag[: own.train[0]]))
    losses = [_entropy(said[own.validation], right[own.validation]) for said in found]
    said, held = found[int(np.argmin(losses))][own.held_out], right[own.held_out]
    larger = float(right[own.train].mean() > 0.5)
    return {"accuracy": accuracy(said, held), "F1": f1(said, held), "majority": float((held == larger).mean())}


def accuracy(said: Array, right: Array) -> float:
    return float(((said > 0.5) == (right > 0.5)).mean())


def f1(said: Array, right: Array) -> float:
    """The mean of both classes' F1: 2 · hits / (said + there).

    >>> round(f1(np.array([0.9, 0.8, 0.1, 0.2]), np.array([1.0, 0.0, 0.0, 0.0])), 4)
    0.7333
    """
    each = []
    for a, b in ((said > 0.5, right > 0.5), (said <= 0.5, right <= 0.5)):
        each.append(2 * float((a & b).sum()) / max(1.0, float(a.sum() + b.sum())))
    return float(np.mean(each))


def _entropy(said: Array, right: Array) -> float:
    likely = np.clip(np.where(right > 0.5, said, 1 - said), 1e-7, 1)
    return float(-np.log(likely).mean())
