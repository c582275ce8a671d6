"""A zip archive's members, none of them extracted; every byte is accounted for. Source: PKWARE's APPNOTE 6.3."""

from __future__ import annotations

import io
import re
import stat
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO, cast

from reference.files.guard import Guard
from reference.files.windows import Window, length, taken

_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
_FOLLOWED = 1 << 3  # by a descriptor: sizes that were not known when the member's header was written
_DESCRIPTORS = (12, 16, 20, 24)
_UTF8 = 1 << 11
_END, _END64, _LOCATOR, _ENTRY, _LOCAL = b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2", b"PK\3\4"


@dataclass(frozen=True)
class _Member:
    name: str
    flags: int
    method: int
    crc: int
    stored: int  # bytes in the file
    size: int  # bytes unpacked
    header: int  # where its local header begins
    content: int = 0  # where its bytes begin


class Archive:
    """The members of an archive that have passed the guard."""

    def __init__(self, stream: BinaryIO, guard: Guard) -> None:
        self._stream, self._guard = stream, guard
        entries, directory = _directory(stream, guard)
        members = [_checked(entry, guard) for entry in entries]
        self._members: dict[str, _Member] = {}
        for member in _located(members, directory, stream, guard):
            if member.name in self._members:
                guard.refuse("duplicate", member.name, "must be there once", "it twice")
            self._members[member.name] = member
        unpacked = sum(member.size for member in members if member.method == _DEFLATED)
        if unpacked > guard.limits.bytes:
            must = f"must unpack to at most {guard.limits.bytes} bytes (Limits.bytes)"
            guard.refuse("too-large", "", must, f"{unpacked}")
        # Folders are members whose names end in "/"; there is nothing in them.
        self.names = tuple(name for name in self._members if not name.endswith("/"))

    def size(self, name: str) -> int:
        """A member's bytes, unpacked, as declared."""
        return self._members[name].size

    def content(self, name: str, limit: int) -> bytes:
        """A member's bytes, at most `limit` of them, and just those that its checksum was made of."""
        member = self._members[name]
        if member.size > limit:
            self._guard.refuse("too-large", name, f"must be at most {limit} bytes", f"{member.size}")
        content = self._unpacked(member, member.size + 1)
        if len(content) != member.size:
            got = f"{len(content)}" if len(content) < member.size else "more"
            self._guard.refuse("corrupt", name, f"must be the {member.size} bytes that it declares", got)
        if zlib.crc32(content) != member.crc:
            self._guard.refuse(
                "corrupt", name, f"must have the checksum {member.crc:08x}", f"{zlib.crc32(content):08x}"
            )
        return content

    def head(self, name: str, count: int) -> bytes:
        """A member's first bytes, at most `count` of them, unchecked."""
        return self._unpacked(self._members[name], count)

    def stream(self, name: str) -> BinaryIO:
        """A member as a file that can be read anywhere, whole in memory only where it is compressed.

        One that is stored is a window on the archive: its checksum is not looked at, as reading a part could not.
        """
        member = self._members[name]
        if member.method == _STORED:
            return cast(BinaryIO, io.BufferedReader(Window(self._stream, member.content, member.stored)))
        return io.BytesIO(self.content(name, self._guard.limits.bytes))

    def _unpacked(self, member: _Member, most: int) -> bytes:
        if member.method == _STORED:
            count = min(most, member.stored)
            return bytes(taken(self._stream, member.content, count, member.name, self._guard))
        packed = Window(self._stream, member.content, member.stored)
        unpacker, parts, got = zlib.decompressobj(-zlib.MAX_WBITS), list[bytes](), 0
        try:
            while got < most and not unpacker.eof:
                fed = unpacker.unconsumed_tail or packed.read(2**16)
                part = unpacker.decompress(fed, most - got)
                if not fed and not part:
                    break
                parts.append(part)
                got += len(part)
        except zlib.error as error:
            self._guard.refuse("corrupt", member.name, "must be deflated bytes", error)
        return b"".join(parts)


