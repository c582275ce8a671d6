"""What the difference costs: the error of the forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.proof.cases import WINDOW
from comparisons.studies.hard_sigmoid.runs import AHEAD, FOLDED, KERAS3, SCALE, TRAINED, Runs, Sizes, last_months
from comparisons.studies.part import Part, short, with_spread

ACTUAL = "what came"
SAME = "the same number as now"  # the forecast that needs no network


def over_forecasts(runs: Runs, sizes: Sizes) -> Part:
    """The root mean square error of every forecast by those that have the weights, and the forecasts of one seed.

    The first WINDOW months of the test are left out of the error, while the state is still on its way from zero.
    """
    x, target = last_months(sizes.months)
    actual = target * SCALE
    after = min(WINDOW, sizes.months // 2)
    error = lambda forecast: float(np.sqrt(np.mean((np.asarray(forecast) - actual)[after:] ** 2)))
    rows: list[tuple[Any, ...]] = [(ACTUAL, "", 0, month, float(a)) for month, a in enumerate(actual, 1)]
    table, found = [], {}
    same = error(x[0, :, 0] * SCALE)
    for cell in dict.fromkeys(cell for cell, _ in runs):
        ours = {n: one["forecasts"] for (of, n), one in runs.items() if of == cell}
        trained = np.array([error(one[TRAINED]) for one in ours.values()])
        for who in ours[0]:
            forecasts = np.array([one[who] for one in ours.values()])
            errors = np.array([error(one) for one in forecasts])
            off = np.abs(forecasts - [one[TRAINED] for one in ours.values()])
            bias = np.mean(forecasts - [one[TRAINED] for one in ours.values()], axis=1)
            rows += [(cell, who, n, month, float(f)) for n, one in ours.items() for month, f in enumerate(one[who], 1)]
            name = f"{cell}, {who}"
            found[name] = {
                "error": float(np.median(errors)),
                "errors": errors.tolist(),
                "error over the trained one's": float(np.median(errors / trained)),
                "moved in the worst month": float(np.median(off.max(axis=1))),
                "moved on average": float(np.median(bias)),
                "worse": int((errors > trained).sum()),
                "seeds": len(errors),
            }
            moved = (with_spread(off.max(axis=1)), with_spread(bias))
            table.append((cell, who, with_spread(errors), with_spread(errors / trained), *moved))
    found[SAME] = {"error": same}
    return Part(
        "forecasts",
        "What it costs",
        f"{AHEAD} months ahead, {sizes.units} units, errors over the last {sizes.months - after} months, "
        f"{sizes.seeds} seeds",
        ("cell", "who", "seed", "month", "sunspots"),
        rows,
        ("cell", "run by", "error, sunspots", "over the trained one's", "moved in the worst month", "moved on average"),
        table,
        found,
        _says(found),
    )


def _says(found: dict[str, Any]) -> str:
    cells = list(dict.fromkeys(name.split(", ")[0] for name in found if ", " in name))
    said = []
    for cell in cells:
        trained, wrong, right = (found[f"{cell}, {who}"] for who in (TRAINED, KERAS3, FOLDED))
        grew = wrong["error over the trained one's"]
        said.append(
            f"The {cell}'s root mean square error is {trained['error']:.1f} sunspots as it was trained, "
            f"{wrong['error']:.1f} with Keras 3's function ({'+' if grew >= 1 else '−'}{abs(grew - 1):.0%}, worse in "
            f"{wrong['worse']} of {wrong['seeds']} seeds), and {right['error']:.1f} folded. In the worst month a "
            f"forecast moves by {short(wrong['moved in the worst month'])}, and on average by "
            f"{short(wrong['moved on average']).replace('-', '−')}; folded, in the worst month by "
            f"{short(right['moved in the worst month'])}."
        )
    within = [
        cell for cell in cells if found[f"{cell}, {KERAS3}"]["error"] < max(found[f"{cell}, {TRAINED}"]["errors"])
    ]
    moral = (
        f"The error alone need not tell ({' and '.join(within)}): training from another seed can make it as large."
        if within
        else "No seed of the training has an error as large. Nothing else says so: no warning, no error message."
    )
    return f"{' '.join(said)} To say that it will be {SAME} has an error of {found[SAME]['error']:.1f}. {moral}"
