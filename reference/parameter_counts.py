"""How many parameters a recurrent layer has in each framework, how many multiply-adds a step takes, and why.

One layer and direction with G gates and V bias vectors has

    G (X H + H H) + V H

parameters. The matrices are the same everywhere, and frameworks differ in V alone, which `bias_vectors` holds
as data. Exact Python integers of any size, and no NumPy.
"""

from __future__ import annotations

from collections.abc import Collection
from math import isqrt
from operator import index
from typing import NamedTuple, SupportsIndex

from reference.bias_vectors import CELLS, CONVENTIONS, FORMS

BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}  # a parameter takes, by dtype


class Gate(NamedTuple):
    """The parameters of one gate in one layer and direction."""

    letter: str
    kernel: int  # X H
    recurrent_kernel: int  # H H
    bias_vectors: int
    bias: int  # bias_vectors H


class Layers(NamedTuple):
    """`copies` layers alike; `first` is the number of the lowest, from 1."""

    first: int
    copies: int
    directions: int
    input_dim: int
    gates: tuple[Gate, ...]

    @property
    def parameters(self) -> int:
        return self.copies * self.directions * sum(g.kernel + g.recurrent_kernel + g.bias for g in self.gates)


class Work(NamedTuple):
    """Multiplications in one step of one sequence: with an addition (`matmul`) and alone (`elementwise`)."""

    matmul: int
    elementwise: int


class Count(NamedTuple):
    """A counted cell: the key of its form in `FORMS`, and its layers in one group of equals or two."""

    form: str
    units: int
    layers: tuple[Layers, ...]

    @property
    def parameters(self) -> int:
        return sum(group.parameters for group in self.layers)

    @property
    def work(self) -> Work:
        """G H (X + H) and the form's products, a layer and direction; biases and activations are not in it."""
        copies = [group.copies * group.directions for group in self.layers]
        entries = [sum(gate.kernel + gate.recurrent_kernel for gate in group.gates) for group in self.layers]
        matmul = sum(n * used for n, used in zip(copies, entries, strict=True))  # each entry is used once a step
        return Work(matmul, sum(copies) * len(FORMS[self.form].products) * self.units)


def count(
    cell: str,
    input_dim: int,
    units: int,
    convention: str = "keras",
    use_bias: bool = True,
    reset_after: bool | None = None,
    layers: int = 1,
    bidirectional: bool = False,
) -> Count:
    """Count gate by gate; arguments and errors are those of `count_parameters`.

    >>> count("gru", input_dim=4, units=5, convention="flax").layers[0].gates[2]
    Gate(letter='n', kernel=20, recurrent_kernel=25, bias_vectors=2, bias=10)
    >>> count("lstm", input_dim=4, units=5).work
    Work(matmul=180, elementwise=15)
    """
    X, H, depth = _positive("input_dim", input_dim), _positive("units", units), _positive("layers", layers)
    form, directions = find_form(cell, convention, use_bias, reset_after), 1 + _flag("bidirectional", bidirectional)
    biases = CONVENTIONS[convention].biases[form]
    stored = biases.input + biases.recurrent if use_bias else ""

    def group(first: int, copies: int, X: int) -> Layers:
        gates = (Gate(g, X * H, H * H, stored.count(g), stored.count(g) * H) for g in FORMS[form].gates)
        return Layers(first, copies, directions, X, tuple(gates))

    # A deeper layer reads the outputs of all directions, side by side.
    return Count(form, H, (group(1, 1, X), group(2, depth - 1, directions * H))[: min(depth, 2)])


