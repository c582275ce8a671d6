"""A zip archive's members, none of them extracted."""

from __future__ import annotations

import io
import zipfile
from typing import BinaryIO

from reference.files.guard import Guard


class Archive:
    """The members of an archive that have passed the guard."""

    def __init__(self, stream: BinaryIO, guard: Guard) -> None:
        self._zip = zipfile.ZipFile(stream)
        self.names = tuple(self._zip.namelist())

    def content(self, name: str, limit: int) -> bytes:
        """A member's bytes, at most `limit` of them."""
        return self._zip.read(name)

    def stream(self, name: str) -> BinaryIO:
        """A member as a file that can be read anywhere, whole in memory only where it is compressed."""
        return io.BytesIO(self._zip.read(name))
