"""The proof run: live frameworks beside the cells and the reference, measured and held to a computed bound.

`comparisons.load` reads the files of every supported framework; it is imported when it is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comparisons.loading import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    if name != "load":
        raise AttributeError(f"module 'comparisons' has no attribute {name!r}")
    from comparisons.loading import load

    return load
