"""A path -> Layers: one file a format, all of them behind one guard. Nothing named in a file is imported or run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from reference.files import flat, graph, hdf5, keras_v3, legacy_h5, npz, safetensors, strict_json
from reference.files.guard import FileRefused, Guard, Limits, magic, opened, shown
from reference.files.outline import outline, plain
from reference.files.recurrent import Reader, trusted
from reference.files.stored import Group, StoredModel
from reference.files.untold import Told
from reference.files.zips import Archive
from reference.layer import AnyLayer

__all__ = ["FileRefused", "Limits", "load", "opened_model"]

FLAT = {"zip": ".npz", "npy": ".npy", "safetensors": ".safetensors"}
Path = str | os.PathLike[str]


def load(
    path: Path,
    *,
    config: Path | None = None,
    only: Sequence[str] | None = None,
    limits: Limits = Limits(),
    non_finite: bool = False,
    **told: Any,
) -> dict[str, AnyLayer]:
    """Every recurrent layer of a file, `{path: layer}`, in the file's order, read without Keras.

    Raises FileRefused for a file that is not read, ValueError for an argument that is not one.
    """
    guard = Guard(os.fspath(path), limits, non_finite=non_finite)
    with _opened(path, config, guard) as model:
        said = Told(told, guard)
        if model.format in FLAT.values():
            found = flat.load(model, guard, said, only)
        else:
            reader = Reader(model, guard, said)
            found = {layer.path: reader.read(layer) for layer in flat.chosen(model, only) if reader.is_recurrent(layer)}
        said.finished()
        if not found and only is None:
            _none(model, guard)
    return found


def _none(model: StoredModel, guard: Guard) -> None:
    """Raises FileRefused for a file in which no layer is recurrent."""
    for layer in model.layers:
        if plain(layer.kind) == "Lambda" or not trusted(layer.package):
            kind = f"{layer.package}>{layer.kind}" if layer.package else layer.kind
            guard.refuse(
                "unsupported-class", layer.path, "must be a layer whose class is Keras' own, without code", kind
            )
    kinds = ", ".join(dict.fromkeys(plain(layer.kind) or layer.path for layer in model.layers))
    code = "no-weights" if not any(True for _ in model.arrays()) else "no-recurrent"
    guard.refuse(code, "", "must have a recurrent layer", kinds or "no layers")


@contextmanager
def opened_model(
    path: Path, *, config: Path | None = None, limits: Limits = Limits(), non_finite: bool = False
) -> Iterator[StoredModel]:
    """Every layer of a file by its headers; numbers are read when asked for, while the file is open.

    Raises FileRefused for a file that is not read.
    """
    with _opened(path, config, Guard(os.fspath(path), limits, non_finite=non_finite)) as model:
        yield model


@contextmanager
def _opened(path: Path, config: Path | None, guard: Guard) -> Iterator[StoredModel]:
    told = None if config is None else _config(config, guard)
    with opened(path, guard) as stream:
        kind = magic(stream, guard)
        if kind == "hdf5":
            yield _hdf5(hdf5.tree(stream, guard), told, guard)
            return
        if kind == "zip":
            archive = Archive(stream, guard)
            if {"config.json", "metadata.json", "model.weights.h5"} & set(archive.names):
                yield _archive(archive, told, guard)
                return
        if told is not None:
            raise ValueError(f"config must be left out for a file of arrays alone, got {os.fspath(path)!r}")
        arrays = (safetensors if kind == "safetensors" else npz).tree(stream, guard).arrays
        yield flat.model(guard.file, FLAT[kind], arrays)


def _config(path: Path, guard: Guard) -> Any:
    own = Guard(os.fspath(path), guard.limits)
    with opened(path, own) as stream:
        if own.size > own.limits.json_bytes:
            own.refuse("too-large", "", f"must stay within {own.limits.json_bytes} bytes", own.size)
        return strict_json.parse(stream.read(own.limits.json_bytes + 1), "", own)


def _archive(archive: Archive, told: Any, guard: Guard) -> StoredModel:
    limit = guard.limits.json_bytes
    names = set(archive.names)
    if "config.json" not in names or "model.weights.h5" not in names:
        must = "must hold config.json and model.weights.h5, as a .keras file does"
        guard.refuse("not-keras", "", must, ", ".join(sorted(names)[:5]) or "nothing")
    about = (
        strict_json.parse(archive.content("metadata.json", limit), "metadata.json", guard)
        if "metadata.json" in names
        else {}
    )
    version = about.get("keras_version", "") if isinstance(about, Mapping) else ""
    whole = told or strict_json.parse(archive.content("config.json", limit), "config.json", guard)
    root = hdf5.tree(archive.stream("model.weights.h5"), guard)
    era = _era(version, guard) or "keras"
    item = outline(whole, guard)
    layers = tuple(keras_v3.layers(root, item, era, guard))
    return StoredModel(guard.file, f"{_title(era)} .keras", era, layers, version, "", whole, graph.graph(item, layers))


def _hdf5(root: Group, told: Any, guard: Guard) -> StoredModel:
    home = legacy_h5.weights_root(root)
    text = legacy_h5.text(root, "model_config", guard)
    whole = told if told is not None else strict_json.parse(text, "model_config", guard) if text else None
    version, backend = (
        legacy_h5.text(root, name, guard) or legacy_h5.text(home, name, guard) for name in ("keras_version", "backend")
    )
    if told is not None:
        version = _same(version, told, guard)
    legacy = legacy_h5.is_legacy(root)
    if not legacy and not keras_v3.is_v3(root):
        guard.refuse(
            "not-keras",
            "",
            "must have layer_names or layers, as a file of Keras' does",
            ", ".join(root.groups) or "nothing",
        )
    era = _era(version, guard) or (legacy_h5.shown_era(home) if legacy else "keras")
    item = None if whole is None else outline(whole, guard)
    if legacy:
        layers = tuple(legacy_h5.layers(home, item, era, guard))
    else:
        layers = tuple(keras_v3.layers(root, item, era, guard))
    form = f"{_title(era)} {'.h5' if legacy else '.weights.h5'}"
    connected = None if item is None else graph.graph(item, layers)
    said = bool(version) or legacy or keras_v3.named(root)
    return StoredModel(guard.file, form, era, layers, version, backend, whole, connected, said)


def _same(version: str, config: Any, guard: Guard) -> str:
    """The version of a config beside weights, which must be of the same Keras as they."""
    said = config.get("keras_version") if isinstance(config, Mapping) else None
    if not isinstance(said, str):
        return version
    if version and _era(version, guard) != _era(said, guard):
        guard.refuse("config", "", f"must be of the same Keras as its config ({shown(said)})", version)
    return version or said


def _era(version: str, guard: Guard) -> str:
    if not version:
        return ""
    eras = {"0": "keras1", "1": "keras1", "2": "keras2", "3": "keras"}
    first = version.split(".")[0]
    if first not in eras:
        guard.refuse("not-keras", "keras_version", "must be of Keras 0 to 3", version)
    return eras[first]


def _title(era: str) -> str:
    return {"keras1": "Keras 1", "keras2": "Keras 2", "keras": "Keras 3"}[era]
