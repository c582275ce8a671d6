"""`read` takes this project's cells under TensorFlow 1's and PyTorch's names too."""

import keras
import numpy as np
import pytest

import cells.pytorch
import reference
from cells import tf1

TF1 = {
    "BasicRNNCell": (tf1.BasicRNNCell, {}),
    "BasicLSTMCell": (tf1.BasicLSTMCell, {"forget_bias": 0.5}),
    "LSTMCell": (tf1.LSTMCell, {"use_peepholes": True, "cell_clip": 0.4, "num_proj": 2, "proj_clip": 0.2}),
    "GRUCell": (tf1.GRUCell, {"activation": "relu"}),
}


def randomise(layer):
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape) / 2 for w in layer.weights])
    return layer


@pytest.mark.parametrize("name", TF1)
def test_cells_of_tf1(name):
    kind, options = TF1[name]
    layer = keras.layers.RNN(kind(4, dtype="float64", **options), return_sequences=True, dtype="float64")
    layer.build((None, 5, 3))
    x = np.random.default_rng(1).normal(size=(2, 5, 3))
    for read in (reference.read(randomise(layer)), reference.read(layer.cell)):
        assert np.abs(read.run(x).outputs - layer(x)).max() <= 2e-15


@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"num_layers": 2, "bidirectional": True}])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_layers_of_pytorch(name, options):
    layer = getattr(cells.pytorch, name)(3, 4, batch_first=True, dtype="float64", **options)
    layer.build(None)
    x = np.random.default_rng(1).normal(size=(2, 5, 3))
    outputs, _ = randomise(layer)(x)
    assert np.abs(reference.read(layer).run(x).outputs - outputs).max() <= 2e-15


def test_what_has_no_weights_is_refused():
    with pytest.raises(reference.NotReadable, match="has no weights yet"):
        reference.read(tf1.LSTMCell(4))
    with pytest.raises(reference.NotReadable, match="has no weights yet"):
        reference.read(cells.pytorch.LSTM(3, 4))
