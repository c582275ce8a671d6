"""docs/cells: pages and pictures are what the code makes, and every number and command on them is the code's; their
equations and drawings are run by test_docs_cells_equations.py."""

import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import cells
import reference
from comparisons import cli
from comparisons.cell_pages import counts, facts
from comparisons.cell_pages.__main__ import DOCS, files
from comparisons.cell_pages.drawings import DRAWINGS
from comparisons.cell_pages.equations import EQUATIONS
from comparisons.cell_pages.texts import OPTIONS, TEXTS
from comparisons.grading.cases import cases, cell
from comparisons.proof.cases import CASES, Case
from comparisons.proof.draws import weights
from comparisons.render import traces_pictures
from comparisons.render.cells import drawing as drawn
from reference import steps
from reference.conventions.counted import SQUARE, reset_of

PAGES = {name: (DOCS / "cells" / f"{name}.md") for name in EQUATIONS}
FORMS = [(name, k) for name, forms in EQUATIONS.items() for k in range(len(forms))]
# Minutes long, or seconds that another test takes already: run by these.
ELSEWHERE = {"compare": "comparisons/test_compare.py"}
SEARCHED_ELSEWHERE = {"peephole_lstm": "comparisons/test_diagnose_command.py"}
BYTES = 60_000  # of a picture


@pytest.fixture(scope="module")
def made():
    """What the generator makes now."""
    return {str(path): text for path, text in files()}


# Pages and pictures


def test_every_cell_has_a_page_and_a_picture(made):
    assert sorted(EQUATIONS) == sorted(TEXTS) == sorted(steps.CELLS)
    assert {drawing.cell for drawing in DRAWINGS.values()} == set(steps.CELLS)
    there = {str(path.relative_to(DOCS)) for path in (DOCS / "cells").rglob("*") if path.is_file()}
    assert there == set(made) - {"family.md"}


def test_the_committed_files_are_what_the_code_makes(made):
    for path, text in made.items():
        assert (DOCS / path).read_text(encoding="utf-8") == text, f"{path}: run make pages"


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_picture_is_small_and_well_formed(name):
    text = drawn.svg(DRAWINGS[name])
    assert len(text.encode()) < BYTES
    width, height = DRAWINGS[name].size
    for element in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text"):
        assert 0 < float(element.attrib["x"]) < width
        assert 0 < float(element.attrib["y"]) < height


def test_links_lead_somewhere(made):
    for path, text in made.items():
        if path.endswith(".md"):
            targets = re.findall(r"\]\(([^)#:]+)\)", text)
            assert len(targets) > 1
            for target in targets:
                assert (DOCS / path).parent.joinpath(target).exists(), f"{path}: {target}"


# Numbers


@pytest.mark.parametrize("name", EQUATIONS)
def test_counts_are_those_of_the_reference(made, name):
    """The totals of the page, and its sums at other sizes."""
    page, sizes = made[f"cells/{name}.md"], {"H": 7, "X": 7 if name in SQUARE else 3, "R": 2}
    for form in counts.stored(name):
        more = {"reset_after": reset_of(form.key), "convention": form.framework}
        count = lambda X, H, R, form=form, more=more: reference.count_parameters(
            name, input_dim=X, units=H, projection=R if form.projected else None, **more
        )
        inputs = counts.H if name in SQUARE else counts.X
        assert form.parameters == count(inputs, counts.H, counts.R)
        assert counts.parameters(form.formula, **sizes) == count(sizes["X"], sizes["H"], sizes["R"])
        assert f"- {form.parameters} = $`" in page


def test_texts_bring_no_numbers():
    """But 0 and 1, and the names of cells and programs: the others are the code's."""
    for text in TEXTS.values():
        plain = re.sub(r"MUT\d|TensorFlow 1", "", text.changed)
        assert not re.findall(r"[2-9]|\d\d", plain), text.title


