"""Parts and a graph -> a live Keras 3 model, by calling its layers one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from comparisons.porting import masks, sizes
from comparisons.porting.live import PAIRS, Custom, load, make
from comparisons.porting.pairs import TwoDirections, packed
from comparisons.porting.parts import Part, Refused, safe
from reference.files.guard import shown
from reference.files.stored import Call, Graph, Node, Ref, StoredLayer


@dataclass
class Built:
    """The new model, its layers by their paths in the old file, and what was done to the graph, by layer."""

    model: Any
    layers: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)


def model(graph: Graph, parts: Mapping[str, Part], custom: Custom, *, masked: bool = False) -> Built:
    """The whole model, with its weights; `masked`: one of its layers masks steps.

    Raises Refused where a layer cannot be made.
    """
    builder = Builder(parts, custom, masked)
    live = builder.model(graph)
    found = Built(live, notes=builder.notes)
    for path, layers in builder.made.items():
        for layer, part in zip(layers, _chain(parts[path]), strict=True):
            _said(path, lambda layer=layer, part=part: load(layer, part, custom))
        found.layers |= _paths(layers[-1], parts[path])
    return found


def apart(parts: Mapping[str, Part], widths: Mapping[str, int]) -> Built:
    """A model in which every part has an input `(batch, time, width)` of its own; states begin with each batch."""
    import keras

    alone = {path: _alone(path, part) for path, part in parts.items()}
    layers = {path: _said(path, lambda part=part: make(part, {})) for path, part in alone.items()}
    inputs = {path: keras.Input((None, width), name=f"inputs_of_{safe(path)}") for path, width in widths.items()}
    outputs = [tensor for path, x in inputs.items() for tensor in keras.tree.flatten(layers[path](x))]
    for path, layer in layers.items():
        load(layer, parts[path], {})
    return Built(keras.Model(list(inputs.values()), outputs), layers)


def _alone(path: str, part: Part) -> Part:
    """A part as a layer of a flat model: named by its whole path, without a batch or a length of its own."""
    told = {"stateful": False, "unroll": False}
    if part.kind not in PAIRS:
        return replace(part, config={**part.config, **told, "name": safe(path)})
    inside = tuple(replace(each, config={**each.config, **told}) for each in part.inside)
    return replace(part, config={**part.config, "name": safe(path)}, inside=inside)


def _paths(layer: Any, part: Part) -> dict[str, Any]:
    """The live layers by their paths in the old file."""
    inner = part.inside[0] if part.kind == "TimeDistributed" and part.inside else None
    return {part.path: layer, **({inner.path: layer.layer} if inner is not None else {})}


def _chain(part: Part) -> tuple[Part, ...]:
    """The layers that stand for one of the file's; those of a chain within TimeDistributed each get one."""
    if part.kind == "Chain":
        return part.inside
    if part.kind == "TimeDistributed" and part.inside and part.inside[0].kind == "Chain":
        *before, last = part.inside[0].inside
        name = part.config["name"]
        named = [(f"{name}_{k}", each) for k, each in enumerate(before, 1)] + [
            (name, replace(last, path=part.inside[0].path))
        ]
        return tuple(replace(part, config={**part.config, "name": own}, inside=(each,)) for own, each in named)
    return (part,)


def _said(path: str, make: Callable[[], Any]) -> Any:
    """What Keras has to say about a layer, in one sentence."""
    try:
        return make()
    except Refused:
        raise
    except Exception as error:  # whatever Keras raises for a config that it does not take
        said = " ".join(str(error).split()) or type(error).__name__
        raise Refused(f"{shown(path)} must be a layer that Keras 3 takes, got: {shown(said)}") from None


