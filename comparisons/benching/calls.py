"""What a competitor gives: a call to time, and its answer to check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from comparisons.benching.rounds import Turn, turn_of
from comparisons.benching.work import Answer, Work


class Call(NamedTuple):
    run: Callable[[], Any]  # does the job once, and returns when it is done
    answer: Callable[[], Answer]  # the same job's result, by the names of `Work.answer`


class Ready(NamedTuple):
    """Somebody who has shown his answer, and can take turns."""

    answer: Answer
    turn: Turn


def here(call: Callable[[str, Work], Call]) -> Callable[[str, Work], Ready]:
    """In this process."""

    def ready(job: str, work: Work) -> Ready:
        made = call(job, work)
        return Ready(made.answer(), turn_of(made.run))

    return ready
