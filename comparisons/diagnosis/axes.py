"""The conventions that a diagnosis tries, as data: one axis a convention, its choices, and what a choice changes.

Axes of arrays (`of="arrays"`) change what is stored; those of the step (`of="step"`) what is computed from it; those of
the data (`of="data"`) how inputs and outputs are laid out. Letters are gates, in canonical order i f g o and z r n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, combinations, permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import Layer
from reference.conventions.assembling import relaid

Array = NDArray[Any]

LSTMS = ("lstm", "peephole_lstm")
CELLS = (*LSTMS, "gru", "simple_rnn")  # those whose whole space is searched
GATES = ("sigmoid", "hard_sigmoid_keras2", "hard_sigmoid_keras3")
CANDIDATES = ("tanh", "linear", "relu", "sigmoid")
SAME = "same"  # the output's activation is the candidate's
# What is added at run time, in units of `forget_bias`, or of 1 where that is 0: pairs of a gate and how often.
ADDED = ((), (("f", 1),), (("f", -1),), (("f", 2),), (("i", 1),), (("f", -1), ("i", 1)), (("g", 1),), (("o", 1),))


@dataclass(frozen=True)
class Sizes:
    """What the data look like: `initial` is whether a state is given that is not zeros."""

    batch: int
    steps: int
    last: bool  # outputs are the last ones alone
    initial: bool = False
    layouts: tuple[tuple[bool, bool], ...] = ((False, False),)  # of `laid out`, those that fit the shapes


@dataclass(frozen=True)
class Axis:
    """`choices(layer, sizes)` are what can be tried, `own(layer)` is what the layer has; `weight` is
    what a departure counts."""

    name: str
    of: str
    choices: Callable[[Layer, Sizes], list[Any]]
    own: Callable[[Layer], Any] = lambda layer: ""
    weight: float = 1.0
    cells: tuple[str, ...] = CELLS


def stored_gates(layer: Layer) -> str:
    """The gates that have columns, in canonical order."""
    return "".join(letter for letter in layer.gates if layer.widths[letter])


def _orders(layer: Layer, sizes: Sizes) -> list[str]:
    gates = stored_gates(layer)
    return ["".join(order) for order in permutations(gates)]


def _transposed(layer: Layer, sizes: Sizes) -> list[str]:
    gates = stored_gates(layer)
    if layer.recurrent_dim != layer.units or layer.units == 1:
        return [""]
    subsets = chain.from_iterable(combinations(gates, k) for k in range(len(gates) + 1))
    return ["".join(subset) for subset in subsets]


def _kernels(layer: Layer, sizes: Sizes) -> list[str]:
    return ["", "cudnn"] if layer.input_dim > 1 and layer.units > 1 else [""]


def _activations(option: str, names: tuple[str, ...]) -> Callable[[Layer, Sizes], list[Any]]:
    def choices(layer: Layer, sizes: Sizes) -> list[Any]:
        own = layer.options[option]
        return [str(own) if own.name not in names or str(own) != own.name else None, *names]

    return lambda layer, sizes: [name for name in choices(layer, sizes) if name is not None]


def _name_of(option: str) -> Callable[[Layer], str]:
    return lambda layer: str(layer.options[option])


def _squashes(layer: Layer, sizes: Sizes) -> list[str]:
    own = squash_of(layer)
    return list(dict.fromkeys([own, SAME, "tanh", "linear"]))


def squash_of(layer: Layer) -> str:
    """The name of ψ, or that it is φ."""
    output, φ = layer.options["output_activation"], layer.options["activation"]
    return SAME if output is None or output == φ else str(output)


# What becomes of the two biases b and d, each (G, H): gates in canonical order, the candidate last in a gru.
BIASES: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "": lambda b, d: (b, d),
    "none": lambda b, d: (b * 0, d * 0),
    "first": lambda b, d: (b, d * 0),
    "second": lambda b, d: (b * 0, d),
    "exchanged": lambda b, d: (d, b),
    "candidate's second dropped": lambda b, d: (b, _but_last(d)),
    "outside r": lambda b, d: (b + d - _but_last(d), _but_last(d)),
}


def _but_last(d: Array) -> Array:
    d = d.copy()
    d[..., -1, :] = 0
    return d


def _biases(layer: Layer, sizes: Sizes) -> list[str]:
    b, d = layer.weights.bias is not None, layer.weights.recurrent_bias is not None
    if not (b or d):
        return [""]
    if layer.cell == "gru":
        return list(BIASES) if b and d else ["", "none", "exchanged"]
    return ["", "none", *(["first", "second"] if b and d else [])]


def added_of(layer: Layer) -> tuple[tuple[str, int], ...]:
    """What the layer adds at run time."""
    return (("f", 1),) if layer.options.get("forget_bias") else ()


def _peepholes(layer: Layer, sizes: Sizes) -> list[str]:
    if layer.weights.peephole is None:
        return ["ifo"]
    return [*("".join(order) for order in permutations("ifo")), "dropped", "reversed"]


def _peepings(layer: Layer, sizes: Sizes) -> list[str]:
    return [""] if layer.weights.peephole is None else ["", "o", "if"]


def _clips(layer: Layer, sizes: Sizes) -> list[str]:
    return [""] if layer.options["cell_clip"] is None else ["", "left out", "after the output", "not stored"]


def _projections(layer: Layer, sizes: Sizes) -> list[str]:
    if layer.weights.projection is None:
        return [""]
    return ["", "before o", *(["clip left out"] if layer.options["proj_clip"] is not None else [])]


def _outputs(layer: Layer, sizes: Sizes) -> list[str]:
    return ["", "old c", *(["c", "exchanged"] if layer.recurrent_dim == layer.units else [])]


def time_of(layer: Layer) -> tuple[bool, bool]:
    """Whether inputs are read from the last to the first, and outputs returned so."""
    return layer.go_backwards != (layer.direction == "reverse"), layer.direction == "reverse"


def _times(layer: Layer, sizes: Sizes) -> list[tuple[bool, bool]]:
    both = [(x, y) for x in (False, True) for y in (False, True)]
    return both if sizes.steps > 1 else [time_of(layer)]


def _carried(layer: Layer, sizes: Sizes) -> list[str]:
    return ["", *(["half way"] if sizes.steps > 2 else []), *(["never"] if sizes.steps > 1 else [])]


def _initials(layer: Layer, sizes: Sizes) -> list[str]:
    if not sizes.initial:
        return [""]
    exchanged = layer.cell in LSTMS and layer.recurrent_dim == layer.units
    return ["", "zeros", *(["exchanged"] if exchanged else [])]


# `laid out`: whether the axes of batch and time are exchanged in the inputs, and in the outputs.
AXES: tuple[Axis, ...] = (
    Axis("order", "arrays", _orders, stored_gates),
    Axis("kernel", "arrays", _kernels, weight=1.5),
    Axis("biases", "arrays", _biases),
    Axis("added", "arrays", lambda layer, sizes: list(ADDED), added_of, cells=LSTMS),
    Axis("peepholes", "arrays", _peepholes, lambda layer: "ifo", cells=("peephole_lstm",)),
    Axis("transposed", "arrays", _transposed, weight=1.1),
    Axis("units", "arrays", lambda layer, sizes: ["", "reversed"][: layer.units], weight=1.5),
    Axis(
        "gate",
        "step",
        _activations("recurrent_activation", GATES),
        _name_of("recurrent_activation"),
        cells=(*LSTMS, "gru"),
    ),
    Axis("activation", "step", _activations("activation", CANDIDATES), _name_of("activation"), weight=1.1),
    Axis("squash", "step", _squashes, squash_of, cells=LSTMS, weight=1.1),
    Axis("reset", "step", lambda layer, sizes: [True, False], lambda la: la.options["reset_after"], cells=("gru",)),
    Axis("polarity", "step", lambda layer, sizes: ["", "turned"], cells=("gru",)),
    Axis("input", "step", lambda layer, sizes: ["", "1 - f"], cells=LSTMS, weight=1.2),
    Axis("forget", "step", lambda layer, sizes: ["", "none", "1 - i"], cells=LSTMS, weight=1.2),
    Axis("output", "step", _outputs, cells=LSTMS, weight=1.2),
    Axis("peeping", "step", _peepings, cells=("peephole_lstm",), weight=1.1),
    Axis("clip", "step", _clips, cells=("peephole_lstm",), weight=1.1),
    Axis("projection", "step", _projections, cells=("peephole_lstm",), weight=1.1),
    Axis("time", "data", _times, time_of),
    Axis("laid out", "data", lambda layer, sizes: list(sizes.layouts), lambda layer: (False, False)),
    Axis("initial", "data", _initials),
    Axis("carried", "data", _carried, weight=1.2),
)


def arranged(U: Array, cudnn: bool) -> Array:
    """Blocks `(G, X, H)` of the kernel, read as cuDNN's."""
    return np.stack([np.ascontiguousarray(relaid(block)) for block in U]) if cudnn else U
