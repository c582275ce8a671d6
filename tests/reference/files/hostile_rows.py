"""A crafted file for each rule of SECURITY.md, by name; those of each format are in a module of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS: dict[str, tuple[str, str, Callable[[Path], bytes], dict[str, Any]]] = {}  # name: code, suffix, bytes, told
OPTIONS = {"framework": "pytorch", "cell": "lstm"}
UNSAID = {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False}


def row(name: str, code: str, suffix: str = ".h5", **told: Any) -> Callable[[Any], Any]:
    def keep(make: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
        ROWS[name] = (code, suffix, make, told)
        return make

    return keep


def foreign(folder: Path) -> str:
    """Another file, which must not be opened: a pipe, so that opening it would never return."""
    path = folder / "foreign.h5"
    if not path.exists():
        os.mkfifo(path)
    return str(path)
