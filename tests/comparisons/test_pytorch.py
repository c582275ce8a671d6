"""PyTorch's modules read into the reference: the textbook call, layers, directions, projection, and float64."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from comparisons.frameworks import pytorch
from comparisons.proof import draws
from comparisons.proof.cases import Case
from reference import count_parameters, pack, unpack

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None, reason="torch IS NOT INSTALLED: its modules were NOT compared"
)
U32, ATTAINABLE = 2.0**-24, 2e-15  # the second: of float64


def live(name, *sizes, dtype="float64", **options):
    """A module of PyTorch with its own initial weights, and the same as a layer of the reference."""
    import torch

    torch.manual_seed(0)
    module = getattr(torch.nn, name)(*sizes, **options, dtype=getattr(torch, dtype)).eval()
    cell = {"RNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}[name]
    stated = {"input_size": sizes[0], "hidden_size": sizes[1], "num_layers": sizes[2] if len(sizes) > 2 else 1}
    arrays = {key: value.numpy() for key, value in module.state_dict().items()}
    return module, unpack("pytorch", cell, arrays, **stated, **options)


def called(module, x, state=None):
    """Outputs, and the last states as a tuple, h first."""
    import torch

    given = None if state is None else tuple(map(torch.from_numpy, state))
    with torch.no_grad():
        outputs, last = module(torch.from_numpy(x), given if given is None or len(given) > 1 else given[0])
    return outputs.numpy(), [a.numpy() for a in (last if isinstance(last, tuple) else (last,))]


def normal(*shape, dtype="float64", seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def test_the_textbook_call():
    """torch.nn.LSTM(10, 20, 2) on (5, 3, 10), time first, with h0 and c0: the example of its documentation."""
    module, layer = live("LSTM", 10, 20, 2, dtype="float32")
    x = normal(5, 3, 10, dtype="float32")
    h0, c0 = normal(2, 3, 20, dtype="float32", seed=2), normal(2, 3, 20, dtype="float32", seed=3)
    outputs, (h, c) = called(module, x, (h0, c0))
    run = layer.astype("float64").run(x.swapaxes(0, 1), list(zip(h0, c0, strict=True)))
    assert outputs.shape == (5, 3, 20)
    assert h.shape == c.shape == (2, 3, 20)
    assert sum(p.numel() for p in module.parameters()) == 5920
    assert count_parameters("lstm", input_dim=10, units=20, layers=2, convention="pytorch") == 5920
    assert sum(a.size for a in pack(layer, "pytorch").arrays.values()) == 5920
    assert np.abs(outputs.swapaxes(0, 1) - run.outputs).max() < 8 * U32
    for depth, state in enumerate(run.state):
        assert np.abs(h[depth] - state.h).max() < 8 * U32
        assert np.abs(c[depth] - state.c).max() < 8 * U32


@pytest.mark.parametrize("batch_first", [False, True])
def test_batch_first_turns_inputs_and_outputs_but_no_state(batch_first):
    module, layer = live("LSTM", 3, 4, batch_first=batch_first)
    x, h0, c0 = normal(2, 6, 3), normal(1, 2, 4, seed=2), normal(1, 2, 4, seed=3)
    outputs, (h, c) = called(module, x if batch_first else x.swapaxes(0, 1), (h0, c0))
    run = layer.run(x, (h0[0], c0[0]))
    assert np.abs((outputs if batch_first else outputs.swapaxes(0, 1)) - run.outputs).max() < ATTAINABLE
    assert h.shape == c.shape == (1, 2, 4)
    assert max(np.abs(h[0] - run.state.h).max(), np.abs(c[0] - run.state.c).max()) < ATTAINABLE


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RNN", {}),
        ("RNN", {"nonlinearity": "relu"}),
        ("RNN", {"bias": False}),
        ("LSTM", {}),
        ("LSTM", {"bias": False}),
        ("LSTM", {"proj_size": 2}),
        ("GRU", {}),
        ("GRU", {"bias": False}),
    ],
)
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
def test_layers_and_directions_in_float64(name, options):
    """h_n is l0, l0 reverse, l1, l1 reverse, …; the outputs of the two directions lie side by side."""
    module, layer = live(name, 3, 4, 3, bidirectional=True, **options)
    x, carried = normal(2, 6, 3), options.get("proj_size", 4)
    starts = [normal(6, 2, carried, seed=2), *([normal(6, 2, 4, seed=3)] if name == "LSTM" else [])]
    nested = [tuple(tuple(start[k] for start in starts) for k in (2 * depth, 2 * depth + 1)) for depth in range(3)]
    outputs, last = called(module, x.swapaxes(0, 1), starts)
    run = layer.run(x, nested)
    assert outputs.shape == (6, 2, 2 * carried)
    assert np.abs(outputs.swapaxes(0, 1) - run.outputs).max() < ATTAINABLE
    for depth, directions in enumerate(run.state):
        for way, state in enumerate(directions):
            for field, there in zip(state, last, strict=True):
                assert np.abs(there[2 * depth + way] - field).max() < ATTAINABLE


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_a_stack_s_mistaken_order_of_states_is_seen(cell):
    """The trace of a stack is in the oracle's order; that of h_n, with all h before all c, is another."""
    of = Case(cell, cell, "drawn", "drawn", units=4, steps=5, features=3, layers=2, bidirectional=True, dtype="float64")
    layer = draws.layer(of, 3, seed=1)
    x = draws.inputs(of, 2, seed=2)
    state = pytorch.run(of, layer, x, None).state
    fields = [field for directions in layer.run(x).state for each in directions for field in each]
    assert len(state) == len(fields) == (8 if cell == "lstm" else 4)
    for there, here in zip(state, fields, strict=True):
        assert np.abs(there - here).max() < ATTAINABLE
    assert min(np.abs(a - b).max() for a, b in zip(state, fields[::-1], strict=True)) > 1e-3


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda name, a: {name: a[:-1]}, "size mismatch"),
        (lambda name, a: {}, "Missing key"),
        (lambda name, a: {name: a, f"{name}_reverse": a}, "Unexpected key"),
    ],
)
def test_pytorch_itself_refuses_a_wrong_array(monkeypatch, edit, sentence):
    """Names and shapes of what is packed are held to the live module's."""
    of = Case("lstm", "lstm", "drawn", "drawn", units=4, features=3)
    layer = draws.layer(of, 3, seed=1)
    good = pack(layer, "pytorch")
    for name, array in good.arrays.items():
        wrong = {key: a for key, a in good.arrays.items() if key != name} | edit(name, array)
        monkeypatch.setattr(pytorch, "pack", lambda *_, wrong=wrong: replace(good, arrays=wrong))
        with pytest.raises(RuntimeError, match=sentence):
            pytorch.network(layer, "float64")
