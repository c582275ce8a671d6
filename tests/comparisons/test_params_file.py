"""`gateproof params FILE`: what is in the file, from its headers, as the framework that wrote it counts it."""

import json
import subprocess
import sys
import warnings

import h5py
import keras
import numpy as np
import pytest
import tf_keras

from comparisons.cli import UNREADABLE
from comparisons.commands.params import ASKED

KERAS = {"Keras 3": keras, "Keras 2": tf_keras}
FILES = ("m.keras", "m.h5", "m.weights.h5")


def model_of(k):
    """Every kind of recurrent layer, nested, shared and frozen, with what has statistics beside."""
    L = k.layers
    words = k.Input((7,), dtype="int32", name="words")
    x = L.Embedding(11, 5)(words)
    x = L.BatchNormalization()(x)
    x = L.Bidirectional(L.LSTM(3, return_sequences=True), name="both")(x)
    x = L.RNN([L.LSTMCell(4), L.GRUCell(5, reset_after=False)], return_sequences=True, name="stack")(x)
    dense = L.Dense(6, trainable=False)
    inner = k.Sequential([k.Input((7, 5)), L.GRU(4, return_sequences=True), dense], name="inner")
    x = L.SimpleRNN(2, use_bias=False, name="plain")(inner(x))
    shared = L.Dense(1, name="shared")
    return k.Model(words, L.Add()([shared(x), shared(x)]))


@pytest.fixture(scope="module", params=KERAS)
def written(request, tmp_path_factory):
    home, model = tmp_path_factory.mktemp("files"), model_of(KERAS[request.param])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both say that .h5 is old
        for name in FILES:
            save = model.save_weights if "weights" in name else model.save
            save(home / name)
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    return home, model.count_params(), trainable


def counted(run, file):
    return json.loads(run("params", str(file), "--json"))


@pytest.mark.parametrize("name", FILES)
def test_it_agrees_with_count_params(run, written, name):
    home, total, trainable = written
    data = counted(run, home / name)
    assert data["parameters"] == total == sum(layer["parameters"] for layer in data["layers"])
    assert data["bytes"] == 4 * total
    assert data["trainable_parameters"] == (None if "weights" in name else trainable)


@pytest.mark.parametrize("name", FILES)
def test_recurrent_layers_are_counted_gate_by_gate(run, written, name):
    layers = counted(run, written[0] / name)["layers"]
    forms = [part["form"] for layer in layers for part in layer["parts"]]
    assert sorted(forms) == sorted(["lstm"] * 3 + ["gru reset before", "gru reset after", "simple_rnn"])
    for layer in layers:
        parts = layer["parts"]
        if parts:
            assert sum(part["parameters"] for part in parts) == layer["parameters"]
        for part in parts:
            gates = [sum(gate[k] for k in ("kernel", "recurrent_kernel", "bias", "peephole")) for gate in part["gates"]]
            assert sum(gates) == part["parameters"] == eval(part["formula"].replace("x", "*"))


def test_the_table(run, written):
    lines = run("params", str(written[0] / "m.h5")).splitlines()
    assert "written by Keras" in lines[0]
    row = next(line for line in lines if line.startswith("stack"))
    assert "cells/0: 4 x (6 x 4 + 4 x 4) + 4 x 4 + cells/1: 3 x (4 x 5 + 5 x 5) + 3 x 5" in row
    explained = run("params", str(written[0] / "m.h5"), "--explain")
    assert "both/backward_layer: lstm, X = 5 inputs, H = 3 units" in explained


@pytest.mark.parametrize("name", sorted(ASKED))
def test_arguments_of_a_cell_are_not_a_file_s(refused, written, name):
    flag = "--" + name.replace("_", "-")
    value = [] if isinstance(ASKED[name], bool) else [{"convention": "tf1", "variant": "V"}.get(name, "3")]
    sentence = refused("params", str(written[0] / "m.h5"), flag, *value)
    assert sentence.startswith(f"gateproof params: {flag} must go with a cell's name, got the file")


def test_a_file_that_is_none(refused, tmp_path):
    (tmp_path / "m.h5").write_bytes(b"")
    assert "must begin as" in refused("params", str(tmp_path / "m.h5"), exit_code=UNREADABLE)
    assert "must be a file" in refused("params", str(tmp_path / "none.h5"), exit_code=UNREADABLE)


def test_a_gigabyte_is_counted_from_its_headers(tmp_path):
    """In a process of its own, whose memory is looked at; the file has a hole where its numbers would be."""
    with h5py.File(tmp_path / "big.weights.h5", "w") as file:
        early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        early.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        group = file.create_group("layers/lstm/cell/vars")
        for name, shape in {"0": (50_000, 4800), "1": (1200, 4800), "2": (4800,)}.items():
            space = h5py.h5s.create_simple(shape)
            h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, space, dcpl=early)
    assert (tmp_path / "big.weights.h5").stat().st_size > 0.9e9
    program = (
        "import sys; from comparisons.cli import main; code = main(sys.argv[1:]);"
        "high = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'));"
        "print(int(high.split()[1]) // 1024, file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", program, "params", "big.weights.h5", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["parameters"] == 4800 * (50_000 + 1200 + 1)
    assert int(done.stderr) < 150, f"{done.stderr} MiB"
