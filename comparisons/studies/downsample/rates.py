"""Who tells the event from its opposite, at which rate, and what could be told at best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from comparisons.studies.downsample.runs import Sizes
from comparisons.studies.downsample.signals import (
    AVERAGED,
    FAST,
    HELD,
    HOWS,
    PICKED,
    SLOW,
    WHOLE,
    Way,
    ceiling,
    preprocessed,
    ways,
)
from comparisons.studies.part import Part, spread, with_spread

Runs = Mapping[tuple[str, str, Way, int], Mapping[str, Any]]  # by event, cell, way and seed
TITLES = {SLOW: "A slow event: what averaging helps", FAST: "A fast event: what averaging loses"}


def over_rates(event: str, runs: Runs, sizes: Sizes) -> Part:
    """The share of new signals that are told right after training, by each preprocessing: a row a run."""
    rows, table, found = [], [], {}
    cells = list(dict.fromkeys(cell for _, cell, _, _ in runs))
    for way in ways(sizes.blocks, HOWS[event]):
        steps = preprocessed(np.zeros((1, sizes.steps)), way).shape[1]
        best = ceiling(event, way, sizes.length, sizes.size)
        shown = []
        for cell in cells:
            right = [runs[event, cell, way, n]["right"][-1] for n in range(sizes.seeds)]
            rows += [(cell, way.how, way.k, steps, n, value, best) for n, value in enumerate(right)]
            low, median, high = map(float, spread(right))
            found[f"{way.name}, {cell}"] = {
                "right": median,
                "quartile_1": low,
                "quartile_3": high,
                "best": best,
                "seeds that learned": int(sum(value > (0.5 + best) / 2 for value in right)) if best > 0.5 else 0,
            }
            shown.append(with_spread(right))
        table.append((way.name, str(steps), f"{best:.3f}", *shown))
    size = (
        f"an event of {sizes.length} samples, ± {sizes.size:g} in noise N(0, 1), then {sizes.steps - sizes.length} "
        f"samples of noise; {sizes.units} units, {sizes.sequences:,} training signals, {sizes.tests:,} of test, "
        f"{sizes.seeds} seeds"
    )
    return Part(
        event,
        TITLES[event],
        size,
        ("cell", "how", "k", "steps", "seed", "right", "best"),
        rows,
        ("the network gets", "steps", "right at best", *cells),
        table,
        found,
        {SLOW: _of_slow, FAST: _of_fast}[event](found, sizes),
    )


def _of_slow(found: dict[str, Any], sizes: Sizes) -> str:
    k, cells = sizes.blocks[-1], _cells(found)
    at = lambda how, k, cell: found[f"{Way(how, k).name}, {cell}"]
    right = lambda how, k: ", ".join(f"{cell} {at(how, k, cell)['right']:.2f}" for cell in cells)
    best = lambda how, k: f"{at(how, k, cells[0])['best']:.2f}"
    causes = " ".join(_cause(cell, at, k) for cell in cells)
    return (
        f"A bump at the begin decides, and it is as long as {sizes.length} samples: means of up to so many lose none "
        f"of it ({best(WHOLE, 1)} could be told right at best, from samples as from means). Told right at full "
        f"rate: {right(WHOLE, 1)}. Of means of {k}: {right(AVERAGED, k)}. Averaging does two things, and each has its "
        f"control. Means that are held for {k} steps have little noise and the full length: {right(HELD, k)}. Every "
        f"{k}-th sample has all of the noise and the short length: {right(PICKED, k)}, of {best(PICKED, k)} at best. "
        f"{causes} (A share of {sizes.tests:,} test signals has a standard error of {0.5 / sizes.tests**0.5:.3f} at "
        "most.)"
    )


def _cells(found: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(name.split(", ")[-1] for name in found))


def _cause(cell: str, at: Any, k: int) -> str:
    """What stood in a cell's way at full rate: the noise, the length, or either of them."""
    learns = lambda how, k: at(how, k, cell)["right"] > (0.5 + at(how, k, cell)["best"]) / 2
    if learns(WHOLE, 1):
        return f"The {cell} learns at full rate too."
    if not learns(AVERAGED, k):
        return f"The {cell} does not learn from means of {k} either."
    held, picked = learns(HELD, k), learns(PICKED, k)
    if held and picked:
        return f"The {cell} bears the length without the noise, and the noise without the length, but not both."
    if picked:
        return f"For the {cell} it is the length: without the noise it does not learn either."
    return f"For the {cell} it is the noise." if held else f"The {cell} needs both, less noise and a shorter way."


def _of_fast(found: dict[str, Any], sizes: Sizes) -> str:
    k, few, cells = sizes.blocks[-1], sizes.blocks[0], _cells(found)
    at = lambda how, k, cell: found[f"{Way(how, k).name}, {cell}"]
    right = lambda how, k: ", ".join(f"{cell} {at(how, k, cell)['right']:.2f}" for cell in cells)
    best = lambda how, k: f"{at(how, k, cells[0])['best']:.2f}"
    return (
        f"The same energy, but up and down from sample to sample: a mean of {few} is 0, and nothing is left to be told "
        f"({best(AVERAGED, few)} at best; told right from means of {k}: {right(AVERAGED, k)}). At full rate all of it "
        f"is there ({best(WHOLE, 1)} at best), and told right is {right(WHOLE, 1)}. Every {k}-th sample, which takes "
        f"what textbooks warn of, no filter before, folds the swing into a bump: {right(PICKED, k)}, of "
        f"{best(PICKED, k)} at best. What averaging takes for noise is the signal here."
    )
