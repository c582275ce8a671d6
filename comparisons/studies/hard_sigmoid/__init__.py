"""`gateproof study hard-sigmoid`: a model trained with Keras 2's hard sigmoid, opened with Keras 3's, and repaired."""

from __future__ import annotations

from comparisons.studies.hard_sigmoid.forecasts import over_forecasts
from comparisons.studies.hard_sigmoid.months import over_months
from comparisons.studies.hard_sigmoid.runs import CELLS, FULL, QUICK, run_one
from comparisons.studies.part import Part
from comparisons.studies.work import Piece, Work


def run(work: Work) -> list[Part]:
    """Every part of the study, with the sizes of a quick or a full run."""
    sizes = QUICK if work.quick else FULL
    keys = {f"{cell}, seed {n}": (cell, n) for cell in (CELLS[:1] if work.quick else CELLS) for n in range(sizes.seeds)}
    found = work.each(
        {
            name: Piece(run_one, {"cell": cell, "seed": [work.seed, n], **sizes.given})
            for name, (cell, n) in keys.items()
        }
    )
    runs = {key: found[name] for name, key in keys.items()}
    return [over_months(runs, sizes, work.seed), over_forecasts(runs, sizes)]
