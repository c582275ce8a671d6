"""Python functions as people write them: how they are called, and what they give back."""

import inspect
import json
from collections import namedtuple
from dataclasses import make_dataclass

import numpy as np
import pytest

from comparisons.grading import protocol
from comparisons.grading.cases import cases, cell
from comparisons.grading.judging import judge
from comparisons.grading.python_program import Unfit, calls
from comparisons.grading.python_program.main import run, way_to_call
from comparisons.grading.vectors import SETS
from reference import steps

Both = namedtuple("Both", "c h")  # not in the order of the fields
Kept = make_dataclass("Kept", ["h", "c"])


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstm(x, h, c, kernel, recurrent_kernel, bias):
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


class Step:
    def __call__(self, x, h, c, kernel, recurrent_kernel, bias):
        return lstm(x, h, c, kernel, recurrent_kernel, bias)


def gru(x, h, kernel, recurrent_kernel, bias):
    (W_z, W_r, W_n), (U_z, U_r, U_n) = (np.split(a, 3, axis=-1) for a in (kernel, recurrent_kernel))
    (b_z, b_r, b_n), (d_z, d_r, d_n) = (np.split(row, 3) for row in bias)
    z = sigmoid(x @ W_z + b_z + h @ U_z + d_z)
    r = sigmoid(x @ W_r + b_r + h @ U_r + d_r)
    return z * h + (1 - z) * np.tanh(x @ W_n + b_n + r * (h @ U_n + d_n))


def row(x, h, c, W, U, b):
    """As in a blog: one row, and nothing but it."""
    a, H = np.dot(W.T, x) + np.dot(U.T, h) + b, len(h)
    c = sigmoid(a[H : 2 * H]) * c + sigmoid(a[:H]) * np.tanh(a[2 * H : 3 * H])
    return sigmoid(a[3 * H :]) * np.tanh(c), c


def whole(step, back):
    def layer(x, h, c, kernel, recurrent_kernel, bias):
        hs, cs = [], []
        for t in range(x.shape[-2]):
            h, c = step(x[..., t, :], h, c, kernel, recurrent_kernel, bias)
            hs.append(h)
            cs.append(c)
        return back(np.stack(hs, axis=-2), np.stack(cs, axis=-2))

    return layer


LSTMS = {
    "tuple": lstm,
    "list": lambda x, h, c, kernel, recurrent_kernel, bias: list(lstm(x, h, c, kernel, recurrent_kernel, bias)),
    "nested lists": lambda x, h, c, W, U, b: tuple(a.tolist() for a in lstm(x, h, c, W, U, b)),
    "dict": lambda x, h, c, W, U, b: dict(zip("hc", lstm(x, h, c, W, U, b), strict=True)),
    "NamedTuple": lambda x, h, c, W, U, b: Both(*lstm(x, h, c, W, U, b)[::-1]),
    "dataclass": lambda x, h, c, W, U, b: Kept(*lstm(x, h, c, W, U, b)),
    "one array": lambda x, h, c, W, U, b: np.stack(lstm(x, h, c, W, U, b)),
    "Keras' way": lambda inputs, states, kernel, recurrent_kernel, bias: (lambda new: (new[0], list(new)))(
        lstm(inputs, *states, kernel, recurrent_kernel, bias)
    ),
    "by position": lambda p, q, r, s, t, u: lstm(p, q, r, s, t, u),
    "by position alone": lambda x, h, c, W, U, b, /: lstm(x, h, c, W, U, b),
    "in another order": lambda b, U, W, c_prev, h_prev, x_t: lstm(x_t, h_prev, c_prev, W, U, b),
    "with more that has a default": lambda x, h, c, W, U, b, activation=np.tanh, forget_bias=1.0, eps=0.0: lstm(
        x, h, c, W, U, b + np.repeat([0, forget_bias, 0, 0], h.shape[-1])
    ),
    "told the units": lambda x, h, c, W, U, b, units: lstm(x, h, c, W, U, b) if units == h.shape[-1] else None,
    "callable": Step(),
}
ROWS = {"row": row, "row of a batch": lambda x, h, c, W, U, b: lstm(x.reshape(-1), h, c, W, U, b)}
WHOLES = {
    "outputs and last state": whole(lstm, lambda h, c: (h, (h[..., -1, :], c[..., -1, :]))),
    "outputs, h, c": whole(lstm, lambda h, c: [h, h[..., -1, :], c[..., -1, :]]),
    "states over time": whole(lstm, lambda h, c: (h, c)),
    "outputs and last c": whole(lstm, lambda h, c: {"h": h, "c": c[..., -1, :]}),
    "PyTorch's axis": whole(lstm, lambda h, c: (h, (h[None, ..., -1, :], c[None, ..., -1, :]))),
    "rows": whole(row, lambda h, c: (h, (h[-1], c[-1]))),
}


def graded(function, name="lstm", sequence=False, **options):
    """The notes of a function that is right in every case, in float64."""
    call, notes = None, []
    for case in cases(cell(name, **options)):
        told = json.loads(protocol.line(case))
        call = call or way_to_call(function, told, __file__, sequence)
        states, notes = protocol.answer(json.dumps(run(call, told)), case)
        assert judge(case, states, "float64").passed, case.name
    return notes


@pytest.mark.parametrize("way", LSTMS)
def test_ways_to_write_an_lstm(way):
    assert graded(LSTMS[way]) == []


@pytest.mark.parametrize("way", ROWS)
def test_a_row_at_a_time(way):
    assert graded(ROWS[way]) == ["it takes one row at a time, not a batch"]


