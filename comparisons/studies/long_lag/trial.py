"""A learner, a problem and a lag: how many sequences until it is solved."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from comparisons.studies.judging import TEST, last_judged, measures, oracle, wrong
from comparisons.studies.learning import learn, network
from comparisons.studies.long_lag.learners import STARTS, begin, units_of
from comparisons.studies.problems import PROBLEMS
from comparisons.studies.restart import restart


class Asked(NamedTuple):
    """Of a problem: the lags, and the rates of learning, of which each learner and lag has the better one."""

    lags: tuple[int, ...]
    rates: tuple[float, ...]


class Trial(NamedTuple):
    """What every learner gets alike."""

    seeds: int
    most: int  # sequences, after which a network is given up
    polish: int = 10_000  # once it stores what matters, so many more at most
    window: int = 2000  # the paper's: so many sequences in a row must be right
    batch: int = 20
    budget: int = 1000  # parameters of the recurrent layer


def learns(problem: str, start: list[str], lag: int, rate: float, trial: list[Any], seed: int) -> list[dict[str, Any]]:
    """A dict a seed: whether what matters was `stored` and the problem `solved`, after how many sequences (`storing`,
    `sequences`); of TEST others, how many are `wrong`; the mean error of each window (`errors`)."""
    asked, given, begun = Trial(*trial), PROBLEMS[problem], STARTS[start[0], start[1]]
    layer = begun.layer(units_of(start[1], given.inputs, asked.budget))
    model = network(
        layer,
        given.inputs,
        given.outputs,
        given.activation,
        given.loss,
        learning_rate=rate,
        metrics=measures(given),
        steps_per_execution=min(25, asked.window // asked.batch),
    )
    draw = lambda rng, sequences: given.draw(rng, sequences, lag)
    found = []
    for n in range(asked.seeds):
        restart(model, seed * 1000 + n)
        begin(layer, begun, lag, [seed, n, lag])
        stored: list[bool] = []  # a window

        def enough(judged: dict[str, float], stored: list[bool] = stored) -> bool:
            stored.append(given.stored(judged))
            return given.solved(judged) or sum(stored) * asked.window > asked.polish

        of = (seed, n, lag)
        learned = learn(
            model, draw, last_judged, seed=of, most=asked.most, every=asked.window, batch=asked.batch, enough=enough
        )
        last = {name: values[-1] for name, values in learned.judged.items()}
        found.append(
            {
                "lag": lag,
                "seed": n,
                "stored": any(stored),
                "storing": learned.sequences[stored.index(True) if any(stored) else -1],
                "solved": given.solved(last),
                "sequences": learned.sequences[-1],
                "rate": rate,
                "wrong": wrong(given, *oracle(model), *draw(np.random.default_rng([*of, 1]), TEST)),
                "parameters": layer.count_params(),
                "units": layer.units if hasattr(layer, "units") else layer.cell.units,
                "errors": [round(error, 5) for error in learned.judged["error"]],
            }
        )
    return found
