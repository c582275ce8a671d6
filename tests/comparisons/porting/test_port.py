"""`gateproof port`: every old model that tf-keras makes is ported, and computes in plain Keras 3 what tf-keras did."""

import json
import subprocess
import sys

import pytest

from tests.comparisons.porting import old_models

# Models that keep this project's cells: an LSTM whose state hard_sigmoid squashes, weights that are penalised.
NAMES = (*old_models.MODELS, *(f"{name}_again" for name in old_models.TWICE))
OWN = {"squashed", "regularised"}
LARGEST = 64  # u of an output's largest number: what the oracle allowed to any of them, and a little more


@pytest.mark.parametrize("name", NAMES)
def test_ported_whole_and_proved(ported, name):
    row = ported.rows[name]
    assert row.get("error", "") == ""
    assert (row["proved"], row["whole"]["passed"]) == ("the whole model", True)
    assert row["whole"]["allowed"] < LARGEST
    assert row["new"]["stock"] is (name not in OWN)


def test_every_option_has_a_proof_of_its_own(ported):
    for name in ("options", "options_again"):
        layers = {row["layer"]: row for row in ported.rows[name]["layers"]}
        assert layers.keys() == old_models.OPTIONS.keys()
        for row in layers.values():
            assert {rule["what"] for rule in row["proof"]} == {"shadowed", "end to end"}
            assert all(rule["passed"] for rule in row["proof"])
        folded = {layer for layer, row in layers.items() if row["folded"]}
        assert folded == {n for n, (_, given) in old_models.OPTIONS.items() if "hard_sigmoid" in given.values()}


# Opens every file with plain keras, and says how far each output is from tf-keras', in u of its largest number.
FRESH = """
import json, pathlib, sys, warnings
own = sys.argv[2:]
for name in ("cells", "reference", "comparisons", "tf_keras"):
    sys.modules[name] = None
import numpy as np, keras
warnings.simplefilter("ignore")
home = pathlib.Path(sys.argv[1])
for path in sorted((home / "new").glob("*.keras"), key=lambda path: path.stem in own):
    if path.stem in own:
        sys.modules.pop("cells", None)
        import cells
    model = keras.saving.load_model(path)
    with np.load(home / "witness" / (path.stem.removesuffix("_again") + ".npz")) as witness:
        inputs = [witness[name] for name in witness.files if name.startswith("x")]
        outputs = [witness[name] for name in witness.files if name.startswith("y")]
    found = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    far = [float(np.abs(keras.ops.convert_to_numpy(a) - b).max() / np.abs(b).max() / 2**-24)
           for a, b in zip(found, outputs, strict=True)]
    print(json.dumps({"model": path.stem, "far": far}))
"""


@pytest.fixture(scope="session")
def opened(ported):
    """What a fresh process says; gateproof can be imported only once a file that needs it comes, after all others."""
    command = [sys.executable, "-I", "-c", FRESH, str(ported.folder), *OWN]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {row["model"]: row["far"] for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", NAMES)
def test_plain_keras_in_a_fresh_process_computes_what_tf_keras_did(ported, opened, name):
    assert max(opened[name]) <= ported.rows[name]["whole"]["allowed"]
