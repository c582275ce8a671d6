"""Every code block of README.md and CONTRIBUTING.md runs, and does what it says."""

import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from comparisons import cli
from reference import Layer, Weights, pack

ROOT = Path(__file__).parents[1]
BLOCKS = {
    f"{page}:{text[: block.start()].count(chr(10)) + 1}": (block["language"], block["code"])
    for page in ("README.md", "CONTRIBUTING.md")
    for text in [(ROOT / page).read_text(encoding="utf-8")]
    for block in re.finditer(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", text, re.MULTILINE | re.DOTALL)
}
BLOCK_OF_GRADING = re.search(
    r"^```python\n# my.py\n(.*?)^```$", (ROOT / "docs/grading.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)[1]
# What a command that runs here prints.
PRINTS = {
    "check": "passed 10 cases",
    "diagnose": "One explanation fits",
    "port": "Proved: the whole model.",
    "trace": "Written: ",
    "vectors": "Written: ",
}
# Run by tests/test_install.py, in an environment of their own.
INSTALLED_ELSEWHERE = {"pip install .", "gateproof compare"}
# Minutes long; run with --quick by these.
QUICK_ELSEWHERE = {
    "gateproof bench": "comparisons/test_bench.py",
    "gateproof study gradients": "comparisons/test_study.py",
    "gateproof study long-lag": "comparisons/test_study.py",
}


@pytest.fixture(scope="module")
def reader_s_folder(tmp_path_factory):
    """Where a reader is, with an old model of theirs, a cell, and arrays that they read as another framework's."""
    import tf_keras

    home, L = tmp_path_factory.mktemp("reader"), tf_keras.layers
    lstm = L.LSTM(16, recurrent_activation="hard_sigmoid", name="lstm")
    model = tf_keras.Sequential([L.Embedding(100, 8, name="embedding"), lstm, L.Dense(1, name="dense")])
    model.build((None, 7))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that .h5 is old
        model.save(home / "old.h5")
    rng = np.random.default_rng(0)
    (home / "my.py").write_text(BLOCK_OF_GRADING, encoding="utf-8")
    np.save(home / "tokens.npy", rng.integers(0, 100, (1, 7)))
    weights = Weights(*(rng.normal(size=size) / 3 for size in ((3, 15), (5, 15), 15, 15)))
    layer, x = Layer("gru", weights, {"reset_after": True}), rng.normal(size=(2, 6, 3))
    kernel, recurrent_kernel, *biases = pack(layer, "pytorch").arrays.values()  # in PyTorch's order, under Keras' names
    np.savez(home / "w.npz", kernel=kernel.T, recurrent_kernel=recurrent_kernel.T, bias=np.stack(biases))
    np.save(home / "x.npy", x)
    np.save(home / "y.npy", layer.run(x).outputs)
    return home


def test_every_block_is_of_a_kind_that_is_run():
    """A drawing has no language."""
    assert {language for language, _ in BLOCKS.values()} == {"sh", "console", "python", ""}


def test_python_blocks_run_one_after_another(reader_s_folder, monkeypatch):
    namespace = {}
    monkeypatch.chdir(reader_s_folder)
    for place, (language, code) in BLOCKS.items():
        if language == "python":
            exec(compile(code, place, "exec"), namespace)


@pytest.mark.parametrize("place", [place for place, (language, _) in BLOCKS.items() if language == "console"])
def test_console_blocks_print_what_they_show(place, reader_s_folder):
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", BLOCKS[place][1], re.MULTILINE):
        words = shlex.split(command)
        assert words[0] == "gateproof"
        done = subprocess.run(
            [sys.executable, "-m", "comparisons", *words[1:]],
            capture_output=True,
            text=True,
            check=True,
            cwd=reader_s_folder,
        )
        assert done.stdout == shown


@pytest.mark.parametrize(
    "line",
    sorted({line for language, code in BLOCKS.values() if language == "sh" for line in code.splitlines()}),
)
def test_shell_blocks_name_what_there_is(line, reader_s_folder):
    """`make` is asked what it would do: the suite runs inside `make test`."""
    if line in INSTALLED_ELSEWHERE:
        assert line in (ROOT / "tests" / "test_install.py").read_text(encoding="utf-8")
        return
    if line in QUICK_ELSEWHERE:
        assert cli.parser().parse(shlex.split(line)[1:]).command in cli.COMMANDS
        assert "--quick" in (ROOT / "tests" / QUICK_ELSEWHERE[line]).read_text(encoding="utf-8")
        return
    if line.startswith("gateproof "):
        command = [sys.executable, "-m", "comparisons", *shlex.split(line)[1:]]
        done = subprocess.run(command, cwd=reader_s_folder, capture_output=True, text=True, check=True)
        assert PRINTS[command[3]] in done.stdout
        return
    make, target = line.split()
    assert make == "make"
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True)
    does = {"run": "gateproof compare", "test": "pytest", "check": "pyright", "install": ""}
    assert does[target] in done.stdout


def test_links_lead_somewhere():
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), f"{page}: {target}"
