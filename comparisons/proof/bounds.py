"""How far one rounded step may lie from the exact one: a bound computed along with the step.

Every quantity is carried as its exact value and a bound on the error of an implementation that rounds each operation
in a precision of unit roundoff u, in any order of summation, fused or not (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., chapters 3 and 4). The errors of the library functions are measured, with a margin: tanh 8 u|t|
(seen: 5.9, TensorFlow), sigmoid 4 u (seen: 2.6, TensorFlow).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import Layer
from reference.activations import Activation
from reference.gates import split

Array = NDArray[Any]

# Unit roundoff, and the largest number that a library may flush to zero.
UNITS = {"float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
FLUSHED = {"float16": 2.0**-24, "float32": 2.0**-126, "float64": 2.0**-1022}


class NoBound(ValueError):
    """An activation whose rounding error is not known."""


class Rounded(NamedTuple):
    """A quantity of the exact step, and how far a rounded one may lie from it."""

    value: Any
    error: Any


# activation: (Lipschitz factor at y = φ(a) for a perturbation of at most e; rounding error where |y| ≤ v, in u)
Rule = tuple[Callable[[Any, Any], Any], Callable[[Any], Any]]
RULES: dict[str, Rule] = {
    "linear": (lambda y, e: 1.0, lambda v: 0.0),
    "relu": (lambda y, e: 1.0, lambda v: 0.0),
    "hard_tanh": (lambda y, e: 1.0, lambda v: 0.0),
    "softsign": (lambda y, e: 1.0, lambda v: 2 * v),
    "sigmoid": (lambda y, e: np.minimum(0.25, y * (1 - y) + 0.09623 * e), lambda v: 4.0),
    "tanh": (lambda y, e: np.minimum(1.0, 1 - y * y + 0.7698 * e), lambda v: 8 * v),
    "hard_sigmoid_keras2": (lambda y, e: 1 / 5, lambda v: 3.0),
    "hard_sigmoid_keras3": (lambda y, e: 1 / 6, lambda v: 3.0),
}


class Precision:
    """Arithmetic on `Rounded` quantities in one precision."""

    def __init__(self, dtype: str) -> None:
        self.u = UNITS[dtype]
        self.η = FLUSHED[dtype]

    def dot(self, *terms: tuple[Rounded, Array], biases: tuple[Array | None, ...] = (), count: int) -> Rounded:
        """Σ x W + Σ b, for exact matrices and biases, summed in any order; `count` is the number of its terms."""
        γ = count * self.u / (1 - count * self.u)
        present = [b for b in biases if b is not None]
        value = sum(x.value @ w for x, w in terms) + sum(present)
        size = sum((np.abs(x.value) + x.error) @ np.abs(w) for x, w in terms) + sum(map(np.abs, present))
        error = sum(x.error @ np.abs(w) for x, w in terms if np.any(x.error))
        return Rounded(value, γ * size + error + count * self.η)

    def add(self, a: Rounded, b: Rounded) -> Rounded:
        value = a.value + b.value
        error = a.error + b.error
        return Rounded(value, error + self.u * (np.abs(value) + error))

    def multiply(self, a: Rounded, b: Rounded) -> Rounded:
        value = a.value * b.value
        error = np.abs(a.value) * b.error + np.abs(b.value) * a.error + a.error * b.error
        return Rounded(value, error + self.u * (np.abs(value) + error) + self.η)

    def apply(self, activation: Activation, a: Rounded) -> Rounded:
        """Raises NoBound for an activation without a rule."""
        if activation.name not in RULES:
            raise NoBound(f"no bound is known for {activation.name}: one of {', '.join(RULES)}")
        slope, rounding = RULES[activation.name]
        y = activation(a.value)
        error = slope(y, a.error) * a.error
        return Rounded(
            y, error + self.u * rounding(np.abs(y) + error) + self.η
        )  # what is rounded is the perturbed value


def step_bound(layer: Layer, x: Array, state: Any, dtype: str) -> dict[str, Rounded]:
    """One exact step in float64 from `x (B, X)` and exact `state` fields `(B, H)`: gates and states by letter."""
    return _STEPS[layer.cell](Precision(dtype), layer, Rounded(x, 0.0), tuple(Rounded(s, 0.0) for s in state))


def _simple_rnn(p: Precision, layer: Layer, x: Rounded, state: tuple[Rounded, ...]) -> dict[str, Rounded]:
    w, (h,) = layer.weights, state
    a = p.dot((x, w.kernel), (h, w.recurrent_kernel), biases=(w.bias,), count=layer.input_dim + layer.units + 1)
    return {"h": p.apply(layer.options["activation"], a)}


def _lstm(p: Precision, layer: Layer, x: Rounded, state: tuple[Rounded, ...]) -> dict[str, Rounded]:
    w, (h, c) = layer.weights, state
    σ, φ = layer.options["recurrent_activation"], layer.options["activation"]
    forget_bias = layer.options["forget_bias"]
    a = p.dot((x, w.kernel), (h, w.recurrent_kernel), biases=(w.bias,), count=layer.input_dim + layer.units + 1)
    a_i, a_f, a_g, a_o = (Rounded(*parts) for parts in zip(*(split(part, "ifgo") for part in a), strict=True))
    if forget_bias:  # added at run time, or folded into the stored bias beforehand
        b_f = 0 if w.bias is None else split(w.bias, "ifgo")[1]
        a_f = p.add(a_f, Rounded(forget_bias, p.u * np.abs(b_f + forget_bias)))
    i, f, g, o = p.apply(σ, a_i), p.apply(σ, a_f), p.apply(φ, a_g), p.apply(σ, a_o)
    c = p.add(p.multiply(f, c), p.multiply(i, g))
    return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": p.multiply(o, p.apply(φ, c))}


def _gru(p: Precision, layer: Layer, x: Rounded, state: tuple[Rounded, ...]) -> dict[str, Rounded]:
    w, (h,) = layer.weights, state
    σ, φ = layer.options["recurrent_activation"], layer.options["activation"]
    X, H = layer.input_dim, layer.units
    W, U = split(w.kernel, "zrn"), split(w.recurrent_kernel, "zrn")
    b, d = ((None,) * 3 if bias is None else split(bias, "zrn") for bias in (w.bias, w.recurrent_bias))
    z, r = (p.apply(σ, p.dot((x, W[k]), (h, U[k]), biases=(b[k], d[k]), count=X + H + 2)) for k in (0, 1))
    xw = p.dot((x, W[2]), biases=(b[2],), count=X + 1)
    if layer.options["reset_after"]:
        a = p.add(xw, p.multiply(r, p.dot((h, U[2]), biases=(d[2],), count=H + 1)))
    else:
        a = p.add(xw, p.dot((p.multiply(r, h), U[2]), count=H))
    n = p.apply(φ, a)
    kept = Rounded(1 - z.value, z.error + p.u * (np.abs(1 - z.value) + z.error))
    return {"z": z, "r": r, "n": n, "h": p.add(p.multiply(z, h), p.multiply(kept, n))}


_STEPS: dict[str, Callable[..., dict[str, Rounded]]] = {"simple_rnn": _simple_rnn, "lstm": _lstm, "gru": _gru}
