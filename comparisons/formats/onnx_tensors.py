"""ONNX' TensorProto by its header, and its numbers when they are asked for. Source: onnx/onnx.proto."""

from __future__ import annotations

import math

import numpy as np

from comparisons.formats import numbers, protobuf
from comparisons.formats.protobuf import Message, signed
from reference.files.guard import Guard
from reference.files.stored import Array, Stored

# Fields of TensorProto that hold numbers, by type: raw_data has any type.
RAW, EXTERNAL = 9, 1
TYPED = {"float32": 4, "float64": 10, "float16": 5, numbers.BFLOAT16: 5, "int32": 5, "int64": 7}
VARINTS = (5, 7)  # of them, those whose numbers take one to ten bytes each


def stored(tensor: Message, where: str, guard: Guard, called: str = "") -> Stored | None:
    """A TensorProto; None for one that holds no numbers, or whole ones of a rare type."""
    dims, kind, data = [], 0, None
    name, external = called, False
    raw: dict[int, list[Message]] = {}
    for number, value in tensor.fields():
        if number == 1:
            dims += value.varints() if isinstance(value, Message) else [value]
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number == 8 and isinstance(value, Message):
            name = called or value.decoded(100_000)
        elif number == 13 or (number == 14 and value == EXTERNAL):
            external = True
        elif number in (RAW, *TYPED.values()) and isinstance(value, Message):
            raw.setdefault(number, []).append(value)
    place = f"{where}/{name}" if where else name
    if external:
        must = "must be in the file itself (save it without external data)"
        guard.refuse("external-storage", place, must, "a tensor in another file")
    if kind not in numbers.ONNX:
        return None
    dtype, shape = numbers.ONNX[kind], tuple(dims)
    if any(dim > 2**62 for dim in shape) or len(shape) > 32:
        guard.refuse("corrupt", place, "must have dimensions that fit a file", shape[:5])
    guard.declare(place, shape, numbers.width(dtype))
    number = RAW if RAW in raw else TYPED.get(dtype)
    if number is None:
        return None
    data = raw.get(number, [])
    count = math.prod(shape)
    there = sum(map(len, data))
    least = count if number in VARINTS else count * numbers.width(dtype)
    most = 10 * count if number in VARINTS else least
    if not least <= there <= most:
        guard.refuse("corrupt", place, f"must have {least} to {most} bytes for its shape {shape}", there)

    def read() -> Array:
        content = b"".join(part.content(part.guard.limits.bytes) for part in data)
        if number not in VARINTS:
            return numbers.decoded(content, dtype, shape)
        words = [signed(word) for word in protobuf.message(content, place, guard).varints()]
        bits = 8 * numbers.width(dtype)
        low = -(2 ** (bits - 1)) if dtype in ("int32", "int64") else 0  # 16 bits of a float are written as they are
        if len(words) != count or any(not low <= word < low + 2**bits for word in words):
            guard.refuse("corrupt", place, f"must have {count} numbers of {bits} bits", len(words))
        written = np.array(words, np.int64).astype(f"<i{bits // 8}" if low else f"<u{bits // 8}")
        return numbers.decoded(written.tobytes(), dtype, shape)

    return Stored(place, shape, numbers.dtype(dtype), numbers.checked(read, place, guard))
