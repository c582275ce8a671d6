"""The language in which a framework's arrays are written down, and their shapes. No NumPy.

An array is a string: what it holds, the gates in the order stored, and how.

    W ifgo          input kernels (X, H), gates side by side
    W iofg T        the same transposed, (4H, X)
    WU igfo         input and recurrent kernels above each other, (X + R, 4H)
    b/d zrn         two rows, biases and recurrent biases, (2, 3H)
    b,d ifgo        the same in one line, (8H,)
    W ifgo cudnn    each gate's block in cuDNN's memory layout, in Keras' shape
    p if-o          peepholes; a dash is a gate's room that is never read
    V T             a projection, transposed
    γ i             the gains of the norm of a gate, and β its shifts
    output_kernel = H R       a field of the cell's weights as it is
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

FIELDS = {
    "W": "kernel",
    "U": "recurrent_kernel",
    "b": "bias",
    "d": "recurrent_bias",
    "p": "peephole",
    "V": "projection",
    "γ": "gamma",
    "β": "beta",
}
REQUIRED: Any = ...  # the default of an option about which the framework's eras differ
# Functions that have one meaning and this name in Keras 2 and 3 and TensorFlow 1.
PLAIN = {
    name: name
    for name in (
        *("elu", "exponential", "linear", "relu", "selu"),
        *("sigmoid", "silu", "softmax", "softplus", "softsign", "tanh"),
    )
}
# The canonical cells that one cell of a framework may turn out to be.
FAMILIES = {"lstm": ("lstm", "peephole_lstm", "cifg"), "gru": ("gru",), "simple_rnn": ("simple_rnn",)}


class Spec(NamedTuple):
    """One stored array, parsed."""

    kinds: str  # of FIELDS, in order; empty for a field as it is
    gates: str
    stacked: str  # "/" above each other, "," in a line; empty for one kind
    transposed: bool = False
    cudnn: bool = False
    field: str = ""
    shape: str = ""  # of a field as it is: words of X H R C, "3H"


@cache
def parse(text: str) -> Spec:
    """
    >>> parse("b,d iofg")
    Spec(kinds='bd', gates='iofg', stacked=',', transposed=False, cudnn=False, field='', shape='')
    """
    if "=" in text:
        name, shape = text.split("=")
        return Spec("", "", "", field=name.strip(), shape=shape.strip())
    kinds, *rest = text.split()
    flags = [word for word in rest if word in ("T", "cudnn")]
    gates = next((word for word in rest if word not in flags), "")
    stacked = "," if "," in kinds else "/" if len(kinds) > 1 else ""
    return Spec(kinds.replace("/", "").replace(",", ""), gates, stacked, "T" in flags, "cudnn" in flags)


class Sizes(NamedTuple):
    """X inputs, H units, R what the recurrence carries, and the columns of each gate."""

    input_dim: int
    units: int
    recurrent_dim: int
    widths: Mapping[str, int]

    def columns(self, gates: str) -> int:
        return sum(self.width(letter) for letter in gates)

    def width(self, gate: str) -> int:
        return self.units if gate == "-" else self.widths[gate]


def shape(spec: Spec, sizes: Sizes) -> tuple[int, ...]:
    """The shape of a stored array.

    >>> shape(parse("WU igfo"), Sizes(4, 5, 5, dict.fromkeys("ifgo", 5)))
    (9, 20)
    """
    X, H, R, _ = sizes
    if spec.field:
        letters = {"X": X, "H": H, "R": R, "C": sum(sizes.widths.values())}
        return tuple(int(word[:-1] or 1) * letters[word[-1]] for word in spec.shape.split())
    rows = {"W": X, "U": R, "V": H}
    columns = R if spec.kinds == "V" else sizes.columns(spec.gates)
    if spec.kinds[0] in rows:
        dims = (sum(rows[kind] for kind in spec.kinds), columns)
    elif spec.stacked == "/":
        dims = (len(spec.kinds), columns)
    else:
        dims = (len(spec.kinds) * columns,)
    return dims[::-1] if spec.transposed else dims


@dataclass(frozen=True)
class Form:
    """How a framework stores one form of a cell.

    `fixed` are options of the step that it has always so; where `takes_new`, z = 1 takes the new state, and the old one
    is kept where z = 0; `zeros` are initial states that are stored, and must be zero here; `why` says why the biases
    are these.
    """

    arrays: Mapping[str, str]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    takes_new: bool = False
    own: bool = False  # of this project's Keras cells, and of no stock layer
    zeros: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    def stored(self, kind: str) -> str:
        """The gates that have this kind.

        >>> Form({"ir/bias": "b r", "hn/bias": "d n"}).stored("d")
        'n'
        """
        specs = map(parse, self.arrays.values())
        return "".join(spec.gates or kind for spec in specs if kind in spec.kinds).replace("-", "")


@dataclass(frozen=True)
class Option:
    """An attribute of the framework's layer: what it means here, and its default there.

    `means` is an option of the step or of Layer, a size ("units", "input_dim", "recurrent_dim", "layers",
    "directions"), "use_bias", "use_peepholes", "two_biases", "only default" where no other value is supported, or ""
    where it changes no number that a Layer gives: initialisation, training, the arrangement of inputs and outputs.
    """

    means: str = ""
    default: Any = None
    cells: tuple[str, ...] = ()  # of these alone; empty: of all
    own: bool = False  # of this project's Keras cells, and of no stock layer
    none: tuple[float, ...] = ()  # numbers that stand for None here, the first of them written


def inert(names: str) -> dict[str, Option]:
    """Attributes that change no number that a Layer gives."""
    return dict.fromkeys(names.split(), Option())


@dataclass(frozen=True)
class Framework:
    """One framework. `activations` are its names of functions, `no_activation` what None means there instead of a name,
    empty where it means nothing; `layers` and `directions` are the templates of the names of arrays in one of several
    layers and directions; `run_inputs` are what its operators take beside the arrays, and how `run` takes it."""

    title: str
    source: str
    live: bool  # whether a live witness runs beside the tests; False: read only
    forms: Mapping[str, Form]
    options: Mapping[str, Option | tuple[Option, ...]] = field(default_factory=dict)
    activations: Mapping[str, str] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    apart: str = ""  # "layer_{}/" before the names of layers that are no cells of one
    layers: str = ""  # "_l{}" behind a name, or "cells/{}/" before it
    directions: tuple[str, ...] = ()  # ("", "_reverse") behind it, or ("forward_layer/", "backward_layer/") before it
    no_activation: str = ""
    run_inputs: Mapping[str, str] = field(default_factory=dict)
    zero_bias: str = ""  # arrays that may be left out, and are zeros then

    def takes(self, cell: str) -> dict[str, Option]:
        """The options that the layer of a cell has here."""
        found: dict[str, Option] = {}
        for name, declared in self.options.items():
            for option in declared if isinstance(declared, tuple) else (declared,):
                if not option.cells or cell in option.cells:
                    found[name] = option
        return found
