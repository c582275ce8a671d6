"""A stored layer without a config -> one with the config that its arrays and its reader's word give.

What the arrays show is taken from them; what is needed beyond that is asked for by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reference import steps
from reference.cell_classes import OWN_CELLS
from reference.conventions.frameworks import FRAMEWORKS
from reference.files.guard import Guard
from reference.files.stored import Stored, StoredLayer, StoredModel

KERAS = ("keras", "keras2", "keras1")
EXAMPLES = {
    "activation": "'tanh'",
    "recurrent_activation": "'sigmoid' (before Keras 2.3 'hard_sigmoid' was the default)",
    "forget_bias": "1.0",
    "nonlinearity": "'tanh'",
    "go_backwards": "False",
    "merge_mode": "'concat'",
    "reset_after": "True",
    "framework": "'keras2'",
    "cell": "'lstm'",
}
_NOTHING: Any = object()


class Told:
    """The options that a reader gave by name: each one value for all layers that do not say, or `{layer path: value}`.

    Raises ValueError for a name that no framework has.
    """

    def __init__(self, options: Mapping[str, Any], guard: Guard) -> None:
        known = {"framework", "cell"} | {
            name
            for home in FRAMEWORKS.values()
            for cell in steps.CELLS
            for name, o in home.takes(cell).items()
            if o.means
        }
        for name in options:
            if name not in known:
                raise ValueError(f"option of load must be one of {', '.join(sorted(known))}, got {name!r}")
        self.options, self.guard = dict(options), guard
        self.used: set[str] = set()
        self.places: set[str] = set()

    def get(self, layer: StoredLayer, name: str, otherwise: Any = _NOTHING) -> Any:
        """What was said of a layer."""
        value = self.options.get(name, _NOTHING)
        self.places.add(layer.path)
        if isinstance(value, Mapping):
            value = value.get(layer.path, _NOTHING)
        if value is _NOTHING:
            return otherwise
        self.used.add(name)
        return value

    def has(self, layer: StoredLayer, name: str) -> bool:
        return self.get(layer, name) is not _NOTHING

    def needed(self, layer: StoredLayer, names: list[str]) -> dict[str, Any]:
        """What must have been said. Raises FileRefused, naming all that is missing."""
        missing = [name for name in names if not self.has(layer, name)]
        if missing:
            example = ", ".join(f"{name}={EXAMPLES.get(name, '…')}" for name in missing)
            must = f"must have its {', '.join(missing)} said by name, as in load(path, {example})"
            self.guard.refuse("not-said", layer.path, must, "a file without")
        return {name: self.get(layer, name) for name in names}

    def finished(self) -> None:
        """Raises ValueError for an option that said something of no layer."""
        for name, value in self.options.items():
            for path in value if isinstance(value, Mapping) else ():
                if path not in self.places:
                    raise ValueError(f"{name} must be said of layers in the file, got {path!r}")
            if name not in self.used:
                raise ValueError(f"{name} must be left out where no layer takes it or the file says it, got {value!r}")


def era(model: StoredModel, told: Told) -> StoredModel:
    """The model, of the framework that was said where the file leaves it open.

    Raises ValueError where the file says another.
    """
    said = told.options.get("framework")
    if said is None:
        return model
    if model.era_said and said != model.era:
        raise ValueError(f"framework must be {model.era!r}, as the file shows, or be left out, got {said!r}")
    if said not in FRAMEWORKS:
        raise ValueError(f"framework must be one of {', '.join(FRAMEWORKS)}, got {said!r}")
    told.used.add("framework")
    return replace(model, era=said, era_said=True)


def described(layer: StoredLayer, era: str, told: Told) -> StoredLayer:
    """A layer of a Keras file, with a class and a config."""
    directions = {name.split("/")[0] for name in layer.arrays if name.startswith(("forward_layer/", "backward_layer/"))}
    if not directions:
        kind, config, arrays = _one(layer, layer.arrays, era, told)
        return replace(layer, kind=kind, config=config, arrays=arrays)
    if len(directions) < 2:
        told.guard.refuse("missing-weight", layer.path, "must have a forward_layer and a backward_layer", *directions)
    config: dict[str, Any] = {"merge_mode": told.get(layer, "merge_mode", None)}
    arrays: dict[str, Stored] = {}
    for part, key in (("forward_layer", "layer"), ("backward_layer", "backward_layer")):
        own = {name.partition("/")[2]: a for name, a in layer.arrays.items() if name.startswith(f"{part}/")}
        kind, inner, named = _one(layer, own, era, told, ["merge_mode"])
        if key == "backward_layer":
            inner["go_backwards"] = not inner["go_backwards"]
        config[key] = {"class_name": kind, "config": inner, "registered_name": f"gateproof>{kind}"}
        arrays |= {f"{part}/{name}": a for name, a in named.items()}
    return replace(layer, kind="Bidirectional", config=config, arrays=arrays)


def _one(
    layer: StoredLayer, arrays: Mapping[str, Stored], era: str, told: Told, more: Sequence[str] = ()
) -> tuple[str, dict[str, Any], dict[str, Stored]]:
    """One direction: a class, its config, and its arrays under their names."""
    stacked = sorted({int(name.split("/")[1]) for name in arrays if re.match(r"cells/\d+/", name)})
    flags = {"return_sequences": bool(told.get(layer, "return_sequences", False))}
    flags["stateful"] = bool(told.get(layer, "stateful", False))
    if not stacked:
        kind, config, named = _cell(layer, arrays, era, told, more)
        flags |= told.needed(layer, ["go_backwards"])
        if kind in ("LSTM", "GRU", "SimpleRNN"):
            return kind, {**config, **flags}, named
        return "RNN", {"cell": _entry(kind, config), **flags}, named
    cells: list[dict[str, Any]] = []
    found: dict[str, Stored] = {}
    for k in stacked:
        under = f"cells/{k}/"
        own = {name[len(under) :]: a for name, a in arrays.items() if name.startswith(under)}
        kind, config, named = _cell(layer, own, era, told, more)
        cells.append(_entry(kind + "Cell" * (not kind.endswith("Cell")), config))
        found |= {f"cells/{len(cells) - 1}/{name}": a for name, a in named.items()}
    flags |= told.needed(layer, ["go_backwards"])
    return "RNN", {"cell": {"class_name": "StackedRNNCells", "config": {"cells": cells}}, **flags}, found


def _entry(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {"class_name": kind, "config": dict(config), "registered_name": f"gateproof>{kind}"}


def _cell(
    layer: StoredLayer, arrays: Mapping[str, Stored], era: str, told: Told, more: Sequence[str]
) -> tuple[str, dict[str, Any], dict[str, Stored]]:
    cell = _shown(layer, arrays, era, told)
    kind = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}.get(cell)
    named = dict(arrays)
    if kind is None:
        kind = next(name for name, own in OWN_CELLS.items() if own == cell)
        fields = [name for name in steps.weights_type(cell)._fields if name != "recurrent_bias"]
        named = {fields[int(n)] if n.isdigit() and int(n) < len(fields) else n: a for n, a in arrays.items()}
    config: dict[str, Any] = {}
    asked = ["activation"] + ["recurrent_activation"] * ("recurrent_activation" in steps.options(cell))
    bias, recurrent = arrays.get("bias"), arrays.get("recurrent_kernel")
    if era != "keras1" and bias is None:
        config["use_bias"] = False
    if era != "keras1" and kind == "GRU" and bias is None:
        asked.append("reset_after")
    twice = bias is not None and recurrent is not None and bias.shape == (2 * recurrent.shape[-1],)
    if twice and kind in ("LSTM", "GRU"):  # only cuDNN's layers have it, and they have no functions to choose
        told.needed(layer, ["go_backwards", *more])
        return kind, {**config, "activation": "tanh", "recurrent_activation": "sigmoid"}, named
    told.needed(layer, [*asked, "go_backwards", *more])
    config |= told.needed(layer, asked)
    if era == "keras1" and "recurrent_activation" in config:
        config["inner_activation"] = config.pop("recurrent_activation")
    return kind, config, named


def _shown(layer: StoredLayer, arrays: Mapping[str, Stored], era: str, told: Told) -> str:
    """The cell that the arrays' names and shapes show, or that was said."""
    said = told.get(layer, "cell", None)
    if said is not None:
        if said not in steps.CELLS:
            raise ValueError(f"cell must be one of {', '.join(steps.CELLS)}, got {said!r}")
        return said
    if era == "keras1":
        for cell, names in (("lstm", {"W_i", "W_f"}), ("gru", {"W_z", "W_r"})):
            if names <= arrays.keys():
                return cell
    kernel = arrays.get("recurrent_kernel") or arrays.get("U")
    shape = kernel.shape if kernel is not None else ()
    if len(shape) == 2 and shape[0] and shape[1] % shape[0] == 0 and arrays.keys() <= KNOWN:
        gates, bias = shape[1] // shape[0], arrays.get("bias")
        sure = (bias is not None and bias.shape != (shape[1],)) or "gru" in layer.path.lower() or era != "keras"
        if gates in (1, 4) or (gates == 3 and sure):
            return {1: "simple_rnn", 3: "gru", 4: "lstm"}[gates]
    return told.needed(layer, ["cell"])["cell"]


KNOWN = {"kernel", "recurrent_kernel", "bias", "W", "U", "b"}
