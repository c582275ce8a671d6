"""Who imports whom: an oracle that shares code with its subject proves nothing; nothing is loaded in vain."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cells
import comparisons
import reference

PACKAGES = {package.__name__: Path(package.__file__).parent for package in (cells, reference, comparisons)}
FRAMEWORKS = {"keras", "tensorflow", "tf_keras", "torch", "jax", "onnx", "onnxruntime", "flax", "haiku", "safetensors"}
# All that these may import beyond the standard library and themselves; comparisons may import anything.
MAY_IMPORT = {
    "cells": {"keras", "numpy"},
    "cells/autograd.py": {"keras", "tensorflow", "jax", "torch"},
    "reference": {"numpy"},
    "reference/files": {"numpy", "h5py"},
}


def imported(file):
    """The top-level names that a file imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name}: imports are absolute, so that they can be read here"
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"import_module", "__import__"}:
            name = node.args[0]
            name = name.values[0] if isinstance(name, ast.JoinedStr) else name
            if isinstance(name, ast.Constant):
                yield name.value.split(".")[0]


FILES = [(name, str(file.relative_to(home))) for name, home in PACKAGES.items() for file in sorted(home.rglob("*.py"))]


@pytest.mark.parametrize(("package", "file"), FILES)
def test_imports_follow_the_arrows(package, file):
    names = set(imported(PACKAGES[package] / file)) - set(sys.stdlib_module_names) - {package}
    assert "tests" not in names
    home = f"{package}/{Path(file).parts[0]}"
    if package in MAY_IMPORT:
        assert names <= MAY_IMPORT.get(home, MAY_IMPORT[package])


def loaded_by(program, **environment):
    """The top-level modules that a fresh interpreter has after running a program."""
    program += "; import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_reference_loads_no_framework():
    loaded = loaded_by("import reference; reference.read; reference.Layer")
    assert "numpy" in loaded
    assert not loaded & FRAMEWORKS


def test_importing_the_reference_loads_no_numpy():
    assert not loaded_by("import reference; reference.count_parameters") & {"numpy", *FRAMEWORKS}


def test_importing_the_comparisons_loads_no_numpy():
    assert not loaded_by("import comparisons; import comparisons.cli") & {"numpy", "cells", *FRAMEWORKS}


def test_the_cells_load_what_keras_loads():
    environment = {"KERAS_BACKEND": "tensorflow"}
    more = loaded_by("import cells", **environment) - loaded_by("import keras", **environment)
    assert more <= {"cells"}
