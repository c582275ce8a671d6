"""A model's config -> its graph: which tensors each layer was called with, whichever Keras wrote it down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reference.files.outline import Item
from reference.files.stored import Call, Graph, Node, Ref, StoredLayer


class _Unclear(Exception):
    """Connections that are written in no form known here."""


def graph(model: Item, layers: Iterable[StoredLayer]) -> Graph | None:
    """The graph of a model; None where its connections cannot be understood.

    An InputLayer is a node without calls, whose one tensor is `Ref(name, 0, 0)`; calls count from 0, those of nested
    models too.
    """
    try:
        return _graph(model, {layer.path: layer for layer in layers})
    except (_Unclear, IndexError):
        return None


def _graph(model: Item, stored: Mapping[str, StoredLayer]) -> Graph:
    chain = model.kind == "Sequential" or "input_layers" not in model.config
    return (_chain if chain else _functional)(model, stored)


def _node(item: Item, calls: Iterable[Call], stored: Mapping[str, StoredLayer]) -> Node:
    if item.is_model and item.kind != "Merge":
        return Node(_graph(item, stored), tuple(calls))
    own = stored.get(item.path) or StoredLayer(item.path, item.kind, item.config, {}, item.package, item.trainable)
    inner = _node(item.children[0], (), stored).layer if item.children and item.kind != "Merge" else None
    return Node(own, tuple(calls), inner)


def _chain(model: Item, stored: Mapping[str, StoredLayer]) -> Graph:
    """A Sequential: each layer is called with what the one before gave."""
    nodes: dict[str, Node] = {}
    layers = list(model.children)
    if not layers:
        raise _Unclear
    if layers[0].kind == "Merge":  # of Keras 1: what it merges are models with inputs of their own
        merge = layers.pop(0)
        inputs = [_input([branch], model, nodes, stored) for branch in merge.children]
        for branch, given in zip(merge.children, inputs, strict=True):
            nodes[branch.name] = _node(branch, [Call((given,))], stored)
        nodes[merge.name] = _node(merge, [Call(tuple(Ref(branch.name, 0, 0) for branch in merge.children))], stored)
        last = Ref(merge.name, 0, 0)
    elif layers[0].kind == "InputLayer":
        first = layers.pop(0)
        nodes[first.name] = _node(first, (), stored)
        last = Ref(first.name, 0, 0)
        inputs = [last]
    else:
        last = _input(layers, model, nodes, stored)
        inputs = [last]
    for item in layers:
        nodes[item.name] = _node(item, [Call((last,))], stored)
        last = Ref(item.name, 0, 0)
    return Graph(model.name, "Sequential", nodes, tuple(inputs), (last,))


def _input(layers: list[Item], model: Item, nodes: dict[str, Node], stored: Mapping[str, StoredLayer]) -> Ref:
    """The input that a Sequential of Keras 1 and 2 leaves to its first layer's `batch_input_shape`.

    Where that layer has none, the model was built by a call: tf.keras wrote down with what, and a recurrent layer's
    kernel has at least the width.
    """
    said = _shape(layers[0])
    if not said and isinstance(model.config.get("build_input_shape"), list):
        said = {"batch_input_shape": model.config["build_input_shape"]}
    said = said or _width(layers, stored)
    name = f"{layers[0].name}_input"
    path = f"{model.path}/{name}" if model.path else name
    nodes[name] = Node(StoredLayer(path, "InputLayer", {"name": name, **said}, {}), ())
    return Ref(name, 0, 0)


def _shape(first: Item) -> dict[str, Any]:
    config = first.config
    for key in ("batch_input_shape", "batch_shape"):
        if key in config:
            dtype = config.get("input_dtype", config.get("dtype"))
            return {key: config[key], **({"dtype": dtype} if dtype is not None else {})}
    return _shape(first.children[0]) if first.children else {}


def _width(layers: list[Item], stored: Mapping[str, StoredLayer]) -> dict[str, Any]:
    """The shape that the first layer's arrays show, below a Masking perhaps; empty where they leave it open."""
    first = next((item for item in layers if item.kind not in ("Masking", "Dropout", "Activation")), layers[0])
    arrays = stored[first.path].arrays if first.path in stored else {}
    kernels = [
        array for name, array in arrays.items() if name.rsplit("/", 1)[-1] in ("recurrent_kernel", "U", "U_i", "U_z")
    ]
    inputs = [array for name, array in arrays.items() if name.rsplit("/", 1)[-1] in ("kernel", "W", "W_i", "W_z")]
    if kernels and inputs and inputs[0].shape:
        return {"batch_input_shape": [None, None, inputs[0].shape[0]]}
    return {"batch_input_shape": [None, None]} if first.kind == "Embedding" else {}


