"""A cell's forms in every framework, and what each counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, NamedTuple

from reference import steps
from reference.conventions.counted import FORMS, MORE, SQUARE, held, reset_of
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import REQUIRED, Form, Framework, parse
from reference.parameter_counts import Layers, count

X, H, R = 4, 5, 3  # of the example; a cell that takes x as it is has H inputs


class Stored(NamedTuple):
    """A cell in one framework."""

    framework: str  # the key in FRAMEWORKS
    title: str
    key: str  # of counted.FORMS
    gates: str  # in the order stored
    arrays: tuple[str, ...]
    kernels: str  # how they lie
    biases: str  # why there are these
    differs: tuple[str, ...]  # from the equation of the page
    parameters: int
    formula: str  # in X, H and R: a sum that Python adds up too
    projected: bool


def stored(cell: str) -> Iterator[Stored]:
    """Every form of the cell in every framework."""
    for key in (key for key in FORMS if key.split()[0] == cell):
        for name, framework in FRAMEWORKS.items():
            if key in held(name):
                yield _stored(cell, key, name, framework, held(name)[key])


def _stored(cell: str, key: str, name: str, framework: Framework, form: Form) -> Stored:
    specs = [parse(text) for text in form.arrays.values()]
    kernels = [spec for spec in specs if "W" in spec.kinds]
    own = form.own or (name == "keras" and key in MORE[name])
    more: dict[str, Any] = {"convention": name, "reset_after": reset_of(key)}
    if cell == "jordan" or (cell == "peephole_lstm" and not form.stored("p")):
        more["projection"] = R
    if cell == "cifg":
        more["peepholes"] = False
    inputs = H if cell in SQUARE else X
    (layer,) = count(cell, inputs, H, **more).layers
    joined = "U" in kernels[0].kinds
    how = ["[x; h] in one" if joined else "", "a gate each" if len(kernels) > 2 else ""]
    how += ["transposed" if kernels[0].transposed else "", "cuDNN's layout" if kernels[0].cudnn else ""]
    return Stored(
        name,
        "this project" if own else framework.title,
        key,
        "".join(spec.gates for spec in kernels),
        tuple(form.arrays),
        ", ".join(filter(None, how)) or "side by side",
        form.why,
        tuple(_differs(cell, framework, form)),
        layer.parameters,
        formula(cell, **more),
        "projection" in more,
    )


def _differs(cell: str, framework: Framework, form: Form) -> Iterator[str]:
    """What a framework has otherwise than the defaults of the step."""
    own = steps.options(cell)
    for option, fixed in form.fixed.items():
        yield f"`{option}` is always `{fixed}`"
    for name, option in framework.takes(cell).items():
        if option.means not in own or option.means in form.fixed or option.means == "reset_after":
            continue
        default, ours = option.default, own[option.means]
        ours = own["activation"] if ours is None and option.means == "output_activation" else ours
        if default is REQUIRED:
            yield f"`{name}` by its era"
        elif (
            default is not None and not option.own and default not in (ours, getattr(ours, "name", ours), *option.none)
        ):
            function = framework.activations.get(default, default)
            also = f", which is `{function}`" if function != default else ""
            yield f"`{name}` is `{default}` by default{also}"
    if form.takes_new:
        yield "z = 1 takes the new state"


def formula(cell: str, **more: Any) -> str:
    """The parameters of a layer as a sum of X, H and R.

    >>> formula("lstm", convention="pytorch")
    '4 * (X * H + H * H) + 8 * H'
    """
    big = {"X": 101, "H": 10007, "R": 103}  # no one is a multiple of another
    if more.get("projection"):
        more["projection"] = big["R"]
    (layer,) = count(cell, big["H"] if cell in SQUARE else big["X"], big["H"], **more).layers
    return " + ".join(_terms(layer, big))


def _terms(layer: Layers, big: Mapping[str, int]) -> Iterator[str]:
    times = lambda n, what: what if n == 1 else f"{n} * {what}"
    inputs = "H" if layer.input_dim == big["H"] else "X"
    carried = "H" if layer.recurrent_dim == big["H"] else "R"
    seeing = sum(bool(gate.kernel) for gate in layer.gates)
    recurring = sum(bool(gate.recurrent_kernel) for gate in layer.gates)
    if seeing == recurring:
        both = f"{inputs} * H + {carried} * H"
        yield both if seeing == 1 else f"{seeing} * ({both})"
    else:
        yield times(seeing, f"{inputs} * H")
        yield times(recurring, f"{carried} * H")
    for vectors in (sum(gate.bias_vectors for gate in layer.gates), sum(bool(gate.peephole) for gate in layer.gates)):
        if vectors:
            yield times(vectors, "H")
    matrices = [dims for dims in layer.others.values() if len(dims) == 2]
    for dims in matrices:
        yield " * ".join(_length(n, big) for n in dims)
    lengths = [n for dims in layer.others.values() if len(dims) == 1 for n in dims]
    for letter in ("H", "R"):
        of = [n for n in lengths if (n % big["H"] == 0) == (letter == "H")]
        if of:
            yield times(sum(of) // big[letter], letter)


def _length(n: int, big: Mapping[str, int]) -> str:
    k, rest = divmod(n, big["H"])
    return next(letter for letter in "RX" if big[letter] == n) if rest else "H" if k == 1 else f"{k} * H"


def multiplications(cell: str, reset_after: bool | None = None) -> tuple[int, int]:
    """Of the example, in one step: with an addition, and alone."""
    work = count(cell, H if cell in SQUARE else X, H, reset_after=reset_after).work
    return work.matmul, work.elementwise


def parameters(formula: str, **sizes: int) -> int:
    """A formula, added up.

    >>> parameters("4 * (X * H + H * H) + 8 * H", X=4, H=5)
    220
    """
    letters = {"X": sizes.get("X", sizes["H"]), "H": sizes["H"], "R": sizes.get("R", 0)}
    terms = re.findall(r"(?:(\d+) \* )?\(([^)]*)\)|([^()+]+)", formula)
    product = lambda text: prod(letters.get(word.strip()) or int(word) for word in text.split("*"))
    bracketed = sum(int(n or 1) * sum(map(product, within.split("+"))) for n, within, _ in terms if within)
    return bracketed + sum(product(plain) for *_, plain in terms if plain.strip())
