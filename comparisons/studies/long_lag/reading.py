"""What the trials of a problem say: who learned which lag, in how many sequences, beside the paper's table."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from comparisons.studies.judging import TEST
from comparisons.studies.long_lag.learners import KERAS, LAG, STARTS
from comparisons.studies.long_lag.trial import Asked, Trial
from comparisons.studies.part import Part, spread
from comparisons.studies.problems import ADDING, ORDER

Found = dict[tuple[str, str], list[dict[str, Any]]]  # of a start and a cell: what `learns` gives, lag after lag
STORED, SOLVED = ("stored", "storing"), ("solved", "sequences")  # whether, and after how many sequences
COLUMNS = ("start", "learner", "lag", "seed", "stored", "storing", "solved", "sequences", "rate", "wrong")
COLUMNS += ("parameters", "units")


class Printed(NamedTuple):
    """A line of the paper's table: means of `trials` trials."""

    lag: int
    weights: int
    wrong: int
    sequences: int
    trials: int


PAPER = {
    ADDING.name: (
        Printed(50, 93, 1, 74_000, 10),
        Printed(250, 93, 0, 209_000, 10),
        Printed(500, 93, 1, 853_000, 10),
    ),
    ORDER.name: (Printed(30, 156, 1, 31_390, 20),),
}
TABLE = {ADDING.name: "table 7", ORDER.name: "table 9"}
TITLE = {ADDING.name: "The adding problem", ORDER.name: "Temporal order"}


def read(problem: str, asked: Asked, trial: Trial, found: Found) -> Part:
    """The part of a problem."""
    lags = asked.lags
    rows = [
        (*key, *(int(one[name]) if name in ("stored", "solved") else one[name] for name in COLUMNS[2:]))
        for key, trials in found.items()
        for one in trials
    ]
    reaches = {key: reach(trials) for key, trials in found.items()}
    numbers = {
        "reach": {f"{cell}, {start}": lag for (start, cell), lag in reaches.items()},
        "stored": _medians(lags, found, STORED),
        "solved": _medians(lags, found, SOLVED),
        "most wrong": _most_wrong([one for trials in found.values() for one in trials]),
    }
    return Part(
        problem.replace(" ", "-"),
        TITLE[problem],
        f"{trial.seeds} seeds, up to {trial.most:,} sequences, batches of {trial.batch}, Adam at the better of "
        f"{' and '.join(f'{rate:g}' for rate in asked.rates)}, up to {trial.budget:,} parameters in the layer",
        COLUMNS,
        rows,
        (
            "start",
            "learner",
            "parameters",
            *(f"lag {lag}" for lag in lags),
            f"solved, lag {PAPER[problem][0].lag}",
            f"most wrong of {TEST}",
        ),
        [*_table(problem, lags, found), _printed(problem, lags)],
        numbers,
        _says(problem, trial, found, numbers),
        f"Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997, {TABLE[problem]}",
    )


