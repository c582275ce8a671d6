"""A path given on the command line -> what the file holds; a file that is refused is one sentence and its exit code."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from comparisons import loading
from comparisons.cli import UNREADABLE, Stop
from reference.files.guard import FileRefused, Limits
from reference.files.stored import StoredModel


@contextmanager
def opened(path: str, args: Namespace) -> Iterator[StoredModel]:
    """The file, read as far as its headers. Raises Stop."""
    with _refusals(), loading.opened_model(path, config=args.config, limits=limits(args)) as model:
        yield model


def load(path: str, args: Namespace, **told: Any) -> Any:
    """The layers of the file; `told` is what `--option` said. Raises Stop."""
    try:
        with _refusals():
            return loading.load(path, config=args.config, limits=limits(args), **told)
    except Stop as stop:
        raise Stop(_as_options(str(stop)), stop.exit_code) from None


def _as_options(sentence: str) -> str:
    """What `load` is told in Python, told on the command line."""
    return re.sub(
        r"as in load\(path, (.*)\)",
        lambda found: "as in " + re.sub(r"(\w+)='?([^',)]*)'?", r"--option \1=\2", found[1]),
        sentence,
    )


def limits(args: Namespace) -> Limits:
    """The limits, as the arguments have them."""
    return Limits(bytes=args.limit) if args.limit else Limits()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except FileRefused as refused:
        raise Stop(str(refused), UNREADABLE) from None
    except ValueError as error:  # an option that is none, or a layer that is not there
        raise Stop(str(error)) from None
