"""`load` gives what `read_model` reads of the live model, array for array and option for option."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from keras_models import MODELS, Saved, all_same, drawn

import reference
from reference.files import opened_model

FORMS = [("keras", "m.keras"), ("keras", "m.h5"), ("tf_keras", "m.keras"), ("tf_keras", "m.h5")]
ASKED = {"activation": "tanh", "recurrent_activation": "hard_sigmoid", "go_backwards": False, "merge_mode": "concat"}
pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return Saved(tmp_path_factory.mktemp("saved"))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("framework", "file"), FORMS)
def test_a_saved_model_loads(saved, framework, file, name):
    path, model = saved(framework, name, file)
    all_same(reference.load(path), reference.read_model(model))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("framework", "file"), [("keras", "w.weights.h5"), ("tf_keras", "w.weights.h5"), ("tf_keras", "weights_w.h5")]
)
def test_weights_beside_the_json_of_their_model_load(saved, tmp_path, framework, name, file):
    path, model = saved(framework, name, file)
    beside = tmp_path / "model.json"
    beside.write_text(model.to_json())
    all_same(reference.load(path, config=beside), reference.read_model(model))


@pytest.mark.parametrize(("framework", "file"), FORMS)
def test_what_loads_runs_as_the_model_does(saved, framework, file):
    path, model = saved(framework, "sequential", file)
    found = reference.load(path)
    x = np.random.default_rng(1).normal(size=(2, 6, 4)).astype("float32")
    live = model(x)
    for layer in found.values():
        x = layer.run(x).result
    dense = [np.asarray(w) for w in model.layers[-1].get_weights()]
    np.testing.assert_allclose(x @ dense[0] + dense[1], np.asarray(live), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("framework", "file"), FORMS)
def test_every_array_of_the_model_is_counted(saved, framework, file):
    path, model = saved(framework, "nested", file)
    with opened_model(path) as stored:
        assert sum(int(np.prod(a.shape)) for a in stored.arrays()) == model.count_params()
        assert stored.version
        assert stored.era == ("keras" if framework == "keras" else "keras2")
        by_path = {layer.path: layer for layer in stored.layers}
    assert list(by_path["inner/batch_normalization"].arrays if "inner/batch_normalization" in by_path else [])[:2] in (
        [],
        ["gamma", "beta"],
    )
    assert by_path["inner/fixed"].trainable is False
    assert by_path["shared"].trainable is True
    assert all(layer.kind for layer in by_path.values())
    assert any(layer.kind == "Embedding" and list(layer.arrays) == ["embeddings"] for layer in by_path.values())


def test_hard_sigmoid_is_that_of_the_era(tmp_path):
    for framework, name in (("keras", "hard_sigmoid_keras3"), ("tf_keras", "hard_sigmoid_keras2")):
        keras = pytest.importorskip(framework)
        layers = [keras.Input((3, 2)), keras.layers.LSTM(2, recurrent_activation="hard_sigmoid", name="lstm")]
        drawn(keras.Sequential(layers)).save(tmp_path / f"{framework}.keras")
        found = reference.load(tmp_path / f"{framework}.keras")["lstm"]
        assert found.options["recurrent_activation"].name == name


def test_a_layer_says_where_it_is_from(saved):
    path, _ = saved("tf_keras", "nested", "m.h5")
    found = reference.load(path)
    assert found["shared"].source == f"{path}: model_weights/shared (LSTM, Keras 2.21.0)"
    assert found["both"].forward.source.endswith("model_weights/both (Bidirectional, Keras 2.21.0)")


def test_a_swap_of_two_layers_is_seen(saved):
    path, model = saved("tf_keras", "sequential", "m.h5")
    found, live = reference.load(path), reference.read_model(model)
    one, other = list(found)[:2]
    swapped = {**found, one: replace(found[one], weights=found[other].weights)}
    with pytest.raises(AssertionError, match="kernel"):
        all_same(swapped, live)


@pytest.mark.parametrize("framework", ["keras", "tf_keras"])
def test_weights_alone_are_asked_about_by_name(saved, framework):
    path, model = saved(framework, "sequential", "w.weights.h5")
    with pytest.raises(reference.FileRefused, match="go_backwards") as refused:
        reference.load(path)
    assert refused.value.code == "not-said"
    assert "activation='tanh'" in str(refused.value)
    told = {**ASKED, "recurrent_activation": "sigmoid"}
    found, live = reference.load(path, **told, return_sequences=True), reference.read_model(model)
    assert list(found) == ["layers/lstm", "layers/lstm_1", "layers/bidirectional"]
    flags = {"return_sequences": True}
    for one, other in zip(list(found.values())[:2], list(live.values())[:2], strict=True):
        all_same({"": one}, {"": replace(other, **flags)})


def test_what_is_said_may_be_said_a_layer(saved):
    path, _ = saved("tf_keras", "sequential", "weights_w.h5")
    with opened_model(path) as stored:
        names = [layer.path for layer in stored.layers if "recurrent_kernel" in layer.arrays]
    backwards = {name: name == names[1] for name in names} | {"both": False}
    found = reference.load(path, **{**ASKED, "go_backwards": backwards})
    assert [found[name].go_backwards for name in names] == [False, True]
    assert found[names[0]].options["recurrent_activation"].name == "hard_sigmoid_keras2"


def test_an_era_that_weights_do_not_show_is_asked_for(saved):
    path, _ = saved("tf_keras", "sequential", "w.weights.h5")
    with pytest.raises(reference.FileRefused, match="framework"):
        reference.load(path, **ASKED)
    for framework, name in (("keras2", "hard_sigmoid_keras2"), ("keras", "hard_sigmoid_keras3")):
        found = reference.load(path, framework=framework, **ASKED)
        assert found["layers/lstm"].options["recurrent_activation"].name == name


def test_a_model_of_its_authors_own_class(tmp_path):
    """Its config says nothing of its layers, so that they are read as weights alone are."""
    keras = pytest.importorskip("keras")

    class Mine(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first = keras.layers.GRU(3, return_sequences=True)
            self.second = keras.layers.Bidirectional(keras.layers.LSTM(2))

        def call(self, x):
            return self.second(self.first(x))

    model = Mine()
    model(np.zeros((1, 4, 5), "float32"))
    drawn(model).save(tmp_path / "m.keras")
    with pytest.raises(reference.FileRefused, match=r"first of .* must have its activation"):
        reference.load(tmp_path / "m.keras")
    found = reference.load(tmp_path / "m.keras", **ASKED)
    assert set(found) == {"first", "layers/bidirectional"}
    np.testing.assert_array_equal(found["first"].weights.kernel, np.asarray(model.first.get_weights()[0]))
    assert found["first"].options["recurrent_activation"].name == "hard_sigmoid_keras3"


def test_what_is_said_must_be_of_use(saved):
    path, _ = saved("tf_keras", "sequential", "m.h5")
    with pytest.raises(ValueError, match=r"option of load must be one of .*, got 'activaton'"):
        reference.load(path, activaton="tanh")
    with pytest.raises(ValueError, match="activation must be left out"):
        reference.load(path, activation="tanh")
    with pytest.raises(ValueError, match="framework must be 'keras2'"):
        reference.load(path, framework="keras1")
    with pytest.raises(ValueError, match="only must name layers of the file"):
        reference.load(path, only=["lstm_99"])


def test_nothing_but_numpy_and_h5py_is_loaded(saved):
    path, _ = saved("tf_keras", "sequential", "m.h5")
    script = f"""
