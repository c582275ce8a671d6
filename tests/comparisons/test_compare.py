"""`gateproof compare`: the report is right, and everything that can go wrong is said."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

import cells
from comparisons import frameworks
from comparisons.commands import compare
from comparisons.proof import draws
from comparisons.proof import run as proof
from comparisons.proof.cases import CASES, Case
from comparisons.render import document, pictures

FEW = (
    Case("rnn", "simple_rnn", units=4),
    Case("lstm", "lstm", units=4, mask=True),
    Case("lstm, forget_bias", "lstm", "drawn", "drawn", units=4, steps=8, options={"forget_bias": 1.0}),
    Case("gru, sentence", "gru", "sentence", "drawn", units=4, stateful=True),
)


@pytest.fixture
def few(monkeypatch):
    """A short run: the whole of it takes a minute, and CI runs it by `make run`'s own test."""
    original = proof.run
    monkeypatch.setattr(proof, "run", lambda **given: original(**given | {"cases": FEW}))
    monkeypatch.setattr(draws, "sunspots", lambda: np.sin(np.arange(60.0))[:, None] + np.arange(60)[:, None] / 30)


def test_report_is_complete(run, few, tmp_path):
    out = run("compare", "--out", str(tmp_path / "deep" / "report"))
    for case in FEW:
        assert case.name in out
    assert "every one within what is allowed" in out
    assert "every one rejected" in out
    folder = tmp_path / "deep" / "report"
    names = {"report.json", "report.md", "report.html", *(f"{name}.png" for name in pictures.PICTURES)}
    assert {path.name for path in folder.iterdir()} == names
    report = json.loads((folder / "report.json").read_text())
    assert report["schema_version"] == document.SCHEMA_VERSION
    assert report["passed"] is True
    assert report["versions"]["keras"].startswith("3.15")
    assert [case["name"] for case in report["cases"]] == [case.name for case in FEW]
    for case in report["cases"]:
        assert [row["framework"] for row in case["rows"]] == list(frameworks.FRAMEWORKS)
        for row in case["rows"]:
            for check in row["checks"].values():
                assert check["ratio"] <= 1
                assert set(check["at"]) == {"batch", "step", "field", "unit"}
        assert min(max(p["ratios"].values()) for p in case["planted"]) > 100
    for name in pictures.PICTURES:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert f"({name}.png)" in (folder / "report.md").read_text()


def test_json_on_stdout_is_the_report(run, few, tmp_path):
    out = run("compare", "--json", "--cells", "simple_rnn", "--frameworks", "cells,reference", "--out", str(tmp_path))
    printed = json.loads(out)
    assert printed == json.loads((tmp_path / "report.json").read_text())
    assert [case["cell"] for case in printed["cases"]] == ["simple_rnn"]
    assert [row["framework"] for row in printed["cases"][0]["rows"]] == ["cells", "reference"]


def test_same_seed_gives_the_same_numbers(run, few, tmp_path):
    def numbers(seed):
        run("compare", "--cells", "gru", "simple_rnn", "--seed", seed, "--out", str(tmp_path))
        return json.loads((tmp_path / "report.json").read_text())["cases"]

    assert numbers("3") == numbers("3") != numbers("4")


class SwappedGates(cells.LSTMCell):
    """A cell with input and forget gate exchanged."""

    def split(self, a, gates=None):
        i, f, g, o = super().split(a, gates)
        return f, i, g, o


def test_wrong_cell_fails_the_run(run, few, tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "LSTMCell", SwappedGates)
    out = run("compare", "--cells", "lstm", "--frameworks", "cells", "keras", "--out", str(tmp_path), exit_code=1)
    assert "4 of them PAST what is allowed" in out
    assert "✗" in out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["passed"] is False
    assert [[row["passed"] for row in case["rows"]] for case in report["cases"]] == [[False, True]] * 2
    assert "**past**" in (tmp_path / "report.md").read_text()


def test_not_a_number_fails_the_run(run, few, tmp_path, monkeypatch):
    module = frameworks.load("cells")
    monkeypatch.setattr(
        module, "run", lambda case, layer, x, mask: _nan(frameworks.load("reference").run(case, layer, x, mask))
    )
    run("compare", "--cells", "simple_rnn", "--out", str(tmp_path), exit_code=1)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["cases"][0]["rows"][0]["checks"]["shadowed"]["ratio"] is None


def _nan(trace):
    trace.outputs[0, 2, 1] = trace.states[0][0, 2, 1] = np.nan
    return trace


def test_mistake_that_passes_fails_the_run(run, few, tmp_path, monkeypatch):
    """A check that cannot reject proves nothing, and the run says so."""
    monkeypatch.setattr("comparisons.proof.mutants.MUTANTS", [type(m := _none())(m.name, m.plant)])
    out = run("compare", "--cells", "simple_rnn", "--out", str(tmp_path), exit_code=1)
    assert "1 planted mistakes, 1 of them NOT REJECTED" in out


def _none():
    from comparisons.proof.mutants import Mutant

    return Mutant("no mistake at all", lambda layer: layer)


def test_missing_framework_is_a_line(run, few, tmp_path, monkeypatch):
    monkeypatch.setattr(frameworks.load("keras2"), "absent", lambda name: "not installed: pip install tf-keras")
    out = run("compare", "--cells", "gru", "--out", str(tmp_path))
    assert "Keras 2 (tf-keras 2.21.0): not installed: pip install tf-keras." in out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["missing"] == {"keras2": "not installed: pip install tf-keras"}
    assert report["cases"][0]["rows"][2]["reason"] == "not installed: pip install tf-keras"


