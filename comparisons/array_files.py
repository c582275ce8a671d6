"""Arrays by name in a file, .npz or .safetensors: numbers only, and no more of them than a limit."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SUFFIXES = (".npz", ".safetensors")
LARGEST = 256 * 2**20  # bytes of a file, and of what it unpacks to
MOST = 10_000  # arrays
# Of a .safetensors file: what NumPy has, which is neither bfloat16 nor float8.
DTYPES = ("F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64")


class UnreadableArrays(ValueError):
    """A file that is missing, malformed, too large, or holds anything but numbers."""


class WithoutLibrary(ValueError):
    """A format whose library is not installed."""


def read(path: Path) -> dict[str, Array]:
    """The arrays of a file, by name: real and finite numbers of at most 8 bytes.

    Nothing is unpickled. Raises UnreadableArrays, with the array and the value, for anything else, and WithoutLibrary.
    """
    if path.suffix not in SUFFIXES:
        raise UnreadableArrays(f"arrays must be in a {' or '.join(SUFFIXES)} file, got {str(path)!r}")
    if not path.is_file():
        raise UnreadableArrays(f"no file {str(path)!r}")
    size = path.stat().st_size
    if size > LARGEST:
        raise UnreadableArrays(f"a file of arrays must be no more than {LARGEST} bytes, {path.name!r} has {size}")
    try:
        arrays = _npz(path) if path.suffix == ".npz" else _safetensors(path)
    except (UnreadableArrays, WithoutLibrary):
        raise
    except Exception as error:  # whatever a damaged file makes zipfile, NumPy or safetensors raise
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnreadableArrays(f"{path.name!r} is no file of arrays that can be read: {said}") from error
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
            raise UnreadableArrays(f"{name!r} of {path.name!r} must hold real numbers, got {array.dtype}")
        if not np.isfinite(array).all():
            raise UnreadableArrays(f"{name!r} of {path.name!r} must be finite, got {array[~np.isfinite(array)][0]}")
    return arrays


def _npz(path: Path) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    with ZipFile(path) as archive:
        members = archive.infolist()
        total = sum(member.file_size for member in members)
        if total > LARGEST or len(members) > MOST:
            raise UnreadableArrays(
                f"an .npz must unpack to no more than {LARGEST} bytes in {MOST} arrays, "
                f"{path.name!r} unpacks to {total} in {len(members)}"
            )
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name in arrays:
                raise UnreadableArrays(f"{path.name!r} must hold every array once, got {name!r} twice")
            with archive.open(member) as stream:
                arrays[name] = _npy(stream, name, member.file_size)
    return arrays


def _npy(stream: Any, name: str, size: int) -> Array:
    """One array. The header must promise just what follows it, so that nothing is allocated on its word."""
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(stream)
    if dtype.hasobject or dtype.kind not in "fiu":
        raise UnreadableArrays(f"{name!r} must hold real numbers, got {dtype}")
    promised, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if promised != there:
        raise UnreadableArrays(f"{name!r} must have the {promised} bytes that its header promises, got {there}")
    flat = np.frombuffer(stream.read(), dtype)
    return flat.reshape(shape, order="F" if fortran else "C").astype(dtype.newbyteorder("="))


def _safetensors(path: Path) -> dict[str, Array]:
    _library()
    from safetensors.numpy import load

    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    if length > len(content) - 8:
        raise UnreadableArrays(f"the header of {path.name!r} must end within the file, got a length of {length}")
    header = json.loads(content[8 : 8 + length], object_pairs_hook=_once)
    for name, entry in header.items() if isinstance(header, dict) else ():
        stored = entry.get("dtype") if isinstance(entry, dict) else None
        if name != "__metadata__" and stored not in (None, *DTYPES):
            raise UnreadableArrays(
                f"{name!r} of {path.name!r} must be one of {', '.join(DTYPES)}, got {stored}: save it as float32 first"
            )
    arrays = load(content)
    if len(arrays) > MOST:
        raise UnreadableArrays(f"a file must hold no more than {MOST} arrays, {path.name!r} holds {len(arrays)}")
    return arrays


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise UnreadableArrays(f"every array must be there once, got {[name for name, _ in pairs]}")
    return dict(pairs)


def _library() -> None:
    if find_spec("safetensors") is None:
        raise WithoutLibrary("safetensors must be installed for .safetensors files: pip install safetensors")


def write(path: Path, arrays: Mapping[str, Array], notes: Mapping[str, str]) -> None:
    """Write all of the arrays, or nothing: under a temporary name first. `notes` go into a .safetensors file's header.

    Raises WithoutLibrary, and OSError where it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("xb") as stream:
            if path.suffix == ".npz":
                np.savez(stream, **arrays)  # type: ignore[arg-type]
            else:
                _library()
                from safetensors.numpy import save

                stream.write(save({name: np.ascontiguousarray(a) for name, a in arrays.items()}, dict(notes)))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
