"""SavedModel directories, in which tf.keras saved from 2019 to 2022: Keras' configs, and a checkpoint's numbers.

Nothing of the graph is read. Source: tf_keras/protobuf/saved_metadata.proto, tf_keras/src/saving/legacy/saved_model;
tensorflow/core/protobuf/{saved_model,meta_graph,saved_object_graph}.proto for what TensorFlow 2.0 to 2.4 wrote.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from comparisons.formats import object_graph, protobuf, tensor_bundle, tf_checkpoint
from comparisons.formats.folder import content, member
from reference.files import graph as graphs
from reference.files import strict_json
from reference.files.guard import FileRefused, Guard
from reference.files.outline import outline, package, plain
from reference.files.stored import Graph, StoredLayer, StoredModel

GRAPH, METADATA, VARIABLES = "saved_model.pb", "keras_metadata.pb", "variables/variables"
LAYER = "_tf_keras_"
NO_LAYERS = ("_tf_keras_metric",)
Names = tuple[str, ...]
About = Mapping[str, Any]


def is_one(path: Path) -> bool:
    return path.is_dir() and os.path.lexists(path / GRAPH)


@contextmanager
def opened(path: Path, config: Any, guard: Guard) -> Iterator[StoredModel]:
    """The model of a directory. One that Keras' metadata is not in is read as a checkpoint."""
    if config is not None:
        guard.refuse("config", "", "must be read without config: a SavedModel has its own", "one")
    version, older = _graph(path, guard, with_objects=not os.path.lexists(path / METADATA))
    if re.match(r"(1\.|2\.[0-3]\.)", version):  # which is TensorFlow's; from 2.4 on Keras' own is the same
        version += "-tf"
    said = older if older is not None else _metadata(content(path, METADATA, guard), guard)
    with tensor_bundle.opened(path, VARIABLES, guard) as bundle:
        if not said or bundle.graph is None:
            yield tf_checkpoint.model(bundle, "SavedModel without Keras' metadata", guard)
            return
        tree = object_graph.Tree(object_graph.nodes(bundle.graph, tensor_bundle.GRAPH, guard), bundle.arrays)
        about = _placed(tree, said)
        layers = tuple(_layers(tree, about, guard))
        whole = _whole(about.get(0))
        yield StoredModel(
            guard.file,
            "Keras 2 SavedModel",
            "keras2",
            layers,
            version,
            "tensorflow",
            whole,
            _connected(whole, layers, guard),
        )


def _graph(path: Path, guard: Guard, *, with_objects: bool) -> tuple[str, dict[Names, About] | None]:
    """TensorFlow's version, and what its objects say of themselves where they, and no other file, do."""
    with member(path, GRAPH, guard) as stream:
        saved = protobuf.Message(stream, 0, guard.size, guard, GRAPH)
        for _, meta in saved.of(2):
            version, objects = "", None
            for number, part in meta.of(1, 7):
                if number == 1:
                    version = part.text(5)
                else:
                    objects = part
            if not with_objects:
                return version, None
            return version, {} if objects is None else _objects(objects, guard)
    return guard.refuse("empty", GRAPH, "must hold a graph", "none")


def _objects(objects: protobuf.Message, guard: Guard) -> dict[Names, About]:
    """What each object of the graph says of itself, by the names that lead to it: before TensorFlow 2.5."""
    children: list[list[tuple[str, int]]] = []
    texts: dict[int, str] = {}
    for _, node in objects.of(1):
        children.append([])
        for number, part in node.of(1, 4):
            if number == 1:
                children[-1].append((part.text(2), part.number(1)))
            elif (identifier := part.text(1)).startswith(LAYER) and identifier not in NO_LAYERS:
                texts[len(children) - 1] = part.text(3)
    found: dict[Names, About] = {}
    waiting: list[tuple[Names, int]] = [((), 0)]
    seen = {0}
    for names, here in waiting:  # which grows
        if here in texts:
            found[names] = _said(texts[here], "/".join(names), guard)
        for name, child in children[here] if here < len(children) else ():
            if child not in seen and name not in object_graph.BESIDE and len(names) < guard.limits.depth:
                seen.add(child)
                waiting.append(((*names, name), child))
    return found


