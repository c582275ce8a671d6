"""HDF5's structures that the library follows without looking: it must come to an end in each.

A B-tree's node that is its own child overflows the library's stack, one that is its own neighbour is followed for ever,
as is an object of no size in a global heap, and a heap's free list in a ring fills the memory (HDF5 1.14.6). So each is
looked at here as it is read.
The layouts are those of the HDF5 File Format Specification, version 3.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO, NoReturn

from reference.files.guard import Guard
from reference.files.windows import taken

_NOWHERE = 2**64 - 1
_ATTRIBUTES = (8, 9)  # B-trees of attributes, which the library lists whole: by name, by creation
_TREES = (5, 6, 10, 11)  # of links and of chunks, which are listed one by one, and counted
_DEEPEST = 4  # of a version 2 B-tree; far more than 10,000 links need


class Structures:
    """What is known of a file's structures so far."""

    def __init__(self, stream: BinaryIO, size: int, guard: Guard) -> None:
        self._stream, self._size, self._guard = stream, size, guard
        self._levels: dict[int, int] = {}  # of B-tree nodes, by address
        self._parents: dict[int, int] = {}
        self._ended: set[int] = set()  # nodes in rows that end
        self._heap = 0  # the largest heap of texts
        self._texts = 1
        self.axes = 0  # of the array whose chunks are looked up
        self._look: dict[bytes, Callable[[int, bytes], None]] = {
            b"\x89HDF": self._superblock,
            b"TREE": self._node,
            b"HEAP": self._local_heap,
            b"GCOL": self._global_heap,
            b"BTHD": self._tree,
            b"FAHD": self._fixed_array,
            b"EAHD": self._extensible_array,
        }

    def passes(self, at: int, block: memoryview) -> None:
        """A block that the library reads from address `at`."""
        look = self._look.get(bytes(block[:4]))
        if look is not None:
            look(at, bytes(block))

    def expect(self, texts: int) -> None:
        """An attribute of so many texts is read next. Each is copied, however many of them are one text in a heap."""
        self._texts = texts
        largest = max(4096, 2 * self._guard.limits.json_bytes)  # 4096: the least that a heap has
        if self._heap > largest or texts * self._heap > 32 * largest:
            must = (
                f"must keep its texts in heaps of {largest} bytes (twice Limits.json_bytes), 32 times that read at once"
            )
            self._guard.refuse("too-large", "", must, f"{texts} texts in heaps of up to {self._heap}")

    def _corrupt(self, at: int, must: str, got: object) -> NoReturn:
        self._guard.refuse("corrupt", f"byte {at}", must, got)

    def _superblock(self, at: int, block: bytes) -> None:
        if len(block) < 48:
            return  # a first look at its version; the whole is read next
        old = block[8] < 2
        sizes = block[13:15] if old else block[9:11]
        if sizes != b"\x08\x08":
            self._corrupt(at, "must have addresses and sizes of 8 bytes, as h5py writes them", sizes.hex(" "))
        base, extension = struct.unpack_from("<QQ", block, 24 + 4 * (block[8] == 1) if old else 12)
        if base or extension != _NOWHERE:
            must = "must have no base address, free space or extension: save it again with h5py's own settings"
            self._corrupt(at, must, f"{base} and {extension}")

    def _node(self, at: int, block: bytes) -> None:
        """A version 1 B-tree's: one parent each, and a level less than it has."""
        kind, level, entries = struct.unpack_from("<BBH", block, 4)
        if kind == 1 and not self.axes:
            self._corrupt(at, "must be a node of links, where links are looked up", "a node of chunks")
        if self._levels.setdefault(at, level) != level:
            self._corrupt(at, f"must be a B-tree's node of level {self._levels[at]}", level)
        self._row(at, level)
        if not level:
            return
        key = 8 if kind == 0 else 8 + 8 * (self.axes + 1)
        places = range(24 + key, 24 + entries * (8 + key), 8 + key)
        if 24 + entries * (8 + key) > len(block):
            self._corrupt(at, f"must have at most {(len(block) - 24) // (8 + key)} entries", entries)
        children = [int.from_bytes(block[place : place + 8], "little") for place in places]
        for child in children:
            if self._parents.setdefault(child, at) != at or self._levels.setdefault(child, level - 1) != level - 1:
                self._corrupt(at, f"must have nodes of level {level - 1} under it, in one place only", f"byte {child}")
        if len(set(children)) < len(children):
            self._corrupt(
                at, "must have every node under it once", f"{len(children) - len(set(children))} of them again"
            )

    def _row(self, at: int, level: int) -> None:
        """The nodes to the right of a node, which the library walks along: they must come to an end."""
        seen: set[int] = set()
        while at != _NOWHERE and at not in self._ended:
            if at in seen or at + 24 > self._size:
                self._corrupt(at, "must be a B-tree's node, in a row that ends", "one again" if at in seen else "none")
            seen.add(at)
            head = taken(self._stream, at, 24, "", self._guard)
            if head[:4] != b"TREE" or head[5] != level:
                self._corrupt(at, f"must be a B-tree's node of level {level}", head[:8].hex(" "))
            at = int.from_bytes(head[16:24], "little")
        self._ended |= seen

    def _local_heap(self, at: int, block: bytes) -> None:
        """Names lie in it; what is free is a list of places in it, each (next, size), 1 for none."""
        if len(block) < 32:
            return
        size, free, start = struct.unpack_from("<QQQ", block, 8)
        seen: set[int] = set()
        while free not in (1, _NOWHERE):
            if free in seen or free + 16 > size or start + size > self._size or len(seen) > self._guard.limits.tensors:
                self._corrupt(
                    at, f"must have free places that end, within its {size} bytes", f"{free} after {len(seen)}"
                )
            seen.add(free)
            free = int.from_bytes(taken(self._stream, start + free, 8, "", self._guard), "little")

    def _global_heap(self, at: int, block: bytes) -> None:
        """Texts of any length lie in it: (index, uses, size, text) after one another, each filled up to 8 bytes."""
        size = int.from_bytes(block[8:16], "little")
        self._heap = max(self._heap, size)
        self.expect(self._texts)
        place = 16
        while len(block) >= size and size - place >= 16:
            index, length = struct.unpack_from("<H6xQ", block, place)
            span = 16 + -(-length // 8) * 8 if index else length
            if span < 16 or span > size - place:
                self._corrupt(at + place, f"must be a text within its heap, 16 to {size - place} bytes", span)
            place += span

    def _tree(self, at: int, block: bytes) -> None:
        """A version 2 B-tree: its depth is what the library trusts when it follows the nodes."""
        if len(block) < 14:
            return
        kind, depth = block[5], int.from_bytes(block[12:14], "little")
        most = 0 if kind in _ATTRIBUTES else _DEEPEST if kind in _TREES else -1
        if depth > most:
            must = (
                "must have at most as many attributes as one node holds"
                if most == 0
                else f"must be at most {most} deep"
            )
            self._guard.refuse("too-large", f"the B-tree of kind {kind} at byte {at}", must, depth)

    def _fixed_array(self, at: int, block: bytes) -> None:
        self._chunks(at, block[8:16])

    def _extensible_array(self, at: int, block: bytes) -> None:
        self._chunks(at, block[44:52])

    def _chunks(self, at: int, count: bytes) -> None:
        most = 10 * self._guard.limits.tensors
        if (found := int.from_bytes(count, "little")) > most:
            must = f"must have at most {most} chunks (ten times Limits.tensors)"
            self._guard.refuse("too-large", f"byte {at}", must, found)
