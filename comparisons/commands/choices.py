"""Names chosen from those that a command knows."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from comparisons.cli import Stop


def chosen(what: str, given: list[str] | None, known: Sequence[str]) -> list[str]:
    """The names given, apart or joined by commas, in the order of the known ones; all of them where none is given.

    Raises Stop for a name that is not known.
    """
    words = [word for argument in given or known for word in argument.replace(",", " ").split()]
    for word in words:
        if word not in known:
            close = get_close_matches(word, known, 1)
            hint = f", did you mean {close[0]}" if close else ""
            raise Stop(f"{what} must be one of {', '.join(known)}, got {word!r}{hint and hint + '?'}")
    return [name for name in known if name in words]
