"""`gateproof trace`: what it writes and prints, of files with and without a graph, of arrays and of text."""

import csv
import json

import keras
import numpy as np
import pytest
from keras import layers as L

import comparisons
import reference
from comparisons.commands import trace as command
from comparisons.render import slides, traces_files

U = 2.0**-24
X = np.random.default_rng(4).normal(size=(2, 6, 3)).astype("float32")
TOLD = [f"--option={name}" for name in ("activation=tanh", "recurrent_activation=sigmoid", "go_backwards=false")]
PICTURES = ("gates", "states", "saturation", "half_life", "unit")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Models and inputs of every kind, by their names."""
    home = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(3)
    drawn = {"bias_initializer": "random_normal"}
    models = {
        "series": [L.Input((None, 3)), L.LSTM(4, name="lstm", **drawn), L.Dense(1)],
        "chars": [
            L.Input((None,)),
            L.Embedding(7, 3, name="embedding"),
            L.LSTM(4, return_sequences=True, name="first", **drawn),
            L.GRU(3, go_backwards=True, return_sequences=True, name="second", **drawn),
            L.SimpleRNN(2, name="third", **drawn),
        ],
        "onehot": [L.Input((5, 5)), L.Bidirectional(L.LSTM(3, **drawn), name="both"), L.Dense(2)],
        "convolved": [L.Input((9, 3)), L.Conv1D(2, 3, name="conv"), L.GRU(3, name="gru", **drawn)],
        "upset": [L.Input((6, 3)), L.RandomContrast(0.1, name="strange"), L.LSTM(2, name="lstm", **drawn)],
        "flat": [L.Input((3,)), L.Dense(2)],
    }
    for name, layers in models.items():
        model = keras.Sequential(layers)
        model.save(home / f"{name}.keras")
        if name == "chars":
            model.save_weights(home / "chars.weights.h5")
    shared, shape = L.LSTM(3, name="shared", return_sequences=True, **drawn), (None, 3)
    a, b = keras.Input(shape, name="a"), keras.Input(shape, name="b")
    first, second = shared(a), shared(b)
    joined = L.Add(name="join")([first, second])  # which are run from the last to the first
    keras.Model([a, b], L.GRU(2, name="end")(joined)).save(home / "two.keras")
    gru = {"weight_ih_l0": (12, 3), "weight_hh_l0": (12, 4), "bias_ih_l0": (12,), "bias_hh_l0": (12,)}
    draw = np.random.default_rng(5)
    np.savez(home / "torch.npz", **{name: draw.normal(size=shape).astype("float32") for name, shape in gru.items()})
    np.save(home / "x.npy", X)
    np.savez(home / "two.npz", a=X, b=-X)
    np.savez(home / "masked.npz", x=X, mask=np.arange(12).reshape(2, 6) != 4, initial_h=np.full((2, 4), 0.5))
    np.savetxt(home / "x.csv", X[0], delimiter=",", header="u,v,w", comments="")
    (home / "vocabulary.json").write_text(json.dumps(list("_ abcde")), encoding="utf-8")
    (home / "indices.json").write_text(json.dumps({"0": "公", "1": "主", "2": "很", "3": "漂", "4": "亮"}))
    (home / "words.json").write_text(json.dumps({"the": 1, "cat": 2, "sat": 3}))
    return home


@pytest.fixture
def at(files, monkeypatch, tmp_path):
    """In a folder of its own, with a function that gives a file's path; pictures are small."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(slides, "DPI", 20)
    return lambda name: str(files / name)


def loaded(folder="trace"):
    with np.load(f"{folder}/trace.npz") as arrays:
        return dict(arrays)


