"""A competitor in a process of its own, as whoever uses it would run it: beside no other library's threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from typing import Any

from comparisons.benching.calls import Ready
from comparisons.benching.work import Work


def elsewhere(name: str) -> Callable[[str, Work], Ready]:
    """Where the competitor of this name is made ready: in its process, which is started once and then kept."""

    def ready(job: str, work: Work) -> Ready:
        ask = _process(name)
        return Ready(ask((job, replace(work))), lambda: ask(None))  # the work without what it has cached

    return ready


@cache
def _process(name: str) -> Callable[[Any], Any]:
    """The process's ear: a job and its work are answered by the answer, None by the seconds of a turn.

    Raises RuntimeError with what the process says of a mistake.
    """
    context = get_context("spawn")  # a fork would inherit the threads of what is imported here
    ours, theirs = context.Pipe()
    context.Process(target=_serve, args=(name, theirs), daemon=True).start()
    theirs.close()

    def ask(question: Any) -> Any:
        try:
            ours.send(question)
            found = ours.recv()
        except (EOFError, OSError):
            _process.cache_clear()  # who is asked next begins anew
            raise RuntimeError("its process ended") from None
        if isinstance(found, Exception):
            raise found
        return found

    return ask


def _serve(name: str, pipe: Any) -> None:
    """The process: it answers until nobody asks any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what frameworks say when they are imported
    from comparisons.benching.calls import here
    from comparisons.benching.competitors import COMPETITORS

    ready: Ready | None = None
    while True:
        try:
            question = pipe.recv()
        except EOFError:
            return
        try:
            if question:
                ready = None  # what it holds goes before more is made
                ready = here(COMPETITORS[name].call)(*question)
                pipe.send(ready.answer)
            else:
                assert ready is not None
                pipe.send(ready.turn())
        except Exception as error:
            said = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
            pipe.send(RuntimeError(f"in its process, {said}"))
