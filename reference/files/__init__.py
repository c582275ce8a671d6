"""A path -> Layers: one file a format, all of them behind one guard. Nothing named in a file is imported or run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reference.files import hdf5, keras_files, npz, safetensors, strict_json
from reference.files.guard import FileRefused, Guard, Limits, magic, opened
from reference.files.outline import plain, trusted
from reference.files.stored import StoredModel
from reference.files.zips import Archive

if TYPE_CHECKING:
    from reference.layer import AnyLayer

__all__ = ["FileRefused", "Limits", "load", "opened_model"]

FLAT = {"zip": ".npz", "npy": ".npy", "safetensors": ".safetensors"}
LIMITS = Limits()
Path = str | os.PathLike[str]


def load(
    path: Path,
    *,
    config: Path | None = None,
    only: Sequence[str] | None = None,
    limits: Limits = LIMITS,
    non_finite: bool = False,
    **told: Any,
) -> dict[str, AnyLayer]:
    """Every recurrent layer of a file, `{path: layer}`, in the file's order; no framework is needed.

    Takes what every Keras since 0.3 writes, `.h5`, `.weights.h5` and `.keras`, and `.npz` and `.safetensors`. A path
    joins the layers' names with "/", as `read_model` has it; in `.weights.h5` it is the layer's group. `config` is
    the model.json beside a file of weights. `only` are the paths to read, where a file has others that cannot be.

    What a file does not say is `told` by name, with one value for all layers or `{path: value}`: of Keras' weights
    activation, recurrent_activation, go_backwards and merge_mode, of others the framework's own options, and
    framework or cell where the arrays' names are those of several.

    Raises FileRefused for a file that is not read, with a code that names the rule ("not-said": what must be told);
    ValueError for an option that is unknown, or that the file says itself.
    """
    from reference.files import flat  # here, so that counting a file does not load what only reading it needs
    from reference.files.recurrent import Reader
    from reference.files.untold import Told

    guard = Guard(os.fspath(path), limits, non_finite=non_finite)
    said = Told(told, guard)
    with _opened(path, config, guard) as model:
        if model.format in FLAT.values():
            found = flat.load(model, guard, said, only)
        else:
            reader = Reader(model, guard, said)
            found = {layer.path: reader.read(layer) for layer in flat.chosen(model, only) if reader.is_recurrent(layer)}
        if not found:
            _none(model, guard)
        said.finished()
    return found


def _none(model: StoredModel, guard: Guard) -> None:
    """Raises FileRefused for a file in which no layer is recurrent."""
    for layer in model.layers:
        if plain(layer.kind) == "Lambda" or not trusted(layer.package):
            kind = f"{layer.package}>{layer.kind}" if layer.package else layer.kind
            must = "must be a layer whose class is Keras' own, without code"
            guard.refuse("unsupported-class", layer.path, must, kind)
    kinds = ", ".join(dict.fromkeys(plain(layer.kind) or layer.path for layer in model.layers))
    code = "no-recurrent" if any(layer.arrays for layer in model.layers) else "no-weights"
    guard.refuse(code, "", "must have a recurrent layer", kinds or "no layers")


@contextmanager
def opened_model(
    path: Path, *, config: Path | None = None, limits: Limits = LIMITS, non_finite: bool = False
) -> Iterator[StoredModel]:
    """Every layer of a file by its headers; numbers are read when asked for, while the file is open.

    Raises FileRefused for a file that is not read, ValueError for a config that it has itself.
    """
    with _opened(path, config, Guard(os.fspath(path), limits, non_finite=non_finite)) as model:
        yield model


@contextmanager
def _opened(path: Path, config: Path | None, guard: Guard) -> Iterator[StoredModel]:
    told = None if config is None else _config(config, guard)
    with opened(path, guard) as stream:
        kind = magic(stream, guard)
        held = Archive(stream, guard) if kind == "zip" else None
        if kind == "hdf5":
            yield keras_files.h5(hdf5.tree(stream, guard), told, guard)
            return
        if told is not None:
            raise ValueError(f"config must be beside HDF5 weights of Keras', got it beside {guard.file}")
        if held is not None and not set(held.names).isdisjoint(keras_files.ARCHIVE):
            yield keras_files.archive(held, guard)
            return
        from reference.files import flat

        read = safetensors if kind == "safetensors" else npz
        yield flat.model(guard.file, FLAT[kind], read.tree(stream, guard).arrays)


def _config(path: Path, guard: Guard) -> Any:
    own = Guard(os.fspath(path), guard.limits)
    with opened(path, own) as stream:
        if own.size > own.limits.json_bytes:
            must = f"must stay within {own.limits.json_bytes} bytes (Limits.json_bytes)"
            own.refuse("too-large", "", must, own.size)
        return strict_json.parse(stream.read(own.limits.json_bytes + 1), "", own)
