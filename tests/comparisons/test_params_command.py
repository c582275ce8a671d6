"""`gateproof params` as its users meet it: what it prints, its JSON, and its sentences."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons import argument_types, cli
from reference.conventions.counted import CELLS, FORMS, reset_of
from reference.conventions.frameworks import FRAMEWORKS
from reference.parameter_counts import count_parameters

SHAPE = ("--inputs", "4", "--units", "5")


def test_plain(run):
    assert run("params", "lstm", "--inputs", "128", "--units", "256").splitlines() == [
        "lstm, keras: 394,240 parameters",
        "4 x (128 x 256 + 256 x 256) + 4 x 256 = 394,240",
        "1,576,960 bytes in float32",
    ]


@pytest.mark.parametrize("word", ["SimpleRNN", "simple-rnn", "simple_rnn", "SIMPLERNN"])
def test_ways_to_write_a_cell(run, word):
    assert run("params", word, *SHAPE).startswith("simple_rnn, keras: 50 parameters\n4 x 5 + 5 x 5 + 1 x 5 = 50\n")


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("gru", "gru, keras, reset after: 165"),
        ("gru --reset-before", "gru, keras, reset before: 150"),
        ("gru --convention PyTorch", "gru, pytorch, reset after: 165"),
        ("GRU --convention onnx", "gru, onnx, reset before: 165"),
        ("LSTM --convention pytorch", "lstm, pytorch: 220"),
        ("lstm --no-bias", "lstm, keras, without bias: 180"),
        ("lstm --bidirectional", "lstm, keras, bidirectional: 400"),
        ("lstm --layers 2 --bidirectional", "lstm, keras, 2 layers, bidirectional: 1,040"),
    ],
)
def test_options(run, words, title):
    assert run("params", *words.split(), *SHAPE).splitlines()[0] == f"{title} parameters"


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("peephole_lstm --convention tf1 --projection 3", "peephole_lstm, tf1, projected to 3: 190"),
        ("peephole_lstm --convention tf1 --projection 3 --no-peepholes", "projected to 3, no peepholes: 175"),
        ("cifg --peepholes", "cifg, keras, peepholes: 160"),
        ("lstm --cells-per-block 5", "lstm, keras, 5 cells a block: 80"),
        ("greff_lstm --variant FGR", "greff_lstm, keras, FGR: 440"),
        ("gru --convention onnx --reset-after", "gru, onnx, reset after: 165"),
        ("LayerNormLSTM", "layer_norm_lstm, keras: 230"),
    ],
)
def test_options_of_some_cells(run, words, title):
    lines = run("params", *words.split(), *SHAPE).splitlines()
    assert lines[0].endswith(f"{title} parameters")
    formula, total = lines[1].split(" = ")
    assert eval(formula.replace("x", "*")) == int(total)


def test_what_is_stored_and_never_read(run):
    out = run("params", "cifg", *SHAPE, "--convention", "onnx", "--explain")
    lines = [re.sub(" +", " ", line) for line in out.splitlines()]
    assert "- never read 4 x 5 = 20 5 x 5 = 25 2 x 5 = 10 55" in lines
    assert "one step 135 multiply-adds in the matmuls" in lines


def test_explain(run):
    lines = [re.sub(" +", " ", line) for line in run("params", "gru", *SHAPE, "--explain").splitlines()]
    for line in (
        "layer 1: X = 4 inputs, H = 5 units",
        "z update 4 x 5 = 20 5 x 5 = 25 2 x 5 = 10 55",
        "n candidate 4 x 5 = 20 5 x 5 = 25 2 x 5 = 10 55",
        "all 60 75 30 165",
        "bytes 330 in float16 and bfloat16, 660 in float32, 1,320 in float64",
        "one step 135 multiply-adds in the matmuls",
        " 15 elementwise products: r * (h U_n + d_n), z * h, (1 - z) * n",
        " 165 6 onnx, reset before or after B holds two biases per gate, Wb and Rb, whatever linear_before_reset says",
        " - - pytorch, reset before torch.nn.GRU resets after the matmul",
    ):
        assert line in lines
    assert any(line.startswith(" 150 3 keras, reset before one bias per gate;") for line in lines)
    assert any(
        "d_n cannot be merged into b_n" in line for line in lines if line.startswith(" 165 6 keras, reset after")
    )
    totals = [line.split()[0] for line in lines if re.match(r" (\d+|-) (\d+|-) [a-z]", line)]
    assert totals == ["150"] * 8 + ["155"] + ["165"] * 6 + ["-"] * 11


def test_explain_without_bias(run):
    lines = [re.sub(" +", " ", line) for line in run("params", "lstm", *SHAPE, "--no-bias", "--explain").splitlines()]
    assert "i input 4 x 5 = 20 5 x 5 = 25 0 x 5 = 0 45" in lines
    assert " 180 0 keras without bias" in lines
    assert " - - cudnn CuDNNLSTM and CuDNNGRU have no use_bias" in lines


def test_explain_layer_by_layer(run):
    out = run("params", "lstm", *SHAPE, "--layers", "3", "--bidirectional", "--convention", "pytorch", "--explain")
    assert "layer 1, each direction: X = 4 inputs, H = 5 units\n" in out
    assert "\n2 directions x 220 = 440\n" in out
    assert "layers 2 to 3, each layer and direction: X = 10 inputs, H = 5 units\n" in out
    assert "\n2 layers x 2 directions x 340 = 1,360\n" in out
    assert "lstm, pytorch, 3 layers, bidirectional: 1,800 parameters" in out
    assert "Counted here: pytorch, as in torch/nn/modules/rnn.py." in out


def test_all_conventions(run):
    rows = [line.split() for line in run("params", "lstm", *SHAPE, "--all").splitlines()]
    for row in (
        ["cell", *FRAMEWORKS],
        ["lstm", *["200", "200", "200", "200", "200", "200", "220", "220", "220", "200", "200", "200", "220", "200"]],
        [
            "gru",
            "reset",
            "before",
            *["150", "150", "150", "150", "150", "-", "-", "165", "-", "-", "-", "150", "-", "-"],
        ],
        [
            "gru",
            "reset",
            "after",
            *["165", "165", "-", "-", "-", "-", "165", "165", "165", "155", "150", "-", "165", "150"],
        ],
        ["cifg", *["150", "-", "-", "150", "-", "-", "-", "220", "-", "-", "-", "-", "-", "-"]],
    ):
        assert row in rows
    assert "simple_rnn 1 : gru 3 : lstm 4" in run("params", "lstm", *SHAPE, "--all")


def test_budget(run):
    out = run("params", "lstm", "--inputs", "4", "--budget", "219", "--convention", "pytorch").splitlines()
    assert out[:3] == [
        "4 units are the most within 219 parameters, with 59 to spare;",
        "5 units take 220.",
        "lstm, pytorch: 160 parameters",
    ]
    data = json.loads(run("params", "lstm", "--inputs", "4", "--budget", "200", "--json"))
    assert (data["units"], data["budget"]) == (5, {"parameters": 200, "left": 0, "one_unit_more": 264})


@given(
    st.sampled_from([(name, key) for name in FRAMEWORKS for key in FORMS]),
    *[st.integers(1, 10**30)] * 3,
    st.booleans(),
    st.booleans(),
)
def test_formula_gives_the_total(which, X, H, layers, bidirectional, use_bias):
    """The printed formula, computed as Python, is the count; so is what the JSON breaks down."""
    name, key = which
    cell, reset = key.split()[0], reset_of(key)
    flags = [{True: "--reset-after", False: "--reset-before"}.get(reset)]
    flags += ["--bidirectional" if bidirectional else None, None if use_bias else "--no-bias"]
    X = H if cell in ("mut1", "mut2") else X
    words = ["params", cell, f"--inputs={X}", f"--units={H}", f"--layers={layers}", f"--convention={name}"]
    args = cli.parser().parse([*words, *filter(None, flags)])
    options = {"convention": name, "layers": layers, "bidirectional": bidirectional}
    options["use_bias"] = None if use_bias else False
    try:
        total = count_parameters(cell, input_dim=X, units=H, reset_after=reset, **options)
    except ValueError as error:
        with pytest.raises(cli.Stop, match=re.escape(str(error))):
            cli.answer(args)
        return
    data = cli.answer(args).data
    assert data["parameters"] == total
    assert eval(data["formula"].replace("x", "*")) == total
    assert sum(group["parameters"] for group in data["breakdown"]) == total
    here = {key: data[key] for key in ("convention", "cell", "reset_after", "parameters")}
    assert here in [{key: row[key] for key in here} for row in data["conventions"]]


def test_json(run):
    data = json.loads(run("params", "gru", *SHAPE, "--json"))
    assert data["schema_version"] == 1
    assert (data["command"], data["cell"], data["parameters"], data["reset_after"]) == ("params", "gru", 165, True)
    assert data["bytes"] == {"float16": 330, "bfloat16": 330, "float32": 660, "float64": 1320}
    assert (data["per_step"]["matmul"], data["per_step"]["elementwise"]) == (135, 15)
    assert [gate["letter"] for gate in data["breakdown"][0]["gates"]] == ["z", "r", "n"]
    assert data == json.loads(run("params", "gru", *SHAPE, "--json", "--explain", "--all"))


def test_huge_numbers_are_exact(run):
    many = str(10**30)
    words = ("params", "lstm", "--inputs", many, "--units", many, "--explain", "--all")
    total = count_parameters("lstm", input_dim=10**30, units=10**30)
    out = run(*words)
    assert f"lstm, keras: {total:,} parameters" in out
    assert f"{total:,}" in next(line for line in out.splitlines() if line.startswith("all "))
    assert json.loads(run(*words, "--json"))["parameters"] == total
    longest = "9" * argument_types.DIGITS
    assert run(
        "params", "gru", "--inputs", longest, "--units", longest, "--layers", longest, "--bidirectional", "--json"
    )


@pytest.mark.parametrize("flag", ["--units", "--inputs", "--layers", "--budget"])
@pytest.mark.parametrize("value", ["0", "-3", "2.5", "abc", "1e6", "", " 5", "1_000", "٣"])
def test_sizes_must_be_positive_integers(refused, flag, value):
    sentence = refused("params", "lstm", *SHAPE, f"{flag}={value}")
    assert sentence == (
        f"gateproof params: {flag} must be a positive integer, got {value!r}; see 'gateproof params --help'"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "params lstn",
            "gateproof params: unknown cell 'lstn': did you mean lstm? The cells are " + ", ".join(CELLS),
        ),
        ("params zzz", "gateproof params: unknown cell 'zzz'; the cells are " + ", ".join(CELLS)),
        (
            "params lstm --units 5",
            "gateproof params: --inputs must be given, the numbers that a time step brings, got none",
        ),
        (
            "params lstm --inputs 4 --units 5 --projection 3",
            "gateproof params: projection must go with peephole_lstm or jordan, got lstm",
        ),
        ("params gru --inputs 4 --units 5 --variant NP", "gateproof params: variant must go with greff_lstm, got gru"),
        (
            "params mut1 --inputs 4 --units 5",
            "gateproof params: units of mut1 must be its inputs, 4, since a gate gets x without a matrix, got 5",
        ),
        (
            "params peephole_lstm --inputs 4 --units 5 --convention pytorch",
            "gateproof params: projection of a peephole_lstm must be given in pytorch, without peepholes, got none",
        ),
        ("params lstm --inputs 4", "gateproof params: one of --units and --budget must be given, got neither"),
        (
            "params lstm --inputs 4 --units 5 --budget 6",
            "gateproof params: one of --units and --budget must be given, got both",
        ),
        (
            "params lstm --inputs 4 --budget 23",
            "gateproof params: budget must be at least 24, the parameters of 1 unit, got 23",
        ),
        (
            "params lstm --inputs 4 --units 5 --reset-before",
            "gateproof params: --reset-before must go with gru, the cell that has a reset gate, got lstm",
        ),
        (
            "params gru --inputs 4 --units 5 --reset-before --convention cudnn",
            "gateproof params: convention of gru reset before must be keras or keras2 or keras1 or tf1 or tf_block or "
            "onnx or haiku, got 'cudnn': "
            "CuDNNGRU resets after the matmul",
        ),
        (
            "params gru --inputs 4 --units 5 --convention torch",
            "gateproof params: unknown convention 'torch': did you mean pytorch? "
            "The conventions are " + ", ".join(FRAMEWORKS),
        ),
    ],
)
def test_usage_errors(refused, words, sentence):
    assert refused(*words.split()) == sentence


def test_too_many_digits(refused):
    words = ("params", "lstm", "--inputs", "4", "--units", "9" * (argument_types.DIGITS + 1))
    assert "--units must have at most 1000 digits, got 1001" in refused(*words)


def test_a_cell_comes_before_a_file_of_its_name(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lstm").write_text("")
    assert run("params", "lstm", *SHAPE).startswith("lstm, keras: 200 parameters")
