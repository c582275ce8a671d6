"""One module a live framework, imported when it is used.

A framework module has `title()`, `missing()` (why it cannot run here, or None), `unable(case, layer)` (why it has no
such cell, or None) and `run(case, layer, x, mask) -> Trace`. `layer` has the weights, in the case's precision; a
framework with a storage of its own takes them from `reference.pack`. One whose activations round otherwise than most
says so in `ROUNDING` (`comparisons.proof.bounds`).
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from types import ModuleType
from typing import NamedTuple


class Framework(NamedTuple):
    """Where a framework's module is, what it runs, and what must be installed for it, as pip names it."""

    module: str
    runs: str
    packages: tuple[str, ...]


# In the order of the table. `cells` and `cells_tf1` are this project's, `keras` is Keras 3, `keras2` tf-keras.
FRAMEWORKS = {
    "cells": Framework("own_cells", "this project's cells, in keras.layers.RNN", ("keras", "tensorflow")),
    "keras": Framework("keras3", "Keras 3's own layers and cells", ("keras", "tensorflow")),
    "keras2": Framework("keras2", "Keras 2's own layers and cells", ("tf-keras", "tensorflow")),
    "cells_tf1": Framework("own_tf1_cells", "this project's TF1 cells and wrappers", ("keras", "tensorflow")),
    "tf1": Framework("tf1", "tf.compat.v1.nn.rnn_cell, step by step", ("tf-keras", "tensorflow")),
    "raw_ops": Framework("raw_ops", "tf.raw_ops BlockLSTM, LSTMBlockCell and GRUBlockCell", ("tensorflow",)),
    "raw_ops_v2": Framework("raw_ops_v2", "tf.raw_ops BlockLSTMV2", ("tensorflow",)),
    "pytorch": Framework("pytorch", "torch.nn RNN, LSTM and GRU", ("torch",)),
    "onnx": Framework("onnx_runtime", "ONNX Runtime, one node", ("onnxruntime", "onnx")),
    "onnx_reference": Framework("onnx_reference", "ONNX' ReferenceEvaluator, one node", ("onnx",)),
    "flax": Framework("flax_linen", "flax.linen's cells", ("flax", "jax")),
    "flax_nnx": Framework("flax_nnx", "flax.nnx' cells", ("flax", "jax")),
    "reference": Framework("numpy_reference", "this project's reference", ("numpy",)),
}


def load(name: str) -> ModuleType:
    """The module of a framework. Raises ValueError for an unknown name."""
    if name not in FRAMEWORKS:
        raise ValueError(f"framework must be one of {', '.join(FRAMEWORKS)}, got {name!r}")
    return import_module(f"comparisons.frameworks.{FRAMEWORKS[name].module}")


def versions(name: str) -> dict[str, str | None]:
    """The version of every package that a framework needs, None where it is not installed; imports none of them."""
    return {package: _version(package) for package in FRAMEWORKS[name].packages}


def absent(name: str) -> str | None:
    """What to install for a framework, or None."""
    gone = [package for package, found in versions(name).items() if found is None]
    return f"not installed: pip install {' '.join(gone)}" if gone else None


def _version(package: str) -> str | None:
    if find_spec(package.replace("-", "_")) is None:
        return None
    try:
        return version(package)
    except PackageNotFoundError:  # there under another name, such as tensorflow-cpu
        return "of unknown version"