@pytest.mark.parametrize("way", WHOLES)
def test_ways_to_write_a_layer(way):
    notes = ["it takes one row at a time, not a batch"] if way == "rows" else []
    assert graded(WHOLES[way], sequence=True) == notes


def test_a_gru_with_keras_bias_or_two():
    assert graded(gru, "gru") == []
    assert graded(lambda x, h, W, U, bias, recurrent_bias: gru(x, h, W, U, [bias, recurrent_bias]), "gru") == []
    assert graded(lambda p, q, r, s, t: (gru(p, q, r, s, t),), "gru") == []
    assert graded(lambda x, h, W, U, b: (gru(x, h, W, U, b), [gru(x, h, W, U, b)]), "gru") == []
    assert graded(lambda x, h, W, U, b: gru(x, h, W, U, b).tolist(), "gru") == []


def test_without_a_bias():
    assert graded(lstm, use_bias=False) == [], "zeros, for who asks for it"
    assert graded(lambda x, h, c, W, U: lstm(x, h, c, W, U, 0), use_bias=False) == []


def test_other_arrays_by_their_names():
    def peephole(x, h, c, kernel, recurrent_kernel, bias, peephole):
        p_i, p_f, p_o = np.split(peephole, 3)
        i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
        new = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * np.tanh(g)
        return sigmoid(o + p_o * new) * np.tanh(new), new

    assert graded(peephole, "peephole_lstm") == []


def test_what_it_does_to_its_arguments_reaches_nobody_and_is_noted():
    def careless(x, h, c, kernel, recurrent_kernel, bias):
        given = lstm(x, h, c, kernel, recurrent_kernel, bias)
        bias += 1
        h *= 0
        return given

    assert graded(careless) == ["it changes its argument bias and h in place"]


def by_name(name, options, only=()):
    """The reference's own step, as a function of the arrays by their names."""

    def step(**given):
        Weights, State = steps.weights_type(name), steps.module(name).State
        weights = Weights(**{field: given.get(field) for field in Weights._fields})
        nothing = np.zeros((len(given["x"]), 1))
        state = State(*(given.get(field, nothing) for field in State._fields))
        xw = steps.project(name)(given["x"], weights)
        return steps.module(name).step(xw, state, weights, **options)[0]._asdict()

    step.__signature__ = inspect.Signature([inspect.Parameter(p, inspect.Parameter.KEYWORD_ONLY) for p in only])
    return step


@pytest.mark.parametrize(("name", "options"), SETS, ids=lambda v: v if isinstance(v, str) else str(v))
def test_every_cell_is_given_its_arrays_by_name(name, options):
    made = cell(name, **options)
    case = cases(made)[0]
    names = [*protocol.arrays(case)]
    assert graded(by_name(name, case.layer.options, names), name, **options) == []


def test_torch_tensors_go_in_and_come_out():
    torch = pytest.importorskip("torch")

    def step(x, h, c, kernel, recurrent_kernel, bias):
        i, f, g, o = torch.chunk(x @ kernel + h @ recurrent_kernel + bias, 4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return (torch.sigmoid(o) * torch.tanh(c)).requires_grad_(), c

    assert graded(step) == ["it is given torch tensors"]
    assert graded(lambda x, h, c, W, U, b: step(*map(torch.as_tensor, (x, h, c, W, U, b)))) == []


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda x, h, c: None, "parameters must be x, h, c, kernel, recurrent_kernel, bias, by name or in this order"),
        (lambda x, h, c, W, U, b: None, "the function must give (h, c), got None: it returns nothing"),
        (lambda x, h, c, W, U, b: h, "the function must give (h, c), got one ndarray"),
        (lambda x, h, c, W, U, b: (h, c, h), "the function must give (h, c), got a tuple of 3"),
        (lambda x, h, c, W, U, b: {"h": h}, "the function must give h and c, got no c among h"),
        (lambda x, h, c, W, U, b: (h, c[:, :1]), "c must have shape (3, 4), got (3, 1)"),
        (lambda x, h, c, W, U, b: (h, c + 1j), "c must be an array of real numbers, got complex128"),
        (lambda x, h, c, W, U, b: (h, "c"), "c must be an array of real numbers, got <U1"),
        (lambda x, h, c, W, U, b: (h, [[1], [2, 3]]), "c must be an array of numbers, got list"),
        (lambda x, h, c, W, U, b: 1 / 0, "ZeroDivisionError: division by zero (line "),
        (lambda x, h, c, W, U, b: (_ for _ in ()).throw(SystemExit(3)), "it ends the process (sys.exit)"),
    ],
)
def test_what_is_no_step_is_said(function, sentence):
    with pytest.raises(Unfit) as unfit:
        graded(function)
    assert sentence in str(unfit.value)


@pytest.mark.parametrize(
    ("back", "sentence"),
    [
        (lambda h, c: h, "the function must give (h, c), got one ndarray"),
        (lambda h, c: (h, c[:, -1], c, c), "must give (outputs, h, c), or (h, c) over time, got 4 of them"),
        (lambda h, c: (h[:, ::-1], (h[:, -1], c[:, -1])), "the last of its outputs must be its last h, got others"),
    ],
)
def test_what_is_no_layer_is_said(back, sentence):
    with pytest.raises(Unfit) as unfit:
        graded(whole(lstm, back), sequence=True)
    assert sentence in str(unfit.value)


def test_every_way_to_call_is_tried():
    assert calls.MODES == ("batch", "batch of one", "row")
