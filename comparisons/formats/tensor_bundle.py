"""TensorFlow's checkpoints since 0.12: `….index`, a sorted table of names, and the numbers in `….data-00000-of-00001`.

Read as bytes: counting loads no TensorFlow, and none of its readers, which end the process over some damaged files,
gets to see the file. Source: tensorflow/core/util/tensor_bundle/tensor_bundle.cc, tensorflow/core/lib/io/format.cc and
block.cc (LevelDB's tables), tensorflow/core/protobuf/tensor_bundle.proto.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from comparisons.formats import crc32c, numbers, protobuf
from comparisons.formats.folder import content, member
from reference.files.guard import Guard, shown
from reference.files.stored import Array, Stored

MAGIC, FOOTER = 0xDB4775248B80FB57, 48
STRING, LARGEST = 7, 2**62
LONGEST = 4096  # bytes of a name
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


@dataclass(frozen=True)
class Bundle:
    """A checkpoint by its index; arrays read their numbers while it is open."""

    arrays: Mapping[str, Stored]  # those that are numbers, by name, in the order of names
    graph: bytes | None  # the objects' names for one another (trackable_object_graph.proto), where they were saved so


@contextmanager
def opened(folder: Path, prefix: str, guard: Guard) -> Iterator[Bundle]:
    """The checkpoint `folder/prefix`, where `prefix` may have a folder of its own."""
    index = f"{prefix}.index"
    entries = dict(_table(content(folder, index, guard), index, guard))
    if b"" not in entries:
        guard.refuse("not-a-checkpoint", index, "must begin with a checkpoint's header", f"{len(entries)} entries")
    header = protobuf.message(entries.pop(b""), index, guard)
    if header.number(2):
        guard.refuse("byte-order", index, "must be of a little-endian machine", "a big-endian one")
    shards = header.number(1)
    with ExitStack() as stack:
        files: dict[int, BinaryIO] = {}

        def shard(number: int) -> BinaryIO:
            if not 0 <= number < shards <= 99999:
                guard.refuse("corrupt", index, f"must name one of its {shards} data files", number)
            if number not in files:
                name = f"{prefix}.data-{number:05d}-of-{shards:05d}"
                files[number] = stack.enter_context(member(folder, name, guard))
            return files[number]

        arrays: dict[str, Stored] = {}
        graph = None
        for key, value in entries.items():
            name = key.decode("utf-8", "backslashreplace")
            entry = Entry.of(protobuf.message(value, f"{shown(name)} in {index}", guard))
            if entry.sliced:
                guard.refuse("sliced", name, "must be stored in one piece", "a partitioned variable")
            if entry.dtype == STRING:
                if name == GRAPH:
                    graph = _text(entry, shard(entry.shard), guard)
            elif entry.dtype in numbers.TENSORFLOW:
                arrays[name] = _stored(name, entry, shard(entry.shard), guard)
        yield Bundle(arrays, graph)


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc: int
    sliced: bool

    @staticmethod
    def of(message: protobuf.Message) -> Entry:
        found: dict[int, Any] = dict(message.fields())
        whole = lambda number: found[number] if isinstance(found.get(number), int) else 0
        shape, crc = found.get(2), found.get(6)
        dims = [dim.number(1) for _, dim in shape.of(2)] if isinstance(shape, protobuf.Message) else []
        entry = Entry(
            whole(1),
            tuple(dims),
            whole(3),
            whole(4),
            whole(5),
            struct.unpack("<I", crc.content(4))[0] if isinstance(crc, protobuf.Message) and len(crc) == 4 else 0,
            7 in found,
        )
        if max(entry.offset, entry.size, *dims, 0) > LARGEST or len(dims) > 32:
            message.guard.refuse("corrupt", message.where, "must have sizes that fit a file", f"{dims}")
        return entry


def _stored(name: str, entry: Entry, stream: BinaryIO, guard: Guard) -> Stored:
    kind = numbers.TENSORFLOW[entry.dtype]
    guard.declare(name, entry.shape, numbers.width(kind))
    promised = math.prod(entry.shape) * numbers.width(kind)
    if promised != entry.size:
        guard.refuse("corrupt", name, f"must have the {promised} bytes of its shape {entry.shape}", entry.size)
    _within(name, entry, stream, guard)

    def read() -> Array:
        stream.seek(entry.offset)
        found = stream.read(entry.size)
        _agrees(name, found, entry.crc, len(found) == entry.size, guard)
        return numbers.decoded(found, kind, entry.shape)

    return Stored(name, entry.shape, numbers.dtype(kind), numbers.checked(read, name, guard))


def _within(name: str, entry: Entry, stream: BinaryIO, guard: Guard) -> None:
    end = stream.seek(0, 2)
    if entry.offset + entry.size > end:
        guard.refuse("truncated", name, f"must lie in the {end} bytes of its data file", entry.offset + entry.size)


def _agrees(name: str, content: bytes, crc: int, whole: bool, guard: Guard) -> None:
    if not whole or crc32c.masked(crc32c.crc32c(content)) != crc:
        guard.refuse("corrupt", name, f"must have the checksum {crc:#010x}", "other bytes")


def _text(entry: Entry, stream: BinaryIO, guard: Guard) -> bytes:
    """A single text: its length, a checksum of that, and the bytes."""
    _within(GRAPH, entry, stream, guard)
    stored = protobuf.Message(stream, entry.offset, entry.offset + entry.size, guard, GRAPH).content()
    length, position = _varint(stored, 0, GRAPH, guard)
    found = stored[position + 4 :]
    if entry.shape not in ((), (1,)) or len(found) != length or length >= 2**32:
        guard.refuse("corrupt", GRAPH, "must be a single text", f"{len(found)} bytes of {length}")
    _agrees(GRAPH, struct.pack("<I", length) + stored[position:], entry.crc, True, guard)
    return found


def _table(table: bytes, where: str, guard: Guard) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of LevelDB's table."""
    if len(table) < FOOTER or struct.unpack("<Q", table[-8:])[0] != MAGIC:
        guard.refuse("truncated" if table else "not-a-checkpoint", where, "must end as a checkpoint's index", "not so")
    footer = table[-FOOTER:]
    position = 0
    for _ in range(2):  # of the blocks of other things, which a checkpoint has none of
        _, position = _varint(footer, position, where, guard)
    offset, position = _varint(footer, position, where, guard)
    size, _ = _varint(footer, position, where, guard)
    total, count, before = 0, 0, None
    for _, handle in _block(table, offset, size, where, guard):
        at, following = _varint(handle, 0, where, guard)
        length, _ = _varint(handle, following, where, guard)
        total += length
        if total > len(table):
            guard.refuse("corrupt", where, "must have blocks of its own size", f"{total} bytes of them")
        for key, value in _block(table, at, length, where, guard):
            if before is not None and key <= before:
                guard.refuse("duplicate", where, "must have names in order, each once", key)
            count, before = count + 1, key
            if count > guard.limits.tensors + 2:  # the header and the graph beside them
                must = f"must have at most {guard.limits.tensors} arrays (Limits.tensors)"
                guard.refuse("too-large", where, must, "more")
            yield key, value


