"""docs/diagnose.md: its Python runs, its command is answered as it says, and its table has every axis."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from comparisons.cli import main
from comparisons.diagnosis.axes import AXES, CELLS
from comparisons.diagnosis.found import AMBIGUOUS, NONE

PAGE = Path(__file__).parents[1].joinpath("docs/diagnose.md").read_text(encoding="utf-8")


def test_python_blocks_run():
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(block, "docs/diagnose.md", "exec"), {})


def test_the_command_answers_as_the_page_has_it(tmp_path, monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    layer, x = torch.nn.GRU(8, 16, batch_first=True), torch.randn(2, 8, 8)
    w = {name: a.detach().numpy() for name, a in layer.named_parameters()}
    np.savez(
        "w.npz",
        kernel=w["weight_ih_l0"].T,
        recurrent_kernel=w["weight_hh_l0"].T,
        bias=np.stack([w["bias_ih_l0"], w["bias_hh_l0"]]),
    )
    np.save("x.npy", x.numpy())
    np.save("y.npy", layer(x)[0].detach().numpy())
    (command,) = re.findall(r"^```sh\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
    assert main(shlex.split(command)[1:]) == 0
    shown = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]
    # The numbers depend on the machine.
    numbers = re.compile(r"[\d.]+e?-?\d*")
    assert numbers.sub("#", capsys.readouterr().out) == numbers.sub("#", shown)


def test_what_it_says_is_searched_is():
    said = re.search(r"^Searched so: (.*)\.$", PAGE, re.MULTILINE)
    assert said
    assert sorted(re.findall(r"`(\w+)`", said[1])) == sorted(CELLS)
    rows = [line for line in PAGE.split("## What is tried")[1].splitlines() if line.startswith("| ")][1:]
    assert len(AXES) >= len(rows) - 1
    for verdict in (AMBIGUOUS, NONE):
        assert f"| {verdict} | 1 |" in PAGE
