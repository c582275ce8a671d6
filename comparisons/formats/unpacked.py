"""A stored layer of TensorFlow 1, PyTorch or ONNX -> Layer, Stack or Bidirectional: what it says, and what is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from comparisons.formats import onnx_model, pytorch_state, tf_checkpoint
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.unpacking import unpack
from reference.files.guard import FileRefused, Guard, shown
from reference.files.stored import Stored, StoredLayer, StoredModel
from reference.files.untold import Told
from reference.layer import AnyLayer, Bidirectional, Layer, Stack

# Options that such a file never says, and the cells that must have them.
ASKED = {
    "tf1": {"forget_bias": ("lstm", "cifg", "layer_norm_lstm", "ugrnn")},
    "pytorch": {"nonlinearity": ("simple_rnn",)},
}


class Reader:
    """One model's stored layers, with what the reader was told of those that do not say."""

    def __init__(self, model: StoredModel, guard: Guard, told: Told) -> None:
        self.model, self.guard, self.told = model, guard, told

    def is_recurrent(self, layer: StoredLayer) -> bool:
        """Whether `read` is for it."""
        return bool(self._cells(layer))

    def read(self, layer: StoredLayer) -> AnyLayer:
        """The layer, with its numbers."""
        begun = [name for name in layer.arrays if name.startswith("initial_")]
        parts = {
            part: self._unpacked(layer, cell, _under(layer.arrays, part), begun)
            for part, cell in self._cells(layer).items()
        }
        what = f" ({layer.kind})" if layer.kind else ""
        begins = f"; begins with its own {' and '.join(begun)}, which run must be given" if begun else ""
        return replace(self._together(layer, parts), source=f"{self.guard.file}: {shown(layer.where)}{what}{begins}")

    def _cells(self, layer: StoredLayer) -> dict[str, str]:
        """The cells of a layer by what their arrays' names begin with; a scope's name that is not known may be told."""
        if self.model.era != "tf1":
            found = (onnx_model if self.model.era == "onnx" else pytorch_state).cell(layer)
            return {"": found} if found else {}
        if scopes := layer.config.get("cells"):
            return {part: tf_checkpoint.CELLS[scope] for part, scope in scopes.items()}
        named = self.told.options.get("cell")
        return {"": self.told.get(layer, "cell")} if isinstance(named, Mapping) and layer.path in named else {}

    def _unpacked(self, layer: StoredLayer, cell: str, arrays: Mapping[str, Stored], begun: list[str]) -> Any:
        era = self.model.era
        takes = FRAMEWORKS[era].takes(cell)
        told = {name: self.told.get(layer, name) for name in self.told.options if name in takes}
        told = {name: value for name, value in told.items() if self.told.has(layer, name)}
        self.told.needed(layer, [name for name, cells in ASKED.get(era, {}).items() if cell in cells])
        said = layer.config if era == "onnx" else {}
        if era == "pytorch" and not any(name.startswith("bias_") for name in arrays):
            said = {"bias": False}
        if again := said.keys() & told.keys():
            raise ValueError(f"{again.pop()} must be left out where the file says it, as {layer.path} does")
        numbers = {name: array.read() for name, array in arrays.items() if name not in begun}
        try:
            return unpack(era, cell, numbers, **said, **told)
        except ValueError as error:
            missing = re.search(r"must have (an array|arrays of every)|got none$", str(error))
            raise self._refused("missing-weight" if missing else "shape", layer, error) from None

    def _together(self, layer: StoredLayer, parts: Mapping[str, Any]) -> AnyLayer:
        """TensorFlow 1's cells by `fw/cell_0/` as one layer."""
        if parts.keys() == {""}:
            return parts[""]
        sides = {side: self._stacked(layer, _under(parts, side)) for side in ("", "fw/", "bw/") if _under(parts, side)}
        if any(part.startswith(("fw/", "bw/")) for part in parts):
            if "fw/" not in sides or "bw/" not in sides or any(part[:3] not in ("fw/", "bw/") for part in parts):
                self.guard.refuse("missing-weight", layer.path, "must have the two directions fw and bw", list(parts))
            return Bidirectional(sides["fw/"], _reversed(sides["bw/"]))
        return sides[""]

    def _stacked(self, layer: StoredLayer, parts: Mapping[str, Layer]) -> Layer | Stack | Any:
        if parts.keys() == {""} or any(part.startswith(("fw/", "bw/")) for part in parts):
            return parts.get("")
        names = [f"cell_{k}/" for k in range(len(parts))]
        if set(names) != parts.keys():
            self.guard.refuse("missing-weight", layer.path, f"must have the cells {', '.join(names)}", list(parts))
        cells = [parts[name] for name in names]
        for name, below, above in zip(names[1:], cells, cells[1:], strict=False):
            if below.recurrent_dim != above.input_dim:
                must = f"must take the {below.recurrent_dim} numbers that the cell below gives"
                self.guard.refuse("shape", f"{layer.path}/{name}", must, above.input_dim)
        return Stack(tuple(cells))

    def _refused(self, code: str, layer: StoredLayer, error: Exception) -> FileRefused:
        return FileRefused(code, f"{shown(layer.path)} of {self.guard.file}: {shown(error)}")


def _under(named: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name[len(prefix) :]: value for name, value in named.items() if name.startswith(prefix)}


def _reversed(layer: Layer | Stack) -> Layer | Stack:
    return replace(layer, go_backwards=True)
