"""`gateproof study NAME`: one of the studies, its pictures, numbers and paragraphs in a folder."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from comparisons.cli import Answer
from comparisons.commands import reports


def answer(args: Namespace) -> Answer:
    """Run the study, write it into `--out`. Raises Stop where the folder cannot be written."""
    out = reports.folder(args.out or f"study-{args.name}")
    module = args.name.replace("-", "_")
    study = import_module(f"comparisons.studies.{module}")
    from comparisons.render import studies

    pictures = import_module(f"comparisons.render.study_{module}").PICTURES
    with reports.progress() as progress:
        parts = study.run(quick=args.quick, seed=args.seed, progress=progress)
        data = studies.data(args.name, args.seed, args.quick, parts)
        writers: dict[str, reports.Writer] = {
            "study.json": reports.text(json.dumps(data, indent=1, allow_nan=False) + "\n"),
            "study.md": reports.text(studies.markdown(args.name, args.seed, args.quick, parts)),
        }
        for part in parts:
            progress(f"drawing: {part.name}", len(parts))
            writers[f"{part.name}.csv"] = reports.text(studies.csv(part))
            writers[f"{part.name}.png"] = pictures[part.name](part).savefig
        written = reports.write(out, writers)

    def text() -> Iterator[Any]:
        yield from studies.tables(parts)
        yield f"Written: {', '.join(written)}"

    return Answer(data | {"files": written}, text)
