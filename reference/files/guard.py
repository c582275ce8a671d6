"""The one guard in front of every format: how much a file may hold, and how a refusal reads."""

from __future__ import annotations

import errno
import math
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

MAGIC = {b"\x89HDF\r\n\x1a\n": "hdf5", b"PK\x03\x04": "zip", b"\x93NUMPY": "npy"}
SMALL = 16 * 2**20  # bytes; what unpacks to less is not asked how well it was packed


class FileRefused(ValueError):
    """A file that is not read. `code` names the rule broken; the message has what, where, the rule and the value.

    The codes are those of the table in SECURITY.md.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Limits:
    """What one file may hold. All of it is checked on what the file declares, before any number is read."""

    bytes: int = 2**30  # of all arrays together, unpacked
    tensors: int = 10_000
    depth: int = 64  # of groups in one another
    json_bytes: int = 16 * 2**20
    json_depth: int = 200
    ratio: int = 1000  # of what is unpacked to what is stored, asked from 16 MiB on


def shown(text: object) -> str:
    """A name from a file, safe to print: newlines, terminal escapes and surrogates escaped, and not too long.

    >>> shown("lstm" + chr(27) + "[2J")
    'lstm\\\\x1b[2J'
    """
    if isinstance(text, str) and len(text) <= 200 and text.isprintable():
        return text
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text)[:400])
    return line if len(line) <= 200 else f"{line[:200]}…"


class Guard:
    """One file's budget, and its refusals."""

    def __init__(self, file: str, limits: Limits, *, non_finite: bool = False) -> None:
        self.file, self.limits, self.non_finite = shown(file), limits, non_finite
        self.size = 0  # of the file
        self._bytes = self._tensors = 0

    def refuse(self, code: str, where: str, must: str, got: object) -> NoReturn:
        """Raise FileRefused: `where` in the file `must` …, got …"""
        place = f"{shown(where)} of {self.file}" if where else self.file
        raise FileRefused(code, f"{place} {must}, got {shown(got)}")

    def declare(self, where: str, shape: Iterable[int], itemsize: int) -> None:
        """Count one more declared array, before anything of it is read."""
        self._tensors += 1
        self._bytes += math.prod(shape) * itemsize
        if self._tensors > self.limits.tensors:
            must = f"must be among at most {self.limits.tensors} arrays (Limits.tensors)"
            self.refuse("too-large", where, must, f"array {self._tensors}")
        if self._bytes > self.limits.bytes:
            must = f"must stay within {self.limits.bytes} bytes for all arrays together (Limits.bytes)"
            self.refuse("too-large", where, must, f"{self._bytes} with it")

    def unpacks(self, where: str, declared: int, stored: int) -> None:
        """`declared` bytes are to come of `stored` compressed ones: not many more than compressing can save."""
        if declared > max(SMALL, self.limits.ratio * stored):
            must = f"must unpack to at most {self.limits.ratio} times the {stored} bytes stored (Limits.ratio)"
            self.refuse("too-large", where, must, f"{declared} bytes")


@contextmanager
def opened(path: str | os.PathLike[str], guard: Guard) -> Iterator[BinaryIO]:
    """The file, opened once and kept open, so that what is checked is what is read: a regular file, nothing else."""
    try:  # a FIFO does not block, and a terminal does not become ours
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(path, flags)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        # A socket, or a device without a driver, cannot be opened at all.
        odd = isinstance(error, OSError) and error.errno in (errno.ENXIO, errno.ENODEV)
        code, said = "not-a-file" if odd else "no-file", error.strerror if isinstance(error, OSError) else error
        raise FileRefused(code, f"{guard.file} must be a file that can be opened, got {shown(said)}") from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        kinds = {"d": "a folder", "p": "a pipe", "c": "a device", "b": "a device", "s": "a socket"}
        kind = stat.filemode(about.st_mode)[0]
        guard.refuse("not-a-file", "", "must be a regular file", kinds.get(kind, kind))
    with os.fdopen(handle, "rb") as stream:
        guard.size = about.st_size
        yield stream


def magic(stream: BinaryIO, guard: Guard) -> str:
    """What the file is by its first bytes, whatever its name says: hdf5, zip, npy or safetensors."""
    stream.seek(0)
    head = stream.read(9)
    stream.seek(0)
    found = next((name for start, name in MAGIC.items() if head.startswith(start)), "")
    if not found and head[8:] == b"{":  # a header's length, and the header
        found = "safetensors"
    if not found:
        must = "must begin as HDF5, .keras, .npz, .npy or .safetensors does"
        guard.refuse("not-hdf5", "", must, head[:8].hex(" ") or "an empty file")
    return found
