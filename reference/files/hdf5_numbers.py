"""HDF5's arrays: where their numbers lie, checked, and read from there without the HDF5 library."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from h5py import h5a, h5d, h5s, h5t, h5z  # type: ignore[attr-defined]

from reference.files.guard import Guard, shown
from reference.files.hdf5_library import Source, library
from reference.files.stored import Array, Stored
from reference.files.windows import checked, numbers, taken, widened

KINDS = {
    h5t.STRING: "texts", h5t.REFERENCE: "references", h5t.VLEN: "lists of any length", h5t.ARRAY: "arrays in arrays",
    h5t.COMPOUND: "a compound type, as complex numbers and tables have", h5t.ENUM: "an enumeration", h5t.TIME: "times",
    h5t.OPAQUE: "opaque bytes", h5t.BITFIELD: "bit fields",
    h5t.INTEGER: "unusual integers", h5t.FLOAT: "unusual floats",
}  # fmt: skip
_NUMBERS = [np.dtype(order + kind) for order in "<>" for kind in ("f4", "f8", "f2", "i4", "i8", "i2", "u4", "u8", "u2")]
_NUMBERS += [np.dtype(kind) for kind in ("i1", "u1", "?")]
_TYPES = [(h5t.py_create(dtype), dtype) for dtype in _NUMBERS]
_CHUNKS = 10  # times Limits.tensors, of one array


def number_type(kind: Any) -> np.dtype[Any] | None:
    """The NumPy type that is bit for bit the same; None: there is none."""
    return next((dtype for known, dtype in _TYPES if kind.equal(known)), None)


def described(dataset: Any, file: Any, where: str, source: Source, guard: Guard) -> Stored:
    """An array by its headers. What would lead out of the file is refused before anything else is asked of it."""
    plan = dataset.get_create_plist()
    layout = plan.get_layout()
    if layout == h5d.VIRTUAL:
        guard.refuse("virtual-dataset", where, "must be in the file itself", "a virtual dataset, a view of other files")
    if plan.get_external_count():
        guard.refuse("external-storage", where, "must be in the file itself", "numbers in another file")
    dtype, half = _type(dataset, where, guard)
    space = dataset.get_space()
    if space.get_simple_extent_type() == h5s.NULL:
        guard.refuse("empty", where, "must be an array with numbers in it", "one that is declared empty")
    shape = tuple(int(size) for size in space.shape)
    guard.declare(where, shape, dtype.itemsize)
    filters = [plan.get_filter(k) for k in range(plan.get_nfilters())]
    count = math.prod(shape) * dtype.itemsize
    if not count:
        content: Callable[[], Any] = bytes
    elif layout == h5d.CHUNKED:
        content = _chunks(dataset, plan.get_chunk(), filters, dtype, shape, where, source, guard)
    elif filters:
        guard.refuse("filter", where, "must be in chunks, as what is filtered is", "one piece")
    elif layout == h5d.CONTIGUOUS:
        content = _piece(dataset, count, where, source, guard)
    else:
        _complete(dataset.get_storage_size(), count, where, guard)
        content = _compact(dataset, file, dtype, shape, where, guard)

    def read() -> Array:
        array = numbers(content(), dtype, shape, where, guard)
        return checked(widened(array), where, guard) if half else array

    return Stored(shown(where), shape, np.dtype(np.float32) if half else dtype.newbyteorder("="), read)


def _type(dataset: Any, where: str, guard: Guard) -> tuple[np.dtype[Any], bool]:
    """Of numbers, and whether they are the bfloat16 that Keras 3 writes: two opaque bytes and a note."""
    kind = dataset.get_type()
    if (dtype := number_type(kind)) is not None:
        return dtype, False
    name = kind.get_class()
    if name == h5t.OPAQUE and kind.get_size() == 2 and h5a.exists(dataset, b"dtype"):
        note = h5a.open(dataset, b"dtype")
        if isinstance(note.get_type(), h5t.TypeStringID) and note.get_storage_size() <= 64 and not note.shape:
            text = np.empty((), note.dtype)
            note.read(text, mtype=h5t.py_create(note.dtype))
            if text[()] in (b"bfloat16", "bfloat16"):
                return np.dtype("<u2"), True
    return guard.refuse("dtype", where, "must hold real numbers of at most 8 bytes", KINDS.get(name, "another type"))


def _complete(stored: int, count: int, where: str, guard: Guard) -> None:
    guard.unpacks(where, count, stored)
    if not stored:
        guard.refuse("empty", where, "must have its numbers in the file", "a declared shape only")
    if stored != count:
        guard.refuse("truncated", where, f"must have the {count} bytes of its shape", stored)


def _piece(dataset: Any, count: int, where: str, source: Source, guard: Guard) -> Callable[[], bytearray]:
    start: int = dataset.get_offset() or 0  # none: no place in the file yet, and no bytes stored
    _complete(dataset.get_storage_size() if start else 0, count, where, guard)
    _inside(start, count, where, source, guard)
    return lambda: taken(source.file, start, count, where, guard)


def _inside(start: int, count: int, where: str, source: Source, guard: Guard) -> None:
    if start + count > source.size:
        guard.refuse("truncated", where, f"must end within the file's {source.size} bytes", start + count)


def _compact(
    dataset: Any, file: Any, dtype: np.dtype[Any], shape: tuple[int, ...], where: str, guard: Guard
) -> Callable[[], bytes]:
    def content() -> bytes:
        array = np.empty(shape, dtype)
        with library(guard, where):
            if not file:  # which keeps the file open as long as its arrays
                guard.refuse("no-file", where, "must be read while the file is open", "a closed one")
            dataset.read(h5s.ALL, h5s.ALL, array, h5t.py_create(dtype))
        return array.tobytes()

    return content


def _chunks(
    dataset: Any, chunk: tuple[int, ...], filters: list[Any], dtype: np.dtype[Any], shape: tuple[int, ...],
    where: str, source: Source, guard: Guard,
) -> Callable[[], Array]:  # fmt: skip
    """Every chunk must be there, each within the file, each no larger than it declares."""
    for code, _, _, name in filters:
        if code not in _UNDO:
            must = (
                "must be filtered by deflate, shuffle and fletcher32 at most: save it without compression, or with gzip"
            )
            guard.refuse("filter", where, must, f"filter {code} {name.decode('utf-8', 'surrogateescape')}")
    most = _CHUNKS * guard.limits.tensors
    expected = math.prod(-(-size // step) for size, step in zip(shape, chunk, strict=True))
    if expected > most:
        guard.refuse("too-large", where, f"must be in at most {most} chunks (ten times Limits.tensors)", f"{expected}")
    size = math.prod(chunk) * dtype.itemsize
    if size > guard.limits.bytes or (not filters and size > source.size):
        must = f"must be in chunks of at most {guard.limits.bytes} bytes (Limits.bytes), and no larger than the file"
        guard.refuse("too-large", where, must, f"{size}")
    found: dict[tuple[int, ...], Any] = {}

    def take(info: Any) -> bool | None:
        found[info.chunk_offset] = info
        return len(found) > expected or None

    source.structures.axes = len(shape)
    dataset.chunk_iter(take)
    source.structures.axes = 0
    stored = sum(info.size for info in found.values())
    guard.unpacks(where, expected * size, stored)
    if len(found) < expected:
        must = f"must have its numbers in the file, in {expected} chunks of {chunk}"
        guard.refuse("empty", where, must, f"{len(found)} of them")
    places = set(product(*(range(0, end, step) for end, step in zip(shape, chunk, strict=True))))
    if set(found) != places:
        guard.refuse("corrupt", where, f"must have one chunk of {chunk} at each step of its shape", "another")
    for info in found.values():
        _inside(info.byte_offset, info.size, where, source, guard)
        guard.unpacks(where, size, info.size)

    def content() -> Array:
        array = np.empty(shape, dtype)
        for at, info in found.items():
            packed = taken(source.file, info.byte_offset, info.size, where, guard)
            piece = np.frombuffer(_unfiltered(packed, filters, info.filter_mask, size, where, guard), dtype)
            inside = tuple(slice(k, k + step) for k, step in zip(at, chunk, strict=True))
            target = array[inside]
            target[...] = piece.reshape(chunk)[tuple(slice(n) for n in target.shape)]
        return array

    return content


def _unfiltered(
    packed: bytes | bytearray, filters: list[Any], skipped: int, size: int, where: str, guard: Guard
) -> bytes | bytearray:
    """A chunk's bytes: filters undone from the last to the first, but for those that its mask says it skipped."""
    for k in reversed(range(len(filters))):
        if not skipped >> k & 1:
            code, _, values, _ = filters[k]
            packed = _UNDO[code](packed, values, size, where, guard)
    if len(packed) != size:
        guard.refuse("corrupt", where, f"must have chunks of {size} bytes", len(packed))
    return packed


