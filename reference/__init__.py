"""The oracle: recurrent cells in NumPy, written from the equations, that read live Keras layers and files of weights.

Nothing here imports keras, tensorflow, torch or jax, and NumPy itself is loaded only when an array is needed, so that
counting parameters stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reference.conventions.folds import NotRepresentable
    from reference.conventions.leaves import Packed
    from reference.conventions.packing import pack
    from reference.conventions.unpacking import unpack
    from reference.conventions.verdicts import verdict
    from reference.files import load
    from reference.files.guard import FileRefused, Limits
    from reference.gradients import Gradients
    from reference.keras_layers import NotReadable, read, read_model
    from reference.layer import Bidirectional, Layer, Run, Stack
    from reference.online import OnlineTrainer
    from reference.parameter_counts import count_parameters
    from reference.steps import Weights
    from reference.wrapped import Dropout, Wrapped

_HOMES = {
    "Bidirectional": "layer",
    "Dropout": "wrapped",
    "FileRefused": "files.guard",
    "Gradients": "gradients",
    "Layer": "layer",
    "Limits": "files.guard",
    "NotReadable": "keras_layers",
    "NotRepresentable": "conventions.folds",
    "OnlineTrainer": "online",
    "Packed": "conventions.leaves",
    "Run": "layer",
    "Stack": "layer",
    "Weights": "steps",
    "Wrapped": "wrapped",
    "count_parameters": "parameter_counts",
    "load": "files",
    "pack": "conventions.packing",
    "read": "keras_layers",
    "read_model": "keras_layers",
    "unpack": "conventions.unpacking",
    "verdict": "conventions.verdicts",
}

__all__ = [
    "Bidirectional",
    "Dropout",
    "FileRefused",
    "Gradients",
    "Layer",
    "Limits",
    "NotReadable",
    "NotRepresentable",
    "OnlineTrainer",
    "Packed",
    "Run",
    "Stack",
    "Weights",
    "Wrapped",
    "count_parameters",
    "load",
    "pack",
    "read",
    "read_model",
    "unpack",
    "verdict",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reference' has no attribute {name!r}")
    return getattr(import_module(f"reference.{_HOMES[name]}"), name)