def test_nothing_to_compare_is_no_success(refused, tmp_path):
    said = refused("compare", "--cells", "mgu", "--frameworks", "onnx", "--out", str(tmp_path))
    assert said.startswith("gateproof compare: nothing can be compared, onnx: onnx has no mgu")
    assert not list(tmp_path.iterdir())


def test_without_keras_it_cannot_work(refused, monkeypatch, tmp_path):
    monkeypatch.setattr(compare, "find_spec", lambda name: None if name == "keras" else find_spec(name))
    said = refused("compare", "--out", str(tmp_path), exit_code=4)
    assert said == "gateproof compare: keras must be installed to train and run the cells: pip install keras"


@pytest.mark.parametrize("shape", [(40,), (40, 2), (3, 20, 2)])
def test_own_data(run, few, tmp_path, shape):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=shape) * 1000)
    out = run(
        "compare", "--data", str(tmp_path / "x.npy"), "--cells", "simple_rnn", "lstm", "--out", str(tmp_path / "r")
    )
    assert "Data: x.npy." in out


def test_data_whose_name_is_no_text(run, few, tmp_path):
    name = os.fsdecode(b"\xff.csv")
    (tmp_path / name).write_text("\n".join(map(str, range(40))))
    out = run(
        "compare",
        "--data",
        str(tmp_path / name),
        "--cells",
        "simple_rnn",
        "--frameworks=reference",
        "--out",
        str(tmp_path),
    )
    assert "Data: ?.csv." in out
    assert "<dd>?.csv</dd>" in (tmp_path / "report.html").read_text(encoding="utf-8")


WRONG = {
    ("--cells", "lstn"): (2, ", mut3, got 'lstn', did you mean lstm?"),
    ("--cells", "xyz"): (2, "cell must be one of simple_rnn, jordan, lstm, "),
    ("--frameworks", "torch"): (2, ", flax_nnx, reference, got 'torch', did you mean pytorch?"),
    ("--case", "lstm, masc"): (
        2,
        "--case must be the name of a case in the report, got 'lstm, masc', did you mean 'lstm, mask'?",
    ),
    ("--case", "lstm", "--cells", "gru"): (2, "--case must be the name of a case in the report, got 'lstm'"),
    ("--data", "nothing.csv"): (3, "no data file 'nothing.csv'"),
    ("--seed", "-1"): (2, "--seed must be an integer from 0 to 4294967295, got '-1'"),
    ("--seed", "4294967296"): (2, "--seed must be an integer from 0 to 4294967295, got '4294967296'"),
    ("--out", __file__): (2, "--out must be a folder that can be written, got"),
    ("--cell", "lstm"): (2, "unknown argument '--cell'"),
}


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_input_gets_one_sentence(refused, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, sentence = WRONG[arguments]
    assert sentence in refused("compare", *arguments, exit_code=code)


def test_failed_run_leaves_the_old_report(run, few, tmp_path, monkeypatch):
    (tmp_path / "report.md").write_text("old")
    monkeypatch.setattr(proof, "run", lambda **given: (_ for _ in ()).throw(KeyboardInterrupt))
    run("compare", "--out", str(tmp_path), exit_code=130)
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    assert (tmp_path / "report.md").read_text() == "old"


def test_failed_write_leaves_the_old_report_whole(refused, few, tmp_path, monkeypatch):
    def full(stream):
        raise OSError(28, "No space left on device")

    (tmp_path / "report.json").write_text("old")
    monkeypatch.setitem(pictures.PICTURES, "planted_mistakes", lambda report: SimpleNamespace(savefig=full))
    said = refused("compare", "--cells", "simple_rnn", "--frameworks", "reference", "--out", str(tmp_path))
    assert said.endswith("No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert (tmp_path / "report.json").read_text() == "old"


def test_a_cell_that_a_framework_has_not_is_explained(run, few, tmp_path, monkeypatch):
    monkeypatch.setattr(frameworks.load("keras2"), "unable", lambda case, layer: "no such cell")
    out = run("compare", "--cells", "gru", "--out", str(tmp_path))
    assert "why a witness has no such cell, is in report.md" in out
    assert "| gru, sentence | keras2 | | | | | | no such cell |" in (tmp_path / "report.md").read_text()


def test_cases_cover_what_they_should():
    """Cells by activation era, options, shapes and precisions."""
    of = lambda name: {repr(getattr(case, name)) for case in CASES}
    for name in ("mask", "go_backwards", "stateful", "use_bias", "unit_forget_bias"):
        assert of(name) == {"True", "False"}
    assert of("dtype") == {"'float16'", "'float32'", "'float64'"}
    assert {"{'reset_after': False}", "{'forget_bias': 1.0}"} <= of("options")
    assert {case.inputs for case in CASES} == {"series", "sentence", "drawn"}


@pytest.mark.parametrize("framework", ["cells,keras2", "reference"])
def test_command_says_nothing_but_the_tables(tmp_path, framework):
    """In a process of its own: no log of TensorFlow's on stderr, plain text in a pipe."""
    command = [sys.executable, "-m", "comparisons", "compare", "--cells", "simple_rnn", "--frameworks", framework]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=plain, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert (tmp_path / "report" / "report.json").is_file()
