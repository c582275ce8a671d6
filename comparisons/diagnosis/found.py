"""What a diagnosis finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNIQUE, AMBIGUOUS, NONE = "unique", "ambiguous", "none"


@dataclass(frozen=True)
class Difference:
    """One convention in which the outputs differ from what was expected."""

    axis: str  # of `axes.AXES`
    choice: Any
    said: str  # third person: "the gates are read in the order i o f g"
    yours: str  # second person: "your forget and input gates are exchanged"
    found: str = ""  # of arrays: "the gates are stored in the order i o f g"


@dataclass(frozen=True)
class Departure:
    """Where outputs first depart: the step in processing order, a gate's letter or a state's field ("h", "c"; "output"
    where outputs are not h), the unit, the row of the batch; what was expected there, and what was given."""

    step: int
    field: str
    unit: int
    batch: int
    expected: float
    got: float


@dataclass(frozen=True)
class Explanation:
    """Conventions that were tried together.

    `distance` is the largest absolute distance of the outputs from what they give, `tolerance` what is allowed;
    `equivalent` are the other choices that give the same function with these weights, and cannot matter; `departure` is
    where the outputs first depart from this explanation, None where it fits.
    """

    differences: tuple[Difference, ...]
    distance: float
    tolerance: float
    equivalent: tuple[tuple[Difference, ...], ...] = ()
    departure: Departure | None = None
    layer: Any = field(default=None, repr=False)  # the reference.Layer that computes it, in forward order
    chosen: Mapping[str, Any] = field(default_factory=dict, repr=False)  # its choice on every axis
    # On these axes other choices give the very same arrays: {axis: choices}.
    alike: Mapping[str, tuple[Any, ...]] = field(default_factory=dict, repr=False)
    # Of arrays: the frame they were read in, the reading that `differences` are counted from, and the frameworks whose
    # storage and defaults these are exactly.
    frame: Any = field(default=None, repr=False)
    nearest: Any = field(default=None, repr=False)
    exactly: tuple[Any, ...] = field(default=(), repr=False)
    conventions: tuple[str, ...] = field(default=(), repr=False)  # what the arrays are, whatever was expected

    @property
    def fits(self) -> bool:
        return bool(self.distance <= self.tolerance)


@dataclass(frozen=True)
class Diagnosis:
    """The answer.

    `verdict`: "unique", all explanations that fit are one function with these weights; "ambiguous", they are several,
    which these data cannot tell apart; "none", nothing in the searched space fits, and `explanations` has the nearest.
    `departure` is where the outputs first depart from the layer as it was given; None where they do not.
    """

    verdict: str
    explanations: tuple[Explanation, ...]  # best first
    departure: Departure | None
    blind: tuple[str, ...] = ()  # what data and weights of this kind cannot show, in words
    more: int = 0  # others that fit as far as was looked, and were not run one by one: too many
    tried: int = 0  # combinations of conventions
    searched: str = ""  # which of them, in words
    precision: str = ""  # that the outputs have, in words
    telling: Any = field(default=None, repr=False)  # inputs (B, T, X) on which the explanations differ
    before: float = 0.0  # the largest distance of the outputs from the layer as it was given
    apart: float = 0.0  # the least distance between two of them on these inputs

    @property
    def best(self) -> Explanation:
        return self.explanations[0]
