"""This project's cells of TensorFlow 1, and its wrappers, in `keras.layers.RNN` or step by step."""

from __future__ import annotations

from typing import Any

from comparisons.frameworks import absent, keras3, tf1, wrapping
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer, Wrapped, pack
from reference.layer import AnyLayer


def title() -> str:
    return "this project's TensorFlow 1 cells and wrappers"


def missing() -> str | None:
    return absent("cells_tf1")


def unable(case: Case, layer: AnyLayer | Wrapped) -> str | None:
    return keras3.imprecise(case) or tf1.unlike(case, layer, "this project's cell of TensorFlow 1")


def run(case: Case, layer: AnyLayer | Wrapped, x: Any, mask: Any) -> Trace:
    """`cells.tf1` in RNN; wrappers with their masks replayed, step by step where these change."""
    return wrapping.run(case, layer, x, cell)


def cell(layer: Layer, dtype: str) -> Any:
    """The cell with the layer's weights, by the names that TensorFlow 1 has for them."""
    from cells import tf1 as ours

    packed = pack(layer, "tf1")
    live = getattr(ours, tf1.CELLS[packed.cell])(**packed.options, dtype=dtype)
    live.build((None, layer.input_dim))
    live.built = True
    names = {name.replace("/", "_"): array for name, array in packed.arrays.items()}
    assert sorted(names) == sorted(weight.name for weight in live.weights), sorted(names)
    for weight in live.weights:
        weight.assign(names[weight.name])
    return live
