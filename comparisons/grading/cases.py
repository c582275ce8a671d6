"""What an implementation is graded on: layers with drawn weights, inputs and first states, a situation each.

Every number is a multiple of 1/256, so that its decimals are few and exact and it is the same in float32 and float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from comparisons.proof import draws
from comparisons.proof.bounds import RULES
from comparisons.proof.cases import Case
from reference import Layer, activations, steps
from reference.activations import Activation
from reference.conventions.keras_family import KERAS
from reference.conventions.settings import settings

Array = NDArray[Any]

VERSION = 1  # of the cases: another number wherever one of theirs changes
GRID = 256
# As large as an option may be: the states and weights that go beyond a clip are exact in float32.
LARGEST = {"forget_bias": 1e4, "cell_clip": 1e4, "proj_clip": 1e3, "norm_epsilon": 1.0, "cells_per_block": 16}
# Settings that a case has for itself, or that a single step does not have.
SETTLED = ("units", "merge_mode", "go_backwards", "return_sequences", "zero_output_for_mask", "stateful")


class Situation(NamedTuple):
    """Sizes, and what is special: weights that much larger, no input, zeros as the first state."""

    name: str
    batch: int
    time: int
    inputs: int
    units: int
    from_zeros: bool = False
    weights: float = 1.0
    x: float = 1.0


# The first has more rows than one, and no size twice: with it is found out how an implementation wants to be called.
SITUATIONS = (
    Situation("one step from zeros", 3, 1, 5, 4, from_zeros=True),
    Situation("one step from a state", 3, 1, 2, 5),
    Situation("a sequence from zeros", 2, 12, 3, 4, from_zeros=True),
    Situation("a sequence from a state", 3, 6, 2, 4),
    Situation("saturated gates", 2, 4, 3, 4, weights=8.0),
    Situation("sums far from 0", 2, 2, 3, 5, weights=1024.0),  # where a naive tanh is infinity over infinity
    Situation("batch of one", 1, 5, 4, 3),
    Situation("zero input", 2, 3, 3, 4, x=0.0),
    Situation("more inputs than units", 2, 3, 7, 2),
    Situation("one of everything", 1, 2, 1, 1),
)


@dataclass(frozen=True)
class Cell:
    """A cell as Keras' options make it: what of `reference.steps` is graded."""

    name: str
    given: Mapping[str, Any]  # the options as they were given, under Keras' names
    options: Mapping[str, Any]  # of the cell's step
    use_bias: bool
    two_biases: bool
    projected: bool  # what the recurrence carries is narrower than the units
    without: tuple[str, ...]

    @property
    def states(self) -> tuple[str, ...]:
        """The fields of the state that an implementation must show."""
        fields = steps.module(self.name).State._fields
        return fields[:2] if self.options.get("variant", "FGR") != "FGR" else fields


@dataclass(frozen=True, eq=False)
class Graded:
    """One case. The layer is in float64, and as exact in float32."""

    name: str
    cell: Cell
    layer: Layer = field(repr=False)
    x: Array = field(repr=False)  # (B, T, X)
    state: dict[str, Array] = field(repr=False)  # the first state, (B, R) and (B, H)

    @property
    def batch(self) -> int:
        return self.x.shape[0]

    @property
    def time(self) -> int:
        return self.x.shape[1]

    @property
    def whole_state(self) -> tuple[Array, ...]:
        """The first state, with zeros for fields that this cell does not look at."""
        fields = steps.module(self.layer.cell).State._fields
        nothing = np.zeros((self.batch, self.layer.units))
        return tuple(self.state.get(name, nothing) for name in fields)

    def widths(self) -> dict[str, int]:
        """The last axis of every field of the state."""
        return {name: values.shape[-1] for name, values in self.state.items()}


