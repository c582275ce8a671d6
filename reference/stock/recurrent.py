"""A recurrent layer of a file in a graph: its states from the call, and its outputs as the layer lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reference.files.stored import StoredLayer
from reference.layer import AnyLayer, Layer, Stack
from reference.steps import module
from reference.stock.uses import Array


def run_recurrent(
    stored: StoredLayer,
    layer: AnyLayer,
    x: Array,
    states: Sequence[Array],
    mask: Array | None,
    unseen: bool = False,
) -> list[tuple[Array, Array | None]]:
    """Every output with its mask: what the layer gives, and its states after it where it returns them.

    `states` are the call's initial ones in Keras' flat order, none for zeros; where the mask is `unseen`, the layer
    does without it but passes it on.

    Raises ValueError where their number or their shapes are not the layer's.
    """
    config = _own(stored)
    if config.get("num_constants") or stored.config.get("num_constants"):
        raise ValueError("a recurrent layer must be called without constants")
    run = layer.run(x, initial(layer, states), None if unseen else mask)
    kept = mask if layer.return_sequences else None
    result = list(run.result) if isinstance(run.result, tuple) else [run.result]
    made: list[tuple[Array, Array | None]] = [(array, kept) for array in result]
    if config.get("return_state", False):
        made += [(array, None) for array in _flat(run.state)]
    return made


def _own(stored: StoredLayer) -> Mapping[str, Any]:
    """The config of the layer itself, which a Bidirectional has within its own."""
    within = stored.config.get("layer")
    if stored.kind.rpartition(">")[2] == "Bidirectional" and isinstance(within, Mapping):
        config = within.get("config", {})
        return config if isinstance(config, Mapping) else {}
    return stored.config


def _count(layer: AnyLayer) -> int:
    """How many arrays its state has."""
    if isinstance(layer, Layer):
        return len(module(layer.cell).State._fields)
    if isinstance(layer, Stack):
        return sum(_count(one) for one in layer.layers)
    return _count(layer.forward) + _count(layer.backward)


def initial(layer: AnyLayer, states: Sequence[Array]) -> Any:
    """Keras' flat list in the layer's own nesting."""
    if not states:
        return None
    if len(states) != _count(layer):
        raise ValueError(f"initial_state must have {_count(layer)} arrays, got {len(states)}")
    if isinstance(layer, Layer):
        return tuple(states)
    parts = layer.layers if isinstance(layer, Stack) else (layer.forward, layer.backward)
    ends = np.cumsum([0, *(_count(part) for part in parts)])
    return tuple(initial(part, states[a:b]) for part, a, b in zip(parts, ends, ends[1:], strict=False))


def _flat(state: Any) -> list[Array]:
    return [array for each in state for array in _flat(each)] if isinstance(state, tuple) else [state]
