"""One function written twice: a forget bias of 1 that is stored, and one that is added, from the same weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from comparisons.studies.forget_bias.curves import lstm, store
from comparisons.studies.judging import answers, oracle
from comparisons.studies.learning import network
from comparisons.studies.problems import ORDER
from comparisons.studies.restart import restart

DECAY = 0.1
SHOWN = 64  # sequences whose outputs are compared


class Condition(NamedTuple):
    """How both are trained; or, for comparison, two that store it, one of them with another last digit in a weight."""

    dtype: str = "float64"
    weight_decay: float | None = None
    digit: bool = False


CONDITIONS = {
    "float64": Condition(),
    "float32": Condition("float32"),
    f"float64, weight decay {DECAY:g}": Condition(weight_decay=DECAY),
    "float64, both stored, one last digit changed": Condition(digit=True),
}
DOUBLE, SINGLE, DECAYED, DIGIT = CONDITIONS


class Pair(NamedTuple):
    """What both networks get."""

    lag: int
    units: int
    seeds: int
    updates: tuple[int, ...]  # after which they are compared
    batch: int = 20
    rate: float = 0.003


def apart(condition: str, pair: list[Any], seed: int) -> list[dict[str, Any]]:
    """A dict a seed: after so many `updates`, the largest difference of any weight (`weights`; the forget bias counted
    with what is added to it) and of any output (`outputs`); and the mean forget bias of each network, with what is
    added to it (`stored`, `added`)."""
    asked, given = Pair(*pair), CONDITIONS[condition]
    both = (0.0, 0.0 if given.digit else 1.0)  # what is added at run time
    models = [
        network(
            lstm(asked.units, added, given.dtype),
            ORDER.inputs,
            ORDER.outputs,
            ORDER.activation,
            ORDER.loss,
            learning_rate=asked.rate,
            weight_decay=given.weight_decay,
            dtype=given.dtype,
        )
        for added in both
    ]
    return [_train(models, asked, [seed, n], both[1]) for n in range(asked.seeds)]


def _train(models: list[Any], asked: Pair, seed: list[int], at_run_time: float) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shown = ORDER.draw(np.random.default_rng([*seed, 1]), SHOWN, asked.lag)[0].astype(models[0].layers[0].compute_dtype)
    _alike(models, seed, at_run_time)
    one: dict[str, Any] = {"seed": seed[1], "weights": [], "outputs": [], "stored": [], "added": []}
    done = 0
    for updates in asked.updates:
        if updates > done:
            x, y = ORDER.draw(rng, (updates - done) * asked.batch, asked.lag)
            for model in models:
                model.fit(x, y, batch_size=asked.batch, shuffle=False, verbose=0)
            done = updates
        stored, added = ([np.array(v, "float64") for v in model.trainable_variables] for model in models)
        forget = slice(asked.units, 2 * asked.units)
        bias = [v.name for v in models[0].trainable_variables].index("bias")  # the recurrent layer's: it is the first
        added[bias][forget] += at_run_time
        one["weights"].append(max(float(np.abs(a - b).max()) for a, b in zip(stored, added, strict=True)))
        outputs = [answers(ORDER, *oracle(model), shown) for model in models]
        one["outputs"].append(float(np.abs(outputs[0] - outputs[1]).max()))
        one["stored"].append(float(stored[bias][forget].mean()))
        one["added"].append(float(added[bias][forget].mean()))
    return one


def _alike(models: list[Any], seed: list[int], at_run_time: float) -> None:
    """Both from the same initial weights but for the forget bias; or for a last digit, where none is added."""
    first, second = models
    restart(first, seed[0] * 1000 + seed[1])
    restart(second, seed[0] * 1000 + seed[1])
    second.set_weights(first.get_weights())
    for model, added in zip(models, (0.0, at_run_time), strict=True):
        store(model.layers[0], 1.0 - added)
    if not at_run_time:
        kernel = second.trainable_variables[0]
        values = np.array(kernel)
        values[0, 0] = np.nextafter(values[0, 0], 2)
        kernel.assign(values)
