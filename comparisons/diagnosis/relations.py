"""One reading of arrays in terms of another: whether they are made of the same blocks, and by which choices."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from comparisons.diagnosis.axes import BIASES, squash_of, stored_gates, time_of
from comparisons.diagnosis.space import Blocks
from reference import Layer


def signature(layer: Layer) -> Any:
    """What no axis changes: the numbers of each block, whatever their order and sign."""
    blocks = Blocks(layer)
    bits = lambda a: np.sort(np.abs(a), axis=None).tobytes()
    each = lambda stack: tuple(sorted(bits(block) for block in stack))
    biases = tuple(sorted(bits(b) for b in (*blocks.bias, *blocks.second) if np.any(b)))
    more = [getattr(layer.weights, name, None) for name in ("peephole", "projection")]
    return (
        layer.cell,
        each(blocks.kernels[""]),
        each(blocks.recurrent[0]),
        biases,
        tuple(None if a is None else bits(a) for a in more),
    )


def choices(frame: Layer, other: Layer) -> dict[str, Any] | None:
    """The choices on axes that make `other` of the blocks of `frame`; None where none do."""
    a, b, gates = Blocks(frame), Blocks(other), stored_gates(frame)
    sign = np.ones(len(gates))
    found: dict[str, Any] = {}
    for kernel in ("", "cudnn"):
        stored = a.kernels[kernel]
        for order in ("".join(o) for o in permutations(gates)):
            at = [order.index(gate) for gate in gates]
            equal = [np.array_equal(np.abs(stored[k]), np.abs(b.kernels[""][g])) for g, k in enumerate(at)]
            if all(equal):
                found = {"order": order, "kernel": kernel}
                break
        if found:
            break
    else:
        return None
    at = [found["order"].index(gate) for gate in gates]
    kernels = a.kernels[found["kernel"]][at]
    sign = np.array([1 if np.array_equal(kernels[g], b.kernels[""][g]) else -1 for g in range(len(gates))])
    if (sign < 0).any():
        if frame.cell != "gru" or "".join(g for g, s in zip(gates, sign, strict=True) if s < 0) != "z":
            return None
        found["polarity"] = "turned"
    recurrent = b.recurrent[0] * sign[:, None, None]
    flips = [not np.array_equal(recurrent[g], a.recurrent[0][k]) for g, k in enumerate(at)]
    if any(
        flip and not np.array_equal(recurrent[g], a.recurrent[1][k])
        for g, (flip, k) in enumerate(zip(flips, at, strict=True))
    ):
        return None
    found["transposed"] = "".join(g for g, flip in zip(gates, flips, strict=True) if flip)
    first, second = b.bias * sign[:, None], b.second * sign[:, None]
    for kind, change in BIASES.items():
        one, two = change(a.bias[at], a.second[at])
        additive = frame.cell != "gru" and np.array_equal(one + two, first + second)
        if additive or (np.array_equal(one, first) and np.array_equal(two, second)):
            found["biases"] = kind
            break
    else:
        return None
    if frame.cell in ("lstm", "peephole_lstm"):
        found |= {"added": (("f", 1),) if other.options["forget_bias"] else (), "squash": squash_of(other)}
    if frame.cell == "gru":
        found["reset"] = other.options["reset_after"]
    if "recurrent_activation" in other.options:
        found["gate"] = str(other.options["recurrent_activation"])
    return {**found, "activation": str(other.options["activation"]), "time": time_of(other)}
