"""A model's config, as data -> the tree of its layers, for every Keras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reference.files.guard import Guard, shown

TRUSTED = ("", "keras", "tf_keras", "tensorflow", "cells", "gateproof")  # the first words of packages and modules


@dataclass(frozen=True)
class Item:
    """A layer of a model's config; `children` are a nested model's layers, or the one that a wrapper holds."""

    name: str
    path: str
    kind: str
    package: str
    config: Mapping[str, Any]
    entry: Mapping[str, Any]  # all that the model's config says of it, its connections too
    children: tuple[Item, ...] = field(default=())
    is_model: bool = False
    named: bool = True  # whether the config says the name, which Keras 1 left out of a nested Sequential

    @property
    def trainable(self) -> bool | None:
        said = self.config.get("trainable")
        return said if isinstance(said, bool) else None

    def leaves(self) -> Iterator[Item]:
        """The layers that are no model and no wrapper of one layer, in order."""
        if self.children or self.is_model:
            for child in self.children:
                yield from child.leaves()
        else:
            yield self

    def wrappers(self) -> Iterator[tuple[str, Item]]:
        """The wrappers of one layer, each with the path of a layer within."""
        for child in self.children:
            if not self.is_model:
                yield from ((leaf.path, self) for leaf in child.leaves())
            yield from child.wrappers()


def is_model(config: Any) -> bool:
    """Whether a model's config lists its layers; that of a class of its author's own need not."""
    if isinstance(config, Mapping):
        inner = config.get("config", config)
        return _layers(inner) is not None if isinstance(inner, Mapping | list) else False
    return isinstance(config, list)


def outline(config: Any, guard: Guard, names: Sequence[str] = ()) -> Item:
    """The whole model. Its own name is part of no path; `names` are of its layers, where the config has none.

    Raises FileRefused for a config in which no layers are listed.
    """
    left = [guard.limits.tensors]

    def item(entry: Mapping[str, Any], parent: str, default: str) -> Item:
        left[0] -= 1
        if left[0] < 0:
            must = f"must list at most {guard.limits.tensors} layers (Limits.tensors)"
            guard.refuse("too-large", "the model's config", must, "more")
        kind, config = entry["class_name"], entry["config"]
        own = config if isinstance(config, Mapping) else {}
        said = own.get("name") or entry.get("name")
        if said is not None and not isinstance(said, str):
            guard.refuse("name", parent or "the model's config", "must have layers whose names are texts", said)
        name = said or default
        path = "" if not default else f"{parent}/{name}" if parent else name
        children, within = _within(item, entry, path, guard)
        return Item(name, path, kind, package(entry), own, entry, children, within, said is not None)

    entry = _entry(config, "the model's config", guard)
    listed = _layers(entry["config"])
    if listed is None:
        must = "must list layers (a Sequential or Functional model)"
        guard.refuse("not-keras", "the model's config", must, entry["class_name"])
    if len(names) == len(listed):
        listed = [_titled(child, name) for child, name in zip(listed, names, strict=True)]
        entry = {**entry, "config": {**_mapping(entry["config"]), "layers": listed}}
    return item(entry, "", "")


def _within(item: Any, entry: Mapping[str, Any], path: str, guard: Guard) -> tuple[tuple[Item, ...], bool]:
    """The layers in a model or a wrapper, and whether it is a model."""
    config, where = entry["config"], path or "the model's config"
    listed, inner = _layers(config), config.get("layer") if isinstance(config, Mapping) else None
    if listed is not None and (not path or all(isinstance(child, Mapping) for child in listed)):
        entries = [_entry(child, where, guard) for child in listed]
        children = tuple(item(child, path, f"{child['class_name'].lower()}_{k + 1}") for k, child in enumerate(entries))
        seen: set[str] = set()
        for child in children:
            if child.name in seen:
                guard.refuse("name", where, "must have layers with names of their own", f"{child.name} twice")
            seen.add(child.name)
        return children, True
    if entry["class_name"] == "Bidirectional" or not isinstance(inner, Mapping) or "class_name" not in inner:
        return (), False
    child = _entry(inner, where, guard)
    return (item(child, path, child["class_name"].lower()),), False


def _mapping(config: Any) -> Mapping[str, Any]:
    return config if isinstance(config, Mapping) else {}


def _titled(entry: Any, name: str) -> Any:
    """An entry of a nested Sequential, which may be a bare list, with the name that its weights have."""
    bare = isinstance(entry, Mapping) and isinstance(entry.get("config"), list) and "name" not in entry
    return {**entry, "name": name} if bare else entry


def _entry(value: Any, where: str, guard: Guard) -> Mapping[str, Any]:
    if isinstance(value, list):  # a Sequential of Keras 1, which is its list of layers
        value = {"class_name": "Sequential", "config": value}
    if isinstance(value, Mapping) and "class_name" not in value and isinstance(value.get("name"), str):
        own = {key: said for key, said in value.items() if key not in ("name", "custom_name")}  # Keras before 1.0
        named = {"name": value["custom_name"]} if isinstance(value.get("custom_name"), str) else {}
        value = {"class_name": value["name"], "config": {**own, **named}}
    if not isinstance(value, Mapping) or not isinstance(value.get("class_name"), str) or not value["class_name"]:
        guard.refuse("config", where, "must be a layer's class_name and config", type(value).__name__)
    if not isinstance(value.get("config"), Mapping | list):
        must = "must have a config that is an object"
        guard.refuse("config", f"{where}: {value['class_name']}", must, type(value.get("config")).__name__)
    return value


def _layers(config: Any) -> list[Any] | None:
    """The entries of a model's layers; None where it is no model."""
    found = config if isinstance(config, list) else config.get("layers")
    return found if isinstance(found, list) else None


def package(entry: Mapping[str, Any]) -> str:
    """Where a class is from: the package that it was registered in, or its module; empty where nothing is said."""
    for said in (entry.get("registered_name"), entry.get("class_name")):
        if isinstance(said, str) and ">" in said:
            return said.split(">")[0]
    module = entry.get("module")
    return module if isinstance(module, str) else ""


def trusted(package: str) -> bool:
    """Whether a class of this package or module is one of Keras' or of this project's."""
    return package.split(".")[0] in TRUSTED


def plain(kind: str) -> str:
    """A class's own name, without the package that tf.keras writes before it.

    >>> plain("Addons>NoisyDense")
    'NoisyDense'
    """
    return shown(kind.rsplit(">", 1)[-1])
