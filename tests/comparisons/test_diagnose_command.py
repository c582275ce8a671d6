"""`gateproof diagnose`: the arrays and outputs of live frameworks, read wrongly as users do, and what it answers."""

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

import reference
from comparisons.cli import main
from comparisons.diagnosis import search

X, H, B, T = 3, 5, 2, 6  # inputs, units, batch, time
DRAW = np.random.default_rng(0)
IN = DRAW.normal(size=(B, T, X)).astype("float32")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """A smaller search: combinations of three differences or so."""
    monkeypatch.setattr(search, "FIRST_STEP", 6_000)
    monkeypatch.setattr(search, "WHOLE_RUNS", 4e6)


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """Writes the arrays and asks; returns the exit code and the data of --json."""
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", IN)

    def run(weights, outputs, *more, x="x.npy"):
        if isinstance(weights, dict):
            np.savez("w.npz", **weights)
        elif weights is not None:
            np.savez("w.npz", *weights)
        if isinstance(outputs, np.ndarray):
            np.save("y.npy", outputs)
        code = main(["diagnose", "--weights", "w.npz", "--inputs", x, "--outputs", "y.npy", *more, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def said(data, which=0):
    return [difference["found"] for difference in data["explanations"][which]["differences"]]


def runs(data, outputs, which=0):
    """The Python that was given runs, and gives the outputs."""
    names: dict = {}
    exec("\n".join(data["explanations"][which]["python"]), names)
    np.testing.assert_allclose(names["outputs"], outputs, rtol=0, atol=1e-4)
    return names


@pytest.fixture(scope="module")
def torch_lstm():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = torch.nn.LSTM(X, H, batch_first=True)
    arrays = {name: a.detach().numpy() for name, a in layer.named_parameters()}
    return arrays, layer(torch.from_numpy(IN))[0].detach().numpy()


@pytest.fixture(scope="module")
def torch_gru():
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    layer = torch.nn.GRU(X, H, batch_first=True)
    arrays = {name: a.detach().numpy() for name, a in layer.named_parameters()}
    return arrays, layer(torch.from_numpy(IN))[0].detach().numpy()


@pytest.fixture(scope="module")
def keras_lstm():
    import keras

    keras.utils.set_random_seed(0)
    layer = keras.layers.LSTM(H, return_sequences=True, bias_initializer="normal")
    outputs = np.asarray(layer(IN))
    kernel, recurrent_kernel, bias = layer.get_weights()
    return {"kernel": kernel, "recurrent_kernel": recurrent_kernel, "bias": bias}, outputs


def test_pytorchs_own_arrays(ask, torch_lstm):
    arrays, outputs = torch_lstm
    code, data = ask(arrays, outputs)
    best = data["explanations"][0]
    assert (code, data["verdict"], best["exactly"]) == (0, "unique", ["PyTorch"])
    assert best["convert"] == "gateproof convert w.npz keras.npz --from pytorch --to keras --cell lstm"
    assert set(runs(data, outputs)["packed"].arrays) == {"kernel", "recurrent_kernel", "bias"}
    assert main(best["convert"].split()[1:]) == 0


def test_arrays_without_names(ask, torch_lstm):
    arrays, outputs = torch_lstm
    code, data = ask(list(arrays.values()), outputs)
    assert (code, data["verdict"]) == (0, "unique")
    assert "PyTorch" in data["explanations"][0]["exactly"]
    assert data["explanations"][0]["convert"] == ""
    runs(data, outputs)


def test_a_keras_lstm_read_as_onnx(ask, keras_lstm):
    """Turned, under ONNX' names, and never permuted: Keras' i f c o is read as i o f c."""
    arrays, outputs = keras_lstm
    onnx = {
        "W": arrays["kernel"].T[None],
        "R": arrays["recurrent_kernel"].T[None],
        "B": np.concatenate([arrays["bias"], 0 * arrays["bias"]])[None],
    }
    code, data = ask(onnx, outputs, "--framework", "onnx")
    (only,) = said(data)
    assert code == 0
    assert only.startswith("the gates are stored in the order i f g o (Keras 3,")
    assert only.endswith("not i o f g (ONNX)")
    assert data["before"] > 0.01
    runs(data, outputs)


def test_a_keras_lstm_read_as_pytorch(ask, keras_lstm):
    """The order is the same, i f g o; one that took TensorFlow 1's j for granted is told."""
    arrays, outputs = keras_lstm
    turned = {
        "weight_ih_l0": arrays["kernel"].T,
        "weight_hh_l0": arrays["recurrent_kernel"].T,
        "bias_ih_l0": arrays["bias"],
        "bias_hh_l0": 0 * arrays["bias"],
    }
    code, data = ask(turned, outputs, "--framework", "pytorch")
    assert (code, data["verdict"], said(data)) == (0, "unique", [])
    code, data = ask(
        {**turned, "weight_hh_l0": arrays["recurrent_kernel"].T.reshape(4, H, H).swapaxes(1, 2).reshape(4 * H, H)},
        outputs,
        "--framework",
        "pytorch",
    )
    assert (code, said(data)) == (0, ["the recurrent kernel is stored transposed"])
    runs(data, outputs)


def test_pytorchs_gru_read_as_keras(ask, torch_gru):
    arrays, outputs = torch_gru
    keras = {
        "kernel": arrays["weight_ih_l0"].T,
        "recurrent_kernel": arrays["weight_hh_l0"].T,
        "bias": np.stack([arrays["bias_ih_l0"], arrays["bias_hh_l0"]]),
    }
    code, data = ask(keras, outputs, "--framework", "keras")
    (only,) = said(data)
    assert (code, data["verdict"]) == (0, "unique")
    assert only.startswith("the gates are stored in the order r z n (PyTorch, ")
    runs(data, outputs)


def test_a_forget_bias_that_tensorflow_1_adds_at_run_time(ask):
    rnn_cell = pytest.importorskip("tf_keras.api._v1.keras.__internal__.legacy.rnn_cell")
    import tensorflow as tf

    with warnings.catch_warnings(), tf.Graph().as_default(), tf.compat.v1.Session() as session:
        warnings.simplefilter("ignore")  # TensorFlow speaks of what replaced it
        cell = rnn_cell.BasicLSTMCell(H)
        state, outputs = cell.zero_state(B, tf.float32), []
        for t in range(T):
            output, state = cell(tf.constant(IN[:, t]), state)
            outputs.append(output)
        session.run(tf.compat.v1.global_variables_initializer())
        kernel, bias, outputs = session.run([*cell.variables, tf.stack(outputs, axis=1)])
    # As one who knows TensorFlow's order, and not its forget_bias, has it in Keras.
    i, j, f, o = np.split(kernel, 4, axis=1)
    fused = np.concatenate([i, f, j, o], axis=1)
    code, data = ask(
        {"kernel": fused[:X], "recurrent_kernel": fused[X:], "bias": bias}, outputs, "--framework", "keras"
    )
    assert (code, said(data)) == (0, ["1.0 is added to the forget gate at run time, and stored nowhere"])
    runs(data, outputs)
    code, data = ask([kernel, bias], outputs)
    best = data["explanations"][0]
    assert (code, best["differences"]) == (0, [])
    assert "TensorFlow 1" in best["exactly"]
    assert any("order i g f o" in convention for convention in best["conventions"])


def test_keras_2s_hard_sigmoid(ask):
    tf_keras = pytest.importorskip("tf_keras")

    layer = tf_keras.layers.LSTM(H, return_sequences=True, recurrent_activation="hard_sigmoid")
    layer.build(IN.shape)
    layer.set_weights([DRAW.normal(size=a.shape) / 2 for a in layer.get_weights()])
    outputs = np.asarray(layer(IN))
    arrays = dict(zip(("kernel", "recurrent_kernel", "bias"), layer.get_weights(), strict=True))
    code, data = ask(arrays, outputs, "--framework", "keras", "--option", "recurrent_activation=hard_sigmoid")
    (only,) = said(data)
    assert code == 0
    assert only.startswith("the gates' activation is Keras 2's hard sigmoid")
    assert data["explanations"][0]["exactly"] == ["Keras 2 (recurrent_activation='hard_sigmoid')"]
    runs(data, outputs)


def test_outputs_printed_with_4_decimals(ask, torch_gru):
    arrays, outputs = torch_gru
    np.savetxt("y.csv", outputs[0], fmt="%.4f", delimiter=",", header="h0,h1,h2,h3,h4", comments="")
    np.save("x1.npy", IN[0])
    code, data = ask(arrays, None, "--outputs", "y.csv", x="x1.npy")
    assert (code, data["verdict"], data["precision"]) == (0, "unique", "printed with 4 decimals")
    assert data["explanations"][0]["exactly"] == ["PyTorch"]


def test_constant_weights_are_called_out(ask, capsys):
    arrays = {
        name: np.full(shape, 0.1, "float32")
        for name, shape in (("kernel", (X, 4 * H)), ("recurrent_kernel", (H, 4 * H)), ("bias", (4 * H,)))
    }
    outputs = reference.unpack("keras", "lstm", arrays).run(IN).outputs
    code, data = ask(arrays, outputs, "--framework", "keras")
    assert (code, data["verdict"]) == (0, "unique")
    assert any("24 orders are one" in told for told in data["explanations"][0]["cannot_matter"])
    main(["diagnose", "--weights", "w.npz", "--inputs", "x.npy", "--outputs", "y.npy", "--framework", "keras"])
    assert (
        "Cannot matter with these weights: the order of the gates, 24 orders are one: the weights are constant"
        in capsys.readouterr().out
    )


def test_a_mistake_in_no_space(ask, torch_lstm, capsys):
    arrays, outputs = torch_lstm
    outputs = outputs.copy()
    outputs[1, 2, 3] += 0.05
    code, data = ask(arrays, outputs)
    best = data["explanations"][0]
    assert (code, data["verdict"], best["differences"], best["python"]) == (1, "none", [], [])
    at = best["departure"]
    assert (at["batch"], at["step"], at["unit"], at["field"]) == (1, 2, 3, "h")
    assert main(["diagnose", "--weights", "w.npz", "--inputs", "x.npy", "--outputs", "y.npy"]) == 1
    assert "It first departs at step 2, h, unit 3, row 1 of the batch" in capsys.readouterr().out


def test_what_cannot_be_told_apart_and_the_inputs_that_tell(ask, torch_gru, capsys):
    arrays, outputs = torch_gru
    np.save("one.npy", IN[:, :1])
    code, data = ask(arrays, outputs[:, :1], "--write-inputs", "more.npy", x="one.npy")
    assert (code, data["verdict"]) == (1, "ambiguous")
    assert data["telling_inputs_differ_by"] > 0
    assert data["explanations"][0]["exactly"] == ["PyTorch"]
    more = np.load("more.npy")
    np.save("y2.npy", reference.unpack("pytorch", "gru", arrays).run(more).outputs)
    code, data = ask(None, None, "--inputs", "more.npy", "--outputs", "y2.npy")
    assert (code, data["verdict"]) == (0, "unique")


def test_the_text_says_it_all(ask, torch_gru, capsys):
    arrays, outputs = torch_gru
    ask(arrays, outputs)
    assert main(["diagnose", "--weights", "w.npz", "--inputs", "x.npy", "--outputs", "y.npy"]) == 0
    text = capsys.readouterr().out
    assert "One explanation fits: the arrays are as PyTorch stores and computes them." in text
    assert "the gates are stored in the order r z n (PyTorch)" in text
    assert 'layer = reference.unpack("pytorch", "gru", w)' in text
    assert "Or: gateproof convert w.npz keras.npz --from pytorch --to keras --cell gru" in text


@pytest.mark.parametrize("joined", ["[x; h]", "[h; x]", "turned"])
def test_joined_kernels(ask, keras_lstm, joined):
    arrays, outputs = keras_lstm
    parts = [arrays["kernel"], arrays["recurrent_kernel"]]
    kernel = np.concatenate(parts if joined != "[h; x]" else parts[::-1])
    code, data = ask([kernel.T if joined == "turned" else kernel, arrays["bias"]], outputs)
    assert (code, data["verdict"]) == (0, "unique")
    runs(data, outputs)


def test_a_projected_cell_and_one_with_peepholes(ask):
    gates = {"kernel": (X, 4 * H), "recurrent_kernel": (3, 4 * H), "bias": (4 * H,), "projection": (H, 3)}
    arrays = {name: DRAW.normal(size=shape) / 2 for name, shape in gates.items()}
    layer = reference.unpack("keras", "peephole_lstm", arrays, num_proj=3)
    code, data = ask(
        arrays, layer.run(IN).outputs, "--cell", "peephole_lstm", "--framework", "keras", "--option", "num_proj=3"
    )
    assert (code, data["verdict"], said(data)) == (0, "unique", [])
    gates = {"kernel": (X, 4 * H), "recurrent_kernel": (H, 4 * H), "bias": (4 * H,), "peephole": (3 * H,)}
    arrays = {name: DRAW.normal(size=shape) / 2 for name, shape in gates.items()}
    outputs = reference.unpack("keras", "peephole_lstm", arrays).run(IN).outputs
    i, f, o = np.split(arrays["peephole"], 3)
    code, data = ask({**arrays, "peephole": np.concatenate([i, o, f])}, outputs, "--framework", "keras")
    assert (code, said(data)) == (0, ["the peepholes are stored in the order i o f"])
    runs(data, outputs)


def test_another_cell_has_no_conversion(ask, keras_lstm):
    arrays, _ = keras_lstm
    layer = reference.unpack("keras", "lstm", arrays)
    from comparisons.proof import mutants

    outputs = dict(mutants.planted(layer, False))["no forget gate"].run(IN).outputs
    code, data = ask(arrays, outputs, "--framework", "keras")
    best = data["explanations"][0]
    assert (code, said(data), best["python"]) == (0, ["there is no forget gate: c = c + i g"], [])
    assert best["other_cell"] == said(data)


def test_a_models_file(ask, tmp_path):
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((T, X)), keras.layers.GRU(H, return_sequences=True, name="gru")])
    model.save("model.keras")
    code, data = ask(None, model.predict(IN, verbose=0), "--weights", "model.keras", "--layer", "gru")
    assert (code, data["verdict"], said(data)) == (0, "unique", [])


