"""What a config declares must be what the file holds: Keras makes as large a variable as it is told to.

Checked on each layer before Keras sees it, so that a small file does not ask for more memory than it is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from comparisons.porting.parts import Array, Part, Refused
from reference.files.guard import shown

LARGEST = 2**28  # numbers in one tensor for one row of a batch
RECURRENT = ("GRU", "GRUCell", "LSTM", "LSTMCell", "SimpleRNN", "SimpleRNNCell")
CONVOLUTIONS = tuple(f"Conv{n}D" for n in (1, 2))
TRANSPOSED = tuple(f"Conv{n}DTranspose" for n in (1, 2))
SEPARABLE = tuple(f"SeparableConv{n}D" for n in (1, 2))
DEPTHWISE = tuple(f"DepthwiseConv{n}D" for n in (1, 2))
Place = tuple[str, int]  # an array's name, and the axis that says the size
# By class: where the width of the inputs stands, and where the sizes that the config declares do.
INPUTS: dict[str, Place] = {
    **dict.fromkeys(("Dense", *RECURRENT), ("kernel", 0)),
    **dict.fromkeys((*CONVOLUTIONS, *DEPTHWISE), ("kernel", -2)),
    **dict.fromkeys(TRANSPOSED, ("kernel", -1)),
    **dict.fromkeys(SEPARABLE, ("depthwise_kernel", -2)),
}
DECLARED: dict[str, dict[str, Place]] = {
    "Dense": {"units": ("kernel", -1)},
    "Embedding": {"input_dim": ("embeddings", 0), "output_dim": ("embeddings", 1)},
    **{kind: {"units": ("recurrent_kernel", 0)} for kind in RECURRENT},
    **{kind: {"filters": ("kernel", -1)} for kind in CONVOLUTIONS},
    **{kind: {"filters": ("kernel", -2)} for kind in TRANSPOSED},
    **{kind: {"filters": ("pointwise_kernel", -1), "depth_multiplier": ("depthwise_kernel", -1)} for kind in SEPARABLE},
    **{kind: {"depth_multiplier": ("kernel", -1)} for kind in DEPTHWISE},
}


def declared(part: Part) -> None:
    """Raises Refused where a config's size is not that of the layer's arrays."""
    for each in part.everything():
        for name, (array, axis) in DECLARED.get(each.kind, {}).items():
            _same(part, each, name, each.config.get(name, 1), _size(each.arrays, array, axis))
        sizes, (kernel, _) = each.config.get("kernel_size"), INPUTS.get(each.kind, ("", 0))
        if sizes is not None:
            there = each.arrays[kernel].shape[:-2] if kernel in each.arrays else ()
            many = tuple(sizes) if isinstance(sizes, list | tuple) else (sizes,) * len(there)
            _same(part, each, "kernel_size", many, there)


def inputs(part: Part, shape: Sequence[int | None]) -> None:
    """Raises Refused where inputs of a shape are not as wide as the layer's arrays take them."""
    if part.kind in ("Bidirectional", "TwoDirections"):
        for side in part.inside:
            inputs(side, shape)
    elif part.inside:  # the first cell of a stack, what a TimeDistributed holds
        inputs(replace(part.inside[0], path=part.path), shape)
    elif part.kind in INPUTS and part.arrays:
        array, axis = INPUTS[part.kind]
        wide = shape[1 if part.config.get("data_format") == "channels_first" else -1]
        takes = _size(part.arrays, array, axis) * part.config.get("groups", 1)
        _same(part, part, "the width of its inputs", wide, takes)


def outputs(name: str, shape: Sequence[int | None]) -> None:
    """Raises Refused for a tensor that would be too large to run."""
    size = prod(n or 1 for n in shape)
    if size > LARGEST:
        raise Refused(f"{shown(name)} must give at most {LARGEST} numbers at once, got {size}")


def _size(arrays: Mapping[str, Array], name: str, axis: int) -> int:
    array = arrays.get(name)
    return array.shape[axis] if array is not None and array.ndim > max(axis, -axis - 1) else 0


def _same(part: Part, each: Part, what: str, got: object, there: object) -> None:
    if got != there:
        name = shown(part.path or part.config.get("name"))
        raise Refused(f"{what} of {name} ({each.kind}) must be {there}, as its arrays have it, got {shown(got)}")
