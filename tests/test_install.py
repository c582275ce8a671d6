"""`pip install .` and `gateproof compare`, as a user without make, torch, jax and onnx runs them."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from comparisons.frameworks import FRAMEWORKS

ROOT = Path(__file__).parents[1]
NOT_NEEDED = ("torch", "jax", "jaxlib", "flax", "onnx", "onnxruntime", "tf2onnx", "hypothesis", "pytest")

# Python imports sitecustomize at its start: here it makes these packages as good as not installed.
SITECUSTOMIZE = f"""
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in {NOT_NEEDED!r} else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What `pip install .` installs of ours, in a folder of its own; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"  # building leaves files beside what it builds
    for package in ("cells", "reference", "comparisons"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder / "wheel", source], check=True)
    (wheel,) = (folder / "wheel").iterdir()
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    (folder / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    return folder


def test_wheel_holds_the_packages_and_no_tests(installed):
    (wheel,) = (installed / "wheel").iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"cells", "reference", "comparisons"}
    assert {"cells/py.typed", "reference/py.typed", "comparisons/py.typed"} <= set(names)
    assert "comparisons/data/sunspots_monthly.csv" in names
    assert {"comparisons/render/page/page.css", "comparisons/render/page/page.js"} <= set(names)


def test_installed_command_proves_everything(installed, tmp_path):
    """The whole of `gateproof compare`: the project's main job, on every case."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "PYTHON"))}
    env["PYTHONPATH"] = str(installed / "site")
    script = installed / "site" / "bin" / "gateproof"
    done = subprocess.run(
        [sys.executable, script, "compare"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["passed"]
    assert len(report["cases"]) > 40
    assert report["missing"].keys() == {"pytorch", "onnx", "onnx_reference", "flax", "flax_nnx"}
    smallest = {}
    for case in report["cases"]:
        assert [row["framework"] for row in case["rows"]] == list(FRAMEWORKS)
        ratios = [max(planted["ratios"].values()) for planted in case["planted"]]
        smallest[case["dtype"]] = min([*ratios, smallest.get(case["dtype"], 1e300)])
    assert smallest["float32"] > 1000
    assert smallest["float64"] > 1e9
    assert smallest["float16"] > 10


def test_installed_command_counts(installed, tmp_path):
    env = {**os.environ, "PYTHONPATH": str(installed / "site")}
    script = installed / "site" / "bin" / "gateproof"
    done = subprocess.run(
        [sys.executable, script, "params", "lstm", "--inputs", "4", "--units", "5"],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "200 parameters" in done.stdout


def test_it_runs_the_installed_copy(installed):
    env = {**os.environ, "PYTHONPATH": str(installed / "site")}
    code = "import cells, reference, comparisons; print(cells.__file__, reference.__file__, comparisons.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=env, cwd=installed, capture_output=True, text=True, check=True
    )
    assert all(Path(file).is_relative_to(installed) for file in done.stdout.split())
