"""The objects of a file in Keras 3's format by the names of their groups, without a config."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reference.files.guard import Guard
from reference.files.stored import Group, Stored, StoredLayer

NOTHING = Group("")


def deep(group: Group, prefix: str = "") -> dict[str, Stored]:
    """All arrays under a group, of a class that is not known here, without the seeds of random numbers."""
    found: dict[str, Stored] = {}
    held = group.groups.get("vars", NOTHING).arrays
    for name in sorted(held, key=natural):
        found[prefix + name] = held[name]
    for name, child in group.groups.items():
        if name not in ("vars", "seed_generator"):
            found |= deep(child, f"{prefix}{name}/")
    return found


def natural(name: str) -> list[tuple[int, str]]:
    """A key in whose order dense_2 comes before dense_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def untold(group: Group, path: str, guard: Guard) -> Iterator[StoredLayer]:
    """The objects of a file without a config, the recurrent ones with the names of a cell's arrays."""
    for name, child in group.groups.items():
        if name in ("vars", "seed_generator", "optimizer", "metrics"):
            continue
        here = f"{path}/{name}" if path else name
        if {"forward_layer", "backward_layer", "cell"} & child.groups.keys():
            yield StoredLayer(here, "", {}, _recurrent(deep(child), here, guard), where=child.where)
            continue
        held = child.groups.get("vars", NOTHING).arrays
        if held:
            yield StoredLayer(here, "", {}, {n: held[n] for n in sorted(held, key=natural)}, where=child.where)
        yield from untold(child, here, guard)


def _recurrent(found: Mapping[str, Stored], where: str, guard: Guard) -> dict[str, Stored]:
    """Numbers to the names that a recurrent cell's arrays have."""
    names = ("kernel", "recurrent_kernel", "bias")
    cells: dict[str, dict[str, Stored]] = {}
    order: dict[str, list[str]] = {}
    for full, array in found.items():
        folder, _, number = full.rpartition("/")
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
        for number in sorted(own, key=natural):
            known = number.isdigit() and int(number) < len(names)
            short[folder + (names[int(number)] if known else number)] = own[number]
        for k, name in enumerate(names[:2]):
            if str(k) not in own:
                there = ", ".join(own)
                guard.refuse("missing-weight", f"{where}/{folder}vars", f"must have an array {k} ({name})", there)
        if "2" not in own and len(own) > 2:
            guard.refuse("missing-weight", f"{where}/{folder}vars", "must have an array 2 (bias)", ", ".join(own))
    return short
