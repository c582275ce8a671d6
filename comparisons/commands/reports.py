"""A folder that a command fills: asked for before the work begins, filled all at once, with a bar in between."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from comparisons.cli import Stop

Writer = Callable[[IO[bytes]], Any]


def folder(path: str) -> Path:
    """The folder `--out`, made, and shown to be writable. Raises Stop."""
    out = Path(path)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ".part").touch()
        (out / ".part").unlink()
    except OSError as error:
        raise Stop(f"--out must be a folder that can be written, got {path!r}: {error.strerror}") from None
    return out


def text(content: str) -> Writer:
    """Writes a text."""
    return lambda stream: stream.write(content.encode())


def write(out: Path, writers: Mapping[str, Writer]) -> list[str]:
    """Every file by its name, all of them under temporary names and then renamed, or none. Raises Stop."""
    unfinished = {name: out / f".{name}.part" for name in writers}
    try:
        for name, writer in writers.items():
            with unfinished[name].open("wb") as stream:
                writer(stream)
        for name, part in unfinished.items():
            part.replace(out / name)
    except OSError as error:
        raise Stop(f"the report must fit into {str(out)!r}: {error.strerror}") from None
    finally:
        for part in unfinished.values():
            part.unlink(missing_ok=True)
    return [str(out / name) for name in writers]


@contextmanager
def progress() -> Iterator[Callable[[str, int], None]]:
    """A bar on stderr, where that is a terminal, that hears of every piece of work: what, and of how many."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        done = -1

        def hears(doing: str, of: int) -> None:
            nonlocal done
            done += 1
            bar.update(task, description=doing, completed=done, total=of)

        yield hears
