"""A stored layer -> Layer, Stack or Bidirectional: by its config, by its era, by what its reader was told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reference import activations, steps
from reference.activations import Activation
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.unpacking import unpack
from reference.files import untold, variables
from reference.files.functions import function
from reference.files.guard import FileRefused, Guard, shown
from reference.files.outline import package, plain, trusted
from reference.files.stored import Stored, StoredLayer, StoredModel
from reference.files.untold import Told, described
from reference.keras_layers import CELLS, OWN_CELLS
from reference.layer import AnyLayer, Bidirectional, Layer, Stack

LAYERS = {
    "LSTM": "lstm",
    "GRU": "gru",
    "SimpleRNN": "simple_rnn",
    "CuDNNLSTM": "lstm",
    "CuDNNGRU": "gru",
}
CUDNN = {"activation": "tanh", "recurrent_activation": "sigmoid"}  # what cuDNN computes
WRAPPERS = ("RNN", "Bidirectional")
FOREIGN = ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "ConvRecurrent2D", "ConvRNN2D", "StackedRNNCells")
OTHERWISE = "to leave it out, name the others in only=[…]"
FLAGS = ("go_backwards", "return_sequences", "stateful", "zero_output_for_mask")
# Of a config's arguments, those that change no number that a Layer gives, where `unpack` does not know them.
IGNORED = {
    *(
        "batch_shape",
        "batch_input_shape",
        "input_shape",
        "input_dim",
        "input_length",
        "input_dtype",
        "sparse",
        "ragged",
    ),
    *("dtype", "name", "trainable", "units", "output_dim", "unroll", "return_state", "implementation", "consume_less"),
    *("dropout", "recurrent_dropout", "dropout_W", "dropout_U", "seed", "init", "inner_init", "forget_bias_init"),
    *("activity_regularizer", "bias_initializer_", "use_cudnn", "autocast", "truncate_gradient", "weights", "cell"),
    *("unit_forget_bias", "cache_enabled", "registered_name", "module", "build_config", "shared_object_id"),
    *("use_bias", "reset_after", "activation", "recurrent_activation", "inner_activation", *FLAGS),
}
INERT_ENDINGS = ("_initializer", "_regularizer", "_constraint")
# And those that are read only where they have the value of every ordinary layer.
ORDINARY: dict[str, tuple[Any, ...]] = {
    "time_major": (False, None),
    "num_constants": (None, 0),
    "reverse_state_order": (False, None),
    "enable_caching_device": (False, True, None),
    "quantization_config": (None,),
    "return_constants": (False, None),
}
CUSTOM_SIGNS = {"return_sequences", "cell", "state_size", "recurrent_activation", "inner_activation"}


class Reader:
    """One model's stored layers, with what the reader was told of those that do not say."""

    def __init__(self, model: StoredModel, guard: Guard, told: Told) -> None:
        self.guard, self.told = guard, told
        self.model = untold.era(model, self.told)

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
            try:
                return Bidirectional(first, second, layer.config.get("merge_mode", "concat"), source)  # type: ignore[arg-type]
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
        flags = {name: self._flag(layer, config, name) for name in FLAGS}
        if kind == "RNN":
            self._checked(layer, config, set(), "RNN")
            inner, cell, own = self._entry(layer, config.get("cell"))
            if inner != "StackedRNNCells":
                return self._cell(layer, inner, cell, own, arrays, source, flags)
            self._checked(layer, cell, {"cells"}, inner)
            each = {**flags, "go_backwards": False, "return_sequences": True}
            found: list[Layer] = []
            for k, entry in enumerate(cell.get("cells") or []):
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

    def _flag(self, layer: StoredLayer, config: Mapping[str, Any], name: str) -> bool:
        value = config.get(name)
        if not isinstance(value, bool | None):
            self.guard.refuse("unsupported-option", layer.path, f"must have a {name} that is true or false", value)
        return bool(value)

    def _checked(self, layer: StoredLayer, config: Mapping[str, Any], more: set[str], kind: str) -> None:
        """Arguments that could change numbers, and are not known, are refused."""
        for name, value in config.items():
            if name in ORDINARY:
                if value not in ORDINARY[name]:
                    must = f"must have {name}={ORDINARY[name][0]}, which alone is read"
                    self.guard.refuse("unsupported-option", layer.path, must, value)
            elif name not in IGNORED and name not in more and not name.endswith(INERT_ENDINGS) and value is not None:
                must = f"must have arguments that a {kind} is known to have"
                self.guard.refuse("unsupported-option", layer.path, must, f"{name}={value!r}")

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
        names = LAYERS | CELLS | (OWN_CELLS if own else {})
        if kind not in names:
            must = f"must hold one of {', '.join(names)} ({OTHERWISE})"
            self.guard.refuse("unsupported-class", layer.path, must, kind)
        cell, era = names[kind], self.model.era
        options = self._options(layer, kind, cell, config, arrays, own)
        framework = era
        shapes = {name: array.shape for name, array in arrays.items()}
        if _cudnn(cell, shapes) and era != "keras1":
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

    def _options(
        self,
        layer: StoredLayer,
        kind: str,
        cell: str,
        config: Mapping[str, Any],
        arrays: Mapping[str, Stored],
        own: bool,
    ) -> dict[str, Any]:
        """The cell's options, its era's defaults made explicit and its functions resolved."""
        era = self.model.era
        step = steps.options(cell)
        takes = FRAMEWORKS["keras"].takes(cell) if own else {}
        mine = {name for name in config if own and (name in step or name in takes and takes[name].means)}
        self._checked(layer, config, mine, kind)
        theirs = {"recurrent_activation": "inner_activation"} if era == "keras1" else {}
        found = {name: config[name] for name in mine if not name.endswith("activation") and name not in FLAGS}
        found.pop("units", None)
        for name in [name for name in step if name.endswith("activation")]:
            said = theirs.get(name, name)
            if kind.startswith("CuDNN") and name in CUDNN:
                found[name] = activations.get(CUDNN[name])
            elif said in config:
                value = config[said]
                none = value is None and own and step[name] is None
                found[said] = None if none else self._activation(layer, said, value)
            elif name in CUDNN and not own:
                found[said] = self._activation(layer, said, self._default(layer, cell, said))
        if era == "keras1":
            if {"W", "U"} & arrays.keys():
                found["consume_less"] = "gpu" if cell in ("lstm", "gru") else None
            return {name: value for name, value in found.items() if value is not None}
        if "use_bias" in config and not kind.startswith("CuDNN"):
            found["use_bias"] = bool(config["use_bias"])
        if cell == "gru":
            found["reset_after"] = self._reset_after(layer, kind, config, arrays)
        return found

    def _reset_after(
        self, layer: StoredLayer, kind: str, config: Mapping[str, Any], arrays: Mapping[str, Stored]
    ) -> bool:
        said = config.get("reset_after")
        if kind.startswith("CuDNN"):
            return True
        if isinstance(said, bool):
            return said
        bias = arrays.get("bias")
        if bias is not None:
            return len(bias.shape) == 2 or _cudnn("gru", {name: a.shape for name, a in arrays.items()})
        return bool(self._default(layer, "gru", "reset_after"))

    def _default(self, layer: StoredLayer, cell: str, name: str) -> Any:
        """What an argument was where a config leaves it out, in the version that wrote the file."""
        era, version = self.model.era, self.model.version
        numbers = release(version)
        if era == "keras1":
            if name == "activation" and cell != "lstm" and numbers and numbers < (1, 0):
                return "sigmoid"
            return {"activation": "tanh", "inner_activation": "hard_sigmoid"}[name]
        if name == "activation":
            return "tanh"
        if era == "keras" or (numbers >= (2, 4) and "-tf" not in version):
            return {"recurrent_activation": "sigmoid", "reset_after": True}[name]
        if not numbers or tensorflow(version):  # layers of two versions were written by the same Keras
            return self.told.needed(layer, [name])[name]
        modern = numbers >= (2, 3)
        return {"recurrent_activation": "sigmoid" if modern else "hard_sigmoid", "reset_after": False}[name]

    def _activation(self, layer: StoredLayer, name: str, value: Any) -> Activation:
        if value == "hard_sigmoid" and not self.model.era_said:
            self.told.needed(layer, ["framework"])
        found = function(value, self.model.era)
        if found is None:
            must = f"must have a known {name} ({', '.join(sorted(FRAMEWORKS['keras'].activations))})"
            got = value if not isinstance(value, Mapping) else value.get("registered_name") or value.get("config")
            self.guard.refuse("unsupported-function", layer.path, must, got)
        return found


def release(version: str) -> tuple[int, ...]:
    """
    >>> release("2.2.4-tf")
    (2, 2)
    """
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def tensorflow(version: str) -> bool:
    """Whether a Keras 2 was TensorFlow's, from 1.13 on: those before 2.4 say so in their versions."""
    return release(version) >= ((2, 2) if version.endswith("-tf") else (2, 4))


def _unknown(kind: str) -> bool:
    return variables.arrays(kind, {}, "keras2") is None


def _cudnn(cell: str, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether a bias has cuDNN's length: two a gate, in a line."""
    bias, kernel = shapes.get("bias"), shapes.get("recurrent_kernel")
    if bias is None or kernel is None or len(bias) != 1 or len(kernel) != 2 or cell not in ("lstm", "gru"):
        return False
    return bias[0] == 2 * kernel[1] == 2 * kernel[0] * {"lstm": 4, "gru": 3}[cell]
