"""`gateproof study counting`: aⁿbⁿ by cells with and without peepholes, with and without a forget gate."""

from __future__ import annotations

from comparisons.studies.counting.reach import over_reach
from comparisons.studies.counting.runs import CELLS, FULL, QUICK, run_one
from comparisons.studies.counting.states import over_states
from comparisons.studies.part import Part
from comparisons.studies.work import Piece, Work


def run(work: Work) -> list[Part]:
    """Every part of the study, with the sizes of a quick or a full run."""
    sizes = QUICK if work.quick else FULL
    cells = CELLS[:2] if work.quick else CELLS
    keys = {f"{cell}, seed {n}": (cell, n) for cell in cells for n in range(sizes.seeds)}
    found = work.each(
        {
            name: Piece(run_one, {"cell": cell, "seed": [work.seed, n], **sizes.given})
            for name, (cell, n) in keys.items()
        }
    )
    runs = {key: found[name] for name, key in keys.items()}
    return [over_reach(runs, sizes), over_states(runs, sizes)]
