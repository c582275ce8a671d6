"""A layer with drawn weights at one shape, what is asked of it, and how far from the truth an answer may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import Layer, Weights

Array = NDArray[Any]
Answer = dict[str, Array]

GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
FACTOR = 8  # how many times the error of NumPy in the same precision is allowed, as in the proof run; empirical
UNIT = 2.0**-24  # half a unit in the last place at 1, in float32


class Shape(NamedTuple):
    B: int
    T: int
    X: int
    H: int

    def __str__(self) -> str:
        return ", ".join(map(str, self))


@dataclass(frozen=True, eq=False)
class Work:
    """One layer on one batch, in float32.

    Jobs: "forward", the outputs; "step", outputs and the gradients of inputs and weights from `d_outputs`; "fit", the
    weights after one step of descent, by the gradient of half the squared distance from `targets`.
    """

    cell: str
    shape: Shape
    layer: Layer
    x: Array  # (B, T, X)
    d_outputs: Array  # (B, T, H)
    targets: Array  # (B, T, H)

    @cached_property
    def _runs(self) -> dict[str, tuple[Layer, Any]]:
        layers = {dtype: self.layer.astype(dtype) for dtype in ("float32", "float64")}
        return {dtype: (layer, layer.run(self.x.astype(dtype))) for dtype, layer in layers.items()}

    def answer(self, job: str, dtype: str) -> Answer:
        """What the reference finds in this precision."""
        layer, run = self._runs[dtype]
        if job == "forward":
            return {"outputs": run.result}
        found = layer.backprop(run, run.result - self.targets if job == "fit" else self.d_outputs.astype(dtype))
        if job == "step":
            return {"outputs": run.result, "inputs": found.inputs, **arrays(found.weights)}
        return {name: w - getattr(found.weights, name) for name, w in arrays(layer.weights).items()}

    def mistake(self, job: str, answer: Answer) -> str | None:
        """Why the answer is not this function's, or None: each array may be as far from float64 as `FACTOR` times NumPy
        in float32."""
        for name, (exact, allowed) in self._allowed(job).items():
            if name not in answer:
                return f"{name} is missing"
            distance = float(np.abs(answer[name] - exact).max())
            if not distance <= allowed:
                return f"{name} lies {distance:.2g} from the reference, allowed {allowed:.2g}"
        return None

    def _allowed(self, job: str) -> dict[str, tuple[Array, float]]:
        if job not in self._known:
            exact, rounded = self.answer(job, "float64"), self.answer(job, "float32")
            self._known[job] = {
                name: (a, FACTOR * float(max(np.abs(rounded[name] - a).max(), UNIT * np.abs(a).max())))
                for name, a in exact.items()
            }
        return self._known[job]

    @cached_property
    def _known(self) -> dict[str, dict[str, tuple[Array, float]]]:
        return {}


def arrays(weights: Any) -> Answer:
    """The arrays that are there, by name."""
    return {name: a for name, a in weights._asdict().items() if a is not None}


def drawn(cell: str, shape: Shape, seed: int = 0) -> Work:
    """A layer as Keras would build it by default, with drawn weights that keep the gates off their flat ends."""
    B, T, X, H = shape
    rng = np.random.default_rng(seed)
    normal = lambda *size: rng.normal(size=size).astype("float32")
    width = GATES[cell] * H
    twice = cell == "gru"  # reset after the matmul, with a bias on either side
    weights = Weights(
        normal(X, width) / np.float32(np.sqrt(X)),
        normal(H, width) / np.float32(np.sqrt(H)),
        normal(width) / 10,
        normal(width) / 10 if twice else None,
    )
    layer = Layer(cell, weights, {"reset_after": True} if twice else {})
    return Work(cell, shape, layer, normal(B, T, X), normal(B, T, H), normal(B, T, H))
