"""`comparisons.load`: which format a path is of, what it hands over, and that it loads no framework."""

import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import comparisons
import reference
from comparisons import loading
from reference.files.guard import FileRefused

rng = np.random.default_rng(8)
ONE = {
    "weight_ih": (rng.normal(size=(12, 3))).astype("float32"),
    "weight_hh": rng.normal(size=(12, 4)).astype("float32"),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small file of each format that needs no TensorFlow to write."""
    folder = tmp_path_factory.mktemp("small")
    torch.save({f"rnn.{name}": torch.tensor(array) for name, array in ONE.items()}, folder / "model.pt")
    (folder / "renamed").write_bytes((folder / "model.pt").read_bytes())
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    held = [numpy_helper.from_array(ONE[name][None], short) for name, short in (("weight_ih", "W"), ("weight_hh", "R"))]
    node = helper.make_node("GRU", ["x", "W", "R"], ["y"], name="gru", hidden_size=4)
    onnx.save(
        helper.make_model(helper.make_graph([node], "g", [value("x")], [value("y")], held)), folder / "model.onnx"
    )
    np.savez(folder / "arrays.npz", **ONE)
    (folder / "empty").mkdir()
    (folder / "text.txt").write_text("no model")
    return folder


def test_the_format_of_a_path(small, written):
    formats = {
        written.folder / "saved": "SavedModel",
        written.folder / "tf1": "TensorFlow checkpoint",
        written.folder / "tf1" / "model.ckpt-7": "TensorFlow checkpoint",
        written.folder / "tf1" / "model.ckpt-7.meta": "",
        written.folder / "saved" / "variables" / "variables": "TensorFlow checkpoint",
        small / "model.pt": "PyTorch",
        small / "renamed": "PyTorch",
        small / "model.onnx": "ONNX",
        small / "arrays.npz": "",
        small / "text.txt": "",
        small / "empty": "",
        small / "gone.pt": "PyTorch",
    }
    assert {path: loading.format_of(path) for path in formats} == formats


def test_others_are_handed_over(small, monkeypatch):
    seen = {}
    monkeypatch.setattr(loading.files, "load", lambda path, **told: seen.update(told, path=path))
    comparisons.load(small / "arrays.npz", framework="pytorch", only=["a"], non_finite=True)
    told = {"config": None, "only": ["a"], "limits": loading.LIMITS, "non_finite": True, "framework": "pytorch"}
    assert seen == {"path": small / "arrays.npz", **told}


@pytest.mark.parametrize("name", ["text.txt", "empty", "gone", "gone.pt", "gone.onnx", "nul\0.pt"])
def test_what_is_no_model_is_refused(small, name):
    with pytest.raises(FileRefused):
        comparisons.load(small / name)
    with pytest.raises(FileRefused), loading.opened_model(small / name):
        pass


def test_a_config_is_refused_where_there_is_no_use_for_one(small, written, refused):
    for path in (small / "model.pt", small / "model.onnx", written.folder / "saved", written.folder / "one"):
        refused("config", path, config=small / "text.txt")


def test_no_framework_is_loaded_and_no_other_file_opened(small, written):
    program = """
import sys
import comparisons
assert "numpy" not in sys.modules
from comparisons import loading
import json, h5py
opened = []
sys.addaudithook(lambda event, args: event == "open" and isinstance(args[0], str) and opened.append(args[0]))
for path, told in json.loads(sys.argv[1]):
    opened.clear()
    with loading.opened_model(path) as model:
        assert sum(1 for _ in model.arrays())
    assert comparisons.load(path, **told)
    home = path.split("model.ckpt")[0]
    other = [name for name in opened if not name.startswith(home) and not name.endswith((".py", ".pyc"))]
    assert not [name for name in other if "site-packages" not in name], other
print([name for name in ("tensorflow", "keras", "tf_keras", "torch", "onnx", "jax") if name in sys.modules])
"""
    paths = [
        (small / "model.pt", {}),
        (small / "model.onnx", {}),
        (written.folder / "saved", {}),
        (written.folder / "tf1", {"forget_bias": 1.0}),
    ]
    said = json.dumps([(str(path), told) for path, told in paths])
    done = subprocess.run([sys.executable, "-c", program, said], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr[-800:]


def flips(path, load, count):
    """Loads the file with single bits and bytes changed: it is refused, or read."""
    whole = path.read_bytes()
    every = count is None and len(whole) < 4000
    offsets = range(len(whole)) if every else rng.integers(0, len(whole), count or 2000)
    refused = 0
    for offset in map(int, offsets):
        for flip in (1 << int(rng.integers(8)), 0xFF):
            path.write_bytes(whole[:offset] + bytes([whole[offset] ^ flip]) + whole[offset + 1 :])
            try:
                load()
            except FileRefused:
                refused += 1
            except ValueError as error:
                assert "must" in str(error), (offset, flip, repr(error))  # noqa: PT017
    path.write_bytes(whole)
    return refused


def damaged(small, written, tmp_path, count):
    for name in ("model.pt", "model.onnx"):
        path = tmp_path / name
        path.write_bytes((small / name).read_bytes())
        assert flips(path, lambda path=path: comparisons.load(path), count)
    folder = shutil.copytree(written.folder / "one", tmp_path / "one")
    told = {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False}
    for name in ("ckpt.index", "ckpt.data-00000-of-00001", "checkpoint"):
        assert flips(folder / name, lambda: comparisons.load(folder, **told), count)
    folder = shutil.copytree(written.folder / "subclassed", tmp_path / "subclassed")
    for name in ("keras_metadata.pb", "saved_model.pb", "variables/variables.index"):
        flips(folder / name, lambda: comparisons.load(folder), count)


def test_damaged_bytes_are_refused_or_read(small, written, tmp_path):
    damaged(small, written, tmp_path, 12)


@pytest.mark.deep
def test_damage_at_every_byte(small, written, tmp_path):
    damaged(small, written, tmp_path, None)


def test_it_is_where_it_is_said_to_be():
    assert comparisons.load is loading.load
    with pytest.raises(AttributeError, match="no attribute 'gone'"):
        comparisons.gone  # noqa: B018
    assert issubclass(FileRefused, ValueError)
    assert reference.Layer
