"""TensorFlow's checkpoints: those of Keras 2's save_weights, by objects, and TensorFlow 1's, by names.

Source: tensorflow/python/ops/rnn.py and rnn_cell_impl.py, TensorFlow 1.0 to 1.15, for the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from comparisons.formats import object_graph, tensor_bundle
from comparisons.formats.folder import content
from reference.files.guard import Guard
from reference.files.stored import Stored, StoredLayer, StoredModel

# The scopes in which TensorFlow 1's cells have their variables, with what the cell is; 0.12 wrote them as classes.
CELLS = {
    "basic_rnn_cell": "simple_rnn",
    "basic_lstm_cell": "lstm",
    "lstm_cell": "lstm",
    "layer_norm_basic_lstm_cell": "layer_norm_lstm",
    "coupled_input_forget_gate_lstm_cell": "cifg",
    "gru_cell": "gru",
    "ugrnn_cell": "ugrnn",
    "BasicRNNCell": "simple_rnn",
    "BasicLSTMCell": "lstm",
    "GRUCell": "gru",
}
# What TensorFlow before 1.2 called a kernel and a bias, and what GRUBlockCell calls them: see _gru_block.
OLDER = {"weights": "kernel", "biases": "bias", "Linear/Matrix": "kernel", "Linear/Bias": "bias"}
OLDER |= {f"{part}/{old}": f"{part.lower()}/{new}" for part in ("Gates", "Candidate") for old, new in OLDER.items()}
OLDER |= {f"{part}/{old}": f"{part}/{OLDER[old]}" for part in ("gates", "candidate") for old in ("weights", "biases")}
SHOWN = {"candidate/kernel": "gru_cell", "w_f_diag": "lstm_cell"}  # arrays that no other scope has
# What optimizers keep of a variable, under its name, and what is no parameter.
SLOT = re.compile(
    r"/(Adam(_1)?|Adagrad|Adadelta(_1)?|Momentum|RMSProp(_1)?|Ftrl(_1)?|ExponentialMovingAverage|AdaMax(_1)?)$"
    r"|(^|/)(beta[12]_power(_\d+)?|global_step|save_counter)$"
)
CELL = re.compile(rf"(?P<before>(?:.*/)?)(?P<cell>{'|'.join(CELLS)})(?P<number>_\d+)?/(?P<name>.+)")
LAYERED = re.compile(r"(?P<scope>(?:.*/)?)(?P<stack>multi_rnn_cell(_\d+)?|MultiRNNCell)/[cC]ell_?(?P<k>\d+)/")
DIRECTED = re.compile(r"(?P<scope>(?:.*/)?)(?P<side>fw|bw|FW|BW)/")


def prefix_of(path: Path, guard: Guard | None = None) -> Path | None:
    """The checkpoint that a path names: prefix, index, data file, or the folder with the file `checkpoint`."""
    if path.is_dir():
        if guard is None:
            return path if (path / "checkpoint").is_file() else None
        said = content(path, "checkpoint", guard).decode("utf-8", "backslashreplace")
        latest = re.search(r'^model_checkpoint_path:\s*"([^"\\]*)"', said, re.MULTILINE)
        name = latest[1].replace("\\", "/").rsplit("/", 1)[-1] if latest else ""
        if not name or name in (".", ".."):
            guard.refuse("not-a-checkpoint", "checkpoint", "must name the model_checkpoint_path", said[:80])
        return path / name
    name = re.sub(r"\.(index|data-\d{5}-of-\d{5})$", "", path.name)
    if name == path.name and path.is_file():
        return None
    prefix = path.with_name(name) if name else path
    return prefix if prefix.with_name(f"{prefix.name}.index").is_file() else None


@contextmanager
def opened(path: Path, config: Any, guard: Guard) -> Iterator[StoredModel]:
    """The checkpoint; of Keras' weights without a config, and of TensorFlow 1's without any of its cells' options."""
    if config is not None:
        guard.refuse("config", "", "must be read without config: give its layers' options by name", "one")
    prefix = prefix_of(path, guard)
    if prefix is None:
        guard.refuse("no-file", "", "must be a checkpoint's prefix, its .index or its folder", "none")
    with tensor_bundle.opened(prefix.parent, prefix.name, guard) as bundle:
        yield model(bundle, "TensorFlow", guard)


