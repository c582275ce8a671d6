"""docs/tutorials.md: every block runs, and prints what the page says that it prints."""

import io
import re
import shlex
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path

import pytest

from comparisons.cli import main

PAGE = Path(__file__).parents[1].joinpath("docs/tutorials.md")
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
HEADINGS = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)


def test_python_blocks_print_what_they_show():
    """One after another; what a block prints is the `text` block after it."""
    pytest.importorskip("torch")
    names = {}
    for (language, code), (after, shown) in pairwise([*BLOCKS, ("", "")]):
        if language == "python":
            with redirect_stdout(io.StringIO()) as printed:
                exec(compile(code, "docs/tutorials.md", "exec"), names)
            assert printed.getvalue() == (shown if after == "text" else ""), code


def test_console_blocks_print_what_they_show(capsys):
    commands = [
        found
        for language, code in BLOCKS
        if language == "console"
        for found in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", code, re.M)
    ]
    assert len(commands) > 6
    for command, shown in commands:
        assert main(shlex.split(command)[1:]) == 0
        assert capsys.readouterr().out == shown, command


def test_every_block_is_of_a_kind_that_is_run():
    assert {language for language, _ in BLOCKS} == {"python", "text", "console"}
    shown = [before for (before, _), (language, _) in pairwise(BLOCKS) if language == "text"]
    assert set(shown) == {"python"}


def test_every_entry_has_all_its_parts():
    """The claim, what shows it, when it is right, where it was read, and the source."""
    entries = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
    for entry in entries:
        for part in ("```", "*Right when*", "*Read in*"):
            assert part in entry, entry[:60]
        assert "*Source:*" in entry or "gateproof params" in entry, entry[:60]


def test_the_contents_lead_to_the_entries():
    anchors = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADINGS]
    assert re.findall(r"^- \[.*\]\(#(.*)\)$", TEXT, re.MULTILINE) == anchors


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXT):
        assert (PAGE.parent / target).exists(), target
