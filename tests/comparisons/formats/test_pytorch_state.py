"""PyTorch's state dicts: every module's outputs, from both forms of the file, and nothing but numbers out of it."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch

import comparisons
from comparisons import loading
from comparisons.formats import pickles
from reference import Bidirectional, Layer, Stack
from reference.files.guard import FileRefused, Guard, Limits

T, B, X = 5, 2, 3
MODULES = {
    "lstm": (torch.nn.LSTM(X, 4), Layer),
    "module.encoder.rnn": (torch.nn.LSTM(X, 4, num_layers=2, bidirectional=True), Stack),
    "narrow": (torch.nn.LSTM(X, 4, proj_size=2), Layer),
    "gru": (torch.nn.GRU(X, 4, bidirectional=True), Bidirectional),
    "bare": (torch.nn.GRU(X, 4, bias=False), Layer),
    "rnn": (torch.nn.RNN(X, 4, nonlinearity="relu"), Layer),
    "cell": (torch.nn.LSTMCell(X, 4), Layer),
    "gru_cell": (torch.nn.GRUCell(X, 4), Layer),
}


@pytest.fixture(scope="module")
def state():
    """Every module's, in one state dict, with others between them."""
    torch.manual_seed(3)
    found = {"emb.weight": torch.randn(7, 3), "step": torch.tensor(3)}
    for name, (module, _) in MODULES.items():
        for own, value in module.state_dict().items():
            value.copy_(torch.randn(value.shape) * 0.6 + 0.1)
            found[f"{name}.{own}"] = value
    return found


def ran(module, x):
    with torch.no_grad():
        if not isinstance(module, torch.nn.RNNCellBase):
            return module(x)[0].numpy()
        h, found = None, []
        for x_t in x:
            h = module(x_t, h)
            found.append(h[0] if isinstance(h, tuple) else h)
        return torch.stack(found).numpy()


FORMS = {"zip": {}, "older": {"_use_new_zipfile_serialization": False}}


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("holder", ["", "state_dict", "model"])
def test_every_module_gives_what_it_gave(tmp_path, state, form, holder):
    path = tmp_path / ("model.pt" if holder else "model.bin")
    held = {"epoch": 3, "loss": [0.5, None, {1: True}], holder: state, "names": ("a", b"b")} if holder else state
    torch.save(held, path, **FORMS[form])
    layers = comparisons.load(path, nonlinearity="relu")
    assert list(layers) == list(MODULES)
    x = torch.randn(T, B, X)
    for name, (module, kind) in MODULES.items():
        assert type(layers[name]) is kind, name
        run = layers[name].astype("float64").run(x.numpy().transpose(1, 0, 2))
        given = run.outputs.transpose(1, 0, 2)
        np.testing.assert_allclose(given, ran(module, x), rtol=1e-5, atol=1e-6, err_msg=name)
        assert layers[name].source.endswith(f": {name}")


def test_other_arrays_and_kinds_of_numbers(tmp_path, state):
    base = torch.arange(24.0).reshape(4, 6)
    odd = {
        "a.turned": base.T,
        "a.part": base[1:3, ::2],
        "a.half": base.half(),
        "a.brain": base.bfloat16(),
        "a.double": base.double(),
        "a.count": torch.tensor(7),
        "a.none": torch.zeros(0, 3),
        "a.parameter": torch.nn.Parameter(base),
    }
    for form, how in FORMS.items():
        torch.save(odd, tmp_path / "model.pth", **how)
        with loading.opened_model(tmp_path / "model.pth") as model:
            (layer,) = model.layers
            assert (model.era, model.format, layer.path) == ("pytorch", "PyTorch state dict", "a")
            for name, tensor in odd.items():
                stored, wanted = layer.arrays[name[2:]], tensor.detach()
                wanted = (wanted.float() if wanted.dtype == torch.bfloat16 else wanted).numpy()
                assert (stored.shape, stored.dtype) == (wanted.shape, wanted.dtype), name
                np.testing.assert_array_equal(stored.read(), wanted, err_msg=f"{name} {form}")


def test_the_nonlinearity_is_asked_for(tmp_path, state, refused):
    torch.save(state, tmp_path / "model.pt")
    assert "nonlinearity" in refused("not-said", tmp_path / "model.pt")
    assert list(comparisons.load(tmp_path / "model.pt", only=["gru"])) == ["gru"]


class Runs:
    """What a pickle would do if it were loaded."""

    def __reduce__(self):
        return (print, ("ran",))


