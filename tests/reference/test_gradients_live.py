"""Gradients against live automatic differentiation, in float64: TensorFlow's of Keras' layers and of our cells,
PyTorch's of its own layers and of equations with hooks."""

import keras
import numpy as np
import pytest
from differences import zipped

import cells
import reference
from comparisons.proof import draws
from comparisons.proof.cases import Case
from reference import cell_classes
from reference.steps import module

WITHIN = 2e-14  # of the largest entry: a hundred roundings, over at most 6 steps of at most 24 columns
X, H, B, T = 3, 4, 2, 6
MASK = draws.mask(B, T, seed=3)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def assert_same(got, want):
    for name, a, b in zipped(got, want):
        assert np.abs(a - b).max(initial=0) <= WITHIN * (1 + np.abs(b).max(initial=0)), name


def by_tensorflow(layer, x, state, mask, seed=4):
    """Gradients by GradientTape of a drawn linear loss of outputs and states, as `reference` has them."""
    tf = pytest.importorskip("tensorflow")
    layer.build(x.shape)
    layer.set_weights([normal([seed, k], *w.shape) / 2 for k, w in enumerate(layer.weights)])
    read = reference.read(layer)
    x, state = tf.constant(x), [tf.constant(a) for a in state]
    mask = None if mask is None else tf.constant(mask)
    with tf.GradientTape() as tape:
        tape.watch([x, *state])
        values = layer(x, mask=mask, initial_state=state)
        drawn = [normal([seed, 9, k], *a.shape) for k, a in enumerate(values)]
        loss = sum(tf.reduce_sum(a * d) for a, d in zip(values, drawn, strict=True))
    variables = [w.value for w in layer.trainable_variables]
    of_x, of_weights, of_state = tape.gradient(loss, (x, variables, state), unconnected_gradients="zero")
    layer.set_weights([np.asarray(tf.convert_to_tensor(g)) for g in of_weights])  # so that they are read as weights are
    as_weights = reference.read(layer)
    return read, drawn, np.asarray(of_x), as_weights, [np.asarray(a) for a in of_state]


def check(layer, x, state, mask=None):
    read, (d, *d_state), of_x, as_weights, of_state = by_tensorflow(layer, x, state, mask)
    if isinstance(read, reference.Bidirectional):
        half = len(state) // 2
        run = read.run(x, (state[:half], state[half:]), mask)
        got = read.backprop(run, d, (d_state[:half], d_state[half:]))
        want = as_weights.forward.weights, as_weights.backward.weights
        got_state = [*got.initial_state.forward, *got.initial_state.backward]
        assert_same(tuple(map(tuple, got.weights)), tuple(map(tuple, want)))
    else:
        more = [np.zeros_like(state[-1])] * (len(module(read.cell).State._fields) - len(state))  # what no gate sees
        got = read.backprop(read.run(x, [*state, *more], mask), d, [*d_state, *more])
        got_state = list(got.initial_state)[: len(state)]
        assert_same(tuple(got.weights), tuple(as_weights.weights))
    assert_same((got.inputs, *got_state), (of_x, *of_state))
    assert np.abs(of_x).max() > 0.01


FLAGS = [
    {},
    {"go_backwards": True},
    {"return_sequences": False},
    {"go_backwards": True, "return_sequences": False},
    {"zero_output_for_mask": True},
]
STOCK = [
    ("SimpleRNN", {}),
    ("SimpleRNN", {"activation": "relu"}),
    ("LSTM", {}),
    ("LSTM", {"activation": "softsign", "recurrent_activation": "hard_sigmoid"}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("name", "options"), STOCK, ids=str)
def test_stock_layers_of_keras(name, options, masked):
    for flags in FLAGS:
        layer = getattr(keras.layers, name)(
            H, **options, **{"return_sequences": True, **flags}, return_state=True, dtype="float64"
        )
        state = [normal(k, B, H) for k in range(2 if name == "LSTM" else 1)]
        check(layer, normal(7, B, T, X), state, MASK if masked else None)


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "ave", "mul"])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_bidirectional_of_keras(merge_mode, return_sequences):
    inner = keras.layers.GRU(H, return_sequences=return_sequences, return_state=True, dtype="float64")
    layer = keras.layers.Bidirectional(inner, merge_mode=merge_mode, dtype="float64")
    check(layer, normal(7, B, T, X), [normal(k, B, H) for k in range(2)], MASK)


