"""docs/gradients.md: its blocks run, and its table is the data that the live frameworks are asked about."""

import re
from pathlib import Path

import numpy as np

from reference.gradient_clipping import ARGUMENTS, MODES

PAGE = Path(__file__).parents[1].joinpath("docs/gradients.md").read_text(encoding="utf-8")


def test_python_blocks_run_one_after_another():
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/gradients.md", "exec"), names)
    assert names["gradients"].inputs.shape == (2, 10, 3)
    assert names["gradients"].weights.recurrent_kernel.shape == (5, 20)
    assert names["gradients"].initial_state.c.shape == (2, 5)
    assert not np.array_equal(names["trainer"].layer.weights.kernel, names["layer"].weights.kernel)
    assert np.isclose(sum((a**2).sum() for a in names["clipped"]), 1)


def test_the_tables_are_the_data():
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line[:1] == "|"]
    modes, arguments = rows[2:6], rows[8:]
    assert [row[0] for row in modes] == list(MODES)
    assert arguments == [[a.framework, a.argument, a.mode, str(a.epsilon or "–"), a.source] for a in ARGUMENTS]