def cell(name: str, /, **given: Any) -> Cell:
    """A cell of `reference.steps` with options under Keras' names; Keras' defaults, and this project's for its own.

    Raises ValueError for an unknown cell or option, a value that it cannot have, or an activation without a bound.
    """
    takes = steps.options(name)  # an unknown cell
    known = {option for option, means in KERAS.takes(name).items() if means.means and option not in SETTLED} | {*takes}
    for option in given:
        if option not in known:
            raise ValueError(f"option of {name} must be one of {', '.join(sorted(known))}, got {option!r}")
    found = settings("keras", name, {option: _of_ours(value) for option, value in given.items()})
    options = {option: found[option] for option in takes if option in found}
    for option, value in options.items():
        if isinstance(value, Activation) and value.name not in RULES:
            known = ", ".join(sorted(RULES))
            raise ValueError(f"{option} must have a known error bound, one of {known}, got {value.name!r}")
        if option in LARGEST and isinstance(value, int | float) and abs(value) > LARGEST[option]:
            raise ValueError(f"{option} must be at most {LARGEST[option]:g} to be graded, got {value}")
    steps.widths(name, options.get("cells_per_block", 1), {**takes, **options})  # values that a step has not
    projected = bool(found.get("recurrent_dim"))
    if options.get("proj_clip") and not projected:
        raise ValueError(f"proj_clip must go with num_proj, a projection to clip, got {options['proj_clip']} alone")
    peepholes = found.get("use_peepholes", name != "cifg")
    variant = options.get("variant", "V")
    absent = {
        "projection": not projected,
        "peephole": not peepholes or variant == "NP",
        "gate_recurrent_kernel": variant != "FGR",
    }
    return Cell(
        name,
        given,
        options,
        bool(given.get("use_bias", name != "layer_norm_lstm")),
        bool(found.get("two_biases")),
        projected,
        tuple(array for array in steps.shapes(name) if absent.get(array)),
    )


def _of_ours(value: Any) -> Any:
    """An activation that Keras has not, such as those of the LSTM of 1997, by its name here."""
    ours = isinstance(value, str) and value in activations.names() and value not in KERAS.activations
    return activations.get(value) if ours else value


def cases(graded: Cell) -> list[Graded]:
    """The cases of a cell, always the same."""
    return [case for situation in SITUATIONS if (case := _case(graded, situation)) is not None]


def _case(graded: Cell, s: Situation) -> Graded | None:
    block = graded.options.get("cells_per_block", 1)
    units = -(-s.units // block) * block
    as_wide = "X" not in steps.shapes(graded.name)["kernel"]  # x goes into a gate as it is
    normed = graded.name.endswith("layer_norm_lstm")
    if normed and units == 1:
        return None  # the norm of one number is 0, whatever it is
    drawn = Case(
        f"{graded.name}, {s.name}",
        graded.name,
        units=units,
        features=units if as_wide else s.inputs,
        steps=s.time,
        options=graded.options,
        use_bias=graded.use_bias,
        two_biases=graded.two_biases,
        recurrent_dim=max(1, units - 1) if graded.projected else None,
        without=graded.without,
    )
    clips = {"projection": 4 * (graded.options.get("proj_clip") or 0)}  # what is never reached is never seen
    layer = draws.weights(drawn, drawn.features, 0).edited(
        lambda name, a: _on_grid(a * max(s.weights, clips.get(name, 0)))
    )
    x = _on_grid(draws.inputs(drawn, s.batch, 0) * s.x)
    draw = np.random.default_rng([0, 2, *drawn.name.encode()])
    fields = steps.module(graded.name).State._fields
    larger = {"c": 4 * (graded.options.get("cell_clip") or 0)}
    state = {}
    for field_name in fields:
        width = layer.recurrent_dim if field_name == fields[0] else units
        values = draw.uniform(-1, 1, size=(s.batch, width)) * max(1.0, larger.get(field_name, 0))
        state[field_name] = np.zeros_like(values) if s.from_zeros else _on_grid(values)
    return Graded(s.name, graded, layer, x, {name: state[name] for name in graded.states})


def _on_grid(a: Array) -> Array:
    return np.round(a * GRID) / GRID + 0.0  # no negative zeros, which few decimals keep
