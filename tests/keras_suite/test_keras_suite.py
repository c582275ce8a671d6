"""Keras' own tests of its recurrent layers, shipped in its wheel, run with our cells or layers in Keras' place.

They hold the arguments, shapes, dtypes, config round trips, regularisers, dropout, masks, states and training of our
cells to what Keras asks of its own. They cannot see gate order: their golden numbers come from constant weights, with
which i↔o or i↔g, reversed units and a transposed recurrent kernel change nothing. `rnn_test` and
`time_distributed_test` use no cell of Keras' at all: they show that nothing around the cells broke.
"""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

FILES = ("lstm", "gru", "simple_rnn", "rnn", "stacked_rnn_cells", "bidirectional", "time_distributed")
# Keras 3.15.1 with its own cells, on the TensorFlow backend: the two skipped are about cuDNN under PyTorch.
STOCK = "53 passed, 2 skipped, and of time_distributed 11 passed;"

LAYER_FILES = ("lstm", "gru", "simple_rnn", "bidirectional")
STOCK_LAYERS = "32 passed, 2 skipped;"


def run(plugin, files, folder):
    """The plugin's line about Keras' own tests in these files, and the whole report."""
    home = Path(find_spec("keras").submodule_search_locations[0]) / "src/layers/rnn"
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(folder), "-W", "ignore"]
        + ["-q", "--tb=short", "-p", "no:cacheprovider", "-p", plugin]
        + [str(home / f"{name}_test.py") for name in files],
        cwd=folder,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": path, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    report = done.stdout + done.stderr
    assert done.returncode == 0, report
    line = next(line for line in report.splitlines() if line.startswith("Keras' own suite"))
    print(line)
    return line, report


def test_keras_own_suite_passes_with_our_cells(tmp_path):
    line, report = run("plugin", FILES, tmp_path)
    assert STOCK in line, report
    calls = {name: int(n) for name, n in re.findall(r"((?:our|stock) \w+Cell) (\d+)", line)}
    for cell in ("SimpleRNNCell", "LSTMCell", "GRUCell"):
        assert calls[f"our {cell}"] > 0, line
        assert calls[f"stock {cell}"] == 0, line


def test_keras_own_suite_passes_with_our_layers(tmp_path):
    line, report = run("layers_plugin", LAYER_FILES, tmp_path)
    assert STOCK_LAYERS in line, report
    for name in ("SimpleRNN", "LSTM", "GRU"):
        assert int(re.search(rf"fast {name} (\d+)", line)[1]) > 0, line
        assert int(re.search(rf"ordinary {name} (\d+)", line)[1]) > 0, line