OWN = {
    "CIFGCell": [{}, {"coupled": "f"}],
    "FusedLayerNormLSTMCell": [{}],
    "GRUCell": [{}, {"reset_after": False}],
    "GreffLSTMCell": [{"variant": v} for v in ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")],
    "JordanCell": [{}],
    "LSTM1997Cell": [{}],
    "LSTMCell": [{}, {"forget_bias": 1.0}, {"cells_per_block": 2}],
    "LayerNormLSTMCell": [{}, {"forget_bias": 1.0}],
    "MGUCell": [{}],
    "MUT1Cell": [{}],
    "MUT2Cell": [{}],
    "MUT3Cell": [{}],
    "PeepholeLSTMCell": [{}, {"cell_clip": 0.3, "num_proj": 3, "proj_clip": 0.2}],
    "SimpleRNNCell": [{}],
    "UGRNNCell": [{}, {"forget_bias": 1.0}],
}


def test_every_cell_is_asked():
    assert OWN.keys() == {*cell_classes.CELLS, *cell_classes.OWN_CELLS}


@pytest.mark.parametrize(("name", "options"), [(n, o) for n, each in OWN.items() for o in each], ids=str)
def test_our_cells(name, options):
    cell = getattr(cells, name)(H, **options, dtype="float64")
    layer = keras.layers.RNN(cell, return_sequences=True, return_state=True, dtype="float64")
    inputs = H if name in ("MUT1Cell", "MUT2Cell") else X
    sizes = cell.state_size if isinstance(cell.state_size, list | tuple) else [cell.state_size]
    check(layer, normal(7, B, T, inputs), [normal(k, B, size) for k, size in enumerate(sizes)], MASK)


@pytest.mark.parametrize(("num_layers", "bidirectional"), [(1, False), (2, False), (2, True)])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "LSTM, proj_size"])
def test_layers_of_pytorch(name, num_layers, bidirectional):
    torch = pytest.importorskip("torch")
    kind, *projected = name.split(", ")
    options = {"proj_size": 3} if projected else {}
    torch.manual_seed(0)
    live = getattr(torch.nn, kind)(
        X, H, num_layers=num_layers, bidirectional=bidirectional, batch_first=True, dtype=torch.float64, **options
    )
    x = torch.tensor(normal(7, B, T, X), requires_grad=True)
    output, state = live(x)
    d = normal(8, *output.shape)
    d_state = [normal([9, k], *a.shape) for k, a in enumerate(state if kind == "LSTM" else (state,))]
    states = state if kind == "LSTM" else (state,)
    loss = (output * torch.tensor(d)).sum() + sum(
        (a * torch.tensor(b)).sum() for a, b in zip(states, d_state, strict=True)
    )
    loss.backward()
    named = dict(live.named_parameters())
    cell = {"RNN": "simple_rnn", "GRU": "gru"}.get(kind, "peephole_lstm" if projected else "lstm")
    read, as_weights = (
        reference.unpack("pytorch", cell, {name: edit(a) for name, a in named.items()})
        for edit in (lambda a: a.detach().numpy(), lambda a: a.grad.numpy())
    )
    run = read.run(x.detach().numpy())
    flat = [
        tuple(part[k] for part in d_state) for k in range(len(d_state[0]))
    ]  # a tuple of fields for each layer and way
    nested = [tuple(flat[2 * k : 2 * k + 2]) for k in range(num_layers)] if bidirectional else flat
    got = read.backprop(run, d, nested if num_layers > 1 else nested[0])
    assert_same(got.inputs, x.grad.numpy())

    def weights(one):
        if isinstance(one, reference.Stack):
            return tuple(map(weights, one.layers))
        if isinstance(one, reference.Bidirectional):
            return weights(one.forward), weights(one.backward)
        return tuple(one.weights)

    plain = lambda a: tuple(map(plain, a)) if isinstance(a, tuple) else a
    assert_same(plain(got.weights), weights(as_weights))


def by_equations(layer, x, state, limit=None, cut=False):
    """An LSTM with peepholes, or a GRU, in PyTorch: gradients of the sum of squares of its outputs, with the gradient
    of each net input clipped by a hook, or the recurrent inputs detached."""
    torch = pytest.importorskip("torch")
    w = {name: torch.tensor(a, requires_grad=True) for name, a in layer.weights._asdict().items() if a is not None}
    x = torch.tensor(x)

    def net(a):
        if limit is not None:
            a.register_hook(lambda g: g.clamp(-limit, limit))
        return a

    seen = (lambda a: a.detach()) if cut else (lambda a: a)
    loss = 0
    if layer.cell == "gru":
        (h,) = map(torch.tensor, state)
        for t in range(x.shape[1]):
            x_z, x_r, x_n = (x[:, t] @ w["kernel"] + w["bias"]).chunk(3, -1)
            h_z, h_r, h_n = (h @ w["recurrent_kernel"] + w["recurrent_bias"]).chunk(3, -1)
            z, r = torch.sigmoid(net(x_z + h_z)), torch.sigmoid(net(x_r + h_r))
            h = z * h + (1 - z) * torch.tanh(net(x_n + r * h_n))
            loss = loss + (h**2).sum()
    else:
        h, c = map(torch.tensor, state)
        p_i, p_f, p_o = w["peephole"].chunk(3) if "peephole" in w else (0, 0, 0)
        for t in range(x.shape[1]):
            a = x[:, t] @ w["kernel"] + w["bias"] + seen(h) @ w["recurrent_kernel"] + w["recurrent_bias"]
            a_i, a_f, a_g, a_o = a.chunk(4, -1)
            i, f = torch.sigmoid(net(a_i + p_i * seen(c))), torch.sigmoid(net(a_f + p_f * seen(c)))
            c = f * c + i * torch.tanh(net(a_g))
            h = torch.sigmoid(net(a_o + p_o * seen(c))) * torch.tanh(c)
            loss = loss + (h**2).sum()
    loss.backward()
    return {name: a.grad.numpy() for name, a in w.items()}


@pytest.mark.parametrize("how", [{}, {"message_clip": 0.05}, {"truncation": "1997"}], ids=str)
@pytest.mark.parametrize("cell", ["lstm", "peephole_lstm", "gru"])
def test_clipped_messages_and_held_inputs_in_pytorch(cell, how):
    if (cell, how) == ("gru", {"truncation": "1997"}):
        return
    case = Case("live", cell, units=H, two_biases=True, without=("projection",))
    layer = draws.weights(case, X, seed=3)
    x, state = normal(7, B, T, X), [normal(k, B, H) for k in range(1 if cell == "gru" else 2)]
    run = layer.run(x, state)
    got = layer.backprop(run, 2 * run.outputs, **how)
    want = by_equations(layer, x, state, how.get("message_clip"), "truncation" in how)
    for name, a in want.items():
        assert_same(getattr(got.weights, name), a)
    if how:
        exact = layer.backprop(run, 2 * run.outputs).weights.kernel
        assert np.abs(exact - got.weights.kernel).max() > 1e-2
