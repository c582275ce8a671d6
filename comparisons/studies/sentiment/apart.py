"""How far training takes stock layers and ours apart, beside how far it takes stock from stock; and both times."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.studies.part import SPREAD, Part, short, spread_rows, with_spread
from comparisons.studies.sentiment.accuracy import settings
from comparisons.studies.sentiment.texts import Texts
from comparisons.studies.sentiment.training import NUDGED, OURS, STOCK, Sizes


def apart_part(texts: Texts, sizes: Sizes, networks: dict[str, Any]) -> Part:
    """Distances over the steps of training: between the weights, over how far stock has gone since it began."""
    rows: list[tuple[Any, ...]] = []
    table, found = [], {}
    for name, each in networks.items():
        points = each[0]["points"]
        for other in (OURS, NUDGED):
            runs = [one["runs"][other] for one in each]
            rows += spread_rows((name, other, "weights"), points, [run["apart"] for run in runs])
            ends = [each[0]["epoch"] * k for k in range(1, sizes.epochs + 1)]
            rows += spread_rows((name, other, "probability"), ends, [run["said apart"] for run in runs])
            rows += spread_rows((name, other, "other class"), ends, [run["other class"] for run in runs])
            column = lambda what, at, runs=runs: [run[what][at] for run in runs]
            first, last = column("apart", 0), column("apart", -1)
            epoch = [run["apart"][points.index(each[0]["epoch"])] for run in runs]
            found[f"{name}, {other}"] = {
                "after a step": float(np.median(first)),
                "after an epoch": float(np.median(epoch)),
                "after the last": float(np.median(last)),
                "probability": float(np.median(column("said apart", -1))),
                "other class": float(np.median(column("other class", -1))),
            }
            table.append(
                (name, f"stock and {other}", *map(with_spread, (first, epoch, last)),
                 with_spread(column("other class", -1)),
                 with_spread([one["ratio"] for one in each]) if other == OURS else "")
            )  # fmt: skip
        losses = [
            np.abs(np.subtract(one["runs"][OURS]["training loss"], one["runs"][STOCK]["training loss"])).max()
            for one in each
        ]
        found[name] = {
            "ratio": float(np.median([one["ratio"] for one in each])),
            "drawn apart": max(one["drawn apart"] for one in each),
            "loss apart": float(np.max(losses)),
            "seconds": {whose: float(np.median([one["seconds"][whose] for one in each])) for whose in (STOCK, OURS)},
        }
    found["held out"] = next(iter(networks.values()))[0]["sizes"]["held out"]
    return Part(
        "apart",
        "How far stock layers and ours come apart",
        settings(texts, sizes, networks),
        ("network", "layers", "of", "step", *SPREAD),
        rows,
        ("network", "runs", "after 1 step", "after 1 epoch", "at the end", "another class", "stock's time over ours"),
        table,
        found,
        _says(found, list(networks), sizes, next(iter(networks.values()))[0]["points"][-1]),
    )


def _says(found: dict[str, Any], networks: list[str], sizes: Sizes, steps: int) -> str:
    ours = [found[f"{name}, {OURS}"] for name in networks]
    nudged = [found[f"{name}, {NUDGED}"] for name in networks]
    span = lambda values: (
        short(min(values)) if len(set(values)) == 1 else f"{short(min(values))} to {short(max(values))}"
    )
    over = lambda runs, what: span([run[what] for run in runs])
    drawn = max(found[name]["drawn apart"] for name in networks)
    loss = max(found[name]["loss apart"] for name in networks)
    same = "the very same initial weights" if drawn == 0 else f"initial weights that differ by {short(drawn)}"
    factor = max(a["after the last"] / max(b["after the last"], 1e-300) for a, b in zip(ours, nudged, strict=True))
    further = (
        f"ours are up to {short(factor)} times as far at the end, for they round elsewhere at every step"
        if factor > 1.5
        else "ours are no farther"
    )
    grown = max(one["after the last"] / max(one["after a step"], 1e-300) for one in ours)
    times = ", ".join(f"{short(found[name]['ratio'])} ({name})" for name in networks)
    return (
        f"The same seed gives stock layers and ours {same}. Rounding then sets them apart: their weights by "
        f"{over(ours, 'after a step')} of the way that training has gone after one step, by "
        f"{over(ours, 'after an epoch')} after one epoch, by {over(ours, 'after the last')} after {sizes.epochs}. "
        f"Stock layers trained twice, the second time with one weight of the last layer moved to the next float32, are "
        f"{over(nudged, 'after a step')}, {over(nudged, 'after an epoch')} and {over(nudged, 'after the last')} apart: "
        f"{further}. In {steps} steps the distance has become {short(grown)} times as large at most. The curves of the "
        f"training loss differ by {short(loss)} at most; of {found['held out']:,} reviews held out "
        f"{over(ours, 'other class')} end in another class. An epoch of stock layers took this many times as long as "
        f"one of ours, on this machine, in turns and without XLA: {times}."
    )