def _functional(model: Item, stored: Mapping[str, StoredLayer]) -> Graph:
    written = {child.name: child.entry.get("inbound_nodes") or [] for child in model.children}
    if not all(isinstance(calls, list) for calls in written.values()):
        raise _Unclear
    names = frozenset(written)
    parsed = {name: [_call(call, names) for call in calls] for name, calls in written.items()}
    ends = [tuple(_ends(model.config.get(key), names)) for key in ("input_layers", "output_layers")]
    # The calls of a nested model are counted from 1 in most files: at 0 it was called when it was made.
    used: dict[str, set[int]] = {}
    for ref in [ref for calls in parsed.values() for call in calls for ref in _refs((call.inputs, call.keywords))] + [
        ref for end in ends for ref in end
    ]:
        used.setdefault(ref.layer, set()).add(ref.call)
    late = {child.name for child in model.children if child.is_model and 0 not in used.get(child.name, {0})}
    shift = lambda ref: ref._replace(call=ref.call - 1) if ref.layer in late else ref
    nodes: dict[str, Node] = {}
    for child in model.children:
        calls = [Call(_mapped(call.inputs, shift), _mapped(call.keywords, shift)) for call in parsed[child.name]]
        nodes[child.name] = _node(child, calls, stored)
    inputs, outputs = (tuple(map(shift, end)) for end in ends)
    if not outputs or any(ref.call >= max(1, len(nodes[ref.layer].calls)) for ref in (*inputs, *outputs)):
        raise _Unclear
    return Graph(model.name, "Functional", nodes, inputs, outputs)


def _is_ref(value: Any, names: frozenset[str]) -> bool:
    """Keras 1 and 2 write a tensor as [layer, call, output], with the call's keywords behind it."""
    return (
        isinstance(value, list | tuple)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and value[0] in names
        and all(isinstance(part, int) for part in value[1:3])
        and (len(value) == 3 or isinstance(value[3], Mapping))
    )


def _call(written: Any, names: frozenset[str]) -> Call:
    if isinstance(written, Mapping) and "args" in written:
        return _call3(written, names)
    keywords: dict[str, Any] = {}
    inputs: list[Ref] = []
    plain = True

    def visit(value: Any) -> None:
        nonlocal plain
        if _is_ref(value, names):
            inputs.append(Ref(*value[:3]))
            keywords.update(_tensors(value[3], names) if len(value) == 4 else {})
        elif isinstance(value, list) and value and value[0] == "_CONSTANT_VALUE":
            plain = False
        elif isinstance(value, Mapping):
            for child in value.values():
                visit(child)
        elif isinstance(value, list):
            for child in value:
                visit(child)
        else:
            raise _Unclear

    visit(written)
    if not plain:
        keywords["args"] = _tensors(written, names)
    return Call(tuple(inputs), keywords)


def _call3(written: Mapping[str, Any], names: frozenset[str]) -> Call:
    """Keras 3's form, which has the arguments as they were given."""
    args = _tensors(written["args"], names)
    keywords = _tensors(written.get("kwargs") or {}, names)
    only = args[0] if isinstance(args, list) and len(args) == 1 else args
    inputs = tuple(_refs(args))
    if tuple(only if isinstance(only, list) else [only]) != inputs:  # numbers among the tensors, or dictionaries
        keywords = {**keywords, "args": args}
    return Call(inputs, keywords)


def _tensors(value: Any, names: frozenset[str]) -> Any:
    """A structure with Refs where it has tensors."""
    if _is_ref(value, names):
        return Ref(*value[:3])
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            history = value.get("config", {}).get("keras_history")
            if not _is_ref(history, names):
                raise _Unclear
            return Ref(*history)
        return {key: _tensors(child, names) for key, child in value.items()}
    if isinstance(value, list):
        return [_tensors(child, names) for child in value]
    return value


def _ends(value: Any, names: frozenset[str]) -> Iterator[Ref]:
    found = list(_refs(_tensors(value, names)))
    if not found:
        raise _Unclear
    return iter(found)


def _refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from _refs(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from _refs(child)


def _mapped(value: Any, change: Any) -> Any:
    if isinstance(value, Ref):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _mapped(child, change) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mapped(child, change) for child in value)
    return value
