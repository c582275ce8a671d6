"""Graphs made by hand: Keras 1's layers, and what is refused."""

import numpy as np
import pytest

import reference
from reference.files import load, opened_model
from reference.files.stored import Call, Graph, Node, Ref, Stored, StoredLayer
from reference.stock.model import run_graph


def stored(path, kind, config=(), **arrays):
    held = {
        name: Stored(f"{path}/{name}", a.shape, a.dtype, lambda a=a: a) for name, a in arrays.items() if a is not None
    }
    return StoredLayer(path, kind, {"name": path, **dict(config)}, held)


def chain(*layers, graph_name="chain", **inputs):
    """Layers one after another; each is (a StoredLayer or a Graph, the names of what it is called with)."""
    nodes = {name: Node(stored(name, "InputLayer", {"dtype": dtype}), ()) for name, dtype in inputs.items()}
    for layer, *given in layers:
        name = layer.name if isinstance(layer, Graph) else layer.path
        nodes[name] = Node(layer, (Call(tuple(Ref(one, 0, 0) for one in given)),))
    last = layers[-1][0]
    end = last.name if isinstance(last, Graph) else last.path
    return Graph(graph_name, "Functional", nodes, tuple(Ref(name, 0, 0) for name in inputs), (Ref(end, 0, 0),))


def test_a_model_of_keras1():
    """Layers of Keras 1 against the equations, written out here."""
    random = np.random.default_rng(7)
    draw = lambda *shape: random.normal(size=shape).astype("float32")
    table, kernel, bias = draw(9, 4), draw(3, 1, 4, 5), draw(5)
    gamma, beta, mean, variance = draw(5), draw(5), draw(5), random.uniform(0.5, 2, 5).astype("float32")
    dense, added = draw(5, 2), draw(2)
    moments = {"gamma": gamma, "beta": beta, "running_mean": mean, "running_std": variance}
    graph = chain(
        (stored("e", "Embedding", {"input_dim": 9, "output_dim": 4, "dropout": 0.1}, W=table), "words"),
        (stored("c", "Convolution1D", {"nb_filter": 5, "filter_length": 3}, W=kernel, b=bias), "e"),
        (stored("n", "BatchNormalization", {"mode": 0}, **moments), "c"),
        (stored("m", "Merge", {"mode": "sum"}), "c", "n"),
        (stored("d", "TimeDistributedDense", {"output_dim": 2, "activation": "hard_sigmoid"}, W=dense, b=added), "m"),
        words="int32",
    )  # fmt: skip
    words = random.integers(0, 9, (2, 7))
    (ours,) = run_graph(graph, {}, words, "keras1", backend="theano")
    e = table.astype("float64")[words]
    true = kernel[::-1, 0].astype("float64")  # Theano's kernels are turned round
    c = sum(e[:, k : k + 5] @ true[k] for k in range(3)) + bias
    n = gamma * (c - mean) / np.sqrt(variance + 1e-3) + beta
    expected = np.clip(0.2 * ((c + n) @ dense.astype("float64") + added) + 0.5, 0, 1)
    assert ours.dtype == "float64"
    assert np.abs(ours - expected).max() < 1e-6  # gamma … are float32 in the equation above
    (other,) = run_graph(graph, {}, words, "keras1", backend="tensorflow")
    assert np.abs(other - expected).max() > 0.05
    (single,) = run_graph(graph, {}, words, "keras1", backend="theano", dtype="float32")
    assert single.dtype == "float32"
    assert np.abs(single - expected).max() < 1e-4


def test_a_file_of_keras3(tmp_path):
    """Its hard_sigmoid is Keras 3's."""
    keras = pytest.importorskip("keras")
    L, x = keras.layers, keras.Input((6, 3))
    y = L.LSTM(4, return_sequences=True)(L.Conv1D(3, 2, activation="hard_sigmoid")(x))
    live = keras.Model(x, L.Dense(2, activation="hard_sigmoid")(L.Flatten()(L.BatchNormalization()(y))))
    live.save(tmp_path / "m.keras")
    x = np.random.default_rng(1).normal(size=(3, 6, 3)).astype("float32")
    with opened_model(tmp_path / "m.keras") as file:
        assert file.graph is not None
        (ours,) = run_graph(file.graph, load(tmp_path / "m.keras"), x, file.era)
        (old,) = run_graph(file.graph, load(tmp_path / "m.keras"), x, "keras2")
    assert np.abs(ours - np.asarray(live(x))).max() < 1e-5
    assert np.abs(old - ours).max() > 1e-3


X = np.ones((2, 5, 3))
LSTM = reference.unpack(
    "keras", "lstm", {"kernel": np.ones((3, 8)), "recurrent_kernel": np.ones((2, 8)), "bias": np.ones(8)}
)


def one(kind, config=(), keywords=None, extra=(), **arrays):
    """A graph of one layer, called with the input, with `extra` inputs and with keywords."""
    given = (Ref("x", 0, 0), *extra)
    nodes = {"x": Node(stored("x", "InputLayer"), ())}
    nodes["l"] = Node(stored("l", kind, config, **arrays), (Call(given, keywords or {}),))
    return Graph("g", "Functional", nodes, (Ref("x", 0, 0),), (Ref("l", 0, 0),))


REFUSED = {
    "two inputs": (one("Flatten"), [X, X], "inputs of g must be 1, got 2"),
    "a class": (one("Lambda"), [X], "in l: Lambda runs code"),
    "a shape": (one("Dense", {"units": 2}, kernel=np.ones((4, 2)), bias=np.ones(2)), [X], "in l: input of Dense must"),
    "training": (one("Dropout", {"rate": 0.1}, {"training": True}), [X], "l must be called for inference"),
    "a keyword": (one("Flatten", (), {"args": [1]}), [X], "l must be called with training, mask"),
    "a circle": (one("Add", extra=(Ref("l", 0, 0),)), [X], "no circle among its layers"),
    "no such call": (one("Add", extra=(Ref("x", 3, 0),)), [X], "must have call 3 of x"),
    "no such output": (one("Add", extra=(Ref("x", 0, 1),)), [X], "x must have output 1, got 1"),
    "states": (one("LSTM", (), {"initial_state": [Ref("x", 0, 0)]}), [X], "initial_state must have 2 arrays, got 1"),
    "constants": (one("LSTM", {"num_constants": 1}), [X], "in l: a recurrent layer must be called without constants"),
    "no layer within": (one("TimeDistributed"), [X], "in l: TimeDistributed must hold a layer, got none"),
    "padding": (one("ZeroPadding1D", {"padding": 2**30}), [X], "at most 268435456 numbers"),
    "pooling": (one("MaxPooling1D", {"pool_size": 2**30}), [X], "at most 268435456 numbers"),
    "repeats": (one("UpSampling1D", {"size": 2**31 - 1}), [X], "at most 268435456 numbers"),
    "a word": (one("Embedding", {"input_dim": 3, "output_dim": 2}, embeddings=np.ones((1, 2))), [X], "from 0 to 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_sentence(name):
    graph, inputs, says = REFUSED[name]
    layers = {"l": LSTM} if graph.nodes["l"].layer.kind == "LSTM" else {}
    with pytest.raises(ValueError, match=says) as caught:
        run_graph(graph, layers, inputs, "keras2")
    assert "\n" not in str(caught.value)