@dataclass
class Builder:
    """Walks graphs, nested ones too; makes a layer once, however often it is called."""

    parts: Mapping[str, Part]
    custom: Custom
    masked: bool
    made: dict[str, list[Any]] = field(default_factory=dict)  # the live layers that stand for one of the file's
    notes: dict[str, list[str]] = field(default_factory=dict)

    def model(self, graph: Graph) -> Any:
        """The live model of a graph."""
        import keras

        layers = {name: self._layers(node) for name, node in graph.nodes.items()}
        tensors = {Ref(name, 0, 0): layers[name][0].output for name, node in graph.nodes.items() if not node.calls}
        for ref, tensor in tensors.items():
            sizes.outputs(ref.layer, tensor.shape)
        waiting = [(name, number, call) for name, node in graph.nodes.items() for number, call in enumerate(node.calls)]
        while waiting:
            ready = [use for use in waiting if all(ref in tensors for ref in _needs(use[2]))]
            if not ready:
                raise Refused(f"{shown(waiting[0][0])} must be called on tensors of the model, got others")
            for name, number, call in ready:
                node = graph.nodes[name]
                found = _said(name, partial(self._called, node, layers[name], call, tensors))
                tensors |= {Ref(name, number, k): tensor for k, tensor in enumerate(found)}
                for tensor in found:
                    sizes.outputs(name, tensor.shape)
            waiting = [use for use in waiting if use not in ready]
        if graph.kind == "Sequential":
            branched = [node for node in graph.nodes.values() if self._branches(node)]
            if not branched:
                chain = [layer for each in layers.values() for layer in each]
                return keras.Sequential(chain, name=safe(graph.name) or None)
            self._note(branched[0], "the Sequential model around it is a Functional one, since it is no plain chain")
        ends = lambda refs: [tensors[ref] for ref in refs]
        single = lambda values: values[0] if len(values) == 1 else values
        return keras.Model(single(ends(graph.inputs)), single(ends(graph.outputs)), name=safe(graph.name) or None)

    def _branches(self, node: Node) -> bool:
        """Whether a node of a chain is more than a layer of single tensors, as Keras 3's Sequential wants them."""
        part = self.parts.get(node.layer.path) if isinstance(node.layer, StoredLayer) else None
        own = part is not None and (part.config.get("return_state") or part.kind == "TwoDirections")
        return bool(own) or any(len(call.inputs) > 1 or call.keywords for call in node.calls)

    def _layers(self, node: Node) -> list[Any]:
        """The live layers of a node, in the order in which they are called."""
        if isinstance(node.layer, Graph):
            return [self.model(node.layer)]
        path = node.layer.path
        part = self.parts[path]
        if isinstance(node.inner, Graph):
            import keras

            inside = self.model(node.inner)
            return [_said(path, lambda: keras.layers.TimeDistributed(inside, **part.config))]
        sizes.declared(part)
        layers = [_said(path, lambda each=each: make(each, self.custom)) for each in _chain(part)]
        if part.kind != "InputLayer":
            self.made[path] = layers
        return layers

    def _called(self, node: Node, layers: Sequence[Any], call: Call, tensors: Mapping[Ref, Any]) -> list[Any]:
        """The outputs of one call. What follows a recurrent layer's first input is its initial state."""
        import keras

        given = [tensors[ref] for ref in call.inputs]
        keywords = {name: _resolved(value, tensors) for name, value in call.keywords.items()}
        first, *rest = layers
        if isinstance(node.layer, StoredLayer):
            sizes.inputs(self.parts[node.layer.path], given[0].shape)
        if isinstance(first, keras.layers.RNN | keras.layers.Bidirectional | TwoDirections):
            states = [*given[1:], *keras.tree.flatten(keywords.pop("initial_state", None) or [])]
            if states:
                keywords["initial_state"] = packed(first, states)
                if masks.of(given[0]) is not None and keywords.get("mask") is None:
                    keywords["mask"] = masks.of(given[0])
                    self._note(
                        node, "the mask is an argument of its own, since Keras 3 drops it beside an initial state"
                    )
            found = first(given[0], **keywords)
        else:
            found = first(given[0] if len(given) == 1 else given, **keywords)
            if done := masks.merged(first, given, found):
                self._note(node, done)
        for layer in rest:
            found = layer(found)
        flat = keras.tree.flatten(found)
        if isinstance(node.layer, Graph) and self.masked:
            masks.nested(first, given, flat)
        return flat

    def _note(self, node: Node, words: str) -> None:
        name = node.layer.path if isinstance(node.layer, StoredLayer) else node.layer.name
        said = self.notes.setdefault(name, [])
        said += [] if words in said else [words]


def _needs(call: Call) -> list[Ref]:
    return [*call.inputs, *(ref for value in call.keywords.values() for ref in _refs(value))]


def _refs(value: Any) -> list[Ref]:
    if isinstance(value, Ref):
        return [value]
    return [ref for each in value for ref in _refs(each)] if isinstance(value, list | tuple) else []


def _resolved(value: Any, tensors: Mapping[Ref, Any]) -> Any:
    if isinstance(value, Ref):
        return tensors[value]
    return [_resolved(each, tensors) for each in value] if isinstance(value, list | tuple) else value