def _metadata(stored: bytes, guard: Guard) -> dict[Names, About]:
    """The same since: keras_metadata.pb has the names, joined by dots, and the texts."""
    found: dict[Names, About] = {}
    for _, node in protobuf.message(stored, METADATA, guard).of(1):
        texts = {number: value.decoded() for number, value in node.of(3, 4, 5)}
        names = tuple(texts.get(3, "").split("."))[1:]
        identifier = texts.get(4, "")
        if identifier.startswith(LAYER) and identifier not in NO_LAYERS:
            if names in found:
                guard.refuse("duplicate", METADATA, "must have each object once", ".".join(names))
            found[names] = _said(texts.get(5, ""), f"{'.'.join(names) or 'root'} in {METADATA}", guard)
    return found


def _said(text: str, where: str, guard: Guard) -> About:
    said = strict_json.parse(text, where, guard)
    if not isinstance(said, Mapping) or not isinstance(said.get("class_name", ""), str):
        guard.refuse("config", where, "must be an object with a class_name", type(said).__name__)
    return said


def _placed(tree: object_graph.Tree, said: Mapping[Names, About]) -> dict[int, About]:
    """The same by objects of the checkpoint, since a shared layer has several names."""
    found: dict[int, About] = {}
    for names, about in said.items():
        here: int | None = 0
        for name in names:
            here = None if here is None else tree.nodes[here].children.get(name)
        if here is not None:
            found.setdefault(here, about)
    return found


def _layers(tree: object_graph.Tree, about: Mapping[int, About], guard: Guard) -> Iterator[StoredLayer]:
    """Layers in their order, each once; models, wrappers of one layer and layers that have others are looked into."""
    seen = {0}
    waiting: list[tuple[str, str, int]] = [("", "", 0)]
    while waiting:
        path, where, node = waiting.pop()
        said = about.get(node, {})
        kind = said.get("class_name") or ""
        config = said.get("config")
        recurrent = plain(kind) == "Bidirectional" or "cell" in tree.nodes[node].children
        inner: list[tuple[str, str, int]] = []
        for name, child in () if recurrent else tree.children(node):
            if child in about and child not in seen:
                seen.add(child)
                own = about[child].get("name")
                own = own if isinstance(own, str) and own else name
                inner.append((f"{path}/{own}" if path else own, f"{where}/{name}" if where else name, child))
        if path.count("/") > guard.limits.depth:
            guard.refuse("too-deep", path, f"must be at most {guard.limits.depth} deep (Limits.depth)", "more")
        arrays = tree.own(node) if inner or not path else tree.below(node)
        if arrays or (path and not inner):
            trainable = said.get("trainable")
            yield StoredLayer(
                path or "model",
                kind,
                config if isinstance(config, Mapping) else {},
                arrays,
                package(said),
                trainable if isinstance(trainable, bool) else None,
                where,
            )
        waiting += reversed(inner)


def _whole(said: About | None) -> Mapping[str, Any] | None:
    """The model's config, where it is one that lists its layers."""
    config = None if said is None else said.get("config")
    if said is None or not isinstance(config, Mapping) or not isinstance(config.get("layers"), list):
        return None
    return {"class_name": said.get("class_name"), "config": config}


def _connected(whole: Mapping[str, Any] | None, layers: tuple[StoredLayer, ...], guard: Guard) -> Graph | None:
    """How the layers are connected; None for a model that does not say, whose layers are read all the same."""
    if whole is None:
        return None
    try:
        return graphs.graph(outline(whole, guard), layers)
    except FileRefused:
        return None
