"""`gateproof study long-lag`: who learns to bridge which lag, in how many sequences.

The problems are experiments 4 and 6a of Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997, and so is the
criterion; their numbers stand beside ours.
"""

from __future__ import annotations

from typing import Any

from comparisons.studies.long_lag.learners import LAG, STARTS
from comparisons.studies.long_lag.reading import better, read
from comparisons.studies.long_lag.trial import Asked, Trial, learns
from comparisons.studies.part import Part
from comparisons.studies.problems import ADDING, ORDER
from comparisons.studies.work import Piece, Work

# The lags have the paper's among them: 50 in its experiment 4, 30 in 6a.
FULL = {
    ADDING.name: Asked((10, 50, 100, 200), (0.01, 0.003)),
    ORDER.name: Asked((10, 30, 100, 200), (0.003, 0.01)),
}
TRIAL = Trial(seeds=3, most=40_000)
QUICK = dict.fromkeys(FULL, Asked((10,), (0.01,)))
QUICK_TRIAL = Trial(seeds=2, most=80, window=40, budget=60)
QUICK_STARTS = [(LAG, "Elman")]  # what compiles soonest
Key = tuple[str, tuple[str, str]]  # a problem, and who learns it from which start


def run(work: Work) -> list[Part]:
    """A part for each problem."""
    asked, trial = (QUICK, QUICK_TRIAL) if work.quick else (FULL, TRIAL)
    starts = QUICK_STARTS if work.quick else list(STARTS)
    found: dict[Key, list[dict[str, Any]]] = {(problem, start): [] for problem in asked for start in starts}
    for n in range(max(len(one.lags) for one in asked.values())):
        going = [key for key in found if not n or any(one["stored"] for one in found[key][-trial.seeds :])]
        for key, of_lag in _at(work, asked, trial, going, n).items():
            found[key] += of_lag
    return [
        read(problem, one, trial, {start: found[problem, start] for start in starts}) for problem, one in asked.items()
    ]


def _at(work: Work, asked: dict[str, Asked], trial: Trial, going: list[Key], n: int) -> dict[Key, list[dict[str, Any]]]:
    """The `n`-th lag of each problem, at the first rate; and at the next where a seed stored nothing."""
    best: dict[Key, list[dict[str, Any]]] = {}
    for r in range(max(len(one.rates) for one in asked.values())):
        pieces = {}
        for key in going:
            (problem, (start, cell)), one = key, asked[key[0]]
            if key not in best or not all(network["stored"] for network in best[key]):
                given = {"problem": problem, "start": [start, cell], "lag": one.lags[n], "rate": one.rates[r]}
                pieces[key] = Piece(learns, given | {"trial": list(trial), "seed": work.seed})
        names = {
            key: f"{key[0]}, lag {asked[key[0]].lags[n]}: {key[1][1]}, {key[1][0]}, rate {r + 1}" for key in pieces
        }
        found = work.each({names[key]: piece for key, piece in pieces.items()})
        best |= {key: better(best.get(key), found[name]) for key, name in names.items()}
    return best
