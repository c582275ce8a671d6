"""What must not reach the fast path of `cells.LSTM`, `GRU` and `SimpleRNN`, and what must not go wrong on it.

Each was once wrong, or raised where Keras' own layer works.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

import cells

B, T, X, H = 2, 4, 3, 4
BACKEND = keras.backend.backend()
NAMES = ("LSTM", "GRU", "SimpleRNN")
HOMES = (cells, keras.layers)
torch_only = pytest.mark.skipif(BACKEND != "torch", reason="of PyTorch's")


def normal(seed, *size):
    return np.random.default_rng(seed).normal(size=size).astype("float32")


def asymmetric(layer):
    layer.build((B, T, X))
    layer.set_weights([normal(9 + k, *w.shape) / np.sqrt(X + H) for k, w in enumerate(layer.get_weights())])
    return layer


def assert_same(ours, stock, limit=1e-5):
    for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(stock), strict=True):
        a, b = (np.asarray(ops.convert_to_numpy(t)) for t in (a, b))
        assert a.shape == b.shape
        apart = np.abs(a - b).max() / max(np.abs(b).max(), 1e-3)
        assert apart <= limit, f"{apart:.2g} apart, allowed {limit:.2g}"


class DoublingCell(keras.layers.LSTMCell):
    def call(self, inputs, states, training=False):
        h, (_, c) = super().call(inputs, states, training=training)
        return 2 * h, [2 * h, c]


@pytest.mark.any_backend
@pytest.mark.parametrize(
    "cell", [DoublingCell, lambda units: cells.LSTMCell(units, forget_bias=1.0), cells.PeepholeLSTMCell]
)
def test_a_cell_of_the_users_own_is_called(cell):
    found = []
    for home in HOMES:
        layer = home.LSTM(H, return_sequences=True)
        layer.cell = cell(H)
        found.append(asymmetric(layer)(normal(0, B, T, X)))
    assert_same(*found)


class EqualTanh:
    """An activation with == and no hash."""

    def __call__(self, x):
        return ops.tanh(x)

    def __eq__(self, other):
        return isinstance(other, EqualTanh)


@pytest.mark.any_backend
def test_an_activation_without_a_hash():
    assert_same(*(asymmetric(home.LSTM(H, activation=EqualTanh()))(normal(0, B, T, X)) for home in HOMES))


@pytest.mark.any_backend
def test_a_simple_rnn_behind_a_gru():
    found = []
    for home in HOMES:
        back = home.SimpleRNN(H, go_backwards=True)
        found.append(asymmetric(keras.layers.Bidirectional(home.GRU(H), backward_layer=back))(normal(0, B, T, X)))
    assert_same(*found)


@pytest.mark.any_backend
@pytest.mark.parametrize("length", [T - 2, T + 1])
def test_a_mask_of_another_length_is_refused(length):
    if BACKEND == "torch" and length > T:
        pytest.skip("Keras' own layer takes the first steps of it there")
    for home in HOMES:
        layer, x, mask = asymmetric(home.LSTM(H)), normal(0, B, T, X), ops.ones((B, length), dtype="bool")
        with pytest.raises(Exception, match=r"size|shape|index|unstack|length"):
            layer(x, mask=mask)


@pytest.mark.any_backend
@torch_only
@pytest.mark.parametrize("name", NAMES)
def test_gradients_with_a_graph_of_inputs_that_depend_on_one_another(name):
    import torch

    found = []
    for home in HOMES:
        layer = asymmetric(getattr(home, name)(H, return_sequences=True))
        x = torch.tensor(normal(0, B, T, X), requires_grad=True)
        wanted = [x, *[w.value for w in layer.weights]]
        once = layer(x)
        states = [once[:, -1]] * (2 if name == "LSTM" else 1)  # one tensor as h and as c, which the inputs depend on
        twice = layer(once[..., :X], initial_state=states)
        first = torch.autograd.grad((twice**2).sum(), wanted, create_graph=True)
        found.append([*first, *torch.autograd.grad(sum((d**2).sum() for d in first), wanted)])
    assert_same(*([t.detach() for t in one] for one in found), limit=1e-4)


@pytest.mark.any_backend
@torch_only
@pytest.mark.parametrize("name", NAMES)
def test_a_stateful_layer_has_gradients(name):
    mask = np.array([[True, False, True, True], [True, True, True, False]])  # Keras' LSTM raises without one
    found = []
    for home in HOMES:
        layer = asymmetric(getattr(home, name)(H, stateful=True))
        for seed in range(2):
            layer(normal(seed, B, T, X), mask=ops.convert_to_tensor(mask), training=True).sum().backward()
        found.append([w.value.grad for w in layer.trainable_weights])
    assert_same(*found)


@pytest.mark.any_backend
@torch_only
@pytest.mark.filterwarnings(
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)  # PyTorch's forward mode uses it
def test_transforms_of_functions():
    import torch
    from torch.autograd import forward_ad

    x, direction = (torch.tensor(normal(seed, B, T, X)) for seed in (0, 1))
    found = []
    for home in HOMES:
        layer = asymmetric(home.GRU(H))
        with forward_ad.dual_level():
            tangent = forward_ad.unpack_dual(layer(forward_ad.make_dual(x, direction))).tangent
        each = [
            torch.func.grad(lambda x, layer=layer: (layer(x) ** 2).sum())(x),
            torch.func.jvp(layer, (x,), (direction,))[1],
            torch.vmap(layer)(torch.stack([x, direction])),
        ]
        found.append([t.detach() for t in (tangent, *each)])
    assert_same(*found)
