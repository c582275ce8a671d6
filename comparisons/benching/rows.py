"""A row of the report, and the comparison that gives one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from comparisons.benching.competitors import COMPETITORS, STOCK, Competitor
from comparisons.benching.floors import fastest
from comparisons.benching.rounds import Ratio, Timing, alternate, ratio, together
from comparisons.benching.work import Shape, Work

Calls = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Row:
    """Everybody's time (or memory) for one job at one shape."""

    part: str
    job: str
    cell: str
    shape: Shape
    measured: dict[str, Timing] = field(default_factory=dict)  # seconds, or bytes in `memory`
    wrong: dict[str, str] = field(default_factory=dict)  # who does not compute the same function, or fails, and how
    left_out: dict[str, str] = field(default_factory=dict)  # who was not measured here, and why
    floor: dict[str, Timing] = field(default_factory=dict)  # {"matmul, library": …}, timed in the same rounds
    over: str = ""  # "T" or "H": which of them grows from row to row, in `growth`

    @property
    def least(self) -> Timing | None:
        """What the job's matmuls take alone, each by the fastest library."""
        return together(list(self.floor.values())) if self.floor else None

    @property
    def stock(self) -> Timing | None:
        """The better of the two ways of `keras.layers`."""
        return min((self.measured[name] for name in STOCK if name in self.measured), default=None)

    @property
    def names(self) -> list[str]:
        """Everybody in the row, measured or not."""
        inside = {**self.measured, **self.wrong, **self.left_out}
        return [name for name in COMPETITORS if name in inside] + [name for name in inside if name not in COMPETITORS]

    def over_floor(self, name: str) -> Ratio | None:
        """How many times as long as its matmuls alone it takes."""
        return ratio(self.measured[name], self.least) if self.least and name in self.measured else None

    def ratio(self, name: str, to: str | None = None) -> Ratio | None:
        """How many times as much `to`, or the better of stock's two ways, takes as `name`."""
        other = self.measured.get(to) if to else self.stock
        return ratio(other, self.measured[name]) if other and name in self.measured else None


class Task(NamedTuple):
    """A piece of work for the progress bar."""

    title: str
    row: Callable[[], Row]


class Settings(NamedTuple):
    cells: tuple[str, ...]
    shapes: tuple[Shape, ...]
    present: tuple[str, ...]  # the competitors that are installed
    rounds: int  # at most
    seconds: float  # for the rounds of one row, unless the least number of rounds takes longer
    quick: bool


def compared(
    part: str,
    job: str,
    work: Work,
    settings: Settings,
    *,
    over: str = "",
    left_out: dict[str, str] | None = None,
) -> Row:
    """Every competitor's answer checked, then all that are right and the matmuls timed in alternating rounds."""
    left_out = left_out or {}
    names = [name for name in settings.present if name not in left_out]
    calls, wrong = checked(job, work, ((name, COMPETITORS[name]) for name in names))
    measured, floor = timed(calls, fastest(job, work.cell, work.shape), settings)
    del calls
    gc.collect()  # graphs and their memory
    return Row(part, job, work.cell, work.shape, measured, wrong, left_out, floor, over)


def timed(calls: Calls, matmuls: Calls, settings: Settings) -> tuple[dict[str, Timing], dict[str, Timing]]:
    """The times of the competitors, and of the matmuls between them."""
    times = alternate(calls | matmuls, settings.rounds, settings.seconds)
    return {name: times[name] for name in calls}, {name: times[name] for name in matmuls}


def checked(job: str, work: Work, competitors: Iterable[tuple[str, Competitor]]) -> tuple[Calls, dict[str, str]]:
    """The calls whose answers are right, and what is wrong with the others'."""
    calls, wrong = {}, {}
    for name, competitor in competitors:
        try:
            call = competitor.call(job, work)
            mistake = work.mistake(job, call.answer())
        except Exception as error:  # whatever a framework raises is what its row says
            said = str(error).strip().splitlines()
            wrong[name] = ": ".join([type(error).__name__, *said[:1]])
            continue
        if mistake:
            wrong[name] = mistake
        else:
            calls[name] = call.run
    return calls, wrong
