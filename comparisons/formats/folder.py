"""Files within a folder: regular ones, and no links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reference.files.guard import Guard, opened


@contextmanager
def member(folder: Path, name: str, guard: Guard) -> Iterator[BinaryIO]:
    """A file of the folder, `variables/variables.index`, opened once; no part of the name may be a link."""
    path = folder
    for part in name.split("/"):
        path = path / part
        if path.is_symlink():
            must = "must be no link (copy the files themselves: cp -rL)"
            guard.refuse("symlink", name, must, f"a link to {os.readlink(path)}")
    if not os.path.lexists(path):
        guard.refuse("no-file", name, "must be there", "no such file")
    with opened(path, guard) as stream:
        if not os.path.samestat(os.lstat(path), os.fstat(stream.fileno())):
            guard.refuse("symlink", name, "must stay the same file while it is read", "another one")
        yield stream


def content(folder: Path, name: str, guard: Guard) -> bytes:
    """The whole of a file that has no numbers (Limits.json_bytes)."""
    limit = guard.limits.json_bytes
    with member(folder, name, guard) as stream:
        found = stream.read(limit + 1)
    if len(found) > limit:
        guard.refuse("too-large", name, f"must stay within {limit} bytes (Limits.json_bytes)", f"{guard.size}")
    return found
