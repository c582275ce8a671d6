"""What frameworks call their types of numbers, and the numbers from bytes, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reference.files import windows
from reference.files.guard import Guard
from reference.files.stored import Array

BFLOAT16 = "bfloat16"  # the upper half of a float32, which is what it becomes here
# TensorFlow's DataType and ONNX' TensorProto.DataType, of what can be a weight or be beside one.
TENSORFLOW = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    9: "int64",
    10: "bool",
    14: BFLOAT16,
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}
ONNX = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    16: BFLOAT16,
}


def dtype(name: str) -> np.dtype[Any]:
    """NumPy's."""
    return np.dtype("float32" if name == BFLOAT16 else name)


def width(name: str) -> int:
    """Bytes of a number as it is stored."""
    return 2 if name == BFLOAT16 else np.dtype(name).itemsize


def decoded(content: Any, name: str, shape: tuple[int, ...]) -> Array:
    """Little-endian bytes as an array of its own."""
    if name == BFLOAT16:
        return windows.widened(np.frombuffer(content, "<u2")).reshape(shape)
    stored = np.dtype(name).newbyteorder("<")
    return np.frombuffer(content, stored).astype(np.dtype(name)).reshape(shape)


def checked(read: Callable[[], Array], where: str, guard: Guard) -> Callable[[], Array]:
    """The same reader, which refuses what is not finite unless it is let in."""
    return lambda: windows.checked(read(), where, guard)
