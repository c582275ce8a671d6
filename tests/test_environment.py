"""Where a framework is missing its tests skip, and say so; in continuous integration none may be missing."""

import os
import re
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WITNESSES = ("keras", "tensorflow", "tf-keras", "torch", "jax", "flax", "onnx", "onnxruntime", "tf2onnx")


@pytest.mark.parametrize("package", WITNESSES)
def test_witness_is_installed(package):
    try:
        version(package)
    except PackageNotFoundError:
        missing = f"{package} IS NOT INSTALLED: what it witnesses was NOT tested"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_constraints_pin_every_version_and_name_no_address():
    assert len(pins()) > 50
    for line in pins():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*", line), line


def test_every_requirement_is_pinned():
    pinned = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in pins()}
    for requirement in requires("gateproof") or []:
        name = re.match(r"[A-Za-z0-9_.-]+", requirement)
        assert name
        assert name[0].lower() in pinned | {"gateproof"}, f"{name[0]} is not in constraints.txt"
