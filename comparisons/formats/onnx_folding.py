"""What ONNX' operators that only cut, join and turn arrays make of those in the file.

Exporters that fold no constants leave them: PyTorch's W is Unsqueeze(Concat(Slice(weight_ih_l0), …)), since its gates
have another order. Shapes come at once, numbers when they are read. Source: onnx/defs/tensor/defs.cc, of all opsets:
what was an attribute became an input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from comparisons.formats import numbers
from reference.files.guard import Guard
from reference.files.stored import Array, Stored

FEW = 64  # numbers of an option: axes and sizes are not more
Options = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Folded(Stored):
    """An array that an operator makes."""

    kind: str
    options: Options
    inputs: tuple[Stored, ...]
    depth: int  # of operators under one another
    sources: tuple[Stored, ...]  # the arrays of the file that it comes from


def _slice(arrays: Sequence[Array], options: Options) -> Array:
    starts, ends = options["starts"], options["ends"]
    axes = options.get("axes", range(len(starts)))
    steps = options.get("steps", [1] * len(starts))
    (array,) = arrays
    cut = [slice(None)] * array.ndim
    for axis, *place in zip(axes, starts, ends, steps, strict=True):
        if cut[axis] != slice(None):
            raise ValueError(f"axis {axis} twice")
        cut[axis] = slice(*place)
    return array[tuple(cut)]


def _reshape(arrays: Sequence[Array], options: Options) -> Array:
    (array,) = arrays
    kept = lambda place, size: array.shape[place] if size == 0 and not options.get("allowzero") else size
    return array.reshape([kept(place, size) for place, size in enumerate(options["shape"])])


def _cast(arrays: Sequence[Array], options: Options) -> Array:
    kind, (array,) = numbers.ONNX[options["to"]], arrays
    if kind in ("bool", numbers.BFLOAT16) or (array.dtype.kind == "f" and np.dtype(kind).kind != "f"):
        raise ValueError(f"{array.dtype} to {kind}, which rounds")
    with np.errstate(over="ignore"):
        return array.astype(kind)


# The operator, its options in the order of its inputs after the array, and those that are attributes always.
# Each gives a view but Concat, Reshape and Cast, which `_outline` counts.
OPERATORS: dict[str, tuple[Callable[[Sequence[Array], Options], Array], tuple[str, ...], tuple[str, ...]]] = {
    "Identity": (lambda arrays, options: arrays[0], (), ()),
    "Slice": (_slice, ("starts", "ends", "axes", "steps"), ()),
    "Split": (_slice, ("split",), ("axis", "num_outputs")),
    "Concat": (lambda arrays, options: np.concatenate(arrays, options["axis"]), (), ("axis",)),
    "Unsqueeze": (lambda arrays, options: np.expand_dims(arrays[0], tuple(options["axes"])), ("axes",), ()),
    "Squeeze": (lambda arrays, options: np.squeeze(arrays[0], _tuple(options.get("axes"))), ("axes",), ()),
    "Transpose": (lambda arrays, options: np.transpose(arrays[0], options.get("perm")), (), ("perm",)),
    "Reshape": (_reshape, ("shape",), ("allowzero",)),
    "Cast": (_cast, (), ("to",)),
}
UNFIT = (ValueError, IndexError, KeyError, TypeError, OverflowError)


class Folding:
    """One file's folded arrays: what is made of the same arrays in the same way is one array."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.made: dict[tuple[Any, ...], Stored] = {}

    def __call__(
        self,
        kind: str,
        inputs: Sequence[Stored | None],
        attribute: Callable[[str], Any],
        outputs: Sequence[str],
        where: str,
    ) -> list[Stored]:
        """What the outputs are, in order. Raises ValueError and its like for what does not fit, or is not known."""
        _, named, attributes = OPERATORS[kind]
        arrays = [array for array in inputs if array is not None]
        options = {name: value for name in (*named, *attributes) if (value := attribute(name)) is not None}
        if any(isinstance(value, list) and len(value) > FEW for value in options.values()):
            raise ValueError(f"options of more than {FEW} numbers")
        if kind != "Concat":
            arrays = arrays[:1]
            for name, told in zip(named, inputs[1:], strict=False):
                if told is not None:
                    options[name] = _whole(told)
        place = lambda name: f"{where}/{name}" if where else name
        if kind == "Split":
            cuts = _parts(arrays[0], options, len(outputs))
            return [self._one("Slice", arrays, cut, place(name)) for cut, name in zip(cuts, outputs, strict=True)]
        return [self._one(kind, arrays, options, place(outputs[0]))]

    def _one(self, kind: str, inputs: list[Stored], options: Options, where: str) -> Stored:
        if kind == "Identity":
            return inputs[0]
        key = (kind, repr(options), *map(id, inputs))
        if key in self.made:
            return self.made[key]
        shape, dtype = self._outline(kind, inputs, options, where)
        depth = 1 + max(array.depth if isinstance(array, Folded) else 0 for array in inputs)
        if depth > (most := self.guard.limits.depth):
            must = f"must be made by at most {most} operators one after the other (Limits.depth)"
            self.guard.refuse("too-deep", where, must, depth)
        sources = sources_of(inputs[0]) if len(inputs) == 1 else _union(inputs)
        read = numbers.checked(lambda: np.array(_numbers(made, {}), order="C"), where, self.guard)
        made = Folded(where, shape, dtype, read, kind, options, tuple(inputs), depth, sources)
        self.made[key] = made
        return made

    def _outline(
        self, kind: str, inputs: Sequence[Stored], options: Options, where: str
    ) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type, found without numbers: of views of one zero."""
        if kind == "Concat":
            shape = list(inputs[0].shape)
            axis = range(len(shape))[options["axis"]]
            beside = {(*array.shape[:axis], *array.shape[axis + 1 :]) for array in inputs}
            if len(beside) > 1 or any(len(array.shape) != len(shape) for array in inputs):
                raise ValueError("arrays of sizes that do not fit")
            if len({array.dtype for array in inputs}) > 1:
                raise ValueError("arrays of several types")
            shape[axis] = sum(array.shape[axis] for array in inputs)
            found, dtype = tuple(shape), inputs[0].dtype
        elif kind == "Cast":
            found = inputs[0].shape
            dtype = _cast([np.zeros(0, inputs[0].dtype)], options).dtype
        else:
            views = [np.broadcast_to(np.zeros((), array.dtype), array.shape) for array in inputs]
            made = OPERATORS[kind][0](views, options)
            found, dtype = made.shape, made.dtype
        if kind in ("Concat", "Cast", "Reshape"):
            self.guard.declare(where, found, dtype.itemsize)
        return found, dtype


def sources_of(array: Stored) -> tuple[Stored, ...]:
    """The arrays of the file that one comes from."""
    return array.sources if isinstance(array, Folded) else (array,)


def _union(arrays: Sequence[Stored]) -> tuple[Stored, ...]:
    return tuple({id(source): source for array in arrays for source in sources_of(array)}.values())


def _numbers(array: Stored, known: dict[int, Array]) -> Array:
    """An array's numbers; each that it is made of is read once, and each operator run once."""
    if id(array) not in known:
        if isinstance(array, Folded):
            inputs = [_numbers(one, known) for one in array.inputs]
            known[id(array)] = OPERATORS[array.kind][0](inputs, array.options)
        else:
            known[id(array)] = array.read()
    return known[id(array)]


def _whole(array: Stored) -> list[int]:
    if array.dtype.kind not in "iu" or prod(array.shape) > FEW:
        raise ValueError(f"options that are not few whole numbers: {array.dtype} {array.shape}")
    return array.read().ravel().tolist()


def _parts(array: Stored, options: Options, count: int) -> list[Options]:
    """The slices that a Split makes: of these sizes, or of equal ones and what is left."""
    axis = range(len(array.shape))[options.get("axis", 0)]
    size = array.shape[axis]
    if options.get("num_outputs", count) != count:
        raise ValueError(f"{options['num_outputs']} outputs, and {count} named")
    equal = -(-size // count)
    sizes = options.get("split") or [max(0, min(equal, size - equal * part)) for part in range(count)]
    if len(sizes) != count or sum(sizes) != size or min(sizes) < 0:
        raise ValueError(f"{count} parts {sizes} of {size}")
    ends = accumulate(sizes)
    return [{"starts": [end - part], "ends": [end], "axes": [axis]} for part, end in zip(sizes, ends, strict=True)]


def _tuple(axes: list[int] | None) -> tuple[int, ...] | None:
    return None if axes is None else tuple(axes)
