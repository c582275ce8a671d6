"""How many parameters a recurrent layer has in each framework, how many multiply-adds a step takes, and why.

One layer and direction with G gates and V bias vectors has

    G (X H + H H) + V H

parameters, and what the cell adds: peepholes, a projection, gains and shifts of norms. The matrices are the same
everywhere; what differs is counted from the arrays that `conventions` holds as data. Exact Python integers of any size,
and no NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt, prod
from typing import Any, NamedTuple

from reference.conventions.counted import ABSENT, FORMS, SQUARE, held, widths
from reference.conventions.storage import Form, Sizes, parse, shape
from reference.count_arguments import Asked, checked, find_form, positive

BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}  # a parameter takes, by dtype


class Gate(NamedTuple):
    """The parameters of one gate in one layer and direction; the gate "-" is stored and never read."""

    letter: str
    width: int  # H, or fewer columns
    kernel: int  # X H
    recurrent_kernel: int  # H H
    bias_vectors: int
    bias: int  # bias_vectors H
    peephole: int  # H, or 0


class Layers(NamedTuple):
    """`copies` layers alike; `first` is the number of the lowest, from 1; `others` are arrays of no gate."""

    first: int
    copies: int
    directions: int
    input_dim: int
    recurrent_dim: int
    gates: tuple[Gate, ...]
    others: dict[str, tuple[int, ...]]

    @property
    def parameters(self) -> int:
        gates = sum(g.kernel + g.recurrent_kernel + g.bias + g.peephole for g in self.gates)
        return self.copies * self.directions * (gates + sum(map(prod, self.others.values())))

    @property
    def formula(self) -> str:
        """The sum that the parameters are, in numbers: `4 x (4 x 5 + 5 x 5) + 4 x 5`."""
        X, R = self.input_dim, self.recurrent_dim
        terms: list[str] = []
        for width in dict.fromkeys(gate.width for gate in self.gates):
            gates = [gate for gate in self.gates if gate.width == width]
            seeing = sum(bool(gate.kernel) for gate in gates)
            recurring = sum(bool(gate.recurrent_kernel) for gate in gates)
            if seeing == recurring:
                matrices = f"{X} x {width} + {R} x {width}"
                terms.append(f"{seeing} x ({matrices})" if seeing > 1 else matrices)
            else:
                terms += [f"{n} x {rows} x {width}" for n, rows in ((seeing, X), (recurring, R))]
            vectors = (sum(gate.bias_vectors for gate in gates), sum(bool(gate.peephole) for gate in gates))
            terms += [f"{n} x {width}" for n in vectors if n]
        cell = " + ".join([*terms, *(" x ".join(map(str, dims)) for dims in self.others.values())])
        times = "".join(f"{n} x " for n in (self.copies, self.directions) if n > 1)
        return f"{times}({cell})" if times else cell


class Work(NamedTuple):
    """Multiplications in one step of one sequence: with an addition (`matmul`) and alone (`elementwise`)."""

    matmul: int
    elementwise: int


class Count(NamedTuple):
    """A counted cell: the key of its form in `FORMS`, and its layers in one group of equals or two."""

    form: str
    units: int
    layers: tuple[Layers, ...]
    products: tuple[str, ...]

    @property
    def parameters(self) -> int:
        return sum(group.parameters for group in self.layers)

    @property
    def work(self) -> Work:
        """Every entry of a matrix once, and the form's products, a layer and direction; no biases, no activations."""
        copies = [group.copies * group.directions for group in self.layers]
        entries = [
            sum(gate.kernel + gate.recurrent_kernel for gate in group.gates if gate.letter != "-")
            + sum(prod(dims) for dims in group.others.values() if len(dims) == 2)
            for group in self.layers
        ]
        matmul = sum(n * used for n, used in zip(copies, entries, strict=True))
        return Work(matmul, sum(copies) * len(self.products) * self.units)


def count(cell: str, input_dim: int, units: int, convention: str = "keras", **more: Any) -> Count:
    """Count gate by gate; arguments and errors are those of `count_parameters`.

    >>> count("gru", input_dim=4, units=5, convention="flax").layers[0].gates[2]
    Gate(letter='n', width=5, kernel=20, recurrent_kernel=25, bias_vectors=2, bias=10, peephole=0)
    >>> count("lstm", input_dim=4, units=5).work
    Work(matmul=180, elementwise=15)
    """
    X, H = positive("input_dim", input_dim), positive("units", units)
    return _count(checked(Asked(cell, convention, **more), X, H), X, H)


def _count(asked: Asked, X: int, H: int) -> Count:
    key = find_form(asked.cell, asked.convention, asked.use_bias, asked.reset_after)
    form = held(asked.convention)[key]
    peepholes = asked.peepholes if asked.cell == "cifg" else asked.peepholes is not False
    if asked.cell == "greff_lstm":
        peepholes = asked.variant != "NP"
    peepholes = bool(peepholes) and bool(form.stored("p"))
    directions = 2 if asked.bidirectional else 1
    R = asked.projection or H
    unused = _unused(asked, form, peepholes)
    coupled = form.fixed.get("coupled", "i") if asked.cell == "cifg" else ""
    columns = widths(asked.cell, H, asked.cells_per_block, asked.variant, coupled)

    def group(first: int, copies: int, X: int) -> Layers:
        sizes = Sizes(X, H, R, columns)
        gates, others = split({name: text for name, text in form.arrays.items() if name not in unused}, key, sizes)
        return Layers(first, copies, directions, X, R, gates, others)

    # A deeper layer reads the outputs of all directions, side by side.
    groups = (group(1, 1, X), group(2, asked.layers - 1, directions * R))[: min(asked.layers, 2)]
    return Count(key, H, groups, _products(asked, key, peepholes))


