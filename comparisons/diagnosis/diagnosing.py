"""The answer: what explains what is given, of every way to read the arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from comparisons.diagnosis import others, precision
from comparisons.diagnosis.axes import CELLS
from comparisons.diagnosis.data import Given
from comparisons.diagnosis.found import AMBIGUOUS, NONE, UNIQUE, Diagnosis
from comparisons.diagnosis.precision import Precision
from comparisons.diagnosis.reading import Reading
from comparisons.diagnosis.readings import Frame
from comparisons.diagnosis.search import Progress, Search, quietly
from comparisons.diagnosis.verify import Tried, by_function
from reference import Layer


def mistakes(
    layer: Layer, x: ArrayLike, outputs: ArrayLike, *, initial_state: Any = None, states: Any = None
) -> Diagnosis:
    """By which mistakes or other conventions `outputs` differ from those of `layer` on `x (B, T, X)`.

    The layer is right; `outputs (B, T, H)`, or the last of them `(B, H)`, came from somebody's implementation of it,
    and `states`, where given, is a tuple of its fields, each `(B, T, ·)` in processing order or None.

    Raises ValueError where a shape does not fit, or the layer is none of one cell of `reference.steps`.
    """
    return diagnose([Frame(Reading(layer))], Given.of(layer, x, outputs, initial_state, states))


def diagnose(frames: Sequence[Frame], given: Given, told: bool = True, progress: Progress = quietly) -> Diagnosis:
    """What explains what is given, of every frame; where the first of them was `told`, differences count from it, else
    from the nearest framework."""
    for frame in frames:
        if not isinstance(frame.layer, Layer) or frame.layer.step is not None:
            raise ValueError(f"layer must be one Layer with its cell's own step, got {type(frame.layer).__name__}")
    if not searched(frames[0].layer):
        return others.diagnose(frames[0].layer, given)
    found: list[Search] = []
    fitting: list[Tried] = []
    for rounded in ladder(given):
        found = [Search(frame, replace(given, rounded=rounded), told, progress) for frame in frames]
        fitting = [one for search in found for one in search.fitting()]
        if fitting:
            break
    return answer(found, fitting)


def searched(layer: Layer) -> bool:
    """Whether the whole space of a layer is searched; of others, the planted mistakes."""
    return layer.cell in CELLS and layer.options.get("cells_per_block", 1) == 1


def ladder(given: Given) -> list[Precision]:
    """The precisions that the outputs may have, strictest first: numbers in float64 may be those of a float32
    run, and few numbers of few digits may have been printed with these."""
    found = [given.rounded]
    if given.rounded.dtype == "float64":
        found.append(replace(given.rounded, dtype="float32", said="float64, computed in float32"))
    printed = precision.of(given.outputs, few=True)
    return [*found, printed] if printed.said != given.rounded.said and np.any(printed.half) else found


def answer(searches: Sequence[Search], fitting: Sequence[Tried]) -> Diagnosis:
    """The verdict on what fits; with nothing that does, what is nearest."""
    first = searches[0]
    whole, most = all(search.whole for search in searches), min(search.most for search in searches)
    about: dict[str, Any] = {
        "blind": tuple(blind(first.given, first.layer)),
        "more": sum(search.more for search in searches),
        "tried": sum(search.evaluator.tried for search in searches),
        "searched": "every combination" if whole else f"every combination of at most {most} differences",
        "precision": first.given.rounded.said,
        "before": first.own.distance,
    }
    home = {id(search.space): search for search in searches}
    weight = lambda one: home[id(one.space)].weight(one.row)
    explained = lambda one, same: home[id(one.space)].explanation(one, same)
    if not fitting:
        nearest = sorted(
            (one for search in searches for one in search.nearest()), key=lambda one: rank(one, weight(one))
        )
        return Diagnosis(NONE, tuple(explained(one, ()) for one in nearest[:3]), first.departure(None), **about)
    functions, telling, apart = by_function(sorted(fitting, key=weight))
    explanations = tuple(explained(same[0], same[1:]) for same in functions)
    if len(functions) == 1:
        return Diagnosis(UNIQUE, explanations, first.departure(functions[0][0]), **about)
    return Diagnosis(AMBIGUOUS, explanations, first.departure(None), **about, telling=telling, apart=apart)


def blind(given: Given, layer: Layer) -> Iterator[str]:
    """What data and weights of this kind cannot show, whatever explains them."""
    if given.x.shape[1] == 1 and not given.sizes.initial:
        yield "one step from zeros shows nothing that multiplies h or the old c"
    if not given.x.any():
        yield "inputs of zeros show nothing of the kernel"
    if not given.outputs.any():
        yield "outputs of zeros show next to nothing"
    w = layer.weights
    if all((a == a.flat[0]).all() for a in (w.kernel, w.recurrent_kernel)):
        yield "constant weights show nothing of the order of gates and units"


def rank(one: Tried, weight: float) -> Any:
    """What fits the longest first; of these, what is least far off, where every difference must pay for itself."""
    return -one.prefix, one.mean * (1 + weight)
