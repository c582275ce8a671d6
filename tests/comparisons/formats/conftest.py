"""Files that TensorFlow wrote, once a session and in a process of its own, and what its own layers gave."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import comparisons
from reference.files.guard import FileRefused

collect_ignore = ["writers.py"]  # which loads TensorFlow, in a process of its own


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """`folder`, and `expected` by "name x" and "name y"."""
    folder = tmp_path_factory.mktemp("tensorflow")
    script = Path(__file__).with_name("writers.py")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, script, folder], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(folder / "expected.npz") as arrays:
        return SimpleNamespace(folder=folder, expected=dict(arrays))


@pytest.fixture
def same(written):
    """Holds a layer's outputs to those of TensorFlow's own layer, which rounds in float32."""

    def same(name, layer):
        x, y = written.expected[f"{name} x"], written.expected[f"{name} y"]
        run = layer.astype("float64").run(x)
        given = run.result if run.result.shape == y.shape else run.outputs
        np.testing.assert_allclose(given, y, rtol=1e-5, atol=1e-6, err_msg=name)

    return same


@pytest.fixture
def refused():
    """Loads a file that must be refused with this code; gives the sentence."""

    def refused(code, path, **told):
        with pytest.raises(FileRefused) as caught:
            comparisons.load(path, **told)
        assert caught.value.code == code, caught.value
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return refused
