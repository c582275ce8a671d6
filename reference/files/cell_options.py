"""A recurrent layer's config -> its cell's options: its era's defaults made explicit, its functions resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reference import activations, steps
from reference.activations import Activation
from reference.conventions.frameworks import FRAMEWORKS
from reference.files.functions import function
from reference.files.guard import Guard
from reference.files.stored import Stored, StoredLayer, StoredModel
from reference.files.untold import Told

FLAGS = ("go_backwards", "return_sequences", "stateful", "zero_output_for_mask")
CUDNN = {"activation": "tanh", "recurrent_activation": "sigmoid"}  # what cuDNN computes
# Of a config's arguments, those that change no number that a Layer gives, where `unpack` does not know them.
IGNORED = {
    *("batch_shape", "batch_input_shape", "input_shape", "input_dim", "input_length", "input_dtype", "sparse"),
    *("ragged", "dtype", "name", "trainable", "units", "output_dim", "unroll", "return_state", "implementation"),
    *("consume_less", "dropout", "recurrent_dropout", "dropout_W", "dropout_U", "seed", "init", "inner_init"),
    *("forget_bias_init", "unit_forget_bias", "use_cudnn", "autocast", "weights", "truncate_gradient", "cell"),
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


class Options:
    """What the layers of one model say of their cells, and what the reader was told where they say nothing."""

    def __init__(self, model: StoredModel, guard: Guard, told: Told) -> None:
        self.model, self.guard, self.told = model, guard, told

    def flag(self, layer: StoredLayer, config: Mapping[str, Any], name: str) -> bool:
        value = config.get(name)
        if not isinstance(value, bool | None):
            self.guard.refuse("unsupported-option", layer.path, f"must have a {name} that is true or false", value)
        return bool(value)

    def checked(self, layer: StoredLayer, config: Mapping[str, Any], more: set[str], kind: str) -> None:
        """Arguments that could change numbers, and are not known, are refused."""
        for name, value in config.items():
            if name in ORDINARY:
                if value not in ORDINARY[name]:
                    must = f"must have {name}={ORDINARY[name][0]}, which alone is read"
                    self.guard.refuse("unsupported-option", layer.path, must, value)
            elif name not in IGNORED and name not in more and not name.endswith(INERT_ENDINGS) and value is not None:
                must = f"must have arguments that a {kind} is known to have"
                self.guard.refuse("unsupported-option", layer.path, must, f"{name}={value!r}")

    def cell(
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
        mine = {name for name in config if own and (name in step or (name in takes and takes[name].means))}
        self.checked(layer, config, mine, kind)
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
        if config.get("use_bias") is not None and not kind.startswith("CuDNN"):
            found["use_bias"] = config["use_bias"]
        if cell == "gru":
            found["reset_after"] = self._reset_after(layer, kind, config, arrays)
        return found

    def _reset_after(
        self, layer: StoredLayer, kind: str, config: Mapping[str, Any], arrays: Mapping[str, Stored]
    ) -> Any:
        said = config.get("reset_after")
        if kind.startswith("CuDNN"):
            return True
        if said is not None:
            return said
        bias = arrays.get("bias")
        if bias is not None:
            return len(bias.shape) == 2 or cudnn("gru", {name: a.shape for name, a in arrays.items()})
        return self._default(layer, "gru", "reset_after")

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
    return tuple(int(part) for part in re.findall(r"\d{1,4}", version)[:2])


def tensorflow(version: str) -> bool:
    """Whether a Keras 2 was TensorFlow's, from 1.13 on: those before 2.4 say so in their versions."""
    return release(version) >= ((2, 2) if version.endswith("-tf") else (2, 4))


def cudnn(cell: str, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether a bias has cuDNN's length: two a gate, in a line."""
    bias, kernel = shapes.get("bias"), shapes.get("recurrent_kernel")
    if bias is None or kernel is None or len(bias) != 1 or len(kernel) != 2 or cell not in ("lstm", "gru"):
        return False
    return bias[0] == 2 * kernel[1] == 2 * kernel[0] * {"lstm": 4, "gru": 3}[cell]