def table(folder="trace"):
    with open(f"{folder}/trace.csv", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_one_layer(run, at, tmp_path):
    shown = run("trace", at("series.keras"), "--inputs", at("x.npy"))
    layer = comparisons.load(at("series.keras"))["lstm"]
    own = layer.run(X)
    arrays = loaded()
    assert list(arrays) == ["x", "i", "f", "g", "o", "h", "c", "outputs"]
    for name, array in {**own.gates, **own.states._asdict(), "outputs": own.outputs, "x": X}.items():
        np.testing.assert_array_equal(arrays[name], array)
    names = {"trace.npz", "trace.csv", "trace.json", *(f"{name}.png" for name in PICTURES)}
    assert {path.name for path in (tmp_path / "trace").iterdir()} == names
    for name in PICTURES:
        assert (tmp_path / "trace" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    rows = [line.split() for line in shown.splitlines()]
    assert rows[0] == ["layer", "mean", "range", "shut", "open", "half-life", "measured"]
    assert rows[2][:3] == ["lstm", "(lstm)", "i"]
    assert [row[0] for row in rows[3:8]] == ["f", "g", "o", "h", "c"] or [row[0] for row in rows[3:8]] == list("foghc")
    assert "Written: trace/trace.npz" in shown


def test_the_table_of_a_spreadsheet(run, at):
    run("trace", at("series.keras"), "--inputs", at("x.npy"), "--no-pictures")
    rows, own = table(), comparisons.load(at("series.keras"))["lstm"].run(X)
    assert list(rows[0])[:7] == ["layer", "row", "step", "position", "token", "counted", "unit"]
    assert list(rows[0])[7:] == ["i", "f", "g", "o", "h", "c", "output"]
    assert len(rows) == 2 * 6 * 4
    for row in rows:
        place = int(row["row"]), int(row["step"]), int(row["unit"])
        assert row["position"] == row["step"]
        assert (row["layer"], row["token"], row["counted"]) == ("lstm", "", "1")
        for name, array in {**own.gates, **own.states._asdict(), "output": own.outputs}.items():
            assert np.float32(row[name]) == array[place]


def test_json_has_the_numbers_and_what_is_printed(run, at):
    np.save("far.npy", x := 20 * X + 5)  # gates are shut, and others open
    shown = json.loads(run("trace", at("series.keras"), "--inputs", "far.npy", "--no-pictures", "--json"))
    with open("trace/trace.json", encoding="utf-8") as stream:
        written = json.load(stream)
    assert {name: shown[name] for name in ("schema_version", "command")} == {"schema_version": 1, "command": "trace"}
    assert shown["files"] == ["trace/trace.npz", "trace/trace.csv", "trace/trace.json"]
    assert written["layers"] == shown["layers"]
    for name, array in loaded().items():
        np.testing.assert_array_equal(np.array(written["values"][name], array.dtype), array)
    (layer,) = shown["layers"]
    own = comparisons.load(at("series.keras"))["lstm"].run(x)
    forget = own.gates["f"].astype("float64")
    assert layer["path"] == "lstm"
    assert (layer["batch"], layer["steps"], layer["input_dim"], layer["units"]) == (2, 6, 3, 4)
    assert layer["gates"]["f"]["mean"] == pytest.approx(forget.mean(), rel=1e-8)
    assert layer["gates"]["i"]["shut"] == pytest.approx((own.gates["i"] < 0.1).mean(), rel=1e-8)
    assert len({layer["gates"]["i"][name] for name in ("shut", "open")} | {0}) == 3
    assert layer["gates"]["o"]["open"] == pytest.approx((own.gates["o"] > 0.9).mean(), rel=1e-8)
    lives = np.log(0.5) / np.log(forget).mean(axis=(0, 1))
    np.testing.assert_allclose(layer["half_life"]["units"], lives, rtol=1e-7)
    assert layer["half_life"]["longest"]["unit"] == lives.argmax()
    assert layer["states"]["c"]["max"] == pytest.approx(own.states.c.max(), rel=1e-8)


def test_what_reaches_a_layer_is_what_the_layers_before_it_give(run, at):
    run("trace", at("chars.keras"), "--text", "abba cd", "--vocabulary", at("vocabulary.json"), "--no-pictures")
    arrays, live = loaded(), keras.models.load_model(at("chars.keras"))
    read = np.array([[2, 3, 3, 2, 1, 4, 5]])
    for layer in ("first", "second", "third"):
        theirs = keras.ops.convert_to_numpy(keras.Model(live.inputs[0], live.get_layer(layer).output)(read))
        ours = arrays[f"{layer}/outputs"]
        assert np.abs((ours if theirs.ndim == 3 else ours[:, -1]) - theirs).max() <= 32 * U
    np.testing.assert_array_equal(arrays["second/x"], arrays["first/outputs"])
    rows = table()
    read_by = {
        name: [r["token"] for r in rows if r["layer"] == name and r["unit"] == "0"] for name in ("first", "second")
    }
    assert read_by == {"first": list("abba cd"), "second": list("dc abba")}
    third = [(r["step"], r["position"], r["token"]) for r in rows if r["layer"] == "third" and r["unit"] == "0"]
    assert third == [(str(k), str(k), token) for k, token in enumerate("dc abba")]  # it gets them turned round
    second = [r["position"] for r in rows if r["layer"] == "second" and r["unit"] == "0"]
    assert second == list("6543210")
    assert {row["z"] for row in rows if row["layer"] == "first"} == {""}


def test_only_one_layer(run, at):
    text = ["--text", "abba", "--vocabulary", at("vocabulary.json"), "--no-pictures"]
    run("trace", at("chars.keras"), *text, "--out", "all")
    run("trace", at("chars.keras"), *text, "--layer", "second", "--out", "one")
    every, one = loaded("all"), loaded("one")
    assert set(one) == {"x", "z", "r", "n", "h", "outputs"}
    for name, array in one.items():
        np.testing.assert_array_equal(array, every[f"second/{name}"])


def test_one_hot_text_in_two_directions(run, at, capsys):
    run_words = ["trace", at("onehot.keras"), "--text", "公主很漂亮", "--vocabulary", at("indices.json")]
    shown = run(*run_words, "--no-pictures")
    arrays = loaded()
    np.testing.assert_array_equal(arrays["x"], np.eye(5)[None])
    layer = comparisons.load(at("onehot.keras"))["both"]
    np.testing.assert_array_equal(arrays["outputs"], layer.run(arrays["x"]).outputs)
    np.testing.assert_array_equal(arrays["backward/c"], layer.backward.run(arrays["x"]).states.c)
    assert "Read from the last step to the first: both/backward (lstm)" in shown


def test_characters_that_no_font_draws_are_told(at, capsys, monkeypatch):
    from comparisons.cli import main
    from comparisons.render import traces_axes, traces_pictures

    for name in set(PICTURES) - {"gates"}:
        monkeypatch.delitem(traces_pictures.PICTURES, name)
    lost = traces_axes.undrawn("公主很漂亮")
    assert main(["trace", at("onehot.keras"), "--text", "公主很漂亮", "--vocabulary", at("indices.json")]) == 0
    err = capsys.readouterr().err
    if lost:
        assert err.count("\n") == 1
        assert err.endswith(f"which are shown by code point: {' '.join(lost)}\n")
    else:
        assert err == ""


def test_a_layer_that_is_called_twice(run, at):
    run("trace", at("two.keras"), "--inputs", at("two.npz"), "--no-pictures")
    arrays, layers = loaded(), comparisons.load(at("two.keras"))
    np.testing.assert_array_equal(arrays["shared/c"], layers["shared"].run(X).states.c)
    np.testing.assert_array_equal(arrays["shared@2/c"], layers["shared"].run(-X).states.c)
    np.testing.assert_array_equal(arrays["end/x"], arrays["shared/outputs"] + arrays["shared@2/outputs"])


def test_steps_of_another_length_have_no_texts(run, at):
    np.save("x.npy", np.random.default_rng(6).normal(size=(9, 3)))
    run("trace", at("convolved.keras"), "--inputs", "x.npy", "--no-pictures")
    assert loaded()["x"].shape == (1, 7, 2)


def test_weights_alone(run, at):
    shown = run("trace", at("torch.npz"), "--inputs", at("masked.npz"), "--no-pictures")
    layer, mask = next(iter(reference.load(at("torch.npz")).values())), np.arange(12).reshape(2, 6) != 4
    own = layer.run(X, (np.full((2, 4), 0.5),), mask)
    arrays = loaded()
    np.testing.assert_array_equal(arrays["h"], own.states.h)
    np.testing.assert_array_equal(arrays["mask"], mask)
    assert "The inputs are taken as those of" in shown
    assert "Masked steps, which count in no number here:" in shown
    run("trace", at("torch.npz"), "--inputs", "trace/trace.npz", "--out", "again", "--no-pictures")
    for name, array in loaded("again").items():
        np.testing.assert_array_equal(array, arrays[name])


def test_a_layer_s_own_inputs(run, at):
    np.save("own.npy", X[0])
    words = ["--layer", "first", "--layer-inputs", "--no-pictures"]
    run("trace", at("chars.keras"), "--inputs", "own.npy", *words)
    layer = comparisons.load(at("chars.keras"))["first"]
    np.testing.assert_array_equal(loaded()["c"], layer.run(X[:1]).states.c)
    run("trace", at("upset.keras"), "--inputs", "own.npy", "--layer", "lstm", "--layer-inputs", "--no-pictures")


def test_series_of_a_table_and_another_precision(run, at):
    run("trace", at("series.keras"), "--inputs", at("x.csv"), "--dtype", "float64", "--no-pictures")
    layer = comparisons.load(at("series.keras"))["lstm"].astype("float64")
    arrays = loaded()
    assert arrays["c"].dtype == "float64"
    np.testing.assert_allclose(arrays["c"], layer.run(X[:1].astype("float64")).states.c, rtol=1e-12)


def test_what_is_too_large_is_left_out_and_said(run, at, monkeypatch):
    monkeypatch.setattr(traces_files, "CSV_ROWS", 47)
    monkeypatch.setattr(traces_files, "JSON_NUMBERS", 10)
    shown = run("trace", at("series.keras"), "--inputs", at("x.npy"), "--no-pictures")
    assert (
        "trace.csv is left out: it would have 48 rows, and a spreadsheet takes 47; trace.npz has every number." in shown
    )
    assert "trace.json has no values: they would be 372 numbers, and it takes 10; trace.npz has every number." in shown
    with open("trace/trace.json", encoding="utf-8") as stream:
        written = json.load(stream)
    assert written["values"] is None
    assert list(written["left_out"]) == ["trace.csv", "trace.json"]


def test_nothing_is_half_written(at, monkeypatch, tmp_path):
    from comparisons.cli import main
    from comparisons.render import traces_pictures

    def full(drawn):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(traces_pictures.PICTURES, "saturation", full)
    assert main(["trace", at("series.keras"), "--inputs", at("x.npy")]) == 2
    assert list((tmp_path / "trace").iterdir()) == []


def test_names_of_pictures_are_names_of_files():
    taken = {}
    for name in ("../up/gates", "../up/gates", ".hidden/unit", "a/b/c/unit", "gates", f"{'x' * 300}/gates"):
        found = command._file(name, taken)
        assert "/" not in found
        assert not found.startswith(".")
        assert len(found) < 80
        taken[f"{found}.png"] = None
    assert list(taken)[:4] == ["up-gates.png", "up-gates-2.png", "hidden-unit.png", "a-b-c-unit.png"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["series.keras"], "one of --inputs and --text must be given, got neither"),
        (["series.keras", "--inputs", "x.npy", "--text", "a"], "one of --inputs and --text must be given, got both"),
        (["chars.keras", "--text", "ab"], "--text must go with --vocabulary, got --text alone"),
        (["chars.keras", "--inputs", "x.npy", "--vocabulary", "words.json"], "--vocabulary must go with --text, got --vocabulary alone"),  # noqa: E501
        (["chars.keras", "--text", "abzy", "--vocabulary", "vocabulary.json"], "each character of --text must be one of the vocabulary's 7, got 'z', 'y'"),  # noqa: E501
        (["chars.keras", "--text", "the dog", "--vocabulary", "words.json"], "each word of --text must be one of the vocabulary's 3, got 'dog'"),  # noqa: E501
        (["chars.keras", "--text", "", "--vocabulary", "vocabulary.json"], "--text must have a character at least, got ''"),  # noqa: E501
        (["chars.keras", "--text", "a", "--vocabulary", "none.json"], "--vocabulary must be a file, got"),
        (["onehot.keras", "--text", "ab", "--vocabulary", "vocabulary.json"], "--vocabulary must have 5 entries, as the model's input has, got 7"),  # noqa: E501
        (["chars.keras", "--inputs", "x.npy", "--layer", "gru"], "--layer must be one of the recurrent layers first, second, third, got 'gru'"),  # noqa: E501
        (["series.keras", "--inputs", "x.npy", "--layer", "dense"], "--layer must be one of the recurrent layers lstm, got 'dense'"),  # noqa: E501
        (["series.keras", "--inputs", "x.npy", "--unit", "4"], "--unit must be from 0 to 3, got 4"),
        (["series.keras", "--inputs", "x.npy", "--row", "2"], "--row must be from 0 to 1, the inputs' rows, got 2"),
        (["series.keras", "--inputs", "x.npy", "--steps", "0:7"], "--steps must be within 0 and 6, got 0 to 7"),
        (["series.keras", "--inputs", "x.npy", "--steps", "5:5"], "--steps must be BEGIN:END, such as 0:100, got '5:5'"),  # noqa: E501
        (["series.keras", "--inputs", "two.npz"], "--inputs must hold one array, or one called x or inputs"),
        (["two.keras", "--inputs", "x.npy"], "--inputs must hold an array for each of the model's inputs, a, b, got none for a in 'x.npy'"),  # noqa: E501
        (["chars.weights.h5", "--inputs", "x.npy", *TOLD], "connected, got none"),
        (["chars.keras", "--inputs", "x.npy"], "the inputs must have shape (batch, time), whole numbers below 7, got (2, 6, 3)"),  # noqa: E501
        (["upset.keras", "--inputs", "x.npy"], "carried over: give the inputs of a recurrent layer, with --layer PATH --layer-inputs"),  # noqa: E501
    ],
)  # fmt: skip
def test_refusals(refused, at, words, sentence):
    words = [at(word) if word.rpartition(".")[2] in ("keras", "npy", "npz", "json", "h5") else word for word in words]
    assert sentence in refused("trace", *words)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((2, 6, 4)), "the inputs must have shape (batch, time, 3), got (2, 6, 4)"),
        (np.zeros((6,)), "the inputs must have shape (batch, time, 3), got (6,)"),
        (np.zeros((2, 0, 3)), "the inputs must have shape (batch, time, 3), got (2, 0, 3)"),
    ],
)
def test_inputs_of_another_shape(refused, at, array, sentence):
    np.save("given.npy", array)
    assert refused("trace", at("series.keras"), "--inputs", "given.npy").endswith(sentence)


