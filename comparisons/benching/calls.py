"""What a competitor gives: a call to time, and its answer to check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from comparisons.benching.work import Answer


class Call(NamedTuple):
    run: Callable[[], Any]  # does the job once, and returns when it is done
    answer: Callable[[], Answer]  # the same job's result, by the names of `Work.answer`
