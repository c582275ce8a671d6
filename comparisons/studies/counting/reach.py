"""How far each cell counts, over training and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from comparisons.studies.counting.runs import Sizes
from comparisons.studies.part import Part, spread, with_spread

Runs = Mapping[tuple[str, int], Mapping[str, Any]]  # by cell and seed
KALMAN = 1000  # "values of n up to 1000 and more", from n ≤ 10
SOURCE = (
    "aⁿbⁿcⁿ with n up to 1000 and more after training on n ≤ 10, by an LSTM trained with Kalman filters: Gers, "
    "Pérez-Ortiz, Eck and Schmidhuber, Learning context sensitive languages with LSTM trained with Kalman filters, "
    "ICANN 2002, 655–660, abstract. That an LSTM counts and a GRU does not: Weiss, Goldberg and Yahav, ACL 2018, "
    "740–745, abstract. The abstracts of Gers and Schmidhuber, IJCNN 2000 and IEEE TNN 12:1333–1340, 2001, have no "
    "number for aⁿbⁿ"
)


def over_reach(runs: Runs, sizes: Sizes) -> Part:
    """The largest n up to which a network is right on every n."""
    rows = [
        (cell, n, sequences, reach)
        for (cell, n), one in runs.items()
        for sequences, reach in zip(one["sequences"], one["reach"], strict=True)
    ]
    table, found = [], {}
    reach = lambda cell: np.array([one["reach"][-1] for (of, _), one in runs.items() if of == cell])
    for cell in dict.fromkeys(cell for cell, _ in runs):
        last = reach(cell)
        low, median, high = map(float, spread(last))
        learned = int((last >= sizes.longest).sum())
        best = max(max(one["reach"]) for (of, _), one in runs.items() if of == cell)
        found[cell] = {
            "reach": {"quartile_1": low, "median": median, "quartile_3": high, "largest": int(last.max())},
            "right on all of training": learned,
            "seeds": len(last),
            "largest at any time": best,
            "further than an LSTM": further(last, reach("LSTM")),
        }
        table.append((cell, f"{learned} of {len(last)}", with_spread(last), str(last.max()), str(best)))
    size = (
        f"{sizes.units} units, n = 1 … {sizes.longest} in training, {sizes.sequences:,} strings, {sizes.seeds} seeds, "
        f"tested up to n = {sizes.most}"
    )
    heads = ("cell", "right on all of training", "right up to n", "furthest seed", "furthest at any time")
    return Part(
        "reach",
        "How far each cell counts",
        size,
        ("cell", "seed", "strings", "reach"),
        rows,
        heads,
        table,
        found,
        _says(found, sizes),
        SOURCE,
    )


def _says(found: dict[str, Any], sizes: Sizes) -> str:
    median = lambda cell: found[cell]["reach"]["median"]
    spread_of = lambda cell: "{median:g} [{quartile_1:g}, {quartile_3:g}]".format(**found[cell]["reach"])
    learned = ", ".join(f"{cell} {one['right on all of training']} of {one['seeds']}" for cell, one in found.items())
    said = [
        f"Networks of {sizes.units} units are trained on {sizes.sequences:,} strings aⁿbⁿ with n up to "
        f"{sizes.longest}, and tested on every n up to {sizes.most}: up to which n are they right at every symbol? "
        f"Seeds that are right on all that they were trained on: {learned}.",
        f"With peepholes the LSTM is right up to n = {spread_of('peephole LSTM')}, without them up to "
        f"{spread_of('LSTM')}; the furthest seeds come to {found['peephole LSTM']['reach']['largest']} and "
        f"{found['LSTM']['reach']['largest']}. Of all pairs of a seed with them and one without, the one with them "
        f"comes further in {found['peephole LSTM']['further than an LSTM']:.0%}.",
    ]
    if "LSTM 1997" in found:
        first = found["LSTM 1997"]
        said.append(
            ("What matters more is the gate that forgets: t" if median("LSTM 1997") > median("peephole LSTM") else "T")
            + f"he LSTM of 1997, which has none, is right up to {spread_of('LSTM 1997')}, and further than an LSTM in "
            f"{first['further than an LSTM']:.0%} of the pairs."
        )
    if "GRU" in found:
        others = ", ".join(f"{cell} {spread_of(cell)}" for cell in ("GRU", "Elman"))
        said.append(
            f"A state that is a mean of what was, or squashed at every step, has no room for a count: {others}."
            if max(median("GRU"), median("Elman")) < 2 * sizes.longest
            else f"The others: {others}."
        )
    falls = [cell for cell, one in found.items() if one["largest at any time"] > one["reach"]["largest"]]
    if falls:
        said.append(
            "Reach comes and goes while the training goes on, for nothing holds it: the furthest at any time against "
            "the furthest at the end is "
            + ", ".join(
                f"{found[cell]['largest at any time']} to {found[cell]['reach']['largest']} ({cell})" for cell in falls
            )
            + "."
        )
    return " ".join(said)


def further(one: Any, other: Any) -> float:
    """In which share of all pairs the first is the larger; half of the pairs that are equal count.

    >>> further([3, 5], [3, 4])
    0.625
    """
    a, b = np.asarray(one)[:, None], np.asarray(other)
    return float(np.mean((a > b) + (a == b) / 2))
