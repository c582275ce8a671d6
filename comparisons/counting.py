"""What a file's layers count, from its headers: gate by gate where a layer is recurrent. No number is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import Any

from reference.cell_classes import CELLS, OWN_CELLS
from reference.count_shapes import recognise
from reference.files.stored import Stored, StoredLayer, StoredModel

KNOWN = CELLS | OWN_CELLS
UNSAID = (
    "lstm",
    "gru",
    "simple_rnn",
    "peephole_lstm",
    "cifg",
    "layer_norm_lstm",
    "ugrnn",
)  # arrays alone: in this order
WIDTHS = ("cells_per_block", "variant", "coupled")  # options that change the width of a gate
STATISTICS = ("moving_", "running_")  # arrays that no optimizer touches


def counted(model: StoredModel) -> dict[str, Any]:
    """Every layer that has arrays, and the totals. `trainable` is None where the file does not say."""
    layers = [_layer(layer, model.era) for layer in model.layers if layer.arrays]
    own = list(_once(model.layers))
    said = all(layer["trainable"] is not None for layer in layers)
    return {
        "file": model.file,
        "format": model.format,
        "keras_version": model.version or None,
        "layers": layers,
        "parameters": sum(map(_parameters, own)),
        "trainable_parameters": sum(map(_trainable, own)) if said else None,
        "bytes": sum(map(_bytes, own)),
    }


def _once(layers: Iterable[StoredLayer]) -> Iterator[StoredLayer]:
    """The layers with every array in one of them: what two share counts once in a total."""
    seen: set[int] = set()
    for layer in layers:
        yield replace(layer, arrays={name: a for name, a in layer.arrays.items() if id(a) not in seen})
        seen |= {id(array) for array in layer.arrays.values()}


def _parameters(layer: StoredLayer) -> int:
    return sum(prod(array.shape) for array in layer.arrays.values())


def _trainable(layer: StoredLayer) -> int:
    learned = (a for name, a in layer.arrays.items() if not name.rsplit("/", 1)[-1].startswith(STATISTICS))
    return sum(prod(array.shape) for array in learned) if layer.trainable else 0


def _bytes(layer: StoredLayer) -> int:
    return sum(prod(array.shape) * array.dtype.itemsize for array in layer.arrays.values())


def _layer(layer: StoredLayer, era: str) -> dict[str, Any]:
    arrays = layer.arrays
    return {
        "path": layer.path,
        "class": layer.kind or None,
        "trainable": layer.trainable,
        "parameters": _parameters(layer),
        "trainable_parameters": _trainable(layer),
        "dtype": " and ".join(dict.fromkeys(array.dtype.name for array in arrays.values())),
        "bytes": _bytes(layer),
        "arrays": [{"name": name, "shape": list(a.shape), "dtype": a.dtype.name} for name, a in arrays.items()],
        "parts": list(_parts(layer, era)),
    }


def _parts(layer: StoredLayer, era: str) -> Iterator[dict[str, Any]]:
    """One entry a cell and direction of a recurrent layer; none for another layer."""
    classes = {layer.kind, *_classes(layer.config)}
    cells = list(dict.fromkeys(_cells(classes))) or ([] if layer.kind else list(UNSAID))
    named = layer.config.get("cells", {}) if era == "tf1" else {}  # the scopes of TensorFlow 1 say which cell each is
    own = {name: layer.config[name] for name in WIDTHS if name in layer.config}
    for part, shapes in (_directed if era == "onnx" else _leaves)(layer.arrays).items():
        scope = named.get(f"{part}/" if part else "")
        of = [*_scoped(scope), "peephole_lstm"] if scope else cells
        tried = (recognise(convention, of, shapes, **own) for convention in dict.fromkeys((era, "keras", "cudnn")))
        if found := next(filter(None, tried), None):
            yield {
                "part": part,
                "form": found.form,
                "input_dim": found.layer.input_dim,
                "units": found.units,
                "recurrent_dim": found.layer.recurrent_dim,
                "gates": [gate._asdict() for gate in found.layer.gates],
                "others": {name: list(dims) for name, dims in found.layer.others.items()},
                "parameters": found.layer.parameters,
                "formula": found.layer.formula,
            }


def _scoped(scope: str) -> list[str]:
    """The cell of a scope of TensorFlow 1's."""
    from comparisons.formats.tf_checkpoint import CELLS as SCOPES

    return [SCOPES[scope]]


def _cells(classes: set[str]) -> Iterator[str]:
    """What cells the classes are of, by the names that `reference.read` knows too."""
    for name in sorted(classes):
        short = name.rsplit(">", 1)[-1].removeprefix("CuDNN")
        cell = KNOWN.get(short) or KNOWN.get(f"{short}Cell")
        if cell:
            yield cell


def _classes(config: Any) -> Iterator[str]:
    """Every class that a config names, at any depth."""
    waiting = [config]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Mapping):
            name = here.get("class_name")
            if isinstance(name, str):
                yield name
            waiting += here.values()
        elif isinstance(here, list | tuple):
            waiting += here


def _leaves(arrays: Mapping[str, Stored]) -> dict[str, dict[str, tuple[int, ...]]]:
    """The shapes by cell and direction: `forward_layer/kernel` and `weight_ih_l0_reverse` are parts of their own."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, array in arrays.items():
        behind = re.search(r"_l\d+(_reverse)?$", name)
        nested = re.match(r"((?:forward_layer|backward_layer|layer_\d+|cells/\d+|fw|bw|cell_\d+)/)+", name)
        part = behind[0] if behind else nested[0] if nested else ""
        short = name.removesuffix(part) if behind else name.removeprefix(part)
        found.setdefault(part.strip("/_"), {})[short] = array.shape
    return found


def _directed(arrays: Mapping[str, Stored]) -> dict[str, dict[str, tuple[int, ...]]]:
    """ONNX: the first axis of every array has the directions."""
    count = max((array.shape[0] for array in arrays.values() if array.shape), default=0)
    parts = {1: ("",), 2: ("forward", "reverse")}.get(count, ())
    return {part: {name: array.shape[1:] for name, array in arrays.items()} for part in parts}
