"""Keras 3's weights, which Keras 2.12 and tf-keras write as well: a group an object, arrays by their numbers.

Sources: keras/src/saving/saving_lib.py, Keras 3.15; tf_keras/src/saving/saving_lib.py, tf-keras 2.21.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reference.files import variables
from reference.files.guard import Guard
from reference.files.keras_v3_names import NOTHING, deep, natural, untold
from reference.files.outline import Item, plain
from reference.files.stored import Group, Stored, StoredLayer

CONTAINERS = ("layers", "_layer_checkpoint_dependencies")


def snake(kind: str) -> str:
    """The name of an object's group.

    >>> snake("CuDNNLSTM"), snake("BatchNormalization")
    ('cu_dnnlstm', 'batch_normalization')
    """
    kind = re.sub(r"\W+", "", kind)
    kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()


def is_v3(root: Group) -> bool:
    """Whether a tree is of this format."""
    return any(name in root.groups for name in (*CONTAINERS, "vars"))


def named(root: Group) -> bool:
    """Whether objects say their names, which Keras 3 alone has written."""
    return any("name" in group.attributes for group in _all(root))


def _all(group: Group) -> Iterator[Group]:
    yield group
    for child in group.groups.values():
        yield from _all(child)


def layers(root: Group, model: Item | None, era: str, guard: Guard) -> list[StoredLayer]:
    """Every layer of the file; with the model's config, in its order."""
    if model is None:
        return list(untold(root, "", guard))
    return list(_told(model, root, era, guard, {}))


# Layers that have been met, by name and class: one in two models is saved where Keras meets it first.
Met = dict[tuple[str, str], StoredLayer]


def _told(model: Item, group: Group, era: str, guard: Guard, met: Met) -> Iterator[StoredLayer]:
    """The layers of a model, by the addresses that its classes give them."""
    label, container = next(((n, group.groups[n]) for n in CONTAINERS if n in group.groups), ("layers", NOTHING))
    names = [snake("Functional" if child.kind == "Model" else plain(child.kind)) for child in model.children]
    ranked = None if label == "layers" else _ranked(model, names, container, era, guard)
    # Keras 2.15 and tf-keras count a layer that they have met before not at all.
    skips = era == "keras2" and len(container.groups) < len(names)
    count = _counter()
    for k, (child, name) in enumerate(zip(model.children, names, strict=True)):
        address = ranked[k] if ranked else "" if skips and _again(child, met) else count(name)
        held = container.groups.get(address, NOTHING)
        yield from _item(child, held, era, guard, f"{container.where}/{address}", met)


def _again(item: Item, met: Met) -> StoredLayer | None:
    """The layer that this one is, in another model."""
    found = met.get((item.name, item.kind))
    return found if found is not None and found.config == item.config else None


def _counter() -> Callable[[str], str]:
    """The addresses of objects in one container, by their classes.

    >>> list(map(_counter(), ["lstm", "dense", "lstm"]))
    ['lstm', 'dense', 'lstm_1']
    """
    used: dict[str, int] = {}

    def address(name: str) -> str:
        used[name] = used.get(name, -1) + 1
        return f"{name}_{used[name]}" if used[name] else name

    return address


def _ranked(model: Item, names: Sequence[str], container: Group, era: str, guard: Guard) -> list[str]:
    """Keras 2.12 to 2.14 counted a layer with arrays twice: the n-th of a class is the n-th group that has any."""
    queues: dict[str, list[str]] = {}
    known = set(names)
    for name in sorted(container.groups, key=natural, reverse=True):
        if deep(container.groups[name]):
            own = name if name in known else re.sub(r"_\d+$", "", name)
            queues.setdefault(own, []).append(name)
    found: list[str] = []
    for child, name in zip(model.children, names, strict=True):
        sides = [variables.arrays(plain(leaf.kind), leaf.config, era) for leaf in child.leaves()]
        empty = all(side == ([], []) for side in sides)
        if not empty and not queues.get(name) and None not in sides:
            guard.refuse("no-weights", container.where, "must have a group for every layer with arrays", child.path)
        found.append("" if empty or not queues.get(name) else queues[name].pop())
    return found


