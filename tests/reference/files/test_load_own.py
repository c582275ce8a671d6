"""This project's cells saved by Keras 3, cuDNN's arrays in every file, and files as Keras 2.12 to 2.14 wrote them."""

import json

import h5py
import numpy as np
import pytest
from keras_models import MODELS, all_same, drawn

import reference


def rewritten(path, group, change):
    """A layer's arrays in a .h5, by their short names, changed in place."""
    with h5py.File(path, "r+") as file:
        home = file["model_weights"][group]
        names = {str(name).split("/")[-1].split(":")[0]: name for name in home.attrs["weight_names"]}
        for short, array in change({short: home[name][()] for short, name in names.items()}).items():
            del home[names[short]]
            home.create_dataset(names[short], data=array)


def configured(path, change):
    """The model's config in a .h5, every layer's passed through `change`."""
    with h5py.File(path, "r+") as file:
        whole = json.loads(file.attrs["model_config"])
        for layer in whole["config"]["layers"]:
            change(layer)
        file.attrs["model_config"] = json.dumps(whole)


@pytest.mark.parametrize("file", ["m.keras", "m.h5"])
def test_cells_of_this_project(tmp_path, file):
    keras, cells = pytest.importorskip("keras"), pytest.importorskip("cells")
    made = [
        cells.LSTMCell(3, use_recurrent_bias=True, forget_bias=1.0, recurrent_activation=cells.hard_sigmoid_keras2),
        cells.GRUCell(3, use_bias=False),
        cells.SimpleRNNCell(3, use_recurrent_bias=True),
        cells.CIFGCell(3, use_peepholes=True, coupled="f"),
        cells.PeepholeLSTMCell(3, cell_clip=0.4, num_proj=2, proj_clip=0.3),
        cells.PeepholeLSTMCell(3, use_peepholes=False, output_activation="sigmoid"),
        cells.JordanCell(3, output_units=2),
        cells.LSTM1997Cell(3),
        cells.LayerNormLSTMCell(3),
        cells.FusedLayerNormLSTMCell(3),
        cells.GreffLSTMCell(3, variant="FGR"),
        cells.GreffLSTMCell(3, variant="NP"),
        cells.MGUCell(3),
        cells.MUT1Cell(3),
        cells.MUT2Cell(3),
        cells.MUT3Cell(3),
        cells.UGRNNCell(3),
        [cells.LSTMCell(3), cells.CIFGCell(4)],
    ]
    inputs = keras.Input((4, 3))
    layers = [keras.layers.RNN(cell) for cell in made]
    layers.append(keras.layers.Bidirectional(keras.layers.RNN(cells.CIFGCell(3))))
    model = drawn(keras.Model(inputs, [layer(inputs) for layer in layers]))
    model.save(tmp_path / file)
    all_same(reference.load(tmp_path / file), reference.read_model(model))


def stored_by_cudnn(kind, own):
    """Keras' arrays of a layer as its cuDNN layer has them, by the equations of `pack`."""
    options = {"reset_after": True} if kind == "gru" else {}
    layer = reference.unpack("keras2", kind, own, recurrent_activation="sigmoid", **options)
    return reference.pack(layer, "cudnn").arrays


