"""`gateproof convert`: what is converted runs as before, and nothing is written that is not proved."""

import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

import reference
from comparisons import array_files, cli
from reference.conventions import folds
from reference.files import FileRefused

X, H = 3, 4
RNG = np.random.default_rng(3)


def drawn(*shape):
    return (RNG.normal(size=shape) / 2).astype("float32")


def pytorch(gates=4):
    return {
        "weight_ih_l0": drawn(gates * H, X),
        "weight_hh_l0": drawn(gates * H, H),
        "bias_ih_l0": drawn(gates * H),
        "bias_hh_l0": drawn(gates * H),
    }


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file of arrays in the folder where the command runs."""
    monkeypatch.chdir(tmp_path)

    def write(name, arrays):
        array_files.write(tmp_path / name, arrays, {})
        return name

    return write


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_what_is_converted_runs_as_in_pytorch(run, file, suffix):
    torch = pytest.importorskip("torch")
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    live = torch.nn.LSTM(X, H, batch_first=True)
    x = torch.randn(2, 7, X)
    file(f"in{suffix}", {f"rnn.{name}": a.numpy() for name, a in live.state_dict().items()})
    out = run("convert", f"in{suffix}", f"out{suffix}", "--from", "pytorch", "--to", "keras", "--prefix", "rnn.")
    assert out.startswith("pytorch lstm -> keras lstm: exact in real arithmetic (equal outputs, not equal training)")
    keras = pytest.importorskip("keras")
    layer = keras.layers.LSTM(H, return_sequences=True)
    layer.build((None, None, X))
    arrays = array_files.read(Path(f"out{suffix}"))
    layer.set_weights([arrays[name] for name in ("kernel", "recurrent_kernel", "bias")])
    assert np.abs(keras.ops.convert_to_numpy(layer(x.numpy())) - live(x)[0].detach().numpy()).max() < 16 * 2.0**-24


def test_json(run, file):
    file("in.npz", pytorch(3))
    data = json.loads(run("convert", "in.npz", "out.npz", "--from", "pytorch", "--to", "flax", "--json"))
    assert (data["schema_version"], data["command"], data["verdict"]) == (1, "convert", "exact in real arithmetic")
    assert data["from"] == {"framework": "pytorch", "cell": "gru", "options": {}, "layer": "", "file": "in.npz"}
    assert [change["name"] for change in data["changes"]] == ["biases merged"]
    assert data["arrays"]["hn/bias"] == [H]
    assert data["keeps_training"] is False
    assert all(rule["passed"] and rule["ratio"] < 1 for rule in data["rules"].values())
    assert set(data["rules"]) == {"shadowed", "end to end"}


@pytest.mark.parametrize("target", ["keras", "onnx", "mxnet", "tf1"])
def test_there_and_back(run, file, target):
    given = pytorch()
    file("in.npz", given)
    run("convert", "in.npz", "there.npz", "--from", "pytorch", "--to", target, "--json")
    options = ["--option", "forget_bias=0"] if target == "tf1" else []
    run("convert", "there.npz", "back.npz", "--from", target, "--to", "pytorch", *options)
    with np.load("back.npz") as back:
        runs = [reference.unpack("pytorch", "lstm", dict(arrays)).run(np.ones((1, 5, X))) for arrays in (given, back)]
        if target in ("onnx", "mxnet"):
            assert all(np.array_equal(back[name], given[name]) for name in given)
    assert np.abs(runs[0].outputs - runs[1].outputs).max() < 16 * 2.0**-24


def test_options_of_the_source(run, file):
    packed = reference.pack(reference.unpack("pytorch", "lstm", pytorch()), "keras2")
    file("in.npz", packed.arrays)
    words = ("--from", "keras2", "--to", "keras", "--option", "recurrent_activation=hard_sigmoid")
    out = run("convert", "in.npz", "out.npz", *words, "--option", "go_backwards=true", "--option", "use_bias=True")
    assert "hard sigmoid rescaled" in out
    assert "go_backwards=True" in out


def test_stacks_and_directions(run, file):
    torch = pytest.importorskip("torch")
    live = torch.nn.GRU(X, H, bidirectional=True)
    file("in.npz", {name: a.numpy() for name, a in live.state_dict().items()})
    data = json.loads(run("convert", "in.npz", "out.npz", "--from", "pytorch", "--to", "keras", "--json"))
    assert "backward_layer/recurrent_kernel" in data["arrays"]
    assert set(data["rules"]) == {"end to end"}


def test_nothing_is_written_when_the_proof_fails(run, file, monkeypatch, tmp_path, capsys):
    file("in.npz", reference.pack(reference.unpack("pytorch", "lstm", pytorch()), "tf1").arrays)
    right = folds.move_forget_bias
    monkeypatch.setattr(
        folds, "move_forget_bias", lambda layer, there: right(folds.with_options(layer, forget_bias=0.9), there)
    )
    assert cli.main(["convert", "in.npz", "out.npz", "--from", "tf1", "--to", "keras"]) == cli.FAILED
    assert "Nothing is written: the two sides are farther apart than rounding explains." in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.npz"]


def test_what_has_no_form_says_how_far_the_nearest_is(file, capsys, tmp_path):
    file("in.npz", pytorch(3))
    assert cli.main(["convert", "in.npz", "out.npz", "--from", "pytorch", "--to", "tf1"]) == cli.FAILED
    said = capsys.readouterr().err
    assert said.startswith(
        "gateproof convert: tf1 has no gru reset after: tf.nn.rnn_cell.GRUCell resets before the matmul"
    )
    assert "(the nearest that it could hold is 0." in said
    assert not (tmp_path / "out.npz").exists()


def test_matrix(run):
    data = json.loads(run("convert", "--matrix", "--json"))
    kinds = {row["verdict"] for row in data["matrix"]}
    assert kinds == {"bit-exact", "exact in real arithmetic", "one-way", "impossible"}
    assert {framework["name"]: framework["live"] for framework in data["frameworks"]}["haiku"] is False
    text = run("convert", "--matrix")
    assert "Proved on rationals, with no tolerance: " in text
    assert any(line.split()[:2] == ["pytorch", "~"] for line in text.splitlines())


TO_KERAS = "--from pytorch --to keras"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "IN, OUT and --to must be given, or --matrix alone, got fewer"),
        ("in.npz out.npz --from pytorch", "IN, OUT and --to must be given, or --matrix alone, got fewer"),
        ("in.npz out.npz --matrix", "--matrix must be given alone, got a conversion as well"),
        ("in.npz out.txt " + TO_KERAS, "OUT must be a .npz or .safetensors file in a folder that exists, got"),
        ("in.npz no/out.npz " + TO_KERAS, "OUT must be a .npz or .safetensors file in a folder that exists, got"),
        ("in.npz out.npz --from torch --to keras", "framework must be one of keras, keras2, "),
        ("in.npz out.npz --from pytorch --to kears", "framework must be one of keras, keras2, "),
        ("in.npz out.npz --from tf1 --to keras", "--cell must be one of lstm, gru, simple_rnn that fits the arrays"),
        ("in.npz out.npz --cell gru " + TO_KERAS, "gate axis of weight_hh_l0 must be a multiple of 3"),
        ("in.npz out.npz --option bias " + TO_KERAS, "--option must be name=value, got 'bias'"),
        ("in.npz out.npz --option bias=1 --option bias=2 " + TO_KERAS, "--option must be given once for each name"),
        ("in.npz out.npz --cell lstm --option colour=red " + TO_KERAS, "option of pytorch lstm must be one of"),
    ],
)  # fmt: skip
def test_usage_errors(refused, file, words, sentence):
    file("in.npz", pytorch())
    assert f"gateproof convert: {sentence}" in refused("convert", *words.split())


def test_a_fold_that_overflows_is_not_written(file, capsys, tmp_path):
    huge = np.full(4 * H, 3e38, "float32")
    file("in.npz", {**pytorch(), "bias_ih_l0": huge, "bias_hh_l0": huge})
    assert cli.main(["convert", "in.npz", "out.npz", "--from", "pytorch", "--to", "keras"]) == cli.FAILED
    said = capsys.readouterr().err
    assert "bias of keras must be finite in float32, got inf (biases merged); nothing is written" in said
    assert [path.name for path in tmp_path.iterdir()] == ["in.npz"]


def test_in_and_out_are_two_files(refused, file, tmp_path):
    file("in.npz", pytorch())
    before = (tmp_path / "in.npz").read_bytes()
    (tmp_path / "link.npz").symlink_to("in.npz")
    for out in ("in.npz", "./in.npz", "link.npz"):
        said = refused("convert", "in.npz", out, "--from", "pytorch", "--to", "keras")
        assert f"OUT must be another file than IN, got {out!r} for both" in said
    assert (tmp_path / "in.npz").read_bytes() == before


def test_a_guess_gives_the_reason_of_every_cell(refused, file):
    kernels = {"kernel": drawn(X, 3 * H), "recurrent_kernel": drawn(H, 3 * H), "bias": drawn(3 * H)}
    file("in.npz", kernels)
    said = refused("convert", "in.npz", "out.npz", "--from", "keras", "--to", "onnx")
    assert "as lstm, recurrent_kernel of a keras lstm of 3 units" in said
    assert "as gru, bias of a keras gru of 4 units and 3 inputs must have shape (2, 12), got (12,)" in said


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("abc", "forget_bias must be a finite number, got 'abc'"),
        ("null", "forget_bias must be a finite number, got None"),
    ],
)
def test_an_option_of_another_kind_is_refused(refused, file, option, sentence):
    file("in.npz", reference.pack(reference.unpack("pytorch", "lstm", pytorch()), "tf1").arrays)
    words = ("--from", "tf1", "--to", "keras", "--cell", "lstm", "--option", f"forget_bias={option}")
    assert sentence in refused("convert", "in.npz", "out.npz", *words)


def test_the_cell_is_no_option(refused, file):
    file("in.npz", pytorch())
    words = ("--from", "pytorch", "--to", "keras", "--cell", "lstm", "--option", "cell=1")
    assert "option of pytorch lstm must be one of" in refused("convert", "in.npz", "out.npz", *words)


def test_the_matrix_counts_an_absence_apart_from_a_counterexample(run):
    rows = json.loads(run("convert", "--matrix", "--json"))["matrix"]
    absent = [row for row in rows if row["absent"]]
    assert absent
    assert all(row["verdict"] == "impossible" and row["distance"] is None for row in absent)
    with_one = sum(row["verdict"] == "impossible" for row in rows) - len(absent)
    text = run("convert", "--matrix")
    counted = f"x impossible ({with_one}); - impossible, for there is nothing of the kind ({len(absent)})"
    assert counted in " ".join(text.split())
    headings = [line for line in text.splitlines() if line.startswith("from keras alone")]
    assert len(headings) == 1
    assert sum(line.startswith("greff_lstm ") for line in text.splitlines()) == 9


def npy(array, header=None):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, header or np.lib.format.header_data_from_array_1_0(array))
    return stream.getvalue() + array.tobytes()


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def objects():
    stream = io.BytesIO()
    np.savez(stream, kernel=np.array([{}], object))
    return stream.getvalue()


def twice():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("kernel.npy", npy(np.ones(2)))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("kernel.npy", npy(np.ones(2)))
    return stream.getvalue()


def tensors(header, data=b"\0" * 8, length=None):
    text = header.encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


PROMISE = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
ONE = '"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}'
HOSTILE = {
    "empty": (".npz", b"", "must begin as HDF5, .keras, .npz, .npy or .safetensors does, got an"),
    "no zip": (".npz", b"PK\3\4 and no more", "must be a zip archive up to its last byte"),
    "pickled objects": (".npz", objects(), "must hold numbers, never pickled objects"),
    "a header that promises 8 TB": (".npz", zipped(a=npy(np.ones(2), PROMISE)), "together (Limits.bytes)"),
    "a bomb": (".npz", lambda: zipped(a=bytes(2**25)), "must unpack to at most 1000 times"),
    "complex": (".npz", zipped(a=npy(np.ones(2) * 1j)), "must hold real numbers of at most 8 bytes, got '<c16'"),
    "text": (".npz", zipped(a=npy(np.array(["a"]))), "must hold real numbers of at most 8 bytes, got '<U1'"),
    "NaN": (".npz", zipped(a=npy(np.array([1, np.nan]))), "must hold finite numbers only"),
    "the same name twice": (".npz", twice, "kernel.npy of in.npz must be there once, got it twice"),
    "another kind of file": (".h5", b"", "must begin as HDF5, .keras, .npz, .npy or .safetensors does, got an"),
    "a model": (".npz", b"\x89HDF\r\n\x1a\n" + bytes(99), "must be .npz or .safetensors, arrays by name, got hdf5"),
    "a length of 2⁶³": (".safetensors", tensors("{" + ONE + "}", length=2**63), "must have a header of at most"),
    "float8": (".safetensors", tensors("{" + ONE.replace("F64", "F8_E4M3") + "}"), "must be one of BOOL, U8, "),
    "a key twice": (".safetensors", tensors("{" + ONE + ", " + ONE + "}"), "must give every key once, got 'a' twice"),
    "trailing bytes": (".safetensors", tensors("{" + ONE + "}", b"\0" * 16), "as its header declares"),
    "short": (".safetensors", tensors("{" + ONE + "}", b"\0" * 4), "as its header declares"),
    "nested": (".safetensors", tensors("{" + "[" * 99_999), "must nest at most 200 deep"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name, tmp_path, capsys, monkeypatch):
    suffix, content, sentence = HOSTILE[name]
    monkeypatch.chdir(tmp_path)
    content = content() if callable(content) else content
    (tmp_path / f"in{suffix}").write_bytes(content)
    code = cli.main(["convert", f"in{suffix}", "out.npz", "--from", "pytorch", "--to", "keras"])
    said = capsys.readouterr().err
    assert code == cli.UNREADABLE
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out.npz").exists()


def test_a_missing_file_a_folder_and_a_missing_library(file, capsys, tmp_path, monkeypatch):
    words = ["out.npz", "--from", "pytorch", "--to", "keras"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.npz").mkdir()
    for name, sentence in (("none.npz", "No such file"), ("folder.npz", "must be a regular file, got a folder")):
        assert cli.main(["convert", name, *words]) == cli.UNREADABLE
        assert sentence in capsys.readouterr().err
    file("in.npz", pytorch())
    monkeypatch.setattr(array_files, "find_spec", lambda _: None)
    assert cli.main(["convert", "in.npz", "out.safetensors", *words[1:]]) == cli.MISSING
    assert "pip install safetensors" in capsys.readouterr().err


def test_every_byte_of_a_file_turned_is_read_or_refused(tmp_path):
    good = zipped(kernel=npy(np.ones((2, 3))))
    path = tmp_path / "in.npz"
    for k in range(len(good)):
        path.write_bytes(good[:k] + bytes([good[k] ^ 0xFF]) + good[k + 1 :])
        try:
            arrays = array_files.read(path)
        except FileRefused:
            continue
        assert all(array.dtype.kind == "f" for array in arrays.values())
