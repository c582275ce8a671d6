"""One module a live framework, imported when it is used.

A framework module has `title()`, `missing()` (why it cannot run here, or None), `unable(case)` (why it has no such
cell, or None) and `run(case, layer, x, mask) -> Trace`. `layer` has the weights, in the case's precision.
"""

from importlib import import_module
from types import ModuleType

# In the order of the table. `cells` are this project's, `keras` is Keras 3, `keras2` tf-keras.
FRAMEWORKS = {
    "cells": "comparisons.frameworks.own_cells",
    "keras": "comparisons.frameworks.keras3",
    "keras2": "comparisons.frameworks.keras2",
    "reference": "comparisons.frameworks.numpy_reference",
}


def load(name: str) -> ModuleType:
    """The module of a framework. Raises ValueError for an unknown name."""
    if name not in FRAMEWORKS:
        raise ValueError(f"framework must be one of {', '.join(FRAMEWORKS)}, got {name!r}")
    return import_module(FRAMEWORKS[name])
