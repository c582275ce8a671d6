"""How the time of a training step grows with the length of the sequence, and with the units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log
from typing import Any

from comparisons.benching.rows import Row, Settings, Task, compared
from comparisons.benching.work import Shape, drawn

JOB = "step"
OVER = {
    "T": [Shape(16, T, 64, 128) for T in (10, 100, 800, 3200)],
    "H": [Shape(16, 50, 64, H) for H in (32, 128, 512, 1024)],
}
QUICK = {"T": [Shape(2, T, 3, 4) for T in (3, 6)], "H": [Shape(2, 3, 3, H) for H in (4, 8)]}
BUDGET = 4.0  # seconds that one call may be expected to take; whoever would take longer is left out, and it is said
POWER = {"T": 1, "H": 2}  # of the growth that is expected


def tasks(settings: Settings) -> Iterator[Task]:
    """A row a point, of the first cell that was asked for."""
    for over, shapes in (QUICK if settings.quick else OVER).items():
        known: list[Row] = []
        for shape in shapes:
            title = f"growth: {settings.cells[0]}, {over} = {getattr(shape, over)}"
            yield Task(title, lambda shape=shape, over=over, known=known: _row(shape, over, known, settings))


def _row(shape: Shape, over: str, known: list[Row], settings: Settings) -> Row:
    """One point; `known` are those before it on its line, and get it."""
    fewer = settings._replace(rounds=min(settings.rounds, 3), seconds=settings.seconds / 2)
    work = drawn(settings.cells[0], shape)
    row = compared("growth", JOB, work, fewer, over=over, left_out=_too_slow(shape, over, known))
    known.append(row)
    return row


def _too_slow(shape: Shape, over: str, known: list[Row]) -> dict[str, str]:
    if not known:
        return {}
    last = known[-1]
    factor = (getattr(shape, over) / getattr(last.shape, over)) ** POWER[over]
    expected = {name: timing.median * factor for name, timing in last.measured.items()}
    return last.left_out | {
        name: f"a call would take about {seconds:.1f} s, more than {BUDGET:.0f} s"
        for name, seconds in expected.items()
        if seconds > BUDGET
    }


def exponent(rows: Sequence[Row], name: str) -> float | None:
    """The slope of log time over log T, or H: the least squares of the larger half of the points; 1 is linear."""
    points = [
        (log(getattr(row.shape, row.over)), log(row.measured[name].median)) for row in rows if name in row.measured
    ]
    points = points[len(points) // 2 :]
    if len(points) < 2:
        return None
    x, y = ([point[i] for point in points] for i in (0, 1))
    middle: Any = (sum(x) / len(x), sum(y) / len(y))
    spread = sum((a - middle[0]) ** 2 for a in x)
    return sum((a - middle[0]) * (b - middle[1]) for a, b in points) / spread
