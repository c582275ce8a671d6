"""What a port found, as data."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from comparisons.porting.parts import Part
from comparisons.porting.proof import Measured
from reference.files.era_values import HARD
from reference.files.stored import StoredModel

if TYPE_CHECKING:
    from comparisons.porting.job import Order

PACKAGES = ("gateproof", "keras", "tensorflow", "numpy", "h5py")
WHOLE, LAYERS, NOTHING = "the whole model", "the recurrent layers", "nothing"


def data(
    order: Order,
    model: StoredModel,
    parts: Mapping[str, Part],
    proofs: Mapping[str, list[Measured]],
    whole: Measured | None,
    reason: str,
    notes: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Everything: both files, every layer and what was done to it, every distance, what is proved."""
    kinds = {layer.path: layer.kind for layer in model.layers}
    rows = [
        {
            "layer": path,
            "was": kinds.get(path, part.kind),
            "is": _class(part),
            "changes": [*_changes(part), *notes.get(path, ())],
            "folded": any(each.folded for each in part.everything()),
            "own": next((each.own for each in part.everything() if each.own), ""),
            "proof": [_measured(each) for inner in part.everything() for each in proofs.get(inner.path, ())],
        }
        for path, part in parts.items()
        if part.kind != "InputLayer"
    ]
    return {
        "old": {
            "file": str(order.old),
            "format": model.format,
            "keras": model.version,
            "backend": model.backend,
            "sha256": sha256(order.old),
        },
        "new": {"file": str(order.new), "stock": not any(row["own"] for row in rows) and not order.custom},
        "own": any(row["own"] for row in rows),
        "for": "training" if order.training else "inference",
        "layers": rows,
        "whole": None if whole is None else _measured(whole),
        "proved": WHOLE if whole is not None else LAYERS if proofs else NOTHING,
        "not_proved_because": reason,
        "same_training": not any(row["folded"] for row in rows),
        "seed": order.seed,
        "versions": _versions(),
    }


def _changes(part: Part) -> list[str]:
    """Of the layer and of those within, each once."""
    return list(dict.fromkeys(change for each in part.everything() for change in each.changes))


def _measured(found: Measured) -> dict[str, Any]:
    finite = lambda value: value if not isinstance(value, float) or math.isfinite(value) else None  # JSON has no inf
    return {**{name: finite(value) for name, value in found.__dict__.items()}, "passed": found.passed}


def _class(part: Part) -> str:
    """What the new model has in a layer's place, in words: "RNN(cells.LSTMCell)"."""
    inside = list(dict.fromkeys(_class(each) for each in part.inside))
    if part.kind == "Chain":
        return " + ".join(inside)
    inside += [f"cells.{HARD}"] * (part.config.get("activation") == HARD and not part.kind.startswith("cells."))
    return f"{part.kind}({', '.join(inside)})" if inside else part.kind


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    import keras

    return {**found, "backend": keras.backend.backend()}


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal; of a SavedModel's folder: of the lines "hash  name" of its files."""
    if path.is_dir():
        files = sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*") if file.is_file())
        lines = "".join(f"{sha256(file)}  {name}\n" for name, file in files)
        return hashlib.sha256(lines.encode()).hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
