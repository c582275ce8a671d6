"""Parameter counts against the published numbers and their own laws."""

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reference import steps
from reference.conventions.counted import ABSENT, CELLS, FORMS, MORE, VARIANTS, reset_of, widths
from reference.conventions.counted import held as stored_by
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import Sizes, parse, shape
from reference.parameter_counts import BYTES, count, count_parameters, largest_units

STOCK = ("simple_rnn", "lstm", "gru reset before", "gru reset after")  # what every framework might have
# By hand, for one layer and direction.
PUBLISHED = {
    ("keras", "simple_rnn", None): lambda X, H: (X + H) * H + H,
    ("keras", "lstm", None): lambda X, H: 4 * ((X + H) * H + H),
    ("keras", "gru", False): lambda X, H: 3 * ((X + H) * H + H),
    ("keras", "gru", True): lambda X, H: 3 * ((X + H) * H + H) + 3 * H,
    ("tf1", "simple_rnn", None): lambda X, H: (X + H) * H + H,
    ("tf1", "lstm", None): lambda X, H: (X + H) * 4 * H + 4 * H,
    ("tf1", "gru", False): lambda X, H: (X + H) * 2 * H + 2 * H + (X + H) * H + H,
    ("pytorch", "simple_rnn", None): lambda X, H: H * X + H * H + H + H,
    ("pytorch", "lstm", None): lambda X, H: 4 * H * X + 4 * H * H + 4 * H + 4 * H,
    ("pytorch", "gru", True): lambda X, H: 3 * H * X + 3 * H * H + 3 * H + 3 * H,
    ("onnx", "simple_rnn", None): lambda X, H: H * X + H * H + 2 * H,
    ("onnx", "lstm", None): lambda X, H: 4 * H * X + 4 * H * H + 8 * H,
    ("onnx", "gru", False): lambda X, H: 3 * H * X + 3 * H * H + 6 * H,
    ("onnx", "gru", True): lambda X, H: 3 * H * X + 3 * H * H + 6 * H,
    ("cudnn", "simple_rnn", None): lambda X, H: X * H + H * H + 2 * H,
    ("cudnn", "lstm", None): lambda X, H: X * 4 * H + H * 4 * H + 8 * H,
    ("cudnn", "gru", True): lambda X, H: X * 3 * H + H * 3 * H + 6 * H,
    ("flax", "simple_rnn", None): lambda X, H: X * H + H + H * H,
    ("flax", "lstm", None): lambda X, H: 4 * X * H + 4 * (H * H + H),
    ("flax", "gru", True): lambda X, H: 3 * (X * H + H) + 2 * H * H + (H * H + H),
}

PUBLISHED |= {("tf_block", *key): PUBLISHED["tf1", *key] for key in (("lstm", None), ("gru", False))}
PUBLISHED["tf_block_v2", "lstm", None] = PUBLISHED["tf1", "lstm", None]
for _same, _as in (("keras2", "keras"), ("keras1", "tf1"), ("mxnet", "pytorch")):
    PUBLISHED |= {(_same, *key[1:]): formula for key, formula in PUBLISHED.items() if key[0] == _as}
PUBLISHED |= {
    ("flax_nnx", "simple_rnn", None): lambda X, H: X * H + H + H * H,
    ("flax_nnx", "lstm", None): lambda X, H: 4 * X * H + 4 * (H * H + H),
    ("flax_nnx", "gru", True): lambda X, H: 3 * X * H + 3 * H + 3 * H * H,
    ("haiku", "simple_rnn", None): lambda X, H: X * H + H + H * H + H,
    ("haiku", "lstm", None): lambda X, H: (X + H) * 4 * H + 4 * H,
    ("haiku", "gru", False): lambda X, H: 3 * X * H + 3 * H * H + 3 * H,
    ("lasagne", "simple_rnn", None): lambda X, H: X * H + H + H * H,
    ("lasagne", "lstm", None): lambda X, H: 4 * (X * H + H * H + H),
    ("lasagne", "gru", True): lambda X, H: 3 * (X * H + H * H + H),
}