def model(bundle: tensor_bundle.Bundle, title: str, guard: Guard) -> StoredModel:
    """What an open checkpoint holds."""
    if bundle.graph is not None:
        tree = object_graph.Tree(object_graph.nodes(bundle.graph, tensor_bundle.GRAPH, guard), bundle.arrays)
        if layers := tuple(tree.layers(guard)):
            names = {name for layer in layers for name in layer.path.split("/")}
            new = bool(names & {"_operations", "_layers"})  # which is how Keras 3's models have theirs
            old = any(name.startswith("layer_with_weights-") for name in names)
            kind = f"Keras {3 if new else 2} TensorFlow checkpoint" if title == "TensorFlow" else title
            era = "keras" if new else "keras2"
            return StoredModel(guard.file, kind, era, layers, backend="tensorflow", era_said=new != old)
    kind = "TensorFlow 1 checkpoint" if title == "TensorFlow" else title
    return StoredModel(guard.file, kind, "tf1", tuple(_named(bundle.arrays)), backend="tensorflow")


def _named(arrays: Mapping[str, Stored]) -> Iterator[StoredLayer]:
    """TensorFlow 1's variables by their layer: the cells of one MultiRNNCell, and two directions, are one.

    The config has the scope of the cell of each, by what its arrays' names begin with.
    """
    found: dict[str, dict[str, Stored]] = {}
    cells: dict[str, dict[str, str]] = {}
    for full, array in arrays.items():
        if SLOT.search(full):
            continue
        path, part, cell, name = _place(full)
        if cell:
            cells.setdefault(path, {})[part] = cell
        found.setdefault(path, {})[part + name] = array
    for path, group in found.items():
        shown = next((cell for name, cell in SHOWN.items() if name in group), None)
        own = cells.get(path) or ({"": shown} if shown else {})
        config = {"cells": own} if own else {}
        yield StoredLayer(path or "variables", "", config, _gru_block(group), where=path)


def _place(full: str) -> tuple[str, str, str, str]:
    """The layer, `fw/cell_0/` in it, the cell's scope, and the array, by Keras' names; no scope where it is no cell's.

    >>> _place("bidirectional_rnn/fw/multi_rnn_cell/cell_1/lstm_cell/kernel")
    ('bidirectional_rnn', 'fw/cell_1/', 'lstm_cell', 'kernel')
    >>> _place("RNN/BasicLSTMCell/Linear/Matrix")
    ('RNN/BasicLSTMCell', '', 'BasicLSTMCell', 'kernel')
    """
    found = CELL.fullmatch(full)
    if not found:
        path, _, name = full.rpartition("/")
        if inner := re.fullmatch(r"(.*)/(gates|candidate|projection)", path):
            path, name = inner[1], f"{inner[2]}/{name}"
        return path, "", "", name
    before, part = found["before"], ""
    path = f"{before}{found['cell']}{found['number'] or ''}"
    if layered := LAYERED.fullmatch(before):
        before, part = layered["scope"], f"cell_{int(layered['k'])}/"
        path = before + layered["stack"]
    if directed := DIRECTED.fullmatch(before):
        part = f"{directed['side'].lower()}/{part}"
        path = directed["scope"].rstrip("/") or "bidirectional"
    return path, part, found["cell"], OLDER.get(found["name"], found["name"])


def _gru_block(group: Mapping[str, Stored]) -> dict[str, Stored]:
    """GRUBlockCell's arrays by GRUCell's names. Its first version swapped them: what is twice as wide are the gates."""
    found: dict[str, Stored] = {}
    for name, array in group.items():
        block = re.fullmatch(r"((?:.*/)?)([wb])_(ru|c)", name)
        other = group.get(f"{block[1]}{block[2]}_{'c' if block[3] == 'ru' else 'ru'}") if block else None
        if block and other is not None and array.shape and other.shape:
            part = "gates" if array.shape[-1] > other.shape[-1] else "candidate"
            name = f"{block[1]}{part}/{'kernel' if block[2] == 'w' else 'bias'}"
        found[name] = array
    return found


def is_one(path: Path) -> bool:
    return prefix_of(path) is not None
