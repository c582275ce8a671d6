"""A .safetensors file -> Group: a header in JSON, then the arrays' bytes without holes (safetensors' README)."""

from __future__ import annotations

import math
from typing import Any, BinaryIO

import numpy as np

from reference.files import strict_json
from reference.files.guard import Guard, shown
from reference.files.stored import Array, Group, Stored
from reference.files.windows import checked, length, numbers, taken, widened

_DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
_NOTES = "__metadata__"


def tree(stream: BinaryIO, guard: Guard) -> Group:
    """Every array of the file, by its header; bfloat16 becomes float32, which has all of its numbers.

    The header's notes are the group's attributes.
    """
    size = length(stream)
    if size < 8:
        guard.refuse("truncated", "", "must begin with its header's length, 8 bytes", f"{size}")
    count = int.from_bytes(taken(stream, 0, 8, "", guard), "little")
    if count > guard.limits.json_bytes:
        must = f"must have a header of at most {guard.limits.json_bytes} bytes (Limits.json_bytes)"
        guard.refuse("too-large", "the header", must, f"{count}")
    if 8 + count > size:
        guard.refuse("truncated", "the header", f"must end within the file's {size} bytes", 8 + count)
    header = strict_json.parse(taken(stream, 8, count, "the header", guard), "the header", guard, twice="duplicate")
    if not isinstance(header, dict):
        guard.refuse("json", "the header", "must be a JSON object", type(header).__name__)
    notes = header.pop(_NOTES, {})
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        guard.refuse("json", _NOTES, "must be texts by name", notes)
    data = 8 + count
    entries = {name: _entry(name, entry, guard) for name, entry in header.items()}
    reached = 0
    for name, (_, _, begin, end) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if begin != reached:
            code = "overlap" if begin < reached else "hole"
            guard.refuse(code, name, f"must begin at byte {reached} of the data, where the array before it ends", begin)
        reached = end
    if data + reached != size:
        code = "truncated" if data + reached > size else "trailing"
        guard.refuse(code, "", f"must be {data + reached} bytes, as its header declares", size)
    arrays = {
        name: _stored(stream, name, kind, shape, data + begin, end - begin, guard)
        for name, (kind, shape, begin, end) in entries.items()
    }
    return Group("", arrays=arrays, attributes=notes)


def _entry(name: str, entry: Any, guard: Guard) -> tuple[str, tuple[int, ...], int, int]:
    """Kind, shape, and from where to where its bytes lie. They must be just as many as the shape asks for."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        got = sorted(entry) if isinstance(entry, dict) else entry
        guard.refuse("json", name, "must have dtype, shape and data_offsets", got)
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _DTYPES:
        guard.refuse("dtype", name, f"must be one of {', '.join(_DTYPES)}", kind)
    for value, most, must in ((shape, 32, "a shape of at most 32 sizes"), (offsets, 2, "two offsets")):
        if (
            not isinstance(value, list)
            or len(value) > most
            or not all(type(v) is int and 0 <= v < 2**64 for v in value)
        ):
            guard.refuse("shape", name, f"must have {must}, whole numbers", value)
    itemsize = np.dtype(_DTYPES[kind]).itemsize
    guard.declare(name, shape, itemsize)
    if len(offsets) != 2 or offsets[1] - offsets[0] != math.prod(shape) * itemsize:
        must = f"must have offsets {math.prod(shape) * itemsize} bytes apart, for {kind} of shape {shape}"
        guard.refuse("offsets", name, must, offsets)
    return kind, tuple(shape), offsets[0], offsets[1]


def _stored(
    stream: BinaryIO, name: str, kind: str, shape: tuple[int, ...], start: int, count: int, guard: Guard
) -> Stored:
    where, dtype = shown(name), np.dtype(_DTYPES[kind])

    def read() -> Array:
        array = numbers(taken(stream, start, count, where, guard), dtype, shape, where, guard)
        return checked(widened(array), where, guard) if kind == "BF16" else array

    return Stored(where, shape, np.dtype(np.float32 if kind == "BF16" else dtype.newbyteorder("=")), read)