def test_objects_are_refused_and_nothing_is_run(tmp_path, state, refused, capsys):
    path = tmp_path / "model.pt"
    for how in FORMS.values():
        torch.save(torch.nn.LSTM(2, 3), path, **how)
        said = refused("pickle", path)
        assert "torch.nn.modules.rnn.LSTM" in said
        assert "state_dict()" in said
        torch.save(Runs(), path, **how)
        refused("pickle", path)
        torch.save({**state, "more": Runs()}, path, **how)
        assert len(comparisons.load(path, nonlinearity="tanh")) == len(MODULES)
        torch.save({"epoch": 3}, path, **how)
        refused("no-weights", path)
    assert capsys.readouterr().out == ""


def rewritten(path, change, name="data.pkl"):
    """The same archive with one member's content changed; None leaves it out."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            new = change(content) if member.endswith(f"/{name}") else content
            if new is not None:
                archive.writestr(member, new)


def test_what_is_wrong_with_an_archive(tmp_path, refused):
    path = tmp_path / "model.pt"

    def fresh(held=None):
        torch.save({"l.weight": torch.ones(2, 3)} if held is None else held, path)
        return path

    whole = fresh().read_bytes()
    path.write_bytes(whole[:-30])
    refused("truncated", path)
    path.write_bytes(b"")
    refused("truncated", path)
    path.write_bytes(b"GIF89a")
    refused("not-pytorch", path)
    for code, name, change in (
        ("not-pytorch", "data.pkl", lambda content: None),
        ("missing-weight", "data/0", lambda content: None),
        ("corrupt", "data/0", lambda content: content[:-4]),
        ("byte-order", "byteorder", lambda content: b"big"),
        ("corrupt", "data.pkl", lambda content: content[:-1]),
        ("pickle", "data.pkl", lambda content: pickle.dumps(frozenset((1,)), protocol=4)),
        ("corrupt", "data.pkl", lambda content: b"\x80\x02s."),
        ("no-weights", "data.pkl", lambda content: pickle.dumps([1, 2], protocol=2)),
    ):
        rewritten(fresh(), change, name)
        refused(code, path)
    with zipfile.ZipFile(fresh(), "a") as archive:
        archive.writestr("model/constants.pkl", b"")
    assert "TorchScript" in refused("pickle", path)
    refused("too-large", fresh({"a": torch.zeros(1).expand(10**6, 10**6)}))
    refused("too-large", fresh(), limits=Limits(bytes=10))
    refused("too-large", fresh({f"l.{k}": torch.ones(1) for k in range(5)}), limits=Limits(tensors=4))
    refused("dtype", fresh({"l.weight": torch.ones(2, dtype=torch.complex64)}))
    refused("dtype", fresh({"l.weight": torch.ones(2, 2).to_sparse()}))
    refused("non-finite", fresh({"weight_ih": torch.full((8, 3), torch.nan), "weight_hh": torch.ones(8, 2)}))
    biases = {"bias_ih": torch.ones(9), "bias_hh": torch.ones(8)}
    refused("shape", fresh({"weight_ih": torch.ones(8, 3), "weight_hh": torch.ones(8, 2), **biases}))
    refused("missing-weight", fresh({"weight_hh": torch.ones(8, 2)}))


def test_the_older_form_is_held_to_its_length(tmp_path, refused):
    path = tmp_path / "model.pt"
    torch.save({"l.weight": torch.ones(20, 3)}, path, **FORMS["older"])
    whole = path.read_bytes()
    for cut in (len(whole) - 4, len(whole) - 245, 200, 20):
        path.write_bytes(whole[:cut])
        assert refused("truncated" if cut > 300 else "corrupt", path)


def test_pickles_are_data():
    read = lambda content: pickles.parse(io.BytesIO(content), "it", Guard("file", Limits()))
    value = {"a": [1, -2.5, None, (True, "é", 2**70)], 3: {}, "e": ()}
    for protocol in (2, 3, 4, 5):
        assert read(pickle.dumps(value, protocol)) == value
        made = read(pickle.dumps(Runs(), protocol))
        assert (made.what.name.split(".")[-1], made.arguments) == ("print", ("ran",))
    nested = b"\x80\x02)" + b"\x85" * 200_000
    assert read(b"\x80\x02}" + nested[2:] + b"K\x01s.") == {}
    for content in (b"", b".", b"\x80\x02", b"\x80\x02h\x00.", b"\x80\x02e.", b"\x80\x02}K\x01u.", b"c\n\n\x81."):
        with pytest.raises(FileRefused):
            read(content)
