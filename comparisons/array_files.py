"""Arrays by name in a file, .npz or .safetensors, to read and to write."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.files import npz, safetensors
from reference.files.guard import Guard, Limits, magic, opened

Array = NDArray[Any]

SUFFIXES = (".npz", ".safetensors")
_TREES = {"zip": npz.tree, "npy": npz.tree, "safetensors": safetensors.tree}


class WithoutLibrary(ValueError):
    """A format whose library is not installed."""


def read(path: Path) -> dict[str, Array]:
    """The arrays of a file, by name: real and finite numbers. Raises FileRefused for anything else."""
    guard = Guard(str(path), Limits())
    with opened(path, guard) as stream:
        kind = magic(stream, guard)
        if kind not in _TREES:
            guard.refuse("type", "", "must be .npz or .safetensors, arrays by name", kind)
        return {name: array.read() for name, array in _TREES[kind](stream, guard).arrays.items()}


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
