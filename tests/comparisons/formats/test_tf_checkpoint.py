"""TensorFlow's checkpoints: Keras' save_weights, and the cells of TensorFlow 1."""

import shutil

import numpy as np
import pytest

import comparisons
from comparisons import loading
from comparisons.formats import crc32c
from reference import Bidirectional, Layer, Stack

PATHS = {
    "tf1 basic": "basic/rnn/basic_lstm_cell",
    "tf1 both": "both/bidirectional_rnn",
    "tf1 gru": "gru/rnn/gru_cell",
    "tf1 multi": "multi/rnn/multi_rnn_cell",
    "tf1 peep": "peep/rnn/lstm_cell",
    "tf1 rnn": "rnn/rnn/basic_rnn_cell",
}


@pytest.mark.parametrize("name", ["", "model.ckpt-7", "model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001"])
def test_tensorflow_1_cells_give_what_they_gave(written, same, name):
    layers = comparisons.load(written.folder / "tf1" / name, forget_bias=1.0)
    assert list(layers) == list(PATHS.values()), "the optimizer's slots are no layers, and names are in order"
    assert [type(layer) for layer in layers.values()] == [Layer, Bidirectional, Layer, Stack, Layer, Layer]
    for case, path in PATHS.items():
        same(case, layers[path])


def test_older_names_and_grublockcells(written, same):
    layers = comparisons.load(written.folder / "older", forget_bias=1.0)
    assert list(layers) == [PATHS["tf1 basic"], PATHS["tf1 gru"], "named"]
    same("tf1 basic", layers[PATHS["tf1 basic"]])
    for path in (PATHS["tf1 gru"], "named"):
        same("tf1 gru", layers[path])


def test_forget_bias_is_asked_for(written, refused):
    folder = written.folder / "tf1"
    assert "forget_bias" in refused("not-said", folder)
    told = {PATHS[f"tf1 {name}"]: k for k, name in enumerate(("basic", "both", "multi", "peep"))}
    assert comparisons.load(folder, forget_bias=told)[PATHS["tf1 peep"]].options["forget_bias"] == 3
    assert list(comparisons.load(folder, only=[PATHS["tf1 gru"]])) == [PATHS["tf1 gru"]]
    with pytest.raises(ValueError, match="nonlinearity"):
        comparisons.load(folder, forget_bias=1.0, nonlinearity="tanh")
    with pytest.raises(ValueError, match="only must name"):
        comparisons.load(folder, only=["gone"])


def test_what_is_beside_the_cells_is_counted_once(written):
    with loading.opened_model(written.folder / "tf1") as model:
        assert (model.era, model.format) == ("tf1", "TensorFlow 1 checkpoint")
        arrays = {f"{layer.path}/{name}" for layer in model.layers for name in layer.arrays}
    assert len(arrays) == 34
    assert not [name for name in arrays if "Adam" in name or "power" in name or "global_step" in name]


def test_weights_of_keras_by_what_is_told(written, same, refused):
    told = {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False}
    (layer,) = comparisons.load(written.folder / "one", **told).values()
    same("one", layer)
    assert "recurrent_activation" in refused("not-said", written.folder / "one" / "ckpt")
    assert (
        comparisons.load(written.folder / "one", **told | {"recurrent_activation": "hard_sigmoid"})[
            "layer_with_weights-0"
        ]
        .options["recurrent_activation"]
        .name.endswith("keras2")
    )
    with loading.opened_model(written.folder / "weights" / "ckpt") as model:
        paths = {layer.path: list(layer.arrays) for layer in model.layers}
        assert model.era == "keras2"
    assert paths["layer_with_weights-2/layer_with_weights-1"] == ["kernel", "recurrent_kernel", "bias"]
    assert paths["layer_with_weights-4"][3] == "cells/1/kernel"


def test_weights_of_keras_3_by_objects(written, same):
    told = {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False}
    layers = comparisons.load(written.folder / "three", **told)
    assert list(layers) == ["model/_functional/_operations/1"]
    same("three", *layers.values())
    layers = comparisons.load(written.folder / "three", **told | {"recurrent_activation": "hard_sigmoid"})
    (layer,) = layers.values()
    assert layer.options["recurrent_activation"].name == "hard_sigmoid_keras3"


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copytree(written.folder / "tf1", tmp_path / "copy")


def test_missing_and_damaged_files(copy, refused):
    index, data = copy / "model.ckpt-7.index", copy / "model.ckpt-7.data-00000-of-00001"
    whole, numbers = index.read_bytes(), data.read_bytes()
    told = {"forget_bias": 1.0}
    data.write_bytes(numbers[:5] + bytes([numbers[5] ^ 1]) + numbers[6:])
    assert "checksum" in refused("corrupt", copy, **told)
    data.write_bytes(numbers[: len(numbers) // 2])
    refused("truncated", copy, **told)
    data.unlink()
    refused("no-file", copy, **told)
    data.symlink_to("/etc/hostname")
    refused("symlink", copy, **told)
    data.unlink()
    data.write_bytes(numbers)
    for code, content in {
        "truncated": whole[:-1],
        "corrupt": whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
        "not-a-checkpoint": b"",
    }.items():
        index.write_bytes(content)
        refused(code, copy, **told)
    index.unlink()
    refused("no-file", copy, **told)
    for said in ("", "model_checkpoint_path: 3", 'model_checkpoint_path: ".."'):
        (copy / "checkpoint").write_text(said)
        refused("not-a-checkpoint", copy, **told)
    (copy / "checkpoint").write_text('model_checkpoint_path: "../../elsewhere/model.ckpt-7"')
    index.write_bytes(whole)
    comparisons.load(copy, **told)  # of a folder, what is in it


def test_infinities_are_let_in_only_when_told(copy, refused):
    with loading.opened_model(copy) as model:
        gru = next(layer for layer in model.layers if layer.path == PATHS["tf1 gru"])
        value = gru.arrays["candidate/bias"].read()
    index, data = copy / "model.ckpt-7.index", copy / "model.ckpt-7.data-00000-of-00001"
    content, entry = data.read_bytes(), index.read_bytes()
    before, after = value.tobytes(), np.array([np.inf, *value[1:]], "float32").tobytes()
    data.write_bytes(content.replace(before, after))
    old, new = (crc32c.masked(crc32c.crc32c(part)).to_bytes(4, "little") for part in (before, after))
    assert entry.count(old) == 1
    index.write_bytes(resealed(entry.replace(old, new)))
    refused("non-finite", copy, forget_bias=1.0)
    layers = comparisons.load(copy, forget_bias=1.0, non_finite=True)
    assert np.isinf(layers[PATHS["tf1 gru"]].weights.bias).sum() == 1


def resealed(index):
    """A table of one block of entries with the checksum of that block made right."""
    end = next(k for k in range(len(index)) if index[k : k + 1] == b"\x00" and _sealed(index, k))
    return index[: end + 1] + crc32c.masked(crc32c.crc32c(index[: end + 1])).to_bytes(4, "little") + index[end + 5 :]


def _sealed(index, k):
    """Whether a block may end here: the next one, of no entries, is that of other things."""
    return index[k + 5 : k + 13] == bytes([0, 0, 0, 0, 1, 0, 0, 0])
