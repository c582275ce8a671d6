"""A file's recurrent layers, run on what the layers before them give: the model's graph is gone through in NumPy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from comparisons.tracing.parts import Tokens, Traced
from comparisons.tracing.whole import Whole
from reference.files.eras import Unsupported, modern
from reference.files.stock_weights import doubt
from reference.files.stored import Graph, Node, Ref, StoredLayer, StoredModel
from reference.layer import Bidirectional, Layer, Run, Stack
from reference.stock.masks import PASS
from reference.stock.model import ordered, run_graph
from reference.wrapped import Wrapped

Array = NDArray[Any]
Hears = Callable[[str, Traced, Array, Run], None]
# What leaves each step in its place, and so the texts of the steps.
KEEPS_TIME = PASS | {
    "Embedding",
    "Masking",
    "TimeDistributed",
    "Rescaling",
    "Add",
    "Average",
    "Concatenate",
    "Multiply",
}


def wholes(
    model: StoredModel,
    layers: Mapping[str, Traced],
    inputs: Sequence[Array],
    *,
    wanted: Collection[str],
    dtype: DTypeLike,
    tokens: Tokens | None = None,
) -> list[Whole]:
    """The runs of the `wanted` layers for the model's `inputs`, in the order in which they ran.

    `layers` are all recurrent ones by their paths; a layer that is called more than once has `path@2` and so on. The
    model's other layers are run as far as these need them. `tokens` are kept where a layer's steps are the input's.

    Raises ValueError where the model cannot be run on the inputs.
    """
    graph, found = model.graph, []
    assert graph is not None, "a model whose connections are known"

    def hears(path: str, layer: Traced, x: Array, run: Run) -> None:
        if path in wanted:
            found.append(Whole(path, layer, run, np.asarray(x)))

    listening = {path: _heard(path, layer, hears) for path, layer in layers.items()}
    ends = [
        Ref(name, k, 0)
        for name, node in graph.nodes.items()
        if any(path in wanted for path in _recurrent(node.layer, layers) + _recurrent(node.inner, layers))
        for k in range(len(node.calls))
    ]
    needed = replace(graph, outputs=tuple(ends))
    run_graph(needed, listening, list(inputs), model.era, model.version, backend=model.backend, dtype=dtype)
    if not found:
        raise ValueError(f"{model.file} must call its recurrent layers, got none of {', '.join(wanted)} called")
    if tokens is not None:
        turned = {name: _turned(graph, node, layers) for name, node in graph.nodes.items() if len(node.calls) == 1}
        found = [replace(whole, tokens=_in_order(tokens, turned.get(_name(graph, whole.path)))) for whole in found]
    return _numbered(found, needed, layers)


def _numbered(found: Sequence[Whole], graph: Graph, layers: Mapping[str, Traced]) -> list[Whole]:
    """The runs of a layer that is called more than once with the number of the call in their paths."""
    calls: dict[str, list[int]] = {}
    for name, k in ordered(graph, {(ref.layer, ref.call): None for ref in graph.inputs}):
        for path in _recurrent(graph.nodes[name].layer, layers) + _recurrent(graph.nodes[name].inner, layers):
            calls.setdefault(path, []).append(k)
    ran = Counter(whole.path for whole in found)
    waiting = {path: iter(calls[path] if len(calls[path]) == many else range(many)) for path, many in ran.items()}
    numbers = [next(waiting[whole.path]) for whole in found]
    return [
        replace(whole, path=f"{whole.path}@{k + 1}" if k else whole.path)
        for whole, k in zip(found, numbers, strict=True)
    ]


def dtype(layers: Iterable[Traced]) -> np.dtype[Any]:
    """The precision that layers have together."""
    return np.result_type(*(array.dtype for layer in layers for array in _weights(layer)))


def doubts(model: StoredModel) -> Iterator[str]:
    """Why the numbers of a layer beside the recurrent ones are not known from the file."""
    for layer in model.layers:
        try:
            why = doubt(*modern(layer.kind, layer.config, model.era, model.version), model.era, model.backend)
        except Unsupported:  # a recurrent one, or one that is not run
            continue
        if why:
            yield f"{layer.path} may have given other numbers. {why}."


def _weights(layer: Traced) -> Iterator[Array]:
    if isinstance(layer, Stack | Bidirectional):
        inside = layer.layers if isinstance(layer, Stack) else (layer.forward, layer.backward)
        for each in inside:
            yield from _weights(each)
    else:
        inner = layer.innermost if isinstance(layer, Wrapped) else layer
        yield from (array for array in inner.weights if array is not None)


def input_dim(layer: Traced) -> int:
    """How many numbers a step takes."""
    while isinstance(layer, Stack | Bidirectional):
        layer = layer.layers[0] if isinstance(layer, Stack) else layer.forward
    return layer.input_dim


def _heard(path: str, layer: Traced, hears: Hears) -> Any:
    """The layer, which tells `hears` of each of its runs."""
    kind: Any = type(layer)

    class Heard(kind):
        def run(self, x: Any, initial_state: Any = None, mask: Any = None) -> Run:
            run = super().run(x, initial_state, mask)
            hears(path, self, x, run)
            return run

    return Heard(**{each.name: getattr(layer, each.name) for each in fields(layer)})


def _recurrent(layer: StoredLayer | Graph | None, layers: Mapping[str, Traced]) -> list[str]:
    """The paths of the recurrent layers that a node holds."""
    if isinstance(layer, Graph):
        return [path for node in layer.nodes.values() for path in _recurrent(node.layer, layers)]
    return [layer.path] if isinstance(layer, StoredLayer) and layer.path in layers else []


def _name(graph: Graph, path: str) -> str:
    """The node of the outermost graph with a recurrent layer's path; empty for one in a model in the model."""
    within = (
        name for name, node in graph.nodes.items() if isinstance(node.layer, StoredLayer) and node.layer.path == path
    )
    return next(within, "")


def _in_order(tokens: Tokens, turned: bool | None) -> Tokens | None:
    return None if turned is None else tuple(row[::-1] for row in tokens) if turned else tokens


def _turned(graph: Graph, node: Node, layers: Mapping[str, Traced]) -> bool | None:
    """Whether a layer's inputs come turned round (True), or in the order of the model's; None where that is unknown."""
    turned = False
    while node.calls:
        (call,) = node.calls if len(node.calls) == 1 else (None,)
        if call is None or not call.inputs:
            return None
        name = call.inputs[0].layer
        before = graph.nodes[name]
        if Ref(name, 0, 0) == graph.inputs[0]:
            return turned
        if isinstance(before.layer, Graph) or call.inputs[0].output:
            return None
        recurrent = layers.get(before.layer.path)
        if recurrent is not None:
            turned ^= isinstance(recurrent, Layer | Stack) and recurrent.go_backwards
        elif before.layer.kind.rpartition(">")[2] not in KEEPS_TIME:
            return None
        node = before
    return None
