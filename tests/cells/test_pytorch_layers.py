"""PyTorch's layers in Keras: the same shapes, counts and numbers as torch.nn's, and its layout of the states."""

import keras
import numpy as np
import pytest

from cells import pytorch

torch = pytest.importorskip("torch", reason="torch IS NOT INSTALLED: its layers were NOT compared")

ORDER = {"RNN": [0], "LSTM": [0, 1, 2, 3], "GRU": [1, 0, 2]}  # ours i f g o and z r n from theirs
OPTIONS = {
    "plain": {},
    "two layers": {"num_layers": 2},
    "no bias": {"bias": False},
    "batch first": {"batch_first": True},
    "two directions, three layers": {"bidirectional": True, "num_layers": 3},
}
KINDS = [(kind, options) for kind in ORDER for options in OPTIONS.values()]
KINDS += [("RNN", {"nonlinearity": "relu"}), ("LSTM", {"proj_size": 2, "bidirectional": True, "num_layers": 2})]


def pair(kind, options, sizes=(3, 4)):
    """torch's layer and ours, with the same weights, in float64."""
    theirs = getattr(torch.nn, kind)(*sizes, **options).double()
    ours = getattr(pytorch, kind)(*sizes, **options, dtype="float64")
    ours.build(None)
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.from_numpy(rng.normal(size=tuple(parameter.shape)) / 2))
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    turned = lambda a: np.concatenate([np.split(a, len(ORDER[kind]))[k] for k in ORDER[kind]]).T
    for k, rnn in enumerate(ours.rnns):
        directions = 1 + ours.bidirectional
        suffix = f"_l{k // directions}" + "_reverse" * (k % directions)
        weights = [turned(state[f"weight_ih{suffix}"]), turned(state[f"weight_hh{suffix}"])]
        if ours.bias:
            weights.append(np.stack([turned(state[f"bias_ih{suffix}"]), turned(state[f"bias_hh{suffix}"])]))
        if f"weight_hr{suffix}" in state:
            weights.append(state[f"weight_hr{suffix}"].T)
        rnn.set_weights(weights)
    return theirs, ours


def flat(output, states):
    return [output, *(states if isinstance(states, tuple) else (states,))]


@pytest.mark.parametrize(("kind", "options"), KINDS)
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "initial states"])
def test_equals_torch(kind, options, given):
    theirs, ours = pair(kind, options)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(5, 2, 3))
    want = flat(*theirs(torch.from_numpy(x)))
    hx = None
    if given:
        states = tuple(rng.normal(size=tuple(s.shape)) for s in want[1:])
        hx = states if len(states) > 1 else states[0]
        torched = tuple(map(torch.from_numpy, states))
        want = flat(*theirs(torch.from_numpy(x), torched if len(states) > 1 else torched[0]))
    got = flat(*ours(x, hx))
    assert [tuple(a.shape) for a in got] == [tuple(a.shape) for a in want]
    for a, b in zip(got, want, strict=True):
        assert np.abs(np.asarray(a) - b.detach().numpy()).max() <= 2e-15


def test_the_textbook_call():
    theirs, ours = torch.nn.LSTM(10, 20, 2), pytorch.LSTM(10, 20, 2)
    x = np.zeros((5, 3, 10), "float32")
    output, (h_n, c_n) = ours(x)
    assert output.shape == (5, 3, 20)
    assert h_n.shape == c_n.shape == (2, 3, 20)
    assert ours.count_params() == sum(p.numel() for p in theirs.parameters()) == 5920


def test_exchanged_directions_are_seen():
    theirs, ours = pair("LSTM", {"bidirectional": True})
    forward, backward = (rnn.get_weights() for rnn in ours.rnns)
    ours.rnns[0].set_weights(backward)
    ours.rnns[1].set_weights(forward)
    x = np.random.default_rng(1).normal(size=(5, 2, 3))
    for a, b in zip(flat(*ours(x)), flat(*theirs(torch.from_numpy(x))), strict=True):
        assert np.abs(np.asarray(a) - b.detach().numpy()).max() > 0.01


def test_dropout_falls_between_layers_alone():
    layer = pytorch.LSTM(3, 4, 2, dropout=0.5)
    x = np.random.default_rng(1).normal(size=(5, 2, 3)).astype("float32")
    still, again = layer(x)[0], layer(x)[0]
    assert np.array_equal(still, again)
    _, (h_n, _) = layer(x, training=True)
    _, (h_0, _) = layer(x)
    assert np.array_equal(h_n[0], h_0[0])  # the first layer's is not dropped
    assert not np.array_equal(h_n[1], h_0[1])


def test_weights_begin_as_torchs_do():
    layer = pytorch.GRU(3, 100)
    layer.build(None)
    for weight in layer.get_weights():
        assert 0.09 < np.abs(weight).max() <= 0.1


@pytest.mark.parametrize("kind", ORDER)
def test_saves_and_loads(kind, tmp_path):
    inputs = keras.Input((5, 3))
    layer = getattr(pytorch, kind)(3, 4, 2, batch_first=True, bidirectional=True)
    model = keras.Model(inputs, layer(inputs)[0])
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(1).normal(size=(2, 5, 3)).astype("float32")
    assert np.array_equal(keras.saving.load_model(tmp_path / "model.keras")(x), model(x))


WRONG = {
    "hidden_size must be a positive integer, got 0": ("LSTM", (3, 0), {}),
    "num_layers must be more than 1, got dropout=0.5": ("GRU", (3, 4), {"dropout": 0.5}),
    "proj_size must be less than hidden_size .4., got 4": ("LSTM", (3, 4), {"proj_size": 4}),
    "nonlinearity must be 'tanh' or 'relu', got 'sigmoid'": ("RNN", (3, 4), {"nonlinearity": "sigmoid"}),
    "bias must be True or False, got 3": ("GRU", (3, 4), {"bias": 3}),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_wrong_input_gets_one_sentence(sentence):
    kind, sizes, options = WRONG[sentence]
    with pytest.raises(ValueError, match=sentence):
        getattr(pytorch, kind)(*sizes, **options)


def test_what_follows_the_sizes_is_given_by_name():
    with pytest.raises(TypeError, match="positional"):
        pytorch.RNN(3, 4, 2, "relu")


STATES = {
    "too many layers": (np.zeros((7, 3, 4)), np.zeros((7, 3, 4))),
    "another batch": (np.zeros((2, 1, 4)), np.zeros((2, 1, 4))),
    "h alone": np.zeros((2, 3, 4)),
}


@pytest.mark.parametrize("hx", STATES.values(), ids=STATES)
def test_initial_states_that_do_not_fit_are_refused(hx):
    with pytest.raises(ValueError, match=r"hx must be \(h_0, c_0\) of shapes \[\(2, 3, 4\), \(2, 3, 4\)\]"):
        pytorch.LSTM(3, 4, 2)(np.zeros((5, 3, 3), "float32"), hx)
