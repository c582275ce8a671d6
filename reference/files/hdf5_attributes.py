"""HDF5's attributes: texts and numbers, measured before they are read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from h5py import h5a, h5s, h5t  # type: ignore[attr-defined]

from reference.files.guard import Guard
from reference.files.hdf5_library import Source, library
from reference.files.hdf5_numbers import KINDS, number_type
from reference.files.stored import Array

MOST = 1000  # of one group


def attributes(owner: Any, where: str, source: Source, guard: Guard) -> dict[str, Any]:
    """Texts as str, lists of texts as list[str], numbers as NumPy has them. One without a value is left out."""
    found: dict[str, Any] = {}
    with library(guard, where):
        count = h5a.get_num_attrs(owner)
        if count > MOST:
            guard.refuse("too-large", where, f"must have at most {MOST} attributes", f"{count}")
        for k in range(count):
            attribute = h5a.open(owner, index=k)
            if attribute.get_space().get_simple_extent_type() == h5s.NULL:
                continue
            name = _text(attribute.name)
            found[name] = _value(attribute, f"{where or '/'} attribute {name}", source, guard)
    return found


def _value(attribute: Any, where: str, source: Source, guard: Guard) -> Any:
    shape = attribute.get_space().shape
    count, kind = math.prod(shape), attribute.get_type()
    if isinstance(kind, h5t.TypeStringID):
        return _texts(attribute, kind, shape, where, source, guard)
    dtype = number_type(kind)
    if dtype is None:
        got = KINDS.get(kind.get_class(), "another type")
        guard.refuse("dtype", where, "must be a text, texts or numbers", got)
    _measured(count * dtype.itemsize, where, guard)
    array = np.empty(shape, dtype)
    attribute.read(array, mtype=h5t.py_create(dtype))
    array = array.astype(dtype.newbyteorder("="))
    return array if shape else array[()]


def _texts(
    attribute: Any, kind: Any, shape: tuple[int, ...], where: str, source: Source, guard: Guard
) -> str | list[str]:
    count = math.prod(shape)
    if kind.is_variable_str():
        if count > guard.limits.tensors:
            must = f"must be at most {guard.limits.tensors} texts (Limits.tensors)"
            guard.refuse("too-large", where, must, f"{count}")
        source.structures.expect(count)
        array: Array = np.empty(shape, kind.dtype)
    else:
        _measured(count * kind.get_size(), where, guard)
        array = np.empty(shape, f"S{kind.get_size()}")
    attribute.read(array, mtype=h5t.py_create(array.dtype))
    source.structures.expect(1)
    _measured(sum(len(text or b"") for text in array.flat), where, guard)
    texts = [_text(text) for text in array.flat]
    return texts if shape else texts[0]


def _measured(size: int, where: str, guard: Guard) -> None:
    if size > guard.limits.json_bytes:
        must = f"must be at most {guard.limits.json_bytes} bytes (Limits.json_bytes)"
        guard.refuse("too-large", where, must, f"{size}")


def _text(text: bytes | str | None) -> str:
    return text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text or ""
