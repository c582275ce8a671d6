"""The search in one frame: every hypothesis at the first step, those that fit at more, those that fit everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.diagnosis import words
from comparisons.diagnosis.data import Given
from comparisons.diagnosis.evaluate import Combinations, Enumeration, Evaluator, Window
from comparisons.diagnosis.found import Departure, Explanation
from comparisons.diagnosis.readings import Frame
from comparisons.diagnosis.space import Row, Space
from comparisons.diagnosis.verify import Tried

Array = NDArray[Any]
Progress = Callable[[str, int], None]
# How many hypotheses are tried: of one number of the first step; of whole runs, in multiplications.
FIRST_STEP, WHOLE_RUNS = 3_200_000, 4e9
LOOSE = 64.0  # the search allows so many times the rounding of the layer's own run; the verdict has its own rule
AT_ONCE = 150_000  # rows that are widened by what can be seen later
# Axes that the first step does not show, from a state of zeros: those of c, and those of what h is multiplied with.
OF_C = ("forget", "carried")
LATER = (*OF_C, "transposed", "units")
VERIFIED = 400  # survivors that are run one by one


def quietly(doing: str, of: int) -> None:
    """No progress."""


@dataclass(eq=False)
class Search:
    """One search, in one frame and precision."""

    frame: Frame
    given: Given
    told: bool
    progress: Progress

    def __post_init__(self) -> None:
        self.layer = self.frame.layer
        self.space = Space.around(self.layer, self.given.sizes)
        self.evaluator = Evaluator(self.space, self.given)
        self.own = self.tried(self.space.own)
        rows = [self.space.row(chosen) for _, chosen in self.frame.named] if not self.told else []
        self.named = list(dict.fromkeys(row for row in rows if row is not None)) or [self.space.own]
        self.whole, self.most, self.more = True, 0, 0
        self.survivors_of_first: Array | None = None
        self._tolerances: dict[int, Any] = {}

    def tried(self, row: Sequence[int]) -> Tried:
        return Tried(self.space, self.given, tuple(int(k) for k in row), self.given.rounded.dtype)

    def weight(self, row: Row) -> float:
        """How much a row departs from what is likely."""
        return min(self.space.weight(row, own) for own in self.named)

    def explanation(self, one: Tried, same: Sequence[Tried]) -> Explanation:
        likely = min(self.named, key=lambda own: self.space.weight(one.row, own))
        framework = self.frame.reading.framework
        own = lambda other: likely if other.space is self.space else other.space.own
        said = lambda other: words.differences(other.space, other.row, own(other), framework)
        exactly = [reading for reading, chosen in self.frame.named if self.space.row(chosen) == one.row]
        return Explanation(
            said(one),
            one.distance,
            one.tolerance,
            tuple(said(other) for other in same),
            one.departure,
            one.layer,
            one.chosen,
            {name: kept for name, alike in self.space.alike.items() if (kept := alike.get(one.chosen[name]))},
            self.frame,
            next((reading for reading, chosen in self.frame.named if self.space.row(chosen) == likely), None),
            tuple(exactly),
            tuple(words.conventions(self.space, one.row, framework)),
        )

    def departure(self, right: Tried | None) -> Departure | None:
        """Where what is given departs from the layer; at a gate, where an explanation shows which."""
        departs = self.own.departure
        if departs is None or right is None or right.chosen["time"] != self.own.chosen["time"]:
            return departs
        if right.ran.outputs.shape != self.own.ran.outputs.shape:
            return departs
        at = departs.batch, departs.step
        for letter, ours in self.own.ran.gates.items():
            theirs = right.ran.gates[letter]
            far = np.flatnonzero(np.abs(ours[at] - theirs[at]) > self.own.rounding)
            if len(far):
                unit = departs.unit if departs.unit in far else int(far[0])
                numbers = {"expected": float(ours[*at, unit]), "got": float(theirs[*at, unit])}
                return replace(departs, field=letter, unit=unit, **numbers)
        return departs

    # The stages

    def fitting(self) -> list[Tried]:
        """Every hypothesis that fits, likeliest first."""
        staged = not self.given.sizes.initial and self.known_at_first()
        rows = self.by_first_step() if staged else self.by_whole_runs()
        _, first = np.unique(self.space.numbered(rows, range(len(self.space.axes))), return_index=True)
        rows = rows[first]
        rows = rows[np.argsort([self.weight(tuple(row)) for row in rows], kind="stable")] if len(rows) else rows
        found: list[Tried] = []
        self.more = max(0, len(rows) - VERIFIED)
        for row in rows[:VERIFIED]:
            self.progress("verifying", min(len(rows), VERIFIED))
            one = self.tried(row)
            if one.fits:
                found.append(one)
        return found

    def known_at_first(self) -> bool:
        """Whether outputs are known at the first step that is processed, in every direction."""
        return not self.given.last or self.given.x.shape[1] == 1

    def tolerance(self, steps: int) -> Any:
        """What the search allows after so many steps."""
        if steps not in self._tolerances:
            self._tolerances[steps] = self._tolerance(steps)
        return self._tolerances[steps]

    def _tolerance(self, steps: int) -> Any:
        own = replace(
            self.given,
            x=self.given.x[:, :steps],
            outputs=self.given.outputs if self.given.last else self.given.outputs[:, :steps],
            initial=None,
            states=(),
        )
        return (
            LOOSE * Tried(self.space, own, self.space.own, self.given.rounded.dtype).rounding / 8
            + self.given.rounded.half
        )

    def by_first_step(self) -> Array:
        """From a state of zeros: nothing but what can be seen at the first step, then the rest for those that fit."""
        space, T, H = self.space, self.given.x.shape[1], self.layer.units
        columns = lambda *names: [k for k, axis in enumerate(space.axes) if axis.name in names]
        enumeration = Enumeration(space, [k for k in range(len(space.axes)) if k not in columns(*LATER)], FIRST_STEP)
        self.whole, self.most = enumeration.whole, enumeration.most
        everything = np.arange(H)
        largest = np.argsort(-np.abs(self.given.outputs[0]).reshape(-1, self.given.outputs.shape[-1]).min(axis=0))
        few = everything if self.evaluator.projected else largest[:1]
        kept: dict[tuple[str, ...], list[Array]] = {}  # by the later axes on which they have every choice
        for group in enumeration:
            self.progress("first step", enumeration.groups)
            near: Array = group[np.flatnonzero(self.evaluator.near(group, Window(1, 1, few), self.tolerance(1)))]
            unmoved, seen = self.unmoved(near[0]) if len(near) else 0, ()
            if unmoved:  # h is still zeros, but c need not be; what is made of the old c shows f a step later still
                seen = OF_C[space.chosen(near[0]).get("output") == "old c" :]
                more = min(unmoved + 1, T)
                near = self.widened(near, columns(*seen), AT_ONCE)
                near = self.evaluator.fitting(near, Window(more, 1, few), self.tolerance(more))
            kept.setdefault(seen, []).append(near)
        parts, wide = [], []
        for seen, found in kept.items():
            rows = np.concatenate(found)
            for batch in (1, None):
                rows = self.evaluator.fitting(rows, Window(1, batch, everything), self.tolerance(1))
            parts.append(rows)
            wide.append(self.widened(rows, columns(*(name for name in LATER if name not in seen)), AT_ONCE))
        self.survivors_of_first = np.concatenate(parts)
        rows = np.concatenate(wide)
        for steps, batch in ((2, 1), (4, 4)) if T > 1 else ():  # with one step alone, nothing of the rest is seen
            rows = self.evaluator.fitting(rows, Window(min(steps, T), batch), self.tolerance(min(steps, T)))
        return self.over_time(rows)

    def unmoved(self, row: Any) -> int:
        """At how many steps, from the first, all outputs are zeros: the recurrent kernel has nothing to multiply."""
        expected = self.given.expected(self.space.chosen(row))
        with np.errstate(invalid="ignore"):
            moved = np.any(np.abs(expected) > self.own.rounding, axis=(0, 2))
        return int(np.argmax(moved)) if moved.any() else int(np.size(moved))

    def widened(self, rows: Array, columns: Sequence[int], most: int) -> Array:
        """Each row with every choice on these axes; of too many, those with the fewest differences."""
        space = self.space
        more = Combinations(space, columns)
        departures = (rows != np.array(space.own)).sum(axis=1)
        limit = len(space.axes)
        while (
            limit > 1
            and sum(
                more.within(limit - int(d)) * n for d, n in zip(*np.unique(departures, return_counts=True), strict=True)
            )
            > most
        ):
            limit -= 1
        if limit < len(space.axes):
            self.whole, self.most = False, min(self.most, limit)
        parts = [rows[:0]]
        for d in np.unique(departures):
            these, others = rows[departures == d], more.rows[: more.within(limit - int(d))]
            wide = np.repeat(these, len(others), axis=0)
            wide[:, columns] = np.tile(others, (len(these), 1))
            parts.append(wide)
        return np.concatenate(parts)

    def over_time(self, rows: Array) -> Array:
        """Too many to be run one by one: those that fit the whole sequence."""
        if len(rows) > VERIFIED // 2:
            rows = self.evaluator.fitting(rows, Window(self.given.x.shape[1]), self.tolerance(self.given.x.shape[1]))
        return rows

    def by_whole_runs(self) -> Array:
        """The first step shows nothing, or everything at once: combinations of few differences from what is likely."""
        T = self.given.x.shape[1]
        steps = T if self.given.last else 1
        H, R, G = self.layer.units, self.layer.recurrent_dim, len(self.space.blocks.gates)
        budget = WHOLE_RUNS / (steps * G * H * (R + 40) * len(self.named))
        rows = []
        self.whole = True
        for own in self.named:
            space = replace(self.space, own=own)
            enumeration = Enumeration(space, range(len(space.axes)), budget)
            self.whole, self.most = self.whole and enumeration.whole, enumeration.most
            for group in enumeration:
                self.progress(
                    "whole sequence" if self.given.last else "first step", enumeration.groups * len(self.named)
                )
                near = self.evaluator.near(group, Window(steps, 1), self.tolerance(steps))
                if near.any():
                    rows.append(group[near])
        found = np.concatenate(rows) if rows else np.zeros((0, len(self.space.axes)), np.int16)
        if not self.given.last:
            for more in (1, min(T, 4)):
                found = self.evaluator.fitting(found, Window(more), self.tolerance(more))
        return self.over_time(found)

    def nearest(self) -> list[Tried]:
        """What is likely, each with one more difference, and what fitted the first step."""
        rows: list[Row] = list(self.named)
        space = self.space
        for own in self.named:
            for column, choices in enumerate(space.choices):
                rows += [(*own[:column], k, *own[column + 1 :]) for k in range(len(choices)) if k != own[column]]
        if self.survivors_of_first is not None:
            rows += [tuple(int(k) for k in row) for row in self.survivors_of_first[:VERIFIED]]
        return [self.tried(row) for row in dict.fromkeys(rows)]
