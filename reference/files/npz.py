"""An .npz, or a bare .npy, -> Group. Read without NumPy's reader: nothing is evaluated or unpickled."""

from __future__ import annotations

import math
import re
from typing import Any, BinaryIO

import numpy as np

from reference.files.guard import Guard, magic, shown
from reference.files.stored import Array, Group, Stored
from reference.files.windows import length, numbers, taken
from reference.files.zips import Archive

HEADER = 10_000  # bytes; NumPy's own limit
# numpy/lib/format.py writes these three keys, sorted; Python 2 wrote whole numbers with an L.
_HEADER = re.compile(
    r"\{'descr': (?P<descr>'[^']{1,20}'|\[.{1,9000}\]), 'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>[0-9L, ]{0,2000})\), ?\}\s*",
    re.DOTALL,
)
_DTYPE = re.compile(r"'([<>|=]?)(f[248]|[iu][1248]|b1)'")


def tree(stream: BinaryIO, guard: Guard) -> Group:
    """Every array of the archive, by its header. The array of a bare .npy has no name."""
    if magic(stream, guard) == "npy":
        stream.seek(0)
        return Group("", arrays={"": _single(stream, guard)})
    archive = Archive(stream, guard)
    arrays: dict[str, Stored] = {}
    for member in archive.names:
        name = member.removesuffix(".npy")
        if name in arrays:
            guard.refuse("duplicate", name, "must be there once", "it twice")
        arrays[name] = _member(archive, member, guard)
    return Group("", arrays=arrays)


def _member(archive: Archive, name: str, guard: Guard) -> Stored:
    where, size = shown(name), archive.size(name)
    shape, dtype, order, begins = _header(archive.head(name, HEADER + 12), where, guard)
    _fits(shape, dtype, size - begins, where, guard)

    def read() -> Array:
        return numbers(memoryview(archive.content(name, size))[begins:], dtype, shape, where, guard, order)

    return Stored(where, shape, dtype.newbyteorder("="), read)


def _single(stream: BinaryIO, guard: Guard) -> Stored:
    shape, dtype, order, begins = _header(stream.read(HEADER + 12), "", guard)
    count = length(stream) - begins
    _fits(shape, dtype, count, "", guard)

    def read() -> Array:
        return numbers(taken(stream, begins, count, "", guard), dtype, shape, "", guard, order)

    return Stored("", shape, dtype.newbyteorder("="), read)


def _header(head: bytes, where: str, guard: Guard) -> tuple[tuple[int, ...], np.dtype[Any], str, int]:
    """Shape, dtype, C or F, and where the numbers begin."""
    if head[:6] != b"\x93NUMPY" or len(head) < 12 or head[6] not in (1, 2, 3):
        guard.refuse("type", where, "must be an array as NumPy writes it (.npy)", head[:8].hex(" ") or "nothing")
    wide = 2 if head[6] == 1 else 4
    count, begins = int.from_bytes(head[8 : 8 + wide], "little"), 8 + wide
    if count > HEADER:
        guard.refuse("too-large", where, f"must have a header of at most {HEADER} bytes", f"{count}")
    text = head[begins : begins + count].decode("latin-1")
    found = _HEADER.fullmatch(text)
    if len(text) < count:
        guard.refuse("truncated", where, f"must have a header of {count} bytes", f"{len(text)}")
    if not found:
        guard.refuse("corrupt", where, "must have a header with descr, fortran_order and shape", repr(text))
    kind = found["descr"]
    if re.fullmatch(r"'[|<>=]?O8?'", kind) or re.search(r"'[|<>=]?O8?'", kind):
        guard.refuse("pickle", where, "must hold numbers, never pickled objects", kind)
    if not _DTYPE.fullmatch(kind):
        guard.refuse("dtype", where, "must hold real numbers of at most 8 bytes", kind)
    sizes = [size.removesuffix("L") for size in found["shape"].replace(" ", "").split(",") if size]
    if len(sizes) > 32 or not all(re.fullmatch("[0-9]{1,20}", size) for size in sizes):
        guard.refuse("shape", where, "must have at most 32 axes, each a whole number", found["shape"])
    return tuple(map(int, sizes)), np.dtype(kind[1:-1]), "F" if found["fortran"] == "True" else "C", begins + count


def _fits(shape: tuple[int, ...], dtype: np.dtype[Any], there: int, where: str, guard: Guard) -> None:
    guard.declare(where, shape, dtype.itemsize)
    declared = math.prod(shape) * dtype.itemsize
    if there != declared:
        code = "truncated" if there < declared else "trailing"
        guard.refuse(code, where, f"must have the {declared} bytes that its header declares", f"{there}")