def _inflated(packed: bytes | bytearray, _: Any, size: int, where: str, guard: Guard) -> bytes:
    """No more than a chunk has, whatever the compressed bytes would give; a few bytes more for checksums in them."""
    try:
        return zlib.decompressobj().decompress(packed, size + 64)
    except zlib.error as error:
        guard.refuse("corrupt", where, "must have chunks of deflated bytes", error)


def _unshuffled(packed: bytes | bytearray, values: Any, size: int, where: str, guard: Guard) -> bytes:
    """The bytes of a number come together again; they lay apart, all first ones, all second ones …"""
    width = values[0] if values else 0
    if not 0 < width <= 64:
        guard.refuse("corrupt", where, "must be shuffled by numbers of 1 to 64 bytes", width)
    whole = len(packed) // width * width
    apart = np.frombuffer(packed[:whole], np.uint8).reshape(width, -1)
    return apart.T.tobytes() + bytes(packed[whole:])


def _unsummed(packed: bytes | bytearray, _: Any, size: int, where: str, guard: Guard) -> bytes | bytearray:
    """Fletcher's sums of 16-bit words, as HDF5 has them: high byte first, an odd last byte as a high one."""
    content, said = packed[:-4], int.from_bytes(packed[-4:], "little")
    if len(packed) < 4:
        guard.refuse("corrupt", where, "must have a checksum on each chunk", f"{len(packed)} bytes")
    words = np.frombuffer(bytes(content) + b"\0" * (len(content) % 2), ">u2").astype(np.int64)
    first = second = 0
    for start in range(0, len(words), 2**20):
        part = words[start : start + 2**20]
        second = (second + first * len(part) + int(part @ np.arange(len(part), 0, -1))) % 65535
        first = (first + int(part.sum())) % 65535
    if (said & 0xFFFF) % 65535 != first or (said >> 16) % 65535 != second:
        guard.refuse("corrupt", where, f"must have the checksum {second << 16 | first:08x} on a chunk", f"{said:08x}")
    return content


_UNDO: dict[int, Callable[..., bytes | bytearray]] = {
    h5z.FILTER_DEFLATE: _inflated,
    h5z.FILTER_SHUFFLE: _unshuffled,
    h5z.FILTER_FLETCHER32: _unsummed,
}