def better(one: list[dict[str, Any]] | None, other: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the networks of two rates, those of which more store, or as many in fewer sequences."""
    sign = lambda networks: (-sum(n["stored"] for n in networks), sum(n["storing"] for n in networks if n["stored"]))
    return other if one is None else min(one, other, key=sign)


def of_lag(trials: list[dict[str, Any]], lag: int) -> list[dict[str, Any]]:
    return [one for one in trials if one["lag"] == lag]


def reach(trials: list[dict[str, Any]]) -> int:
    """The longest lag that more than half of the seeds store over, as over all shorter ones; 0 if there is none."""
    last = 0
    for lag in dict.fromkeys(one["lag"] for one in trials):
        if not np.isfinite(median(trials, lag, STORED)):
            break
        last = lag
    return last


def median(trials: list[dict[str, Any]], lag: int, what: tuple[str, str]) -> float:
    """The median of the sequences, where those that were given up count as more than all others."""
    done, after = what
    counts = [one[after] if one[done] else np.inf for one in of_lag(trials, lag)]
    return float(np.median(counts)) if counts else np.inf


def _medians(lags: tuple[int, ...], found: Found, what: tuple[str, str]) -> dict[str, float]:
    every = {(*key, lag): median(trials, lag, what) for key, trials in found.items() for lag in lags}
    return {f"{cell}, {start}, lag {lag}": value for (start, cell, lag), value in every.items() if np.isfinite(value)}


def _most_wrong(trials: list[dict[str, Any]]) -> int | None:
    return max((one["wrong"] for one in trials if one["solved"]), default=None)


def _table(problem: str, lags: tuple[int, ...], found: Found) -> list[tuple[str, ...]]:
    lag = PAPER[problem][0].lag
    rows = []
    for (start, cell), trials in found.items():
        most = _most_wrong(trials)
        rows.append(
            (
                start,
                f"{cell}: {STARTS[start, cell].says}",
                str(trials[0]["parameters"]),
                *(_cell(of_lag(trials, lag), STORED) for lag in lags),
                _cell(of_lag(trials, lag), SOLVED),
                "–" if most is None else str(most),
            )
        )
    return rows


def _cell(trials: list[dict[str, Any]], what: tuple[str, str]) -> str:
    done, after = what
    if not trials:
        return "not tried"
    counts = [one[after] for one in trials if one[done]]
    if len(counts) < len(trials):
        return f"{len(counts)} of {len(trials)}"
    low, middle, high = map(float, spread(counts))
    return f"{middle:,.0f} [{low:,.0f}, {high:,.0f}]"


def _printed(problem: str, lags: tuple[int, ...]) -> tuple[str, ...]:
    """The paper's line at the lag that is ours too."""
    line = PAPER[problem][0]
    return (
        "the paper's table",
        f"LSTM of 1997, mean of {line.trials} trials",
        f"{line.weights} in all",
        *("" for _ in lags),
        f"{line.sequences:,}",
        f"{line.wrong} (mean)",
    )


def _says(problem: str, asked: Trial, found: Found, numbers: dict[str, Any]) -> str:
    reaches = {key: reach(trials) for key, trials in found.items()}
    sentences = [
        f"{start[0].upper()}{start[1:]} and with at most {asked.most:,} sequences, {_who(reaches, start)}."
        for start in (KERAS, LAG)
        if any(key[0] == start for key in found)
    ]
    both = [cell for start, cell in reaches if start == LAG and (KERAS, cell) in reaches]
    if both:
        further = [cell for cell in both if reaches[LAG, cell] > reaches[KERAS, cell]]
        sentences.append(
            f"Begun so, {len(further)} of these {len(both)} cells reach{'es' * (len(further) == 1)} "
            f"further{': ' if further else ''}{_list(further)}."
            + " How a network begins decides more than which cell it has."
            * (len(further) * 2 > len(both))
        )
    line = PAPER[problem][0]
    ours = {key: median(trials, line.lag, SOLVED) for key, trials in found.items()}
    key, best = min(ours.items(), key=lambda item: item[1])
    own = ours.get((LAG, "LSTM 1997"), np.inf)
    sentences.append(
        f"The paper's LSTM, of {line.weights} weights, took {line.sequences:,} sequences at lag {line.lag}, one at a "
        f"time and so as many updates, until 2000 in a row were right."
    )
    if np.isfinite(own):
        sentences.append(
            f"Ours, with its initial weights, took {own:,.0f}, in {own / asked.batch:,.0f} updates by Adam with the "
            f"whole gradient where the paper has a truncated one."
        )
    if np.isfinite(best):
        sentences.append(f"The fewest are those of the {key[1]} {key[0]}: {best:,.0f}.")
    most = numbers["most wrong"]
    sentences.append(
        f"No network got so far here ({asked.seeds} seeds, layers of up to {asked.budget:,} parameters)."
        if most is None
        else f"Of {TEST} other sequences networks that got so far have at most {most} wrong; the paper's, 3."
    )
    return " ".join(sentences)


def _who(reaches: dict[tuple[str, str], int], start: str) -> str:
    """Who bridges which lag, the longest first."""
    of = {cell: lag for (begun, cell), lag in reaches.items() if begun == start}
    groups = []
    for lag in sorted(set(of.values()), reverse=True):
        names = [cell for cell in of if of[cell] == lag]
        verb = ("bridge" if lag else "learn") + "s" * (len(names) == 1)
        groups.append(f"{_list(names)} {verb} {f'{lag} steps' if lag else 'no lag'}")
    return "; ".join(groups)


def _list(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
