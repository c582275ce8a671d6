"""Layer, Stack or Bidirectional -> a framework's own arrays and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from reference.conventions import folds, onnx
from reference.conventions.assembling import FLAGS, known
from reference.conventions.folds import NotRepresentable
from reference.conventions.leaves import Packed, leaf
from reference.layer import AnyLayer, Bidirectional, Layer, Stack


def pack(layer: AnyLayer, framework: str) -> Packed:
    """The layer in a framework's array names, shapes and attributes.

    Where the framework has no such option, what keeps the function in real arithmetic is done, and named in `changes`.
    Raises NotRepresentable, a ValueError, with the reason, where no form exists; ValueError for an unknown framework.
    """
    home = known(framework)
    if not isinstance(layer, Layer | Stack | Bidirectional):
        raise ValueError(
            f"what is packed must be a Layer, Stack or Bidirectional, got {type(layer).__name__}: "
            "unpack arrays, or read a live layer, first"
        )
    bare = layer if "zero_output_for_mask" in home.options else _bare(layer)
    if framework == "onnx":
        packed = _onnx(bare)
    else:
        packed = _behind(bare, framework) if home.layers.startswith("_") else _before(bare, framework)
    return packed if bare is layer else replace(packed, changes=(*packed.changes, folds.MASKED))


def _bare(layer: AnyLayer) -> AnyLayer:
    """Without the zeros at masked steps that Keras' Bidirectional asks its layers for, whatever their own options."""
    if isinstance(layer, Bidirectional):
        parts = (layer.forward, layer.backward)
        if any(isinstance(part, Layer) and part.zero_output_for_mask for part in parts):
            bare = [replace(p, zero_output_for_mask=False) if isinstance(p, Layer) else p for p in parts]
            return replace(layer, forward=bare[0], backward=bare[1])
    if isinstance(layer, Stack):
        layers = tuple(_bare(part) for part in layer.layers)
        if any(a is not b for a, b in zip(layers, layer.layers, strict=True)):
            return replace(layer, layers=layers)
    return layer


def _before(layer: AnyLayer, framework: str) -> Packed:
    """Layers and directions as prefixes of the names, directions first."""
    home = known(framework)
    if isinstance(layer, Layer):
        return leaf(layer, framework)
    if isinstance(layer, Bidirectional):
        if not home.directions:
            raise NotRepresentable(f"{framework} has no names for two directions: pack each of them")
        if "merge_mode" not in home.options and layer.merge_mode != "concat":
            raise NotRepresentable(f"{framework} puts the directions side by side, got merge_mode={layer.merge_mode!r}")
        if layer.backward.return_sequences != layer.forward.return_sequences:
            raise NotRepresentable(f"{framework} has one return_sequences for both directions, got two")
        backward = replace(layer.backward, go_backwards=layer.forward.go_backwards)
        packed = [_before(part, framework) for part in (layer.forward, backward)]
        options = {"merge_mode": layer.merge_mode} if "merge_mode" in home.options else {}
        return _joined(framework, dict(zip(home.directions, packed, strict=True)), options)
    if not home.layers:
        raise NotRepresentable(f"{framework} has no names for layers on top of one another: pack each of them")
    parts = layer.layers
    if home.apart and not layer.go_backwards and not all(isinstance(part, Layer) for part in parts):
        if not layer.return_sequences or not all(part.return_sequences for part in parts):
            raise NotRepresentable(
                f"{framework} layers on top of one another must return sequences, got one that does not"
            )
        return _joined(framework, {home.apart.format(k): _before(part, framework) for k, part in enumerate(parts)}, {})
    for part in parts:
        if not isinstance(part, Layer) or part.go_backwards or not part.return_sequences:
            raise NotRepresentable(f"{framework} stacks cells that run forwards inside one layer, got others")
    packed = {home.layers.format(k): leaf(part, framework) for k, part in enumerate(layer.layers)}  # type: ignore[arg-type]
    flags = {name: getattr(layer, name) for name in FLAGS[:2]}
    for name in flags.keys() - home.options.keys():
        if flags.pop(name) != (name == "return_sequences"):
            raise NotRepresentable(f"{framework} has no {name}")
    return _joined(framework, packed, flags)


