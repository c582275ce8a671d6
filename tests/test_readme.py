"""Every code block of README.md and CONTRIBUTING.md runs, and does what it says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = {
    f"{page}:{text[: block.start()].count(chr(10)) + 1}": (block["language"], block["code"])
    for page in ("README.md", "CONTRIBUTING.md")
    for text in [(ROOT / page).read_text(encoding="utf-8")]
    for block in re.finditer(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", text, re.MULTILINE | re.DOTALL)
}
# Run by tests/test_install.py, in an environment of their own.
INSTALLED_ELSEWHERE = {"pip install .", "gateproof compare"}


def test_every_block_is_of_a_kind_that_is_run():
    """A drawing has no language."""
    assert {language for language, _ in BLOCKS.values()} == {"sh", "console", "python", ""}


def test_python_blocks_run_one_after_another():
    namespace = {}
    for place, (language, code) in BLOCKS.items():
        if language == "python":
            exec(compile(code, place, "exec"), namespace)


@pytest.mark.parametrize("place", [place for place, (language, _) in BLOCKS.items() if language == "console"])
def test_console_blocks_print_what_they_show(place):
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", BLOCKS[place][1], re.MULTILINE):
        words = shlex.split(command)
        assert words[0] == "gateproof"
        done = subprocess.run(
            [sys.executable, "-m", "comparisons", *words[1:]], capture_output=True, text=True, check=True, cwd=ROOT
        )
        assert done.stdout == shown


@pytest.mark.parametrize(
    "line",
    sorted({line for language, code in BLOCKS.values() if language == "sh" for line in code.splitlines()}),
)
def test_shell_blocks_name_what_there_is(line):
    """`make` is asked what it would do: the suite runs inside `make test`."""
    if line in INSTALLED_ELSEWHERE:
        assert line in (ROOT / "tests" / "test_install.py").read_text(encoding="utf-8")
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
