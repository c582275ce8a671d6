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


def varint(value):
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def block(entries, shared=0):
    """Entries with nothing of a name left out (`shared` is said of the last), and where they begin."""
    content = b""
    for k, (key, value) in enumerate(entries):
        content += varint(shared if k == len(entries) - 1 else 0) + varint(len(key)) + varint(len(value)) + key + value
    content += (0).to_bytes(4, "little") + (1).to_bytes(4, "little") + b"\0"
    return content + crc32c.masked(crc32c.crc32c(content)).to_bytes(4, "little")


def checkpoint(prefix, arrays, *, shards=1, more=b"", shared=0):
    """A checkpoint of float32 arrays, as TensorFlow writes it; `more` is said of every array."""
    data, entries = b"", [(b"", b"\x08" + varint(shards))]
    for name in sorted(arrays):
        content = np.ascontiguousarray(arrays[name], "float32").tobytes()
        dims = b"".join(b"\x12" + varint(len(dim)) + dim for dim in (b"\x08" + varint(n) for n in arrays[name].shape))
        about = (
            b"\x08\x01\x12" + varint(len(dims)) + dims + b"\x20" + varint(len(data)) + b"\x28" + varint(len(content))
        )
        about += b"\x35" + crc32c.masked(crc32c.crc32c(content)).to_bytes(4, "little") + more
        entries.append((name.encode(), about))
        data += content
    held = block(entries, shared)
    other, index = block([]), block([(b"~", varint(0) + varint(len(held) - 5))])
    handles = varint(len(held)) + varint(len(other) - 5) + varint(len(held + other)) + varint(len(index) - 5)
    magic = (0xDB4775248B80FB57).to_bytes(8, "little")
    prefix.with_name(f"{prefix.name}.index").write_bytes(held + other + index + handles.ljust(40, b"\0") + magic)
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(data)
    return prefix


def cells(*widths, prefix="rnn/multi_rnn_cell/cell_"):
    """The kernels and biases of LSTMs on top of one another, by (inputs, units)."""
    found = {}
    for k, (inputs, units) in enumerate(widths):
        found[f"{prefix}{k}/lstm_cell/kernel"] = np.full((inputs + units, 4 * units), 0.1)
        found[f"{prefix}{k}/lstm_cell/bias"] = np.arange(4.0 * units)
    return found


def test_cells_that_do_not_fit_one_another(tmp_path, refused):
    told, prefix = {"forget_bias": 1.0}, tmp_path / "ckpt"
    (stack,) = comparisons.load(checkpoint(prefix, cells((2, 3), (3, 4))), **told).values()
    assert [layer.input_dim for layer in stack.layers] == [2, 3]
    refused("shape", checkpoint(prefix, cells((2, 3), (5, 4))), **told)
    one = {name: array for name, array in cells((2, 3), (3, 4)).items() if "cell_0" not in name}
    refused("missing-weight", checkpoint(prefix, one), **told)
    one = {name: array for name, array in cells((2, 3)).items() if "bias" not in name}
    refused("missing-weight", checkpoint(prefix, one), **told)
    side = cells((2, 3), prefix="bidirectional_rnn/fw/multi_rnn_cell/cell_")
    refused("missing-weight", checkpoint(prefix, side), **told)


def test_tables_that_are_wrong(tmp_path, refused):
    prefix, arrays = tmp_path / "ckpt", cells((2, 3))
    refused("corrupt", checkpoint(prefix, arrays, shared=300))
    refused("sliced", checkpoint(prefix, arrays, more=b"\x3a\x00"))
    refused("corrupt", checkpoint(prefix, arrays, more=b"\x18\x05"))
    refused("corrupt", checkpoint(prefix, arrays, more=b"\x28\x05"))
    refused("truncated", checkpoint(prefix, arrays, more=b"\x20\xff\xff\x03"))
    refused("too-large", checkpoint(prefix, arrays, more=b"\x12\x0b\x12\x09\x08" + varint(2**50)))
    refused("name", checkpoint(prefix, {"a" * 5000: np.ones(3)}))
    refused("no-file", checkpoint(prefix, arrays, shards=2))
    refused("no-recurrent", checkpoint(prefix, {"dense/kernel": np.ones((2, 3))}))
    refused("no-weights", checkpoint(prefix, {}))
    (tmp_path / "beside.h5").write_bytes(b"")
    checkpoint(tmp_path / "beside.h5", arrays)
    assert loading.format_of(tmp_path / "beside.h5") == ""
