"""`gateproof study gradients`: how far back gradients reach, and what is done about it.

Every gradient is the exact one, by the derivatives that `reference` has beside its steps.
"""

from __future__ import annotations

from comparisons.studies.gradients.clipping import EXPLODING, over_clipping
from comparisons.studies.gradients.depth import ARRANGEMENTS, STACKED, over_depth
from comparisons.studies.gradients.lag import SCALED, over_the_lag, over_the_scale
from comparisons.studies.gradients.models import ACTIVATIONS, MODELS, QUICK, Sizes
from comparisons.studies.gradients.truncation import TRUNCATED, over_truncation
from comparisons.studies.part import Part, Progress
from comparisons.studies.work import Work

PIECES = (  # that progress hears of
    len(ACTIVATIONS) * (len(MODELS) + len(SCALED)) + len(STACKED) * len(ARRANGEMENTS) + len(EXPLODING) + len(TRUNCATED)
)


def run(work: Work) -> list[Part]:
    """Every part of the study, with the sizes of a quick or a full run."""
    sizes, seed = QUICK if work.quick else Sizes(), work.seed
    hears: Progress = lambda doing, _: work.progress(doing, PIECES)
    return [
        *over_the_lag(sizes, seed, hears),
        over_the_scale(sizes, seed, hears),
        over_depth(sizes, seed, hears),
        over_clipping(sizes, seed, hears),
        over_truncation(sizes, seed, hears),
    ]
