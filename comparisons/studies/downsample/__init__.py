"""`gateproof study downsample`: the same signal at full rate and averaged, and the memory that each asks for."""

from __future__ import annotations

from comparisons.studies.downsample.rates import over_rates
from comparisons.studies.downsample.runs import CELLS, FULL, QUICK, run_one
from comparisons.studies.downsample.signals import EVENTS, HOWS, ways
from comparisons.studies.part import Part
from comparisons.studies.work import Piece, Work


def run(work: Work) -> list[Part]:
    """Every part of the study, with the sizes of a quick or a full run."""
    sizes = QUICK if work.quick else FULL
    keys = {
        f"{event} event, {cell}, {way.name}, seed {n}": (event, cell, way, n)
        for event in EVENTS
        for cell in (CELLS[:1] if work.quick else CELLS)
        for way in ways(sizes.blocks, HOWS[event])
        for n in range(sizes.seeds)
    }
    found = work.each(
        {
            name: Piece(
                run_one,
                {"event": event, "cell": cell, "how": way.how, "k": way.k, "seed": [work.seed, n], **sizes.given},
            )
            for name, (event, cell, way, n) in keys.items()
        }
    )
    runs = {(event, cell, way, n): found[name] for name, (event, cell, way, n) in keys.items()}
    return [over_rates(event, runs, sizes) for event in EVENTS]
