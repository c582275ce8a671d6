"""JSON as data, within limits."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import numpy as np

from reference.files.guard import Guard

DIGITS = 400  # of a whole number; the largest float has 309
NO_WRITER = 10_000  # brackets in one another: what nests deeper was never JSON, only a parser's trap
# A text, or one that never ends: it always matches, so that no text can make it start over again and again.
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)


def parse(content: bytes | bytearray | str, where: str, guard: Guard, *, twice: str = "json") -> Any:
    """What the text says. Size and depth are checked before it is parsed; `twice` is the code for a key given twice.

    Refused, for they are no JSON or mean two things: what is not UTF-8, NaN and Infinity, a key twice, endless digits.
    """
    try:
        data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else bytes(content)
    except UnicodeEncodeError as error:
        guard.refuse("json", where, "must be JSON in UTF-8", error.reason)
    limits = guard.limits
    if len(data) > limits.json_bytes:
        must = f"must be at most {limits.json_bytes} bytes of JSON (Limits.json_bytes)"
        guard.refuse("too-large", where, must, f"{len(data)}")
    if (depth := _depth(data)) > limits.json_depth:
        must = f"must nest at most {limits.json_depth} deep (Limits.json_depth)"
        guard.refuse("too-deep" if depth <= NO_WRITER else "json", where, must, f"{depth}")

    def no_number(constant: str) -> NoReturn:
        guard.refuse("json", where, "must be JSON, which has no such number", constant)

    def whole(digits: str) -> int:
        if len(digits) > DIGITS:
            guard.refuse("json", where, f"must have whole numbers of at most {DIGITS} digits", f"{len(digits)}")
        return int(digits)

    def real(digits: str) -> float:
        if math.isinf(number := float(digits)):
            no_number(digits)
        return number

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                guard.refuse(twice, where, "must give every key once", f"{name!r} twice")
            found[name] = value
        return found

    try:
        return json.loads(
            data.decode("utf-8"), parse_constant=no_number, parse_int=whole, parse_float=real, object_pairs_hook=once
        )
    except UnicodeDecodeError as error:
        guard.refuse("json", where, "must be JSON in UTF-8", f"{error.reason} at byte {error.start}")
    except json.JSONDecodeError as error:
        guard.refuse("json", where, "must be JSON", f"{error.msg} at character {error.pos}")
    except RecursionError:  # the caller's own stack was nearly full
        guard.refuse("too-deep", where, f"must nest at most {limits.json_depth} deep (Limits.json_depth)", f"{depth}")


def _depth(data: bytes) -> int:
    """How deep brackets are in one another, outside texts; nothing is parsed for it.

    >>> _depth(b'{"a[[": [1, [2]], "b": []}')
    3
    """
    left = np.frombuffer(_TEXT.sub(b"", data), np.uint8)
    opening, closing = (left == ord("[")) | (left == ord("{")), (left == ord("]")) | (left == ord("}"))
    steps = opening.astype(np.int32) - closing
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))
