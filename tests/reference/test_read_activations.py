"""`read` of activations: every name in both places, and the functions and layers that a user may hand over."""

import functools
from operator import attrgetter

import numpy as np
import pytest

from reference import NotReadable, activations, read
from reference.keras_layers import activation

NAMES = ["elu", "exponential", "gelu", "hard_sigmoid", "hard_tanh", "leaky_relu", "linear", "relu", "selu", "sigmoid"]
NAMES += ["silu", "softmax", "softplus", "softsign", "swish", "tanh"]
OURS = {
    "keras": {"hard_sigmoid": "hard_sigmoid_keras3", "leaky_relu": "leaky_relu_keras", "swish": "silu"},
    "tf_keras": {"hard_sigmoid": "hard_sigmoid_keras2", "leaky_relu": "leaky_relu_keras", "swish": "silu"},
}


@pytest.mark.parametrize("place", ["activation", "recurrent_activation"])
@pytest.mark.parametrize("name", NAMES)
def test_every_name_in_both_places(framework, agree, name, place):
    if (framework.__name__, name) == ("tf_keras", "hard_tanh"):
        pytest.skip("tf_keras has no hard_tanh")
    layer = framework.layers.LSTM(4, **{place: name}, return_sequences=True, return_state=True, dtype="float64")
    x = np.random.default_rng(3).normal(size=(2, 2, 3)) / 4
    # TensorFlow keeps constants of these two in float32, whatever the dtype.
    agree(layer, x, limit=2.0**-24 if name in {"gelu", "leaky_relu"} else 4e-15)
    assert read(layer).options[place].name == OURS[framework.__name__].get(name, name)


@pytest.mark.parametrize("name", ["hard_sigmoid", "hard_sigmoid_keras2"])
def test_both_hard_sigmoids_in_our_cells(agree, name):
    keras, cells = pytest.importorskip("keras"), pytest.importorskip("cells")
    for cell in (cells.LSTMCell, cells.GRUCell):
        inner = cell(4, recurrent_activation=name, dtype="float64")
        layer = keras.layers.RNN(inner, return_sequences=True, return_state=True, dtype="float64")
        agree(layer)
        assert read(layer).options["recurrent_activation"].name == OURS["keras"].get(name, name)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("keras.ops.tanh", "tanh"),
        ("keras.ops.exp", "exponential"),
        ("keras.ops.gelu", "gelu_tanh"),
        ("keras.activations.gelu", "gelu"),
        ("keras.ops.hard_sigmoid", "hard_sigmoid_keras3"),
        ("keras.ops.leaky_relu", "leaky_relu_keras"),
        ("keras.ops.swish", "silu"),
        ("tf_keras.activations.hard_sigmoid", "hard_sigmoid_keras2"),
        ("tensorflow.tanh", "tanh"),
        ("tensorflow.exp", "exponential"),
        ("tensorflow.nn.gelu", "gelu"),
        ("tensorflow.nn.leaky_relu", "leaky_relu_keras"),
        ("tensorflow.nn.softmax", "softmax"),
        ("tensorflow.nn.silu", "silu"),
        ("cells.hard_sigmoid_keras2", "hard_sigmoid_keras2"),
    ],
)
def test_a_function_is_known_by_where_it_lives(path, name):
    tf = pytest.importorskip("tensorflow")
    home, _, rest = path.partition(".")
    function = attrgetter(rest)(pytest.importorskip(home))
    ours, x = activation(function), np.linspace(-4, 4, 41)[None]
    assert ours == activations.get(name)
    assert ours(x) == pytest.approx(np.asarray(function(tf.constant(x))), rel=1e-7, abs=1e-7)


def test_layers_as_activations(framework):
    tf = pytest.importorskip("tensorflow")
    x = np.linspace(-4, 4, 41)[None]
    layers = framework.layers
    given = [layers.LeakyReLU(), layers.LeakyReLU(0.0625), layers.Activation("hard_sigmoid"), layers.Activation("elu")]
    for layer in given:
        assert activation(layer)(x) == pytest.approx(np.asarray(layer(tf.constant(x))), rel=1e-6)
    assert activation(layers.LeakyReLU()).parameters["negative_slope"] == pytest.approx(0.3)
    assert activation(None) is activations.get("linear")


def test_what_is_not_known_is_refused(framework):
    tanh = framework.activations.tanh

    @functools.wraps(tanh)
    def doubled(x):
        return 2 * tanh(x)

    partial = functools.partial(framework.activations.elu, alpha=2.0)
    for function in (lambda x: x, doubled, partial, np.tanh, framework.activations.mish, framework.layers.ReLU()):
        with pytest.raises(NotReadable, match=r"activation .* is not known: those of Keras that can be read are elu, "):
            activation(function)
