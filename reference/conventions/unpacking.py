"""A framework's own arrays and attributes -> Layer, Stack or Bidirectional."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from reference.conventions import onnx
from reference.conventions.assembling import FLAGS, assemble, forms, known
from reference.conventions.settings import settings
from reference.layer import AnyLayer, Bidirectional, Layer, Stack
from reference.steps import Array


def unpack(framework: str, cell: str, arrays: Mapping[str, Any], /, **options: Any) -> AnyLayer:
    """A framework's arrays, under its own names and in its own shapes -> the canonical layer.

    `options` are the framework's own attributes; those that change no number that a Layer gives (initialisation,
    training, the arrangement of inputs and outputs) are taken and have no effect. `cell` is a cell of
    `reference.steps`, or the framework's own lstm, whose peepholes and coupled gates are seen in what is given. Layers
    on top of one another give a Stack, two directions a Bidirectional.

    Raises ValueError for an unknown framework, cell or option, an array that is missing, unknown or of another shape.
    """
    home = known(framework)
    cells = list(dict.fromkeys(name.split()[0] for name in forms(home, cell)))
    if cell not in cells:
        raise ValueError(f"cell of {framework} must be one of {', '.join(cells)}, got {cell!r}")
    chosen = settings(framework, cell, options)
    numbers = _arrays(framework, cell, arrays)
    if framework == "onnx":
        return onnx.directed(numbers, chosen, lambda own, each: assemble(framework, cell, own, each, {}))
    return _nested(framework, cell, numbers, chosen, {name: name for name in numbers})


def _arrays(framework: str, cell: str, given: Any) -> dict[str, Array]:
    """The arrays as NumPy has them, without those that are None."""
    if not isinstance(given, Mapping):
        got = "None" if given is None else type(given).__name__
        raise ValueError(f"arrays must be a mapping of names to arrays, got {got}")
    home = known(framework)
    for name in given:
        if not isinstance(name, str):
            raise ValueError(f"the name of an array must be a string, got {name!r}")
        if name in home.run_inputs:
            raise ValueError(f"{name} of {framework} must be given to run, {home.run_inputs[name]}, got it as an array")
    arrays = {name: _numbers(framework, name, value) for name, value in given.items() if value is not None}
    if not arrays:
        key = next(key for key in forms(home, cell) if key.split()[0] == cell)
        names = ", ".join(forms(home, cell)[key].arrays)
        raise ValueError(f"arrays of {framework} {cell} must be {names}, got none")
    return arrays


def _numbers(framework: str, name: str, value: Any) -> Array:
    if hasattr(value, "detach"):  # a parameter of PyTorch's, which NumPy does not take while it is trained
        value = value.detach()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} of {framework} must hold real numbers, got {type(value).__name__}") from error
    rational = array.dtype.kind == "O" and all(isinstance(number, int | Fraction) for number in array.flat)
    if array.dtype.kind not in "fiu" and not rational:
        raise ValueError(f"{name} of {framework} must hold real numbers, got {array.dtype}")
    return array.astype("float64") if array.dtype.kind in "iu" else array


def _nested(
    framework: str, cell: str, arrays: dict[str, Array], chosen: dict[str, Any], full: dict[str, str]
) -> AnyLayer:
    """Layers and directions by the templates of their names; `full` has the name that an array had in the beginning."""
    home = known(framework)
    behind = home.layers.startswith("_")
    if behind:
        return _suffixed(framework, cell, arrays, chosen)
    under = lambda prefix: {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}
    named = lambda part, prefix: {name: full[prefix + name] for name in part}
    if home.apart and any(name.startswith(home.apart.format(0)) for name in arrays):
        prefixes = [home.apart.format(k) for k in range(len({name.split("/")[0] for name in arrays}))]
        _all_under(framework, arrays, prefixes)
        layers = (_nested(framework, cell, under(p), chosen, named(under(p), p)) for p in prefixes)
        return _stack(framework, list(layers), prefixes, return_sequences=chosen.get("return_sequences", True))
    parts = [under(prefix) for prefix in home.directions if prefix]
    if any(parts):
        _all_under(framework, arrays, home.directions)
        backward = {**chosen, "go_backwards": not chosen.get("go_backwards", False)}
        layers = [
            _nested(framework, cell, part, own, named(part, prefix))
            for part, prefix, own in zip(parts, home.directions, (chosen, backward), strict=True)
        ]
        return Bidirectional(*layers, chosen.get("merge_mode", "concat"))  # type: ignore[arg-type]
    if home.layers and any(name.startswith(home.layers.format(0)) for name in arrays):
        count = len({name.split("/")[0] + name.split("/")[1] * ("cells" in home.layers) for name in arrays})
        prefixes = [home.layers.format(k) for k in range(count)]
        _all_under(framework, arrays, prefixes)
        leaf = {**chosen, "go_backwards": False, "return_sequences": True}
        stacked = [_nested(framework, cell, under(p), leaf, named(under(p), p)) for p in prefixes]
        flags = {name: chosen[name] for name in FLAGS[:2] if name in chosen}
        return _stack(framework, stacked, prefixes, **flags)
    return assemble(framework, cell, arrays, chosen, full)


def _all_under(framework: str, arrays: Mapping[str, Array], prefixes: Any) -> None:
    for name in arrays:
        if not name.startswith(tuple(prefixes)):
            raise ValueError(f"array of {framework} must begin with {' or '.join(prefixes)}, got {name!r}")


def _suffixed(framework: str, cell: str, arrays: dict[str, Array], chosen: dict[str, Any]) -> AnyLayer:
    """PyTorch's names, `weight_ih_l0_reverse`, or a cell's, `weight_ih`."""
    home = known(framework)
    _, reverse = home.directions
    grouped: dict[tuple[int, str], dict[str, str]] = {}
    for name in arrays:
        found = re.fullmatch(rf"(\w+?)_l(\d+)({reverse})?", name, re.ASCII)
        own, depth, back = (found[1], int(found[2]), found[3] or "") if found else (name, 0, "")
        grouped.setdefault((depth, back), {})[own] = name
    depths, backs = sorted({depth for depth, _ in grouped}), sorted({back for _, back in grouped})
    for meaning, there in (("layers", len(depths)), ("directions", len(backs))):
        wanted = chosen.get(meaning)
        if wanted is not None and int(wanted) + (meaning == "directions") != there:
            raise ValueError(f"{framework} {cell} must have {wanted!r} as its {meaning}, got arrays of {there}")
    if set(grouped) != {(depth, back) for depth in range(len(depths)) for back in backs} or "" not in backs:
        raise ValueError(f"{framework} {cell} must have arrays of every layer and direction, got {sorted(arrays)}")
    layers: list[AnyLayer] = []
    for depth in depths:
        directed: list[AnyLayer] = []
        for back in backs:
            names = grouped[depth, back]
            own = {short: arrays[name] for short, name in names.items()}
            chosen = {**chosen, "go_backwards": bool(back)}
            if depth:
                chosen["input_dim"] = None
            suffix = "" if "weight_ih" in arrays else f"_l{depth}{back}"
            directed.append(assemble(framework, cell, own, chosen, names, suffix))
        layers.append(directed[0] if len(backs) == 1 else Bidirectional(*directed))  # type: ignore[arg-type]
    if len(layers) == 1:
        return layers[0]
    return _stack(framework, layers, [home.layers.format(depth) for depth in depths])


def _stack(framework: str, layers: list[AnyLayer], parts: list[str], **flags: Any) -> Stack:
    """Layers on top of one another, each as wide as the one below gives."""
    for below, above, part in zip(layers, layers[1:], parts[1:], strict=False):
        gives, takes = _ends(below)[1], _ends(above)[0]
        if gives != takes:
            name = part.strip("/_")
            raise ValueError(
                f"{name} of {framework} must take the {gives} numbers that the layer below gives, got {takes}"
            )
    return Stack(tuple(layers), **flags)


def _ends(layer: AnyLayer) -> tuple[int, int]:
    """How many numbers a step takes, and gives."""
    if isinstance(layer, Layer):
        return layer.input_dim, layer.recurrent_dim
    if isinstance(layer, Stack):
        return _ends(layer.layers[0])[0], _ends(layer.layers[-1])[1]
    takes, gives = _ends(layer.forward)
    return takes, gives + _ends(layer.backward)[1] if layer.merge_mode == "concat" else gives
