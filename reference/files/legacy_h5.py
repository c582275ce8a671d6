"""Keras 1's and 2's .h5, and the one that Keras 3 still writes: a group a layer, arrays by their place in a list.

Sources: keras/engine/topology.py and keras/models.py, Keras 1.2.2; tf_keras/src/saving/legacy/hdf5_format.py, tf-keras
2.21; keras/src/legacy/saving/legacy_h5_format.py, Keras 3.15.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

import numpy as np

from reference.files import variables
from reference.files.guard import Guard
from reference.files.legacy_names import untold
from reference.files.legacy_order import Named, assigned
from reference.files.outline import Item, plain
from reference.files.stored import Group, Stored, StoredLayer


def text(group: Group, name: str, guard: Guard) -> str:
    """An attribute that is a text; empty where there is none."""
    value = group.attributes.get(name, "")
    if not isinstance(value, str):
        guard.refuse("type", f"attribute {name} of /{group.where.lstrip('/')}", "must be a text", type(value).__name__)
    return value


def listed(group: Group, name: str, guard: Guard) -> list[str] | None:
    """An attribute that is a list of texts, in one piece or split as name0, name1 …; None where there is none."""
    parts = [group.attributes[name]] if name in group.attributes else []
    for k in count():
        if name in group.attributes or f"{name}{k}" not in group.attributes:
            break
        parts.append(group.attributes[f"{name}{k}"])
    if not parts:
        return None
    found: list[str] = []
    for part in parts:
        part = part if isinstance(part, list | tuple) else getattr(part, "tolist", lambda p=part: p)()
        if not isinstance(part, list) or not all(isinstance(value, str) for value in part):
            where = f"attribute {name} of /{group.where.lstrip('/')}"
            guard.refuse("type", where, "must be a list of texts", type(part).__name__)
        found += part
    return found


def weights_root(root: Group) -> Group:
    return root.groups.get("model_weights", root)


def is_legacy(root: Group) -> bool:
    """Whether a tree is of this format."""
    home = weights_root(root)
    return bool({"layer_names", "layer_names0", "nb_layers"} & home.attributes.keys())


def shown_era(home: Group, guard: Guard) -> str:
    """The era of a file that says no version, by what its arrays are called."""
    names = [name for group in home.groups.values() for name in listed(group, "weight_names", guard) or []]
    return "keras2" if any(name.split(":")[0].endswith(("kernel", "/bias")) for name in names) else "keras1"


def layers(home: Group, model: Item | None, era: str, guard: Guard) -> list[StoredLayer]:
    """Every layer of the file; with the model's config, in its order."""
    groups = _groups(home, guard)
    if model is None:
        return [part for name, named in groups.items() for part in untold(name, named, home.where)]
    return _told(groups, model, era, guard, home.where)


def _groups(home: Group, guard: Guard) -> dict[str, Named]:
    """The arrays of each layer by name, in file order."""
    names = listed(home, "layer_names", guard)
    if names is None:
        return _numbered(home, guard)
    found: dict[str, Named] = {}
    for name in names:
        place = f"layer_names of /{home.where.lstrip('/')}"
        if name in found:
            guard.refuse("name", place, "must name each layer once", f"{name} twice")
        group = _step(home, name, guard, place)
        if not isinstance(group, Group):
            guard.refuse("type" if group else "name", place, "must name groups", name)
        named: dict[str, Stored] = {}
        place = f"weight_names of {group.where}"
        for weight in listed(group, "weight_names", guard) or []:
            if weight in named:
                guard.refuse("name", place, "must name each array once", f"{weight} twice")
            named[weight] = _array(group, weight, guard, place)
        found[name] = list(named.items())
    return found


def _numbered(home: Group, guard: Guard) -> dict[str, Named]:
    """Keras before 1.0: layer_0/param_0 …"""
    found: dict[str, Named] = {}
    size = _count(home, "nb_layers", 0, guard)
    for k in range(min(size, len(home.groups) + 1)):
        group = home.groups.get(f"layer_{k}")
        if group is None:
            guard.refuse("name", f"nb_layers of /{home.where.lstrip('/')}", "must count groups that are there", size)
        params = _count(group, "nb_params", len(group.arrays), guard)
        if params != len(group.arrays):
            guard.refuse("missing-weight", group.where, f"must have {params} arrays (nb_params)", len(group.arrays))
        found[f"layer_{k}"] = [(f"param_{n}", _array(group, f"param_{n}", guard, group.where)) for n in range(params)]
    return found


def _count(group: Group, name: str, otherwise: int, guard: Guard) -> int:
    value = group.attributes.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        where = f"attribute {name} of /{group.where.lstrip('/')}"
        guard.refuse("type", where, "must be a whole number", type(value).__name__)
    return int(value)


def _step(group: Group, name: str, guard: Guard, place: str) -> Group | Stored | None:
    """What a path names, part by part, downwards only."""
    here: Group | Stored | None = group
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts):
        guard.refuse("name", place, "must be paths downwards, without empty parts", name or "an empty name")
    for part in parts:
        if not isinstance(here, Group):
            return None
        here = here.groups.get(part) or here.arrays.get(part)
    return here


def _array(group: Group, name: str, guard: Guard, place: str) -> Stored:
    found = _step(group, name, guard, place)
    if found is None:
        guard.refuse("missing-weight", place, "must name arrays that are there", name)
    if not isinstance(found, Stored):
        guard.refuse("type", place, "must name arrays", f"{name}, a group")
    return found


def _told(groups: Mapping[str, Named], model: Item, era: str, guard: Guard, home: str) -> list[StoredLayer]:
    left = dict(groups)
    found: list[StoredLayer] = []
    positions, numbered = count(), set(left) == {f"layer_{k}" for k in range(len(left))}

    def visit(item: Item) -> None:
        position = next(positions)
        key = f"layer_{position}" if numbered else item.name if item.named else ""
        named = left.pop(key, None)
        if named is None and item.is_model:  # Keras 1 writes the layers of a nested Sequential side by side
            for child in item.children:
                visit(child)
            return
        if named is None:
            expected = [variables.arrays(plain(leaf.kind), leaf.config, era) for leaf in item.leaves()]
            if all(own in (None, ([], [])) for own in expected):
                named = []  # Keras writes no group of some layers
            else:
                guard.refuse("missing-weight", home, "must have the arrays of every layer of the config", item.path)
        found.extend(assigned(item, named, era, guard, f"{home}/{key}"))

    for child in model.children:
        visit(child)
    for name, named in left.items():
        if named and name != "top_level_model_weights":
            guard.refuse("name", home, "must have groups of layers of the model's config", name)
    return found