sizes = st.integers(1, 40)
huge = st.integers(1, 10**60)
forms = st.sampled_from([(name, key.split()[0], reset_of(key)) for name in FRAMEWORKS for key in STOCK])
held = st.sampled_from(sorted(PUBLISHED, key=repr))


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({"cell": "lstm"}, 200),
        ({"cell": "lstm", "convention": "tf1"}, 200),
        ({"cell": "lstm", "convention": "pytorch"}, 220),
        ({"cell": "lstm", "convention": "cudnn"}, 220),
        ({"cell": "lstm", "convention": "onnx"}, 220),
        ({"cell": "lstm", "convention": "flax"}, 200),
        ({"cell": "gru"}, 165),
        ({"cell": "gru", "reset_after": False}, 150),
        ({"cell": "gru", "convention": "tf1"}, 150),
        ({"cell": "gru", "convention": "pytorch"}, 165),
        ({"cell": "gru", "convention": "flax"}, 155),
        ({"cell": "gru", "convention": "onnx"}, 165),
        ({"cell": "simple_rnn"}, 50),
        ({"cell": "simple_rnn", "convention": "pytorch"}, 55),
        ({"cell": "lstm", "use_bias": False}, 180),
        ({"cell": "gru", "use_bias": False}, 135),
        ({"cell": "gru", "bidirectional": True}, 330),
        ({"cell": "lstm", "input_dim": 5, "units": 7}, 364),
        ({"cell": "lstm", "input_dim": 5, "units": 7, "convention": "pytorch"}, 392),
        ({"cell": "gru", "input_dim": 5, "units": 7}, 294),
        ({"cell": "gru", "input_dim": 5, "units": 7, "reset_after": False}, 273),
        ({"cell": "lstm", "input_dim": 10, "units": 20, "layers": 2}, 5760),
        ({"cell": "lstm", "input_dim": 10, "units": 20, "layers": 2, "convention": "pytorch"}, 5920),
        ({"cell": "lstm", "units": 6, "cells_per_block": 3}, 132),
        ({"cell": "peephole_lstm"}, 215),
        ({"cell": "peephole_lstm", "convention": "tf1"}, 215),
        ({"cell": "peephole_lstm", "convention": "onnx"}, 235),
        ({"cell": "peephole_lstm", "convention": "tf1", "peepholes": False, "projection": 3}, 175),
        ({"cell": "peephole_lstm", "convention": "pytorch", "projection": 3}, 195),
        ({"cell": "cifg"}, 150),
        ({"cell": "cifg", "peepholes": True}, 160),
        ({"cell": "cifg", "convention": "onnx"}, 220),  # what is stored for f is never read
        ({"cell": "jordan", "projection": 2}, 4 * 5 + 2 * 5 + 5 + 5 * 2 + 2),
        ({"cell": "lstm_1997"}, 3 * (4 * 5 + 5 * 5 + 5)),
        ({"cell": "layer_norm_lstm"}, 180 + 2 * 20 + 2 * 5),
        ({"cell": "layer_norm_lstm", "use_bias": True}, 200 + 2 * 20 + 2 * 5),
        ({"cell": "fused_layer_norm_lstm"}, 200 + 4 * 20 + 2 * 5),
        ({"cell": "greff_lstm"}, 215),
        ({"cell": "greff_lstm", "variant": "NIG"}, 150 + 10),
        ({"cell": "greff_lstm", "variant": "NP"}, 200),
        ({"cell": "greff_lstm", "variant": "FGR"}, 215 + 15 * 15),
        ({"cell": "mgu"}, 100),
        ({"cell": "ugrnn", "convention": "tf1"}, 100),
        ({"cell": "layer_norm_lstm", "convention": "tf1"}, 180 + 2 * 20 + 2 * 5),
        ({"cell": "peephole_lstm", "convention": "tf_block"}, 215),
        ({"cell": "ugrnn"}, 100),
        ({"cell": "mut1", "input_dim": 5}, 2 * 25 + 2 * 25 + 15),
        ({"cell": "mut2", "input_dim": 5}, 2 * 25 + 3 * 25 + 15),
        ({"cell": "mut3"}, 150),
    ],
    ids=str,
)
def test_published_numbers(options, parameters):
    assert count_parameters(**{"input_dim": 4, "units": 5, **options}) == parameters


