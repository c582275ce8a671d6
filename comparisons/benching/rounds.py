"""Timing side by side: every competitor takes its turn in every round, and medians are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles
from time import perf_counter, sleep
from typing import Any, NamedTuple

TURN = 0.02  # seconds that a turn lasts at least, so that short calls are made often enough
LONG = 0.1  # seconds from which one call is a turn
REST = 0.15  # seconds in which the threads of a BLAS, which wait for work without giving up their core, go to sleep
LEAST = 5  # rounds, however long they take
Turn = Callable[[], float]  # takes a turn, and gives the seconds of a call


class Timing(NamedTuple):
    """Seconds a call: the median of its turns, and their quartiles."""

    median: float
    lower: float
    upper: float
    turns: tuple[float, ...]


class Ratio(NamedTuple):
    """How many times as much one takes as another: of their medians, and the quartiles of that from round to round."""

    value: float
    lower: float
    upper: float


def alternate(
    turns: Mapping[str, Turn], rounds: int, seconds: float, last: Mapping[str, Turn] | None = None
) -> dict[str, Timing]:
    """Everybody's time, in rounds that each begin with another: at most `rounds`, at least `LEAST`, then as many as fit
    into `seconds`. Those in `last` end each round, and there is a `REST` after them."""
    names, taken = list(turns), {name: list[float]() for name in [*turns, *(last or ())]}
    end = perf_counter() + seconds
    for n in range(rounds):
        if n >= LEAST and perf_counter() > end:
            break
        first = n % max(len(names), 1)
        for name in names[first:] + names[:first]:
            taken[name].append(turns[name]())
        if last:
            for name, turn in last.items():
                taken[name].append(turn())
            sleep(REST)
    return {name: timing(seconds) for name, seconds in taken.items()}


def turn_of(call: Callable[[], Any]) -> Turn:
    """Makes calls for `TURN` seconds, two at least unless one is `LONG`, and gives their median. Of several the first
    is not counted: it finds the caches as another left them, and the other's threads still awake."""

    def turn() -> float:
        taken, end = [], perf_counter() + TURN
        while not taken or (len(taken) < 2 and taken[0] < LONG) or perf_counter() < end:
            start = perf_counter()
            call()
            taken.append(perf_counter() - start)
        return median(taken[1:] or taken)

    return turn


def timing(taken: list[float]) -> Timing:
    quarters = quantiles(taken, n=4, method="inclusive") if len(taken) > 1 else taken * 3
    return Timing(median(taken), quarters[0], quarters[2], tuple(taken))


def ratio(much: Timing, little: Timing) -> Ratio:
    """Of two that took their turns in the same rounds: what slows a whole round down is in both."""
    each = timing([a / b for a, b in zip(much.turns, little.turns, strict=True)])
    value = much.median / little.median
    return Ratio(value, min(value, each.lower), max(value, each.upper))


def together(timings: Sequence[Timing]) -> Timing:
    """What all take one after another, round by round."""
    return timing([sum(turns) for turns in zip(*(one.turns for one in timings), strict=True)])
