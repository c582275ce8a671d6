"""`gateproof frameworks`: what is there, what it needs, what it can run; and none of it is imported to say so."""

import json
import subprocess
import sys

import pytest

from comparisons import frameworks
from comparisons.proof.cases import CASES


@pytest.fixture(scope="module")
def listed():
    """The answer of a process of its own, and what that process had imported in the end."""
    code = """if 1:
        import sys
        from comparisons.cli import main
        code = main(["frameworks", "--json"])
        heavy = ("keras", "tensorflow", "tf_keras", "torch", "jax", "flax", "onnx", "onnxruntime", "matplotlib")
        print(code, [name for name in heavy if name in sys.modules], file=sys.stderr)
    """
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_nothing_heavy_is_imported(listed):
    assert listed.stderr == "0 []\n"


def test_every_framework_says_which_cases_it_can_run(listed):
    data = json.loads(listed.stdout)
    assert (data["schema_version"], data["command"]) == (1, "frameworks")
    rows = {row["name"]: row for row in data["frameworks"]}
    assert list(rows) == list(frameworks.FRAMEWORKS)
    for name, row in rows.items():
        assert row["packages"] == frameworks.versions(name)
        assert row["missing"] == frameworks.absent(name)
        assert sum(cell["of"] for cell in row["cells"].values()) == len(CASES)
        for cell, found in row["cells"].items():
            assert found["able"] + len(found["unable"]) == found["of"] > 0, (name, cell)
            assert all(found["unable"].values())
    assert not any(cell["unable"] for cell in rows["reference"]["cells"].values())
    assert "resets after" in rows["pytorch"]["cells"]["gru"]["unable"]["gru, reset before"]
    assert rows["raw_ops_v2"]["cells"]["gru"]["able"] == 0


def test_the_table_says_what_to_install(run, monkeypatch):
    there = frameworks.find_spec
    monkeypatch.setattr(frameworks, "find_spec", lambda name: None if name in ("torch", "onnx") else there(name))
    lines = {line.split()[0]: line for line in run("frameworks").splitlines() if line.strip()}
    assert "not installed: pip install torch" in lines["pytorch"]
    assert "not installed: pip install onnx" in lines["onnx_reference"]
    assert " numpy " in lines["reference"]
    assert lines["reference"].rstrip().endswith("all")
    for name in frameworks.FRAMEWORKS:
        if name not in ("pytorch", "onnx", "onnx_reference"):
            assert "pip install" not in lines[name] or frameworks.absent(name)


def test_a_framework_that_is_not_there_is_not_run(monkeypatch):
    monkeypatch.setattr(frameworks, "find_spec", lambda name: None)
    for name in ("tf1", "raw_ops", "raw_ops_v2", "pytorch", "onnx", "onnx_reference", "flax", "flax_nnx"):
        module = frameworks.load(name)
        assert module.missing().startswith("not installed: pip install "), name
        assert "None" not in module.title(), name
