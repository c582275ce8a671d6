"""`gateproof port`: what it takes, what it refuses and how it says so, and that the old file stays as it is."""

import hashlib
import json
import sys

import numpy as np
import pytest

from tests.comparisons.porting import keras1_files as files

keras = pytest.importorskip("keras")


@pytest.fixture
def old(tmp_path):
    files.write(tmp_path / "old.h5", [files.lstm1(), files.dense1(3, 2)], "1.2.2")
    return tmp_path / "old.h5"


def words(old, *more, new="new.keras"):
    return ("port", str(old), str(old.parent / new), *more)


def test_the_report_has_both_hashes_and_the_old_file_is_as_it_was(run, old):
    before, about = old.read_bytes(), old.stat()
    data = json.loads(run(*words(old, "--json")))
    assert (old.read_bytes(), old.stat().st_mtime_ns) == (before, about.st_mtime_ns)
    for side, path in (("old", old), ("new", old.parent / "new.keras")):
        assert data[side]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (data["schema_version"], data["command"], data["proved"]) == (1, "port", "the whole model")
    assert data["same_training"] is False
    assert data["layers"][0]["proof"][0]["passed"] is True
    assert data["versions"]["keras"] == keras.__version__
    assert sorted(path.name for path in old.parent.iterdir()) == ["new.keras", "old.h5"]


def test_the_report_in_words(run, old):
    out = run(*words(old))
    assert "Same outputs; training differs; optimizer state is not carried." in out
    assert "lstm_1: the gates' hard_sigmoid is Keras 3's, whose slope is 1/6: their columns are times 1.2" in out
    assert "dropout_W" in out


def test_for_training_keeps_the_weights_and_needs_the_cells(run, old):
    data = json.loads(run(*words(old, "--for", "training", "--json")))
    assert (data["new"]["stock"], data["same_training"]) == (False, True)
    assert data["layers"][0]["is"] == "RNN(cells.LSTMCell)"
    model = keras.saving.load_model(old.parent / "new.keras")
    assert model.layers[0].cell.recurrent_activation.__name__ == "hard_sigmoid_keras2"


@pytest.mark.parametrize(
    ("more", "new", "says"),
    [
        ((), "old.h5", "NEW must be a .keras file"),
        ((), "new.h5", "NEW must be a .keras file"),
        ((), "nowhere/new.keras", "in a folder that exists"),
        (("--custom", "nothing"), "new.keras", "--custom must be module:Class"),
        (("--custom", "no_such_module_here:Thing"), "new.keras", "--custom must name a module that can be imported"),
        (("--custom", "json:JSONDecoder"), "new.keras", "--custom must name a class of keras.layers.Layer"),
        (("--for", "fun"), "new.keras", "--for must be one of inference, training"),
    ],
)
def test_usage(refused, old, more, new, says):
    assert says in refused(*words(old, *more, new=new))


def test_an_existing_target_is_replaced_only_with_force(run, refused, old):
    target = old.parent / "new.keras"
    target.write_bytes(b"mine")
    assert "--force replaces it" in refused(*words(old))
    assert target.read_bytes() == b"mine"
    run(*words(old, "--force"))
    assert target.read_bytes() != b"mine"


def test_old_must_not_be_new(refused, tmp_path):
    path = tmp_path / "same.keras"
    path.write_bytes(b"mine")
    assert "another file than OLD" in refused("port", str(path), str(path), "--force")
    assert path.read_bytes() == b"mine"


def test_no_file_and_no_model(refused, tmp_path):
    assert "OLD must be a file" in refused("port", str(tmp_path / "no.h5"), str(tmp_path / "new.keras"), exit_code=3)
    (tmp_path / "bad.h5").write_bytes(b"nothing of the kind")
    assert "bad.h5" in refused("port", str(tmp_path / "bad.h5"), str(tmp_path / "new.keras"), exit_code=3)
    assert not (tmp_path / "new.keras").exists()


def test_a_file_of_keras_3_needs_no_port(refused, tmp_path):
    model = keras.Sequential([keras.Input((5, 4)), keras.layers.LSTM(3)])
    model.save(tmp_path / "three.keras")
    says = refused("port", str(tmp_path / "three.keras"), str(tmp_path / "new.keras"), exit_code=3)
    assert "must be of Keras 1 or 2" in says


SECRET = {"class_name": "Lambda", "function": ["4wEAAA==", None, None], "function_type": "lambda"}


