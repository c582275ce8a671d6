"""Planted mistakes in wrappers around cells: what dropout is applied to, when, how; the residual sum; the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import Dropout, Stack, Wrapped
from reference.steps import module

Array = NDArray[Any]
Plant = Callable[[Wrapped], Wrapped | None]
PARTS = ("input", "state", "output")


def planted(layer: Wrapped) -> Iterator[tuple[str, Wrapped]]:
    """Every mistake that is one for this layer, by name; those inside another wrapper are not looked for."""
    for name, plant in MISTAKES.items():
        if (wrong := plant(layer)) is not None:
            yield name, wrong


def exchanged(stack: Stack) -> Iterator[tuple[str, Stack]]:
    """The first and the last layer of a stack in each other's place, where one is wrapped and both fit."""
    first, last = stack.layers[0], stack.layers[-1]
    if not any(isinstance(layer, Wrapped) for layer in (first, last)):
        return
    widths = {width for layer in (first, last) for width in (layer.input_dim, layer.recurrent_dim)}  # type: ignore[union-attr]
    if len(widths) == 1:
        yield "layers exchanged", replace(stack, layers=(last, *stack.layers[1:-1], first))


class _OldState(Wrapped):
    """State dropout of the state that comes in."""

    def step(self, x: Any, state: Any, t: int) -> tuple[Any, Any, dict[str, Any]]:
        assert self.state is not None
        return replace(_as(Wrapped, self), state=None).step(x, state._replace(h=self.state.of(state.h, t)), t)


class _OutputOfState(Wrapped):
    """Output dropout of the h that state dropout left."""

    def step(self, x: Any, state: Any, t: int) -> tuple[Any, Any, dict[str, Any]]:
        _, state, gates = super().step(x, state, t)
        y = state.h if self.output is None else self.output.of(state.h, t)
        return y + x if self.residual else y, state, gates


class _OutputKept(Wrapped):
    """The output, dropped or summed as it is, kept as the state."""

    def step(self, x: Any, state: Any, t: int) -> tuple[Any, Any, dict[str, Any]]:
        y, state, gates = super().step(x, state, t)
        return y, state._replace(h=y), gates


def _as(kind: type[Wrapped], layer: Wrapped) -> Wrapped:
    return kind(**{name: getattr(layer, name) for name in layer.__dataclass_fields__})


def _where(of: Callable[[Wrapped], Any], plant: Callable[[Wrapped], Wrapped]) -> Plant:
    return lambda layer: plant(layer) if of(layer) else None


def _mask(part: str, change: Callable[[Array], Array]) -> Plant:
    """Another mask; None where it is the same."""

    def plant(layer: Wrapped) -> Wrapped | None:
        dropout: Dropout | None = getattr(layer, part)
        if dropout is None:
            return None
        kept = change(dropout.kept)
        same = kept.shape == dropout.kept.shape and (kept == dropout.kept).all()
        return None if same else replace(layer, **{part: replace(dropout, kept=kept)})

    return plant


def _unscaled(part: str) -> Plant:
    return _where(
        lambda layer: getattr(layer, part) is not None,
        lambda layer: replace(layer, **{part: replace(getattr(layer, part), keep_prob=1.0)}),
    )


def _adds_dropped(layer: Wrapped) -> Wrapped:
    inside = replace(layer, input=None)
    return Wrapped(inside, input=layer.input)


def _sum_dropped(layer: Wrapped) -> Wrapped:
    inside = replace(layer, output=None)
    return Wrapped(inside, output=layer.output)


def _inside_out(layer: Wrapped) -> Wrapped:
    """The residual sum that is inside dropout, outside."""
    return replace(layer, layer=layer.innermost, residual=True)


MISTAKES: dict[str, Plant] = {
    "c dropped too": _where(
        lambda layer: layer.state and "c" in module(layer.cell).State._fields and layer.units == layer.recurrent_dim,
        lambda layer: replace(layer, left=()),
    ),
    "state dropout of the old state": _where(lambda layer: layer.state, lambda layer: _as(_OldState, layer)),
    "output of the dropped state": _where(lambda layer: layer.state, lambda layer: _as(_OutputOfState, layer)),
    "output kept as the state": _where(
        lambda layer: layer.output or layer.residual, lambda layer: _as(_OutputKept, layer)
    ),
    "masks of state and output exchanged": _where(
        lambda layer: layer.state and layer.output, lambda layer: replace(layer, state=layer.output, output=layer.state)
    ),
    **{
        f"{part} dropout {mistake}": plant
        for part in PARTS
        for mistake, plant in {
            "forgotten": _where(
                lambda layer, part=part: getattr(layer, part), lambda layer, part=part: replace(layer, **{part: None})
            ),
            "not scaled": _unscaled(part),
            "a step late": _mask(part, lambda kept: np.roll(kept, 1, axis=1)),
            "with the mask of the first step": _mask(part, lambda kept: kept[:, :1]),
            "with one mask for the batch": _mask(part, lambda kept: kept[:1]),
            "with kept for dropped": _mask(part, np.logical_not),
        }.items()
    },
    "residual forgotten": _where(lambda layer: layer.residual, lambda layer: replace(layer, residual=False)),
    "residual adds the dropped input": _where(lambda layer: layer.residual and layer.input, _adds_dropped),
    "residual sum dropped": _where(lambda layer: layer.residual and layer.output, _sum_dropped),
    "residual outside dropout": _where(lambda layer: isinstance(layer.layer, Wrapped), _inside_out),
}
