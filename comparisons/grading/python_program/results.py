"""What a function gave -> the fields of a state as arrays, however they were put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from comparisons.grading.python_program import Unfit

Shape = tuple[int, ...]


def last(given: Any, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """The state after a step, in the shapes of its fields. Raises Unfit."""
    fit = lambda parts: {name: array(name, parts[name], [shape]) for name, shape in shapes.items()}
    if (named := _named(given, list(shapes))) is not None:
        return fit(named)
    wrong: list[Unfit] = []
    # A state of one field may be that field alone; a pair may be (output, state), as Keras' cells give it.
    alone = [dict.fromkeys(shapes, given)] if len(shapes) == 1 else []
    parts = [given] if alone and not isinstance(given, tuple | list) else _parts(given, list(shapes))
    in_order = [dict(zip(shapes, parts, strict=True))] if len(parts) == len(shapes) else []
    for found in (*in_order, *alone):
        try:
            return fit(found)
        except Unfit as unfit:
            wrong.append(unfit)
    if len(parts) == 2 and isinstance(parts[-1], tuple | list):
        try:
            return last(parts[-1], shapes)
        except Unfit as unfit:
            wrong.append(unfit)
    if wrong:
        raise wrong[0]
    raise Unfit(f"the function must give ({', '.join(shapes)}), got a {type(given).__name__} of {len(parts)}")


def over_time(given: Any, shapes: Mapping[str, Shape], steps: Shape) -> dict[str, Any]:
    """The fields of the state after every step, `(*steps, ·)`, or after the last where no more is given; `steps` is the
    shape of the inputs but for their width. Raises Unfit."""
    names = list(shapes)
    shown = lambda name: [(*steps, shapes[name][-1]), shapes[name]]
    parts = _named(given, names)
    if parts is None:
        found = [given] if len(names) == 1 and not isinstance(given, tuple | list) else _parts(given, names)
        if len(found) == 2 and isinstance(found[-1], tuple | list):  # (outputs, state)
            found = [found[0], *found[1]]
        if len(found) == len(names) + 1:
            return _with_outputs(found, shapes, shown)
        if len(found) != len(names):
            must = f"(outputs, {', '.join(names)}), or ({', '.join(names)}) over time"
            raise Unfit(f"the function must give {must}, got {len(found)} of them")
        parts = dict(zip(names, found, strict=True))
    return {name: array(name, parts[name], shown(name)) for name in names}


def _with_outputs(found: Sequence[Any], shapes: Mapping[str, Shape], shown: Any) -> dict[str, Any]:
    """Outputs, which are the state's first field over time, and the fields."""
    names = list(shapes)
    outputs = array("outputs", found[0], shown(names[0])[:1])
    fields = {name: array(name, a, shown(name)) for name, a in zip(names, found[1:], strict=True)}
    first = fields[names[0]]
    end = outputs[..., -1, :]
    if not np.allclose(first if first.ndim == end.ndim else first[..., -1, :], end, rtol=1e-3, atol=1e-6):
        raise Unfit(f"the last of its outputs must be its last {names[0]}, got others")
    return {**fields, names[0]: outputs}


def _named(given: Any, names: Sequence[str]) -> dict[str, Any] | None:
    """The fields of a dict, a NamedTuple or a dataclass; None for anything else. Raises Unfit."""
    if isinstance(given, Mapping):
        if missing := [name for name in names if name not in given]:
            keys = ", ".join(map(str, given)) or "nothing"
            raise Unfit(f"the function must give {' and '.join(names)}, got no {missing[0]} among {keys}")
        return {name: given[name] for name in names}
    # An array has attributes of its own.
    if not hasattr(given, "shape") and all(hasattr(given, name) for name in names):
        return {name: getattr(given, name) for name in names}
    return None


def _parts(given: Any, names: Sequence[str]) -> list[Any]:
    """What a tuple, a list, or one array of all fields holds. Raises Unfit."""
    if isinstance(given, tuple | list):
        return list(given)
    if getattr(given, "shape", ())[:1] == (len(names),) and len(names) > 1:
        return list(given)
    got = "None: it returns nothing" if given is None else f"one {type(given).__name__}"
    raise Unfit(f"the function must give ({', '.join(names)}), got {got}")


def array(name: str, value: Any, shapes: Sequence[Shape]) -> Any:
    """A field, of the first of these shapes that it has, in float64. Raises Unfit."""
    if hasattr(value, "detach"):  # a tensor that takes part in training
        value = value.detach().cpu()
    try:
        found = np.asarray(value)
    except Exception as error:
        raise Unfit(f"{name} must be an array of numbers, got {type(value).__name__}: {error}") from None
    if found.dtype.kind not in "fiub":
        raise Unfit(f"{name} must be an array of real numbers, got {found.dtype}")
    for shape in shapes:
        # A row may come back as a batch of one, and PyTorch's last states have an axis for layers.
        if found.shape in (shape, (1, *shape)):
            return found.astype("float64").reshape(shape)
    raise Unfit(f"{name} must have shape {' or '.join(map(str, shapes))}, got {found.shape}")