@given(held, huge, huge)
def test_formulas(which, X, H):
    name, cell, after = which
    got = count_parameters(cell, input_dim=X, units=H, convention=name, reset_after=after)
    assert got == PUBLISHED[which](X, H), f"{which}: {got} parameters, X = {X}, H = {H}"


@given(forms)
def test_a_convention_holds_a_form_or_says_why_not(which):
    name, cell, after = which
    if which in PUBLISHED:
        assert count_parameters(cell, input_dim=4, units=5, convention=name, reset_after=after) > 0
    else:
        why = "resets (before|after) the matmul|is a simple_rnn|is an lstm"
        with pytest.raises(ValueError, match=rf"must be .*keras.*, got '{name}': .+ ({why})"):
            count_parameters(cell, input_dim=4, units=5, convention=name, reset_after=after)


@given(held, huge, huge, st.integers(2, 10**9), st.booleans())
def test_layers_and_directions(which, X, H, layers, bidirectional):
    name, cell, after = which
    directions = 1 + bidirectional

    def parameters(X, **stacked):
        return count_parameters(cell, input_dim=X, units=H, convention=name, reset_after=after, **stacked)

    lowest, deeper = directions * parameters(X), directions * parameters(directions * H)
    assert parameters(X, layers=layers, bidirectional=bidirectional) == lowest + (layers - 1) * deeper


@given(held, sizes, huge, st.integers(1, 3), st.booleans())
def test_largest_units_is_the_last_that_fits(which, X, budget, layers, bidirectional):
    name, cell, after = which
    options = {
        "input_dim": X,
        "convention": name,
        "reset_after": after,
        "layers": layers,
        "bidirectional": bidirectional,
    }
    if budget < (least := count_parameters(cell, units=1, **options)):
        with pytest.raises(
            ValueError, match=rf"^budget must be at least {least}, the parameters of 1 unit, got {budget}$"
        ):
            largest_units(budget, cell, **options)
        return
    units = largest_units(budget, cell, **options)
    fits, more = (count_parameters(cell, units=n, **options) for n in (units, units + 1))
    assert fits <= budget < more, f"{units} units: {fits}, one more: {more}, budget {budget}"


@given(st.sampled_from(STOCK), sizes, sizes)
@example("simple_rnn", 1, 5)  # H H + 2 H: as near as a count comes to the H H that bounds the search
def test_a_budget_that_is_met_exactly(key, X, H):
    cell, options = key.split()[0], {"input_dim": X, "reset_after": reset_of(key)}
    exact = count_parameters(cell, units=H, **options)
    assert largest_units(exact, cell, **options) == H
    if H > 1:
        assert largest_units(exact - 1, cell, **options) == H - 1


@pytest.mark.parametrize(("cell", "work"), [("simple_rnn", (45, 0)), ("lstm", (180, 15)), ("gru", (135, 15))])
def test_work_of_a_step(cell, work):
    assert count(cell, 4, 5).work == work
    assert count(cell, 4, 5, bidirectional=True).work == (2 * work[0], 2 * work[1])
    gates = len(FORMS[count(cell, 4, 5).form].gates)
    assert count(cell, 4, 5, layers=3).work == (work[0] + 2 * gates * 5 * 10, 3 * work[1])
    assert count(cell, 4, 5, use_bias=False).work == work


def test_bytes():
    assert {dtype: np.dtype(dtype).itemsize for dtype in BYTES if dtype != "bfloat16"} | {"bfloat16": 2} == BYTES


def test_reset_of_a_gru_about_which_nothing_is_said():
    after = {
        name: reset_of(count("gru", 4, 5, name).form) for name in FRAMEWORKS if name not in ("keras2", "tf_block_v2")
    }
    assert {name for name, reset in after.items() if not reset} == {"keras1", "tf1", "tf_block", "onnx", "haiku"}
    with pytest.raises(ValueError, match="reset_after of gru must be False or True, got None"):
        count("gru", 4, 5, "keras2")


def test_numpy_integers_give_python_integers():
    got = count_parameters("lstm", input_dim=np.int8(100), units=np.int8(100))
    assert type(got) is int
    assert got == 80_400


