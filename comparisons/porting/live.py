"""A part -> a live Keras 3 layer, and its arrays into it. Classes come from a table, never by a name of the file's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comparisons.porting.pairs import TwoDirections
from comparisons.porting.parts import Part, Penalty, Refused
from reference.files.era_values import HARD
from reference.files.eras import STOCK

# Every stock class that a port may make.
CELLS = ("GRUCell", "LSTMCell", "SimpleRNNCell")
CLASSES = frozenset({stock.kind or name for name, stock in STOCK.items()} | {"GRU", "LSTM", "SimpleRNN", *CELLS})
PAIRS = ("Bidirectional", "TwoDirections")
Custom = Mapping[str, Any]  # classes that the user named, by the names in the file


def make(part: Part, custom: Custom) -> Any:
    """A live layer, without its weights."""
    import keras

    inside = [make(each, custom) for each in part.inside]
    config = {name: _live(value) for name, value in part.config.items()}
    if part.kind in custom:
        return custom[part.kind].from_config(config)
    if part.kind.startswith("cells."):
        import cells

        return getattr(cells, part.kind.removeprefix("cells."))(**config)
    if part.kind == "RNN":
        return keras.layers.RNN(inside[0] if len(inside) == 1 else keras.layers.StackedRNNCells(inside), **config)
    if part.kind == "Bidirectional":
        return keras.layers.Bidirectional(inside[0], backward_layer=inside[1], **config)
    if part.kind == "TwoDirections":
        return TwoDirections(inside[0], inside[1], keras.layers.Concatenate(name=config["name"]))
    if part.kind == "TimeDistributed":
        return keras.layers.TimeDistributed(inside[0], **config)
    if part.kind not in CLASSES:
        raise Refused(f"{part.config.get('name')} must be a layer that Keras 3 has in stock, got a {part.kind}")
    if config.get("activation") == HARD:
        import cells

        config["activation"] = cells.hard_sigmoid_keras2
    return getattr(keras.layers, part.kind)(**config)


def _live(value: Any) -> Any:
    if not isinstance(value, Penalty):
        return value
    import keras

    return getattr(getattr(keras, value.home), value.kind)(**value.config)


def load(layer: Any, part: Part, custom: Custom) -> None:
    """Give a built layer its arrays, each by its variable's name. Raises Refused where they do not fit."""
    if part.kind in PAIRS:
        inner = (layer.forward_layer, layer.backward_layer)
    elif part.kind == "RNN":
        inner = getattr(layer.cell, "cells", [layer.cell])
    elif part.kind == "TimeDistributed":
        inner = [layer.layer] if part.inside else []
    elif part.kind in custom:
        layer.set_weights(list(part.arrays.values()))
        return
    else:
        _assign(getattr(layer, "cell", layer), part)
        return
    for live, own in zip(inner, part.inside, strict=True):
        load(live, own, custom)


def _assign(layer: Any, part: Part) -> None:
    name = part.config.get("name", part.path)
    variables = {variable.name: variable for variable in layer.weights}
    if set(variables) != set(part.arrays):
        raise Refused(f"{name} must have the arrays {sorted(variables)}, got {sorted(part.arrays)}")
    for own, variable in variables.items():
        shape, there = tuple(variable.shape), part.arrays[own].shape
        if shape != there:
            raise Refused(f"{own} of {name} must have shape {shape}, got {there}")
        variable.assign(part.arrays[own])
