"""A pickle as data: what it would call is written down, and nothing is looked up, imported or called.

Only what PyTorch's state dicts are made of is understood. Source: pickletools, which lists the operations.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from reference.files.guard import Guard

OPERATIONS = 2_000_000


class Named(NamedTuple):
    """A class or function, by its name alone."""

    name: str


class Kept(NamedTuple):
    """What is stored outside of the pickle."""

    key: Any


@dataclass(eq=False)
class Called:
    """What a call would have made; `state` is what it would have been given afterwards."""

    what: Any
    arguments: tuple[Any, ...]
    state: Any = None


_MARK: Any = object()
_PUSHED: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": list,
    "MARK": lambda: _MARK,
}
_GIVEN = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG", "BINFLOAT", "FLOAT", "BINUNICODE"),
    *("SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BINSTRING"),
    *("SHORT_BINSTRING", "STRING"),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def parse(stream: BinaryIO, where: str, guard: Guard) -> Any:
    """What the next pickle of a stream says: numbers, texts, dicts, lists and tuples, and calls that are not made."""
    try:
        return _Machine(where, guard).run(stream)
    except (ValueError, IndexError, TypeError, KeyError, OverflowError) as error:
        if hasattr(error, "code"):  # the guard's own
            raise
        return guard.refuse("corrupt", where, "must be a pickle that can be read", error)


def _is_key(value: Any) -> bool:
    """Texts, and small numbers, as optimizers have: keys whose hashes nest nothing, and that cannot all be the same."""
    return isinstance(value, str) or (isinstance(value, int) and 0 <= value < 2**32)


class _Machine:
    def __init__(self, where: str, guard: Guard) -> None:
        self.where, self.guard = where, guard
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, stream: BinaryIO) -> Any:
        for count, (operation, argument, _) in enumerate(pickletools.genops(stream)):
            if count > OPERATIONS:
                self.guard.refuse("too-large", self.where, f"must have at most {OPERATIONS} operations", "more")
            if operation.name == "STOP":
                return self.stack.pop()
            self.do(operation.name, argument)
        raise ValueError("no STOP")

    def do(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _PUSHED:
            stack.append(_PUSHED[name]())
        elif name in _GIVEN:
            stack.append(argument)
        elif name in _TUPLES:
            count = _TUPLES[name]
            stack[-count:] = [tuple(stack[-count:])]
        elif name in ("TUPLE", "LIST"):
            items = self.marked()
            stack.append(tuple(items) if name == "TUPLE" else items)
        elif name == "GLOBAL":
            stack.append(Named(argument.replace(" ", ".")))
        elif name == "STACK_GLOBAL":
            words = [stack.pop(-2), stack.pop()]
            stack.append(Named(".".join(word if isinstance(word, str) else "?" for word in words)))
        elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[argument])
        elif name == "BINPERSID":
            stack.append(Kept(stack.pop()))
        elif name in ("REDUCE", "NEWOBJ"):
            arguments = stack.pop()
            stack.append(self.called(stack.pop(), arguments))
        elif name == "BUILD":
            state = stack.pop()
            if isinstance(stack[-1], Called):
                stack[-1].state = state
        elif name in ("SETITEM", "SETITEMS"):
            items = self.marked() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            if isinstance(stack[-1], dict):
                stack[-1].update((k, v) for k, v in zip(items[::2], items[1::2], strict=True) if _is_key(k))
        elif name in ("APPEND", "APPENDS", "ADDITEMS"):
            items = [stack.pop()] if name == "APPEND" else self.marked()
            if isinstance(stack[-1], list):
                stack[-1].extend(items)
        elif name == "POP":
            stack.pop()
        elif name not in ("PROTO", "FRAME"):
            self.guard.refuse("pickle", self.where, "must be made of what state dicts are made of", f"operation {name}")

    def called(self, what: Any, arguments: Any) -> Any:
        if isinstance(what, Named) and what.name == "collections.OrderedDict":
            return {}
        return Called(what, arguments if isinstance(arguments, tuple) else ())

    def marked(self) -> list[Any]:
        """What lies above the last mark."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                found = self.stack[place + 1 :]
                del self.stack[place:]
                return found
        raise IndexError("no mark")
