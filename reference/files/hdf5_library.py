"""Between the HDF5 library and the file: what the library may read, and its complaints as refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from reference.files.guard import FileRefused, Guard
from reference.files.hdf5_structures import Structures
from reference.files.windows import Window, length


class Source(Window):
    """The stream that the library reads headers from. It holds one file, and looks at every structure that passes."""

    def __init__(self, stream: BinaryIO, guard: Guard) -> None:
        self.size = length(stream)
        super().__init__(stream, 0, self.size)
        self._guard = guard
        self.structures = Structures(stream, self.size, guard)

    def readinto(self, into: Any) -> int:
        start, count = self.tell(), len(into)
        if super().readinto(into) != count:
            self._guard.refuse("truncated", "", f"must be {start + count} bytes for its headers", f"{self.size}")
        self.structures.passes(start, into)
        return count


@contextmanager
def library(guard: Guard, where: str) -> Iterator[None]:
    """Whatever the HDF5 library has to say against a file, as a refusal."""
    try:
        yield
    except FileRefused:
        raise
    except MemoryError:
        guard.refuse("too-large", where, "must have headers that fit in memory", "more")
    except Exception as error:  # h5py turns the library's errors into nearly every kind there is
        said = (str(error).splitlines() or [type(error).__name__])[0]
        beyond = "truncated" in said or "invalid dataset size" in said  # numbers past the file's end
        guard.refuse("truncated" if beyond else "corrupt", where, "must be HDF5 that can be read", said)