def _item(item: Item, group: Group, era: str, guard: Guard, where: str, met: Met) -> Iterator[StoredLayer]:
    if item.is_model:
        yield from _told(item, group, era, guard, met)
    elif item.children:
        yield from _item(item.children[0], group.groups.get("layer", NOTHING), era, guard, f"{where}/layer", met)
    elif (before := _again(item, met)) is not None and before.arrays and not deep(group):
        yield replace(before, path=item.path)
    else:
        arrays = _arrays(item.kind, item.config, group, era, guard, where)
        found = StoredLayer(item.path, item.kind, item.config, arrays, item.package, item.trainable, where=where)
        met.setdefault((item.name, item.kind), found)
        yield found


def _arrays(
    kind: str, config: Mapping[str, Any], group: Group, era: str, guard: Guard, where: str
) -> dict[str, Stored]:
    """A layer's arrays by their short names, from the groups that its class puts them in."""
    kind = plain(kind)
    if kind == "Bidirectional":
        backward = config.get("backward_layer") or config.get("layer")
        parts = [("forward_layer", config.get("layer")), ("backward_layer", backward)]
        return _merged(parts, group, era, guard, where)
    if kind == "RNN":
        entry = config.get("cell")
        if isinstance(entry, Mapping) and entry.get("class_name") == "StackedRNNCells":
            within = group.groups.get("cell", NOTHING).groups.get("cells", NOTHING)
            return _stacked(entry, within, era, guard, f"{where}/cell/cells")
        return _entry(entry, group.groups.get("cell", NOTHING), era, guard, f"{where}/cell")
    home = group.groups.get("cell", group)
    if home is not group:
        where += "/cell"
    return _own(kind, config, home, era, guard, where)


def _entry(entry: Any, group: Group, era: str, guard: Guard, where: str) -> dict[str, Stored]:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("config"), Mapping):
        return deep(group)
    return _arrays(str(entry.get("class_name")), entry["config"], group, era, guard, where)


def _merged(parts: Sequence[tuple[str, Any]], group: Group, era: str, guard: Guard, where: str) -> dict[str, Stored]:
    found: dict[str, Stored] = {}
    for name, entry in parts:
        own = _entry(entry, group.groups.get(name, NOTHING), era, guard, f"{where}/{name}")
        found |= {f"{name}/{short}": array for short, array in own.items()}
    return found


def _stacked(entry: Mapping[str, Any], group: Group, era: str, guard: Guard, where: str) -> dict[str, Stored]:
    config = entry.get("config")
    cells = config.get("cells") if isinstance(config, Mapping) else None
    found: dict[str, Stored] = {}
    cells = [cell for cell in cells if isinstance(cell, Mapping)] if isinstance(cells, list) else []
    addresses = map(_counter(), (snake(plain(str(cell.get("class_name")))) for cell in cells))
    for k, (cell, address) in enumerate(zip(cells, addresses, strict=True)):
        own = _entry(cell, group.groups.get(address, NOTHING), era, guard, f"{where}/{address}")
        found |= {f"cells/{k}/{short}": array for short, array in own.items()}
    return found


def _own(kind: str, config: Mapping[str, Any], group: Group, era: str, guard: Guard, where: str) -> dict[str, Stored]:
    """What a group holds itself, under the names of its class."""
    expected = variables.arrays(kind, config, "keras2" if era == "keras1" else era)
    if expected is None:
        return deep(group)
    held = group.groups.get("vars", NOTHING)
    names = [*expected[0], *expected[1]]
    if len(held.arrays) != len(names) and not variables.certain(kind, names):
        return deep(group)
    if not held.arrays and names:
        guard.refuse("no-weights", where, f"must have the arrays of a {kind} ({', '.join(names)})", "none")
    for k, name in enumerate(names):
        if str(k) in held.groups:
            guard.refuse("type", f"{where}/vars/{k}", f"must be an array ({name} of a {kind})", "a group")
        if str(k) not in held.arrays:
            there = ", ".join(held.arrays)
            guard.refuse("missing-weight", f"{where}/vars", f"must have an array {k} ({name} of a {kind})", there)
    if len(held.arrays) > len(names):
        must = f"must have {len(names)} arrays of a {kind} ({', '.join(names)})"
        guard.refuse("missing-weight", f"{where}/vars", must, len(held.arrays))
    return {name: held.arrays[str(k)] for k, name in enumerate(names)}
