"""The proof run: live frameworks beside the cells and the reference, measured and held to a computed bound.

`comparisons.load` reads the files of every supported framework, `comparisons.trace` shows what a layer does with an
input; each is imported when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comparisons.loading import load
    from comparisons.tracing.whole import trace

_HOMES = {"load": "loading", "trace": "tracing.whole"}

__all__ = ["load", "trace"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'comparisons' has no attribute {name!r}")
    return getattr(import_module(f"comparisons.{_HOMES[name]}"), name)
