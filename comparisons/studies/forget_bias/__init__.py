"""`gateproof study forget-bias`: what the bias of the forget gate does at first, and what two ways of giving it are.

The problem is temporal order (Hochreiter & Schmidhuber, Neural Computation 9:1735–1780, 1997, experiment 6a).
"""

from __future__ import annotations

from comparisons.studies.forget_bias.curves import BIASES, Training, curve
from comparisons.studies.forget_bias.reading import read_curves, read_same
from comparisons.studies.forget_bias.same import CONDITIONS, DOUBLE, Pair, apart
from comparisons.studies.part import Part
from comparisons.studies.work import Piece, Work

LAGS = (10, 30, 100)  # 30 is the paper's
TRAINING = Training(units=12, seeds=5, most=30_000)
PAIR = Pair(lag=10, units=12, seeds=3, updates=(0, 1, 3, 10, 30, 100, 300, 1000))
QUICK_LAGS, QUICK_BIASES, QUICK_CONDITIONS = (10,), ("forget_bias=1.0",), (DOUBLE,)
QUICK_TRAINING = Training(units=3, seeds=2, most=80, window=40)
QUICK_PAIR = Pair(lag=10, units=3, seeds=2, updates=(0, 1, 3))


def run(work: Work) -> list[Part]:
    """The learning curves, and the two ways side by side."""
    quick = work.quick
    lags, biases = (QUICK_LAGS, QUICK_BIASES) if quick else (LAGS, tuple(BIASES))
    training, pair = (QUICK_TRAINING, QUICK_PAIR) if quick else (TRAINING, PAIR)
    conditions = QUICK_CONDITIONS if quick else tuple(CONDITIONS)
    curves = {(lag, bias): f"lag {lag}, forget bias: {bias}" for lag in lags for bias in biases}
    same = {condition: f"stored and added: {condition}" for condition in conditions}
    seed = {"seed": work.seed}
    pieces = {
        name: Piece(curve, {"lag": lag, "bias": bias, "training": list(training)} | seed)
        for (lag, bias), name in curves.items()
    } | {name: Piece(apart, {"condition": each, "pair": list(pair)} | seed) for each, name in same.items()}
    found = work.each(pieces)
    return [
        read_curves(training, {key: found[name] for key, name in curves.items()}),
        read_same(pair, {key: found[name] for key, name in same.items()}),
    ]
