"""`gateproof study`: the folder that it fills, and what goes wrong on the way."""

import csv
import io
import json
import math
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
from matplotlib.text import Text

from comparisons.cli import main
from comparisons.commands import reports
from comparisons.proof.draws import UnreadableData
from comparisons.render import slides, studies
from comparisons.studies import STUDIES
from comparisons.studies.part import Part
from comparisons.studies.work import KEPT, Piece, Work

ROOT = Path(__file__).parents[2]


def modules(name):
    """A study's computation, and its pictures."""
    module = name.replace("-", "_")
    return import_module(f"comparisons.studies.{module}"), import_module(f"comparisons.render.studies.{module}")


@pytest.fixture(scope="module", params=STUDIES)
def study(request):
    """A study's name and its parts, in the small."""
    heard = []
    parts = modules(request.param)[0].run(Work(quick=True, progress=lambda doing, of: heard.append(of)))
    assert max(heard) == len(heard), "progress hears of every piece"
    return request.param, parts


class Drawn:
    """In place of a figure."""

    def savefig(self, stream):
        stream.write(b"a picture")


@pytest.fixture
def computed(study, monkeypatch):
    """The study, neither computed again nor drawn; gives its name, parts and pictures."""
    name, parts = study
    module, render = modules(name)
    monkeypatch.setattr(module, "run", lambda work: parts)
    monkeypatch.setattr(render, "PICTURES", {part.name: lambda part: Drawn() for part in parts})
    return name, parts, render.PICTURES


def test_pictures(study, monkeypatch):
    monkeypatch.setattr(slides, "DPI", 20)
    name, parts = study
    for part in parts:
        figure = modules(name)[1].PICTURES[part.name](part)
        figure.savefig(picture := io.BytesIO())
        assert picture.getvalue().startswith(b"\x89PNG")
        words = {text.get_text().strip() for text in figure.findobj(Text)}
        assert part.title in words
        assert any(part.settings in " ".join(text.split()) for text in words), "the sizes stand under it"


def test_every_part_has_a_picture_numbers_and_a_paragraph(study):
    name, parts = study
    assert [part.name for part in parts] == list(modules(name)[1].PICTURES)
    for part in parts:
        assert len({len(row) for row in part.rows} | {len(part.columns)}) == 1
        assert len({len(row) for row in part.table} | {len(part.table_columns)}) == 1
        assert all(math.isfinite(cell) for row in part.rows for cell in row if isinstance(cell, float)), part.name
        assert len(re.findall(r"\d", part.says)) > 10, "a paragraph with the numbers in it"
        assert not re.search(r"\bnan\b|\binf\b|None", part.says)


def test_a_run_fills_the_folder(run, computed, tmp_path):
    name, parts, _ = computed
    shown = run("study", name, "--quick", "--out", str(tmp_path / "new" / "folder"))
    folder = tmp_path / "new" / "folder"
    wanted = {"study.json", "study.md"} | {f"{part.name}.{end}" for part in parts for end in ("png", "csv")}
    assert {path.name for path in folder.iterdir()} == wanted
    page = (folder / "study.md").read_text()
    for part in parts:
        assert part.title in shown
        assert part.says in page
        assert f"({part.name}.png)" in page
        assert (folder / f"{part.name}.png").read_bytes() == b"a picture"
        with (folder / f"{part.name}.csv").open(newline="") as stream:
            heads, *rows = csv.reader(stream)
        assert tuple(heads) == part.columns
        assert rows == [[str(cell) for cell in row] for row in part.rows]


def test_json(run, computed, tmp_path):
    name, parts, _ = computed
    data = json.loads(run("study", name, "--quick", "--seed", "5", "--json", "--out", str(tmp_path)))
    assert (data["schema_version"], data["study"], data["seed"], data["quick"]) == (1, name, 5, True)
    assert [part["says"] for part in data["parts"]] == [part.says for part in parts]
    assert all(Path(file).exists() for file in data.pop("files"))
    assert data == json.loads((tmp_path / "study.json").read_text())
    assert f"`gateproof study {name} --quick --seed 5`" in (tmp_path / "study.md").read_text()


