"""`gateproof bench`: time our layers and our reference beside what else is installed."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from comparisons import quiet
from comparisons.cli import DONE, FAILED, MISSING, USAGE, Answer, Stop
from comparisons.commands import choices, reports

PARTS = ("training", "forward", "memory", "growth", "reference")
CELLS = ("lstm", "gru", "simple_rnn")


def answer(args: Namespace) -> Answer:
    """Measure, and write `bench.json` and the pictures into `--out`.

    Raises Stop for wrong arguments or a missing package.
    """
    parts = choices.chosen("part", args.parts or None, PARTS)
    cells = choices.chosen("cell", args.cells or ["lstm", "gru"], CELLS)
    if args.shapes and not {"training", "forward"} & set(parts):
        raise Stop(f"--shapes must go with training or forward, got {', '.join(parts)}")
    for package in ("keras", "tensorflow"):
        if find_spec(package) is None:
            raise Stop(f"{package} must be installed to time the layers: pip install {package}", MISSING)
    if (backend := os.environ.get("KERAS_BACKEND", "tensorflow")) != "tensorflow":
        raise Stop(f"KERAS_BACKEND must be tensorflow for the layers to be timed, got {backend!r}: unset it", USAGE)
    out = reports.folder(args.out)
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # all are compared on the processor
    with quiet.imports():
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # that it traces one function a shape is meant
    from comparisons.benching import run
    from comparisons.benching.work import Shape
    from comparisons.render import bench, bench_pictures

    shapes = [Shape(*shape) for shape in args.shapes or ()]
    with reports.progress() as progress:
        report = run.run(parts, cells, shapes=shapes, rounds=args.rounds, quick=args.quick, progress=progress)
    data = bench.data(report)
    writers: dict[str, reports.Writer] = {
        "bench.json": reports.text(json.dumps(data, indent=1, allow_nan=False) + "\n"),
        **{f"{name}.png": figure.savefig for name, figure in bench_pictures.pictures(report).items()},
    }
    written = reports.write(out, writers)

    def text() -> Iterator[Any]:
        yield from bench.tables(report)
        yield f"Written: {', '.join(written)}"

    return Answer(data, text, DONE if report.passed else FAILED)
