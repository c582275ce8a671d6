"""A row of the report, and the comparison that gives one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from comparisons.benching.calls import Ready, here
from comparisons.benching.competitors import COMPETITORS, STOCK
from comparisons.benching.floors import fastest
from comparisons.benching.processes import elsewhere
from comparisons.benching.rounds import Ratio, Timing, Turn, alternate, ratio, together
from comparisons.benching.work import Shape, Work

Turns = dict[str, Turn]


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
    apart: bool  # everybody in a process of their own


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
    who = {name: elsewhere(name) if settings.apart else here(COMPETITORS[name].call) for name in names}
    turns, wrong = checked(job, work, who)
    measured, floor = timed(turns, fastest(job, work.cell, work.shape), settings)
    del turns
    gc.collect()  # graphs and their memory
    return Row(part, job, work.cell, work.shape, measured, wrong, left_out, floor, over)


def timed(turns: Turns, matmuls: Turns, settings: Settings) -> tuple[dict[str, Timing], dict[str, Timing]]:
    """The times of the competitors, and of the matmuls after them in every round."""
    times = alternate(turns, settings.rounds, settings.seconds, last=matmuls)
    return {name: times[name] for name in turns}, {name: times[name] for name in matmuls}


def checked(job: str, work: Work, who: Mapping[str, Callable[[str, Work], Ready]]) -> tuple[Turns, dict[str, str]]:
    """The turns of those whose answers are right, and what is wrong with the others'."""
    turns, wrong = {}, {}
    for name, make in who.items():
        try:
            ready = make(job, work)
        except Exception as error:  # whatever a framework raises is what its row says
            said = str(error).strip().splitlines()
            wrong[name] = ": ".join([type(error).__name__, *said[:1]])
            continue
        if mistake := work.mistake(job, ready.answer):
            wrong[name] = mistake
        else:
            turns[name] = ready.turn
    return turns, wrong
