"""SavedModel directories of Keras 2: every layer as it ran in TensorFlow, read without it."""

import math
import shutil

import pytest

import comparisons
from comparisons import loading
from comparisons.formats import object_graph, protobuf
from reference import Bidirectional, Layer, Stack
from reference.files.guard import Guard, Limits

LAYERS = {
    "bi": Bidirectional,
    "inner/inner_gru": Layer,
    "stack": Stack,
    "back": Layer,
    "both": Bidirectional,
    "last": Layer,
}


@pytest.mark.parametrize("folder", ["saved", "saved_2_3"])
def test_every_layer_gives_what_it_gave(written, same, folder):
    layers = comparisons.load(written.folder / folder)
    assert {name: type(layer) for name, layer in layers.items()} == LAYERS
    assert list(layers) == list(LAYERS), "not in the model's order"
    for name, layer in layers.items():
        same(name, layer)
    assert layers["bi"].forward.options["recurrent_activation"].name == "hard_sigmoid_keras2"
    assert [layers[name].options["reset_after"] for name in ("inner/inner_gru", "last")] == [False, True]
    assert layers["last"].source.endswith(f"(GRU, Keras {'2.3.1-tf' if '2_3' in folder else '2.21.0'})")


def test_a_model_of_no_config(written, same):
    layers = comparisons.load(written.folder / "subclassed")
    assert list(layers) == ["enc", "block/inner_gru"]
    for name, layer in layers.items():
        same(name, layer)


def test_all_arrays_are_there_by_their_headers(written):
    with loading.opened_model(written.folder / "saved") as model:
        assert (model.format, model.era, model.version) == ("Keras 2 SavedModel", "keras2", "2.21.0")
        shapes = {layer.path: {name: a.shape for name, a in layer.arrays.items()} for layer in model.layers}
        kinds = {layer.path: layer.kind for layer in model.layers}
        assert model.graph is not None
        assert model.config is not None
        assert list(model.graph.nodes)[:3] == ["words", "emb", "bi"]
    assert shapes["inner/bn"] == dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (6,))
    assert shapes["td/td_dense"] == {"kernel": (4, 4), "bias": (4,)}
    assert shapes["stack"]["cells/1/bias"] == (2, 12)
    assert kinds["both"] == "Bidirectional"
    counted = sum(math.prod(shape) for arrays in shapes.values() for shape in arrays.values())
    assert counted == written.expected["parameters"], "not what model.count_params() says"


def test_one_without_metadata_is_refused_and_says_what_is_missing(written, refused):
    assert "no keras_metadata.pb" in refused("no-weights", written.folder / "plain")


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copytree(written.folder / "saved", tmp_path / "copy")


def test_links_are_not_followed(copy, written, refused):
    for name in ("keras_metadata.pb", "variables/variables.data-00000-of-00001", "variables"):
        path = copy / name
        path.rename(path.with_name("aside"))
        path.symlink_to(path.with_name("aside"))
        assert "cp -rL" in refused("symlink", copy)
        path.unlink()
        path.with_name("aside").rename(path)
    comparisons.load(copy)


def test_what_is_missing_or_cut_short(copy, refused):
    data = copy / "variables" / "variables.data-00000-of-00001"
    whole = data.read_bytes()
    data.write_bytes(whole[:-40])
    refused("truncated", copy)
    data.unlink()
    refused("no-file", copy)
    data.mkdir()
    refused("not-a-file", copy)
    data.rmdir()
    data.write_bytes(whole)
    metadata = copy / "keras_metadata.pb"
    metadata.write_bytes(metadata.read_bytes()[:-40])
    refused("truncated", copy)
    metadata.write_bytes(b"")
    refused("not-said", copy)


def field(number, content):
    """A field of bytes, as protobuf writes it."""
    size, length = len(content), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def metadata(text):
    return field(1, field(3, b"root") + field(4, b"_tf_keras_network") + field(5, text))


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("too-deep", metadata(b"[" * 5000 + b"]" * 5000)),
        ("json", metadata(b'{"class_name": "LSTM", "class_name": "GRU"}')),
        ("json", metadata(b'{"units": NaN}')),
        ("config", metadata(b"[]")),
        ("config", metadata(b'{"class_name": 3}')),
        ("too-large", metadata(b'"' + b"a" * 2**24 + b'"')),
        ("too-large", b"\x0a\x00" * (protobuf.FIELDS + 1)),
        ("duplicate", metadata(b"{}") * 2),
        ("protobuf", b"\x0b" * 20),
        ("protobuf", b"\x08\x01" + b"\xff" * 11),
        ("truncated", b"\x0a\xff\xff\xff\xff\x7f"),
        ("truncated", field(1, b"\x1a\x05ab") + field(1, b"beyond")),
    ],
)
def test_metadata_that_is_none(copy, refused, code, content):
    (copy / "keras_metadata.pb").write_bytes(content)
    refused(code, copy)


def test_limits_come_first(copy, refused):
    assert "must have at most 10 arrays (Limits.tensors)" in refused("too-large", copy, limits=Limits(tensors=10))
    assert "Limits.bytes" in refused("too-large", copy, limits=Limits(bytes=1000))


def test_layers_are_in_their_order_and_under_their_weights_names():
    names = {"layer-0": 1, "layer-2": 2, "layer-10": 3, "layer_with_weights-0": 2, "layer_with_weights-1": 3, "loss": 4}
    tree = object_graph.Tree([object_graph.Node(names)], {})
    assert next(tree.children(0)) == ("layer-0", 1)
    assert list(tree.children(0))[1:4:2] == [("layer_with_weights-0", 2), ("layer_with_weights-1", 3)]


def test_protobuf_reads_what_it_is_given():
    content = field(3, b"a.b") + b"\x08\x96\x01" + field(2, b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
    message = protobuf.message(content, "it", Guard("file", Limits()))
    assert (message.number(1), message.text(3), message.numbers(2), message.text(9)) == (150, "a.b", [1, -1], "")
