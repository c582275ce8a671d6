"""A study's work: what was asked, and its pieces, each kept when it is done so that an interrupted study goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from comparisons.studies.part import Progress

KEPT = ".unfinished"  # in the study's folder
MOST_AT_ONCE = 8  # a process has its own TensorFlow: half a gigabyte


class Piece(NamedTuple):
    """One run: `measure(**given)`, a function of a module; JSON can hold what it is given and what it finds."""

    measure: Callable[..., Any]
    given: dict[str, Any]


@dataclass
class Work:
    """What a study was asked for, and how its pieces are done."""

    quick: bool = False
    seed: int = 0
    progress: Progress = lambda doing, of: None
    folder: Path | None = None  # the study's, where done pieces are kept until all are; nowhere if None
    at_once: int = 1  # processes; 1 is this one
    options: Mapping[str, Any] = field(default_factory=dict)  # of this study alone: `Study.options`
    of: int = 0  # pieces that there are
    found_again: int = 0  # of them, by an interrupted run
    done: int = 0

    def each(self, pieces: Mapping[str, Piece]) -> dict[str, Any]:
        """What every piece finds, by its name, in the order of the pieces; a piece that was kept is not run again."""
        self.of += len(pieces)
        found = {name: self._kept(piece) for name, piece in pieces.items()}
        again = sum(one is not None for one in found.values())
        self.found_again, self.done = self.found_again + again, self.done + again
        todo = deque((name, piece) for name, piece in pieces.items() if found[name] is None)
        at_once = min(self.at_once, len(todo))
        for name, one in self._here(todo) if at_once < 2 else self._beside(todo, at_once):
            found[name] = self._keep(pieces[name], one)
            self.done += 1
        return found

    def forget(self) -> None:
        """Remove what was kept: the study is written."""
        if self.folder:
            shutil.rmtree(self.folder / KEPT, ignore_errors=True)

    def _here(self, todo: deque[tuple[str, Piece]]) -> Any:
        for name, (measure, given) in todo:
            self.progress(name, self.of)
            yield name, measure(**given)

    def _beside(self, todo: deque[tuple[str, Piece]], at_once: int) -> Any:
        """As many processes as that, each with one thread: for small layers two threads are no faster than one."""
        context = get_context("spawn")  # a fork would inherit the threads of what is imported here
        pool = ProcessPoolExecutor(at_once, context, initializer=_prepare)
        running = {}
        try:
            while todo or running:
                while todo and len(running) < at_once:
                    name, (measure, given) = todo.popleft()
                    self.progress(name, self.of)
                    running[pool.submit(measure, **given)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            if todo or running:  # something went wrong: nobody waits for the rest
                for process in active_children():
                    process.terminate()
            pool.shutdown(cancel_futures=True)

    def _file(self, piece: Piece) -> Path | None:
        """Where a piece is kept: under what it was given, and the code that computes it."""
        if self.folder is None:
            return None
        asked = [piece.measure.__module__, piece.measure.__qualname__, piece.given, _code()]
        return self.folder / KEPT / f"{sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:24]}.json"

    def _kept(self, piece: Piece) -> Any:
        file = self._file(piece)
        try:
            return json.loads(file.read_text()) if file else None
        except (OSError, ValueError):
            return None  # not there, or half of it

    def _keep(self, piece: Piece, found: Any) -> Any:
        """The finding as JSON has it, the same now and when it is found again."""
        text = json.dumps(found)
        if file := self._file(piece):
            file.parent.mkdir(exist_ok=True)
            part = file.with_suffix(".part")
            part.write_text(text)
            part.replace(file)
        return json.loads(text)


def cores() -> int:
    """How many pieces to do at once on this machine."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST_AT_ONCE)


def _prepare() -> None:
    """A process that does pieces: one thread, silent, deaf to Ctrl-C, and gone when the one that asked is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_leave_with_the_parent, daemon=True).start()
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = "1"
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what frameworks say when they are imported


def _leave_with_the_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


@cache
def _code() -> str:
    """The studies' and the cells' code: what other code found is not found again."""
    spec = find_spec("cells")  # not imported: a study may need no framework
    digest = sha256()
    for root in (*map(Path, spec.submodule_search_locations or () if spec else ()), Path(__file__).parent):
        for file in sorted(root.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