def _block(table: bytes, offset: int, size: int, where: str, guard: Guard) -> Iterator[tuple[bytes, bytes]]:
    """Entries, each with as much of the key as differs from the one before; behind them where some begin."""
    block, trailer = table[offset : offset + size], table[offset + size : offset + size + 5]
    if len(trailer) < 5 or len(block) < 4:
        guard.refuse("truncated", where, f"must have blocks within its {len(table)} bytes", offset + size + 5)
    kind, crc = trailer[0], struct.unpack("<I", trailer[1:])[0]
    _agrees(where, block + trailer[:1], crc, True, guard)
    if kind:
        must = "must not be compressed (TensorFlow 1.0 and older did: restore and save it with a newer one)"
        guard.refuse("compressed", where, must, f"compression {kind}")
    end = len(block) - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    key, position = b"", 0
    while position < end:
        shared, position = _varint(block, position, where, guard)
        own, position = _varint(block, position, where, guard)
        length, position = _varint(block, position, where, guard)
        if shared > len(key) or position + own + length > end:
            guard.refuse("corrupt", where, f"must have entries within its {end} bytes", position + own + length)
        if shared + own > LONGEST:
            guard.refuse("name", where, f"must have names of at most {LONGEST} bytes", shared + own)
        key = key[:shared] + block[position : position + own]
        position += own + length
        yield key, block[position - length : position]


def _varint(content: bytes, position: int, where: str, guard: Guard) -> tuple[int, int]:
    """A number, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(content):
            break
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    return guard.refuse("corrupt", where, "must have numbers that end", f"byte {position}")
