"""The state that counts, over strings far longer than any of the training's."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.studies.counting.reach import Runs
from comparisons.studies.counting.runs import Sizes
from comparisons.studies.part import Part, short, with_spread


def over_states(runs: Runs, sizes: Sizes) -> Part:
    """The counting unit of each cell's furthest seed; and of all seeds, how much of the count is left at the b's.

    The counting unit is the one whose state turns most between a's and b's. What is left: how far it moved over the
    most a's, over what it would have moved had each a moved it as those of the training did.
    """
    rows, table, found = [], [], {}
    for cell in dict.fromkeys(cell for cell, _ in runs):
        ours = {n: one for (of, n), one in runs.items() if of == cell}
        best = max(ours, key=lambda n: (ours[n]["reach"][-1], -n))
        for n in sizes.shown:
            state, ends = ours[best]["state"][str(n)], set(ours[best]["ends"][str(n)])
            rows += [(cell, best, n, t, c, int(t in ends)) for t, c in enumerate(state)]
        left = {n: [kept(one, sizes.shown[0], n) for one in ours.values()] for n in sizes.shown[1:]}
        over = [left_over(one, sizes.shown[1]) for one in ours.values()]
        found[cell] = {
            "seed shown": best,
            "reach of the seed shown": ours[best]["reach"][-1],
            **{f"left at n = {n}": float(np.median(values)) for n, values in left.items()},
            "steps off": float(np.median(over)),
        }
        shown = [*map(with_spread, left.values()), with_spread(over)]
        table.append((cell, str(best), str(ours[best]["reach"][-1]), *shown))
    heads = (
        "cell",
        "seed shown",
        "right up to n",
        *(f"of the count left at n = {n}" for n in sizes.shown[1:]),
        f"steps off after the b's of n = {sizes.shown[1]}",
    )
    return Part(
        "states",
        "The state that counts",
        f"{sizes.units} units, trained on n = 1 … {sizes.longest}, each cell's furthest of {sizes.seeds} seeds",
        ("cell", "seed", "n", "step", "state", "says_end"),
        rows,
        heads,
        table,
        found,
        _says(found, sizes),
    )


def kept(one: Any, few: int, many: int) -> float:
    """How far `many` a's move the state over how far `few` do, over many / few: 1 where every a counts alike."""
    near, far = one["state"][str(few)], one["state"][str(many)]
    moved = near[few] - near[0]
    return (far[many] - far[0]) / moved * few / many if moved else 0.0


def left_over(one: Any, n: int) -> float:
    """How far from where it began the state is after n b's, in steps of one a: 0 where up and down are alike."""
    state = one["state"][str(n)]
    step = abs(state[n] - state[0]) / n
    return abs(state[2 * n] - state[0]) / step if step else 0.0


def _says(found: dict[str, Any], sizes: Sizes) -> str:
    near, far = sizes.shown[1], sizes.shown[-1]
    off = {cell: one["steps off"] for cell, one in found.items()}
    left = {cell: one[f"left at n = {far}"] for cell, one in found.items()}
    each = ", ".join(f"{short(value)} ({cell})" for cell, value in left.items())
    says = (
        f"The unit whose state turns most, in the seed of each cell that counts furthest (up to "
        f"{', '.join(str(one['reach of the seed shown']) for one in found.values())}, from the left). A counter goes "
        f"up by the same with every a and down by the same with every b. After {far} a's, it has come this far of what "
        f"{far / sizes.shown[0]:.3g} times {sizes.shown[0]} a's should give (medians over all seeds): {each}."
    )
    if {"LSTM", "peephole LSTM"} <= {*left}:
        says += _of_the_gate(left["LSTM"], left["peephole LSTM"])
    where = ", ".join(f"{value:.2g} ({cell})" for cell, value in off.items())
    says += (
        f" And a b takes not quite what an a gives: after {near} of each, where the state should be back, it is off by "
        f"{where} of the steps that the a's made. Strings of at most {2 * sizes.longest} symbols show little of either "
        "error, so nothing in the training holds them down."
    )
    return says


def _of_the_gate(without: float, with_peepholes: float) -> str:
    """What the medians say of the forget gate, with peepholes and without."""
    if without < 0.95 <= with_peepholes:
        return (
            " A forget gate at 1 − ε leaks, and a state that leaks comes no further than 1/ε steps. Through a "
            "peephole the count itself can push the gate to 1."
        )
    return " Peepholes do not keep the state from leaking here."
