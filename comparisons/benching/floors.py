"""What the matmuls of a job take by themselves, one call after another: a floor to compare with, not a bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from comparisons.benching.rounds import Turn, alternate, turn_of
from comparisons.benching.work import GATES, Shape


class Matmul(NamedTuple):
    """`times` products, one after another, of `(m, k)` and `(k, n)`."""

    times: int
    m: int
    k: int
    n: int
    turned: bool = False  # the first operand is stored as (k, m)


def matmuls(job: str, cell: str, shape: Shape) -> dict[str, Matmul]:
    """The matmuls of a job. A fit has no gradient of its inputs, which are data."""
    (B, T, X, H), width = shape, GATES[cell] * shape.H
    forward = {
        "x W": Matmul(1, T * B, X, width),
        "h U": Matmul(T, B, H, width),
    }
    if job == "forward":
        return forward
    backward = {
        "δ Uᵀ": Matmul(T, B, width, H),
        "hᵀ δ": Matmul(1, H, T * B, width, True),
        "xᵀ δ": Matmul(1, X, T * B, width, True),
    }
    inputs = {"δ Wᵀ": Matmul(1, T * B, width, X)} if job == "step" else {}
    return forward | backward | inputs


def fastest(job: str, cell: str, shape: Shape, libraries: Sequence[str] | None = None) -> dict[str, Turn]:
    """`{"matmul, library": turns of all its times as one call}`, each by whoever is fastest in three rounds."""
    by = [name for name in libraries or LIBRARIES if find_spec(LIBRARIES[name][0])]
    found = {}
    for name, matmul in matmuls(job, cell, shape).items():
        turns = {library: turn_of(call) for library, call in _calls(matmul, by).items()}
        times = alternate(turns, rounds=3, seconds=0.0)
        best = min(times, key=lambda library: times[library].median)
        found[f"{name}, {best}"] = turns[best]
    return found


def _calls(matmul: Matmul, by: Sequence[str]) -> dict[str, Callable[[], Any]]:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(matmul.k, matmul.m) if matmul.turned else (matmul.m, matmul.k)).astype("float32")
    b = rng.normal(size=(matmul.k, matmul.n)).astype("float32")
    return {name: LIBRARIES[name][1](matmul, a, b) for name in by}


def _numpy(matmul: Matmul, a: Any, b: Any) -> Callable[[], Any]:
    a = a.T if matmul.turned else a
    out = np.empty((matmul.m, matmul.n), "float32")

    def run() -> Any:
        for _ in range(matmul.times):
            np.matmul(a, b, out=out)
        return out

    return run


def _xla(matmul: Matmul, a: Any, b: Any) -> Callable[[], Any]:
    import tensorflow as tf

    a, b = tf.constant(a), tf.constant(b)

    @tf.function(jit_compile=True, autograph=False)
    def compiled(a: Any, b: Any) -> Any:
        if matmul.times == 1:
            return tf.matmul(a, b, transpose_a=matmul.turned)
        # Each product needs the one before, so that none is moved out of the loop.
        step = lambda t, product: (t + 1, tf.matmul(a + product[0, 0] * 1e-30, b))
        start = tf.zeros((matmul.m, matmul.n))
        return tf.while_loop(lambda t, _: t < matmul.times, step, (tf.constant(0), start))[1]

    return lambda: compiled(a, b).numpy()


def _torch(matmul: Matmul, a: Any, b: Any) -> Callable[[], Any]:
    import torch

    a, b = torch.tensor(a), torch.tensor(b)
    a = a.T if matmul.turned else a
    out = torch.empty((matmul.m, matmul.n))

    def run() -> Any:
        with torch.inference_mode():
            for _ in range(matmul.times):
                torch.mm(a, b, out=out)
        return out.numpy()

    return run


LIBRARIES = {"numpy": ("numpy", _numpy), "xla": ("tensorflow", _xla), "pytorch": ("torch", _torch)}
