"""Layers to differentiate; central differences and how far gradients are from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.proof import draws
from comparisons.proof.cases import Case
from reference.steps import module, shapes

UNITS, BATCH, TIME = 3, 2, 4
STEP, LIMIT = 1e-6, 1e-7


def layer(cell, without=(), **options):
    """A layer with every array that its options allow, and with a projection where the cell may have one."""
    if cell == "greff_lstm":
        without = {"NP": ("peephole", "gate_recurrent_kernel"), "FGR": ()}.get(
            options.get("variant", "V"), ("gate_recurrent_kernel",)
        )
    narrow = 2 if "H R" in shapes(cell).values() and not {"projection", "output_kernel"} & set(without) else None
    case = Case(f"{cell}", cell, units=UNITS, options=options, two_biases=True, recurrent_dim=narrow, without=without)
    return draws.weights(case, UNITS if cell in ("mut1", "mut2") else 2, seed=2)


def drawn(layer, batch=BATCH, time=TIME):
    draw, fields = np.random.default_rng(5), module(layer.cell).State._fields
    widths = [layer.recurrent_dim] + [layer.units] * (len(fields) - 1)
    state = module(layer.cell).State(*(draw.normal(size=(batch, width)) for width in widths))
    return draw.normal(size=(batch, time, layer.input_dim)), state


def close(found):
    far = {name: f"{distance:.1e}" for name, distance in found.items() if not distance <= LIMIT}
    assert not far, f"gradients farther than {LIMIT} from central differences: {far}"


def leaves(values: Any) -> list[Any]:
    """The arrays of nested tuples, without the Nones."""
    if values is None:
        return []
    if isinstance(values, tuple | list):
        return [array for value in values for array in leaves(value)]
    return [values]


def zipped(*values: Any, name: str = "") -> list[tuple[Any, ...]]:
    """`(name, array of each)` for the arrays of equal trees; a tree that has None where another has none fails."""
    if values[0] is None:
        assert all(value is None for value in values), f"{name}: {values}"
        return []
    if isinstance(values[0], tuple):
        names = getattr(values[0], "_fields", range(len(values[0])))
        return [
            found
            for part, *inner in zip(names, *values, strict=True)
            for found in zipped(*inner, name=f"{name}.{part}")
        ]
    return [(name, *values)]


def weights(model: Any) -> Any:
    """The arrays of a layer, or of what is made of layers, as the gradients have them."""
    if hasattr(model, "merge_mode"):
        return weights(model.forward), weights(model.backward)
    model = getattr(model, "innermost", model)
    return tuple(map(weights, model.layers)) if hasattr(model, "layers") else model.weights


def farthest(model: Any, x: Any, state: Any, mask: Any = None, seed: int = 0, **options: Any) -> dict[str, float]:
    """How far each gradient of a drawn linear loss is from central differences, over its largest entry."""
    draw = np.random.default_rng(seed)
    run = model.run(x, state, mask)
    drawn = lambda values: [draw.normal(size=a.shape) for a in leaves(values)]
    d_result, d_state = drawn(run.result), drawn(run.state)
    like = lambda tree, flat: (
        tree._make(like(part, flat) for part in tree)
        if hasattr(tree, "_make")
        else tuple(like(part, flat) for part in tree)
        if isinstance(tree, tuple)
        else flat.pop(0)
    )
    gradients = model.backprop(run, like(run.result, d_result.copy()), like(run.state, d_state.copy()), **options)

    def loss() -> float:
        ran = model.run(x, state, mask)
        pairs = zip(leaves((ran.result, ran.state)), d_result + d_state, strict=True)
        return sum(float((a * d).sum()) for a, d in pairs)

    found = zipped((x, weights(model), state), (gradients.inputs, gradients.weights, gradients.initial_state))
    return {name: _distance(loss, array, gradient) for name, array, gradient in found}


def _distance(loss: Any, array: Any, gradient: Any) -> float:
    assert array.shape == gradient.shape
    differences = np.zeros(array.shape)
    for k in np.ndindex(array.shape):
        kept = array[k]
        array[k] = kept + STEP
        above = loss()
        array[k] = kept - STEP
        differences[k] = (above - loss()) / (2 * STEP)
        array[k] = kept
    largest = np.abs(differences).max(initial=0)
    return float(np.abs(gradient - differences).max(initial=0) / (largest or 1))


def same(got: Any, want: Any, within: float = 1e-13) -> None:
    """Trees of the same arrays, but for rounding."""
    for name, a, b in zipped(got, want):
        assert np.abs(a - b).max(initial=0) <= within * (1 + np.abs(b).max(initial=0)), name
