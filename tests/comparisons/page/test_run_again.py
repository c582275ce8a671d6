"""`gateproof compare --case NAME`, the command of a failed case on the page: that case alone, with the same numbers."""

import json
import shlex
from pathlib import Path

import numpy as np

import cells
from comparisons import cli
from comparisons.proof import draws, run
from comparisons.proof.cases import CASES
from comparisons.render import document


def again(folder):
    return json.loads((folder / "again" / "report.json").read_text())


def test_it_gives_the_same_numbers_as_among_others(tmp_path, monkeypatch):
    """Also of trained weights, which cases share, and of a case that is only run with --all."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(draws, "sunspots", lambda: np.sin(np.arange(60.0))[:, None] + np.arange(60)[:, None] / 30)
    names = ("simple_rnn", "simple_rnn, mask", "gru, bidirectional, sum")
    among = [case for case in CASES if case.name in names]
    whole = run.run(
        cells=["simple_rnn", "gru"], names=["reference"], series=draws.sunspots(), data="", seed=5, cases=among
    )
    last = names[1:]
    assert (
        cli.main(["compare", *(f"--case={n}" for n in last), "--frameworks=reference", "--seed=5", "--out=again"]) == 0
    )
    expected = [case for case in document.data(whole)["cases"] if case["name"] in last]
    assert again(tmp_path)["cases"] == json.loads(json.dumps(expected))


class Swapped(cells.GRUCell):
    """A cell with reset and update gate exchanged."""

    def split(self, a, gates=None):
        z, r, *others = super().split(a, gates)
        return r, z, *others


def test_the_page_s_own_command_runs_the_failed_case(tmp_path, monkeypatch, read):
    """Also on data whose name is a script with a space and both kinds of quotes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cells, "GRUCell", Swapped)
    data = Path("<script>alert(1)</script> 'of' \"mine\".csv")
    data.parent.mkdir()
    data.write_text("\n".join(map(str, range(50))))
    given = ["--case", "gru, no bias", "--frameworks", "cells", "reference", "--data", str(data), "--seed", "3"]
    assert cli.main(["compare", *given]) == 1
    page = read(Path("report/report.html").read_text(encoding="utf-8"))
    assert [name for name, _ in page.elements].count("script") == 1
    (command,) = page.each("pre")
    assert cli.main(shlex.split(command)[1:]) == 1
    (case,), named = again(tmp_path)["cases"], again(tmp_path)["data"]
    assert named == data.name
    assert case["name"] == "gru, no bias"
    first = json.loads(Path("report/report.json").read_text())["cases"][0]
    assert case["rows"] == [row for row in first["rows"] if not row["passed"]]
    assert [row["framework"] for row in case["rows"]] == ["cells"]
    for rule, field in {"shadowed": "h", "end to end": "output"}.items():
        place = case["rows"][0]["checks"][rule]["first_past"]["at"]
        assert (place["step"], place["field"]) == (0, field)
