"""Cells whose space is not laid out in axes: the planted mistakes, one and then two at a time, each an ordinary run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.diagnosis.data import Given
from comparisons.diagnosis.found import AMBIGUOUS, NONE, UNIQUE, Departure, Diagnosis, Difference, Explanation
from comparisons.diagnosis.verify import DRAWN
from comparisons.proof import mutants
from comparisons.proof.bounds import UNITS
from comparisons.proof.measure import ORACLE, SLACK
from reference import Layer

Array = NDArray[Any]
NEAR = 10  # mistakes that fit best are looked at in pairs with every other


@dataclass(frozen=True, eq=False)
class Planted:
    """A layer with mistakes, by their names."""

    layer: Layer
    names: tuple[str, ...]
    given: Given

    def run(self, dtype: str = "float64", x: Any = None) -> Array:
        x, first = self.given.x if x is None else x, self.given.initial
        with np.errstate(all="ignore"):
            state = None if first is None or len(x) != len(first[0]) else tuple(s.astype(dtype) for s in first)
            outputs = self.layer.astype(dtype).run(x.astype(dtype), state).outputs
        return outputs[:, -1] if self.given.last else outputs

    @cached_property
    def far(self) -> Array:
        with np.errstate(invalid="ignore", over="ignore"):
            far = np.abs(self.run() - self.given.outputs)
        return np.where(np.isnan(far), np.inf, far)

    @cached_property
    def rounding(self) -> float:
        dtype = self.given.rounded.dtype
        wide, narrow = self.run(ORACLE[dtype]), self.run(dtype)
        with np.errstate(invalid="ignore"):
            error = float(np.abs(narrow.astype(wide.dtype) - wide).max())
        return SLACK * max(error, UNITS[dtype]) if np.isfinite(error) else 0.0

    @property
    def fits(self) -> bool:
        return bool((self.far <= self.rounding + self.given.rounded.half).all())

    @property
    def departure(self) -> Departure | None:
        beyond = self.far > self.rounding + self.given.rounded.half
        if not beyond.any():
            return None
        spread = beyond[:, None] if self.given.last else beyond
        step = int(np.flatnonzero(spread.any(axis=(0, 2)))[0])
        batch, unit = (int(k) for k in np.argwhere(spread[:, step])[0])
        at = (batch, unit) if self.given.last else (batch, step, unit)
        step = self.given.x.shape[1] - 1 if self.given.last else step
        return Departure(step, "h", unit, batch, float(self.run()[at]), float(self.given.outputs[at]))


def diagnose(layer: Layer, given: Given) -> Diagnosis:
    """As `search.diagnose`, of a cell outside `axes.CELLS`."""
    wide = layer.astype("float64")
    right = Planted(wide, (), given)
    tried = [right, *_planted(right)]
    fitting = [one for one in tried if one.fits]
    if not fitting:
        nearest = sorted(tried, key=lambda one: float(one.far.mean()))
        pairs = [pair for one in nearest[:NEAR] if one.names and type(one.layer) is Layer for pair in _planted(one)]
        tried += pairs
        fitting = [one for one in pairs if one.fits]
    about: dict[str, Any] = {
        "tried": len(tried),
        "searched": "the planted mistakes, one at a time and the nearest in pairs",
        "precision": given.rounded.said,
    }
    if not fitting:
        nearest = sorted(tried, key=lambda one: float(one.far.mean()) * (1 + len(one.names)))
        return Diagnosis(NONE, tuple(_explained(one, ()) for one in nearest[:3]), right.departure, **about)
    classes: list[list[Planted]] = []
    drawn = np.random.default_rng(0).normal(size=(*DRAWN, layer.input_dim))
    answers = {one: one.run(x=drawn) for one in fitting}
    apart = lambda a, b: float(np.abs(answers[a] - answers[b]).max())
    for one in fitting:
        same = next((group for group in classes if apart(group[0], one) < 1e-10), None)
        classes.append([one]) if same is None else same.append(one)
    found = tuple(_explained(group[0], group[1:]) for group in classes)
    if len(classes) == 1:
        return Diagnosis(UNIQUE, found, right.departure, **about)
    least = min(apart(a[0], b[0]) for k, a in enumerate(classes) for b in classes[:k])
    return Diagnosis(AMBIGUOUS, found, right.departure, **about, telling=drawn, apart=least)


def _planted(one: Planted) -> Iterator[Planted]:
    for name, wrong in mutants.planted(one.layer, False):
        try:
            made = replace(one, layer=wrong, names=(*one.names, name))
            made.run()
        except (ValueError, AttributeError):  # a mistake that this one leaves no room for
            continue
        yield made


def _explained(one: Planted, same: Any) -> Explanation:
    said = lambda planted: tuple(Difference("mistake", name, name, f"in yours: {name}", name) for name in planted.names)
    tolerance = one.rounding + float(np.max(one.given.rounded.half))
    return Explanation(
        said(one), float(one.far.max()), tolerance, tuple(said(other) for other in same), one.departure, one.layer
    )