@pytest.mark.parametrize("named", ["cuDNN", "plain"])
@pytest.mark.parametrize("arrays", ["cuDNN", "plain"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_cudnn_by_the_length_of_the_bias(tmp_path, kind, arrays, named):
    keras = pytest.importorskip("tf_keras")
    path, inner = tmp_path / "m.h5", getattr(keras.layers, kind)
    layers = [keras.Input((5, 4)), inner(3, return_sequences=True, name="one")]
    model = drawn(keras.Sequential([*layers, keras.layers.Bidirectional(inner(3), name="both")]))
    with pytest.warns(UserWarning, match="HDF5"):
        model.save(path)
    if arrays == "cuDNN":
        rewritten(path, "one", lambda own: stored_by_cudnn(kind.lower(), own))
    if named == "cuDNN":

        def change(layer):
            if layer["class_name"] == kind:
                layer["class_name"] = f"CuDNN{kind}"
                layer["config"] = {
                    k: v for k, v in layer["config"].items() if k in ("name", "units", "return_sequences")
                }

        configured(path, change)
    found, live = reference.load(path)["one"], reference.read_model(model)["one"]
    x = np.random.default_rng(3).normal(size=(2, 5, 4)).astype("float32")
    np.testing.assert_allclose(found.run(x).result, live.run(x).result, rtol=1e-5, atol=1e-6)
    assert found.options["recurrent_activation"].name == "sigmoid"
    assert found.return_sequences


def test_cudnn_weights_keep_the_functions_of_a_plain_config(tmp_path):
    keras = pytest.importorskip("tf_keras")
    path = tmp_path / "m.h5"
    layer = keras.layers.LSTM(3, activation="relu", recurrent_activation="hard_sigmoid", name="one")
    model = drawn(keras.Sequential([keras.Input((5, 4)), layer]))
    with pytest.warns(UserWarning, match="HDF5"):
        model.save(path)
    rewritten(path, "one", lambda own: stored_by_cudnn("lstm", own))
    found, live = reference.load(path)["one"], reference.read_model(model)["one"]
    assert found.options == live.options
    np.testing.assert_allclose(found.weights.kernel, live.weights.kernel)


def test_a_file_as_keras_2_12_wrote_it(tmp_path, monkeypatch):
    """Up to 2.14, layers were reached under another name, in which those with arrays counted twice."""
    keras = pytest.importorskip("tf_keras")
    from tf_keras.src.saving import saving_lib

    hidden = saving_lib.ATTR_SKIPLIST - {"_layer_checkpoint_dependencies"}

    def walk(thing):
        for name in dir(thing):
            if not name.startswith("__") and name not in hidden:
                try:
                    yield name, getattr(thing, name)
                except Exception:
                    continue

    def contained(container, weights_store, assets_store, inner_path, visited_trackables):
        used = {}
        for thing in container.values() if isinstance(container, dict) else container:
            if saving_lib._is_keras_trackable(thing):
                name = saving_lib.generic_utils.to_snake_case(type(thing).__name__)
                used[name] = used.get(name, -1) + 1
                place = f"{inner_path}/{name}" + f"_{used[name]}" * bool(used[name])
                saving_lib._save_state(thing, weights_store, assets_store, place, visited_trackables)

    monkeypatch.setattr(saving_lib, "_walk_trackable", walk)
    monkeypatch.setattr(saving_lib, "_save_container_state", contained)
    L = keras.layers
    names = [*"abcdefghijkl"]
    layers = [keras.Input((4, 3)), *(L.LSTM(3, return_sequences=True, name=name) for name in names), L.Dropout(0.1)]
    inner = keras.Sequential([keras.Input((4, 3)), L.GRU(3, name="m"), L.Dense(3), L.Dense(3)], name="inner")
    model = drawn(keras.Sequential([*layers, inner, L.Dense(2)]))
    model.save(tmp_path / "m.keras")
    all_same(reference.load(tmp_path / "m.keras"), reference.read_model(model))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning")
@pytest.mark.parametrize("file", ["m.keras", "m.h5"])
@pytest.mark.parametrize("first", ["inner", "outer"])
@pytest.mark.parametrize("framework", ["keras", "tf_keras"])
def test_a_layer_in_two_models(tmp_path, framework, first, file):
    keras = pytest.importorskip(framework)
    rnn = lambda name: keras.layers.LSTM(3, return_sequences=True, name=name)
    shared, within = rnn("shared"), keras.Input((4, 3))
    inner = keras.Model(within, rnn("own")(shared(within)), name="inner")
    inputs = keras.Input((4, 3))
    x = shared(inner(inputs)) if first == "inner" else inner(shared(inputs))
    model = drawn(keras.Model(inputs, rnn("last")(x)))
    model.save(tmp_path / file)
    found, live = reference.load(tmp_path / file), reference.read_model(model)
    all_same({path: found[path] for path in live}, live)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning")
@pytest.mark.parametrize("framework", ["keras", "tf_keras"])
def test_arrays_without_names_are_known_by_their_order(tmp_path, framework):
    """The trained ones of all layers within come first, then the others."""
    keras = pytest.importorskip(framework)
    model = MODELS["frozen"](keras)
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        home = file["model_weights/inner"]
        names = list(home.attrs["weight_names"])
        for k, name in enumerate(names):
            home[f"Variable_{k}:0"] = home[name][()]
        home.attrs["weight_names"] = [f"Variable_{k}:0" for k in range(len(names))]
    all_same(reference.load(tmp_path / "m.h5"), reference.read_model(model))