def test_indices_that_are_none(refused, at):
    for array, got in (([[0, 7]], "0 to 7"), ([[-1, 2]], "-1 to 2"), ([[0.5, 1]], "0.5")):
        np.save("given.npy", np.array(array))
        must = "the inputs must be (batch, time), whole numbers below 7, got"
        assert refused("trace", at("chars.keras"), "--inputs", "given.npy").endswith(f"{must} {got}")


def test_files_that_are_not_read(refused, at):
    refused("trace", "none.keras", "--inputs", at("x.npy"), exit_code=3)
    assert "must have a recurrent layer" in refused("trace", at("flat.keras"), "--inputs", at("x.npy"), exit_code=3)
    refused("trace", at("series.keras"), "--inputs", "none.npy", exit_code=3)
    refused("trace", at("series.keras"), "--inputs", at("words.json"), exit_code=3)
    with open("bad.csv", "w", encoding="utf-8") as stream:
        stream.write("1,2,3\n4,x,6\n7,8,9\n")
    assert "line 2 of 'bad.csv'" in refused("trace", at("series.keras"), "--inputs", "bad.csv", exit_code=3)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("v.txt", "banana", {"a": 0, "b": 1, "n": 2}),
        ("v.txt", "bna", {"b": 0, "n": 1, "a": 2}),
        ("v.json", '["<pad>", "a"]', {"<pad>": 0, "a": 1}),
        ("v.json", '{"a": 5, "b": 1}', {"a": 5, "b": 1}),
        ("v.json", '{"5": "a", "1": "b"}', {"a": 5, "b": 1}),
        ("v.txt", "", "--vocabulary must have characters, got none in 'v.txt'"),
        ("v.json", "[]", "--vocabulary must be a JSON list or object with entries, got none in 'v.json'"),
        ("v.json", "{", "--vocabulary must be JSON, as its name 'v.json' says, got something else"),
        ("v.json", '["a", "a"]', "--vocabulary must have a text and an index for each entry, each text once"),
        ("v.json", '{"a": -1}', "--vocabulary must have a text and an index for each entry, each text once"),
        ("v.json", '{"a": true}', "--vocabulary must have a text and an index for each entry, each text once"),
        ("v.json", "[1, 2]", "--vocabulary must have a text and an index for each entry, each text once"),
        ("v.json", '"abc"', "--vocabulary must be a JSON list or object with entries"),
    ],
)
def test_vocabularies(tmp_path, name, content, found):
    from comparisons.tracing import inputs

    (tmp_path / name).write_text(content, encoding="utf-8")
    if isinstance(found, dict):
        assert inputs.vocabulary(tmp_path / name) == found
        return
    with pytest.raises(ValueError, match="--vocabulary") as error:
        inputs.vocabulary(tmp_path / name)
    assert str(error.value).startswith(found)


def test_what_a_file_leaves_open_is_asked_for_as_options(refused, tmp_path):
    draw = np.random.default_rng(0).normal
    shapes = {"kernel": (3, 20), "recurrent_kernel": (5, 20), "bias": (20,)}
    np.savez(tmp_path / "w.npz", **{name: draw(size=shape) for name, shape in shapes.items()})
    np.save(tmp_path / "x.npy", draw(size=(1, 2, 3)))
    sentence = refused(
        "trace",
        str(tmp_path / "w.npz"),
        "--inputs",
        str(tmp_path / "x.npy"),
        "--option",
        "activation=tanh",
        exit_code=3,
    )
    assert "said by name, as in --option recurrent_activation=sigmoid (before" in sentence
    assert sentence.endswith(" --option go_backwards=False, got a file without")
