"""One way to read arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reference import Layer
from reference.conventions.frameworks import FRAMEWORKS


@dataclass(frozen=True)
class Reading:
    """A layer that the arrays may be. `framework` is empty where they are placed by shape alone; `renamed` has the
    framework's name of each array, `by_name` is whether the file has these; `lines` are Python that makes of `w`, the
    arrays by name, the fields that a canonical layer has."""

    layer: Layer
    framework: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    by_name: bool = False
    lines: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Whose arrays they would be."""
        if not self.framework:
            return "arrays placed by their shapes"
        said = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return FRAMEWORKS[self.framework].title + (f" ({said})" if said else "")
