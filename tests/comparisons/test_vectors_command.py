"""`gateproof vectors`: files that a reader who has nothing of this project can run, and that see every mistake."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from comparisons.grading import catches
from comparisons.grading.cases import cases, cell
from comparisons.grading.vectors import SETS, file_name
from comparisons.proof import mutants
from reference import Layer, steps


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The standard sets, as the command writes them."""
    from comparisons.cli import main

    out = tmp_path_factory.mktemp("vectors")
    assert main(["vectors", "--out", str(out), "--json"]) == 0
    return out


def opened(path):
    return json.loads(path.read_text(encoding="utf-8"))


def number(nested):
    """What the numbers of a file are, read here once more."""
    if isinstance(nested, list):
        return [number(part) for part in nested]
    return float.fromhex(nested) if isinstance(nested, str) else nested


def layer_of(held, vector, dtype="float64"):
    Weights = steps.weights_type(held["cell"])
    arrays = {name: np.array(number(vector[name]), dtype) for name in Weights._fields if name in vector}
    options = {name: value for name, value in held["options"].items() if value is not None}
    return Layer(held["cell"], Weights(**arrays), options)


def run(held, vector, of, dtype="float64"):
    """The states over time of a layer on a vector."""
    state = [np.array(number(vector[name]), dtype) for name in held["states"]]
    fields = steps.module(held["cell"]).State._fields
    state += [np.zeros_like(state[-1])] * (len(fields) - len(state))
    states = of.run(np.array(number(vector["x"]), dtype), state).states
    return {name: getattr(states, name) for name in held["states"]}


def far(held, vector, states):
    """The farthest that any number lies from what is expected."""
    return max(np.abs(states[name] - np.array(number(vector["expected"][name]))).max() for name in held["states"])


def test_the_index_lists_every_file(folder):
    index = opened(folder / "index.json")
    assert (index["format"], index["version"], index["numbers"]) == ("gateproof vectors", 1, "hex")
    listed = [row["file"] for row in index["files"]]
    assert listed == [file_name(name, options) for name, options in SETS]
    assert {path.name for path in folder.iterdir()} == {*listed, "index.json", "README.md"}
    assert {row["cell"] for row in index["files"]} == set(steps.CELLS)
    assert all(re.fullmatch(r"[\w.-]+\.json", name) for name in listed)


@pytest.mark.parametrize("name", [file_name(*one) for one in SETS])
def test_the_reference_gives_them_and_every_mistake_is_caught_where_it_says(folder, name):
    held = opened(folder / name)
    assert held["vectors"]
    caught, every = set(), set()
    for vector in held["vectors"]:
        right = layer_of(held, vector)
        assert far(held, vector, run(held, vector, right)) == 0, "float64, to the bit"
        assert far(held, vector, run(held, vector, right.astype("float32"), "float32")) <= number(
            vector["tolerance"]["float32"]
        )
        planted = {n: wrong for n, wrong in mutants.planted(right, masked=False) if not catches.same(wrong, right)}
        every |= planted.keys()
        caught |= set(vector["catches"])
        with np.errstate(all="ignore"):
            for mistake in vector["catches"]:
                states = run(held, vector, planted[mistake])
                assert not far(held, vector, states) <= number(vector["tolerance"]["float32"]), (
                    mistake,
                    vector["name"],
                )
    assert caught == every


def test_shapes_and_gates_are_as_the_file_says(folder):
    for name in ("lstm.json", "peephole_lstm-num_proj-3-cell_clip-0.5-proj_clip-0.25.json", "mut1.json"):
        held = opened(folder / name)
        for vector in held["vectors"]:
            right = layer_of(held, vector)
            sizes = {"B": vector["batch"], "T": vector["time"], "X": vector["inputs"], "H": vector["units"]}
            sizes |= {"R": vector.get("outputs", vector["units"]), "C": sum(right.widths.values())}
            for array, spec in held["shapes"].items():
                assert np.shape(vector[array]) == steps.shape(spec, **sizes), (name, array)
            assert list(vector["gates"]) == list(held["gates"])
            assert np.shape(vector["gates"][held["gates"][0]]) == (sizes["B"], sizes["T"], sizes["H"])


def test_decimal_and_hex_are_the_same_numbers(folder, tmp_path):
    from comparisons.cli import main

    assert main(["vectors", "--out", str(tmp_path), "--cells", "gru", "--decimal", "--json"]) == 0
    name = "gru-reset_after-True.json"
    hexes, decimals = opened(folder / name), opened(tmp_path / name)
    assert (hexes["numbers"], decimals["numbers"]) == ("hex", "decimal")
    plain = lambda held: json.dumps([{k: number(v) for k, v in one.items() if k in "xh"} for one in held["vectors"]])
    assert plain(hexes) == plain(decimals)
    for one, other in zip(hexes["vectors"], decimals["vectors"], strict=True):
        assert number(one["expected"]["h"]) == other["expected"]["h"]
        assert number(one["tolerance"]["float32"]) == other["tolerance"]["float32"]
    assert "JSON's" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_the_readme_s_runner_needs_nothing_of_this_project(folder):
    (block,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    runs = lambda code: subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "gateproof" not in block
    assert "import" in block
    done = runs(block)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    for right, wrong in (("i, f, g, o =", "i, g, f, o ="), ("* np.tanh(c), c", "* c, c"), ("sigmoid(f) * c", "c")):
        assert runs(block.replace(right, wrong)).stderr.strip().splitlines()[-1].startswith("AssertionError: ("), wrong


def test_options_of_one_s_own(run_command, tmp_path):
    out = run_command("vectors", "--out", str(tmp_path), "--cells", "lstm", "--option", "forget_bias=2.5")
    assert "lstm-forget_bias-2.5.json" in out
    assert "40" in out
    held = opened(tmp_path / "lstm-forget_bias-2.5.json")
    assert held["options"]["forget_bias"] == 2.5
    assert len(held["vectors"]) == len(cases(cell("lstm")))


@pytest.fixture
def run_command(capsys):
    from comparisons.cli import main

    def run(*words):
        assert main(list(words)) == 0
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--cells", "lstn"), "--cells must be one of simple_rnn, jordan, lstm"),
        (("--cells", "lstm", "--option", "units=2"), "use_recurrent_bias, got 'units'"),
        (("--option", "forget_bias=1"), "option of simple_rnn must be one of activation, use_bias"),
    ],
)
def test_usage(refused, tmp_path, words, sentence):
    assert sentence in refused("vectors", "--out", str(tmp_path / "new"), *words)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written(refused, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    sentence = refused("vectors", "--out", str(tmp_path / "file" / "in"), "--cells", "mgu")
    assert "--out must be a folder that can be written" in sentence
