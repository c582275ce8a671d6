"""What Keras writes, an HDF5 file or a .keras archive -> StoredModel, its era decided by the version that it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reference.files import graph, hdf5, keras_v3, legacy_h5, strict_json
from reference.files.guard import Guard, shown
from reference.files.outline import Item, is_model, outline, plain, trusted
from reference.files.stored import Group, StoredLayer, StoredModel
from reference.files.zips import Archive

ARCHIVE = ("config.json", "metadata.json", "model.weights.h5")
TITLES = {"keras1": "Keras 1", "keras2": "Keras 2", "keras": "Keras 3"}
_ERAS = {"0": "keras1", "1": "keras1", "2": "keras2", "3": "keras"}


def archive(held: Archive, guard: Guard) -> StoredModel:
    """A .keras file, of Keras 3, tf-keras or Keras 2.12 to 2.15."""
    for name in ("config.json", "model.weights.h5"):
        if name not in held.names:
            there = ", ".join(sorted(held.names)[:5]) or "nothing"
            guard.refuse("not-keras", "", f"must hold {name}, as a .keras file does", there)
    about = _json(held, "metadata.json", guard) if "metadata.json" in held.names else {}
    version = about.get("keras_version", "") if isinstance(about, Mapping) else ""
    if not isinstance(version, str):
        guard.refuse("not-keras", "metadata.json", "must have a keras_version that is a text", version)
    config = _json(held, "config.json", guard)
    root = hdf5.tree(held.stream("model.weights.h5"), guard)
    # Keras Core, which became Keras 3, counted from 0.1.
    era = "keras" if version.startswith("0.") else _era(version, guard) or "keras"
    item = outline(config, guard) if is_model(config) else None
    layers = keras_v3.layers(root, item, era, guard)
    return _model(guard, f"{TITLES[era]} .keras", era, item, layers, version=version, config=config)


def _json(held: Archive, name: str, guard: Guard) -> Any:
    return strict_json.parse(held.content(name, guard.limits.json_bytes), name, guard)


def h5(root: Group, told: Any, guard: Guard) -> StoredModel:
    """A .h5 or .weights.h5 file of any Keras; `told` is the config beside it, if there is one.

    Raises ValueError where the file has a config itself.
    """
    home = legacy_h5.weights_root(root)
    text = legacy_h5.text(root, "model_config", guard)
    if text and told is not None:
        raise ValueError(f"config must be left out for a file that has its own, got one beside {guard.file}")
    config = strict_json.parse(text, "model_config", guard) if text else told
    version, backend = (
        legacy_h5.text(root, name, guard) or legacy_h5.text(home, name, guard) for name in ("keras_version", "backend")
    )
    if told is not None:
        version = _same(version, told, guard)
    legacy = legacy_h5.is_legacy(root)
    if not legacy and not keras_v3.is_v3(root):
        there = ", ".join(root.groups) or "nothing"
        guard.refuse("not-keras", "", "must have layer_names or layers, as a file of Keras' does", there)
    era = _era(version, guard) or (legacy_h5.shown_era(home, guard) if legacy else "keras")
    names = legacy_h5.listed(home, "layer_names", guard) or []
    item = outline(config, guard, names) if is_model(config) else None
    layers = legacy_h5.layers(home, item, era, guard) if legacy else keras_v3.layers(root, item, era, guard)
    said = bool(version) or legacy or told is not None or keras_v3.named(root)
    form = f"{TITLES[era]} {'.h5' if legacy else '.weights.h5'}"
    more = {"version": version, "backend": backend, "config": config, "era_said": said}
    return _model(guard, form, era, item, layers, **more)


def _model(
    guard: Guard, form: str, era: str, item: Item | None, layers: Iterable[StoredLayer], **more: Any
) -> StoredModel:
    if item is None:
        return StoredModel(guard.file, form, era, tuple(layers), **more)
    around = {path: wrapper for path, wrapper in item.wrappers() if not _transparent(wrapper)}
    placed = tuple(
        replace(layer, within=plain(around[layer.path].kind)) if layer.path in around else layer for layer in layers
    )
    return StoredModel(guard.file, form, era, placed, **more, graph=graph.graph(item, placed))


def _transparent(wrapper: Item) -> bool:
    """Whether a wrapper leaves the layer within as it is."""
    return plain(wrapper.kind) == "TimeDistributed" and trusted(wrapper.package)


def _same(version: str, config: Any, guard: Guard) -> str:
    """The version of a config beside weights, which must be of the same Keras as they."""
    said = config.get("keras_version") if isinstance(config, Mapping) else None
    if not isinstance(said, str):
        return version
    if version and _era(version, guard) != _era(said, guard):
        guard.refuse("config", "", f"must be of the same Keras as its config ({shown(said)})", version)
    return version or said


def _era(version: str, guard: Guard) -> str:
    first = version.split(".")[0]
    if version and first not in _ERAS:
        guard.refuse("not-keras", "keras_version", "must be of Keras 0 to 3", version)
    return _ERAS[first] if version else ""
