"""Parts of a file, read where they lie."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import numpy as np

from reference.files.guard import Guard
from reference.files.stored import Array


class Window(io.RawIOBase):
    """`size` bytes of a stream from `start` on, as a file of their own that copies nothing."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self.file, self._start, self._size, self._at = stream, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, into: Any) -> int:
        view = memoryview(into).cast("B")
        count = max(0, min(len(view), self._size - self._at))
        self.file.seek(self._start + self._at)
        count = self.file.readinto(view[:count])  # type: ignore[attr-defined]
        self._at += count
        return count


def length(stream: BinaryIO) -> int:
    """Its bytes."""
    return stream.seek(0, io.SEEK_END)


def taken(stream: BinaryIO, start: int, count: int, where: str, guard: Guard) -> bytearray:
    """The `count` bytes from `start` on. They must be within limits already."""
    found = bytearray(count)
    stream.seek(start)
    view, got = memoryview(found), 0
    while got < count:
        more = stream.readinto(view[got:])  # type: ignore[attr-defined]
        if not more:
            guard.refuse("truncated", where, f"must be {count} bytes from byte {start} of the file", f"{got}")
        got += more
    return found


def numbers(
    content: bytes | bytearray | memoryview,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    where: str,
    guard: Guard,
    order: Any = "C",
) -> Array:
    """Bytes as an array: the machine's byte order, rows in one piece, and finite unless the guard lets others in."""
    array = np.frombuffer(content, dtype).reshape(shape, order=order)
    return checked(np.ascontiguousarray(array, dtype.newbyteorder("=")).reshape(shape), where, guard)


def checked(array: Array, where: str, guard: Guard) -> Array:
    """The array, if its numbers are finite or need not be."""
    if not guard.non_finite and array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
        index = tuple(int(i) for i in np.unravel_index(finite.argmin(), array.shape))
        got = f"{array[index]} at {list(index)}"
        guard.refuse("non-finite", where, "must hold finite numbers only (non_finite=True lets others in)", got)
    return array


def widened(bits: Array) -> Array:
    """bfloat16, as its 16 bits -> the same numbers as float32.

    >>> float(widened(np.array(0x3FC0, "u2")))
    1.5
    """
    return (bits.astype(np.uint32) << 16).view(np.float32)
