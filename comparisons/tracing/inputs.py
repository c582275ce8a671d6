"""What a model is given: arrays of a file, or a text by its vocabulary, in the shape that the model takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons import array_files
from comparisons.proof import draws
from reference.files.guard import shown
from reference.files.stored import Graph, Node, Ref, StoredLayer

Array = NDArray[Any]
LARGEST = 64 * 2**20  # bytes of a vocabulary


@dataclass(frozen=True)
class Takes:
    """What an input is to be: `rank` axes, the batch counted; `indices` of so many rows of a table, or numbers."""

    rank: int = 3
    width: int | None = None  # of the last axis; of indices, how many there are
    indices: bool = False
    steps: int | None = None

    def said(self) -> str:
        if self.indices:
            return f"(batch, time), whole numbers{f' below {self.width}' if self.width else ''}"
        axes = ["batch", "time", *(["…"] if self.rank > 3 else []), str(self.width or "features")]
        return f"({', '.join(axes if self.rank > 2 else ['batch', str(self.width or 'features')])})"


def read(path: Path) -> dict[str, Array]:
    """The arrays of a .npy, .npz, .safetensors or .csv file by name; the only one of a .npy or .csv has none.

    Raises FileRefused or UnreadableData for a file that is not read.
    """
    if path.suffix == ".csv":
        return {"": draws.load(path)}
    return array_files.read(path)


def shaped(values: Array, takes: Takes) -> Array:
    """The array with an axis for a batch of one, or for a single feature, where it lacks that. Raises ValueError."""
    if takes.indices and values.ndim == 2 and values.shape[1] == 1 and values.dtype.kind == "f":
        values = values[:, 0]  # a table of one column
    given = values
    if takes.rank == 3 and values.ndim == 1 and takes.width in (1, None):
        values = values[:, None]
    if values.ndim == takes.rank - 1:
        values = values[None]
    wide = takes.width if not takes.indices else None
    if values.ndim != takes.rank or 0 in values.shape or (wide and values.shape[-1] != wide):
        raise ValueError(f"the inputs must have shape {takes.said()}, got {given.shape}")
    if takes.indices and (values != np.floor(values)).any():
        raise ValueError(f"the inputs must be {takes.said()}, got {values[values != np.floor(values)][0]:g}")
    if takes.indices and takes.width and not 0 <= values.min() <= values.max() < takes.width:
        raise ValueError(f"the inputs must be {takes.said()}, got {values.min():g} to {values.max():g}")
    return values


def of_graph(graph: Graph, ref: Ref) -> Takes:
    """What an input of a model's graph takes."""
    node = graph.nodes[ref.layer]
    config = node.layer.config if isinstance(node.layer, StoredLayer) else {}
    shape = list(config.get("batch_shape") or config.get("batch_input_shape") or [])
    whole = [size if isinstance(size, int) else None for size in shape]
    for other in graph.nodes.values():
        if _embeds(other) and any(ref in call.inputs for call in other.calls):
            table = next(iter(other.layer.arrays.values()), None) if isinstance(other.layer, StoredLayer) else None
            rows = table.shape[0] if table is not None else None
            return Takes(len(shape) or 2, rows, indices=True, steps=whole[1] if len(whole) == 2 else None)
    if not shape:
        return Takes(3)
    return Takes(len(shape), whole[-1], steps=whole[1] if len(whole) > 2 else None)


def _embeds(node: Node) -> bool:
    return isinstance(node.layer, StoredLayer) and node.layer.kind.rpartition(">")[2] == "Embedding"


def vocabulary(path: Path) -> dict[str, int]:
    """Which index each character or word has: a JSON list, a JSON object, or the characters of a text.

    An object has texts to indices, or indices to texts. Of a text, the characters count once each, in order of code
    point, as `sorted(set(text))` has them; where none is there twice, in the order in which they stand.

    Raises ValueError for a file that is none of these.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"a vocabulary must have at most {LARGEST} bytes, {path.name!r} has {path.stat().st_size}")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"--vocabulary must be a file, got {str(path)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"--vocabulary must be a text in UTF-8, got {path.name!r}") from None
    if path.suffix == ".json":
        return _json(text, path.name)
    once = dict.fromkeys(text)
    if not once:
        raise ValueError(f"--vocabulary must have characters, got none in {path.name!r}")
    ordered = once if len(once) == len(text) else sorted(once)
    return {character: k for k, character in enumerate(ordered)}


def _json(text: str, name: str) -> dict[str, int]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"--vocabulary must be JSON, as its name {name!r} says, got something else") from None
    if isinstance(said, list):
        pairs: list[tuple[Any, Any]] = [(token, k) for k, token in enumerate(said)]
    elif isinstance(said, Mapping):
        pairs = list(said.items())
        if all(isinstance(value, str) for value in said.values()):
            pairs = [(token, int(k) if k.isascii() and k.isdigit() else k) for k, token in pairs]
    else:
        pairs = []
    found: dict[str, int] = {}
    for token, k in pairs:
        if not (isinstance(token, str) and type(k) is int and k >= 0) or token in found:
            must = "--vocabulary must have a text and an index for each entry, each text once"
            raise ValueError(f"{must}, got {shown(repr((token, k)))} in {name!r}")
        found[token] = k
    if not found:
        raise ValueError(f"--vocabulary must be a JSON list or object with entries, got none in {name!r}")
    return found


def tokens(text: str, known: Mapping[str, int]) -> list[str]:
    """The text's characters; its words, between spaces, where every entry of a vocabulary but some is longer than one.

    Raises ValueError for one that the vocabulary has not.
    """
    words = sum(len(token) > 1 for token in known) * 2 > len(known)
    found = text.split() if words else list(text)
    what = "word" if words else "character"
    if not found:
        raise ValueError(f"--text must have a {what} at least, got {text!r}")
    unknown = list(dict.fromkeys(token for token in found if token not in known))
    if unknown:
        named = ", ".join(repr(token) for token in unknown[:5]) + (", …" if len(unknown) > 5 else "")
        raise ValueError(f"each {what} of --text must be one of the vocabulary's {len(known)}, got {named}")
    return found


def encoded(found: Sequence[str], known: Mapping[str, int], takes: Takes) -> Array:
    """The tokens as one row: indices `(1, T)`, or one-hot `(1, T, width)`. Raises ValueError where they do not fit."""
    if not takes.indices and (takes.rank != 3 or takes.width is None):
        raise ValueError(f"--text must go with a model of indices or one-hot characters, got one of {takes.said()}")
    indices = np.array([known[token] for token in found])
    if takes.width and indices.max() >= takes.width:
        must = f"--vocabulary must have indices below {takes.width}, as wide as the model's input is"
        raise ValueError(f"{must}, got {found[int(indices.argmax())]!r} at {indices.max()}")
    if takes.indices:
        return indices[None]
    if len(known) != takes.width:
        raise ValueError(f"--vocabulary must have {takes.width} entries, as the model's input has, got {len(known)}")
    return np.eye(len(known))[None, indices]
