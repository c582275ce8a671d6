"""Another implementation's intermediate values beside the reference's: where they first part, and at what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.diagnosis import precision
from comparisons.diagnosis.axes import GATES
from comparisons.diagnosis.found import Departure
from comparisons.diagnosis.words import function, gate
from comparisons.proof.bounds import UNITS
from comparisons.proof.measure import ORACLE, SLACK
from reference import Layer, activations
from reference.steps import module

Array = NDArray[Any]
FUNCTIONS = (*GATES, "tanh", "relu", "linear", "softsign", "hard_tanh")


@dataclass(frozen=True)
class Divergence(Departure):
    """The first number that is off, and what is allowed there; `said` is what can be told from its neighbours, with
    whether the activation or what it gets is off."""

    allowed: float
    said: str = ""


def first_divergence(
    layer: Layer, x: Array, given: Mapping[str, Array], initial_state: Any = None
) -> Divergence | None:
    """The first of `given`, arrays `(B, T, H)` in processing order by gate or field of the state, that departs from
    what `layer` gives on `x (B, T, X)`: step by step, and in it the gates, then c, then h. None where none does.

    Raises ValueError for a name that is none of the layer's, or a shape that does not fit.
    """
    wide = layer.astype("float64")
    fields = module(layer.cell).State._fields
    order = [*layer.gates, *reversed(fields)]
    if unknown := [name for name in given if name not in order]:
        raise ValueError(f"values must be those of {', '.join(order)}, got {unknown[0]!r}")
    runs = {
        dtype: _values(layer.astype(dtype).run(np.asarray(x, dtype), initial_state))
        for dtype in ("float64", "float32", "longdouble")
    }
    ours, allowed = runs["float64"], {}
    for name, theirs in given.items():
        if np.shape(theirs) != ours[name].shape:
            raise ValueError(f"{name} must have shape {ours[name].shape}, got {np.shape(theirs)}")
        shown = precision.of(np.asarray(theirs))
        dtype = "float32" if shown.dtype == "float16" else shown.dtype
        error = np.abs(runs[dtype][name].astype("longdouble") - runs[ORACLE[dtype]][name])
        # The largest error up to a step, since what a step begins with is off as well.
        over = np.maximum.accumulate(error.max(axis=(0, 2)).astype("float64"))
        allowed[name] = (SLACK * np.maximum(over, UNITS[shown.dtype]))[None, :, None] + shown.half
    far = {name: ~(np.abs(np.asarray(given[name], "float64") - ours[name]) <= allowed[name]) for name in given}
    at = [
        (int(steps[0]), order.index(name), name)
        for name, where in far.items()
        if len(steps := np.flatnonzero(where.any(axis=(0, 2))))
    ]
    if not at:
        return None
    step, _, name = min(at)
    batch, unit = (int(k) for k in np.argwhere(far[name][:, step])[0])
    theirs = np.asarray(given[name], "float64")
    limit = float(np.broadcast_to(allowed[name], theirs.shape)[batch, step, unit])
    said = _said(wide, x, ours, name, step, theirs[:, step], max(limit, 1e-6), initial_state)
    return Divergence(
        step, name, unit, batch, float(ours[name][batch, step, unit]), float(theirs[batch, step, unit]), limit, said
    )


def _values(run: Any) -> dict[str, Array]:
    return {**run.gates, **run.states._asdict()}


def _said(
    layer: Layer, x: Array, ours: Mapping[str, Array], name: str, step: int, theirs: Array, allowed: float, first: Any
) -> str:
    """What the values of one step tell."""
    State = module(layer.cell).State
    if step:
        before = State(*(ours[field][:, step - 1] for field in State._fields))
    else:
        before = layer._state(first, len(theirs), "float64")
    here = {key: values[:, step] for key, values in ours.items()}
    near = lambda values: np.shape(values) == theirs.shape and bool((np.abs(values - theirs) <= allowed).all())
    if name in State._fields:
        return next((words for words, values in _of_state(layer, name, before, here) if near(values)), "")
    for words, values in _of_gate(layer, name, x[:, step], before, here):
        if near(values):
            return words
    return _of_net_input(layer, name, x[:, step], before, here, theirs, allowed)


def _of_gate(layer: Layer, name: str, x: Array, before: Any, here: Mapping[str, Array]) -> Iterator[tuple[str, Any]]:
    net = net_input(layer, name, x, before, here)
    if net is not None:
        own = str(_activation(layer, name))
        for other in FUNCTIONS:
            if other != own:
                told = (
                    "it is not activated"
                    if other == "linear"
                    else f"its activation is {function(other)}, not {function(own)}"
                )
                yield f"its net input is right, and {told}", activations.get(other)(net)
    for letter in layer.gates:
        if letter != name:
            yield f"it holds the values of the {gate(letter)}", here[letter]
    yield "it is the other way round, 1 minus what it must be", 1 - here[name]


def _of_net_input(
    layer: Layer, name: str, x: Array, before: Any, here: Mapping[str, Array], theirs: Array, allowed: float
) -> str:
    """Whether the net input is off by one number."""
    net, φ = net_input(layer, name, x, before, here), str(_activation(layer, name))
    inverse: dict[str, Callable[[Array], Array]] = {
        "sigmoid": lambda y: np.log(y / (1 - y)),
        "tanh": np.arctanh,
        "linear": lambda y: y,
        "hard_sigmoid_keras2": lambda y: np.where((y > 0) & (y < 1), (y - 0.5) / 0.2, np.nan),
        "hard_sigmoid_keras3": lambda y: np.where((y > 0) & (y < 1), (y - 0.5) * 6, np.nan),
    }
    if net is None or φ not in inverse:
        return "before its activation or in it: both differ in this gate alone"
    with np.errstate(all="ignore"):
        more = inverse[φ](theirs) - net
        more = more[np.isfinite(more)]
    if more.size and np.ptp(more) < 1e-3 * max(1.0, float(np.abs(more).max())):
        return f"before its activation: {float(np.median(more)):+.4g} is added to its net input in every unit"
    return "before its activation: its net input differs" if more.size else ""


def net_input(layer: Layer, name: str, x: Array, before: Any, here: Mapping[str, Array]) -> Array | None:
    """What a gate's activation gets at a step, `(B, H)`; None where the step does not show it."""
    which = "activation" if name in "gnh" else "recurrent_activation"
    if which not in layer.options or (name == "o" and getattr(layer.weights, "peephole", None) is not None):
        return None
    plain = replace(layer, options={**layer.options, which: "linear"})
    return plain.run(x[:, None], tuple(before)).gates[name][:, 0]


def _activation(layer: Layer, name: str) -> Any:
    return layer.options["activation" if name in "gnh" else "recurrent_activation"]


def _of_state(layer: Layer, name: str, before: Any, here: Mapping[str, Array]) -> Iterator[tuple[str, Any]]:
    if name == "c":
        yield "the old c is not forgotten: c = c + i g", before.c + here["i"] * here["g"]
        yield "the old c is left out: c = i g", here["i"] * here["g"]
        yield "f and i are exchanged in c = f c + i g", here["i"] * before.c + here["f"] * here["g"]
        yield "it holds h", here["h"]
    elif "c" in here and "o" in here:
        ψ = layer.options.get("output_activation") or layer.options["activation"]
        yield "the activation of c is left out: h = o c", here["o"] * here["c"]
        yield "h is made of the old c", here["o"] * ψ(before.c)
        yield "the output gate is left out: h is the activation of c", ψ(here["c"])
        yield "it holds c", here["c"]
    elif "z" in here and "n" in here:
        yield (
            "the update gate is the other way round: z = 1 takes the new state",
            (1 - here["z"]) * before.h + here["z"] * here["n"],
        )
        yield "it holds the candidate", here["n"]
