"""PyTorch's state dicts, as torch.save has written them since 1.6 (a zip archive) and before (pickles and numbers).

Read as data, with no PyTorch: its own reader loads every number, and calls what a pickle names. Source:
torch/serialization.py, torch/_utils.py, and torch/nn/modules/rnn.py for the names.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from comparisons.formats import numbers, pickles
from comparisons.formats.pickles import Called, Kept, Named
from reference.files.guard import Guard
from reference.files.guard import opened as opened_file
from reference.files.stored import Array, Stored, StoredLayer, StoredModel
from reference.files.windows import length, taken
from reference.files.zips import Archive

NAME = re.compile(r"(?:(?P<path>.*)\.)?(?P<name>(?:weight|bias)_(?:ih|hh|hr)(?:_l\d+(?:_reverse)?)?)", re.ASCII)
HOLDERS = ("state_dict", "model_state_dict", "model")  # under which training scripts keep a state dict
GATES = {4: "lstm", 3: "gru", 1: "simple_rnn"}
STORAGES = {
    "Float": "float32",
    "Double": "float64",
    "Half": "float16",
    "BFloat16": numbers.BFLOAT16,
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
}
# How the file of before 1.6 begins: a number, the version of the protocol, and about the machine.
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
WAY_OUT = "save the state dict instead: torch.save(model.state_dict(), path)"
Bytes = Callable[[], bytes | bytearray]


def is_one(path: Path) -> bool:
    """By its suffix, or by its content: a zip archive with a data.pkl in it first, or the older magic number."""
    if path.suffix in (".pt", ".pth"):
        return True
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(400)
    return (head.startswith(b"PK\3\4") and b"/data.pkl" in head[30:300]) or head[2:15] == _magic()


def cell(layer: StoredLayer) -> str | None:
    """lstm, gru or simple_rnn, by the rows that the arrays have for each unit; None for what is not recurrent."""
    recurrent = next((a for name, a in layer.arrays.items() if name.startswith("weight_hh")), None)
    if recurrent is None or len(recurrent.shape) != 2:
        return None
    narrowing = next((a for name, a in layer.arrays.items() if name.startswith("weight_hr")), None)
    units = narrowing.shape[-1] if narrowing is not None and narrowing.shape else recurrent.shape[1]
    found = GATES.get(recurrent.shape[0] // units) if units and recurrent.shape[0] % units == 0 else None
    return "peephole_lstm" if found == "lstm" and narrowing is not None else found


@contextmanager
def opened(path: Path, config: Any, guard: Guard) -> Iterator[StoredModel]:
    """The state dict."""
    if config is not None:
        guard.refuse("config", "", "must be read without config: a state dict has no layers' options", "one")
    with opened_file(path, guard) as stream:
        head = stream.read(15)
        if head.startswith(b"PK"):
            said, storages = _archive(Archive(stream, guard), guard)
        elif head[2:] == _magic():
            said, storages = _pickles(stream, guard)
        else:
            guard.refuse("not-pytorch" if head else "truncated", "", "must be a file of torch.save", head[:8])
        state = {name: _tensor(name, value, guard) for name, value in _state(said, guard).items()}
        layers = tuple(_layers(state, storages, guard))
        yield StoredModel(guard.file, "PyTorch state dict", "pytorch", layers, backend="torch")


def _archive(archive: Archive, guard: Guard) -> tuple[Any, Callable[[Tensor], Bytes]]:
    """What data.pkl says, and where each storage is: `data/0` beside it."""
    inside = [name for name in archive.names if re.fullmatch(r"([^/]+/)?data\.pkl", name)]
    if len(inside) != 1:
        guard.refuse("not-pytorch", "", "must have one data.pkl, as a file of torch.save has", f"{len(inside)}")
    home = inside[0].removesuffix("data.pkl")
    if f"{home}constants.pkl" in archive.names:
        guard.refuse("pickle", "", f"must be a state dict ({WAY_OUT})", "a program of TorchScript")
    order = f"{home}byteorder"
    if order in archive.names and archive.content(order, 100) != b"little":
        guard.refuse("byte-order", order, "must be little", archive.content(order, 100).decode("utf-8", "replace"))
    said = pickles.parse(io.BytesIO(archive.content(inside[0], guard.limits.json_bytes)), inside[0], guard)

    def storage(tensor: Tensor) -> Bytes:
        name = f"{home}data/{tensor.key}"
        if name not in archive.names:
            guard.refuse("missing-weight", name, "must be in the archive", "no such member")
        tensor.within(archive.size(name), name, guard)
        return lambda: archive.content(name, guard.limits.bytes)

    return said, storage


def _pickles(stream: BinaryIO, guard: Guard) -> tuple[Any, Callable[[Tensor], Bytes]]:
    """The older form: three pickles about the file, the object, the storages' keys, and each storage's numbers."""
    stream.seek(0)
    head = io.BytesIO(stream.read(guard.limits.json_bytes))
    magic, protocol, machine, said, keys = (pickles.parse(head, "its pickles", guard) for _ in range(5))
    if (magic, protocol) != (MAGIC, PROTOCOL) or not isinstance(machine, dict) or not isinstance(keys, list):
        guard.refuse("not-pytorch", "", f"must be of protocol {PROTOCOL}", "another")
    if machine.get("little_endian") is not True:
        guard.refuse("byte-order", "", "must be of a little-endian machine", "another")
    places: dict[str, tuple[int, int]] = {}
    position, end = head.tell(), length(stream)
    widths = {tensor.key: tensor.width for tensor in _tensors(said, guard)}
    for key in keys:
        if not isinstance(key, str) or key in places or key not in widths:
            guard.refuse("corrupt", "", "must have storages that its tensors name, each once", "another")
        count = int.from_bytes(taken(stream, position, 8, key, guard), "little") if position + 8 <= end else 2**62
        if position + 8 + count * widths[key] > end:
            guard.refuse("truncated", key, f"must end by byte {end}", position + 8 + count * widths[key])
        places[key] = position + 8, count * widths[key]
        position += 8 + count * widths[key]

    def storage(tensor: Tensor) -> Bytes:
        if tensor.key not in places:
            guard.refuse("missing-weight", tensor.key, "must be among the storages", "none of its key")
        start, size = places[tensor.key]
        tensor.within(size, tensor.key, guard)
        return lambda: taken(stream, start, size, tensor.key, guard)

    return said, storage


@dataclass(frozen=True)
class Tensor:
    """A view of a storage."""

    kind: str
    key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def width(self) -> int:
        return numbers.width(self.kind)

    def within(self, size: int, name: str, guard: Guard) -> None:
        """Raises FileRefused where it reaches beyond its storage of `size` bytes."""
        steps = sum((dim - 1) * step for dim, step in zip(self.shape, self.strides, strict=True))
        reach = (self.offset + steps + 1) * self.width if math.prod(self.shape) else 0
        if reach > size:
            guard.refuse("corrupt", name, f"must have the {reach} bytes that a tensor takes of it", size)

    def view(self, content: bytes | bytearray) -> Array:
        """Its numbers, in an array of their own."""
        count = len(content) // self.width
        flat = numbers.decoded(memoryview(content)[: count * self.width], self.kind, (count,))
        strides = tuple(step * flat.itemsize for step in self.strides)
        return np.array(np.lib.stride_tricks.as_strided(flat[self.offset :], self.shape, strides, writeable=False))


def _state(said: Any, guard: Guard) -> dict[str, Called]:
    """Name: tensor, of a state dict or of a dict that holds one."""
    holder = said
    if isinstance(said, dict) and not any(map(_is_tensor, said.values())):
        holder = next((said[name] for name in HOLDERS if isinstance(said.get(name), dict | Called)), said)
    if isinstance(holder, Called) and not _is_tensor(holder):
        what = holder.what
        if isinstance(what, Kept) and isinstance(what.key, tuple) and len(what.key) > 1:  # a class, with its source
            what = what.key[1]
        what = what.name if isinstance(what, Named) else "something else"
        guard.refuse("pickle", "", f"must be a state dict and no object, which nothing here makes ({WAY_OUT})", what)
    found = {name: value for name, value in holder.items() if _is_tensor(value)} if isinstance(holder, dict) else {}
    if not found:
        must = f"must be a state dict, or have one as {', '.join(HOLDERS)} ({WAY_OUT})"
        got = ", ".join(map(str, list(holder)[:5])) or "nothing" if isinstance(holder, dict) else type(holder).__name__
        guard.refuse("no-weights", "", must, got)
    if wrong := [name for name in found if not isinstance(name, str)]:
        guard.refuse("name", "", "must have names that are texts", wrong[0])
    return found


_TENSORS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
_AROUND = ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state")


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Called) and isinstance(value.what, Named) and value.what.name.startswith("torch._utils.")


def _tensor(name: str, value: Called, guard: Guard) -> Tensor:
    """What a call that makes a tensor says. Raises FileRefused for one that is not dense, or of other numbers."""
    if value.what.name in _AROUND and value.arguments and _is_tensor(value.arguments[0]):
        value = value.arguments[0]
    made = value.what.name
    if made not in _TENSORS or len(value.arguments) < 4 or not isinstance(value.arguments[0], Kept):
        guard.refuse("dtype", name, "must be a dense tensor", made)
    storage, offset, shape, strides = value.arguments[0].key, *value.arguments[1:4]
    kind, key = storage[1:3] if isinstance(storage, tuple) and len(storage) >= 5 else (None, None)
    kind = kind.name if isinstance(kind, Named) else "something else"
    found = re.fullmatch(r"torch\.(?:cuda\.)?(\w+)Storage", kind)
    if not found or found[1] not in STORAGES:
        guard.refuse("dtype", name, f"must be of {', '.join(STORAGES)}", kind)
    sizes = (offset, *shape, *strides) if isinstance(shape, tuple) and isinstance(strides, tuple) else ()
    fits = all(isinstance(n, int) and 0 <= n < 2**62 for n in sizes) and len(shape) == len(strides) <= 32
    if not sizes or not fits or not isinstance(key, str) or (len(storage) > 5 and storage[5] is not None):
        guard.refuse("corrupt", name, "must be a plain view of a storage", f"another of {kind}")
    return Tensor(STORAGES[found[1]], key, offset, shape, strides)


def _tensors(said: Any, guard: Guard) -> Iterator[Tensor]:
    """Every tensor that can be read, wherever it is: each says how wide its storage's numbers are."""
    waiting, seen = [said], set[int]()
    while waiting:
        here = waiting.pop()
        if id(here) in seen or isinstance(here, str | int | float | bytes | None):
            continue
        seen.add(id(here))
        if _is_tensor(here):
            yield _tensor("a tensor", here, guard)
        elif isinstance(here, dict):
            waiting += here.values()
        elif isinstance(here, list | tuple):
            waiting += here
        elif isinstance(here, Called):
            waiting += [here.arguments, here.state]


def _layers(state: Mapping[str, Tensor], storages: Callable[[Tensor], Bytes], guard: Guard) -> Iterator[StoredLayer]:
    """Arrays by the module that they are of."""
    found: dict[str, dict[str, Stored]] = {}
    for full, tensor in state.items():
        named = NAME.fullmatch(full)
        path, name = (named["path"] or "", named["name"]) if named else full.rpartition(".")[::2]
        guard.declare(full, tensor.shape, tensor.width)
        read = _reader(tensor, storages(tensor))
        checked = numbers.checked(read, full, guard)
        found.setdefault(path, {})[name] = Stored(full, tensor.shape, numbers.dtype(tensor.kind), checked)
    for path, arrays in found.items():
        yield StoredLayer(path or "model", "", {}, arrays, where=path or "the state dict")


def _reader(tensor: Tensor, content: Bytes) -> Callable[[], Array]:
    return lambda: tensor.view(content())


def _magic() -> bytes:
    """What the first pickle of the older form begins with, behind its protocol."""
    return b"\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"."
