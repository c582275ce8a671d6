"""A stored layer -> Layer, Stack or Bidirectional: by its config, by its era, by what its reader was told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reference.cell_classes import CELLS, OWN_CELLS
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.settings import settings
from reference.conventions.unpacking import unpack
from reference.files import untold, variables
from reference.files.cell_options import FLAGS, Options, cudnn, tensorflow
from reference.files.guard import FileRefused, Guard, shown
from reference.files.outline import package, plain, trusted
from reference.files.stored import Stored, StoredLayer, StoredModel
from reference.files.untold import Told, described
from reference.layer import AnyLayer, Bidirectional, Layer, Stack

LAYERS = {
    "LSTM": "lstm",
    "GRU": "gru",
    "SimpleRNN": "simple_rnn",
    "CuDNNLSTM": "lstm",
    "CuDNNGRU": "gru",
}
WRAPPERS = ("RNN", "Bidirectional")
FOREIGN = ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "ConvRecurrent2D", "ConvRNN2D", "StackedRNNCells")
OTHERWISE = "to leave it out, name the others in only=[…]"
CUSTOM_SIGNS = {"return_sequences", "cell", "state_size", "recurrent_activation", "inner_activation"}


class Reader:
    """One model's stored layers, with what the reader was told of those that do not say."""

    def __init__(self, model: StoredModel, guard: Guard, told: Told) -> None:
        self.guard, self.told = guard, told
        self.model = untold.era(model, self.told)
        self.options = Options(self.model, guard, told)

    def is_recurrent(self, layer: StoredLayer) -> bool:
        """Whether `read` is for it. Raises FileRefused for a recurrent layer of a class that is not read."""
        kind = plain(layer.kind)
        if not layer.kind:
            return any(re.search(r"(^|/)(recurrent_kernel|U(_[a-z])?|weight_hh.*)$", name) for name in layer.arrays)
        if kind in LAYERS or kind in WRAPPERS:
            if not trusted(layer.package) or layer.within:
                self._unsupported(layer)
            return True
        signs = not trusted(layer.package) or _unknown(kind)
        if kind in FOREIGN or kind in CELLS | OWN_CELLS or (signs and CUSTOM_SIGNS & layer.config.keys()):
            self._unsupported(layer)
        return False

    def _unsupported(self, layer: StoredLayer) -> None:
        kind = f"{layer.package}>{layer.kind}" if layer.package and ">" not in layer.kind else layer.kind
        kind = f"{kind} in {layer.within}" if layer.within else kind
        known = ", ".join([*LAYERS, *WRAPPERS])
        must = f"must be one of {known} of Keras, in no wrapper but TimeDistributed ({OTHERWISE})"
        self.guard.refuse("unsupported-class", layer.path, must, kind)

    def read(self, layer: StoredLayer) -> AnyLayer:
        """The layer, with its numbers."""
        version = f"Keras {self.model.version}" if self.model.version else ""
        what = ", ".join(part for part in (plain(layer.kind), version) if part)
        source = f"{self.guard.file}: {layer.where.strip('/')}" + (f" ({what})" if what else "")
        numbers = lambda prefix: {name[len(prefix) :]: a for name, a in layer.arrays.items() if name.startswith(prefix)}
        if not layer.kind:
            layer = described(layer, self.model.era, self.told)
        if plain(layer.kind) == "Bidirectional":
            forward = self._directed(layer, layer.config.get("layer"))
            backward = layer.config.get("backward_layer")
            first = self._layer(layer, *forward, numbers("forward_layer/"), source)
            if backward is None:
                second = self._layer(layer, *forward, numbers("backward_layer/"), source)
                second = replace(second, go_backwards=not second.go_backwards)
            else:
                second = self._layer(layer, *self._directed(layer, backward), numbers("backward_layer/"), source)
            merge_mode = layer.config.get("merge_mode", "concat")
            if not isinstance(merge_mode, str | None):
                self.guard.refuse("unsupported-option", layer.path, "must have a merge_mode that is a text", merge_mode)
            try:
                return Bidirectional(first, second, merge_mode, source)  # type: ignore[arg-type]
            except ValueError as error:
                raise self._refused("unsupported-option", layer, error) from None
        return self._layer(layer, plain(layer.kind), layer.config, layer.package, layer.arrays, source)

    def _directed(self, layer: StoredLayer, entry: Any) -> tuple[str, Mapping[str, Any], str]:
        """A layer of a Bidirectional, which in TensorFlow's Keras and in Keras 3 puts zeros at masked steps."""
        kind, config, home = self._entry(layer, entry)
        if self.model.era == "keras" or (self.model.era == "keras2" and tensorflow(self.model.version)):
            config = {**config, "zero_output_for_mask": config.get("return_sequences", False)}
        return kind, config, home

    def _entry(self, layer: StoredLayer, entry: Any) -> tuple[str, Mapping[str, Any], str]:
        """The class, the config and the package of a layer or cell within."""
        if not isinstance(entry, Mapping) or not isinstance(entry.get("config"), Mapping):
            self.guard.refuse("config", layer.path, "must have an inner class_name and config", type(entry).__name__)
        if not trusted(package(entry)):
            must = f"must be made of layers and cells of Keras ({OTHERWISE})"
            self.guard.refuse("unsupported-class", layer.path, must, f"{package(entry)}>{entry.get('class_name')}")
        return plain(str(entry.get("class_name"))), entry["config"], package(entry)

    def _layer(
        self,
        layer: StoredLayer,
        kind: str,
        config: Mapping[str, Any],
        home: str,
        arrays: Mapping[str, Stored],
        source: str,
    ) -> Layer | Stack:
        flags = {name: self.options.flag(layer, config, name) for name in FLAGS}
        if kind == "RNN":
            self.options.checked(layer, config, set(), "RNN")
            inner, cell, own = self._entry(layer, config.get("cell"))
            if inner != "StackedRNNCells":
                return self._cell(layer, inner, cell, own, arrays, source, flags)
            self.options.checked(layer, cell, {"cells"}, inner)
            each = {**flags, "go_backwards": False, "return_sequences": True}
            found: list[Layer] = []
            cells = cell.get("cells")
            for k, entry in enumerate(cells if isinstance(cells, list) else []):
                under = f"cells/{k}/"
                part = {name[len(under) :]: a for name, a in arrays.items() if name.startswith(under)}
                found.append(self._cell(layer, *self._entry(layer, entry), part, source, each))
            if not found:
                self.guard.refuse("config", layer.path, "must have a cell or several", "none")
            return Stack(
                tuple(found),
                go_backwards=flags["go_backwards"],
                return_sequences=flags["return_sequences"],
                source=source,
            )
        if kind not in LAYERS:
            self.guard.refuse("unsupported-class", layer.path, f"must hold one of {', '.join(LAYERS)} or RNN", kind)
        return self._cell(layer, kind, config, home, arrays, source, flags)

    def _cell(
        self,
        layer: StoredLayer,
        kind: str,
        config: Mapping[str, Any],
        home: str,
        arrays: Mapping[str, Stored],
        source: str,
        flags: Mapping[str, bool],
    ) -> Layer:
        own = home == "gateproof" or home.split(".")[0] == "cells"
        names = LAYERS | CELLS | (OWN_CELLS if own and self.model.era == "keras" else {})
        if kind not in names:
            must = f"must hold one of {', '.join(names)} ({OTHERWISE})"
            self.guard.refuse("unsupported-class", layer.path, must, kind)
        cell, era = names[kind], self.model.era
        options = self.options.cell(layer, kind, cell, config, arrays, own)
        framework = era
        shapes = {name: array.shape for name, array in arrays.items()}
        if cudnn(cell, shapes) and era != "keras1":
            framework = "cudnn"
            if options.get("use_bias") is False or options.get("reset_after") is False:
                must = "must have a bias of one number a gate and unit, as its config says"
                self.guard.refuse("shape", layer.path, must, shapes["bias"])
        units = config.get("output_dim" if era == "keras1" else "units")
        if units is not None and (isinstance(units, bool) or not isinstance(units, int) or units < 1):
            self.guard.refuse("shape", layer.path, "must have units that are a positive whole number", units)
        known = FRAMEWORKS[framework].takes(cell)
        given = {name: value for name, value in options.items() if framework != "cudnn" or name in known}
        if units is not None:
            given["output_dim" if framework == "keras1" else "units"] = units
        try:
            settings(framework, cell, given)
        except ValueError as error:
            raise self._refused("unsupported-option", layer, error) from None
        try:
            made = unpack(framework, cell, {name: array.read() for name, array in arrays.items()}, **given)
        except FileRefused:
            raise
        except ValueError as error:
            code = "missing-weight" if "must have an array" in str(error) else "shape"
            raise self._refused(code, layer, error) from None
        assert isinstance(made, Layer)
        step = {name: options[name] for name in ("activation", "recurrent_activation") if name in options}
        if framework == "cudnn":
            made = replace(made, options={**made.options, **step})
        return replace(made, **flags, source=source)

    def _refused(self, code: str, layer: StoredLayer, error: Exception) -> FileRefused:
        return FileRefused(code, f"{shown(layer.path)} of {self.guard.file}: {shown(error)}")


def _unknown(kind: str) -> bool:
    return variables.arrays(kind, {}, "keras2") is None
