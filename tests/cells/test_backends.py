"""The cells on Keras' other backends: what is marked any_backend runs again, in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Fewer would mean that marks or tests were lost; more are welcome.
FEWEST = 700
# Compiling thousands of small functions is what takes JAX its time; the code that comes out may be slow.
QUICKLY = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1", "XLA_FLAGS": "--xla_cpu_use_fusion_emitters=false"}


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_cells_hold_on(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} IS NOT INSTALLED: the cells were NOT tested on Keras' {backend} backend")
    command = [sys.executable, "-m", "pytest", str(HERE), "-m", "any_backend", "-q", "-p", "no:cacheprovider"]
    settings = {"KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1", **QUICKLY}
    done = subprocess.run(command, cwd=HERE, env=os.environ | settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout
    assert int(passed[1]) >= FEWEST, done.stdout
    assert f"Keras runs on {backend}" in done.stdout
