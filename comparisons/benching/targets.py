"""What was aimed for, and whether it was reached: a statement, never a test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, log
from typing import NamedTuple

from comparisons.benching import growth, memory, oracle
from comparisons.benching.rounds import Ratio
from comparisons.benching.rows import Row
from comparisons.benching.sequences import SHAPES

LARGE = SHAPES[2]
CELLS = ("lstm", "gru")
# The two columns of training and of forward: how it is asked for, the job, and who of ours does it.
COLUMNS = {
    ("training", "jit on"): ("step", "ours jit on"),
    ("training", "default fit"): ("fit", "ours jit off"),
    ("forward", "jit on"): ("forward", "ours jit on"),
    ("forward", "default predict"): ("forward", "ours jit off"),
}


class Target(NamedTuple):
    """A ratio that should be at least, or at most, the limit; None where it was not measured."""

    name: str
    measured: Ratio | None
    limit: float
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """None where it was not measured, or where the limit lies within the spread and the run cannot tell."""
        if self.measured is None or self.measured.lower < self.limit < self.measured.upper:
            return None
        return self.measured.value <= self.limit if self.at_most else self.measured.value >= self.limit


def targets(rows: Sequence[Row]) -> list[Target]:
    """Every target of the parts that were measured."""
    parts = {row.part for row in rows}
    return [target for part, found in TARGETS.items() if part in parts for target in found(rows)]


def ratios(rows: Sequence[Row], part: str, column: str, cells: Sequence[str] = CELLS) -> list[Ratio]:
    """How many times as fast as the faster of stock's two ways ours is, a row of the four shapes."""
    job, name = COLUMNS[part, column]
    chosen = [row for row in rows if (row.part, row.job) == (part, job) and row.shape in SHAPES and row.cell in cells]
    return [ratio for row in chosen if (ratio := row.ratio(name)) is not None]


def mean(ratios: Sequence[Ratio]) -> Ratio | None:
    """The geometric mean, and those of the quartiles."""
    return Ratio(*(exp(sum(map(log, field)) / len(field)) for field in zip(*ratios, strict=True))) if ratios else None


def _training(rows: Sequence[Row]) -> Iterator[Target]:
    for column, least_mean, least in (("jit on", 1.5, 1.1), ("default fit", 1.2, 1.0)):
        found = ratios(rows, "training", column)
        yield Target(f"training, {column}: geometric mean over stock", mean(found), least_mean)
        yield Target(f"training, {column}: smallest over stock", min(found, default=None), least)
    large = [row for row in rows if (row.part, row.job, row.shape) == ("training", "step", LARGE)]
    found = [ratio for row in large if (ratio := row.ratio("ours jit on", "pytorch")) is not None]
    yield Target(f"training, jit on, ({LARGE}): over PyTorch", min(found, default=None), 1.0)


def _forward(rows: Sequence[Row]) -> Iterator[Target]:
    for column in ("jit on", "default predict"):
        found = ratios(rows, "forward", column)
        yield Target(f"forward, {column}: smallest over stock", min(found, default=None), 1.0)


def _memory(rows: Sequence[Row]) -> Iterator[Target]:
    for column, way in (("jit on", "jit on"), ("default fit", "jit off")):
        found = [row.ratio(f"stock {way}", f"ours {way}") for row in rows if row.shape == memory.SHAPE]
        shares = [share for share in found if share is not None]
        yield Target(f"memory, {column}: largest share of stock's", max(shares, default=None), 1.0, True)


def _growth(rows: Sequence[Row]) -> Iterator[Target]:
    line = [row for row in rows if row.part == "growth" and row.shape in growth.OVER["T"] and row.over == "T"]
    power = growth.exponent(line, "ours jit on")
    yield Target("growth: power of T, ours jit on", power if power is None else Ratio(power, power, power), 1.1, True)


def _reference(rows: Sequence[Row]) -> Iterator[Target]:
    rows = [row for row in rows if row.part == "reference" and row.shape in oracle.SHAPES]
    lstm = {row.shape: row for row in rows if row.cell == "lstm"}
    for shape, limit in zip(oracle.SHAPES, (1.8, 1.5), strict=True):
        share = lstm[shape].over_floor("run") if shape in lstm else None
        yield Target(f"reference, lstm ({shape}): over its matmuls", share, limit, True)
    small = lstm.get(oracle.SHAPES[0])
    yield Target("reference, lstm: over ONNX' ReferenceEvaluator", small and small.ratio("run", "onnx"), 1.0)
    back = [ratio for row in rows if (ratio := row.ratio("run", "backprop")) is not None]
    yield Target("reference: largest backward over forward", max(back, default=None), 3.0, True)


TARGETS = {
    "training": _training,
    "forward": _forward,
    "memory": _memory,
    "growth": _growth,
    "reference": _reference,
}
