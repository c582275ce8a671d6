"""A whole model in NumPy: its graph walked from the outputs back, and every layer run on what it was called with.

Masks travel with the tensors, as Keras 2 attaches them. Inference: dropout is ignored, and states start at zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from reference.files.eras import modern
from reference.files.stock_weights import stock_weights
from reference.files.stored import Call, Graph, Node, Ref, StoredLayer
from reference.layer import AnyLayer
from reference.stock import evaluate
from reference.stock.recurrent import run_recurrent
from reference.stock.uses import Array

PLAIN = ("training", "mask", "initial_state", "use_causal_mask", "return_attention_scores")


class Tensor(NamedTuple):
    """A value of the graph with the mask that it carries."""

    value: Array
    mask: Array | None = None


@dataclass(frozen=True)
class Model:
    """What every layer of a model, and of the models within it, is run with."""

    layers: Mapping[str, AnyLayer]
    era: str
    version: str
    backend: str
    dtype: np.dtype[Any]
    masks: str  # whose rules they follow

    def outputs(self, graph: Graph, inputs: Sequence[Tensor]) -> list[Tensor]:
        """A graph's outputs; raises ValueError, with the layer's name, where one cannot be run."""
        if len(inputs) != len(graph.inputs):
            raise ValueError(f"inputs of {graph.name} must be {len(graph.inputs)}, got {len(inputs)}")
        done: dict[tuple[str, int], list[Tensor]] = {}
        for ref, given in zip(graph.inputs, inputs, strict=True):
            done[ref.layer, ref.call] = [given]
        for name, number in ordered(graph, done):
            node = graph.nodes[name]
            done[name, number] = self._called(node, node.calls[number], lambda ref: _tensor(done, ref))
        return [_tensor(done, ref) for ref in graph.outputs]

    def _called(self, node: Node, call: Call, tensor: Callable[[Ref], Tensor]) -> list[Tensor]:
        given = [tensor(ref) for ref in call.inputs]
        name = node.layer.name if isinstance(node.layer, Graph) else node.layer.path
        keywords = _resolved(call.keywords, tensor)
        for key, value in keywords.items():
            if key not in PLAIN and value is not None:
                raise ValueError(f"{name} must be called with {', '.join(PLAIN)} or nothing, got {key}")
        if keywords.get("training"):
            raise ValueError(f"{name} must be called for inference, got training=True")
        if "mask" in keywords:
            given = _masked(name, given, keywords["mask"])
        try:
            return self._run(node.layer, node.inner, given, keywords)
        except (ValueError, IndexError, TypeError) as error:
            told = str(error)
            raise ValueError(told if told.startswith("in ") else f"in {name}: {told}") from None

    def _run(
        self, layer: StoredLayer | Graph, inner: Any, given: list[Tensor], keywords: dict[str, Any]
    ) -> list[Tensor]:
        if isinstance(layer, Graph):
            return self.outputs(layer, given)
        if layer.path in self.layers:
            states = [tensor.value for tensor in given[1:]] or _values(keywords.get("initial_state"))
            first = given[0]
            # Keras 3 looks for the mask of a second tensor under another name, and forgets that of the first.
            unseen = self.masks == "keras" and bool(states) and "mask" not in keywords
            made = run_recurrent(layer, self.layers[layer.path], first.value, states, first.mask, unseen)
            return [Tensor(value, mask) for value, mask in made]
        if layer.kind == "TimeDistributed":
            return self._distributed(layer, inner, given[0])
        kind, config = modern(layer.kind, layer.config, self.era, self.version)
        weights = stock_weights(kind, config, layer.arrays, self.era, self.backend)
        weights = {name: array.astype(self.dtype) for name, array in weights.items()}
        values, masks = [tensor.value for tensor in given], [tensor.mask for tensor in given]
        made, mask = evaluate(
            kind, config, weights, values, masks, era=self.era, keywords=keywords, masks_as=self.masks
        )
        return [Tensor(value, mask) for value in made] if isinstance(made, list) else [Tensor(made, mask)]

    def _distributed(self, layer: StoredLayer, inner: StoredLayer | Graph | None, given: Tensor) -> list[Tensor]:
        """The layer within, over batch and time as one batch."""
        if inner is None:
            raise ValueError("TimeDistributed must hold a layer, got none")
        batch, time = given.value.shape[:2]
        flat = given.value.reshape(-1, *given.value.shape[2:])
        # A layer within sees the mask as it is, less the time: (B, T) gives (B·T,), of which nothing takes note.
        mask = None if given.mask is None else given.mask.reshape(-1, *given.mask.shape[2:])
        stock = isinstance(inner, StoredLayer) and inner.path not in self.layers
        seen = mask if stock or (mask is not None and mask.ndim > 1) else None
        made = self._run(inner, None, [Tensor(flat, seen)], {})
        apart = lambda array: array.reshape(batch, time, *array.shape[1:])
        return [Tensor(apart(value), self._mask(given, own, apart)) for value, own in made]

    def _mask(self, given: Tensor, own: Array | None, apart: Callable[[Array], Array]) -> Array | None:
        """What TimeDistributed passes on: Keras 3 its input's mask, Keras 2 what the layer within makes of it."""
        if self.masks == "keras" or (own is None and given.mask is None):
            return given.mask
        if own is not None:
            return apart(own)
        assert given.mask is not None
        return np.asarray(given.mask.reshape(*given.mask.shape[:2], -1).any(-1))


