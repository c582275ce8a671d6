"""Keras 3's weights, which Keras 2.12 and tf-keras write as well: a group an object, arrays by their numbers.

Sources: keras/src/saving/saving_lib.py, Keras 3.15; tf_keras/src/saving/saving_lib.py, tf-keras 2.21.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reference.files import variables
from reference.files.guard import Guard
from reference.files.outline import Item, plain
from reference.files.stored import Group, Stored, StoredLayer

CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
NOTHING = Group("")


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
        return list(_untold(root, "", guard))
    return list(_told(model, root, era, guard))


def _told(model: Item, group: Group, era: str, guard: Guard) -> Iterator[StoredLayer]:
    """The layers of a model, by the addresses that its classes give them."""
    label, container = next(((n, group.groups[n]) for n in CONTAINERS if n in group.groups), ("layers", NOTHING))
    names = [snake("Functional" if child.kind == "Model" else plain(child.kind)) for child in model.children]
    addresses = _counted(names) if label == "layers" else _ranked(model, names, container, era, guard)
    for child, address in zip(model.children, addresses, strict=True):
        yield from _item(child, container.groups.get(address, NOTHING), era, guard, f"{container.where}/{address}")


def _counted(names: Iterable[str]) -> list[str]:
    """
    >>> _counted(["lstm", "dense", "lstm"])
    ['lstm', 'dense', 'lstm_1']
    """
    used: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        used[name] = used.get(name, -1) + 1
        found.append(f"{name}_{used[name]}" if used[name] else name)
    return found


def _ranked(model: Item, names: Sequence[str], container: Group, era: str, guard: Guard) -> list[str]:
    """Keras 2.12 to 2.14 counted a layer with arrays twice: the n-th of a class is the n-th group that has any."""
    queues: dict[str, list[str]] = {}
    for name in sorted(container.groups, key=_natural, reverse=True):
        if _deep(container.groups[name]):
            own = name if name in names else re.sub(r"_\d+$", "", name)
            queues.setdefault(own, []).append(name)
    found: list[str] = []
    for child, name in zip(model.children, names, strict=True):
        sides = [variables.arrays(plain(leaf.kind), leaf.config, era) for leaf in child.leaves()]
        empty = all(side == ([], []) for side in sides)
        if not empty and not queues.get(name) and None not in sides:
            guard.refuse("no-weights", container.where, "must have a group for every layer with arrays", child.path)
        found.append("" if empty or not queues.get(name) else queues[name].pop())
    return found


def _item(item: Item, group: Group, era: str, guard: Guard, where: str) -> Iterator[StoredLayer]:
    if item.is_model:
        yield from _told(item, group, era, guard)
    elif item.children:
        yield from _item(item.children[0], group.groups.get("layer", NOTHING), era, guard, f"{where}/layer")
    else:
        arrays = _arrays(item.kind, item.config, group, era, guard, where)
        yield StoredLayer(item.path, item.kind, item.config, arrays, item.package, item.trainable, where=where)


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
        return _deep(group)
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
    addresses = _counted(snake(plain(str(cell.get("class_name")))) for cell in cells)
    for k, (cell, address) in enumerate(zip(cells, addresses, strict=True)):
        own = _entry(cell, group.groups.get(address, NOTHING), era, guard, f"{where}/{address}")
        found |= {f"cells/{k}/{short}": array for short, array in own.items()}
    return found


def _own(kind: str, config: Mapping[str, Any], group: Group, era: str, guard: Guard, where: str) -> dict[str, Stored]:
    """What a group holds itself, under the names of its class."""
    expected = variables.arrays(kind, config, "keras2" if era == "keras1" else era)
    if expected is None:
        return _deep(group)
    held = group.groups.get("vars", NOTHING)
    names = [*expected[0], *expected[1]]
    if len(held.arrays) != len(names) and not variables.certain(kind, names):
        return _deep(group)
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


def _deep(group: Group, prefix: str = "") -> dict[str, Stored]:
    """All arrays under a group, of a class that is not known here, without the seeds of random numbers."""
    found: dict[str, Stored] = {}
    held = group.groups.get("vars", NOTHING).arrays
    for name in sorted(held, key=_natural):
        found[prefix + name] = held[name]
    for name, child in group.groups.items():
        if name not in ("vars", "seed_generator"):
            found |= _deep(child, f"{prefix}{name}/")
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    """A key in whose order dense_2 comes before dense_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _untold(group: Group, path: str, guard: Guard) -> Iterator[StoredLayer]:
    """The objects of a file without a config."""
    for name in group.groups:
        child, here = group.groups[name], f"{path}/{name}" if path else name
        if name in ("vars", "seed_generator", "optimizer", "metrics"):
            continue
        directions = [way for way in ("forward_layer", "backward_layer") if way in child.groups]
        found = _deep(child)
        if directions or "cell" in child.groups:
            yield StoredLayer(here, "", {}, _recurrent(found, here, guard), where=child.where)
        elif child.groups.get("vars", NOTHING).arrays and not any(n in child.groups for n in CONTAINERS):
            yield StoredLayer(here, "", {}, found, where=child.where)
        else:
            yield from _untold(child, here, guard)


def _recurrent(found: Mapping[str, Stored], where: str, guard: Guard) -> dict[str, Stored]:
    """Numbers to the names that a recurrent cell's arrays have."""
    names = ("kernel", "recurrent_kernel", "bias")
    cells: dict[str, dict[str, Stored]] = {}
    order: dict[str, list[str]] = {}
    for full, array in found.items():
        folder, _, number = full.rpartition("/")
        folder = re.sub(r"^layer/", "", folder) if folder.startswith("layer/") else folder
        stack = re.match(r"(.*?)cell/cells/(.+)$", folder)
        if stack:
            seen = order.setdefault(stack[1], [])
            if stack[2] not in seen:
                seen.append(stack[2])
            folder = f"{stack[1]}cells/{seen.index(stack[2])}/"
        else:
            folder = re.sub(r"cell$", "", folder)
        cells.setdefault(folder, {})[number] = array
    short: dict[str, Stored] = {}
    for folder, own in cells.items():
        for number in sorted(own, key=_natural):
            known = number.isdigit() and int(number) < len(names)
            short[folder + (names[int(number)] if known else number)] = own[number]
        for k, name in enumerate(names[:2]):
            if str(k) not in own:
                there = ", ".join(own)
                guard.refuse("missing-weight", f"{where}/{folder}vars", f"must have an array {k} ({name})", there)
        if "2" not in own and len(own) > 2:
            guard.refuse("missing-weight", f"{where}/{folder}vars", "must have an array 2 (bias)", ", ".join(own))
    return short
