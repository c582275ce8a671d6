"""`gateproof vectors`: the cases of `gateproof check` as a versioned set of files."""

from __future__ import annotations

import json
from argparse import Namespace
from functools import partial
from typing import Any

from comparisons.cli import Answer, Stop

SCHEMA_VERSION = 1


def answer(args: Namespace) -> Answer:
    """Write the files into `--out`. Raises Stop for a cell or an option that is none, or a folder that refuses."""
    from importlib.metadata import PackageNotFoundError, version

    from comparisons.commands import reports, sources
    from comparisons.commands.choices import chosen
    from comparisons.grading import vectors
    from comparisons.render import vectors as rendered
    from reference.steps import CELLS

    names = chosen("--cells", args.cells, CELLS)
    try:
        cells = vectors.chosen(names, sources.options(args.option))
    except ValueError as error:
        raise Stop(str(error)) from None
    out = reports.folder(args.out)
    numbers = "decimal" if args.decimal else "hex"
    files: dict[str, Any] = {}
    with reports.progress() as progress:
        for cell in cells:
            name = vectors.file_name(cell.name, cell.given)
            progress(name, len(cells))
            files[name] = vectors.vectors(cell, numbers)
    try:
        of = version("gateproof")
    except PackageNotFoundError:
        of = "not installed"
    index = vectors.index(files, of, numbers)
    texts = {
        **{name: _json(held) for name, held in files.items()},
        "index.json": _json(index),
        "README.md": rendered.readme(index),
    }
    written = reports.write(out, {name: reports.text(content) for name, content in texts.items()})
    data = {"schema_version": SCHEMA_VERSION, "command": "vectors", **index, "written": written}
    return Answer(data, lambda: rendered.written(data, files))


def _json(data: dict[str, Any]) -> str:
    """Indented, with a line for each vector, so that the difference between two versions can be read."""
    write = partial(json.dumps, ensure_ascii=False, allow_nan=False)
    head = write({name: value for name, value in data.items() if name != "vectors"}, indent=1)
    if "vectors" not in data:
        return head + "\n"
    rows = ",\n".join(f"  {write(vector)}" for vector in data["vectors"])
    return f'{head[:-2]},\n "vectors": [\n{rows}\n ]\n}}\n'
