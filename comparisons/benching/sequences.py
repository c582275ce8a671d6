"""Training steps and forward passes of whole layers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from comparisons.benching.rows import Settings, Task, compared
from comparisons.benching.work import Shape, drawn


def training(settings: Settings) -> Iterator[Task]:
    """Forward and backward alone, and a step of `fit`."""
    yield from _tasks("training", ("step", "fit"), settings)


def forward(settings: Settings) -> Iterator[Task]:
    """What `predict` does with a batch."""
    yield from _tasks("forward", ("forward",), settings)


def _tasks(part: str, jobs: tuple[str, ...], settings: Settings) -> Iterator[Task]:
    for cell in settings.cells:
        for shape in settings.shapes:
            work = cache(lambda cell=cell, shape=shape: drawn(cell, shape))
            for job in jobs:
                row = lambda job=job, work=work: compared(part, job, work(), settings)
                yield Task(f"{part}: {cell} {job}, {shape}", row)


SHAPES = (Shape(1, 100, 64, 128), Shape(32, 100, 64, 128), Shape(32, 100, 256, 512), Shape(64, 50, 128, 64))
QUICK = (Shape(2, 5, 3, 4),)
