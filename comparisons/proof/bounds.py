"""How far one rounded step may lie from the exact one: a bound computed along with the step.

Every quantity is carried as its exact value and a bound on the error of an implementation that rounds each operation
in a precision of unit roundoff u, in any order of summation, fused or not (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., chapters 3 and 4). The errors of the library functions are measured, with a margin: tanh 8 u|t|
(seen: 5.9, TensorFlow), sigmoid 4 u (seen: 2.6, TensorFlow).

The step that is bounded is the reference's own, run on `Rounded` quantities instead of arrays: a cell's equation is
written once, and its bound follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import Layer, Wrapped
from reference.activations import PARAMETRISED, Activation
from reference.steps import module, project

Array = NDArray[Any]

# Unit roundoff, and the largest number that a library may flush to zero.
UNITS = {"float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
FLUSHED = {"float16": 2.0**-24, "float32": 2.0**-126, "float64": 2.0**-1022}


class NoBound(ValueError):
    """An operation or an activation whose rounding error is not known."""


# activation: (Lipschitz factor at y = φ(a) for a perturbation of at most e; rounding error where |y| ≤ v, in u); both
# with the activation's parameters. thresholded_relu, which jumps, has no bound.
Rule = tuple[Callable[..., Any], Callable[..., Any]]
RULES: dict[str, Rule] = {
    "linear": (lambda y, e: 1.0, lambda v: 0.0),
    "relu": (lambda y, e: 1.0, lambda v: 0.0),
    "hard_tanh": (lambda y, e: 1.0, lambda v: 0.0),
    "softsign": (lambda y, e: 1.0, lambda v: 2 * v),
    "sigmoid": (lambda y, e: np.minimum(0.25, y * (1 - y) + 0.09623 * e), lambda v: 4.0),
    "sigmoid_in_1": (lambda y, e: 0.5, lambda v: 2 * 4.0 + v),
    "sigmoid_in_2": (lambda y, e: 1.0, lambda v: 4 * 4.0 + v),
    "tanh": (lambda y, e: np.minimum(1.0, 1 - y * y + 0.7698 * e), lambda v: 8 * v),
    "hard_sigmoid_keras2": (lambda y, e: 1 / 5, lambda v: 3.0),
    "hard_sigmoid_keras3": (lambda y, e: 1 / 6, lambda v: 3.0),
    "softplus": (lambda y, e: 1.0, lambda v: 4 * (v + 1)),
    "affine": (lambda y, e, slope, offset: abs(slope), lambda v, slope, offset: 2 * v + abs(offset)),
    "elu": (lambda y, e, alpha=1.0: max(1.0, alpha), lambda v, alpha=1.0: 4 * (v + alpha)),
    "hard_sigmoid": (lambda y, e, slope, offset: abs(slope), lambda v, slope, offset: 3.0),
    "leaky_relu": (lambda y, e, negative_slope: max(1.0, negative_slope), lambda v, negative_slope: v),
    "scaled_tanh": (lambda y, e, scale, slope: abs(scale * slope), lambda v, scale, slope: 9 * v + abs(scale)),
}


@dataclass(frozen=True)
class Precision:
    """Unit roundoff, the largest number that may be flushed to zero, the relative error, in u, of the weights, and the
    rounding errors of activations that are not those of `RULES`."""

    u: float
    η: float
    weights: float = 0.0
    rounding: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def γ(self, count: int) -> float:
        """The relative error of `count` roundings."""
        return count * self.u / (1 - count * self.u)


class Rounded:
    """A quantity of the exact step, and how far a rounded one may lie from it.

    A sum is kept open while terms are added to it: `size` is the sum of their magnitudes, and only when it is used
    otherwise are its `terms` rounded, as if added in whatever order is worst.
    """

    __array_priority__ = 1.0

    def __init__(self, p: Precision, value: Any, error: Any = 0.0, size: Any = None, terms: int = 1, products: int = 0):
        self.p, self.value = p, np.asarray(value)
        self._error = np.broadcast_to(error, self.value.shape)
        self._size = np.abs(self.value) + self._error if size is None else size
        self._terms, self._products = terms, products

    @property
    def error(self) -> Array:
        """The bound, the roundings of the sum included."""
        roundings = self._terms - 1 + self._products
        if not roundings:
            return self._error
        if (self._terms, self._products) == (2, 0):  # one addition rounds its result
            return self._error + self.p.u * (np.abs(self.value) + self._error)
        return self._error + self.p.γ(roundings) * self._size + roundings * self.p.η

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    def _shaped(self, change: Callable[[Array], Array]) -> Rounded:
        value, error, size = (change(part) for part in (self.value, self._error, self._size))
        return Rounded(self.p, value, error, size, self._terms, self._products)

    def __getitem__(self, key: Any) -> Rounded:
        return self._shaped(lambda a: a[key])

    def reshape(self, *shape: int) -> Rounded:
        return self._shaped(lambda a: a.reshape(*shape))

    def __add__(self, other: Any) -> Rounded:
        a, b = self, self._lift(other)
        return Rounded(
            self.p,
            a.value + b.value,
            a._error + b._error,
            a._size + b._size,
            a._terms + b._terms,
            max(a._products, b._products),
        )

    __radd__ = __add__

    def __neg__(self) -> Rounded:
        return Rounded(self.p, -self.value, self._error, self._size, self._terms, self._products)

    def __sub__(self, other: Any) -> Rounded:
        return self + -self._lift(other)

    def __rsub__(self, other: Any) -> Rounded:
        return -self + other

    def __mul__(self, other: Any) -> Rounded:
        a, b = self, self._lift(other)
        value = a.value * b.value
        error = np.abs(a.value) * b.error + np.abs(b.value) * a.error + a.error * b.error
        return Rounded(self.p, value, error + self.p.u * (np.abs(value) + error) + self.p.η)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Rounded:
        a, b = self, self._lift(other)
        value, smallest = a.value / b.value, np.abs(b.value) - b.error
        with np.errstate(divide="ignore"):
            error = np.where(smallest > 0, (a.error + np.abs(value) * b.error) / np.maximum(smallest, 0), np.inf)
        return Rounded(self.p, value, error + self.p.u * (np.abs(value) + error) + self.p.η)

    def __matmul__(self, matrix: Array) -> Rounded:
        """Times an exact matrix, or one of which each entry carries the weights' relative error."""
        size = (np.abs(self.value) + self.error) @ np.abs(matrix)
        error = self.error @ np.abs(matrix) + self.p.weights * self.p.u * size
        return Rounded(self.p, self.value @ matrix, error, size, len(matrix), 1)

    def mean(self, axis: int, keepdims: bool) -> Rounded:
        mean = lambda a: a.mean(axis=axis, keepdims=keepdims)
        return Rounded(self.p, mean(self.value), mean(self.error), mean(self._size), self.shape[axis], 1)

    def activated(self, activation: Activation) -> Rounded:
        """Raises NoBound for an activation without a rule."""
        if activation.name not in RULES:
            raise NoBound(f"no bound is known for {activation.name}: one of {', '.join(RULES)}")
        slope, rounding = RULES[activation.name]
        rounding = self.p.rounding.get(activation.name, rounding)
        y = activation(self.value)
        parameters = activation.parameters if activation.name in PARAMETRISED else {}
        error = slope(y, self.error, **parameters) * self.error
        # What is rounded is the perturbed value.
        return Rounded(self.p, y, error + self.p.u * rounding(np.abs(y) + error, **parameters) + self.p.η)

    def _lift(self, other: Any) -> Rounded:
        if isinstance(other, Rounded):
            return other
        exact = np.asarray(other, self.value.dtype)
        return Rounded(self.p, exact, self.p.weights * self.p.u * np.abs(exact))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **_: Any) -> Rounded:
        if method != "__call__" or ufunc not in UFUNCS:
            raise NoBound(f"no bound is known for {ufunc.__name__}")
        lifted = (self._lift(value) for value in inputs)
        return UFUNCS[ufunc](*lifted)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Rounded:
        if function not in FUNCTIONS:
            raise NoBound(f"no bound is known for {function.__name__}")
        return FUNCTIONS[function](*args, **kwargs)


