"""A framework's own arrays and attributes -> Layer, Stack or Bidirectional."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from reference import activations, steps
from reference.activations import Activation
from reference.conventions import onnx
from reference.conventions.assembling import FLAGS, assemble, forms, known
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import REQUIRED
from reference.layer import AnyLayer, Bidirectional, Stack
from reference.steps import Array


def unpack(framework: str, cell: str, arrays: Mapping[str, Any], **options: Any) -> AnyLayer:
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
    settings = _settings(framework, cell, options)
    numbers = {name: _numbers(framework, name, value) for name, value in arrays.items()}
    if framework == "onnx":
        return onnx.directed(numbers, settings, lambda own, chosen: assemble(framework, cell, own, chosen, {}))
    return _nested(framework, cell, numbers, settings, {name: name for name in numbers})


def _numbers(framework: str, name: str, value: Any) -> Array:
    array = np.asarray(value)
    rational = array.dtype.kind == "O" and all(isinstance(number, int | Fraction) for number in array.flat)
    if array.dtype.kind not in "fiu" and not rational:
        raise ValueError(f"{name} of {framework} must hold real numbers, got {array.dtype}")
    return array


def _settings(framework: str, cell: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes by what they mean here, with the framework's defaults, and the cell's own where it has none."""
    home = known(framework)
    takes = home.takes(cell)
    own = steps.options(cell) if framework == "keras" else {}
    for name in options:
        if name not in takes and name not in own:
            raise ValueError(
                f"option of {framework} {cell} must be one of {', '.join(sorted({*takes, *own}))}, got {name!r}"
            )
    settings: dict[str, Any] = {}
    for name in {**takes, **own}:
        option = takes.get(name)
        if (option is None or option.own) and name not in options:
            continue
        if option is None:
            means, value = name, options[name]
        else:
            means, value = option.means, options.get(name, option.default)
        if value is REQUIRED:
            raise ValueError(f"{name} of {framework} {cell} must be given, since its eras differ in it, got none")
        if option is not None and means == "only default" and value != option.default:
            raise ValueError(f"{name} of {framework} {cell} must be {option.default!r}, got {value!r}")
        if means:
            settings[means] = _activation(framework, name, value) if means.endswith("activation") else value
    return onnx.settings(settings, cell) if framework == "onnx" else settings


def _activation(framework: str, name: str, value: Any) -> Activation | None:
    """A function by the framework's name; ours are taken as they are."""
    if isinstance(value, Activation) or (value is None and name == "output_activation"):
        return value
    names = FRAMEWORKS[framework].activations
    if value is not None and value not in names:
        raise ValueError(f"{name} of {framework} must be one of {', '.join(sorted(names))}, got {value!r}")
    return activations.get(None if value is None else names[value])


def _nested(
    framework: str, cell: str, arrays: dict[str, Array], settings: dict[str, Any], full: dict[str, str]
) -> AnyLayer:
    """Layers and directions by the templates of their names; `full` has the name that an array had in the beginning."""
    home = known(framework)
    behind = home.layers.startswith("_")
    if behind:
        return _suffixed(framework, cell, arrays, settings)
    under = lambda prefix: {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}
    named = lambda part, prefix: {name: full[prefix + name] for name in part}
    if home.apart and any(name.startswith(home.apart.format(0)) for name in arrays):
        prefixes = [home.apart.format(k) for k in range(len({name.split("/")[0] for name in arrays}))]
        _all_under(framework, arrays, prefixes)
        layers = (_nested(framework, cell, under(p), settings, named(under(p), p)) for p in prefixes)
        return Stack(tuple(layers), return_sequences=settings.get("return_sequences", True))
    parts = [under(prefix) for prefix in home.directions if prefix]
    if any(parts):
        _all_under(framework, arrays, home.directions)
        backward = {**settings, "go_backwards": not settings.get("go_backwards", False)}
        layers = [
            _nested(framework, cell, part, chosen, named(part, prefix))
            for part, prefix, chosen in zip(parts, home.directions, (settings, backward), strict=True)
        ]
        return Bidirectional(*layers, settings.get("merge_mode", "concat"))  # type: ignore[arg-type]
    if home.layers and any(name.startswith(home.layers.format(0)) for name in arrays):
        count = len({name.split("/")[0] + name.split("/")[1] * ("cells" in home.layers) for name in arrays})
        prefixes = [home.layers.format(k) for k in range(count)]
        _all_under(framework, arrays, prefixes)
        leaf = {**settings, "go_backwards": False, "return_sequences": True}
        stacked = tuple(
            _nested(framework, cell, under(prefix), leaf, named(under(prefix), prefix)) for prefix in prefixes
        )
        flags = {name: settings[name] for name in FLAGS[:2] if name in settings}
        return Stack(stacked, **flags)
    return assemble(framework, cell, arrays, settings, full)


def _all_under(framework: str, arrays: Mapping[str, Array], prefixes: Any) -> None:
    for name in arrays:
        if not name.startswith(tuple(prefixes)):
            raise ValueError(f"array of {framework} must begin with {' or '.join(prefixes)}, got {name!r}")


def _suffixed(framework: str, cell: str, arrays: dict[str, Array], settings: dict[str, Any]) -> AnyLayer:
    """PyTorch's names, `weight_ih_l0_reverse`, or a cell's, `weight_ih`."""
    _, reverse = known(framework).directions
    grouped: dict[tuple[int, str], dict[str, str]] = {}
    for name in arrays:
        found = re.fullmatch(rf"(\w+?)_l(\d+)({reverse})?", name, re.ASCII)
        own, depth, back = (found[1], int(found[2]), found[3] or "") if found else (name, 0, "")
        grouped.setdefault((depth, back), {})[own] = name
    depths, backs = sorted({depth for depth, _ in grouped}), sorted({back for _, back in grouped})
    for meaning, there in (("layers", len(depths)), ("directions", len(backs))):
        wanted = settings.get(meaning)
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
            chosen = {**settings, "go_backwards": bool(back)}
            if depth:
                chosen["input_dim"] = None
            suffix = "" if "weight_ih" in arrays else f"_l{depth}{back}"
            directed.append(assemble(framework, cell, own, chosen, names, suffix))
        layers.append(directed[0] if len(backs) == 1 else Bidirectional(*directed))  # type: ignore[arg-type]
    return layers[0] if len(layers) == 1 else Stack(tuple(layers))