def test_gates_are_those_of_the_step_modules():
    assert set(CELLS) == set(steps.CELLS)
    assert {key.split()[0]: form.gates for key, form in FORMS.items()} == {
        cell: steps.module(cell).gates for cell in CELLS
    }


@pytest.mark.parametrize("cell", CELLS)
def test_what_keras_stores_is_what_the_step_has(cell):
    """The letters that are counted without NumPy are those of the step modules."""
    X = H = 6
    for options in [{"variant": name} for name in VARIANTS] if cell == "greff_lstm" else [{}]:
        columns = {"coupled": "i"} if cell == "cifg" else options
        assert widths(cell, H, **columns) == steps.widths(cell, H, columns)
        letters = {"X": X, "H": H, "R": H, "C": sum(widths(cell, H, **columns).values())}
        wanted = {name: steps.shape(spec, **letters) for name, spec in steps.shapes(cell).items()}
        key = next(key for key in FORMS if key.split()[0] == cell)
        arrays = {name: parse(text) for name, text in stored_by("keras")[key].arrays.items()}
        sizes = Sizes(X, H, H, widths(cell, H, **columns))
        found = {name: shape(spec, sizes) for name, spec in arrays.items()}
        assert found == {name: wanted[name] for name in found}
        assert wanted.keys() - found.keys() <= {"recurrent_bias", "bias"}
    assert {
        name: next(g for g, w in steps.widths("greff_lstm", 1, {"variant": name}).items() if not w) for name in ABSENT
    } == ABSENT


def test_what_is_only_counted_is_not_unpacked_twice():
    assert all(not FRAMEWORKS[name].forms.keys() & forms.keys() for name, forms in MORE.items())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"units": 0}, "units must be a positive integer, got 0"),
        ({"units": -3}, "units must be a positive integer, got -3"),
        ({"units": 2.5}, "units must be a positive integer, got 2.5"),
        ({"units": "abc"}, "units must be a positive integer, got 'abc'"),
        ({"units": True}, "units must be a positive integer, got True"),
        ({"input_dim": None}, "input_dim must be a positive integer, got None"),
        ({"layers": 0}, "layers must be a positive integer, got 0"),
        ({"cell": "lstn"}, "unknown cell 'lstn': did you mean lstm? The cells are simple_rnn, jordan, lstm,"),
        ({"cell": "LSTM"}, "unknown cell 'LSTM': did you mean lstm? The cells are simple_rnn, jordan, lstm,"),
        ({"cell": None}, "unknown cell None; the cells are simple_rnn, jordan, lstm,"),
        ({"convention": "torch"}, "unknown convention 'torch': did you mean pytorch? The conventions are keras,"),
        ({"cell": "lstm", "reset_after": True}, "reset_after of lstm must be None, got True"),
        ({"reset_after": "no"}, "reset_after of gru must be False or True, got 'no'"),
        ({"use_bias": 0}, "use_bias must be True or False, got 0"),
        ({"bidirectional": 2}, "bidirectional must be True or False, got 2"),
        (
            {"convention": "pytorch", "reset_after": False},
            "convention of gru reset before must be keras or keras2 or keras1 or tf1 or tf_block or onnx or haiku, ",
        ),
        ({"convention": "cudnn", "reset_after": False}, "got 'cudnn': CuDNNGRU resets after the matmul"),
        ({"convention": "tf1", "reset_after": True}, "got 'tf1': tf.nn.rnn_cell.GRUCell resets before the matmul"),
        (
            {"convention": "tf1", "use_bias": False},
            "convention of gru reset before without bias must be keras or keras2 or onnx, ",
        ),
        ({"convention": "cudnn", "use_bias": False}, "got 'cudnn': CuDNNLSTM and CuDNNGRU have no use_bias"),
        ({"convention": "flax", "use_bias": False}, "got 'flax': the cells of flax.linen have no option to leave the"),
    ],
    ids=str,
)
def test_wrong_questions(options, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        count_parameters(**{"cell": "gru", "input_dim": 4, "units": 5, **options})


def test_nothing_heavy_is_imported():
    code = """if 1:
        import sys, reference.parameter_counts
        from reference import count_parameters
        assert count_parameters("lstm", input_dim=4, units=5) == 200
        print([name for name in ("numpy", "keras", "tensorflow", "torch", "jax", "rich") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
