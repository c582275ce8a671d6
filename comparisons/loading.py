"""Files of every supported format -> what they hold; those that need none of this are handed to `reference.files`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reference import files
from reference.files.guard import FileRefused, Guard, Limits
from reference.files.stored import StoredModel

if TYPE_CHECKING:
    from reference.layer import AnyLayer

__all__ = ["FileRefused", "Limits", "format_of", "load", "opened_model"]

# In the order in which a path is asked whether it is of one.
FORMATS = {
    "SavedModel": "saved_model",
    "TensorFlow checkpoint": "tf_checkpoint",
    "ONNX": "onnx_model",
    "PyTorch": "pytorch_state",
}
AnyPath = str | os.PathLike[str]
LIMITS = Limits()


def format_of(path: AnyPath) -> str:
    """Which of `FORMATS` a path is of; empty for all others, which `reference.load` reads."""
    place = Path(path)
    if _is_hdf5(place):
        return ""
    return next((name for name in FORMATS if _module(name).is_one(place)), "")


def _is_hdf5(place: Path) -> bool:
    """Whether a regular file begins as the most usual format does: then no other reader is loaded to ask."""
    try:
        with open(place, "rb") if place.is_file() else nullcontext() as stream:
            return bool(stream) and stream.read(4) == b"\x89HDF"
    except (OSError, ValueError):  # said in a sentence by whoever opens it
        return False


def load(
    path: AnyPath,
    *,
    config: AnyPath | None = None,
    only: Sequence[str] | None = None,
    limits: Limits = LIMITS,
    non_finite: bool = False,
    **told: Any,
) -> dict[str, AnyLayer]:
    """Every recurrent layer of a file or of a SavedModel's folder, `{path: layer}`, in the file's order.

    `told` are options that the file does not say, by the names of `reference.unpack`: forget_bias=1.0 of a TensorFlow 1
    checkpoint, recurrent_activation="sigmoid" of Keras' weights. `only` names the layers that are wanted.

    Raises FileRefused for a file that is not read, ValueError for an argument that is not one.
    """
    name = format_of(path)
    if not name:
        return files.load(path, config=config, only=only, limits=limits, non_finite=non_finite, **told)
    from comparisons.formats import unpacked  # here, as in reference.files: counting needs none of these
    from reference.files import recurrent
    from reference.files.flat import chosen
    from reference.files.untold import Told

    guard = Guard(os.fspath(path), limits, non_finite=non_finite)
    with _module(name).opened(Path(path), config, guard) as model:
        said = Told(told, guard)
        reader = (recurrent if model.era.startswith("keras") else unpacked).Reader(model, guard, said)
        found = {layer.path: reader.read(layer) for layer in chosen(model, only) if reader.is_recurrent(layer)}
        said.finished()
        if not found and only is None:
            kinds = ", ".join(dict.fromkeys(layer.kind or layer.path for layer in model.layers)) or "no layers"
            code = "no-recurrent" if any(True for _ in model.arrays()) else "no-weights"
            guard.refuse(code, "", f"must have a recurrent layer{_hint(model)}", kinds)
    return found


@contextmanager
def opened_model(
    path: AnyPath, *, config: AnyPath | None = None, limits: Limits = LIMITS, non_finite: bool = False
) -> Iterator[StoredModel]:
    """Every layer of a file by its headers; numbers are read when asked for, while it is open.

    Raises FileRefused for a file that is not read.
    """
    name = format_of(path)
    if not name:
        with files.opened_model(path, config=config, limits=limits, non_finite=non_finite) as model:
            yield model
        return
    guard = Guard(os.fspath(path), limits, non_finite=non_finite)
    with _module(name).opened(Path(path), config, guard) as model:
        yield model


def _hint(model: StoredModel) -> str:
    """What may be in the way."""
    if any(layer.kind in ("Loop", "Scan") for layer in model.layers):
        return " (a Loop or Scan of ONNX is not read)"
    without = "without" in model.format
    return " (its folder has no keras_metadata.pb: save the model as .keras, or its weights)" if without else ""


def _module(name: str) -> Any:
    return import_module(f"comparisons.formats.{FORMATS[name]}")