@pytest.mark.parametrize(
    ("kind", "config", "says"),
    [("Lambda", {"name": "evil", **SECRET}, "evil: Lambda"), ("Mystery", {"name": "odd"}, "odd: Mystery")],
)
def test_lambda_and_unknown_classes_are_refused_by_name(refused, tmp_path, kind, config, says):
    files.write(tmp_path / "old.h5", [files.lstm1(), (kind, config, {})], "1.2.2")
    said = refused("port", str(tmp_path / "old.h5"), str(tmp_path / "new.keras"), exit_code=3)
    assert says in said
    assert "--custom" in said
    assert "--layers-only" in said


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("Dense", {"output_dim": 10**9}, "units of dense_1 (Dense) must be 2, as its arrays have it, got 1000000000"),
        ("LSTM", {"batch_input_shape": [None, 6, 10**7]}, "the width of its inputs of lstm_1 (LSTM) must be 4"),
        ("LSTM", {"batch_input_shape": [None, 10**6, 10**6]}, "must give at most"),
        ("LSTM", {"dtype": "complex64"}, "lstm_1: "),
        ("LSTM", {"dropout_W": "much"}, "lstm_1 must be a layer that Keras 3 takes"),
        ("Dense", {"activation": "nonesuch"}, "dense_1: Dense must have one of the activations"),
    ],
)
def test_configs_that_lie_or_ask_for_much_memory(refused, tmp_path, kind, change, says):
    layers = [files.lstm1(), files.dense1(3, 2)]
    for name, config, _ in layers:
        config |= change if name == kind else {}
    files.write(tmp_path / "old.h5", layers, "1.2.2")
    assert says in refused("port", str(tmp_path / "old.h5"), str(tmp_path / "new.keras"), exit_code=3)


CUSTOM = """
import keras

class Scaled(keras.layers.Layer):
    def __init__(self, times=1.0, **kwargs):
        super().__init__(**kwargs)
        self.times = times

    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],), name="gain")

    def call(self, x):
        return x * self.gain * self.times

    def get_config(self):
        return {**super().get_config(), "times": self.times}
"""


@pytest.fixture
def with_scaled(tmp_path, monkeypatch):
    gain = files.drawn(3)
    layers = [files.recurrent2("LSTM", 4, 3, "lstm_1", batch_input_shape=[None, 5, 4])]
    layers += [("Scaled", {"name": "scaled", "times": 2.0, "trainable": True}, {"scaled/gain:0": gain})]
    files.write(tmp_path / "old.h5", layers, "2.2.4")
    (tmp_path / "my_layers.py").write_text(CUSTOM)
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "old.h5", gain
    sys.modules.pop("my_layers", None)


def test_a_class_that_the_user_names(run, with_scaled):
    old, gain = with_scaled
    data = json.loads(run(*words(old, "--custom", "my_layers:Scaled", "--json")))
    assert data["proved"] == "the recurrent layers"
    assert data["not_proved_because"] == "The oracle has no Scaled."
    import my_layers  # pyright: ignore[reportMissingImports]

    model = keras.saving.load_model(old.parent / "new.keras", custom_objects={"Scaled": my_layers.Scaled})
    assert (model.layers[1].times, [*model.layers[1].get_weights()[0]]) == (2.0, [*gain])


def test_layers_only(run, refused, with_scaled):
    old, gain = with_scaled
    (old.parent / "new.npz").write_bytes(b"mine")
    assert "new.npz" in refused(*words(old, "--layers-only"))
    (old.parent / "new.npz").unlink()
    data = json.loads(run(*words(old, "--layers-only", "--json")))
    assert (data["proved"], [row["layer"] for row in data["layers"]]) == ("the recurrent layers", ["lstm_1"])
    with np.load(old.parent / "new.npz") as rest:
        assert {name: [*rest[name]] for name in rest.files} == {"scaled/gain": [*gain]}
    namespace = {}
    lines = data["snippet"].splitlines()
    assert len(lines) <= 10
    exec("\n".join(lines[:3]), namespace)  # what comes before the model, which is the reader's
    assert namespace["ported"].get_layer("lstm_1").units == 3
    assert [*namespace["rest"]["scaled/gain"]] == [*gain]


def test_a_folder(run, refused, tmp_path):
    home = tmp_path / "models"
    home.mkdir()
    files.write(home / "good.h5", [files.lstm1()], "1.2.2")
    files.write(home / "odd.h5", [files.lstm1(), ("Mystery", {"name": "odd"}, {})], "1.2.2")
    (home / "notes.txt").write_text("none")
    out = run("port", str(home), str(tmp_path / "new"), exit_code=3)
    assert "Ported: 1 of 2." in out
    assert "odd: Mystery" in out
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["good.keras"]
    assert "--config must come with one file" in refused("port", str(home), str(tmp_path / "n"), "--config", "x.json")
    (home / "odd.h5").unlink()
    assert "--force replaces it" in run("port", str(home), str(tmp_path / "new"), exit_code=3)
    (home / "good.hdf5").write_bytes((home / "good.h5").read_bytes())  # two of one name
    data = json.loads(run("port", str(home), str(tmp_path / "new"), "--force", "--json"))
    assert [row["passed"] for row in data["files"]] == [True, True]
    assert {path.name for path in (tmp_path / "new").iterdir()} >= {"good.h5.keras", "good.hdf5.keras"}
