"""What a study gives: parts, each with its numbers, a picture's worth of them, and a paragraph that reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Progress = Callable[[str, int], None]  # hears of each piece of work before it begins: what, and of how many
SPREAD = ("quartile_1", "median", "quartile_3")


@dataclass(frozen=True)
class Part:
    """One picture of a study: `rows` are all its numbers, `table` the few that a terminal shows."""

    name: str  # of its picture and its file of numbers
    title: str
    settings: str  # what was run, in a few words
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(repr=False)
    table_columns: tuple[str, ...]
    table: list[tuple[str, ...]] = field(repr=False)
    found: dict[str, Any]  # the numbers that the paragraph has
    says: str  # what one sees, in one paragraph
    source: str = ""  # the paper whose numbers stand beside ours: authors, journal, year, table

    def column(self, name: str, **where: Any) -> Array:
        """A column of the rows whose other columns have these values."""
        wanted = [(self.columns.index(key), value) for key, value in where.items()]
        at = self.columns.index(name)
        return np.array([row[at] for row in self.rows if all(row[k] == value for k, value in wanted)])

    def values(self, name: str) -> list[Any]:
        """The different values of a column, in the order of the rows."""
        at = self.columns.index(name)
        return list(dict.fromkeys(row[at] for row in self.rows))


def spread(values: Sequence[Any] | Array) -> tuple[Array, Array, Array]:
    """The quartiles over the first axis, which is the seeds'."""
    low, middle, high = np.quantile(np.asarray(values, float), [0.25, 0.5, 0.75], axis=0)
    return low, middle, high


def spread_rows(key: Sequence[Any], along: Sequence[Any], values: Sequence[Any] | Array) -> list[tuple[Any, ...]]:
    """Rows `(*key, along, quartile_1, median, quartile_3)` of `values (seeds, len(along))`."""
    return [(*key, a, *map(float, three)) for a, *three in zip(along, *spread(values), strict=True)]


def short(value: float) -> str:
    """A number as prose has it, in two digits.

    >>> [short(v) for v in (0.0000123, 0.731, 1.0, 42.0, 123456.0)]
    ['1.2e-5', '0.73', '1', '42', '1.2e5']
    """
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2g}"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}e{int(exponent)}"


def with_spread(values: Sequence[float] | Array) -> str:
    """The median, and the quartiles in brackets."""
    low, middle, high = map(float, spread(values))
    return f"{short(middle)} [{short(low)}, {short(high)}]"
