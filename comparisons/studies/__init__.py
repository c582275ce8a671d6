"""The studies of `gateproof study`, as data.

A study is an entry here; the module of its name in `comparisons/studies`, dashes as underscores, whose
`run(quick, seed, progress)` gives its parts (`comparisons.studies.part`); and `study_<name>` in `comparisons/render`,
whose `PICTURES` has a function for each part that draws it.
"""

from __future__ import annotations

from typing import NamedTuple


class Study(NamedTuple):
    title: str
    summary: str  # for the command line


STUDIES = {
    "gradients": Study(
        "How far back gradients reach",
        "how far gradients reach over time and depth, and what clipping and truncation leave of them",
    ),
}
