"""The NumPy reference beside ONNX' own, and its way back beside its way forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from comparisons.benching.calls import Call, here
from comparisons.benching.competitors import Competitor, missing
from comparisons.benching.floors import fastest
from comparisons.benching.rounds import turn_of
from comparisons.benching.rows import Row, Settings, Task, checked, timed
from comparisons.benching.work import Shape, Work, drawn
from reference import pack

SHAPES = (Shape(32, 100, 64, 128), Shape(32, 100, 256, 512))
QUICK = (Shape(2, 5, 3, 4),)


def tasks(settings: Settings) -> Iterator[Task]:
    """`run`, ONNX' ReferenceEvaluator and `backprop`, a row a cell and shape."""
    for cell in settings.cells:
        for shape in QUICK if settings.quick else SHAPES:
            yield Task(f"reference: {cell}, {shape}", lambda cell=cell, shape=shape: _row(drawn(cell, shape), settings))


def _row(work: Work, settings: Settings) -> Row:
    absent = missing(COMPETITORS)
    who = {name: here(competitor.call) for name, competitor in COMPETITORS.items() if name not in absent}
    turns, wrong = checked("forward", work, who)
    run = work.layer.run(work.x)
    turns["backprop"] = turn_of(lambda: work.layer.backprop(run, work.d_outputs))
    measured, floor = timed(turns, fastest("forward", work.cell, work.shape, ("numpy",)), settings)
    return Row("reference", "run", work.cell, work.shape, measured, wrong, floor=floor)


def _reference(job: str, work: Work) -> Call:
    return Call(lambda: work.layer.run(work.x), lambda: {"outputs": work.layer.run(work.x).outputs})


def _onnx(job: str, work: Work) -> Call:
    from comparisons.frameworks import onnx_reference, onnx_runtime

    packed = pack(work.layer, "onnx")
    fed = {"X": work.x.swapaxes(0, 1).copy(), **packed.arrays}  # (T, B, X)
    session: Callable[[Any], Any] = onnx_reference.session(
        onnx_runtime.OPS.get(packed.cell, "LSTM"), fed, packed.options
    )
    return Call(lambda: session(fed), lambda: {"outputs": session(fed)[0][:, 0].swapaxes(0, 1)})


COMPETITORS = {
    "run": Competitor("this project's reference, run", "numpy", _reference),
    "onnx": Competitor("ONNX' ReferenceEvaluator", "onnx", _onnx),
}