def _directory(stream: BinaryIO, guard: Guard) -> tuple[list[_Member], int]:
    """The central directory's entries, and where it begins. The archive must end where the file does."""
    size = length(stream)
    tail_start = max(0, size - 22 - 0xFFFF)
    tail = bytes(taken(stream, tail_start, size - tail_start, "", guard))
    at = ends_as_zip(tail)
    if at is None:
        code = "polyglot" if _END in tail else "truncated"
        guard.refuse(code, "", "must be a zip archive up to its last byte", "no directory at its end")
    disks, start_disk, here, count, span, start = struct.unpack_from("<4H2I", tail, at + 4)
    end = tail_start + at
    if (locator := at - 20) >= 0 and tail[locator:at].startswith(_LOCATOR):
        _, place, _ = struct.unpack_from("<IQI", tail, locator + 4)
        if place != end - 20 - 56:  # the record of version 1, which is all that writers know
            guard.refuse("corrupt", "", f"must have its zip64 record at byte {end - 76}", f"byte {place}")
        record = bytes(taken(stream, place, 56, "", guard))
        if not record.startswith(_END64):
            guard.refuse("corrupt", "", f"must have its zip64 record at byte {place}", record[:4])
        disks, start_disk, here, count, span, start = struct.unpack_from("<2I4Q", record, 16)
        end = place
    if disks or start_disk or here != count:
        guard.refuse("corrupt", "", "must be one archive, not a part of several", f"part {disks}")
    if start + span != end:
        code = "polyglot" if start + span < end else "corrupt"
        guard.refuse(code, "", f"must have its directory end at byte {end}, with nothing before or after", start + span)
    if count > 2 * guard.limits.tensors:
        must = f"must hold at most {2 * guard.limits.tensors} members (twice Limits.tensors)"
        guard.refuse("too-large", "", must, f"{count}")
    if span > 46 * count + 4096 * (count + 1):
        guard.refuse("too-large", "", "must have a directory of at most 4 KiB a member", f"{span} bytes for {count}")
    return _entries(bytes(taken(stream, start, span, "", guard)), count, guard), start


def ends_as_zip(tail: bytes) -> int | None:
    """Where in a file's last bytes a zip archive's end record begins, whose comment is the rest; None: it is no zip."""
    at = tail.rfind(_END)
    while at >= 0:
        if at + 22 <= len(tail) and at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail):
            return at
        at = tail.rfind(_END, 0, at)
    return None


def _entries(directory: bytes, count: int, guard: Guard) -> list[_Member]:
    found: list[_Member] = []
    at = 0
    while at < len(directory):
        if len(directory) - at < 46 or directory[at : at + 4] != _ENTRY:
            guard.refuse("corrupt", "", f"must have an entry at byte {at} of its directory", directory[at : at + 4])
        flags, method, crc, stored, size, name_size, extra_size, note_size, disk, mode, header = struct.unpack_from(
            "<8x2H4x3I4H2x2I", directory, at
        )
        name_end = at + 46 + name_size
        extra = directory[name_end : name_end + extra_size]
        raw = directory[at + 46 : name_end]
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437", "surrogateescape")
        at = name_end + extra_size + note_size
        if at > len(directory):
            guard.refuse("corrupt", name, "must have an entry that ends within the directory", f"{at} bytes")
        wide = _extra(extra, 1)
        values = [size, stored, header]
        for k, value in enumerate(values):
            if value == 0xFFFFFFFF and wide is not None:
                if len(wide) < 8:
                    guard.refuse("corrupt", name, "must have its sizes in its zip64 field", f"{len(wide)} bytes")
                values[k], wide = int.from_bytes(wide[:8], "little"), wide[8:]
        if disk:
            guard.refuse("corrupt", name, "must lie in this archive", f"part {disk}")
        if stat.S_IFMT(mode >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            code = "symlink" if stat.S_ISLNK(mode >> 16) else "type"
            guard.refuse(code, name, "must be a file", stat.filemode(mode >> 16))
        found.append(_Member(name, flags, method, crc, values[1], values[0], values[2]))
    if len(found) != count:
        guard.refuse("corrupt", "", f"must have the {count} members that it declares", f"{len(found)}")
    return found


def _extra(extra: bytes, wanted: int) -> bytes | None:
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<2H", extra)
        if kind == wanted:
            return extra[4 : 4 + size]
        extra = extra[4 + size :]
    return None


def _checked(member: _Member, guard: Guard) -> _Member:
    """What an entry says of its member, by itself."""
    name = member.name
    parts = name.removesuffix("/").split("/")
    if {"", ".", ".."} & set(parts) or "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", name):
        guard.refuse("name", repr(name), "must be a member with a plain relative name", repr(name))
    if member.flags & _ENCRYPTED:
        guard.refuse("encrypted", name, "must not be encrypted", f"flags {member.flags:#x}")
    if member.method not in (_STORED, _DEFLATED):
        guard.refuse("filter", name, "must be stored or deflated (methods 0 and 8)", f"method {member.method}")
    if member.method == _STORED and member.size != member.stored:
        guard.refuse("corrupt", name, f"must be as large unpacked as stored, {member.stored} bytes", f"{member.size}")
    if name.endswith("/") and member.size:
        guard.refuse("type", name, "must be an empty folder", f"{member.size} bytes")
    guard.unpacks(name, member.size, member.stored)
    return member


