"""A live model of Keras 3 or Keras 2: its recurrent layers, run on what it gives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

import reference
from comparisons.tracing.whole import Whole
from reference.keras_layers import recurrent_layers

Array = NDArray[Any]
Heard = tuple[str, Any, Any, Any]  # path, sequences, initial state, mask


def is_layer(thing: Any) -> bool:
    """Whether it is a recurrent layer or cell, and not a model."""
    marks = ("cell", "state_size", "forward_layer", "rnns")
    return not hasattr(thing, "layers") and any(hasattr(thing, name) for name in marks)


def numbers(values: Any) -> Array:
    """A backend's tensor, or an array, as NumPy's."""
    if hasattr(values, "detach"):  # torch
        values = values.detach().cpu()
    return np.asarray(values)


def wholes(model: Any, x: Any, dtype: DTypeLike | None) -> list[Whole]:
    """The runs of every recurrent layer of a live model, in the order in which it calls them.

    States begin at zero and masks are the model's own. Raises NotReadable for a layer that cannot be read, ValueError
    for a thing that is no model, or has no recurrent layer.
    """
    if not hasattr(model, "_flatten_layers"):
        raise ValueError(f"layer must be a recurrent layer or a model, got {type(model).__name__}")
    layers = reference.read_model(model)
    if not layers:
        raise ValueError(f"the model must have a recurrent layer, got {', '.join(each.name for each in model.layers)}")
    heard: list[Heard] = []
    with ExitStack() as stack:
        for path, live in recurrent_layers(model, ""):
            stack.enter_context(_from_zeros(live))
            stack.enter_context(_heard(path, live, heard))
        model(x, training=False)
    found: list[Whole] = []
    calls: dict[str, int] = {}
    for path, sequences, state, mask in heard:
        calls[path] = calls.get(path, 0) + 1
        layer = layers[path] if dtype is None else layers[path].astype(dtype)
        given = numbers(sequences)
        run = layer.run(given, _nested(layer, state), None if mask is None else numbers(mask))
        found.append(Whole(path if calls[path] == 1 else f"{path}@{calls[path]}", layer, run, given))
    return found


@contextmanager
def _heard(path: str, live: Any, heard: list[Heard]) -> Iterator[None]:
    """Within, what the layer is called with is added to `heard`."""
    call = live.call

    def listening(sequences: Any, *args: Any, **keywords: Any) -> Any:
        first, *states = sequences if isinstance(sequences, list | tuple) else [sequences]
        begun = states or keywords.get("initial_state")
        heard.append((path, first, begun, keywords.get("mask")))
        return call(sequences, *args, **keywords)

    live.call = listening
    try:
        yield
    finally:
        del live.call


@contextmanager
def _from_zeros(live: Any) -> Iterator[None]:
    """Within, a stateful layer's states are zeros; after it, what they were."""
    if not getattr(live, "stateful", False):
        yield
        return
    sides = [live.forward_layer, live.backward_layer] if hasattr(live, "forward_layer") else [live]
    states = [variable for side in sides for variable in _flat(side.states)]
    kept = [numbers(variable) for variable in states]
    for variable, value in zip(states, kept, strict=True):
        variable.assign(np.zeros_like(value))
    try:
        yield
    finally:
        for variable, value in zip(states, kept, strict=True):
            variable.assign(value)


def _flat(states: Any) -> Iterator[Any]:
    """The variables of nested lists; None, of a layer that has not been called yet, has none."""
    if isinstance(states, list | tuple):
        for each in states:
            yield from _flat(each)
    elif states is not None:
        yield states


def _nested(layer: Any, state: Any) -> Any:
    """A call's initial state in the nesting of ours."""
    if state is None:
        return None
    from reference.stock.recurrent import initial as nested

    flat = [state] if hasattr(state, "shape") else list(state)
    return nested(layer, [numbers(each) for each in flat])
