"""docs/notebooks: each runs from top to bottom, says nothing on stderr, and stores what it gives."""

import base64
import io
import re
import sys
from pathlib import Path

import nbformat
import notebooks
import pytest
from nbclient.exceptions import CellExecutionError
from PIL import Image

from comparisons.arguments import COMMANDS
from comparisons.studies import STUDIES

KILOBYTES = 300
NAMES = {path.stem: notebooks.read(path) for path in notebooks.PATHS}


@pytest.mark.parametrize("name", NAMES)
def test_notebook_gives_what_it_stores(name):
    assert list(notebooks.differences(NAMES[name], notebooks.executed(NAMES[name]))) == []


@pytest.mark.parametrize("path", notebooks.PATHS, ids=lambda path: path.stem)
def test_notebook_is_small_and_names_no_machine(path):
    assert path.stat().st_size < 1000 * KILOBYTES
    stored = notebooks.read(path)
    assert stored.metadata == notebooks.METADATA
    for cell in stored.cells:
        assert set(cell.metadata) <= {"tags"}, cell.id
    text = path.read_text(encoding="utf-8")
    for place in (str(Path.home()), sys.prefix, "/tmp", "site-packages", "WARNING", "I0000"):
        assert place not in text, place
    assert '"image/png"' in text


@pytest.mark.parametrize("name", NAMES)
def test_links_and_commands_of_a_notebook_are_there(name):
    texts = [cell.source for cell in NAMES[name].cells if cell.cell_type == "markdown"]
    assert all(cell.cell_type == "markdown" for cell in NAMES[name].cells[:1])
    for text in texts:
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (notebooks.FOLDER / target).exists(), target
        for command, *words in (found.split() for found in re.findall(r"`gateproof ([^`]+)`", text)):
            assert command in COMMANDS
            assert command != "study" or words[0] in STUDIES


# What the test above is worth: the same, of what is not as it should be.


def printed(*texts, tags=()):
    """A notebook whose cells have printed these texts."""
    cells = [nbformat.v4.new_code_cell("", id=f"cell-{k}") for k in range(len(texts))]
    for cell, text in zip(cells, texts, strict=True):
        cell.outputs = [nbformat.v4.new_output("stream", text=text)]
        cell.metadata["tags"] = list(tags)
    return nbformat.v4.new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ("24 of 24 pass", "23 of 24 pass"),
        ("error 0.281", "error 0.284"),
        ("error 1.5e-07", "error 1.8e-07"),
        ("error 2.75", "error 3"),
        ("-0.50", "0.50"),
        ("keras 3.15.1", "keras 3.15.2"),
        ("passed", "FAILED"),
        ("one line", "one line\nanother"),
        ("f" * 64, "e" * 64),
    ],
)
def test_stale_output_is_seen(stored, found):
    assert len(list(notebooks.differences(printed("as it was", stored), printed("as it was", found)))) == 1


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ("error 0.281", "error 0.283"),
        ("error  9.99 |", "error 10.0  |"),
        ("error 1.5e-07", "error 1.7e-07"),
        ("-0.0", "0.0"),
        ("2.75; unit 7", "2.76; unit 7"),
    ],
)
def test_rounding_is_no_difference(stored, found):
    assert list(notebooks.differences(printed(stored), printed(found))) == []


def test_of_a_measured_cell_the_words_count():
    text = "{} in float32, by Keras 3.15.{}: passed, ratio {}\n──{}"
    stored, found = text.format("1.5 u", 1, "1,234", "─"), text.format("22.81 u", 2, "7.1e+06", "───")
    tags = [notebooks.MEASURED]
    assert list(notebooks.differences(printed(stored, tags=tags), printed(found, tags=tags))) == []
    found = found.replace("passed", "FAILED")
    assert len(list(notebooks.differences(printed(stored, tags=tags), printed(found, tags=tags)))) == 1


def drawn(*pictures):
    """A notebook with one cell that has shown pictures, each a list of its pixels' colours."""
    outputs = []
    for colours in pictures:
        picture, written = Image.new("RGB", (len(colours), 1)), io.BytesIO()
        picture.putdata(colours)
        picture.save(written, "png")
        data = {"image/png": base64.b64encode(written.getvalue()).decode()}
        outputs.append(nbformat.v4.new_output("display_data", data))
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", id="only", outputs=outputs)])


def test_missing_or_empty_picture_is_seen():
    line, empty = [(0, 0, 0), (255, 0, 0)], [(255, 255, 255)] * 2
    assert list(notebooks.differences(drawn(line), drawn(line[::-1]))) == []
    for stored, found in [([line], []), ([], [line]), ([line], [empty]), ([empty], [line])]:
        assert len(list(notebooks.differences(drawn(*stored), drawn(*found)))) == 1


@pytest.fixture
def written(tmp_path):
    """Writes a notebook of cells that have not run."""

    def written(*sources):
        cells = [nbformat.v4.new_code_cell(source, id=f"cell-{k}") for k, source in enumerate(sources)]
        path = tmp_path / "mine.ipynb"
        path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
        return path

    return written


def test_storing_twice_changes_nothing(written):
    path = written(
        "import os, random, shutil\nprint(os.listdir(), os.environ['MPLBACKEND'].split('.')[-1])",
        "os.path.basename(shutil.which('gateproof')), random.random() < 2",
        "",
    )
    notebook = notebooks.read(path)
    notebook.metadata["mine"] = notebook.cells[0].metadata["collapsed"] = True  # as an editor leaves it
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", text="of a cell that was emptied")]
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    notebooks.store(path)
    once = path.read_bytes()
    *cells, emptied = notebooks.read(path).cells
    assert emptied.outputs == []
    assert [cell.outputs[0].get("text", cell.outputs[0].get("data")) for cell in cells] == [
        "[] backend_inline\n",
        {"text/plain": "('gateproof', True)"},
    ]
    assert b"collapsed" not in once
    assert b"mine" not in once
    notebooks.store(path)
    assert path.read_bytes() == once
    assert [each.name for each in path.parent.iterdir()] == ["mine.ipynb"]


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("1 / 0", CellExecutionError),
        ("import warnings\nwarnings.warn('of something')", ValueError),
        ("import os\nos.write(2, b'by a C library')", ValueError),
    ],
)
def test_cell_that_raises_or_warns_fails_and_nothing_is_stored(cell, error, written):
    path = written("print(1)", cell)
    before = path.read_bytes()
    with pytest.raises(error):
        notebooks.store(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["mine.ipynb"]