def test_the_default_folder_has_the_studys_name(run, computed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("study", computed[0], "--quick")
    assert [path.name for path in tmp_path.iterdir()] == [f"study-{computed[0]}"]


def test_all_or_nothing(refused, computed, tmp_path, monkeypatch):
    """A picture that cannot be written leaves the folder as it was."""
    name, parts, pictures = computed
    (tmp_path / "study.md").write_text("of before")

    class Full(Drawn):
        def savefig(self, stream):
            super().savefig(stream)
            raise OSError(28, "No space left on device")

    monkeypatch.setitem(pictures, parts[-1].name, lambda part: Full())
    assert refused("study", name, "--quick", "--out", str(tmp_path)).endswith("No space left on device")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"study.md": "of before"}


def test_an_interrupted_study_says_how_it_goes_on(capsys, monkeypatch, tmp_path):
    """The pieces that were done are kept, found again, and gone when the study is written."""
    piece = lambda n: Piece(round, {"number": n + 0.6})
    part = Part("a", "A", "", ("n",), [(1,)], (), [], {}, "")
    stops = True

    def run(work):
        work.each({"first": piece(0), "second": piece(1)})
        if stops:
            work.each({"third": Piece(interrupt, {})})
        work.each({"third": piece(2)})
        return [part]

    module, render = modules("gradients")
    monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(render, "PICTURES", {"a": lambda part: Drawn()})
    assert main(["study", "gradients", "--quick", "--out", str(tmp_path)]) == 130
    sentence = "gateproof study: interrupted; the same command goes on after 2 of 3 pieces\n"
    assert capsys.readouterr() == ("", sentence)
    assert [path.name for path in tmp_path.iterdir()] == [KEPT]
    stops = False
    assert main(["study", "gradients", "--quick", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().err == "went on after 2 of 3 pieces of an interrupted run\n"
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "a.png", "study.json", "study.md"}


def test_what_cannot_be_read_leaves_no_folder(refused, monkeypatch, tmp_path):
    def run(work):
        raise UnreadableData("--data must be there")

    monkeypatch.setattr(modules("gradients")[0], "run", run)
    words = "study", "gradients", "--quick", "--out", str(tmp_path / "new")
    assert refused(*words, exit_code=3) == "gateproof study: --data must be there"
    assert not list(tmp_path.iterdir())


def interrupt():
    raise KeyboardInterrupt


def test_an_option_of_another_study_is_refused(refused):
    sentence = refused("study", "gradients", "--text", "a.txt")
    assert sentence == "gateproof study: --text is of the study next-character, got it for 'gradients'"


def test_what_is_refused(refused, tmp_path):
    assert refused("study", "gradient").startswith(f"gateproof study: NAME must be one of {', '.join(STUDIES)}, got")
    assert "--seed must be an integer" in refused("study", "gradients", "--seed", "-1")
    (tmp_path / "file").touch()
    sentence = refused("study", "gradients", "--quick", "--out", str(tmp_path / "file"))
    assert "--out must be a folder that can be written" in sentence


def test_help_names_every_study(run):
    words = " ".join(run("study", "--help").split())
    for name, study in STUDIES.items():
        assert f"{name}: {study.summary}" in words


def test_json_has_no_infinity():
    part = Part("a", "A", "", (), [], (), [], {"x": math.inf, "y": {"z": math.nan, "w": 1.5}}, "")
    assert studies.data("gradients", Work(), [part])["parts"][0]["found"] == {"x": None, "y": {"z": None, "w": 1.5}}


def test_progress_is_for_terminals(capsys, monkeypatch):
    with reports.progress() as progress:
        progress("anything", 1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with reports.progress() as progress:
        progress("a piece of work", 2)


def test_every_study_has_a_page_that_names_its_parts(study):
    name, parts = study
    page = (ROOT / f"docs/studies/{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {STUDIES[name].title}\n")
    assert f"gateproof study {name}" in page
    for part in parts:
        assert f"## {part.title}" in page
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page):
        assert (ROOT / "docs/studies" / target).exists(), target


@pytest.mark.parametrize(("page", "to"), [("README.md", "docs/"), ("docs/studies.md", "")])
def test_the_studies_are_listed(page, to):
    """As the command line has them, in its order."""
    rows = [f"| [`{name}`]({to}studies/{name}.md) | {of.summary} | {of.takes} |" for name, of in STUDIES.items()]
    assert "\n".join(rows) in (ROOT / page).read_text(encoding="utf-8")
