"""docs/layers.md: its block runs, and every row of its table of paths is asked of the layers."""

import re
from pathlib import Path

import pytest

import cells

PAGE = Path(__file__).parents[1].joinpath("docs/layers.md").read_text(encoding="utf-8")


def test_python_blocks_run():
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    for block in blocks:
        exec(compile(block, "docs/layers.md", "exec"), {})


def paths():
    """(option, what the page says) of the table under `## Which option takes which path`."""
    section = PAGE.split("## Which option takes which path")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [(option, path) for options, path in rows for option in re.findall(r"`([^`]+)`", options)]


@pytest.mark.parametrize(("option", "path"), paths())
def test_every_option_takes_the_path_that_the_page_says(option, path):
    options = eval(f"dict({option})")
    assert path in ("fast", "ordinary", "ordinary in training")
    for name in ("LSTM", "GRU", "SimpleRNN"):
        if name == "SimpleRNN" and ("use_cudnn" in options or "implementation" in options):
            continue
        layer = getattr(cells, name)(4, **options)
        layer.build((2, 5, 3))
        for training in (True, False):
            fast = layer.fast_steps(None, training) is not None
            assert fast == (path == "fast" or (path == "ordinary in training" and not training)), (name, training)


def test_the_table_is_read():
    assert len(paths()) >= 17
    assert {path for _, path in paths()} == {"fast", "ordinary", "ordinary in training"}