def count_parameters(
    cell: str,
    *,
    input_dim: int,
    units: int,
    convention: str = "keras",
    use_bias: bool = True,
    reset_after: bool | None = None,
    layers: int = 1,
    bidirectional: bool = False,
) -> int:
    """The parameters of a simple_rnn, lstm or gru as one framework, a key of `CONVENTIONS`, stores them.

    The first layer's kernel is `(input_dim, G * units)`; each other of `layers` reads `units` inputs, or `2 * units`
    if `bidirectional`. `reset_after` is for gru alone; None takes the framework's default, False in tf1 and onnx.
    `CONVENTIONS[…].source` names the file that each framework's arrays were read in.

    >>> count_parameters("lstm", input_dim=4, units=5, convention="keras")
    200
    >>> count_parameters("lstm", input_dim=4, units=5, convention="pytorch")
    220
    >>> [count_parameters("gru", input_dim=4, units=5, reset_after=after) for after in (False, True)]
    [150, 165]

    Raises ValueError for a size that is no positive integer, an unknown name, or a cell that the framework lacks.
    """
    return count(cell, input_dim, units, convention, use_bias, reset_after, layers, bidirectional).parameters


def largest_units(
    budget: int,
    cell: str,
    *,
    input_dim: int,
    convention: str = "keras",
    use_bias: bool = True,
    reset_after: bool | None = None,
    layers: int = 1,
    bidirectional: bool = False,
) -> int:
    """The most units that fit in `budget` parameters; the other arguments and errors are those of `count_parameters`.

    >>> largest_units(219, "lstm", input_dim=4), largest_units(219, "lstm", input_dim=4, convention="pytorch")
    (5, 4)

    Raises ValueError if not even one unit fits.
    """

    def parameters(units: int) -> int:
        return count(cell, input_dim, units, convention, use_bias, reset_after, layers, bidirectional).parameters

    if _positive("budget", budget) < parameters(1):
        raise ValueError(f"budget must be at least {parameters(1)}, the parameters of 1 unit, got {budget}")
    fits, too_many = 1, isqrt(budget) + 1  # one recurrent kernel alone has units * units
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if parameters(middle) <= budget else (fits, middle)
    return fits


def find_form(cell: str, convention: str = "keras", use_bias: bool = True, reset_after: bool | None = None) -> str:
    """The key in `FORMS` of what is asked for. Raises ValueError, with a way out, if the framework lacks it."""
    known("cell", cell, CELLS)
    asked = CONVENTIONS[known("convention", convention, CONVENTIONS)]
    resets = {form.reset_after: key for key, form in FORMS.items() if form.cell == cell}
    after = asked.reset_after if reset_after is None and True in resets else reset_after
    if after not in list(resets):
        raise ValueError(f"reset_after of {cell} must be {' or '.join(map(str, resets))}, got {reset_after!r}")
    form, without = resets[after], "" if _flag("use_bias", use_bias) else " without bias"
    if reason := lacking(convention, form, use_bias):
        holders = " or ".join(name for name in CONVENTIONS if not lacking(name, form, use_bias))
        raise ValueError(f"convention of {form}{without} must be {holders}, got {convention!r}: {reason}")
    return form


def lacking(convention: str, form: str, use_bias: bool = True) -> str:
    """Why the framework does not have this form, or not without bias; empty if it does.

    >>> lacking("pytorch", "gru reset before")
    'torch.nn.GRU resets after the matmul'
    """
    lacks = CONVENTIONS[convention].lacks
    return "; ".join(lacks[thing] for thing in (form, "without bias")[: 2 - use_bias] if thing in lacks)


def known(kind: str, name: object, names: Collection[str]) -> str:
    """`name`, if it is one of `names`; else raises ValueError with the nearest of them.

    >>> known("cell", "lstn", CELLS)
    Traceback (most recent call last):
    ValueError: unknown cell 'lstn': did you mean lstm? The cells are simple_rnn, lstm, gru
    """
    if isinstance(name, str) and name in names:
        return name
    from difflib import get_close_matches  # only an error needs it

    near = get_close_matches(str(name).lower(), names, n=1)
    hint = f": did you mean {near[0]}? The" if near else "; the"
    raise ValueError(f"unknown {kind} {name!r}{hint} {kind}s are {', '.join(names)}")


def _positive(name: str, value: SupportsIndex) -> int:
    """`value` as a Python int: a NumPy integer will do, a bool or a float will not."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or index(value) < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return index(value)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return value
