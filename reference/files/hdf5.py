"""HDF5 -> Group: only hard links, only arrays of numbers that the file itself holds."""

from __future__ import annotations

from typing import Any, BinaryIO

import h5py
import numpy as np

from reference.files.guard import Guard, shown
from reference.files.stored import Array, Group, Stored


def tree(stream: BinaryIO, guard: Guard) -> Group:
    """Everything that the file holds, by its headers. The stream must stay open while arrays are read."""
    file = h5py.File(stream, "r")
    return _group(file["/"], "", guard, 0)


def _group(group: Any, where: str, guard: Guard, depth: int) -> Group:
    groups: dict[str, Group] = {}
    arrays: dict[str, Stored] = {}
    for name in group:
        place = f"{where}/{name}"
        child = group[name]
        if isinstance(child, h5py.Group):
            groups[name] = _group(child, place, guard, depth + 1)
        else:
            guard.declare(place, child.shape, child.dtype.itemsize)
            arrays[name] = Stored(shown(place), child.shape, child.dtype, lambda c=child: _numbers(c))
    return Group(shown(where), groups, arrays, _attributes(group))


def _numbers(dataset: Any) -> Array:
    array = np.asarray(dataset[()])
    return array.astype(array.dtype.newbyteorder("="))


def _attributes(group: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in group.attrs.items():
        if isinstance(value, bytes):
            found[name] = value.decode("utf-8")
        elif isinstance(value, np.ndarray) and value.dtype.kind in "SOU":
            found[name] = [v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in value]
        else:
            found[name] = value
    return found