import sys
for name in ("keras", "tensorflow", "torch", "jax", "tf_keras", "safetensors"):
    sys.modules[name] = None
import reference
assert "numpy" not in sys.modules
assert len(reference.load({str(path)!r})) == 3
assert not [n for n in sys.modules if n.split(".")[0] in ("keras", "tensorflow", "torch", "jax") and sys.modules[n]]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_graph_runs_through_a_model_as_keras_does(saved):
    """The graph of a model, walked: the shapes of the layers' arrays fit one another along it."""
    for framework in ("keras", "tf_keras"):
        path, _model = saved(framework, "nested", "m.h5")
        with opened_model(path) as stored:
            graph = stored.graph
        assert graph is not None
        assert graph.kind == "Functional"
        assert [ref.layer for ref in graph.inputs] == ["words"]
        assert len(graph.outputs) == 2
        assert [call.inputs[0] for call in graph.nodes["shared"].calls][1] == ("shared", 0, 0)
        assert type(graph.nodes["timed"].inner).__name__ == "StoredLayer"
        assert type(graph.nodes["timed_model"].inner).__name__ == "Graph"
        inner = graph.nodes["inner"].layer
        assert inner.kind == "Functional"
        assert [ref.layer for ref in inner.inputs] == ["within"]
        assert json.dumps([list(inner.nodes)])
