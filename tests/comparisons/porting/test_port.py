"""`gateproof port`: every old model that tf-keras makes is ported, and computes in plain Keras 3 what tf-keras did."""

import subprocess
import sys

import numpy as np
import pytest

from tests.comparisons.porting import old_models

# Models that keep this project's cells: an LSTM whose state hard_sigmoid squashes, weights that are penalised.
OWN = {"LSTM_both_hard", "regularised"}
LARGEST = 64  # u of an output's largest number: what the oracle allowed to any of them, and a little more


@pytest.mark.parametrize("name", old_models.MODELS)
def test_ported_whole_and_proved(ported, name):
    row = ported.rows[name]
    assert row.get("error", "") == ""
    assert (row["proved"], row["whole"]["passed"]) == ("the whole model", True)
    assert row["whole"]["allowed"] < LARGEST
    assert row["new"]["stock"] is (name not in OWN)


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")  # what matters of masks is in the numbers
@pytest.mark.parametrize("name", old_models.MODELS)
def test_computes_what_tf_keras_did(ported, name):
    keras = pytest.importorskip("keras")
    import cells  # noqa: F401  what OWN needs

    model = keras.saving.load_model(ported.folder / f"{name}.keras", compile=False)
    inputs, outputs = ported.witnesses[name]
    found = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    assert len(found) == len(outputs)
    for new, old in zip(found, outputs, strict=True):
        far = np.abs(keras.ops.convert_to_numpy(new) - old).max() / np.abs(old).max() / 2.0**-24
        assert far <= ported.rows[name]["whole"]["allowed"]


FRESH = """
import sys
for name in ("cells", "reference", "comparisons", "tf_keras"):
    sys.modules[name] = None
import pathlib, keras
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    if path.stem not in sys.argv[2:]:
        keras.saving.load_model(path)
        print(path.stem)
"""


def test_stock_files_open_in_a_fresh_process_with_plain_keras(ported):
    done = subprocess.run(
        [sys.executable, "-I", "-c", FRESH, str(ported.folder), *OWN], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert set(done.stdout.split()) == old_models.MODELS.keys() - OWN
