"""docs/page.md: its commands run, and its table is the page's sections."""

import json
import re
import shlex
from pathlib import Path

from comparisons import cli

PAGE = Path(__file__).parents[1].joinpath("docs/page.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^gateproof .*$", PAGE, re.MULTILINE)


def test_commands_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) == 2
    monkeypatch.setattr("comparisons.proof.cases.CASES", [c for c in _cases() if c.name in ("gru", "gru, no bias")])
    for command in COMMANDS:
        assert cli.main(shlex.split(command)[1:]) == 0
        assert capsys.readouterr().err == ""
    html = Path("report/report.html").read_text(encoding="utf-8")
    links = re.findall(r'<a href="#\w+">(\w+)</a></li>', html)
    parts = re.findall(r"^\| (\w[\w ]*) \|", PAGE, re.MULTILINE)
    assert parts == ["part", "the verdict", "Failed", *links]
    again, whole = (json.loads(Path(f, "report.json").read_text()) for f in ("again", "report"))
    (case,) = again["cases"]
    assert case["name"] == "gru, no bias"
    (among,) = [case for case in whole["cases"] if case["name"] == "gru, no bias"]
    own = {row["framework"]: row for row in among["rows"]}
    assert case["rows"] == [own["cells"], own["reference"]]
    assert all(check["first_past"] is None for row in case["rows"] for check in row["checks"].values())


def _cases():
    from comparisons.proof.cases import CASES

    return CASES
