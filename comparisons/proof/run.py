"""The proof run: every case on every framework, measured, and every planted mistake beside it."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons import frameworks
from comparisons.frameworks.numpy_reference import trace
from comparisons.proof import draws, mutants
from comparisons.proof.cases import CASES, Case
from comparisons.proof.measure import Distance, Judge
from reference import Layer, Wrapped
from reference.layer import AnyLayer

Array = NDArray[Any]
PACKAGES = (
    "gateproof",
    "keras",
    "tensorflow",
    "tf-keras",
    "torch",
    "onnx",
    "onnxruntime",
    "flax",
    "jax",
    "numpy",
    "h5py",
    "matplotlib",
)
BATCH = 4  # sequences compared, of those that were trained on


@dataclass(frozen=True)
class Row:
    """One framework in one case: a distance under each rule, or the reason why there is none."""

    framework: str
    distances: dict[str, Distance] = field(default_factory=dict)
    reason: str | None = None

    @property
    def passed(self) -> bool:
        return all(distance.passed for distance in self.distances.values())


@dataclass(frozen=True)
class Planted:
    """A mistake, and how far past each rule's allowance it lies."""

    name: str
    ratios: dict[str, float]

    @property
    def ratio(self) -> float:
        return max(self.ratios.values())


@dataclass(frozen=True)
class CaseResult:
    case: Case
    shape: tuple[int, ...]  # (B, T, X)
    rows: tuple[Row, ...]
    planted: tuple[Planted, ...]

    @property
    def nearest(self) -> Planted:
        """The mistake nearest to passing."""
        return min(self.planted, key=lambda planted: planted.ratio)

    @property
    def passed(self) -> bool:
        """Every framework within its allowance, and every planted mistake past one."""
        return all(row.passed for row in self.rows) and self.nearest.ratio > 1


@dataclass(frozen=True)
class Report:
    results: tuple[CaseResult, ...]
    titles: dict[str, str]
    missing: dict[str, str]
    seed: int
    data: str
    versions: dict[str, str | None]
    machine: dict[str, str]

    @property
    def passed(self) -> bool:
        return all(result.passed for result in self.results)


def run(
    *,
    cells: Sequence[str],
    names: Sequence[str],
    series: Array,
    data: str,
    seed: int = 0,
    cases: Sequence[Case] = CASES,
    everything: bool = True,
    progress: Callable[[str, int], None] = lambda doing, of: None,
) -> Report:
    """Run the cases of these cells on these frameworks; without `everything`, those marked `more` are left out.

    `series` is `(T, X)` or `(B, T, X)`; `progress(doing, of)` hears of every piece of work, and how many there are.
    """
    cases = [case for case in cases if case.cell in cells and (everything or not case.more)]
    chosen = {name: frameworks.load(name) for name in names}
    missing = {name: reason for name, module in chosen.items() if (reason := module.missing())}
    windows = draws.windows(series)
    trained: dict[Any, Layer] = {}
    results = []
    for case in cases:
        progress(case.name, len(cases))
        x = _inputs(case, windows, seed)
        layer = _weights(case, x, windows, seed, trained)
        results.append(_case(case, layer, x, chosen, missing, seed))
    return Report(
        tuple(results),
        {name: module.title() for name, module in chosen.items()},
        missing,
        seed,
        data,
        {package: _version(package) for package in PACKAGES},
        {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()},
    )


def _inputs(case: Case, windows: Array, seed: int) -> Array:
    if case.inputs == "sentence":
        return draws.sentence()
    if case.inputs == "drawn":
        return draws.inputs(case, BATCH, seed)
    chosen = np.linspace(0, len(windows) - 1, min(BATCH, len(windows))).astype(int)
    return windows[chosen, :-1]


def _weights(case: Case, x: Array, windows: Array, seed: int, trained: dict[Any, Layer]) -> AnyLayer | Wrapped:
    """The layer under comparison: the case's weights, options and direction, in the case's precision."""
    if case.weights == "drawn":
        return draws.layer(case, x.shape[-1], seed, len(x)).astype(case.dtype)
    if case.training not in trained:
        trained[case.training] = frameworks.load("keras").train(case, windows, seed)
    weights = trained[case.training].weights
    return Layer(case.cell, weights, dict(case.options), go_backwards=case.go_backwards).astype(case.dtype)


def _case(
    case: Case, layer: AnyLayer | Wrapped, x: Array, chosen: dict[str, Any], missing: dict[str, str], seed: int
) -> CaseResult:
    x = x.astype(case.dtype)
    mask = draws.mask(x.shape[0], x.shape[1], seed) if case.mask else None
    judge = Judge(layer, x, mask, case.dtype)
    rows = []
    for name, module in chosen.items():
        reason = missing.get(name) or module.unable(case, layer)
        judged = replace(judge, rounding=getattr(module, "ROUNDING", {}))
        found = {} if reason else judged.distances(module.run(case, layer, x, mask))
        rows.append(Row(name, found, reason))
    planted = []
    for name, wrong in mutants.planted(layer, case.mask):
        with np.errstate(all="ignore"):  # a mistake may well overflow: it is then as far as can be
            distances = judge.distances(trace(wrong.run(x, mask=mask)))
        planted.append(Planted(name, {rule: distance.ratio for rule, distance in distances.items()}))
    return CaseResult(case, x.shape, tuple(rows), tuple(planted))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