def _located(members: list[_Member], directory: int, stream: BinaryIO, guard: Guard) -> list[_Member]:
    """The members with the places of their bytes: their own headers agree, and they fill the file from byte 0 on."""
    ordered = sorted(members, key=lambda member: member.header)
    found: dict[int, _Member] = {}
    reached = 0
    for k, member in enumerate(ordered):
        name = member.name
        following = ordered[k + 1].header if k + 1 < len(ordered) else directory
        if member.header != reached and not (found and _descriptor(ordered[k - 1], member.header - reached)):
            code = "polyglot" if member.header > reached else "overlap"
            guard.refuse(code, name, f"must begin at byte {reached}, where the member before it ends", member.header)
        head = bytes(taken(stream, member.header, 30, name, guard))
        signature, flags, method, crc, stored, size, name_size, extra_size = struct.unpack("<4s2x2H4x3I2H", head)
        begins = member.header + 30 + name_size + extra_size
        names = bytes(taken(stream, member.header + 30, name_size + extra_size, name, guard))
        own = names[:name_size].decode("utf-8" if flags & _UTF8 else "cp437", "surrogateescape")
        if wide := _extra(names[name_size:], 1):
            size = int.from_bytes(wide[:8], "little") if size == 0xFFFFFFFF else size
            stored = int.from_bytes(wide[8:16], "little") if stored == 0xFFFFFFFF else stored
        said = (signature, own, method, flags & _ENCRYPTED, flags & _UTF8)
        if said != (_LOCAL, name, member.method, 0, member.flags & _UTF8):
            guard.refuse("corrupt", name, "must have a header of its own that agrees with the directory", f"{own!r}")
        if not flags & _FOLLOWED and (crc, stored, size) != (member.crc, member.stored, member.size):
            must = f"must have a header of its own that agrees on its {member.size} bytes and their checksum"
            guard.refuse("corrupt", name, must, f"{size}")
        reached = begins + member.stored
        if reached > following:
            guard.refuse("overlap", name, f"must end by byte {following}, where what follows begins", reached)
        found[member.header] = _Member(**{**vars(member), "content": begins})
    if reached != directory and not (ordered and _descriptor(ordered[-1], directory - reached)):
        guard.refuse("polyglot", "", f"must have its directory at byte {reached}, where its members end", directory)
    return [found[member.header] for member in members]


def _descriptor(member: _Member, gap: int) -> bool:
    return bool(member.flags & _FOLLOWED) and gap in _DESCRIPTORS
