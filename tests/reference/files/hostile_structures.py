"""HDF5 files that the library itself does not survive: no end of stack, of memory, or of time."""

from __future__ import annotations

import struct
from pathlib import Path

import h5py
import numpy as np
from hostile_rows import row
from seeds import TWO, bytes_of, legacy


def _links() -> bytes:
    return bytes_of(lambda file: [file.__setitem__(f"x{k}", np.float32(k)) for k in range(40)] and None)


def _chunked() -> bytes:
    return bytes_of(lambda file: file.create_dataset("x", data=np.arange(200, dtype="f4"), chunks=(1,)) and None)


def _nodes(data: bytes, kind: int) -> list[int]:
    found, at = [], -1
    while (at := data.find(b"TREE", at + 1)) >= 0:
        if data[at + 4] == kind:
            found.append(at)
    return found


@row("c01 a B-tree's node under itself", "corrupt")
def _tree(_: Path) -> bytes:
    data = bytearray(_links())
    node = _nodes(bytes(data), 0)[0]
    data[node + 5] = 1
    struct.pack_into("<Q", data, node + 32, node)
    return bytes(data)


@row("c02 a chunk tree's node under itself", "corrupt")
def _chunk_tree(_: Path) -> bytes:
    data = bytearray(_chunked())
    root = next(node for node in _nodes(bytes(data), 1) if data[node + 5] == 1)
    struct.pack_into("<Q", data, root + 24 + 24, root)
    return bytes(data)


@row("c03 two nodes under one another", "corrupt")
def _two_nodes(_: Path) -> bytes:
    data = bytearray(_chunked())
    nodes = _nodes(bytes(data), 1)
    root = next(node for node in nodes if data[node + 5] == 1)
    leaf = next(node for node in nodes if data[node + 5] == 0)
    data[leaf + 5] = 1
    struct.pack_into("<Q", data, leaf + 24 + 24, root)
    return bytes(data)


@row("c03b a node beside itself", "corrupt")
def _beside(_: Path) -> bytes:
    data = bytearray(_links())
    node = _nodes(bytes(data), 0)[0]
    struct.pack_into("<Q", data, node + 16, node)
    return bytes(data)


@row("c04 a heap's free places in a ring", "corrupt")
def _heap(_: Path) -> bytes:
    data = bytearray(bytes_of(lambda file: [file.__setitem__(f"x{k}", 1.0) for k in range(3)] and None))
    _, free, start = struct.unpack_from("<QQQ", data, data.find(b"HEAP") + 8)
    struct.pack_into("<Q", data, start + free, free)
    return bytes(data)


for _size in (0, 2**64 - 1, 2**64 - 16):

    @row(f"c05 a text of {_size} bytes in a heap", "corrupt")
    def _global(_: Path, size: int = _size) -> bytes:
        data = bytearray(bytes_of(legacy(TWO)))
        struct.pack_into("<Q", data, data.find(b"GCOL") + 24, size)
        return bytes(data)


@row("c06 a header that goes on in itself", "corrupt")
def _header(_: Path) -> bytes:
    def write(file: h5py.File) -> None:
        group = file.create_group("g")
        for k in range(6):
            group.attrs[f"a{k}"] = "v" * 100

    data = bytearray(bytes_of(write))
    at = -1
    while (at := data.find(struct.pack("<HH", 0x10, 16), at + 1)) >= 0:
        place, size = struct.unpack_from("<QQ", data, at + 8)
        if 0 < size < place < len(data):
            struct.pack_into("<HHBBHQQ", data, place, 0x10, 16, 0, 0, 0, place, size)
    return bytes(data)
