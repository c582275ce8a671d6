"""What changed in a layer's class and arguments, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Arguments of which the report says something for the whole model, or that only say what an Input says.
SAID_ELSEWHERE = ("_initializer", "_regularizer", "_constraint", "name", "trainable", "dtype", "_shape", "init")
SHOWN = (bool, int, float, str)


def reworded(old_kind: str, old: Mapping[str, Any], kind: str, new: Mapping[str, Any]) -> tuple[str, ...]:
    """The class where it has another name, the arguments that are gone, and those that the file left unsaid.

    >>> reworded("LeakyReLU", {"alpha": 0.1}, "LeakyReLU", {"negative_slope": 0.1})
    ('its arguments: alpha no more, negative_slope=0.1 now',)
    """
    words = [f"the class {old_kind} is {kind}"] if old_kind != kind else []
    gone = [name for name in old if name not in new and not name.endswith(SAID_ELSEWHERE)]
    there = {name: value for name, value in new.items() if name not in old and not name.endswith(SAID_ELSEWHERE)}
    now = [f"{name}={value!r}" for name, value in there.items() if isinstance(value, SHOWN)]
    parts = [f"{', '.join(gone)} no more"] * bool(gone) + [f"{', '.join(now)} now"] * bool(now)
    return (*words, f"its arguments: {', '.join(parts)}") if parts else tuple(words)
