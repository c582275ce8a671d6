"""Protocol buffers as they lie in a file: fields by number, without a schema, nothing read before it is needed.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from reference.files.guard import Guard

DEPTH = 100  # of messages in one another: protobuf's own limit
FIELDS = 500_000  # of a message and those in it
NEAR = 2**20  # bytes of a message that is read into memory at once


class Message:
    """A message, a text or packed numbers: from `start` to `end` of a file, or of bytes."""

    __slots__ = ("depth", "end", "guard", "left", "source", "start", "where")

    def __init__(
        self,
        source: BinaryIO | bytes,
        start: int,
        end: int,
        guard: Guard,
        where: str = "",
        depth: int = 0,
        left: list[int] | None = None,
    ) -> None:
        self.source, self.start, self.end, self.guard, self.where = source, start, end, guard, where
        self.depth = depth
        self.left = [FIELDS] if left is None else left  # how many fields more, of all messages together

    def __len__(self) -> int:
        return self.end - self.start

    def fields(self) -> Iterator[tuple[int, int | Message]]:
        """Number and value of every field; of 4 and 8 bytes, too, the value is where they lie."""
        source, start, end = self.source, self.start, self.end
        if not isinstance(source, bytes) and len(self) <= NEAR:
            source, start, end = self.content(NEAR), 0, len(self)
        position, left = start, self.left
        value: int | Message
        while position < end:
            left[0] -= 1
            if left[0] < 0:
                self.guard.refuse("too-large", self.where, f"must have at most {FIELDS} fields", "more")
            if isinstance(source, bytes):
                near, base = source, 0
            else:
                source.seek(position)
                near, base = source.read(20), position
            key, at = self.varint(near, position - base)
            number, wire = key >> 3, key & 7
            if wire == 0:
                value, at = self.varint(near, at)
                position = base + at
            else:
                length = 8 if wire == 1 else 4 if wire == 5 else -1
                if wire == 2:
                    length, at = self.varint(near, at)
                if length < 0 or not number:
                    self.guard.refuse("protobuf", self.where, "must be made of protobuf's fields", f"key {key}")
                begin = base + at
                position = begin + length
                value = Message(source, begin, position, self.guard, self.where, self.depth + 1, left)
            if position > end:
                self.guard.refuse("truncated", self.where, f"must end at byte {end}", f"a field up to {position}")
            yield number, value

    def of(self, *numbers: int) -> Iterator[tuple[int, Message]]:
        """The fields of these numbers that are messages, texts or stretches of numbers."""
        if self.depth > DEPTH:
            self.guard.refuse("too-deep", self.where, f"must have messages at most {DEPTH} deep", f"{self.depth}")
        for number, value in self.fields():
            if number in numbers:
                if not isinstance(value, Message):
                    self.guard.refuse("protobuf", self.where, f"must have a message as field {number}", value)
                yield number, value

    def number(self, wanted: int) -> int:
        """The last value of a field that is a whole number, 0 where there is none."""
        return (self.numbers(wanted) or [0])[-1]

    def text(self, wanted: int) -> str:
        """The last value of a field that is a text, empty where there is none."""
        found: Message | None = None
        for _, value in self.of(wanted):
            found = value
        return "" if found is None else found.decoded()

    def decoded(self, limit: int | None = None) -> str:
        """A text, with what is not UTF-8 escaped."""
        return self.content(limit).decode("utf-8", "backslashreplace")

    def numbers(self, wanted: int) -> list[int]:
        """A repeated field of whole numbers, packed or not, signed."""
        found: list[int] = []
        for number, value in self.fields():
            if number == wanted:
                found += value.varints() if isinstance(value, Message) else [value]
        return [signed(value) for value in found]

    def varints(self) -> list[int]:
        """Packed whole numbers."""
        packed, at = self.content(), 0
        found: list[int] = []
        while at < len(packed):
            value, at = self.varint(packed, at)
            found.append(value)
        return found

    def content(self, limit: int | None = None) -> bytes:
        """The bytes, at most `limit` of them (Limits.json_bytes)."""
        limit = self.guard.limits.json_bytes if limit is None else limit
        if len(self) > limit:
            self.guard.refuse("too-large", self.where, f"must stay within {limit} bytes", len(self))
        if isinstance(self.source, bytes):
            found = self.source[self.start : self.end]
        else:
            self.source.seek(self.start)
            found = self.source.read(len(self))
        if len(found) < len(self):
            self.guard.refuse("truncated", self.where, f"must have {len(self)} bytes", len(found))
        return found

    def varint(self, content: bytes, at: int) -> tuple[int, int]:
        """A number, and where it ends."""
        value = shift = 0
        while at < len(content) and shift < 70:
            byte = content[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
            shift += 7
        if shift == 70:
            return self.guard.refuse("protobuf", self.where, "must have numbers of at most 10 bytes", "a longer one")
        return self.guard.refuse("truncated", self.where, "must not end within a number", "its end")


def message(content: bytes, where: str, guard: Guard) -> Message:
    """A message that is in memory."""
    return Message(content, 0, len(content), guard, where)


def signed(value: int) -> int:
    """An int64, which is written as what it is modulo 2⁶⁴.

    >>> signed(2**64 - 1)
    -1
    """
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def floats(value: Message) -> list[float]:
    """Numbers of four bytes each, packed or one."""
    content = value.content()
    if len(content) % 4:
        value.guard.refuse("protobuf", value.where, "must have numbers of 4 bytes", len(content))
    return list(struct.unpack(f"<{len(content) // 4}f", content))
