"""What a gate's activations say: how often it is saturated, and how long a state that it keeps would last.

Saturation as in Karpathy, Johnson and Li, *Visualizing and Understanding Recurrent Networks*, arXiv 1506.02078 v2,
section 4.2: a gate is left-saturated below 0.1 and right-saturated above 0.9.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SHUT, OPEN = 0.1, 0.9
EACH = 30  # lags that are looked at one by one
# The gate that says how much of a cell's old state is kept, and whether all of it is where the gate is 1, or 0.
KEPT_AT_ONE: dict[str, str] = {
    **dict.fromkeys(("lstm", "peephole_lstm", "cifg", "greff_lstm", "layer_norm_lstm", "fused_layer_norm_lstm"), "f"),
    **dict.fromkeys(("gru", "ugrnn"), "z"),
}
KEPT_AT_ZERO: dict[str, str] = {"mgu": "f", "mut1": "z", "mut2": "z", "mut3": "z"}


class Saturation(NamedTuple):
    """In which fraction of the steps that count each unit's gate is below 0.1, and above 0.9; of all rows together."""

    shut: Array  # (H,)
    open: Array  # (H,)


class Kept(NamedTuple):
    """The gate, and the share of the old state that it keeps."""

    gate: str
    share: Array  # (B, T, H)


def saturation(gate: Array, counted: Array) -> Saturation:
    """`gate (B, T, H)`, `counted (B, T)` -> fractions, `(H,)`; NaN where no step counts."""
    seen = gate[counted]  # (N, H)
    if not len(seen):
        nothing = np.full(gate.shape[-1], np.nan)
        return Saturation(nothing, nothing)
    return Saturation((seen < SHUT).mean(axis=0), (seen > OPEN).mean(axis=0))


def kept(cell: str, gates: dict[str, Array]) -> Kept | None:
    """How much of its old state a cell keeps at each step; None for a cell without a gate that says so.

    The LSTM of 1997 has none, and keeps all of c for ever.
    """
    if letter := KEPT_AT_ONE.get(cell):
        return Kept(letter, gates[letter].astype("float64"))
    if letter := KEPT_AT_ZERO.get(cell):
        return Kept(letter, 1 - gates[letter].astype("float64"))
    return None


def half_life(share: Array, counted: Array) -> Array:
    """After how many steps half of a state would be left, if every step kept the geometric mean of what they kept.

    ::

        ln ½ / mean(ln share)

    over the steps of all rows that count: `share (B, T, H)`, `counted (B, T)` -> `(H,)`, in steps. Infinite where
    all is kept, 0 where a step keeps nothing, NaN where no step counts.
    """
    seen = share[counted]  # (N, H)
    if not len(seen):
        return np.full(share.shape[-1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.log(np.clip(seen, 0, None)).mean(axis=0)
        return np.where(each < 0, np.log(0.5) / each, np.inf)


def left(share: Array, counted: Array, most: int) -> tuple[Array, Array]:
    """How much of a state is left so many steps later, by what each step keeps: lags `(K,)`, fractions `(K, H)`.

    The product of `share (B, T, H)` over so many steps that count, in the mean of all places to begin at. The lags go
    up to `most`, or as far as the longest row does: each of the first ones, then some in even ratios.
    """
    rows = [row[here] for row, here in zip(share, counted, strict=True)]
    most = min(most, max(len(row) for row in rows))
    lags = np.unique([*range(min(most, EACH) + 1), *np.geomspace(1, max(most, 1), EACH).round().astype(int)])
    lags = lags[lags <= most]
    sums, times = np.zeros((len(lags), share.shape[-1])), np.zeros(len(lags))
    for row in rows:
        with np.errstate(divide="ignore"):
            logs = np.maximum(np.log(np.clip(row, 0, None)), -800.0)  # e to the -800 is 0
        until = np.concatenate([np.zeros((1, row.shape[-1])), np.cumsum(logs, axis=0)])
        for k, lag in enumerate(lags[lags <= len(row)]):
            sums[k] += np.exp(until[lag:] - until[: len(until) - lag]).sum(axis=0)
            times[k] += len(until) - lag
    return lags, sums / np.maximum(times, 1)[:, None]


def half_left(share: Array, counted: Array) -> Array:
    """After how many steps half of a state is `left`, `(H,)`; infinite where the rows are too short to see that."""
    lags, rest = left(share, counted, share.shape[1])
    below = rest < 0.5
    after = below.argmax(axis=0)  # the first lag, where there is one
    seen = below.any(axis=0)
    units = np.arange(share.shape[-1])
    before = np.maximum(after - 1, 0)
    high, low = rest[before, units], rest[after, units]
    part = (high - 0.5) / np.where(high > low, high - low, 1)
    return np.where(seen, lags[before] + part * (lags[after] - lags[before]), np.inf)
