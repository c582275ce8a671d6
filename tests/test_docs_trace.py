"""docs/trace.md: its commands and blocks run one after another, and its table of files is what is written."""

import json
import re
import shlex
from pathlib import Path

import keras
import numpy as np
import pytest

from comparisons.cli import main
from comparisons.render import traces_pictures

PAGE = Path(__file__).parents[1].joinpath("docs/trace.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def reader_s_folder(tmp_path_factory):
    """Where a reader is, with two models, a series and a vocabulary of theirs."""
    home, L = tmp_path_factory.mktemp("reader"), keras.layers
    keras.utils.set_random_seed(0)
    keras.Sequential([L.Input((None, 3)), L.LSTM(4, name="lstm"), L.Dense(1)]).save(home / "model.keras")
    embedding = L.Embedding(9, 2, name="embedding")
    layers = [L.Input((None,)), embedding, L.LSTM(5, return_sequences=True, name="lstm"), L.GRU(4, name="gru")]
    keras.Sequential(layers).save(home / "chars.keras")
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    np.save(home / "x.npy", x)
    np.savetxt(home / "series.csv", x[0], delimiter=",")
    (home / "vocabulary.json").write_text(json.dumps(list(" acehstx")))
    return home


class Blank:
    """In place of a figure, which takes its time."""

    def savefig(self, stream, **_):
        stream.write(b"a picture")


def test_commands_run_and_write_what_the_table_names(reader_s_folder, monkeypatch, capsys):
    monkeypatch.chdir(reader_s_folder)
    monkeypatch.setattr(traces_pictures, "PICTURES", dict.fromkeys(traces_pictures.PICTURES, lambda drawn: Blank()))
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) == 3
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0
    assert capsys.readouterr().err == ""
    named = set(re.findall(r"^\| `(\w+\.\w+)` \|", PAGE, re.MULTILINE))
    written = {path.name for path in (reader_s_folder / "trace").iterdir()}
    assert written == named - {"text.png"}
    layers = {path.name.partition("-")[0] for path in (reader_s_folder / "text").iterdir() if "-" in path.name}
    assert layers == {"lstm", "gru"}
    assert (reader_s_folder / "text" / "gru-text.png").exists()


def test_python_blocks_run_one_after_another(reader_s_folder, monkeypatch):
    monkeypatch.chdir(reader_s_folder)
    names = {}
    for block in blocks("python"):
        exec(compile(block, "docs/trace.md", "exec"), names)
    assert names["figure"].axes


def test_the_numbers_of_the_page_are_the_code_s():
    from comparisons.render import traces_axes, traces_files
    from comparisons.tracing import memory

    assert f"up to {traces_axes.FITS} steps" in PAGE
    assert f"{traces_files.JSON_NUMBERS:,} numbers" in PAGE
    assert f"open (above {memory.OPEN}) and shut (below {memory.SHUT})" in PAGE


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (Path(__file__).parents[1] / "docs" / target).exists(), target
