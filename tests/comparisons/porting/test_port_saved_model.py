"""A SavedModel, tf.keras' default from 2019 to 2022, is one model and is ported as a file is."""

import json

import keras
import numpy as np
import pytest
import tf_keras


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """The folder's parent, and the model in it."""
    home, L = tmp_path_factory.mktemp("old"), tf_keras.layers
    layers = [
        L.Embedding(11, 4, mask_zero=True),
        L.LSTM(5, recurrent_activation="hard_sigmoid", name="lstm"),
        L.Dense(2),
    ]
    model = tf_keras.Sequential([tf_keras.Input((6,)), *layers])
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape).astype("float32") for w in model.get_weights()])
    model.save(home / "saved", save_format="tf")
    return home, model


def test_its_outputs_are_kept(old, run, tmp_path):
    home, model = old
    data = json.loads(run("port", str(home / "saved"), str(tmp_path / "new.keras"), "--json"))
    assert (data["passed"], data["proved"], data["same_training"]) == (True, "the whole model", False)
    assert len(data["old"]["sha256"]) == 64
    words = np.random.default_rng(1).integers(0, 11, (3, 6))
    new = keras.saving.load_model(tmp_path / "new.keras").predict(words, verbose=0)
    assert new == pytest.approx(model.predict(words, verbose=0), abs=2e-6)


def test_a_folder_of_them_is_ported_one_by_one(old, run, tmp_path):
    data = json.loads(run("port", str(old[0]), str(tmp_path / "new"), "--json"))
    assert [(row["file"], row["passed"]) for row in data["files"]] == [("saved", True)]
    assert (tmp_path / "new" / "saved.keras").is_file()


def test_hashes_tell_folders_apart(old, tmp_path):
    from comparisons.porting.report import sha256

    for name, content in (("a", b"1"), ("b", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "variables").write_bytes(content)
    assert sha256(tmp_path / "a") != sha256(tmp_path / "b")
