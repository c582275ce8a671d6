"""`gateproof compare`: prove the cells on real input."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from comparisons import quiet
from comparisons.cli import DONE, FAILED, MISSING, UNREADABLE, USAGE, Answer, Stop
from comparisons.frameworks import FRAMEWORKS, load
from reference.steps import CELLS

REAL = "monthly mean sunspot numbers, 1749–2009, in windows of 132 months"


def answer(args: Namespace) -> Answer:
    """Run the proof, write the report into `--out`. Raises Stop for wrong arguments, data or a missing framework."""
    cells = _chosen("cell", args.cells, CELLS)
    names = _chosen("framework", args.frameworks, tuple(FRAMEWORKS))
    for package in ("keras", "tensorflow"):
        if find_spec(package) is None:
            raise Stop(f"{package} must be installed to train and run the cells: pip install {package}", MISSING)
    series, data = _data(args.data)
    out = _folder(args.out)
    _import(names)
    from comparisons.proof import run
    from comparisons.render import document, tables

    with _progress() as progress:
        report = run.run(
            cells=cells,
            names=names,
            series=series,
            data=data,
            seed=args.seed,
            everything=args.all,
            progress=progress,
        )
        if not any(row.distances for result in report.results for row in result.rows):
            why = next(f"{row.framework}: {row.reason}" for result in report.results for row in result.rows)
            raise Stop(f"nothing can be compared, {why}", MISSING if report.missing else USAGE)
        written = _write(report, out)

    def text() -> Iterator[Any]:
        yield from tables.tables(report)
        yield f"Written: {', '.join(written)}"

    return Answer(document.data(report), text, DONE if report.passed else FAILED)


def _chosen(what: str, given: list[str] | None, known: tuple[str, ...]) -> list[str]:
    """The names given, apart or joined by commas, in the order of the known ones."""
    words = [word for argument in given or known for word in argument.replace(",", " ").split()]
    for word in words:
        if word not in known:
            close = get_close_matches(word, known, 1)
            hint = f", did you mean {close[0]}" if close else ""
            raise Stop(f"{what} must be one of {', '.join(known)}, got {word!r}{hint and hint + '?'}")
    return [name for name in known if name in words]


def _data(path: str | None) -> tuple[Any, str]:
    from comparisons.proof import draws

    if path is None:
        return draws.sunspots(), REAL
    try:
        return draws.load(Path(path)), Path(path).name
    except draws.UnreadableData as error:
        raise Stop(str(error), UNREADABLE) from None


def _folder(path: str) -> Path:
    """The folder of the report, made before the work begins."""
    out = Path(path)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ".part").touch()
        (out / ".part").unlink()
    except OSError as error:
        raise Stop(f"--out must be a folder that can be written, got {path!r}: {error.strerror}") from None
    return out


def _import(names: list[str]) -> None:
    """Import the frameworks that are asked for."""
    if sys.stderr.isatty():
        print("importing the frameworks …", file=sys.stderr)
    with quiet.imports():
        for name in {*names, "keras"}:  # Keras trains the weights, whoever is compared
            load(name).title()


def _write(report: Any, out: Path) -> list[str]:
    """The report as JSON, Markdown and pictures: all of them under temporary names, then all renamed, or none."""
    from comparisons.render import document, pictures

    def document_writer(text: str) -> Any:
        return lambda stream: stream.write(text.encode())

    writers = {
        "report.json": document_writer(json.dumps(document.data(report), indent=1, allow_nan=False) + "\n"),
        "report.md": document_writer(document.markdown(report, list(pictures.PICTURES))),
        **{f"{name}.png": draw(report).savefig for name, draw in pictures.PICTURES.items()},
    }
    unfinished = {name: out / f".{name}.part" for name in writers}
    try:
        for name, write in writers.items():
            with unfinished[name].open("wb") as stream:
                write(stream)
        for name, part in unfinished.items():
            part.replace(out / name)
    except OSError as error:
        raise Stop(f"the report must fit into {str(out)!r}: {error.strerror}") from None
    finally:
        for part in unfinished.values():
            part.unlink(missing_ok=True)
    return [str(out / name) for name in writers]


@contextmanager
def _progress() -> Iterator[Any]:
    """A bar on stderr that hears of every piece of work."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        done = -1

        def progress(doing: str, of: int) -> None:
            nonlocal done
            done += 1
            bar.update(task, description=doing, completed=done, total=of)

        yield progress
