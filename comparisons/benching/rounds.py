"""Timing side by side: every competitor takes its turn in every round, and medians are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median, quantiles
from time import perf_counter
from typing import Any, NamedTuple

TURN = 0.02  # seconds that a turn lasts at least, so that short calls are made often enough


class Timing(NamedTuple):
    """Seconds a call: the median of its turns, and their quartiles."""

    median: float
    lower: float
    upper: float
    rounds: int


def alternate(calls: Mapping[str, Callable[[], Any]], rounds: int, seconds: float) -> dict[str, Timing]:
    """The time of each call, in rounds that each begin with another: at most `rounds`, at least 3, then as many as fit
    into `seconds`."""
    names, turns = list(calls), {name: list[float]() for name in calls}
    end = perf_counter() + seconds
    for n in range(rounds):
        if n >= min(3, rounds) and perf_counter() > end:
            break
        first = n % len(names)
        for name in names[first:] + names[:first]:
            turns[name].append(_turn(calls[name]))
    return {name: timing(taken) for name, taken in turns.items()}


def _turn(call: Callable[[], Any]) -> float:
    """The median of calls made for `TURN` seconds. Of several the first is not counted: it finds the caches as another
    left them, and the other's threads still awake."""
    taken, end = [], perf_counter() + TURN
    while not taken or perf_counter() < end:
        start = perf_counter()
        call()
        taken.append(perf_counter() - start)
    return median(taken[1:] or taken)


def timing(taken: list[float]) -> Timing:
    quarters = quantiles(taken, n=4, method="inclusive") if len(taken) > 1 else taken * 3
    return Timing(median(taken), quarters[0], quarters[2], len(taken))
