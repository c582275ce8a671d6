"""A fresh process with plain keras that opens a written model, and says what it computes.

It can import nothing of this project unless the model needs it, and it starts while the work is still going on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# -I: no PYTHONPATH, no current folder. What an installed gateproof would bring is shut out by name.
SCRIPT = """
import json, os, sys
own, custom = json.loads(sys.argv[1])
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if own:
    import cells
else:
    for name in ("cells", "reference", "comparisons"):
        sys.modules[name] = None
import numpy as np
import keras
for line in sys.stdin:
    asked = json.loads(line)
    try:
        model = keras.saving.load_model(asked["model"], compile=False)
        with np.load(asked["inputs"]) as given:
            inputs = [given[name] for name in given.files]
        found = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
        np.savez(asked["outputs"], *[np.asarray(keras.ops.convert_to_numpy(a)) for a in found])
        said = {}
    except Exception as error:
        said = {"error": " ".join(str(error).split())[:300] or type(error).__name__}
    print(json.dumps(said), flush=True)
"""


class Witness:
    """The process; one for any number of models."""

    def __init__(self, *, own: bool = False) -> None:
        command = [sys.executable, "-I", "-c", SCRIPT, json.dumps([own, []])]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)

    def run(self, model: Path, inputs: list[Array]) -> list[Array]:
        """The outputs of a saved model. Raises ValueError with what went wrong where it does not open or run."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            given, found = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
            np.savez(given, *inputs)  # type: ignore[arg-type]
            asked = {"model": str(model.resolve()), "inputs": given, "outputs": found}
            try:
                self._process.stdin.write(json.dumps(asked) + "\n")
                self._process.stdin.flush()
                said = json.loads(self._process.stdout.readline() or '{"error": "the process ended"}')
            except (OSError, ValueError) as error:
                said = {"error": str(error)}
            if "error" in said:
                raise ValueError(said["error"])
            with np.load(found) as arrays:
                return [arrays[name] for name in arrays.files]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
