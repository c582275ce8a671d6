"""docs/grading.md: its files, commands and runner, one after another, in a reader's folder."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from comparisons.grading import protocol
from comparisons.grading.cases import cases, cell

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS.joinpath("grading.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
GRU = """
import numpy as np


def step(x, h, kernel, recurrent_kernel, bias):
    gate = lambda a: 1 / (1 + np.exp(-a))
    (W_z, W_r, W_n), (U_z, U_r, U_n) = (np.split(a, 3, axis=-1) for a in (kernel, recurrent_kernel))
    b_z, b_r, b_n = np.split(bias, 3)
    z, r = gate(x @ W_z + b_z + h @ U_z), gate(x @ W_r + b_r + h @ U_r)
    return z * h + (1 - z) * np.tanh(x @ W_n + b_n + (r * h) @ U_n)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A reader's folder, with what the page tells them to write, and what they have."""
    folder = tmp_path_factory.mktemp("home")
    for language, code in BLOCKS:
        if name := re.match(r"# (\w+\.py)\n", code) if language == "python" else None:
            (folder / name[1]).write_text(code, encoding="utf-8")
    mine = (folder / "my.py").read_text(encoding="utf-8")
    assert mine.count("i, f, g, o = np") == 1
    (folder / "swapped.py").write_text(mine.replace("i, f, g, o = np", "f, i, g, o = np"), encoding="utf-8")
    (folder / "my_gru.py").write_text(GRU, encoding="utf-8")
    (folder / "submissions").mkdir()
    (folder / "submissions" / "one.py").write_text(mine, encoding="utf-8")
    (folder / "submissions" / "two.py").write_text("", encoding="utf-8")
    shutil.copy(DOCS / "examples" / "lstm.js", folder)
    if shutil.which("gcc"):
        (compiling,) = re.findall(r"`(gcc [^`]+)`", PAGE)
        shutil.copy(DOCS / "examples" / "lstm.c", folder)
        subprocess.run(shlex.split(compiling), cwd=folder, check=True)
    return folder


def gateproof(command, folder):
    words = shlex.split(command)
    assert words[0] == "gateproof"
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "comparisons", *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def without_digits(text):
    """Rounding is a machine's own."""
    return re.sub(r" +", " ", re.sub(r"\d+(\.\d+)?(e\+\d+)? u", "k u", text))


CONSOLE = [code for language, code in BLOCKS if language == "console"]
# The exit code of every command that is shown without what it prints; on a machine without gcc or node, not run.
SHELL = {
    "gateproof check my.py --cell lstm --option forget_bias=1.0 --option recurrent_activation=hard_sigmoid": 1,
    "gateproof check my_gru.py --cell gru --option reset_after=False": 0,
    "gateproof check --exec ./lstm --cell lstm": 0,
    'gateproof check --exec "node lstm.js" --cell lstm': 0,
    "gateproof check submissions --cell lstm": 1,
    "gateproof vectors --out vectors --cells lstm gru": 0,
}
NEEDS = {"./lstm": "gcc", "node lstm.js": "node"}


def test_every_block_is_run():
    shown = [line for language, code in BLOCKS if language == "sh" for line in code.splitlines()]
    assert shown == list(SHELL)
    assert {language for language, _ in BLOCKS} == {"python", "console", "sh"}


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.splitlines()[0])
def test_console_blocks_print_what_they_show(block, home):
    command, shown = re.fullmatch(r"\$ ([^\n]*)\n(.*)", block, re.DOTALL).groups()
    done = gateproof(command, home)
    assert without_digits(done.stdout) == without_digits(shown)
    assert (done.returncode, done.stderr) == (1 if "failed" in shown else 0, "")


@pytest.mark.parametrize("command", SHELL)
def test_commands_do_what_is_said_of_them(command, home):
    for program, needed in NEEDS.items():
        if program in command and not shutil.which(needed):
            pytest.skip(f"NOT CHECKED: {command}, since there is no {needed}")
    done = gateproof(command, home)
    assert (done.returncode, done.stderr) == (SHELL[command], ""), done.stdout
    if "--out vectors" in command:
        runner = next(code for language, code in BLOCKS if language == "python" and "vectors/lstm.json" in code)
        subprocess.run([sys.executable, "-W", "error", "-W", "ignore:overflow", "-c", runner], cwd=home, check=True)
        wrong = runner.replace("from my import", "from swapped import")
        assert subprocess.run([sys.executable, "-c", wrong], cwd=home, capture_output=True, check=False).returncode == 1


def test_the_keys_of_a_case_are_those_of_the_table():
    rows = re.findall(r"^\| (`.*?) \|", PAGE.split("Its keys come in this order")[1].split("\n\n## ")[0], re.MULTILINE)
    keys = [key for row in rows for key in re.findall(r"`(\w+)`", row)]
    case = cases(cell("lstm"))[0]
    told = list(eval(protocol.line(case), {"null": None}))
    assert [key for key in told if key not in (*case.state, *case.layer.weights._fields)] == [
        key for key in keys if key != "outputs"
    ]


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (DOCS / target).exists(), target


def test_the_examples_are_short():
    """About thirty lines: what a student has to write."""
    for name in ("lstm.c", "lstm.js"):
        assert len((DOCS / "examples" / name).read_text(encoding="utf-8").splitlines()) < 40
