"""The peak memory of a training step, every competitor in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from comparisons.benching.competitors import COMPETITORS
from comparisons.benching.rounds import Timing, timing
from comparisons.benching.rows import Row, Settings, Task
from comparisons.benching.work import Answer, Shape, Work, drawn

SHAPE, QUICK = Shape(32, 400, 256, 512), Shape(2, 5, 3, 4)
TINY = Shape(1, 3, 2, 2)  # a first step that loads what a step needs
JOB = "fit"
STEPS = 2


def tasks(settings: Settings) -> Iterator[Task]:
    """One row, of the first cell that was asked for; a task a competitor, each of which gives it with his peak in."""
    cell, shape = settings.cells[0], QUICK if settings.quick else SHAPE
    row = Row("memory", JOB, cell, shape)
    work = cache(lambda: drawn(cell, shape))
    for name in settings.present:
        yield Task(f"memory: {cell}, {name}", lambda name=name: _add(row, name, work()))


def _add(row: Row, name: str, work: Work) -> Row:
    """The row with this competitor's peak in it, or what is wrong with him."""
    try:
        peak, answer = _process(name, work.cell, work.shape)
    except subprocess.CalledProcessError as error:
        row.wrong[name] = (error.stderr.strip().splitlines() or [f"exit {error.returncode}"])[-1]
        return row
    if mistake := work.mistake(JOB, answer):
        row.wrong[name] = mistake
    else:
        row.measured[name] = peak
    return row


def _process(name: str, cell: str, shape: Shape) -> tuple[Timing, Answer]:
    with TemporaryDirectory() as folder:
        file = Path(folder, "answer.npz")
        command = [sys.executable, "-m", "comparisons.benching.memory", name, cell, *map(str, shape), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        with np.load(file) as arrays:
            return timing(json.loads(done.stdout.splitlines()[-1])), dict(arrays)


def main(name: str, cell: str, B: str, T: str, X: str, H: str, file: str) -> None:
    """The child: prints bytes, the peaks of some steps over what the process held before the first of this shape."""
    call = lambda work: COMPETITORS[name].call(JOB, work)
    tiny = call(drawn(cell, TINY))
    tiny.run()
    big = call(drawn(cell, Shape(int(B), int(T), int(X), int(H))))
    peak = _meter()
    before = peak(lambda: None)
    np.savez(file, **big.answer())  # pyright: ignore[reportArgumentType]  # the first step, which compiles
    print(json.dumps([peak(big.run) - before for _ in range(STEPS)]))


def _meter() -> Callable[[Callable[[], Any]], int]:
    """A function that runs another, and gives the peak of the process in bytes: while it ran where Linux tells, so far
    elsewhere."""
    import resource

    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def peak(run: Callable[[], Any]) -> int:
        try:
            reset.write_text("5")  # the peak begins anew: proc(5)
        except OSError:
            run()
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        run()
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    return peak


if __name__ == "__main__":
    from comparisons import quiet

    with quiet.imports():
        main(*sys.argv[1:])
