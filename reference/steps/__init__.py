"""One file a cell: its gates, its arrays, its state, its step.

A step module has `gates` (the letters, canonical order), `State` (a NamedTuple; its first field is the output) and
`step`, whose keyword-only arguments are the cell's options. `step(xw, state, w, …)` gets `xw = x W + b` of that time
step, since the input projection of a whole sequence is one matmul, and returns the new state and the activated gates by
letter.

`backstep(d, s, w, via, …)` is the derivative of `step`, by hand: from `d`, the gradient of a loss with respect to the
new state, to its gradient with respect to the state before, and what the weights' gradients are made of (`added`). `s`
is the step as it was run (`Moment`); `via` are the weights along which gradients go back: `w`, or zeros where they are
cut. Its options are the step's, and `message_clip`, the limit of each gradient with respect to a net input. In its
equations δ are those gradients, and h⁻ and c⁻ the state before.

Some modules have more: `Weights`, which begins with the fields of the class below, and `shapes`, where the cell has
arrays of its own; `widths(units, …)`, the columns of each gate, where they are not all `units`, with options of the
step as keyword arguments; `project(x, w)` and `backproject(d, x, w)`, where what a step gets from the inputs is not
`x W + b`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from numpy.typing import NDArray

from reference.gates import affine

Array = NDArray[Any]
Messages = dict[str, Any]
Step = Callable[..., tuple[Any, dict[str, Array]]]
Backstep = Callable[..., tuple[Any, Messages]]
W = TypeVar("W")

CELLS = (
    "simple_rnn",
    "jordan",
    "lstm",
    "lstm_1997",
    "peephole_lstm",
    "cifg",
    "layer_norm_lstm",
    "fused_layer_norm_lstm",
    "greff_lstm",
    "gru",
    "mgu",
    "ugrnn",
    "mut1",
    "mut2",
    "mut3",
)


class Weights(NamedTuple):
    """A cell's arrays under Keras' names, gates in canonical order (i f g o; z r n); None where there is none."""

    kernel: Array  # (X, G·H)
    recurrent_kernel: Array  # (H, G·H)
    bias: Array | None = None  # (G·H,)
    recurrent_bias: Array | None = None  # (G·H,)


class Moment(NamedTuple):
    """A step as it was run, or every step of a sequence, time first."""

    xw: Array  # (B, C): what the step got from the inputs
    before: Any  # the state before, fields (B, H)
    after: Any  # the state after
    gates: dict[str, Array]  # activated


def added(h: Array, δ: Array) -> Messages:
    """The messages of `x W + h U + d`, from the gradient δ `(B, C)` with respect to it.

    Messages are, by name: `xw`, the gradient with respect to `xw`; of a matrix, pairs of what it multiplied and the
    gradient of the product, a pair for each block of columns, so that one matmul after the loop serves every step; of a
    vector, its gradient in every row of the batch.
    """
    return {"xw": δ, "recurrent_kernel": [(h, δ)], "recurrent_bias": δ}


# The letters of a shape: X inputs, H units, R what the recurrence carries (H, or the columns of a matrix "H R"), C the
# columns of all gates side by side; "3H" is one vector of three times H, "C-H" of the difference.
SHAPES = {"kernel": "X C", "recurrent_kernel": "R C", "bias": "C", "recurrent_bias": "C"}


def edited(weights: W, edit: Callable[[str, Array], Array]) -> W:
    """Every array that there is, through `edit(name, array)`."""
    fields: dict[str, Any] = getattr(weights, "_asdict")()  # noqa: B009  # W is a NamedTuple of any fields
    return type(weights)(**{name: edit(name, a) for name, a in fields.items() if a is not None})


def module(cell: str) -> ModuleType:
    """The step module of a cell. Raises ValueError for an unknown name."""
    if cell not in CELLS:
        raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {cell!r}")
    return import_module(f"reference.steps.{cell}")


def options(cell: str) -> Mapping[str, Any]:
    """The options that a cell's step takes, with their defaults."""
    parameters = inspect.signature(module(cell).step).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def weights_type(cell: str) -> type[Any]:
    """The NamedTuple of a cell's arrays."""
    return getattr(module(cell), "Weights", Weights)


def shapes(cell: str) -> dict[str, str]:
    """The shape of each of a cell's arrays, in the letters of `SHAPES`."""
    return SHAPES | getattr(module(cell), "shapes", {})


def shape(spec: str, **letters: int) -> tuple[int, ...]:
    """The shape that a spec such as "X C" or "3H" means.

    >>> [shape(spec, X=3, H=2, R=2, C=8) for spec in ("X C", "3H", "C-H")]
    [(3, 8), (6,), (6,)]
    """

    def length(word: str) -> int:
        first, *rest = (int(term[:-1] or 1) * letters[term[-1]] for term in word.split("-"))
        return first - sum(rest)

    return tuple(map(length, spec.split()))


def widths(cell: str, units: int, options: Mapping[str, Any]) -> dict[str, int]:
    """The columns that each of a cell's gates has in the kernels."""
    home = module(cell)
    if not hasattr(home, "widths"):
        return dict.fromkeys(home.gates, units)
    taken = inspect.signature(home.widths).parameters.keys() & options.keys()
    return home.widths(units, **{name: options[name] for name in taken})


def project(cell: str) -> Callable[[Array, Any], Array]:
    """What a cell makes of its inputs before the loop: `x (B, T, X)` and its weights -> `(B, T, C)`."""
    return getattr(module(cell), "project", lambda x, w: affine(x, w.kernel, w.bias))


def backproject(cell: str) -> Callable[[Array, Array, Any], tuple[Array, dict[str, Array]]]:
    """`project`, backwards: the gradient `(N, C)` with respect to what it gave, `x (N, X)` and the weights -> the
    gradient with respect to x, and those with respect to the weights that it used."""
    return getattr(module(cell), "backproject", _backproject)


def _backproject(d: Array, x: Array, w: Any) -> tuple[Array, dict[str, Array]]:
    return d @ w.kernel.T, {"kernel": x.T @ d, "bias": d.sum(axis=0)}
