"""The whole bench: the parts asked for, on what is installed, with what must be said beside the numbers."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.benching import competitors, growth, memory, oracle, sequences
from comparisons.benching.rows import Row, Settings, Task
from comparisons.benching.targets import Target, targets
from comparisons.benching.work import Shape

PACKAGES = ("gateproof", "keras", "tensorflow", "torch", "onnx", "numpy")
PARTS: dict[str, Callable[[Settings], Iterator[Task]]] = {
    "training": sequences.training,
    "forward": sequences.forward,
    "memory": memory.tasks,
    "growth": growth.tasks,
    "reference": oracle.tasks,
}


@dataclass(frozen=True)
class Report:
    rows: tuple[Row, ...]
    missing: dict[str, str]
    targets: tuple[Target, ...]
    settings: Settings
    machine: dict[str, str]
    versions: dict[str, str | None]

    @property
    def passed(self) -> bool:
        """Whether everybody who was asked computed the same functions; how fast is no test."""
        return not any(row.wrong for row in self.rows)


def run(
    parts: Sequence[str],
    cells: Sequence[str],
    *,
    shapes: Sequence[Shape] | None = None,
    rounds: int | None = None,
    quick: bool = False,
    progress: Callable[[str, int], None] = lambda doing, of: None,
) -> Report:
    """Measure these parts; `progress(doing, of)` hears of every piece of work, and how many there are.

    shapes: of training and forward. rounds: at most, of a row; 15 unless given, or 2 of a quick run, whose tiny shapes
    only show that all works.
    """
    missing = competitors.missing(competitors.COMPETITORS)
    settings = Settings(
        cells=tuple(cells),
        shapes=tuple(shapes or (sequences.QUICK if quick else sequences.SHAPES)),
        present=tuple(name for name in competitors.COMPETITORS if name not in missing),
        rounds=rounds or (2 if quick else 15),
        seconds=0.1 if quick else 2.5,
        quick=quick,
        apart=not quick,
    )
    tasks = [task for part in parts for task in PARTS[part](settings)]
    rows: list[Row] = []
    for task in tasks:
        progress(task.title, len(tasks))
        row = task.row()
        rows = [known for known in rows if known is not row] + [row]
    versions = {package: _version(package) for package in PACKAGES}
    if "reference" in parts:
        missing |= competitors.missing(oracle.COMPETITORS)
    return Report(tuple(rows), missing, tuple(targets(rows)), settings, machine(), versions)


def machine() -> dict[str, str]:
    """What the times depend on: the processor, its cores, the threads of each library, which are left as they are."""
    blas: Any = np.show_config(mode="dicts")
    blas = blas["Build Dependencies"]["blas"]
    found = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "NumPy's BLAS": f"{blas['name']} {blas['version']}",
    }
    set_here = {name: os.environ[name] for name in THREADS if name in os.environ}
    found["threads"] = ", ".join(f"{k}={v}" for k, v in set_here.items()) or "each library's default"
    return found


THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
