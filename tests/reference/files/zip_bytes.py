"""Zip archives byte by byte, so that any field can lie."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Member:
    name: bytes
    content: bytes  # as it lies in the file
    size: int | None = None  # unpacked, as declared
    crc: int | None = None
    method: int = 0
    flags: int = 0
    mode: int = 0
    local: dict[str, Any] = field(default_factory=dict)  # what its own header says otherwise: name, size, crc, method
    at: int | None = None  # where the directory says that it is


def archive(
    members: Sequence[Member], before: bytes = b"", gap: bytes = b"", comment: bytes = b"", **end: int
) -> bytes:
    data, directory = bytearray(before), bytearray()
    for m in members:
        size = len(m.content) if m.size is None else m.size
        crc = zlib.crc32(m.content) if m.crc is None else m.crc
        place = len(data) if m.at is None else m.at
        own: dict[str, Any] = {"name": m.name, "size": size, "crc": crc, "method": m.method} | m.local
        fields = (20, m.flags, own["method"], 0, 33, own["crc"], len(m.content), own["size"], len(own["name"]), 0)
        data += struct.pack("<4s5H3I2H", b"PK\3\4", *fields) + own["name"] + m.content
        fields = (
            0x314,
            20,
            m.flags,
            m.method,
            0,
            33,
            crc,
            len(m.content),
            size,
            len(m.name),
            0,
            0,
            0,
            0,
            m.mode << 16,
            place,
        )
        directory += struct.pack("<4s6H3I5H2I", b"PK\1\2", *fields) + m.name
    start = len(data) + len(gap)
    count = end.get("count", len(members))
    tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, end.get("span", len(directory)), start, len(comment))
    return bytes(data) + gap + bytes(directory) + tail + comment


def bomb(megabytes: int) -> tuple[bytes, int]:
    """So many megabytes of spaces, deflated: the packed bytes, and the checksum of what comes out."""
    mega = b" " * 2**20
    packer = zlib.compressobj(9, wbits=-15)
    part = packer.compress(mega) + packer.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(megabytes):
        crc = zlib.crc32(mega, crc)
    return part * megabytes + zlib.compressobj(9, wbits=-15).flush(), crc