def _joined(framework: str, parts: Mapping[str, Packed], options: Mapping[str, Any], behind: bool = False) -> Packed:
    """Several layers' arrays under longer names; what they have in common are the options of all."""
    first, *others = parts.values()
    home = known(framework)
    sizes = {name for name, o in home.takes(first.cell).items() if o.means in ("units", "input_dim", "recurrent_dim")}
    common = {name: value for name, value in first.options.items() if name not in sizes}
    for other in others:
        if (other.cell, {k: v for k, v in other.options.items() if k not in sizes}) != (first.cell, common):
            raise NotRepresentable(
                f"{framework} has one cell and one set of options for all layers, got {other.options}"
            )
    shared = {
        name for name in sizes & first.options.keys() if all(p.options.get(name) == first.options[name] for p in others)
    }
    common |= {name: first.options[name] for name in shared if behind is False or name in first.options}
    arrays = {
        name + extra if behind else extra + name: array
        for extra, part in parts.items()
        for name, array in part.arrays.items()
    }
    changes = dict.fromkeys(change for part in parts.values() for change in part.changes)
    return Packed(framework, first.cell, arrays, {**common, **options}, first.form, tuple(changes))


def _behind(layer: AnyLayer, framework: str) -> Packed:
    """PyTorch: layers and directions as suffixes of the names, every layer with all directions."""
    home = known(framework)
    layers = layer.layers if isinstance(layer, Stack) else (layer,)
    if isinstance(layer, Stack) and layer.go_backwards:
        raise NotRepresentable(f"{framework} has no go_backwards")
    parts: dict[str, Packed] = {}
    inputs = []
    for k, one in enumerate(layers):
        directed = (one,)
        if isinstance(one, Bidirectional):
            if one.merge_mode != "concat":
                raise NotRepresentable(
                    f"{framework} puts the directions side by side, got merge_mode={one.merge_mode!r}"
                )
            if one.forward.go_backwards:
                raise NotRepresentable(f"{framework} runs the first direction forwards, got go_backwards=True")
            directed = (one.forward, replace(one.backward, go_backwards=False))
        for part, back in zip(directed, home.directions, strict=False):
            if not isinstance(part, Layer):
                raise NotRepresentable(f"{framework} stacks layers of one or two directions, got {type(part).__name__}")
            parts[f"{home.layers.format(k)}{back}"] = leaf(part, framework)
            inputs.append(part.input_dim)
    directions = {isinstance(one, Bidirectional) for one in layers}
    if len(directions) > 1:
        raise NotRepresentable(f"{framework} has as many directions in every layer, got one and two")
    unequal = {part.arrays["weight_hh"].shape for part in parts.values()}
    if len(unequal) > 1:
        raise NotRepresentable(
            f"{framework} has one hidden_size for all layers, got weight_hh of shapes {sorted(unequal)}"
        )
    more = {"input_size": inputs[0], "num_layers": len(layers), "bidirectional": True in directions}
    packed = _joined(framework, parts, more, behind=True)
    cut = isinstance(layer, Stack) and not layer.return_sequences
    return (
        replace(packed, changes=(*packed.changes, folds.LAST)) if cut and folds.LAST not in packed.changes else packed
    )


def _onnx(layer: AnyLayer) -> Packed:
    """ONNX: one leading axis of directions, and the activations of both in one list."""
    if isinstance(layer, Stack):
        raise NotRepresentable("onnx has one node a layer: pack each of them")
    parts: list[Layer | Stack] = [layer] if isinstance(layer, Layer) else [layer.forward, layer.backward]
    direction = parts[0].direction if isinstance(layer, Layer) and isinstance(parts[0], Layer) else "bidirectional"
    if isinstance(layer, Bidirectional):
        if layer.merge_mode != "concat":
            raise NotRepresentable(f"onnx gives the directions side by side, got merge_mode={layer.merge_mode!r}")
        if layer.forward.go_backwards:
            raise NotRepresentable("onnx runs the first direction forwards, got go_backwards=True")
        parts[1] = replace(layer.backward, go_backwards=False)
    if not all(isinstance(part, Layer) for part in parts):
        raise NotRepresentable("onnx has one node a layer: pack each of them")
    leaves = [leaf(replace(part, direction="forward"), "onnx") for part in parts if isinstance(part, Layer)]  # type: ignore[arg-type]
    if (
        len({(leaf.form, *sorted(leaf.arrays)) for leaf in leaves}) > 1
        or len({leaf.options["hidden_size"] for leaf in leaves}) > 1
    ):
        raise NotRepresentable(
            "onnx has both directions of one cell, with as many units and the same arrays, got others"
        )
    first = leaves[0]
    arrays = {name: np.stack([leaf.arrays[name] for leaf in leaves]) for name in first.arrays}
    shared = {name: value for name, value in first.options.items() if name != "functions"}
    try:
        functions = onnx.attributes([leaf.options["functions"] for leaf in leaves])
    except ValueError as error:
        raise NotRepresentable(str(error)) from None
    changes = dict.fromkeys(change for leaf in leaves for change in leaf.changes)
    return Packed(
        "onnx", first.cell, arrays, {**shared, **functions, "direction": direction}, first.form, tuple(changes)
    )