def split(arrays: Mapping[str, str], key: str, sizes: Sizes) -> tuple[tuple[Gate, ...], dict[str, tuple[int, ...]]]:
    """The gates of a form of `FORMS` whose stored `arrays` are these, and the shapes of what belongs to no gate."""
    kernels: dict[str, dict[str, list[int]]] = {}
    others: dict[str, tuple[int, ...]] = {}
    for name, text in arrays.items():
        spec = parse(text)
        if spec.field or spec.kinds in ("V", "γ", "β"):
            others[name] = shape(spec, sizes)
            continue
        for kind in spec.kinds:
            rows = {"W": sizes.input_dim, "U": sizes.recurrent_dim}.get(kind, 1)
            for gate in spec.gates:
                kernels.setdefault(gate, {}).setdefault(kind, []).append(rows * sizes.width(gate))
    order = [*(gate for gate in FORMS[key].gates if sizes.widths[gate]), *(["-"] if "-" in kernels else [])]
    return tuple(_gate(gate, sizes.width(gate), kernels.get(gate, {})) for gate in order), others


def _gate(letter: str, width: int, kinds: dict[str, list[int]]) -> Gate:
    def total(kind: str) -> int:
        return sum(kinds.get(kind, []))

    vectors = len(kinds.get("b", [])) + len(kinds.get("d", []))
    return Gate(letter, width, total("W"), total("U"), vectors, total("b") + total("d"), total("p"))


def _unused(asked: Asked, form: Form, peepholes: bool) -> set[str]:
    """The arrays of a form that are not there."""
    unused: set[str] = set()
    for name, text in form.arrays.items():
        spec = parse(text)
        bias = {*spec.kinds} <= {"b", "d"} if spec.kinds else name == "output_bias"
        absent = [
            bias and not asked.use_bias,
            spec.kinds == "p" and not peepholes,
            spec.kinds == "V" and asked.projection is None,
            name == "gate_recurrent_kernel" and asked.variant != "FGR",
        ]
        if any(absent):
            unused.add(name)
    return unused


def _products(asked: Asked, key: str, peepholes: bool) -> tuple[str, ...]:
    products = FORMS[key].products
    absent = ABSENT.get(asked.variant, "") if asked.cell == "greff_lstm" else ""
    if absent and asked.variant != "CIFG":
        products = tuple(product for product in products if not product.startswith(f"{absent} "))
    seeing = "ifo".replace("f" if asked.cell == "cifg" else absent, "") if peepholes else ""
    return products + tuple(f"p_{gate} * c" for gate in seeing)


def count_parameters(
    cell: str,
    *,
    input_dim: int,
    units: int,
    convention: str = "keras",
    use_bias: bool | None = None,
    reset_after: bool | None = None,
    layers: int = 1,
    bidirectional: bool = False,
    projection: int | None = None,
    peepholes: bool | None = None,
    cells_per_block: int = 1,
    variant: str = "V",
) -> int:
    """The parameters of a cell, a name in `reference.steps.CELLS`, as one framework of `conventions` stores them.

    The first layer's kernel is `(input_dim, G * units)`; each other of `layers` reads `units` inputs (the projection's
    where there is one), or twice as many if `bidirectional`. `use_bias` None: as the cell has it. `reset_after` is for
    gru alone; None takes the framework's default, False in tf1 and onnx. `projection` is what peephole_lstm, and
    jordan's output, is projected to; `peepholes` are there in a peephole_lstm, where the
    framework has them, and not in a cifg, unless said otherwise;
    `cells_per_block` is lstm's, `variant` greff_lstm's.

    >>> count_parameters("lstm", input_dim=4, units=5, convention="keras")
    200
    >>> count_parameters("lstm", input_dim=4, units=5, convention="pytorch")
    220
    >>> [count_parameters("gru", input_dim=4, units=5, reset_after=after) for after in (False, True)]
    [150, 165]
    >>> count_parameters("peephole_lstm", input_dim=4, units=5, convention="tf1", peepholes=False, projection=3)
    175

    Raises ValueError for a size that is no positive integer, an unknown name, or a cell that the framework lacks.
    """
    more = {"use_bias": use_bias, "reset_after": reset_after, "layers": layers, "bidirectional": bidirectional}
    own = {"projection": projection, "peepholes": peepholes, "cells_per_block": cells_per_block, "variant": variant}
    return count(cell, input_dim, units, convention, **more, **own).parameters


def largest_units(budget: int, cell: str, *, input_dim: int, **asked: Any) -> int:
    """The most units that fit in `budget` parameters; the other arguments and errors are those of `count_parameters`.

    >>> largest_units(219, "lstm", input_dim=4), largest_units(219, "lstm", input_dim=4, convention="pytorch")
    (5, 4)

    Raises ValueError if not even one unit fits.
    """
    X = positive("input_dim", input_dim)
    if cell in SQUARE:
        raise ValueError(
            f"units of {cell} must be its inputs, {X}, since a gate gets x without a matrix: give no budget"
        )
    step = asked.get("cells_per_block", 1)
    question = checked(Asked(cell, **asked), X, step)

    def parameters(blocks: int) -> int:
        return _count(question, X, blocks * step).parameters

    if positive("budget", budget) < parameters(1):
        raise ValueError(
            f"budget must be at least {parameters(1)}, the parameters of {step} unit{'s' * (step > 1)}, got {budget}"
        )
    # A layer has at least as many parameters as columns, and one recurrent kernel units * units, or units * projection.
    fits, too_many = 1, (isqrt(budget) if question.projection is None else budget) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if parameters(middle) <= budget else (fits, middle)
    return fits * step
