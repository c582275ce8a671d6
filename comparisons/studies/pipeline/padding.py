"""What padding does without a mask: to the last state, over many padded steps; and what a network learns about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from comparisons.studies.part import SPREAD, Array, Part, short, spread_rows, with_spread
from comparisons.studies.pipeline.networks import MASKED, Network, fresh, trained
from comparisons.studies.pipeline.sentences import arrays, split
from comparisons.studies.pipeline.sizes import LONGEST, Sizes
from comparisons.studies.work import Piece, Work

INITIAL, TRAINED = "initial", "trained"
WHERE = ("post", "pre")
SHOWN = {"moved": 1, "left": -1, "right": -1}  # each measure, and which of the steps the table has
MEASURES = tuple(SHOWN)


def followed(cell: str, units: int, epochs: int, steps: list[int], seed: int) -> dict[str, dict[str, list[float]]]:
    """Of sentences that a network was not trained on: the last state after, and with, so many padded steps unmasked.

    `moved`: how far it is from that of the sentence alone, over its length, the median of the sentences. `left`: the
    spread of the sentences' states over that alone. `right`: the share of right decisions. `epochs` of training, with a
    mask; 0: the initial weights.
    """
    network = trained(cell, units, MASKED, LONGEST, epochs, seed) if epochs else fresh(cell, units, seed)
    tokens, classes = arrays(split(seed)[1], LONGEST, "post")
    x, mask = network.embedding[tokens], tokens > 0
    alone = network.layer.run(x, mask=mask)
    found: dict[str, dict[str, list[float]]] = {where: {name: [] for name in MEASURES} for where in WHERE}
    for many in steps:
        padding = lambda rows, many=many: np.broadcast_to(network.embedding[0], (rows, many, units))
        if many:
            before = network.layer.run(padding(1)).state
            before = type(before)(*(np.repeat(field, len(x), axis=0) for field in before))
            post = network.layer.run(padding(len(x)), alone.state).state.h
            pre = network.layer.run(x, before, mask=mask).state.h
        else:
            post = pre = alone.state.h
        for where, states in zip(WHERE, (post, pre), strict=True):
            for name, value in zip(MEASURES, _measured(network, states, alone.state.h, classes), strict=True):
                found[where][name].append(value)
    return found


def _measured(network: Network, states: Array, alone: Array, classes: Array) -> tuple[float, float, float]:
    length = lambda a: np.linalg.norm(a, axis=-1)
    spread = lambda a: float(np.sqrt(a.var(axis=0).sum()))
    return (
        float(np.median(length(states - alone) / length(alone))),
        spread(states) / spread(alone),
        network.right(states, classes),
    )


def forgetting(work: Work, sizes: Sizes) -> Part:
    """How far the last state moves over the padded steps, and what is left of it."""
    pieces = {
        (cell, weights, n): Piece(
            followed,
            {
                "cell": cell,
                "units": sizes.units,
                "epochs": sizes.epochs if weights == TRAINED else 0,
                "steps": list(sizes.steps),
                "seed": work.seed + n,
            },
        )
        for weights in (INITIAL, TRAINED)
        for cell in sizes.cells
        for n in range(sizes.seeds)
    }
    runs = work.each({f"padding: {', '.join(map(str, key))}": piece for key, piece in pieces.items()})
    by: dict[tuple[str, str], list[Any]] = {}
    for (cell, weights, _), run in zip(pieces, runs.values(), strict=True):
        by.setdefault((cell, weights), []).append(run)
    rows, table, found = [], [], {}
    shown = {name: sizes.steps[k] for name, k in SHOWN.items()}
    for (cell, weights), of in by.items():
        for where in WHERE:
            line = []
            for name in MEASURES:
                values = np.array([run[where][name] for run in of])  # (seeds, steps)
                rows += spread_rows((cell, weights, where, name), sizes.steps, values)
                line.append(with_spread(values[:, SHOWN[name]]))
                found[f"{cell}, {weights}, {where}, {name}"] = float(np.median(values[:, SHOWN[name]]))
            table.append((cell, weights, where, *line))
    each = lambda *asked: by_cell({cell: found[", ".join((cell, *asked))] for cell in sizes.cells})
    says = (
        f"Without a mask, padding behind a sentence is read like words. At Keras' initial weights the first padded "
        f"step moves the last state by {each(INITIAL, 'post', 'moved')} of its length, and after {shown['left']} "
        f"steps the states of different sentences differ by {each(INITIAL, 'post', 'left')} of what they differed by "
        f"(medians of {sizes.seeds} seeds, over sentences that were held out). In networks that were trained with a "
        f"mask the first step moves it by {each(TRAINED, 'post', 'moved')}, after {shown['left']} steps "
        f"{each(TRAINED, 'post', 'left')} of the differences is left, and {each(TRAINED, 'post', 'right')} of the "
        f"decisions are right. Padding before a sentence only begins it in another state, which the sentence forgets: "
        f"one step of it moves the last state by {each(TRAINED, 'pre', 'moved')}, and after {shown['right']} steps "
        f"{each(TRAINED, 'pre', 'right')} are right."
    )
    return Part(
        "forgetting",
        "What padding does to the last state",
        f"{sizes.units} units, {sizes.seeds} seeds; trained: {sizes.epochs} epochs with a mask",
        ("cell", "weights", "padding", "measure", "padded_steps", *SPREAD),
        rows,
        ("cell", "weights", "padding", *(f"{name}, padded by {steps}" for name, steps in shown.items())),
        table,
        found,
        says,
    )


def by_cell(values: dict[str, float]) -> str:
    """Numbers of cells in prose.

    >>> by_cell({"Elman": 0.5, "LSTM": 0.7, "GRU": 0.9}), by_cell({"Elman": 1.0, "LSTM": 0.999})
    ('0.5 (Elman), 0.7 (LSTM) and 0.9 (GRU)', '1 (Elman, LSTM)')
    """
    numbers = [short(value) for value in values.values()]
    if len(set(numbers)) == 1:
        return f"{numbers[0]} ({', '.join(values)})"
    return listed([f"{number} ({cell})" for number, cell in zip(numbers, values, strict=True)])


def listed(names: Sequence[str]) -> str:
    """In prose: a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