def test_options_are_the_cells_own(made):
    named = set()
    for name in EQUATIONS:
        arguments = getattr(cells, facts.class_of(name)).arguments
        shown = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", made[f"cells/{name}.md"], re.MULTILINE)
        shown = [row for row in shown if row[0] in OPTIONS]
        assert dict(shown) == {option: repr(value) for option, value in arguments.items() if option in OPTIONS}
        assert {*steps.options(name)} <= {option for option, _ in shown} | {"norm_epsilon"}
        named |= {option for option, _ in shown}
    assert named == set(OPTIONS)


def test_no_mistake_is_missed():
    assert all(not facts.mistakes(name).missed for name in EQUATIONS)
    assert all(len(facts.mistakes(name).caught) >= 5 for name in EQUATIONS)


# Commands

MY = """
from comparisons.cell_pages import evaluating
from reference import Layer
from reference.steps import weights_type

LINES = evaluating.lines_of({cell!r}, instead={instead!r})


def step({parameters}):
    arrays = {{{arrays}}}
    weights = weights_type({cell!r})(**arrays)
    known = evaluating.step(LINES, evaluating.Arrays(Layer({cell!r}, weights)), {{("x", 0): x, {states}}})
    return {returned}
"""


def mine(name, instead=""):
    """A student's file: the equation of the page, as a function."""
    case = cases(cell(name))[0]
    arrays = [field for field, a in case.layer.weights._asdict().items() if a is not None]
    fields = list(case.state)
    return MY.format(
        cell=name,
        instead=instead,
        parameters=", ".join(["x", *fields, *arrays]),
        arrays=", ".join(f"{array!r}: {array}" for array in arrays),
        states=", ".join(f"({field!r}, -1): {field}" for field in fields),
        returned=", ".join(f"known[{field!r}, 0]" for field in fields) + ",",
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A reader's folder, with a model of every cell, an input, and the weights and outputs of what can be searched."""
    import keras

    folder = tmp_path_factory.mktemp("cells")
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(2, 6, 4)).astype("float32")
    np.save(folder / "x.npy", x)
    for name in EQUATIONS:
        layer = keras.layers.RNN(getattr(cells, facts.class_of(name))(4), return_sequences=True)
        keras.Sequential([keras.Input((6, 4)), layer]).save(folder / f"{name}.keras")
    return folder


def commands(made, name):
    (block,) = re.findall(r"^```sh\n(.*?)^```$", made[f"cells/{name}.md"], re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for line in block.splitlines()]


def gateproof(words):
    with redirect_stdout(io.StringIO()) as printed:
        code = cli.main(words)
    return code, printed.getvalue()


class Blank:
    """In place of a figure, which takes its time."""

    def savefig(self, stream, **_):
        stream.write(b"a picture")


@pytest.mark.parametrize("name", EQUATIONS)
def test_commands_do_what_is_said_of_them(made, home, monkeypatch, name):
    monkeypatch.chdir(home)
    monkeypatch.setattr(traces_pictures, "PICTURES", dict.fromkeys(traces_pictures.PICTURES, lambda drawn: Blank()))
    for program, command, *rest in commands(made, name):
        assert program == "gateproof"
        if command in ELSEWHERE:
            assert (Path(__file__).parent / ELSEWHERE[command]).exists()
            assert cli.parser().parse([command, *rest]).cells == [name]
            assert any(case.cell == name for case in CASES)
            continue
        if command == "diagnose" and name in SEARCHED_ELSEWHERE:
            assert cli.parser().parse([command, *rest]).cell == name
            assert f'"--cell", "{name}"' in (Path(__file__).parent / SEARCHED_ELSEWHERE[name]).read_text(
                encoding="utf-8"
            )
            continue
        if command == "check":
            Path("my.py").write_text(mine(name), encoding="utf-8")
        if command == "diagnose":
            layer = weights(Case(name, name, units=4, without=("projection",)), 4, seed=0)
            arrays: Any = reference.pack(layer, "keras").arrays
            np.savez("w.npz", **arrays)
            np.save("y.npy", layer.run(np.load("x.npy")).outputs)
        code, printed = gateproof([command, *rest])
        assert code == 0, printed
