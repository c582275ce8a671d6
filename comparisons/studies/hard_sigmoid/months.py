"""The silent difference, month by month."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.studies.gradients.models import GRU, LSTM_1, generator, layer
from comparisons.studies.hard_sigmoid.runs import FOLDED, KERAS2, KERAS3, TRAINED, Runs, Sizes, last_months
from comparisons.studies.part import SPREAD, Array, Part, short, spread_rows, with_spread
from reference import activations
from reference.conventions.folds import with_options

U = 2.0**-24  # half a unit in the last place at 1, in float32
EXPECTED = (0.05, 0.1)  # by how much outputs move: what was expected before it was measured
UNTRAINED = "Keras 3, untrained weights"
INITIAL = {"LSTM": LSTM_1, "GRU": GRU}


def over_months(runs: Runs, sizes: Sizes, seed: int) -> Part:
    """How far each of those that have the weights is from the oracle, in any unit, over the months.

    Beside them, how far apart the two functions are in a layer with Keras' initial weights.
    """
    rows, table, found = [], [], {}
    for cell, who, apart in [*_each(runs), *((cell, UNTRAINED, untrained(cell, sizes, seed)) for cell in _cells(runs))]:
        rows += spread_rows((cell, who), range(1, sizes.months + 1), apart)
        typical, worst = np.median(apart, axis=1), np.max(apart, axis=1)
        table.append((cell, who, with_spread(typical), with_spread(worst), _size(worst.max())))
        found[f"{cell}, {who}"] = {
            "in the median month": float(np.median(typical)),
            "in the worst month": float(np.median(worst)),
            "in the worst month of any seed": float(worst.max()),
            "first month": float(np.median(apart[:, 0])),
        }
    missing = next(iter(runs.values()))["missing"]
    return Part(
        "months",
        "The silent difference",
        f"{sizes.units} units, {sizes.months} months, {sizes.seeds} seeds",
        ("cell", "who", "month", *SPREAD),
        rows,
        ("cell", "run by", "in the median month", "in the worst month", "in the worst of any seed"),
        table,
        found,
        _says(found, missing),
    )


def untrained(cell: str, sizes: Sizes, seed: int) -> Array:
    """|h with Keras 2's function − h with Keras 3's| of initial weights, in any unit, `(seeds, months)`."""
    x, _ = last_months(sizes.months)
    apart = []
    for n in range(sizes.seeds):
        drawn = layer(INITIAL[cell], "tanh", 1, sizes.units, generator(seed, n))
        both = [activations.get(f"hard_sigmoid_keras{era}") for era in (2, 3)]
        two, three = (with_options(drawn, recurrent_activation=one).run(x).outputs[0] for one in both)
        apart.append(np.abs(two - three).max(-1))
    return np.array(apart)


def _cells(runs: Runs) -> list[str]:
    return list(dict.fromkeys(cell for cell, _ in runs))


def _each(runs: Runs) -> Any:
    for cell in _cells(runs):
        ours = [one for (of, _), one in runs.items() if of == cell]
        for who in ours[0]["apart"]:
            yield cell, who, np.array([one["apart"][who] for one in ours])


def _size(value: float) -> str:
    """In u where it is rounding."""
    return short(value) if value > 1e-3 else f"{value / U:.1f} u"


def _says(found: dict[str, Any], missing: str | None) -> str:
    cells = list(dict.fromkeys(name.split(", ")[0] for name in found))
    at = lambda cell, who, what: found[f"{cell}, {who}"][what]
    typical, worst = "in the median month", "in the worst month"
    each = lambda who, what: " and ".join(f"{short(at(cell, who, what))} ({cell})" for cell in cells)
    units = lambda who: max(at(cell, who, "in the worst month of any seed") for cell in cells) / U
    low, high = EXPECTED
    more = all(at(cell, KERAS3, worst) > high for cell in cells)
    within = all(low <= at(cell, KERAS3, worst) <= high for cell in cells)
    trained = (
        ": training brings the gates to where the functions differ, and a test on drawn weights says too little"
        if all(at(cell, KERAS3, worst) > 2 * at(cell, UNTRAINED, worst) for cell in cells)
        else ""
    )
    witness = (
        f"Keras 2 itself, with the same weights, is within {units(KERAS2):.1f} u of the oracle."
        if missing is None
        else f"Keras 2 itself was not asked: {missing}."
    )
    return (
        f"The weights are those of a network that was trained with Keras 2's hard sigmoid, clip(x/5 + 1/2, 0, 1). "
        f"Keras 3 takes them, and computes clip(x/6 + 1/2, 0, 1) under the same name, without a word. In its most "
        f"different unit, h is off by {each(KERAS3, typical)} in the median month, {each(KERAS3, worst)} in the worst "
        f"(medians over seeds): {'within' if within else 'more than' if more else 'not within'} the {low} to {high} "
        f"that was expected beforehand. Weights that were not trained show {each(UNTRAINED, worst)} in the worst "
        f"month{trained}. It is there from the first month ({each(KERAS3, 'first month')}). With the gates' columns "
        f"times 1.2, as `gateproof port` folds them, it is rounding: at most {units(FOLDED):.1f} u in any month of "
        f"any seed, where the network as it was trained has {units(TRAINED):.1f} u (u = 2⁻²⁴). {witness}"
    )