def _sqrt(a: Rounded) -> Rounded:
    value = np.sqrt(a.value)
    with np.errstate(invalid="ignore", divide="ignore"):
        below = value + np.sqrt(np.maximum(a.value - a.error, 0))
        error = np.where(below > 0, a.error / np.where(below > 0, below, 1), np.sqrt(a.error))
    return Rounded(a.p, value, error + a.p.u * (value + error))


def _chosen(choose: Callable[[Array, Array], Array]) -> Callable[[Rounded, Rounded], Rounded]:
    """The larger or the smaller of two, neither of them farther off than the farther."""
    return lambda a, b: Rounded(a.p, choose(a.value, b.value), np.maximum(a.error, b.error))


def _concatenated(parts: Any, axis: int = 0) -> Rounded:
    p = next(part.p for part in parts if isinstance(part, Rounded))
    parts = [part if isinstance(part, Rounded) else Rounded(p, part) for part in parts]
    join = lambda name: np.concatenate([getattr(part, name) for part in parts], axis)
    value, error, size = map(join, ("value", "_error", "_size"))
    return Rounded(p, value, error, size, max(part._terms for part in parts), max(part._products for part in parts))


UFUNCS: dict[Any, Callable[..., Rounded]] = {
    np.add: Rounded.__add__,
    np.subtract: Rounded.__sub__,
    np.multiply: Rounded.__mul__,
    np.true_divide: Rounded.__truediv__,
    np.negative: Rounded.__neg__,
    np.sqrt: _sqrt,
    np.maximum: _chosen(np.maximum),
    np.minimum: _chosen(np.minimum),
}
FUNCTIONS: dict[Any, Callable[..., Rounded]] = {
    np.concatenate: _concatenated,
    np.repeat: lambda a, repeats, axis: a._shaped(lambda part: np.repeat(part, repeats, axis)),
}


def step_bound(
    layer: Layer | Wrapped,
    x: Array,
    state: Any,
    dtype: str,
    weights: float = 0.0,
    rounding: Mapping[str, Callable[[Any], Any]] = MappingProxyType({}),
) -> dict[str, Rounded]:
    """One exact step in float64 from `x (B, X)` and exact `state` fields `(B, …)`: gates and states by letter; of a
    Wrapped, which has masks for one step, "output" as well.

    `weights` is the relative error of the weights in u, where an implementation got them by rounding others;
    `rounding` has the errors of an implementation's activations, in u, where they are not those of `RULES`.
    """
    p = Precision(UNITS[dtype], FLUSHED[dtype], weights, rounding)
    home = module(layer.cell)
    before = home.State(*(Rounded(p, s) for s in state))
    found: dict[str, Any] = {}
    if isinstance(layer, Wrapped):
        found["output"], after, gates = layer.step(Rounded(p, x), before, 0)
    else:
        xw = project(layer.cell)(Rounded(p, x), layer.weights)  # type: ignore[arg-type]
        after, gates = home.step(xw, before, layer.weights, **layer.options)
    found |= {**gates, **after._asdict()}
    return {name: value if isinstance(value, Rounded) else Rounded(p, value) for name, value in found.items()}
