"""HDF5 -> Group: only hard links, only arrays of numbers that the file itself holds.

The HDF5 library reads headers, through a stream that it is given; it opens no path. Numbers are read in hdf5_numbers.
"""

from __future__ import annotations

from typing import Any, BinaryIO, cast

import h5py
from h5py import h5, h5d, h5g, h5l, h5o, h5p  # type: ignore[attr-defined]

from reference.files.guard import Guard, shown
from reference.files.hdf5_attributes import attributes
from reference.files.hdf5_library import Source, library
from reference.files.hdf5_numbers import described
from reference.files.stored import Group, Stored
from reference.files.windows import length, taken
from reference.files.zips import ends_as_zip

_LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "an external link"}


def tree(stream: BinaryIO, guard: Guard) -> Group:
    """Everything that the file holds, by its headers. The stream must stay open while arrays are read."""
    size = length(stream)
    tail = min(size, 22 + 0xFFFF)
    if ends_as_zip(bytes(taken(stream, size - tail, tail, "", guard))) is not None:
        guard.refuse("polyglot", "", "must be HDF5 only", "a zip archive behind it")
    stream.seek(0)
    if stream.read(8) != b"\x89HDF\r\n\x1a\n":
        guard.refuse("not-hdf5", "", "must begin as HDF5 does", "something else")
    with library(guard, ""):
        source = Source(stream, guard)
        file: Any = h5py.File(cast(Any, source), "r")
        return _walk(file, source, guard)


def _walk(file: Any, source: Source, guard: Guard) -> Group:
    """Every group once, none of them by way of itself; no recursion, so that depth is ours to limit."""
    root = h5g.open(file.id, b"/")
    seen = {h5o.get_info(root).addr}
    whole = Group("", {}, {}, attributes(root, "", source, guard))
    left = [(root, "", 0, whole)]
    while left:
        group, where, depth, found = left.pop()
        groups, arrays = cast(dict[str, Group], found.groups), cast(dict[str, Stored], found.arrays)
        for raw, kind, address in _links(group, where, guard):
            name = raw.decode("utf-8", "surrogateescape")
            place = f"{where}/{name}"
            if kind != h5l.TYPE_HARD:
                guard.refuse("link", place, "must be in the file itself, not a link", _LINKS.get(kind, "another link"))
            if name in ("", ".") or "/" in name:
                guard.refuse("name", place, "must have a plain name", repr(name))
            if address in seen:
                guard.refuse("cycle", place, "must be a group in one place only", "one that is elsewhere too")
            with library(guard, place):
                child = h5o.open(group, raw)
                if isinstance(child, h5d.DatasetID):
                    arrays[name] = described(child, file, place, source, guard)
                elif isinstance(child, h5g.GroupID):
                    if depth >= guard.limits.depth:
                        must = f"must be in at most {guard.limits.depth} groups (Limits.depth)"
                        guard.refuse("too-deep", place, must, f"{depth + 1}")
                    if len(seen) > 10 * guard.limits.tensors:
                        must = f"must be among at most {10 * guard.limits.tensors} groups (ten times Limits.tensors)"
                        guard.refuse("too-large", place, must, "more")
                    seen.add(address)
                    groups[name] = Group(shown(place), {}, {}, attributes(child, place, source, guard))
                    left.append((child, place, depth + 1, groups[name]))
                else:
                    guard.refuse("type", place, "must be a group or an array", "a datatype")
    return whole


def _links(group: Any, where: str, guard: Guard) -> list[tuple[bytes, int, int]]:
    """Name, kind and address, in the order of creation where the file keeps it, else in that of the addresses.

    Addresses grow as a file is written, so that layers come as the model has them, and not by the alphabet.
    """
    found: list[tuple[bytes, int, int]] = []
    most = 10 * guard.limits.tensors

    def take(name: bytes, info: Any) -> bool | None:
        found.append((name, info.type, info.u if info.type == h5l.TYPE_HARD else 0))
        return len(found) > most or None

    with library(guard, where):
        ordered = group.get_create_plist().get_link_creation_order() & h5p.CRT_ORDER_INDEXED
        group.links.iterate(take, info=True, idx_type=h5.INDEX_CRT_ORDER if ordered else h5.INDEX_NAME)
    if len(found) > most:
        guard.refuse("too-large", where, f"must hold at most {most} links (ten times Limits.tensors)", "more")
    return found if ordered else sorted(found, key=lambda link: link[2])
