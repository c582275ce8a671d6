"""Seeded inputs of a model's own shapes and types: token numbers where an Embedding takes them, masked steps too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.files.stored import Graph, Node, Ref, StoredLayer

Array = NDArray[Any]
BATCH = 3
SIZES = (12, 48, 192)  # of axes whose length the model leaves open: the first with which every output has numbers
# Layers that hand on what they are given, so that a token number stays one.
HANDS_ON = ("Concatenate", "Dropout", "Flatten", "Masking", "Permute", "RepeatVector", "Reshape", "SpatialDropout1D")


def inputs(graph: Graph, live: Any, seed: int) -> list[Array]:
    """One array for each input, in order."""
    draw = np.random.default_rng([seed, 7])
    told = [tensor.dtype for tensor in live.inputs]
    shapes = _shapes(live)
    found = []
    for ref, shape, dtype in zip(graph.inputs, shapes, told, strict=True):
        meets = list(_meets(graph, ref))
        tokens = [int(layer.config["input_dim"]) for layer in meets if layer.kind == "Embedding"]
        kind = np.dtype(dtype if dtype in np.sctypeDict else "float32")
        if tokens:
            array = draw.integers(0, min(tokens), shape)
            array.reshape(len(array), -1)[0, -1:] = 0  # which an Embedding may mask
        elif kind.kind in "biu":
            array = draw.integers(0, 2 if kind.kind == "b" else 10, shape)
        else:
            array = draw.normal(size=shape)
            for value in (layer.config.get("mask_value", 0.0) for layer in meets if layer.kind == "Masking"):
                if array.ndim > 2:
                    array[0, -2:] = value
        found.append(array.astype(kind))
    return found


def _shapes(live: Any) -> list[tuple[int, ...]]:
    import keras

    declared = [tuple(tensor.shape) for tensor in live.inputs]
    tried: list[tuple[int, ...]] = []
    for size in SIZES:
        filled = lambda shape, size=size: tuple(n or (BATCH if axis == 0 else size) for axis, n in enumerate(shape))
        tried = [filled(shape) for shape in declared]
        try:
            ends = live.compute_output_shape(tried if len(tried) > 1 else tried[0])
        except ValueError:
            continue
        sizes = [n for n in keras.tree.flatten(ends) if n is not None]
        if all(n > 0 for n in sizes):
            return tried
    return tried


def _meets(graph: Graph, ref: Ref) -> Iterator[StoredLayer]:
    """The layers that see an input as it was given, those of nested models among them."""
    for name, node in graph.nodes.items():
        for number, call in enumerate(node.calls):
            if ref not in call.inputs:
                continue
            yield from _seen(node, call.inputs.index(ref))
            if isinstance(node.layer, StoredLayer) and node.layer.kind in HANDS_ON:
                yield from _meets(graph, Ref(name, number, 0))


def _seen(node: Node, position: int) -> Iterator[StoredLayer]:
    for layer in (node.layer, node.inner):
        if isinstance(layer, Graph):
            yield from _meets(layer, layer.inputs[position])
        elif layer is not None:
            yield layer