# Intermediate values


def gates_of(layer, **changed):
    run = layer.run(IN)
    return {**run.gates, **run.states._asdict(), "x": IN, "outputs": run.outputs, **changed}


def diagnosed(capsys, *more):
    code = main(["diagnose", "--weights", "w.npz", "--gates", "g.npz", *more, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def right(tmp_path, monkeypatch, keras_lstm):
    monkeypatch.chdir(tmp_path)
    np.savez("w.npz", **keras_lstm[0])
    return reference.unpack("keras", "lstm", keras_lstm[0])


def test_intermediate_values_that_agree(right, capsys):
    np.savez("g.npz", **gates_of(right))
    code, data = diagnosed(capsys, "--framework", "keras")
    assert (code, data["gates"]["first"], data["verdict"]) == (0, None, "unique")
    assert data["gates"]["compared"] == sorted(["i", "f", "g", "o", "h", "c"])


@pytest.mark.parametrize(
    ("letter", "change", "told"),
    [
        ("f", lambda v, run: v + 0.01 * (np.arange(T) >= 3)[None, :, None], (3, "f", "before its activation")),
        ("o", lambda v, run: np.log(v / (1 - v)), (0, "o", "it is not activated")),
        ("i", lambda v, run: np.clip(0.2 * np.log(v / (1 - v)) + 0.5, 0, 1), (0, "i", "Keras 2's hard sigmoid")),
        ("g", lambda v, run: np.arctanh(v), (0, "g", "it is not activated")),
        ("f", lambda v, run: run.gates["o"], (0, "f", "the values of the output gate")),
        ("f", lambda v, run: 1 / (1 + np.exp(-np.log(v / (1 - v)) - 1)), (0, "f", "+1 is added to its net input")),
        ("c", lambda v, run: np.cumsum(run.gates["i"] * run.gates["g"], axis=1), (1, "c", "not forgotten")),
        ("h", lambda v, run: run.gates["o"] * run.states.c, (0, "h", "the activation of c is left out")),
        ("i", lambda v, run: 1 - v, (0, "i", "the other way round")),
    ],
    ids=["net input", "o bare", "hard sigmoid", "g bare", "exchanged", "forget bias", "c", "h", "1 - i"],
)
def test_the_first_divergence(right, capsys, letter, change, told):
    run = right.astype("float64").run(IN.astype("float64"))
    values = (run.gates | run.states._asdict())[letter]
    np.savez("g.npz", **{**gates_of(right), letter: change(values, run).astype("float32")})
    code, data = diagnosed(capsys, "--framework", "keras")
    first = data["gates"]["first"]
    assert (code, first["step"], first["field"]) == (1, *told[:2])
    assert told[2] in first["said"]
    main(["diagnose", "--weights", "w.npz", "--gates", "g.npz", "--framework", "keras"])
    assert f"first part at step {told[0]}" in capsys.readouterr().out


def test_what_is_computed_first_is_named_first(right, capsys):
    """A wrong c makes a wrong h at the same step: it is c that is off."""
    run = right.astype("float64").run(IN.astype("float64"))
    c = run.states.c + 0.01
    np.savez("g.npz", **gates_of(right, c=c, h=run.gates["o"] * np.tanh(c)))
    code, data = diagnosed(capsys, "--framework", "keras")
    assert (code, data["gates"]["first"]["step"], data["gates"]["first"]["field"]) == (1, 0, "c")


def test_intermediate_values_alone_need_no_outputs(right, capsys):
    values = gates_of(right)
    del values["outputs"]
    values["g"] = values["g"].copy()
    values["g"][1, 4, 2] += 0.1
    np.savez("g.npz", **{f"lstm/{name}": a for name, a in values.items()})
    code, data = diagnosed(capsys, "--framework", "keras")
    first = data["gates"]["first"]
    assert (code, first["step"], first["field"], first["unit"], first["batch"]) == (1, 4, "g", 2, 1)
    assert "verdict" not in data


def test_after_the_explanation_the_values_agree(right, capsys):
    """Gates of another order: the search names it, and under it the intermediate values are right."""
    w = right.weights
    order = lambda a: np.concatenate([np.split(a, 4, axis=-1)[k] for k in (1, 0, 2, 3)], axis=-1)
    np.savez("w.npz", kernel=order(w.kernel), recurrent_kernel=order(w.recurrent_kernel), bias=order(w.bias))
    np.savez("g.npz", **gates_of(right))
    code, data = diagnosed(capsys, "--framework", "keras")
    assert (code, data["gates"]["first"]) == (0, None)
    assert "order f i g o" in said(data)[0]


# Refusals


@pytest.mark.parametrize(
    ("arguments", "code", "must"),
    [
        (["--outputs", "no.npy"], 3, "no.npy"),
        (["--inputs", "bad.csv"], 3, "must hold numbers"),
        (["--inputs", "two.npz"], 3, "--inputs must hold one array"),
        (["--framework", "kerass"], 2, "framework must be one of"),
        (["--framework", "onnx"], 2, "without --framework every one is tried"),
        (["--cell", "gru"], 2, "arrays must be those of a gru of 3 inputs and 5 outputs"),
        (["--cell", "lstmm"], 2, "--cell must be one of"),
        (["--inputs", "wide.npy"], 2, "arrays must be those of"),
        (["--initial-state", "two.npz"], 2, "--initial-state must hold h, c, got 'a'"),
        (["--initial-state", "y.npy"], 2, "--initial-state must hold h, c, got no 'c'"),
        (["--option", "nonsense"], 2, "--option must be name=value"),
        (["--weights", "none.npz"], 3, "none.npz"),
        (["--prefix", "z"], 2, "begin with 'z'"),
    ],
    ids=str,
)
def test_refusals_are_one_sentence(tmp_path, monkeypatch, capsys, keras_lstm, arguments, code, must):
    monkeypatch.chdir(tmp_path)
    arrays, outputs = keras_lstm
    np.savez("w.npz", **arrays)
    np.save("x.npy", IN)
    np.save("y.npy", outputs)
    np.save("wide.npy", np.zeros((B, T, X + 1)))
    np.savez("two.npz", a=IN, b=IN)
    with open("bad.csv", "w") as file:
        file.write("1,2,3\n1,b,3\n")
    given = {"--weights": "w.npz", "--inputs": "x.npy", "--outputs": "y.npy"}
    given |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    before = sorted(tmp_path.iterdir())
    assert main(["diagnose", *[word for pair in given.items() for word in pair]]) == code
    out, err = capsys.readouterr()
    assert must in err
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_neither_outputs_nor_gates(ask, capsys):
    np.savez("w.npz", a=IN)
    assert main(["diagnose", "--weights", "w.npz", "--inputs", "x.npy"]) == 2
    assert "--outputs or --gates must be given" in capsys.readouterr().err


def test_it_runs_as_a_command(tmp_path, torch_gru):
    arrays, outputs = torch_gru
    np.savez(tmp_path / "w.npz", **arrays)
    np.save(tmp_path / "x.npy", IN)
    np.save(tmp_path / "y.npy", outputs)
    words = [
        sys.executable,
        "-m",
        "comparisons",
        "diagnose",
        "--weights",
        "w.npz",
        "--inputs",
        "x.npy",
        "--outputs",
        "y.npy",
    ]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gru; outputs float32; ")


@pytest.mark.parametrize("file", ["x.npy", "x.npz", "x.csv", "names.csv"])
def test_the_code_reads_the_files_as_they_are(ask, torch_gru, file):
    """One sequence without a batch, in each kind of file, and weights under a prefix or in .safetensors."""
    arrays, outputs = torch_gru
    table = IN[0].astype("float64")
    np.savez("x.npz", anything=table)
    np.save("x.npy", table)
    for name, header in (("x.csv", ""), ("names.csv", ",".join("abcdefgh"[:X]))):
        np.savetxt(name, table, delimiter=",", header=header, comments="")
    given = {f"encoder.{name}": a for name, a in arrays.items()}
    more = ["--framework", "pytorch", "--prefix", "encoder."]
    _, data = ask(given, outputs[0], *more, x=file)
    runs(data, outputs[:1])
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file(given, "w.safetensors")
    _, data = ask(None, outputs[0], *more, "--weights", "w.safetensors", x=file)
    runs(data, outputs[:1])
