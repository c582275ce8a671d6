"""What a choice on an axis of the step changes: what the right step gives, as the planted mistakes change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.diagnosis.axes import SAME
from comparisons.proof.mutants import steps as planted
from reference import Layer, activations
from reference.gates import clip
from reference.steps import Step, module

Array = NDArray[Any]
Change = Callable[[Any, Any, dict[str, Array], Layer], Any]


def _cell(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    """A state whose c is made of gates that were changed."""
    c = clip(gates["f"] * before.c + gates["i"] * gates["g"], layer.options.get("cell_clip"))
    return after._replace(c=c, h=planted.output(layer, gates["o"], c))


def _forget_coupled(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    gates["f"] = 1 - gates["i"]
    return _cell(before, after, gates, layer)


def _input_coupled(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    gates["i"] = 1 - gates["f"]
    return _cell(before, after, gates, layer)


def _no_forget(before: Any, after: Any, gates: dict[str, Array], layer: Layer) -> Any:
    gates["f"] = np.ones_like(gates["f"])
    return _cell(before, after, gates, layer)


# In the order in which they are made: what c is, then what h is.
CHANGES: dict[str, dict[Any, Change]] = {
    "input": {"1 - f": _input_coupled},
    "forget": {"none": _no_forget, "1 - i": _forget_coupled},
    "clip": {"after the output": planted.clip_too_late, "not stored": planted.clip_unseen},
    "projection": {"before o": planted.projected_first},
    "output": {"old c": planted.old_c, "exchanged": planted.states_swapped},
    "polarity": {"turned": planted.polarity},
}


def options(layer: Layer, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a layer's step as the choices have them; what is added at run time is part of the biases."""
    found = dict(layer.options)
    for axis, name in (("gate", "recurrent_activation"), ("activation", "activation")):
        if axis in chosen and str(found[name]) != chosen[axis]:
            found[name] = activations.get(chosen[axis])
    if "squash" in chosen:
        same = {None: None, SAME: None, str(layer.options["output_activation"]): layer.options["output_activation"]}
        found["output_activation"] = (
            same[chosen["squash"]] if chosen["squash"] in same else activations.get(chosen["squash"])
        )
        found["forget_bias"] = 0
    if "reset" in chosen:
        found["reset_after"] = chosen["reset"]
    if chosen.get("clip") == "left out":
        found["cell_clip"] = None
    if chosen.get("projection") == "clip left out":
        found["proj_clip"] = None
    return found


def step(layer: Layer, chosen: Mapping[str, Any]) -> Step | None:
    """The step of a layer that has these options already, changed as the choices say; None where it is the cell's."""
    made = [CHANGES[axis][chosen[axis]] for axis in CHANGES if chosen.get(axis) in CHANGES[axis]]
    peeping = planted.peephole_at(chosen["peeping"])(layer) if chosen.get("peeping") else None
    right: Step = module(layer.cell).step if peeping is None or peeping.step is None else peeping.step
    if not made:
        return None if right is module(layer.cell).step else right

    def changed(xw: Array, before: Any, w: Any, **options: Any) -> Any:
        after, gates = right(xw, before, w, **options)
        for change in made:
            after = change(before, after, gates, layer)
        return after, gates

    return changed


def with_step(layer: Layer, chosen: Mapping[str, Any]) -> Layer:
    """The layer with the options and the step that were chosen."""
    layer = replace(layer, options=options(layer, chosen), step=None)
    return replace(layer, step=step(layer, chosen))