def run_graph(
    graph: Graph,
    layers: Mapping[str, AnyLayer],
    inputs: ArrayLike | Sequence[ArrayLike],
    era: str,
    version: str = "",
    *,
    backend: str = "",
    dtype: DTypeLike = "float64",
    masks: str = "",
) -> list[Array]:
    """A model's outputs for `inputs`, one `(B, …)` an input of the graph, in the graph's order.

    `layers` are the recurrent ones by their paths, as `reference.load` gives them; the others are read from the graph
    while its file is open. `era`, `version` and `backend` are the StoredModel's. All is computed in `dtype` but
    for the inputs that the file has as whole numbers or truths. `masks` is the era whose rules masks follow, the file's
    unless given: with "keras" an old model's masks go as they would in Keras 3.

    Raises ValueError, and Unsupported by the layer's class, where something cannot be run.
    """
    many = inputs if isinstance(inputs, list | tuple) else [inputs]
    number = np.dtype(dtype)
    if len(many) != len(graph.inputs):
        raise ValueError(f"inputs of {graph.name} must be {len(graph.inputs)}, got {len(many)}")
    types = [_dtype(graph.nodes.get(ref.layer)) for ref in graph.inputs]
    tensors = [Tensor(np.asarray(x).astype(own or number)) for x, own in zip(many, types, strict=True)]
    run = {path: layer.astype(number) for path, layer in layers.items()}
    return [tensor.value for tensor in Model(run, era, version, backend, number, masks or era).outputs(graph, tensors)]


def _dtype(node: Node | None) -> str | None:
    """An input's dtype, where it is another than the model's floats."""
    config = node.layer.config if node is not None and isinstance(node.layer, StoredLayer) else {}
    said = str(config.get("dtype") or config.get("input_dtype"))
    return said if said in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32") else None


def _needs(call: Call) -> Iterator[Ref]:
    def refs(value: Any) -> Iterator[Ref]:
        if isinstance(value, Ref):
            yield value
        elif isinstance(value, Mapping | list | tuple):
            for item in value.values() if isinstance(value, Mapping) else value:
                yield from refs(item)

    yield from call.inputs
    yield from refs(call.keywords)


def ordered(graph: Graph, done: Mapping[tuple[str, int], Any]) -> list[tuple[str, int]]:
    """Every call that the outputs need, after those that it needs itself."""
    order: dict[tuple[str, int], None] = {}
    begun: set[tuple[str, int]] = set()
    ready = lambda key: key in done or key in order
    waiting = [(ref.layer, ref.call) for ref in graph.outputs]
    while waiting:
        key = waiting[-1]
        name, number = key
        if ready(key):
            waiting.pop()
            continue
        if name not in graph.nodes or not 0 <= number < len(graph.nodes[name].calls):
            raise ValueError(f"{graph.name} must have call {number} of {name}, got none")
        missing = [(ref.layer, ref.call) for ref in _needs(graph.nodes[name].calls[number])]
        missing = [one for one in missing if not ready(one)]
        if not missing:
            order[key] = None
        elif key in begun:
            raise ValueError(f"{graph.name} must have no circle among its layers, got one at {name}")
        else:
            begun.add(key)
            waiting += missing
    return list(order)


def _tensor(done: Mapping[tuple[str, int], list[Tensor]], ref: Ref) -> Tensor:
    made = done[ref.layer, ref.call]
    if not 0 <= ref.output < len(made):
        raise ValueError(f"{ref.layer} must have output {ref.output}, got {len(made)} of them")
    return made[ref.output]


def _resolved(value: Any, tensor: Callable[[Ref], Tensor]) -> Any:
    """The same structure with a tensor's numbers where it had a Ref."""
    if isinstance(value, Ref):
        return tensor(value).value
    if isinstance(value, Mapping):
        return {key: _resolved(item, tensor) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(item, tensor) for item in value]
    return value


def _values(states: Any) -> list[Array]:
    if states is None:
        return []
    return [states] if isinstance(states, np.ndarray) else [one for each in states for one in _values(each)]


def _masked(name: str, given: list[Tensor], masks: Any) -> list[Tensor]:
    """The inputs with the masks that the call was given, None among them, in place of their own."""
    many = masks if isinstance(masks, list) else [masks] + [None] * (len(given) - 1)
    if len(many) != len(given):
        raise ValueError(f"{name} must be called with a mask an input, got {len(many)} for {len(given)}")
    return [
        Tensor(value, None if m is None else np.asarray(m, bool)) for (value, _), m in zip(given, many, strict=True)
    ]
