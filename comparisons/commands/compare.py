"""`gateproof compare`: prove the cells on real input."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from comparisons import quiet
from comparisons.cli import DONE, FAILED, MISSING, UNREADABLE, USAGE, Answer, Stop
from comparisons.commands import choices, reports
from comparisons.frameworks import FRAMEWORKS, load
from reference.steps import CELLS

REAL = "monthly mean sunspot numbers, 1749–2009, in windows of 132 months"


def answer(args: Namespace) -> Answer:
    """Run the proof, write the report into `--out`. Raises Stop for wrong arguments, data or a missing framework."""
    cells = choices.chosen("cell", args.cells, CELLS)
    cases = _cases(args.case, cells)
    names = choices.chosen("framework", args.frameworks, tuple(FRAMEWORKS))
    for package in ("keras", "tensorflow"):
        if find_spec(package) is None:
            raise Stop(f"{package} must be installed to train and run the cells: pip install {package}", MISSING)
    series, data = _data(args.data)
    out = reports.folder(args.out)
    _import(names)
    from comparisons.proof import run
    from comparisons.render import document, page, pictures, tables

    with reports.progress() as progress:
        report = run.run(
            cells=cells,
            names=names,
            series=series,
            data=data,
            seed=args.seed,
            cases=cases,
            everything=args.all or bool(args.case),
            progress=progress,
        )
        if not any(row.distances for result in report.results for row in result.rows):
            why = next(f"{row.framework}: {row.reason}" for result in report.results for row in result.rows)
            raise Stop(f"nothing can be compared, {why}", MISSING if report.missing else USAGE)
        found = document.data(report)
        writers: dict[str, reports.Writer] = {
            "report.json": reports.text(json.dumps(found, indent=1, allow_nan=False) + "\n"),
            "report.md": reports.text(document.markdown(report, list(pictures.PICTURES))),
            "report.html": reports.text(page.page(report, _conversions(report), args.data and _readable(args.data))),
            **{f"{name}.png": draw(report).savefig for name, draw in pictures.PICTURES.items()},
        }
        written = reports.write(out, writers)

    def text() -> Iterator[Any]:
        yield from tables.tables(report)
        yield f"Written: {', '.join(written)}"

    return Answer(found, text, DONE if report.passed else FAILED)


def _cases(names: list[str] | None, cells: Sequence[str]) -> list[Any]:
    """The cases of these names, or all, of these cells."""
    from comparisons.proof.cases import CASES

    known = {case.name: case for case in CASES if case.cell in cells}
    for name in names or ():
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f", did you mean {close[0]!r}?" if close else ""
            raise Stop(f"--case must be the name of a case in the report, got {name!r}{hint}")
    return [case for name, case in known.items() if not names or name in names]


def _conversions(report: Any) -> list[Any]:
    """What a conversion promises, of every form of the cells that were compared."""
    from reference.conventions.sampled import FORMS

    cells = {result.case.cell for result in report.results}
    return [verdict for form, shape in FORMS.items() if shape.cell in cells for verdict in _verdicts(form)]


@cache
def _verdicts(form: str) -> list[Any]:
    """Found by running them, once in a process: it takes a tenth of a second a form."""
    from reference.conventions.verdicts import matrix

    return matrix(keys=(form,))


def _data(path: str | None) -> tuple[Any, str]:
    from comparisons.proof import draws

    if path is None:
        return draws.sunspots(), REAL
    try:
        return draws.load(Path(path)), _readable(Path(path).name)
    except draws.UnreadableData as error:
        raise Stop(str(error), UNREADABLE) from None


def _readable(name: str) -> str:
    """A file's name as text: bytes that are none become question marks."""
    return name.encode(errors="replace").decode()


def _import(names: list[str]) -> None:
    """Import the frameworks that are asked for."""
    if sys.stderr.isatty():
        print("importing the frameworks …", file=sys.stderr)
    with quiet.imports():
        for name in {*names, "keras"}:  # Keras trains the weights, whoever is compared
            load(name).title()
