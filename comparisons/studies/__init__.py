"""The studies of `gateproof study`, as data.

A study is an entry here; the module or package of its name in `comparisons/studies`, dashes as underscores, whose
`run(work)` gives its parts (`comparisons.studies.part`, `comparisons.studies.work`); and the module of its name in
`comparisons/render/studies`, whose `PICTURES` has a function for each part that draws it.
"""

from __future__ import annotations

from typing import NamedTuple


class Study(NamedTuple):
    title: str
    summary: str  # for the command line
    takes: str  # about how long on two cores, in words
    options: tuple[str, ...] = ()  # of the command line's, beside those that every study has


STUDIES = {
    "gradients": Study(
        "How far back gradients reach",
        "how far gradients reach over time and depth, and what clipping and truncation leave of them",
        "under a minute",
    ),
}
