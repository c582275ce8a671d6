"""`gateproof study pipeline`: two Chinese sentences from raw text to a decision, and what padding does on the way."""

from __future__ import annotations

from comparisons.studies.part import Part
from comparisons.studies.pipeline.layers import UNITS
from comparisons.studies.pipeline.learned import learned
from comparisons.studies.pipeline.masks import masked
from comparisons.studies.pipeline.networks import MASKED, trained
from comparisons.studies.pipeline.padding import forgetting
from comparisons.studies.pipeline.sizes import LONGEST, QUICK, Sizes
from comparisons.studies.pipeline.steps import eight
from comparisons.studies.work import Work


def run(work: Work) -> list[Part]:
    """Every part of the study: the eight steps, then what was measured."""
    sizes = QUICK if work.quick else Sizes()
    shown = trained("LSTM", UNITS, MASKED, LONGEST, sizes.shown_epochs, work.seed)
    return [*eight(shown), forgetting(work, sizes), masked(work, sizes), learned(work, sizes)]
